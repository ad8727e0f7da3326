"""Oddities of single columns and of images that a reader should know before using them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from eqflow_nb.user_data.read import Own

ROUNDING = 1e-12  # of a column's size: a spread below it is rounding
NEARLY = 1e-3  # of a column's spread: what the others leave unexplained of a collinear one
SCALES = 100.0
TURNS = {"2π": 2 * math.pi, "360 degrees": 360.0}


@dataclass(frozen=True)
class Finding:
    """Something to know about the data.

    Attributes
    ----------
    about : str
        Its kind, one word such as "duplicates".
    text : str
        In plain words, with figures.
    columns : tuple of int
        The columns or channels it is about, if not all.
    """

    about: str
    text: str
    columns: tuple[int, ...] = ()


def of_points(own: Own) -> list[Finding]:
    """What is odd about columns: constant, counters, collinear, of other scales, angles, labels."""
    x, names = own.values, own.names
    spread, size = np.ptp(x, axis=0), np.abs(x).max(0)
    still = [int(c) for c in np.flatnonzero(spread <= ROUNDING * size)]
    found = [
        Finding("constant", f"Column {names[c]!r} is constant: leave it out.", (c,)) for c in still
    ]
    rest = [c for c in range(x.shape[1]) if c not in still]
    for c in rest:
        steps = np.diff(x[:, c])
        if (steps > 0).all() or (steps < 0).all():
            text = f"Column {names[c]!r} only rises or falls, like a row number or a time"
            found.append(Finding("counter", f"{text}: it is no state. Leave it out.", (c,)))
    rest = [c for c in rest if c not in {f.columns[0] for f in found}]
    found += _collinear(x, names, rest)
    sds = x[:, rest].std(0)
    if len(rest) and sds.max() > SCALES * sds.min():
        small, large = names[rest[int(sds.argmin())]], names[rest[int(sds.argmax())]]
        found.append(
            Finding(
                "scales",
                f"Scales differ {sds.max() / sds.min():.2g}-fold, from {small!r} to {large!r}. "
                "Each column is divided by its own standard deviation before anything else.",
            )
        )
    for c in rest:
        found += _of_column(x[:, c], names[c], c)
    return found


def _collinear(x: np.ndarray, names: tuple[str, ...], columns: list[int]) -> Iterator[Finding]:
    """Columns that are sums of multiples of others, and of which."""
    if len(columns) < 2:
        return
    sd = x[:, columns].std(0)
    z = (x[:, columns] - x[:, columns].mean(0)) / sd
    _, pivot = scipy.linalg.qr(z, mode="r", pivoting=True)
    kept = [int(pivot[0])]
    for j in map(int, pivot[1:]):
        weights, *_ = np.linalg.lstsq(z[:, kept], z[:, j], rcond=None)
        left = float((z[:, j] - z[:, kept] @ weights).std())
        if left > NEARLY:
            kept.append(j)
            continue
        terms = [
            f"{w * sd[j] / sd[k]:+.4g} {names[columns[k]]}"
            for w, k in zip(weights, kept)
            if abs(w) > 10 * NEARLY
        ]
        how = "exactly" if left < 1e-7 else f"to {left:.1g} of its spread"
        yield Finding(
            "collinear",
            f"Column {names[columns[j]]!r} is {how} a constant {' '.join(terms)}: leave one of "
            "them out.",
            (columns[j],),
        )


def _of_column(x: np.ndarray, name: str, c: int) -> Iterator[Finding]:
    """An angle, a few values only, or values far out."""
    values, counts = np.unique(x, return_counts=True)
    if len(values) <= max(2, len(x) // 10) and counts.mean() >= 5:
        shown = ", ".join(f"{v:g}" for v in values[:6]) + (", ..." if len(values) > 6 else "")
        yield Finding(
            "discrete",
            f"Column {name!r} takes {len(values)} values only ({shown}). A flow needs numbers that "
            "can change a little: leave it out if they are labels or counts.",
            (c,),
        )
        return
    for unit, turn in TURNS.items():
        for low in (0.0, -turn / 2):
            if _goes_round(x, low, turn):
                yield Finding(
                    "periodic",
                    f"Column {name!r} looks like an angle: it fills {low:.4g} to {low + turn:.4g} "
                    f"({unit}) right up to both ends. Give its cosine and its sine instead.",
                    (c,),
                )
                return
    far = np.abs(x - np.median(x)) / x.std()
    if far.max() > 10:
        yield Finding(
            "outliers",
            f"Column {name!r} has {int((far > 10).sum())} value(s) over 10 standard deviations "
            f"from its median, the farthest in row {int(far.argmax())}. Check them.",
            (c,),
        )


def _goes_round(x: np.ndarray, low: float, turn: float) -> bool:
    """Whether values end where a turn does, at both ends, with no gap but those of chance."""
    if len(x) < 100 or x.min() < low - 1e-6 or x.max() > low + turn + 1e-6:
        return False
    near = max(10, len(x) // 100)
    ordered = np.sort(x)
    spacing = (ordered[near] - ordered[0] + ordered[-1] - ordered[-1 - near]) / (2 * near)
    gap = ordered[0] - low + low + turn - ordered[-1]
    # Of evenly spread points, e^-8 * 9 = .3% leave so wide a gap just there.
    mass = min((x < low + turn / 20).mean(), (x > low + turn * 19 / 20).mean())
    return bool(gap <= 8 * spacing and mass > 0.005)


def of_images(own: Own) -> list[Finding]:
    """The size and channels of images, and whether their borders meet."""
    x = own.values
    h, w = x.shape[2:]
    found = [
        Finding("size", f"{len(x)} images of {w} by {h} pixels, channels: {_list(own.names)}.")
    ]
    for c, name in enumerate(own.names):
        if np.ptp(x[:, c]) <= ROUNDING * np.abs(x[:, c]).max():
            text = f"Channel {name!r} has one value all over: leave it out."
            found.append(Finding("constant", text, (c,)))
    jumps = {"left to right": _border(x, 3), "top to bottom": _border(x, 2)}
    open_ends = [way for way, jump in jumps.items() if jump > 1.5]
    said = ", ".join(f"{jump:.2g} times {way}" for way, jump in jumps.items())
    if open_ends:
        text = f"The images do not close on themselves {_list(open_ends)}: across the border values"
        text += f" jump {said} as much as inside. Methods for periodic images see an edge there."
        found.append(Finding("open border", text))
    else:
        text = f"The images look periodic: across the border values jump {said} as much as inside."
        found.append(Finding("periodic", text))
    return found


def _border(x: np.ndarray, axis: int) -> float:
    """Root mean square jump across a border over that between neighbours inside."""
    if x.shape[axis] < 3:
        return 1.0
    inside = float(np.square(np.diff(x, axis=axis)).mean())
    across = float(np.square(x.take(0, axis) - x.take(-1, axis)).mean())
    return math.sqrt(across / inside) if inside > 0 else 1.0


def _list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
