"""Tables of numbers in text files; where pandas refuses one, the first bad cell is named."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas

from eqflow_nb.inputs import InputError

Table = tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]


def read_table(path: Path, columns: Sequence[str | int] | None = None) -> Table:
    """Values (N, d), names and notes of a table with commas, semicolons or tabs, in UTF-8.

    A first line without any number names the columns, also as a comment, as numpy.savetxt writes
    it.  Where only some `columns` are read, by name or number, the others may hold text.
    """
    name = f"source {path.name!r}"
    try:
        separator, names, skip, named = _head(path, name)
        kept = list(range(len(names))) if columns is None else places(columns, names)

        def parsed(kind: type) -> pandas.DataFrame:
            table = pandas.read_csv(
                path, sep=separator, header=None, skiprows=skip, comment="#", encoding="utf-8-sig",
                usecols=None if columns is None else kept, dtype=kind, na_filter=False,
            )  # fmt: skip
            if columns is None and table.shape[1] != len(names):
                raise InputError(
                    f"{name} has {table.shape[1]} cell(s) in line {_line(path, skip, 0)}, but "
                    f"{len(names)} columns; give every line as many, and write decimals with points"
                )
            return table[kept]

        try:
            values = np.ascontiguousarray(parsed(np.float64))
        except InputError:
            raise
        except ValueError:
            cells = parsed(str).to_numpy()
            row, column = np.argwhere(~np.vectorize(_is_number)(cells))[0]
            cell = str(cells[row, column]).strip()[:40]
            raise InputError(
                f"{name} has {f'the text {cell!r}' if cell else 'an empty cell'} in line "
                f"{_line(path, skip, row)}, column {names[kept[column]]!r}; put a number there, "
                "leave out the row, or read other columns with columns=[...]"
            ) from None
    except InputError:
        raise
    except (csv.Error, OSError, ValueError) as error:
        found = f"{name} cannot be read ({' '.join(str(error).split())})"
        raise InputError(f"{found}; save rows of numbers as CSV in UTF-8") from error
    notes = ["The first line names the columns."] if named else []
    if len(kept) < len(names):
        notes.append(f"{len(names) - len(kept)} of {len(names)} columns were left out.")
    return values, tuple(names[i] for i in kept), tuple(notes)


def places(columns: Sequence[str | int], names: Sequence[str]) -> list[int]:
    """Where the columns called (or numbered) so are."""
    known: dict[str | int, int] = {name: i for i, name in enumerate(names)}
    known |= {i: i for i in range(len(names))}
    if isinstance(columns, str) or not columns or any(c not in known for c in columns):
        raise InputError(
            f"columns is {columns!r}; give a list of some of {', '.join(names)}, or of numbers "
            f"from 0 to {len(names) - 1}"
        )
    found = [known[column] for column in columns]
    if len(set(found)) < len(found):
        raise InputError(f"columns is {list(columns)}; ask for each only once")
    return found


def _head(path: Path, name: str) -> tuple[str, list[str], int, bool]:
    """The separator, the columns' names, lines to skip, and whether the file names the columns."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, line in enumerate(file):
            text = line.strip("\r\n ")
            bare = text.strip("#\t ")
            if not bare:
                continue
            separator = max(",;\t", key=bare.count)
            if separator not in bare and len(bare.split()) > 1:
                found = f"{name} has no commas, semicolons or tabs in line {number + 1}"
                raise InputError(f"{found}; put one between the cells")
            cells = next(csv.reader([text.lstrip("#")], delimiter=separator))
            if any(cells) and not any(map(_is_number, cells)):
                names = [cell.strip() or f"column {i}" for i, cell in enumerate(cells)]
                twice = [each for each in names if names.count(each) > 1]
                if twice:
                    raise InputError(f"{name} names two columns {twice[0]!r}; rename one")
                return separator, names, number + 1, True
            if not text.startswith("#"):
                return separator, [f"x{i}" for i in range(len(cells))], number, False
    raise InputError(f"{name} is empty; it must hold rows of numbers")


def _line(path: Path, skip: int, row: int) -> int:
    """The line of the file, from 1, that holds a row of the table."""
    lines = enumerate(path.read_text("utf-8-sig").split("\n"), 1)
    return [i for i, text in lines if i > skip and text.strip() and text[0] != "#"][row]


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell)) and "_" not in cell  # Python's own thousands
    except ValueError:
        return False
