"""Tables of numbers in text files: their first lines tell how they are written, pandas reads."""

import csv
import gzip
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas

from eqflow_nb.inputs import InputError
from eqflow_nb.user_data.layouts import Notes, check_upright, named, places

SPACES = r"\s+"
# Separators and decimal signs, those that are taken first where several would do.
STYLES = [(s, d) for d in ".," for s in (",", ";", "\t", "|", SPACES) if s != d]
# Lines looked at; of these, the last ones that tell the style; and their letters.
HEAD, BODY, WIDEST = 200, 50, 5000
MISSING = ("", "-", "--", "?", "na", "n/a", "#n/a", "nan", "null", "none", "<na>")
FORTRAN = r"(?<=[\d.])[dD](?=[+-]?\d)"  # the exponent in 1.5D+03
DATE = r"(\d{1,4}[-/.]\d\d?[-/.]\d{1,4}([T ,]+\d\d?:.*)?|\d\d?:\d\d.*)"

Table = tuple[np.ndarray, tuple[str, ...], Notes]


class _Form(NamedTuple):
    """How a table is written: lines above its numbers, split; and which line these begin in."""

    separator: str
    decimal: str
    comment: str
    above: list[tuple[str, list[str]]]
    first: int


def read_table(
    path: Path, columns: Sequence[str | int] | None = None, transpose: bool = False
) -> Table:
    """Values (N, d), names and notes of a table in a text file, which may be packed with gzip.

    Cells are separated by commas, semicolons, tabs, bars or spaces; decimals have points or commas.
    Lines above the numbers are passed over, but for the names of the columns.  Where only some
    `columns` are read, by name or number, the others may hold text.  Missing cells become NaN.
    """
    name = f"source {path.name!r}"
    text = _text(path, name)
    form = _form(text, name)
    if transpose:
        lines = [s for s in text.split("\n") if s.strip() and s.lstrip()[0] != form.comment]
        turned = zip(*(_split(line, form.separator) for line in lines))
        text = "\n".join("\t".join(cells) for cells in turned)
        form = _form(text, name)
    try:
        table = pandas.read_csv(
            io.StringIO(text), sep=form.separator, decimal=form.decimal, comment=form.comment,
            header=None, skiprows=form.first - 1, skipinitialspace=True, na_values=MISSING,
            low_memory=False,
        )  # fmt: skip
    except (csv.Error, ValueError) as error:
        found = f"{name} cannot be read ({' '.join(str(error).split())})"
        raise InputError(f"{found}; give every line as many cells as the first") from error
    check_upright(table.shape, name)
    names, notes = _names(form, table)
    if names is None:
        names = [f"x{i}" for i in range(table.shape[1])]
    if form.decimal == ",":
        notes += ("Commas were read as decimal signs.",)
    used = table.columns[[bool(n) or not table[c].isna().all() for c, n in enumerate(names)]]
    names, filled = [names[c] for c in used], table[used].dropna(how="all")
    filled.columns = range(len(names))
    if len(filled) < len(table):
        notes += (f"{len(table) - len(filled):,} empty row(s) were passed over.",)

    def where(row: int) -> str:
        marks = enumerate(text.split("\n"), 1)
        kept = [
            i for i, s in marks if i >= form.first and s.strip(" \t#%") and s.strip()[0] not in "#%"
        ]
        return f"line {kept[row]}"

    values, kept, said = numbers(filled, names, columns, name, where)
    return values, kept, (*notes, *said)


def numbers(
    table: pandas.DataFrame, names: Sequence[str], columns: Sequence[str | int] | None, source: str,
    where: Callable[[int], str],
) -> Table:  # fmt: skip
    """Columns of a data frame, numbered from 0, as numbers; dates are left out, text is refused."""
    if twice := [each for each, number in Counter(names).items() if number > 1 and each]:
        raise InputError(f"{source} names two columns {twice[0]!r}; rename one")
    kept = list(range(len(names))) if columns is None else places(columns, named(names))
    found, texts, dates = {}, {}, []
    for c in kept:
        column = table[c]
        if column.dtype.kind in "iuf":
            found[c] = column.to_numpy(np.float64, na_value=np.nan)
            continue
        written = column.astype(str).str.strip()
        shown = column.notna().to_numpy(bool)
        if column.dtype.kind == "M" or written[shown].str.fullmatch(DATE).all():
            dates.append(named(names)[c])
            continue
        fortran = written.str.replace(FORTRAN, "e", regex=True)
        cells = pandas.to_numeric(fortran.where(shown), errors="coerce").to_numpy(np.float64)
        bad = shown & np.isnan(cells)
        if bad.all() and not c and not names[c]:
            continue  # row names
        if bad.any():
            texts[c] = int(bad.argmax())
        found[c] = cells
    if texts:
        c, row = next(iter(texts.items()))
        cell = str(table[c].iloc[row]).strip()[:40]
        at = f"{where(table.index[row])}, column {named(names)[c]!r}"
        rest = [named(names)[k] for k in found if k not in texts]
        others = f", or leave out the column: columns={rest}" if rest else ""
        raise InputError(f"{source} has the text {cell!r} in {at}; put a number there{others}")
    if not found:
        raise InputError(f"{source} holds no column of numbers, only {', '.join(dates)}")
    said: Notes = ()
    if dates:
        said = (f"Left out, since they are dates: {', '.join(map(repr, dates))}.",)
    if len(kept) < len(names):
        said += (f"{len(names) - len(kept)} of {len(names)} columns were left out.",)
    return np.stack(list(found.values()), 1), tuple(names[c] for c in found), said


def _text(path: Path, name: str) -> str:
    """The text of a file, with line ends as Python has them."""
    raw = path.read_bytes()
    try:
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
        try:
            text = raw.decode("utf-16" if wide else "utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("cp1252")
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{name} is damaged, or no text ({error}); save it as CSV") from error
    if "\0" in text:
        raise InputError(f"{name} is no text; save points as .csv or .npy, pictures as PNG or TIFF")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _form(text: str, name: str) -> _Form:
    """How a table is written, as its first lines tell."""
    marked = enumerate(text.split("\n", HEAD)[:HEAD], 1)
    head = [(i, line) for i, line in marked if line.strip(" \t,;|")]
    comment = "%" if head and head[0][1].lstrip()[0] == "%" else "#"
    body = [line for _, line in head if line.lstrip()[0] != comment][-BODY:]
    cut = [line[:WIDEST] for line in body]

    def clear(style: tuple[str, str]) -> float:
        cells = [cell for line in cut for cell in _split(line, style[0])]
        good = sum(_is_number(cell, style[1]) or cell.lower() in MISSING for cell in cells)
        return (good - sum(bool(re.search(r"[;\t|]", cell)) for cell in cells)) / len(cells)

    separator, decimal = max(STYLES, key=clear) if body else STYLES[0]
    rows = [_split(line, separator) for line in body]
    typical = np.median([sum(_is_number(c, decimal) for c in row) for row in rows]) if rows else 0
    whole = not any(re.search(rf"\d[{decimal}eE]\d", line) for line in body)
    above: list[tuple[str, list[str]]] = []
    for number, line in head:
        mark = comment if line.lstrip()[0] == comment else ""
        cells = _split(line.strip().lstrip("#%"), separator)
        filled = [cell for cell in cells if cell]
        numeric = sum(_is_number(cell, decimal) for cell in cells)
        if not mark and filled == [str(i) for i in range(len(filled))] and not (whole or above):
            mark = "numbered"  # as pandas does where columns have no names
        elif not mark and numeric and numeric >= min(typical / 2, len(filled)):
            return _Form(separator, decimal, comment, above, number)
        above.append((mark, cells))
    found = f"begins with {head[0][1].strip()[:40]!r}" if head else "is empty"
    raise InputError(f"{name} {found}; it must hold rows of numbers")


def _names(form: _Form, table: pandas.DataFrame) -> tuple[list[str] | None, Notes]:
    """The columns' names, "" where there is none, and what else stands above the numbers."""
    width = table.shape[1]
    fitting: list[tuple[str, list[str]]] = []
    for mark, cells in reversed(form.above):
        numeric = any(_is_number(cell, form.decimal) for cell in cells)
        if width - 1 <= len(cells) <= width + (not cells[-1]) and (
            mark == "numbered" or not numeric
        ):
            fitting.insert(0, (mark, cells))
        else:
            break
    plain = [cells for mark, cells in fitting if mark != form.comment]
    names = plain[0] if plain else fitting[-1][1] if fitting else None
    above = [", ".join(filter(None, c)) for mark, c in form.above if mark != form.comment]
    above = [line for line in above if names is None or line != ", ".join(filter(None, names))]
    notes: Notes = ()
    if above:
        notes = (f"Above the numbers was passed over: {'; '.join(above)[:200]}.",)
    if ("numbered", names) in fitting:
        notes += (f"The first line ({', '.join(filter(None, names or ()))}) names the columns.",)
    if names and len(names) < width:  # R leaves the column of row names without one
        last = table.iloc[:, -1].isna().all()
        names = [*names, ""] if last else ["", *names]
    return names and names[:width], notes


def _split(line: str, separator: str) -> list[str]:
    """The cells of a line."""
    if separator == SPACES:
        separator, line = " ", " ".join(line.split())
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]


def _is_number(cell: str, decimal: str = ".") -> bool:
    try:
        plain = re.sub(FORTRAN, "e", cell)
        if decimal == ",":
            plain = plain.replace(".", "_").replace(",", ".")
        return "_" not in plain and math.isfinite(float(plain))  # those are Python's thousands
    except ValueError:
        return False
