"""Tables of numbers in text files: their first lines tell how they are written, pandas reads."""

import csv
import gzip
import io
import math
import re
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from eqflow_nb.inputs import InputError
from eqflow_nb.user_data.layouts import Notes, check_upright, named, places

SPACES = r"\s+"
# Separators and decimal signs, those that are taken first where several would do.
SIGNS = (".", "thousands", ",")
STYLES = [(s, sign) for sign in SIGNS for s in (",", ";", "\t", "|", SPACES)]
# Lines looked at; of these, the last ones that tell the style; and their letters.
HEAD, BODY, WIDEST = 2000, 50, 5000
MISSING = ("", ".", "-", "--", "?", "na", "n/a", "#n/a", "nan", "null", "none", "<na>")
FORTRAN = r"(?<=[\d.])[dD](?=[+-]?\d)"  # the exponent in 1.5D+03
THOUSANDS = r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?"
DATE = r"(\d{1,4}[-/.]\d\d?[-/.]\d{1,4}([T ,]+\d\d?:.*)?|\d\d?:\d\d.*)"

Table = tuple[np.ndarray, tuple[str, ...], Notes]


def read_table(
    path: Path, columns: Sequence[str | int] | None = None, transpose: bool = False
) -> Table:
    """Values (N, d), names and notes of a table in a text file, which may be packed with gzip."""
    # Cells are separated by commas, semicolons, tabs, bars or spaces; decimals have points or
    # commas. Lines above the numbers are passed over, but for the names of the columns.  Where
    # only some `columns` are read, by name or number, the others may hold text.  Missing cells
    # become NaN.
    name = f"source {path.name!r}"
    text = _text(path, name)
    form, above, first = _form(text, name)
    try:
        if transpose:
            table = pandas.read_csv(io.StringIO(text), skiprows=first - 1, dtype=str, **form)
            text = table.T.to_csv(sep="\t", header=False, index=False)
            form, above, first = _form(text, name)
        table = pandas.read_csv(io.StringIO(text), skiprows=first - 1, low_memory=False, **form)
    except (csv.Error, ValueError) as error:
        found = f"{name} cannot be read ({str(error).rpartition('error: ')[2].strip()})"
        raise InputError(f"{found}; give every line as many cells as the first") from error
    check_upright(table.shape, name)
    names, notes = _names(above, table)
    if "," in (form["decimal"], form["thousands"]):
        sign = "thousands" if form["thousands"] else "decimal signs"
        notes += (f"Commas were read as {sign}.",)
    used = [c for c, each in enumerate(names) if each or not table[c].isna().all()]
    filled = table[used].dropna(how="all")
    if len(filled) < len(table):
        notes += (f"{len(table) - len(filled):,} empty row(s) were passed over.",)

    def where(row: int) -> str:
        lines = enumerate(text.split("\n")[first - 1 :], first)
        return f"line {[i for i, s in lines if s.strip() and s.strip()[0] != form['comment']][row]}"

    filled.columns = range(len(used))
    values, kept, said = numbers(filled, [names[c] for c in used], columns, name, where)
    return values, kept, (*notes, *said)


def numbers(
    table: pandas.DataFrame, names: Sequence[str], columns: Sequence[str | int] | None, source: str,
    where: Callable[[int], str],
) -> Table:  # fmt: skip
    """Columns of a data frame, numbered from 0, as numbers; dates are left out, text is refused."""
    if twice := [each for each in names if each and list(names).count(each) > 1]:
        raise InputError(f"{source} names two columns {twice[0]!r}; rename one")
    shown = named(names)
    kept = list(range(len(names))) if columns is None else places(columns, shown)
    found: dict[int, np.ndarray] = {}
    for c in kept:
        if table[c].dtype.kind in "iuf":
            found[c] = table[c].to_numpy(np.float64, na_value=np.nan)
            continue
        written, there = table[c].astype(str).str.strip(" '"), table[c].notna()
        if table[c].dtype.kind != "M" and not written[there].str.fullmatch(DATE).all():
            cells = written.str.replace(FORTRAN, "e", regex=True).where(there)
            bad = there & (good := pandas.to_numeric(cells, errors="coerce")).isna()
            if bad.all() and not names[c]:  # names of rows
                continue
            if bad.any():
                at = f"{where(table.index[bad.argmax()])}, column {shown[c]!r}"
                rest = [shown[k] for k in kept if table[k].dtype.kind in "iuf"]
                others = f", or leave out the column: columns={rest}" if rest else ""
                said = f"has the text {written[bad].iloc[0][:40]!r} in {at}; put a number there"
                raise InputError(f"{source} {said}{others}")
            found[c] = good.to_numpy(np.float64)
    left = [shown[c] for c in range(len(names)) if c not in found]
    if not found:
        raise InputError(f"{source} holds no column of numbers, only {', '.join(left)}")
    said = f"Left out, since they are dates or names: {', '.join(map(repr, left))}."
    notes = (said,) if left and columns is None else ()
    return np.stack(list(found.values()), 1), tuple(names[c] for c in found), notes


def _text(path: Path, name: str) -> str:
    """The text of a file, with line ends as Python has them."""
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{name} can't be read ({error}); save or pack it again") from error
    if re.search(r"[\0-\x08\x0e-\x1f]", text):
        raise InputError(f"{name} is no text; save points as .csv or .npy, pictures as PNG or TIFF")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\N{MINUS SIGN}", "-")


def _form(text: str, name: str) -> tuple[dict[str, Any], list[list[str]], int]:
    """How pandas reads a table, the cells above its numbers, and the line in which these begin."""
    marked = enumerate(text.split("\n", HEAD)[:HEAD], 1)
    head = [(i, line.strip()) for i, line in marked if line.strip().strip(" \t,;|")]
    comment = "%" if head and head[0][1][0] == "%" else "#"
    body = [line for _, line in head if line[0] != comment][-BODY:]

    def clear(style: tuple[str, str]) -> float:
        separator, sign = style
        cells = [cell for line in body for cell in _split(line[:WIDEST], separator)]
        texts = [c for c in cells if not _is_number(c, sign) and c.lower() not in MISSING]
        odd = len(texts) + sum(bool(re.search(r"[,;\t|]", cell)) for cell in texts)
        odd += sum(bool(re.match(r"[-+]?0\d", cell)) for cell in cells)  # as in 1,05 cut in two
        if separator == "," and sign != "." and 2 * sum("," in c for c in cells) < len(cells):
            return 0.0  # such commas in quotes are in most cells, or are none
        return 1 - odd / len(cells)

    separator, sign = max(STYLES, key=clear) if body else STYLES[0]
    decimal, thousands = (".", ",") if sign == "thousands" else (sign, None)
    form: dict[str, Any] = dict(
        sep=separator, decimal=decimal, thousands=thousands, comment=comment
    )
    form |= dict(na_values=MISSING, header=None, skipinitialspace=True)
    counts = [sum(_is_number(c, sign) for c in _split(line, separator)) for line in body]
    fractions = any(re.search(rf"\d[{decimal}eE]\d", line) for line in body)
    above: list[list[str]] = []
    for number, line in head:
        cells = _split(re.split(rf"\s{comment}\s", line.lstrip("#%!/*"))[0], separator)
        filled = [cell for cell in cells if cell]
        numeric = sum(_is_number(cell, sign) for cell in cells)
        # pandas numbers columns that have no names.
        start = int(filled[0]) if filled and re.fullmatch(r"\d{1,9}", filled[0]) else 0
        counted = [str(i) for i in range(start, start + len(filled))]
        numbered = fractions and not above and filled == counted and (start == 0 or filled[1:])
        good = numeric + sum(cell.lower() in MISSING for cell in cells)
        enough = numeric and good >= min(np.median(counts) / 2, len(filled))
        if line[0] != comment and enough and not numbered:
            return form, above, number
        above.append(["#", *cells] if line[0] == comment else ["", *cells])
    found = f"begins with {' / '.join(line[:40] for _, line in head[:2])}" if head else "is empty"
    raise InputError(f"{name} {found}; it must hold rows of plain numbers")


def _names(above: list[list[str]], table: pandas.DataFrame) -> tuple[list[str], Notes]:
    """The columns' names, "" where there is none, and what else stands above the numbers."""
    width = table.shape[1]
    fitting = []
    for mark, *cells in reversed(above):
        cells = cells if cells[-1] else cells[:-1]
        # R leaves the column of row names without one.
        without = table[0].dtype.kind != "f" or table[width - 1].isna().all()
        fits = width - without <= len(cells) <= width
        if not fits or (any(map(_is_number, cells)) and (mark or above[1:])):
            break
        fitting.append((mark, cells))
    # Units stand below names; of several comments the last one is it.
    plain = [cells for mark, cells in fitting if not mark][::-1] or [c for _, c in fitting[:1]]
    full = [cells for cells in plain if len(set(cells[1:]) - {""}) == width - 1]
    names = [*full, *plain, [f"x{i}" for i in range(width)]][0]
    passed = ["; ".join(filter(None, cells)) for mark, *cells in above if not mark]
    passed = [line for line in passed if line != "; ".join(filter(None, names))]
    notes: Notes = ()
    if passed:
        notes = (f"Above the numbers was passed over: {', '.join(passed)[:200]}.",)
    if fitting and any(map(_is_number, names)):
        notes += (f"The first line names the columns: {', '.join(filter(None, names))}.",)
    if len(names) < width:
        names = [*names, ""] if table.iloc[:, -1].isna().all() else ["", *names]
    return names, notes


def _split(line: str, separator: str) -> list[str]:
    """The cells of a line."""
    if separator == SPACES:
        separator, line = " ", " ".join(line.split())
    if separator not in line:  # csv refuses cells of over 131,072 letters
        return [line.strip(" \"'")]
    return [cell.strip(" '") for cell in next(csv.reader([line], delimiter=separator))]


def _is_number(cell: str, sign: str = ".") -> bool:
    try:
        plain = re.sub(FORTRAN, "e", cell)
        if sign == "thousands" and re.fullmatch(THOUSANDS, cell):
            plain = plain.replace(",", "")
        elif sign == ",":
            plain = plain.replace(".", "_").replace(",", ".")
        return "_" not in plain and math.isfinite(float(plain))  # those are Python's thousands
    except ValueError:
        return False
