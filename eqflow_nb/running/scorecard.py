"""Scorecards: a notebook's figures of merit, their targets, and what the paper reports.

A notebook fills a `Scorecard` and shows it.  The rows travel inside the executed notebook, as an
output of their own type, so a scorecard can't be parted from the run that made it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eqflow_nb.inputs import replace_text

MIME = "application/vnd.eqflow.scorecard+json"
COLUMNS = ("row", "value", "spread", "floor or control", "paper", "target", "met")

_NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
BOUND = re.compile(rf"(<=|>=|<|>)\s*{_NUMBER}")
WITHIN = re.compile(rf"within\s+{_NUMBER}\s*(%?)\s+of\s+{_NUMBER}")


@dataclass(frozen=True)
class Row:
    """One figure of merit.

    Attributes
    ----------
    name : str
        Dotted, from world to measure, e.g. ``ring.exact.preservation_1000``.
    value : float or None
        The figure; None where it came out NaN or infinite.
    sd, floor, control : float or None
        Its spread over repeats, the least the measure can give, and the figure of a control.
    paper : float, str or None
        What Zhang & Levin (2025), arXiv:2509.17990, report.
    target : str or None
        ``"<= 1.5"``, ``"> 1.5"``, ``"within 3% of .9056"``; None for a figure only reported.
    details : dict
        Anything else worth keeping, such as units, seeds or counts.
    """

    name: str
    value: float | None
    sd: float | None = None
    floor: float | None = None
    control: float | None = None
    paper: float | str | None = None
    target: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None if there is no target."""
        return None if self.target is None else meets(self.value, self.target)

    def as_dict(self) -> dict[str, Any]:
        """The row as plain data: ``value`` always, the rest where it is known."""
        known = {
            "sd": self.sd,
            "floor": self.floor,
            "control": self.control,
            "paper": self.paper,
            "target": self.target,
            "met": self.met,
        }
        return {
            "value": self.value,
            **{key: item for key, item in known.items() if item is not None},
            **self.details,
        }


class Scorecard:
    """The figures of merit of one notebook.

    Parameters
    ----------
    notebook : str
        The notebook's stem, e.g. ``01_toys_2d``.
    **shared
        What all rows have in common, e.g. ``seed=0, budget="laptop"``; kept with every row.
    """

    def __init__(self, notebook: str, **shared: Any) -> None:
        self.notebook = notebook
        self.shared = {key: _plain(item) for key, item in shared.items()}
        self.rows: dict[str, Row] = {}

    def row(
        self,
        name: str,
        value: Any,
        *,
        sd: Any = None,
        floor: Any = None,
        control: Any = None,
        paper: Any = None,
        target: str | None = None,
        **details: Any,
    ) -> Row:
        """Add a figure; see `Row` for the arguments.

        Raises
        ------
        ValueError
            If there is a row of that name already, or the target can't be read.
        """
        if name in self.rows:
            raise ValueError(f"the scorecard has a row {name!r} already; give each its own name")
        if target == "reported":
            target = None
        if target is not None:
            meets(0.0, target)  # a target that can't be read is refused here, not at the end
        self.rows[name] = Row(
            name,
            _finite(value),
            sd=_finite(sd),
            floor=_finite(floor),
            control=_finite(control),
            paper=paper if isinstance(paper, str) else _finite(paper),
            target=target,
            details=self.shared | {key: _plain(item) for key, item in details.items()},
        )
        return self.rows[name]

    def spread(self, name: str, values: Any, **arguments: Any) -> None:
        """Add the mean and the deviation of a tensor of repeats, as ``name_mean``, ``name_sd``.

        The arguments are those of `row`, and go with the mean.  Cosines found the wrong way round,
        of a negative mean, are counted by their size.
        """
        values = abs(values) if float(values.mean()) < 0 else values
        self.row(f"{name}_mean", values.mean(), sd=values.std(), **arguments)
        self.row(f"{name}_sd", values.std())

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """All rows as plain data, by name."""
        return {name: row.as_dict() for name, row in self.rows.items()}

    def show(self) -> None:
        """Show the table, and put the rows into the notebook's output for `read` to find."""
        from IPython import get_ipython
        from IPython.display import display

        text = table(self.as_dict())
        if get_ipython() is None:
            print(text)
            return
        # A list, since Jupyter sorts the keys of what it saves.
        rows = [{"row": name, **row} for name, row in self.as_dict().items()]
        bundle = {"notebook": self.notebook, "rows": rows}
        display({MIME: bundle, "text/plain": text}, raw=True)

    def verdicts(self) -> None:
        """Print what doesn't change from run to run: each row's name and target."""
        lines = [(row.name, row.target or "reported") for row in self.rows.values()]
        print(_aligned([("row", "target"), *lines]))


def meets(value: float | None, target: str) -> bool:
    """Whether `value` meets `target`; a value that isn't finite meets nothing.

    Raises
    ------
    ValueError
        If the target is none of ``"<= x"``, ``"< x"``, ``">= x"``, ``"> x"``, ``"within x of y"``,
        ``"within x% of y"``.
    """
    value = _finite(value)
    if bound := BOUND.fullmatch(target.strip()):
        sign, limit = bound[1], float(bound[2])
        if value is None:
            return False
        above, below = value > limit, value < limit
        return {">": above, "<": below, ">=": not below, "<=": not above}[sign]
    if within := WITHIN.fullmatch(target.strip()):
        width, centre = float(within[1]), float(within[3])
        width *= abs(centre) / 100 if within[2] else 1
        return value is not None and abs(value - centre) <= width
    raise ValueError(
        f"the target {target!r} can't be read; write one like '<= 1.5', '> 0' or 'within 3% of 2'"
    )


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Rows, as `Scorecard.as_dict` or `read` give them, as an aligned plain-text table."""
    return _aligned([COLUMNS, *(cells(name, row) for name, row in rows.items())])


def cells(name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    """One row's text under each of `COLUMNS`."""
    beside = [f"{key} {_text(row[key])}" for key in ("floor", "control") if key in row]
    return (
        name,
        "not finite" if row["value"] is None else _text(row["value"]),
        f"± {_text(row['sd'])}" if "sd" in row else "",
        ", ".join(beside),
        _text(row.get("paper", "")),
        row.get("target", "reported"),
        {True: "yes", False: "no", None: ""}[row.get("met")],
    )


def read(path: Path) -> dict[str, dict[str, Any]]:
    """The rows an executed notebook carries, by name; none if it failed.

    Raises
    ------
    OSError, ValueError
        If there is no such file, or it isn't a notebook.
    """
    notebook = _load(path)
    rows: dict[str, dict[str, Any]] = {}
    for output in [] if failed(notebook) else _outputs(notebook):
        for row in output.get("data", {}).get(MIME, {}).get("rows", []):
            rows[row["row"]] = {key: item for key, item in row.items() if key != "row"}
    return rows


def failed(notebook: Mapping[str, Any]) -> bool:
    """Whether a notebook's run was recorded as failed, or one of its cells shows an error."""
    recorded = notebook["metadata"].get("eqflow", {}).get("status") == "failed"
    return recorded or any(output["output_type"] == "error" for output in _outputs(notebook))


def gather(folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Collect the rows of every executed notebook in `folder` into its ``scorecard.json``.

    Returns
    -------
    dict
        ``{notebook stem: {row: {"value": ..., ...}}}``.  Notebooks that failed are left out.
    """
    cards = {}
    for path in sorted(Path(folder).glob("*.ipynb")):
        try:
            if not failed(_load(path)):
                cards[path.stem] = read(path)
        except ValueError:
            continue  # not a notebook
    replace_text(Path(folder) / "scorecard.json", dump(cards))
    return cards


def _load(path: Path) -> dict[str, Any]:
    notebook = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(notebook, dict) or not {"cells", "metadata"} <= notebook.keys():
        raise ValueError(f"{path} is not a notebook")
    return notebook


def _outputs(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]


def dump(data: Any) -> str:
    """JSON text that any reader takes: no NaN, and a newline at the end."""
    return json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _finite(value: Any) -> float | None:
    number = math.nan if value is None else float(value)
    return number if math.isfinite(number) else None


def _plain(item: Any) -> Any:
    """`item` as JSON can hold it: numbers of any library become floats, what is left text."""
    if item is None or isinstance(item, bool | int | str):
        return item
    if isinstance(item, Mapping):
        return {str(key): _plain(each) for key, each in item.items()}
    if isinstance(item, list | tuple):
        return [_plain(each) for each in item]
    try:
        return _finite(item)
    except (TypeError, ValueError, RuntimeError):
        return str(item)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def _aligned(lines: Iterable[tuple[str, ...]]) -> str:
    rows = list(lines)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
