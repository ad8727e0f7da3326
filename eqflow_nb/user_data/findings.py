"""A look at a reader's snapshots: what is odd about them, and what they are fit for."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.linalg

from eqflow_nb.user_data.reading import UserData

MOST_ROWS, SHUFFLES = 200_000, 20
PROBES = 16  # pixels of a channel, to follow images in time by
PER_UNKNOWN = 30  # independent snapshots: Lorenz's 30 unknowns are determined from about 1,000
ROUNDING = 1e-12  # of a column's size: a spread below it is rounding
EXACTLY = 3e-5  # of a column's spread, unexplained: below, equations can't be told apart
NEARLY = 1e-3  # of a column's spread: what the others leave unexplained of a collinear one
SCALES = 100.0
TURNS = {"2π": 2 * math.pi, "360 degrees": 360.0}


class Finding(NamedTuple):
    """Something to know about the data: its kind, in plain words, and the column if it is one."""

    about: str
    text: str
    column: int | None = None


class Look(NamedTuple):
    """What a look at the data found, and what they will do for, in sentences (`fit_for`).

    The rows amount to so many `independent` snapshots; `keep` are the columns to work with, without
    constants, counters and combinations of others.
    """

    independent: float
    keep: tuple[int, ...]
    findings: tuple[Finding, ...]
    fit_for: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f.text for f in self.findings] or ["Nothing odd was found."]
        return "\n".join([*lines, *self.fit_for])


def look(data: UserData, seed: int = 0) -> Look:
    """Look at snapshots before anything is made of them; `seed` is that of shuffled controls."""
    x, rows = data.values[:MOST_ROWS], len(data.values)
    odd = list((_of_images if data.images else _of_points)(x, data.names))
    out = {f.column for f in odd if f.about in ("constant", "counter", "dependent", "collinear")}
    keep = tuple(c for c in range(x.shape[1]) if c not in out)
    distinct = len(np.unique(x.reshape(len(x), -1), axis=0))
    # A counter or a time would look ordered whatever the states did.
    time, control = _order(x[:, keep], seed)
    ordered = time > max(1.5, 1.2 * control)
    independent = rows * min(1 / time if ordered else 1.0, distinct / len(x))
    found = []
    if distinct < len(x):
        text = f"{len(x) - distinct} of {len(x)} rows repeat an earlier one exactly. They add "
        text += "nothing, and a density fitted to them grows spikes: leave them out."
        found.append(Finding("duplicates", text))
    if len(x) < rows:
        found.append(Finding("cut", f"Only the first {len(x):,} of {rows:,} rows were looked at."))
    if ordered:
        amount = f"{'at most' if time > rows / 50 else 'about'} {max(1, round(independent))}"
        text = f"Neighbouring rows are alike (autocorrelation time {time:.3g} rows, {control:.2g} "
        text += f"when shuffled), as in a time series. The {rows} rows amount to {amount} "
        text += "independent ones; if the table is only sorted, to all of them. The order itself "
        found.append(Finding("order", text + "is not used."))
    fit_for = tuple(_fit_for(data.images, independent, len(keep)))
    return Look(independent, keep, (*found, *odd), fit_for)


def _order(x: np.ndarray, seed: int) -> tuple[float, float]:
    """Longest autocorrelation time of the rows of x, and the longest of 20 shuffled orders."""
    # Read from the points (N, d), or from some pixels of images.
    rng = np.random.default_rng(seed)
    pixels = x.reshape(*x.shape[:2], math.prod(x.shape[2:]))
    probes = pixels[:, :, :: -(-pixels.shape[2] // PROBES)].reshape(len(x), -1)
    varying = probes[:, np.ptp(probes, axis=0) > 0]
    if not varying.size:
        return 1.0, 1.0
    shuffled = [_autocorrelation_time(rng.permutation(varying)) for _ in range(SHUFFLES)]
    return _autocorrelation_time(varying), max(shuffled)


def _autocorrelation_time(x: np.ndarray) -> float:
    """The longest of the columns of x (N, k), at least 1; N / tau rows are independent."""
    # tau = 1 + 2 sum_t rho(t) over the lags t < 5 tau (Sokal, Functional Integration, 1997, sec.
    # 3).
    n = len(x)
    z = (x - x.mean(0)) / x.std(0)
    rho = np.fft.irfft(np.abs(np.fft.rfft(z, 2 * n, axis=0)) ** 2, axis=0)[:n] / n
    times = 2 * np.cumsum(rho, axis=0) - 1
    outside = np.arange(n)[:, None] >= 5 * times
    ends = np.where(outside.any(0), outside.argmax(0), n - 1)
    return max(1.0, float(times[ends, np.arange(x.shape[1])].max()))


def _fit_for(images: bool, independent: float, d: int) -> Iterator[str]:
    """Sampling noise of a density grows with d; unknowns of quadratic equations as d^3."""
    needed, unknowns = 10 ** (1 + d / 2), d * math.comb(d + 2, 2)
    if d == 0:
        yield "Fit for nothing: no column varies by itself."
    elif images:
        good = "enough" if independent >= 32 else "few"
        yield f"About {independent:.0f} independent images: {good} for a flow without training."
        if independent < 100:
            yield "Equations take some 100 images of 64 by 64 pixels, or fewer large ones."
    elif d == 1:
        yield "One coordinate: on a line nothing can flow and look the same. Bring another."
    else:
        few = f"Few for a score in {d} dimensions: {independent:.0f} independent rows, where some "
        few += f"{needed:.0f} would do. A large σ will be chosen."
        yield f"Fit for a score and a flow in {d} dimensions." if independent >= needed else few
        rows = PER_UNKNOWN * unknowns
        few = f"Few for quadratic equations: {rows} independent rows do for {unknowns} terms."
        fit = f"Fit for equations with up to {unknowns} terms (quadratic)."
        many = "Too many coordinates to look for equations; at most 6 are tried."
        yield many if d > 6 else fit if independent >= rows else few


def _of_points(x: np.ndarray, names: tuple[str, ...]) -> Iterator[Finding]:
    alone = [_of_column(column) for column in x.T]
    varying = [c for c, (kind, _) in enumerate(alone) if kind not in ("constant", "counter")]
    for c, (kind, text) in enumerate(alone):
        if kind:
            yield Finding(kind, f"Column {names[c]!r} {text}", c)
    if varying:
        yield from _collinear(x, names, varying)
        sds = x[:, varying].std(0)
        if sds.max() > SCALES * sds.min():
            small, large = (names[varying[int(i)]] for i in (sds.argmin(), sds.argmax()))
            text = f"Scales differ {sds.max() / sds.min():.2g}-fold, from {small!r} to {large!r}. "
            text += "Each column is divided by its own standard deviation before anything else."
            yield Finding("scales", text)


def _collinear(x: np.ndarray, names: tuple[str, ...], columns: list[int]) -> Iterator[Finding]:
    """Columns that are sums of multiples of others, and of which."""
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
        large = [(w * sd[j] / sd[k], k) for w, k in zip(weights, kept) if abs(w) > 10 * NEARLY]
        terms = " ".join(f"{w:+.4g} {names[columns[k]]}" for w, k in large)
        how = "exactly" if left < EXACTLY else f"to {left:.1g} of its spread"
        text = f"Column {names[columns[j]]!r} is {how} a constant {terms}: leave one of them out."
        yield Finding("dependent" if left < EXACTLY else "collinear", text, columns[j])


def _of_column(x: np.ndarray) -> tuple[str, str]:
    """What is odd about one column: its kind and what the column does, or nothing."""
    steps = np.diff(x)
    if np.ptp(x) <= ROUNDING * np.abs(x).max():
        return "constant", "is constant: leave it out."
    if (steps > 0).all() or (steps < 0).all():
        text = "only rises or falls, like a row number or a time: it is no state. Leave it out."
        return "counter", text
    values, counts = np.unique(x, return_counts=True)
    if len(values) <= max(2, len(x) // 10) and counts.mean() >= 5:
        shown = ", ".join(f"{v:g}" for v in values[:6]) + (", ..." if len(values) > 6 else "")
        text = f"takes {len(values)} values only ({shown}). A flow needs numbers that can change "
        return "discrete", text + "a little: leave it out if they are labels or counts."
    for end, others in ((values[0], values[1:]), (values[-1], values[:-1])):
        if (number := int((x == end).sum())) > 1 and np.abs(others - end).min() > np.ptp(others):
            text = f"is {end:g} in {number} rows, far from all others: if that stands for missing, "
            text += "leave the cells empty, and those rows out: drop_missing=True."
            return "outliers", text
    for unit, turn in TURNS.items():
        for low in (0.0, -turn / 2):
            if _goes_round(x, low, turn):
                text = f"looks like an angle: it fills {low:.4g} to {low + turn:.4g} ({unit}) "
                text += "right up to both ends. Give its cosine and its sine instead."
                return "periodic", text
    far = np.abs(x - np.median(x)) / x.std()
    if far.max() <= 10:
        return "", ""
    text = f"has {int((far > 10).sum())} value(s) over 10 standard deviations from its median, the "
    return "outliers", text + f"farthest in row {int(far.argmax())}. Check them."


def _goes_round(x: np.ndarray, low: float, turn: float) -> bool:
    """Whether values end where a turn does, at both ends, with no gap but those of chance."""
    if len(x) < 100 or x.min() < low - 1e-6 or x.max() > low + turn + 1e-6:
        return False
    near, ordered = max(10, len(x) // 100), np.sort(x)
    spacing = (ordered[near] - ordered[0] + ordered[-1] - ordered[-1 - near]) / (2 * near)
    gap = ordered[0] - low + low + turn - ordered[-1]
    # Of evenly spread points, e^-8 * 9 = .3% leave so wide a gap just there.
    mass = min((x < low + turn / 20).mean(), (x > low + turn * 19 / 20).mean())
    return bool(gap <= 8 * spacing and mass > 0.005)


def _of_images(x: np.ndarray, names: tuple[str, ...]) -> Iterator[Finding]:
    size, channels = f"{x.shape[3]} by {x.shape[2]} pixels", ", ".join(names)
    yield Finding("size", f"{len(x)} image(s) of {size}, channels: {channels}.")
    for c, name in enumerate(names):
        if np.ptp(x[:, c]) <= ROUNDING * np.abs(x[:, c]).max():
            yield Finding("constant", f"Channel {name!r} has one value all over: leave it out.", c)
    jumps = {}  # across a border, over those between neighbours inside
    for way, axis in (("left to right", 3), ("top to bottom", 2)):
        inside = float(np.square(np.diff(x, axis=axis)).mean()) if x.shape[axis] > 2 else 0.0
        border = float(np.square(x.take(0, axis) - x.take(-1, axis)).mean())
        jumps[way] = math.sqrt(border / inside) if inside > 0 else 1.0
    said = ", ".join(f"{jump:.2g} times {way}" for way, jump in jumps.items())
    across = f"across the border values jump {said} as much as inside."
    open_ends = " and ".join(way for way, jump in jumps.items() if jump > 1.5)
    if open_ends:
        text = f"The images do not close on themselves {open_ends}: {across} Methods for periodic "
        yield Finding("open border", text + "images see an edge there.")
    else:
        yield Finding("periodic", f"The images look periodic: {across}")
