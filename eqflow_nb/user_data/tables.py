"""Tables of numbers in text files, read fast; where that fails, searched for the first bad cell."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from eqflow_nb.inputs import InputError

SEPARATORS = ",;\t"


def read_table(
    path: Path, columns: Sequence[str | int] | None = None
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Values (N, d), names and notes of a table in a text file.

    A first line without any number names the columns.  Lines that begin with # are skipped, but the
    first such line may name the columns too, as numpy.savetxt writes it.

    Parameters
    ----------
    path : Path
        Of a file with commas, semicolons or tabs between the cells, in UTF-8.
    columns : sequence of str or int, optional
        Which to read, by name or number, in this order; others may hold text.

    Raises
    ------
    InputError
        If a cell is no number or empty, or a line has another number of cells: the message has its
        line and column.
    """
    name = f"source {path.name!r}"
    try:
        separator, names, skip, width = _head(path, name)
        kept = list(range(width)) if columns is None else places(columns, names)
        values = _fast(path, separator, skip, None if columns is None else kept)
        if values is None or (columns is None and values.shape[1] != width):
            values = _searched(path, separator, skip, names, kept, name)
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is no text in UTF-8; save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise InputError(f"{name} is no table of text ({error}); save it as CSV") from error
    except OSError as error:
        raise InputError(f"{name} cannot be opened ({type(error).__name__}); check it") from error
    given = skip > 0 and names[0] != "x0"
    notes: tuple[str, ...] = ("The first line names the columns.",) if given else ()
    if len(kept) < width:
        notes += (f"{width - len(kept)} of {width} columns were left out.",)
    return values, tuple(names[i] for i in kept), notes


def places(columns: Sequence[str | int], names: Sequence[str]) -> list[int]:
    """Where the columns called (or numbered) so are.

    Raises
    ------
    InputError
        If there are none, one is not there, or one is asked for twice.
    """
    if isinstance(columns, str) or not columns:
        raise InputError(f"columns is {columns!r}; give a list of some of {', '.join(names)}")
    found = []
    for column in columns:
        if isinstance(column, str) and column in names:
            found.append(list(names).index(column))
        elif isinstance(column, int) and 0 <= column < len(names):
            found.append(column)
        else:
            raise InputError(
                f"columns has {column!r}, which is not there; choose of {', '.join(names)}, or a "
                f"number from 0 to {len(names) - 1}"
            )
    if len(set(found)) < len(found):
        raise InputError(f"columns is {list(columns)}; ask for each only once")
    return found


def _head(path: Path, name: str) -> tuple[str, tuple[str, ...], int, int]:
    """The separator, the columns' names, lines to skip before the numbers, and cells a line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, line in enumerate(file):
            bare = line.strip().lstrip("#").strip()
            if "\0" in line:
                raise InputError(f"{name} is not what its name says; save it as CSV in UTF-8")
            if not bare:
                continue
            separator = max(SEPARATORS, key=bare.count)
            if bare.count(separator) == 0 and len(bare.split()) > 1:
                raise InputError(
                    f"{name} has no commas, semicolons or tabs in line {number + 1}; put one "
                    "between the cells"
                )
            text = (
                line.strip().lstrip("#") if line.lstrip().startswith("#") else line.rstrip("\r\n")
            )
            cells = [cell.strip() for cell in next(csv.reader([text], delimiter=separator))]
            if not any(map(_is_number, cells)) and any(cells):
                names = tuple(cell or f"column {i}" for i, cell in enumerate(cells))
                if len(set(names)) < len(names):
                    twice = next(n for n in names if names.count(n) > 1)
                    raise InputError(f"{name} names two columns {twice!r}; rename one")
                return separator, names, number + 1, len(names)
            if not line.lstrip().startswith("#"):
                return separator, tuple(f"x{i}" for i in range(len(cells))), number, len(cells)
    raise InputError(f"{name} is empty; it must hold rows of numbers")


def _fast(path: Path, separator: str, skip: int, kept: list[int] | None) -> np.ndarray | None:
    """The numbers, or None where something stands in their way."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return np.loadtxt(
                path,
                delimiter=separator,
                skiprows=skip,
                ndmin=2,
                usecols=kept,
                quotechar='"',
                encoding="utf-8-sig",
            )
    except UnicodeDecodeError:
        raise
    except (ValueError, UserWarning):
        return None


def _searched(
    path: Path, separator: str, skip: int, names: Sequence[str], kept: list[int], name: str
) -> np.ndarray:
    """The numbers cell by cell, or an error that points at the first that is none."""
    rows = []
    for line, cells in _lines(path, separator, skip):
        if len(cells) != len(names):
            raise InputError(
                f"{name} has {len(cells)} cell(s) in line {line}, but {len(names)} columns; give "
                "every line as many, and write decimals with points"
            )
        row = [cells[i].strip() for i in kept]
        for i, cell in zip(kept, row, strict=True):
            if not _is_number(cell):
                what = f"the text {cell[:40]!r}" if cell else "an empty cell"
                raise InputError(
                    f"{name} has {what} in line {line}, column {names[i]!r}; put a number there, "
                    f"leave out the row, or read other columns: {_hint(cells, names)}"
                )
        rows.append([float(cell) for cell in row])
    if not rows:
        raise InputError(f"{name} has no rows of numbers; it must hold some below its names")
    return np.array(rows)


def _lines(path: Path, separator: str, skip: int) -> Iterator[tuple[int, list[str]]]:
    """Line numbers from 1, and cells, of the lines that hold any."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for _ in range(skip):
            next(file)
        reader = csv.reader(file, delimiter=separator)
        for cells in reader:
            if cells and not cells[0].lstrip().startswith("#"):
                yield skip + reader.line_num, cells


def _hint(cells: Sequence[str], names: Sequence[str]) -> str:
    """What to type for the columns that hold numbers in this line."""
    good = [name for name, cell in zip(names, cells, strict=True) if _is_number(cell)]
    shown = ", ".join(map(repr, good[:6])) + (", ..." if len(good) > 6 else "")
    return f"columns=[{shown}]" if good else "there are none in this line"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
