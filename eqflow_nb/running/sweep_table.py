"""What came of a sweep: a tidy table with a row for each set of parameters, and its summary."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from eqflow_nb.inputs import replace_bytes, replace_text
from eqflow_nb.running import runner, scorecard
from eqflow_nb.running.sweep_sets import Sweep

RECORD = ("status", "seconds", "peak_mb", "attempts", "error")
Rows = Mapping[str, Mapping[str, Any]]


def write(sweep: Sweep) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Gather a sweep's results from its folders into ``table.csv``, ``.parquet``, ``summary.csv``.

    Returns
    -------
    table : DataFrame
        As `table` makes it.
    summary : DataFrame
        As `summarise` makes it.
    """
    cards = [_card(task) for task in sweep.tasks]
    frame, summary = table(sweep, cards), summarise(cards)
    _write_csv(sweep.out / "table.csv", frame)
    _write_csv(sweep.out / "summary.csv", summary)
    parquet = io.BytesIO()
    frame.to_parquet(parquet, index=False)
    replace_bytes(sweep.out / "table.parquet", parquet.getvalue())
    return frame, summary


def table(sweep: Sweep, cards: list[Rows]) -> pd.DataFrame:
    """One row for each set, in the order in which the sweep names them.

    Columns: the parameters given; status ("finished", "failed" or "none" for those not run yet),
    seconds, peak_mb, attempts and error; each scorecard row's value under the row's name, and its
    deviation as ``row.sd`` where any set has one.  A scorecard row named like a column before it
    becomes ``row.value``.
    """
    lines = []
    for task, card in zip(sweep.tasks, cards, strict=True):
        line = {name: _cell(value) for name, value in task.overrides.items()}
        record = {"status": "none"} | _record(task)
        line |= {key: record.get(key) for key in RECORD}
        for name, row in card.items():
            line[f"{name}.value" if name in (*task.overrides, *RECORD) else name] = row["value"]
            if "sd" in row:
                line[f"{name}.sd"] = row["sd"]
        lines.append(line)
    frame = pd.DataFrame(lines)
    measured = [*RECORD[1:4], *frame.columns[len(sweep.given) + len(RECORD) :]]
    frame[measured] = frame[measured].astype("float64")  # None as NaN, also where all are
    frame["error"] = frame["error"].fillna("")
    return frame


def summarise(cards: list[Rows]) -> pd.DataFrame:
    """Each scorecard row over all sets that have it with a finite value.

    Returns
    -------
    DataFrame
        Columns ``row``, ``sets`` (how many have it), ``not_finite`` (how many have it without a
        finite value), ``mean``, ``sd`` (sample deviation, NaN for one set), ``worst`` (the value
        farthest on the wrong side of the target, NaN without one), ``target`` and ``met`` (in how
        many sets).
    """
    lines = []
    for name in dict.fromkeys(name for card in cards for name in card):
        rows = [card[name] for card in cards if name in card]
        values = pd.Series([row["value"] for row in rows if row["value"] is not None], dtype=float)
        judged = [row for row in rows if "target" in row]
        worst = max(judged, key=lambda row: wrongness(row["value"], row["target"]), default=None)
        lines.append(
            {
                "row": name,
                "sets": len(values),
                "not_finite": len(rows) - len(values),
                "mean": values.mean(),
                "sd": values.std(),
                "worst": math.nan if worst is None else worst["value"],
                "target": ", ".join(dict.fromkeys(row["target"] for row in judged)),
                "met": sum(bool(row.get("met")) for row in judged) if judged else None,
            }
        )
    columns = ["row", "sets", "not_finite", "mean", "sd", "worst", "target", "met"]
    frame = pd.DataFrame(lines, columns=columns)
    frame[columns[3:6]] = frame[columns[3:6]].astype("float64")
    return frame.astype({"met": "Int64"})


def wrongness(value: float | None, target: str) -> float:
    """How far a value lies on the wrong side of a target, in its units; below 0 on the right side.

    A value that isn't finite is infinitely wrong.
    """
    if value is None:
        return math.inf
    if bound := scorecard.BOUND.fullmatch(target.strip()):
        excess = value - float(bound[2])
        return excess if bound[1].startswith("<") else -excess
    within = scorecard.WITHIN.fullmatch(target.strip())
    assert within, target  # the scorecard refuses any other
    width, centre = float(within[1]), float(within[3])
    return abs(value - centre) - width * (abs(centre) / 100 if within[2] else 1)


def keep(sweep: Sweep, frame: pd.DataFrame, command: str, wall_seconds: float) -> Path:
    """Write a finished sweep's table beside its notebook, as ``NAME_sweep.csv``, with its record.

    ``NAME_sweep.json`` holds the command, the versions, the seconds that this call took, and the
    mean seconds and peak memory of a set.
    """
    path = sweep.source.with_name(f"{sweep.source.stem}_sweep.csv")
    _write_csv(path, frame.drop(columns=[name for name in RECORD if name != "seconds"]))
    record = {
        "command": command,
        "sets": len(frame),
        "versions": runner.record(sweep.tasks[0])["versions"],
        "wall_seconds": round(wall_seconds, 1),
        "seconds_per_set": round(float(frame["seconds"].mean()), 1),
        "peak_mb": round(float(frame["peak_mb"].max())),
        "cores": runner.cores(),
    }
    replace_text(path.with_suffix(".json"), scorecard.dump(record))
    return path


def shown(summary: pd.DataFrame) -> str:
    """A summary as aligned text, empty where there is nothing to say."""
    if summary.empty:
        return "no scorecard rows"
    kept = summary if summary["not_finite"].any() else summary.drop(columns="not_finite")
    text = kept.astype(object).where(kept.notna(), "")
    return text.to_string(index=False, float_format="{:.4g}".format, na_rep="")


def _card(task: runner.Task) -> Rows:
    """The scorecard of a set that has finished, else no rows."""
    return scorecard.read(task.result) if _record(task).get("status") == "finished" else {}


def _record(task: runner.Task) -> dict[str, Any]:
    record = runner.record(task)
    return record if record.get("fingerprint") == task.fingerprint else {}


def _cell(value: Any) -> Any:
    """A parameter as a table can hold it."""
    return value if isinstance(value, bool | int | float | str) else json.dumps(value)


def _write_csv(path: Path, frame: pd.DataFrame) -> None:
    replace_bytes(path, frame.to_csv(index=False, lineterminator="\n").encode())
