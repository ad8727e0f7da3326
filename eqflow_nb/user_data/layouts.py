"""What an array holds: points, runs in time, or pictures; and which columns are no states.

Rules, not guesses: each says what was done in a note, with the argument that asks for another way.
"""

import re
from collections.abc import Sequence

import numpy as np

from eqflow_nb.inputs import InputError, as_array

LEAST_POINTS = 10
MOST_COLUMNS = 8  # of an array of runs; with more it holds pictures
MOST_CHANNELS = 4
TIMES = {"time", "times", "timestamp", "date", "datetime", "year", "month", "day", "hour"}
ROW_NUMBERS = {"", "unnamed", "index"}
UNEVEN = 0.01  # of a mean step: sorted readings of anything else have uneven ones

Notes = tuple[str, ...]


def arrange(x: np.ndarray, name: str, transpose: bool = False) -> tuple[np.ndarray, Notes]:
    """Points (N, d) or images (N, C, H, W) from an array of another layout, and what was done."""
    # Runs (runs, times, d) are put one below the other; of pictures (N, H, W), (N, H, W, C) and of
    # one alone, (H, W, 3) or (C, H, W), the missing axes are added and channels put first.
    if transpose:
        if x.ndim not in (2, 3):
            raise InputError(f"{name} has shape {x.shape}; transpose=True is for rows and columns")
        x = x.swapaxes(-1, -2)
    shape = x.shape
    if x.ndim == 2:
        check_upright(shape, name)
        if x.dtype == np.uint8 and shape[1] > MOST_COLUMNS:
            return x[None, None], (f"Read as one grey picture of {shape[1]} by {shape[0]} pixels.",)
        if shape[1] > shape[0]:
            return x, ("More columns than rows: if rows are coordinates, use transpose=True.",)
    if x.ndim == 3 and 0 not in shape:
        if x.dtype == np.uint8 and shape[2] <= MOST_CHANNELS:
            return x.transpose(2, 0, 1)[None], ("Read as one picture, its channels last.",)
        if shape[2] <= MOST_COLUMNS:
            return stacked(list(x), name)
        if shape[1] <= MOST_COLUMNS:
            check_upright(shape, name)
        if shape[0] <= MOST_CHANNELS:
            return x[None], (f"Read as one picture of {shape[0]} channel(s).",)
        size = f"{shape[2]} by {shape[1]} pixels"
        return x[:, None], (f"Read as {shape[0]} pictures of one channel and {size}.",)
    if x.ndim == 4 and shape[3] <= MOST_CHANNELS < shape[1]:
        return np.moveaxis(x, 3, 1), ("Channels were last, and are put first.",)
    return x, ()


def check_upright(shape: Sequence[int], name: str) -> None:
    """Refuse what lies on its side: too few rows, and columns enough for rows."""
    rows, columns = shape[-2:]
    if rows < LEAST_POINTS <= columns:
        hint = "so it looks as if it lies on its side: turn it with transpose=True"
        found = f"{name} has {rows} rows and {columns} columns"
        raise InputError(f"{found}; snapshots are rows, {hint}")


def stacked(runs: Sequence[np.ndarray], name: str) -> tuple[np.ndarray, Notes]:
    """Runs, each (times, d), of any lengths, one below the other (N, d), and a note."""
    shapes = {np.shape(run) for run in runs}
    if any(len(shape) != 2 for shape in shapes) or len({shape[1] for shape in shapes}) > 1:
        listed = ", ".join(map(str, sorted(shapes, key=str)[:4]))
        raise InputError(f"{name} holds runs of shapes {listed}; each must be (times, d), one d")
    rows = sorted({shape[0] for shape in shapes})
    each = f"{rows[0]}" if len(rows) == 1 else f"{rows[0]} to {rows[-1]}"
    note = f"{len(runs)} runs of {each} rows were put one below the other: order is not used."
    return np.concatenate([as_array(run, name).astype(np.float64) for run in runs]), (note,)


def places(columns: Sequence[str | int], names: Sequence[str]) -> list[int]:
    """Where the columns called so, or numbered so from 0, are."""
    known: dict[str | int, int] = {str(i): i for i in range(len(names))}
    known |= {i: i for i in range(len(names))} | {name: i for i, name in enumerate(names)}
    listed = [] if isinstance(columns, str) else list(columns)
    lacking = [each for each in listed if each not in known]
    if lacking or not 0 < len({known[each] for each in listed}) == len(listed):
        fault = f"{lacking[0]!r} is none of them" if lacking else "give a list, each once"
        raise InputError(f"there are columns={list(names)}, numbered from 0; {fault}")
    return [known[each] for each in listed]


def states(values: np.ndarray, names: Sequence[str]) -> tuple[list[int], Notes]:
    """Columns of points (N, d) that are no times and no row numbers, and a note on the others."""
    # A time is called `t`, `time` or `date`, in whichever units.  A row number has no name, or
    # values that, once sorted, rise in even steps: order is not used, so any order will do.
    kinds = {}
    for c, (name, x) in enumerate(zip(names, values.T, strict=True)):
        bare = re.split(r"[\W_]", name, maxsplit=1)[0]  # without a unit
        if bare == "t" or bare.lower() in TIMES:
            kinds[c] = "a time"
        elif (c == 0 and bare.lower() in ROW_NUMBERS and (x == np.round(x)).all()) or _counts(x):
            kinds[c] = "a row number or an even time"
    kept = [c for c in range(len(names)) if c not in kinds]
    if not kinds or not kept:
        return list(range(len(names))), ()
    said = ", ".join(f"{named(names)[c]!r} ({kind})" for c, kind in kinds.items())
    note = f"Left out, since it is no state: {said}. With it: columns={list(named(names))}."
    return kept, (note,)


def _counts(x: np.ndarray) -> bool:
    """Whether a column rises in even steps, once sorted; in each of several runs of one length."""
    values, times = np.unique(x, return_counts=True)
    even = len(values) >= LEAST_POINTS and np.ptp(np.diff(values)) < UNEVEN * np.diff(values).mean()
    return bool(even and (times == times[0]).all())


def named(names: Sequence[str]) -> tuple[str, ...]:
    """Names of columns, a number for those that have none."""
    return tuple(name or f"column {i}" for i, name in enumerate(names))
