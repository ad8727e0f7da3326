"""Make sunspots.csv, pacific.csv and lynx.csv from the wheels of statsmodels and pmdarima.

Neither need be installed; see eqflow_nb/data/README.md for sources and licences:

    pip download --no-deps statsmodels==0.15.0 pmdarima==2.1.1
    python eqflow_nb/data/make_recordings.py statsmodels-*.whl pmdarima-*.whl
"""

import ast
import io
import sys
import zipfile
from pathlib import Path

import pandas

TARGET = Path(__file__).parent


def main(statsmodels: str, pmdarima: str) -> None:
    """Write the three tables: when, and what was counted or measured then."""
    with zipfile.ZipFile(statsmodels) as wheel:
        years, months = (
            pandas.read_csv(io.BytesIO(wheel.read(f"statsmodels/datasets/{n}/{n}.csv")))
            for n in ("sunspots", "elnino")
        )
    years.columns = ["year", "sunspots"]
    warmth = months.set_index("YEAR").to_numpy().ravel()
    when = [f"{year}-{month:02d}" for year in months["YEAR"] for month in range(1, 13)]
    with zipfile.ZipFile(pmdarima) as wheel:
        source = wheel.read("pmdarima/datasets/lynx.py").decode()
    lists = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.List))
    skins = ast.literal_eval(max(lists, key=lambda node: len(node.elts)))
    tables = {
        "sunspots": years,
        "pacific": pandas.DataFrame({"month": when, "celsius": warmth}),
        "lynx": pandas.DataFrame({"year": range(1821, 1821 + len(skins)), "skins": skins}),
    }
    for name, table in tables.items():
        table.to_csv(TARGET / f"{name}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
