"""Make eqflow_nb/data/cell_cycle.csv from scanpy's bundled `pbmc68k_reduced`.

Run it where scanpy's wheel has been fetched; neither scanpy nor anndata need be installed:

    pip download --no-deps scanpy==1.11.5
    pip install h5py
    python eqflow_nb/data/make_cell_cycle_csv.py scanpy-1.11.5-py3-none-any.whl

See eqflow_nb/data/README.md for where the cells come from and under which licence.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import zipfile
from pathlib import Path

import h5py
import numpy as np

BUNDLED = "scanpy/datasets/10x_pbmc68k_reduced.h5ad"
TARGET = Path(__file__).parent / "cell_cycle.csv"


def cells(wheel: Path) -> tuple[np.ndarray, dict[str, list[str]]]:
    """The table of cells, and the names that its codes for phase and type stand for."""
    with zipfile.ZipFile(wheel) as archive:
        content = io.BytesIO(archive.read(BUNDLED))
    with h5py.File(content) as file:
        names = {
            key: [name.decode() for name in file[f"uns/{key}_categories"][:]]
            for key in ("phase", "bulk_labels")
        }
        return file["obs"][:], names


def table(obs: np.ndarray, names: dict[str, list[str]]) -> str:
    """The two scores of each cell, its annotated phase and its type, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["S_score", "G2M_score", "phase", "cell_type"])
    for cell in obs:
        # Nine digits hold a float32 exactly.
        scores = [f"{cell['S_score']:.9g}", f"{cell['G2M_score']:.9g}"]
        labels = [names[key][cell[key]] for key in ("phase", "bulk_labels")]
        writer.writerow([*scores, *labels])
    return text.getvalue()


def main() -> None:
    """Write the table and print its checksum."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("wheel", type=Path, help="scanpy's wheel")
    parser.add_argument("--to", type=Path, default=TARGET)
    arguments = parser.parse_args()
    text = table(*cells(arguments.wheel))
    arguments.to.parent.mkdir(parents=True, exist_ok=True)
    arguments.to.write_text(text, encoding="utf-8")
    print(f"sha256 {hashlib.sha256(text.encode()).hexdigest()}  {arguments.to.name}")


if __name__ == "__main__":
    main()
