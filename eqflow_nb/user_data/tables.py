"""Tables of numbers in text files; where pandas refuses one, the first bad cell is looked for."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pandas

from eqflow_nb.inputs import InputError


def read_table(
    path: Path, columns: Sequence[str | int] | None = None
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Values (N, d), names and notes of a table with commas, semicolons or tabs, in UTF-8.

    A first line without any number names the columns.  Lines that begin with # are skipped, but the
    first such line may name the columns too, as numpy.savetxt writes it.  Of `columns`, by name or
    number, the others may hold text.
    """
    name = f"source {path.name!r}"
    try:
        separator, names, skip, named = _head(path, name)
        kept = list(range(len(names))) if columns is None else places(columns, names)
        try:
            table = pandas.read_csv(
                path, sep=separator, header=None, skiprows=skip, comment="#", encoding="utf-8-sig",
                usecols=None if columns is None else kept, dtype=np.float64, na_filter=False,
            )  # fmt: skip
            if columns is None and table.shape[1] != len(names):
                raise ValueError("the names are not as many as the columns")
            values = np.ascontiguousarray(table[kept])
        except UnicodeDecodeError:
            raise
        except (ValueError, KeyError):
            values = _searched(path, separator, skip, names, kept, name)
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is no text in UTF-8; save it as CSV in UTF-8") from error
    except (csv.Error, OSError) as error:
        raise InputError(f"{name} cannot be read ({error}); save it as CSV") from error
    notes = ["The first line names the columns."] if named else []
    if len(kept) < len(names):
        notes.append(f"{len(names) - len(kept)} of {len(names)} columns were left out.")
    return values, tuple(names[i] for i in kept), tuple(notes)


def places(columns: Sequence[str | int], names: Sequence[str]) -> list[int]:
    """Where the columns called (or numbered) so are."""
    listed = ", ".join(names)
    if isinstance(columns, str) or not columns:
        raise InputError(f"columns is {columns!r}; give a list of some of {listed}")
    known: dict[str | int, int] = {name: i for i, name in enumerate(names)}
    known |= {i: i for i in range(len(names))}
    for column in columns:
        if not isinstance(column, str | int) or column not in known:
            raise InputError(
                f"columns has {column!r}, which is not there; choose of {listed}, or a number from "
                f"0 to {len(names) - 1}"
            )
    found = [known[column] for column in columns]
    if len(set(found)) < len(found):
        raise InputError(f"columns is {list(columns)}; ask for each only once")
    return found


def _head(path: Path, name: str) -> tuple[str, list[str], int, bool]:
    """The separator, the columns' names, lines to skip, and whether the file names the columns."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, line in enumerate(file):
            if "\0" in line:
                raise InputError(f"{name} is not what its name says; save it as CSV in UTF-8")
            text = line.strip("\r\n ")
            comment, bare = text.startswith("#"), text.strip("#\t ")
            if not bare:
                continue
            separator = max(",;\t", key=bare.count)
            if separator not in bare and len(bare.split()) > 1:
                raise InputError(
                    f"{name} has no commas, semicolons or tabs in line {number + 1}; put one "
                    "between the cells"
                )
            cells = next(csv.reader([text.lstrip("#")], delimiter=separator))
            if any(cells) and not any(map(_is_number, cells)):
                names = [cell.strip() or f"column {i}" for i, cell in enumerate(cells)]
                twice = [each for each in names if names.count(each) > 1]
                if twice:
                    raise InputError(f"{name} names two columns {twice[0]!r}; rename one")
                return separator, names, number + 1, True
            if not comment:
                return separator, [f"x{i}" for i in range(len(cells))], number, False
    raise InputError(f"{name} is empty; it must hold rows of numbers")


def _searched(
    path: Path, separator: str, skip: int, names: list[str], kept: list[int], name: str
) -> np.ndarray:
    """The numbers cell by cell, or an error that points at the first that is none."""
    rows = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(islice(file, skip, None), delimiter=separator)
        for cells in reader:
            line = f"line {skip + reader.line_num}"
            if not cells or cells[0].lstrip().startswith("#"):
                continue
            if len(cells) != len(names):
                raise InputError(
                    f"{name} has {len(cells)} cell(s) in {line}, but {len(names)} columns; give "
                    "every line as many, and write decimals with points"
                )
            bad = [i for i in kept if not _is_number(cells[i])]
            if bad:
                cell = cells[bad[0]].strip()[:40]
                good = [each for each, c in zip(names, cells) if _is_number(c)][:6]
                raise InputError(
                    f"{name} has {f'the text {cell!r}' if cell else 'an empty cell'} in {line}, "
                    f"column {names[bad[0]]!r}; put a number there, leave out the row, or read "
                    f"other columns: {f'columns={good}' if good else 'none here is a number'}"
                )
            rows.append([float(cells[i]) for i in kept])
    if not rows:
        raise InputError(f"{name} has no rows of numbers; it must hold some below its names")
    return np.array(rows)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # Python's own way of writing thousands
