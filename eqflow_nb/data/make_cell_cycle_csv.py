"""Make eqflow_nb/data/cell_cycle.csv from scanpy's bundled `pbmc68k_reduced`.

Run it where scanpy's wheel has been fetched; neither scanpy nor anndata need be installed:

    pip download --no-deps scanpy==1.11.5
    pip install h5py
    python eqflow_nb/data/make_cell_cycle_csv.py scanpy-1.11.5-py3-none-any.whl

See eqflow_nb/data/README.md for where the cells come from and under which licence.
"""

import io
import sys
import zipfile
from pathlib import Path

import h5py
import pandas

BUNDLED = "scanpy/datasets/10x_pbmc68k_reduced.h5ad"
TARGET = Path(__file__).parent / "cell_cycle.csv"


def table(wheel: Path) -> pandas.DataFrame:
    """The two scores of each cell, its annotated phase and its type."""
    with zipfile.ZipFile(wheel) as archive:
        content = io.BytesIO(archive.read(BUNDLED))
    with h5py.File(content) as file:
        cells = pandas.DataFrame(file["obs"][:])
        for key in ("phase", "bulk_labels"):
            names = [name.decode() for name in file[f"uns/{key}_categories"][:]]
            cells[key] = cells[key].map(dict(enumerate(names)))
    cells = cells.rename(columns={"bulk_labels": "cell_type"})
    return cells[["S_score", "G2M_score", "phase", "cell_type"]]


if __name__ == "__main__":
    # Nine digits hold a float32 exactly.
    table(Path(sys.argv[1])).to_csv(TARGET, index=False, float_format="%.9g", lineterminator="\n")
