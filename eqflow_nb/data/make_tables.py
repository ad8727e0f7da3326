"""Make cell_cycle.csv, sunspots.csv, pacific.csv and lynx.csv from the wheels that hold them.

None of these need be installed; see eqflow_nb/data/README.md for sources and licences:

    pip install h5py
    pip download --no-deps scanpy==1.11.5 statsmodels==0.15.0 pmdarima==2.1.1
    python eqflow_nb/data/make_tables.py scanpy-*.whl statsmodels-*.whl pmdarima-*.whl
"""

import ast
import io
import sys
import zipfile
from pathlib import Path

import h5py
import pandas

TARGET = Path(__file__).parent


def cells(wheel: zipfile.ZipFile) -> pandas.DataFrame:
    """The two scores of each cell, its annotated phase and its type."""
    content = io.BytesIO(wheel.read("scanpy/datasets/10x_pbmc68k_reduced.h5ad"))
    with h5py.File(content) as file:
        table = pandas.DataFrame(file["obs"][:])
        for key in ("phase", "bulk_labels"):
            names = [name.decode() for name in file[f"uns/{key}_categories"][:]]
            table[key] = table[key].map(dict(enumerate(names)))
    table = table.rename(columns={"bulk_labels": "cell_type"})
    return table[["S_score", "G2M_score", "phase", "cell_type"]]


if __name__ == "__main__":
    scanpy, statsmodels, pmdarima = map(zipfile.ZipFile, sys.argv[1:])
    years, months = (
        pandas.read_csv(io.BytesIO(statsmodels.read(f"statsmodels/datasets/{n}/{n}.csv")))
        for n in ("sunspots", "elnino")
    )
    years.columns = ["year", "sunspots"]
    warmth = months.set_index("YEAR").to_numpy().ravel()
    when = [f"{year}-{month:02d}" for year in months["YEAR"] for month in range(1, 13)]
    tree = ast.walk(ast.parse(pmdarima.read("pmdarima/datasets/lynx.py")))
    lists = (node for node in tree if isinstance(node, ast.List))
    skins = ast.literal_eval(max(lists, key=lambda node: len(node.elts)))
    tables = {
        "cell_cycle": cells(scanpy),
        "sunspots": years,
        "pacific": pandas.DataFrame({"month": when, "celsius": warmth}),
        "lynx": pandas.DataFrame({"year": range(1821, 1821 + len(skins)), "skins": skins}),
    }
    for name, table in tables.items():
        # Nine digits hold a float32, as those of the cells are, exactly.
        digits = "%.9g" if name == "cell_cycle" else None
        path = TARGET / f"{name}.csv"
        table.to_csv(path, index=False, float_format=digits, lineterminator="\n")
