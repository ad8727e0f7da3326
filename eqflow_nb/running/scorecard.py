"""Scorecards: a notebook's figures of merit, their targets, and what the paper reports.

The rows travel inside the executed notebook, as an output of their own type, so a scorecard can't
be parted from the run that made it.
"""

import contextlib
import html
import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from eqflow_nb.inputs import replace_text

MIME = "application/vnd.eqflow.scorecard+json"
COLUMNS = ("row", "value", "spread", "floor or control", "paper", "target", "met")
MOST = 15  # rows that are shown unfolded
VERDICTS = {
    True: ("met", "background: #cdebd3; color: #0b3d1a"),
    False: ("missed", "background: #f6c9bd; color: #5c1400"),
    None: ("reported", "background: #e4e4e4; color: #333333"),
}

NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)"
_TARGET = re.compile(
    rf"(?P<sign><=|>=|<|>)\s*{NUMBER}|within\s+{NUMBER}\s*(?P<percent>%?)\s+of\s+{NUMBER}"
)

Card = dict[str, dict[str, Any]]  # rows by name


class Scorecard:
    """The figures of merit of the notebook called `notebook`; every row keeps what is `shared`."""

    def __init__(self, notebook: str, **shared: Any) -> None:
        self.notebook, self.shared = notebook, shared
        self.rows: Card = {}

    def row(
        self, name: str, value: Any, *, target: str | None = None, paper: Any = None, **more: Any
    ) -> dict[str, Any]:
        """Add a figure of merit, and return the row.

        The name is dotted, such as ``ring.exact.preservation``; a value that is NaN or infinite is
        kept as None; for `target` see `wrongness`; `paper` is what Zhang & Levin (2025),
        arXiv:2509.17990, report.  Of what else is given, ``sd`` is the spread over repeats,
        ``floor`` the least the measure can give, and ``control`` the figure of a control.
        """
        if name in self.rows:
            raise ValueError(f"the scorecard has a row {name!r} already; give each its own name")
        known: dict[str, Any] = {k: _finite(more.pop(k, None)) for k in ("sd", "floor", "control")}
        known["paper"] = paper if isinstance(paper, str) else _finite(paper)
        if target not in (None, "reported"):
            known |= {"target": target, "met": meets(value, target)}
        self.rows[name] = {
            "value": _finite(value),
            **{key: item for key, item in known.items() if item is not None},
            **{key: _plain(item) for key, item in {**self.shared, **more}.items()},
        }
        return self.rows[name]

    def spread(self, name: str, values: Any, **arguments: Any) -> None:
        """Add a tensor of repeats: ``name_mean`` and ``name_sd``, of a negative mean the size."""
        values = abs(values) if float(values.mean()) < 0 else values
        self.row(f"{name}_mean", values.mean(), sd=values.std(), **arguments)
        self.row(f"{name}_sd", values.std())

    def show(self, claims: Collection[str] = ()) -> None:
        """Show the claims in colour, the other rows folded; the output holds all, for `read`.

        Claims are the rows named, or all with a target, and always those that miss theirs; a
        mapping {row: words} gives their words too.
        """
        from IPython import get_ipython
        from IPython.display import display

        text = table(self.rows)
        if get_ipython() is None:
            print(text)
            return
        # A list, since Jupyter sorts the keys of what it saves.
        rows = [{"row": name, **row} for name, row in self.rows.items()]
        data = {MIME: {"notebook": self.notebook, "rows": rows}, "text/plain": text}
        display(data | {"text/html": coloured(self.rows, claims)}, raw=True)

    def verdicts(self) -> None:
        """Print what doesn't change from run to run: the targets, and how many rows there are."""
        aims = [(name, row["target"]) for name, row in self.rows.items() if "target" in row]
        print(_aligned([("row", "target"), *aims]))
        print(f"and {len(self.rows) - len(aims)} more, without a target")


def meets(value: Any, target: str) -> bool:
    """Whether `value` meets `target`; a value that isn't finite meets nothing."""
    excess, strict = wrongness(value, target), target.strip()[0] in "<>" and "=" not in target
    return excess < 0 or (excess == 0 and not strict)


def wrongness(value: Any, target: str) -> float:
    """How far a value, infinite if not finite, is on the wrong side of a target; < 0 on the right.

    A target is ``"<= x"``, ``"< x"``, ``">= x"``, ``"> x"``, or ``"within x of y"`` or ``x% of y``.
    """
    if not (read := _TARGET.fullmatch(target.strip())):
        wanted = "write one like '<= 1.5', '> 0' or 'within 3% of 2'"
        raise ValueError(f"the target {target!r} can't be read; {wanted}")
    bound, width, centre = (float(number or 0) for number in read.group(2, 3, 5))
    if (number := _finite(value)) is None:
        return math.inf
    if read["sign"]:
        return number - bound if "<" in read["sign"] else bound - number
    return abs(number - centre) - width * (abs(centre) / 100 if read["percent"] else 1)


def table(rows: Card) -> str:
    """Rows, as a `Scorecard` has them or `read` gives them, as an aligned plain-text table."""
    return _aligned([COLUMNS, *(cells(name, row) for name, row in rows.items())])


def coloured(rows: Card, claims: Collection[str] = ()) -> str:
    """Rows as HTML: at most 15 claims, the missed ones before others, and the rest folded."""
    wanted = claims or [name for name, row in rows.items() if "target" in row]
    if unknown := set(wanted) - set(rows):
        raise ValueError(f"the scorecard has no row called {', '.join(map(repr, sorted(unknown)))}")
    words = claims if isinstance(claims, Mapping) else {}
    missed = [name for name, row in rows.items() if row.get("met") is False]
    chosen = list(dict.fromkeys([*missed, *wanted]))[:MOST]
    shown = {name: row for name, row in rows.items() if name in chosen}
    rest = {name: row for name, row in rows.items() if name not in chosen}
    folded = f"<details><summary>{len(rest)} more rows</summary>{_html(rest, {})}</details>"
    return _html(shown, words) + (folded if rest else "")


def _html(rows: Card, words: Mapping[str, str]) -> str:
    """A table, each verdict in a colour and in words; columns that are empty are left out."""
    *columns, _ = COLUMNS
    texts = [cells(name, row) for name, row in rows.items()]
    full = [number for number, _ in enumerate(columns) if any(text[number] for text in texts)]
    head = "".join(f"<th>{columns[number]}</th>" for number in full)
    body = []
    for text, row in zip(texts, rows.values(), strict=True):
        word, style = VERDICTS[row.get("met")]
        verdict = f'<td><span style="{style}; padding: 0 .5em">{word}</span></td>'
        said = [html.escape(each).replace(", ", "<br>") for each in text]
        said[0] = re.sub(r"[._]", r"\g<0><wbr>", said[0])
        if text[0] in words:
            said[0] = f"{html.escape(words[text[0]])}<br><code>{said[0]}</code>"
        plain = "".join(f"<td>{said[number]}</td>" for number in full)
        body.append(f"<tr>{plain}{verdict}</tr>")
    return f"<table><tr>{head}<th></th></tr>{''.join(body)}</table>"


def cells(name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    """One row's text under each of `COLUMNS`."""
    paper = row.get("paper", "")
    return (
        name,
        "not finite" if row["value"] is None else f"{row['value']:.4g}",
        f"± {row['sd']:.4g}" if "sd" in row else "",
        ", ".join(f"{key} {row[key]:.4g}" for key in ("floor", "control") if key in row),
        paper if isinstance(paper, str) else f"{paper:.4g}",
        row.get("target", ""),
        {True: "yes", False: "no", None: ""}[row.get("met")],
    )


def gather(folder: Path) -> dict[str, Card]:
    """Collect ``{notebook: {row: ...}}`` of what finished in `folder` into ``scorecard.json``."""
    cards = {}
    for path in sorted(folder.glob("*.ipynb")):
        with contextlib.suppress(ValueError):  # not a notebook
            if rows := read(path):
                cards[path.stem] = rows
    replace_text(folder / "scorecard.json", dump(cards))
    return cards


def read(path: Path) -> Card:
    """The rows an executed notebook carries, by name; none if it failed, or a cell shows so."""
    notebook = json.loads(path.read_text("utf-8"))
    if not isinstance(notebook, dict) or not {"cells", "metadata"} <= notebook.keys():
        raise ValueError(f"{path} is not a notebook")
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    failed = notebook["metadata"].get("eqflow", {}).get("status") == "failed"
    if failed or any(output["output_type"] == "error" for output in outputs):
        return {}
    rows = [row for o in outputs for row in o.get("data", {}).get(MIME, {}).get("rows", [])]
    return {row.pop("row"): row for row in rows}


def dump(data: Any) -> str:
    """JSON text that any reader takes: no NaN, and a newline at the end."""
    return json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _finite(value: Any) -> float | None:
    number = math.nan if value is None else float(value)
    return number if math.isfinite(number) else None


def _plain(item: Any) -> Any:
    """`item` as JSON can hold it: numbers of any library become floats, what is left text."""
    if isinstance(item, bool | int | str | None):
        return item
    if isinstance(item, Mapping):
        return {str(key): _plain(each) for key, each in item.items()}
    if isinstance(item, list | tuple):
        return [_plain(each) for each in item]
    try:
        return _finite(item)
    except (TypeError, ValueError, RuntimeError):
        return str(item)


def _aligned(lines: Iterable[tuple[str, ...]]) -> str:
    rows = list(lines)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = [[text.ljust(width) for text, width in zip(row, widths)] for row in rows]
    return "\n".join("  ".join(row).rstrip() for row in padded)
