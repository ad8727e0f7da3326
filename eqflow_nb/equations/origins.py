"""Where equations are shortest: shifts of columns keep a library, but not how many terms it takes.

Whether snapshots determine equations is decided at an origin that the snapshots themselves give, so
that the zeros of a file's units can't matter.  How equations are written is decided afterwards.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import chdtri

from eqflow_nb.equations.conditions import Conditions
from eqflow_nb.equations.elimination import (
    WORTH,
    Found,
    Weighted,
    cliff,
    eliminate,
    improve,
    losses,
    search,
    smallest,
)
from eqflow_nb.equations.terms import shift, slopes_of

BEAM = 6  # origins followed at a time
FARTHEST = 12.0  # deviations from the centre at which an origin is looked for
NEAR = 6.0  # deviations up to which a file's own zero is as good as an origin with a term less
REACHED = 30.0  # deviations up to which zero can be an origin at all, in double precision
SAME = 2e-3  # of the velocity, up to which fields are the same
SNAP = 1e-5  # the chance with which an origin at the file's own zero is taken for another


def shortest(found: Sequence[Found]) -> list[Found]:
    """The shortest equations about any origin under the set of tests where they stand out most."""
    every = [_shortest(each) for each in found if each.fits]
    least = min(found, key=lambda each: each.fit.excess)
    return max(every or [_shortest(least)], key=lambda ends: (ends[0].fits, ends[0].gap))


def _shortest(found: Found) -> list[Found]:
    """The shortest equations with the misfit of `found`, about the origins that make them short.

    A shift along an axis that makes a coefficient vanish is the root of a polynomial.  From the
    centre such shifts are made one after the other, those that leave fewest terms first; then
    origins are moved to where the misfit is least, and terms are chosen anew.  Where several are as
    short, those that stand out most come first.
    """
    base, weighted, units = found.conditions.base, found.weighted, found.conditions.units
    slopes, scale = slopes_of(base.terms), base.scale
    holds = found.fit.c != 0
    for _ in range(max(sum(term.powers) for term in base.terms)):
        holds |= (slopes[:, :, holds] != 0).any((0, 2))  # all that shifts turn these terms into
    support = np.flatnonzero(holds)
    worth = WORTH * weighted.fit(support).excess
    gram = found.conditions.gram[np.ix_(support, support)]
    values, vectors = smallest(weighted.triangle[:, support], gram)
    vectors, slopes = vectors * units[support, None], slopes[:, holds][:, :, holds]

    def kept(origin: np.ndarray) -> np.ndarray:
        """What each term is worth about an origin, at most 1."""
        lost = losses(base.count, values, shift(slopes, origin - base.centre) @ vectors)
        return np.minimum(lost / worth, 1.0)

    beam = [(kept(base.centre).sum(), base.centre)]
    for _ in range(len(scale) + 1):
        more = list(beam)
        for _, origin in beam:
            there = kept(origin) > 0.5
            c = shift(slopes, origin - base.centre) @ vectors[:, 0]
            for i, axis in enumerate(np.diag(scale)):
                for by in _roots(slopes[i] * scale[i], c, there):
                    other = origin + by * axis
                    if abs(other - base.centre)[i] < FARTHEST * scale[i]:
                        more.append((kept(other).sum(), other))
        before, beam = beam, []
        for cost, origin in sorted(more, key=lambda each: each[0]):
            apart = [(abs(origin - other) > 0.02 * scale).any() for _, other in beam]
            beam += [(cost, origin)] if all(apart) and len(beam) < BEAM else []
        if [cost for cost, _ in beam] == [cost for cost, _ in before]:
            break
    ends = []
    for _, origin in beam:
        end, chosen = found, support[kept(origin) == 1]
        if not chosen.size:  # no term is worth its place here
            continue
        for _ in range(3):
            end = settle(end, chosen, origin)
            one = Weighted(end.conditions, end.weighted.root, end.conditions.slope(end.fit.c))
            fit, rival = improve(one, one.fit(chosen))
            same, chosen, origin = (
                set(fit.support) == set(chosen),
                fit.support,
                end.conditions.origin,
            )
            end = replace(end, weighted=one, fit=fit, rival=rival)
            if same:
                break
        # Far away any function of a short range can be had from few powers.
        if (abs(end.conditions.origin - base.centre) < FARTHEST * scale).all():
            ends.append(end)
    if not ends:
        return [found]
    lengths = [end.fit.misfit + worth * len(end.fit.support) for end in ends]
    ends = [_with_rivals(end, ends) for end in ends]
    order = zip(ends, [n > min(lengths) + worth / 2 for n in lengths], strict=True)
    return [end for end, _ in sorted(order, key=lambda each: (each[1], -each[0].gap))]


def again(found: Found, ends: Sequence[Found]) -> Found:
    """What a set of tests finds about the origin of the shortest equations, give or take shifts."""
    conditions = Conditions(found.conditions.base, ends[0].conditions.origin)
    one = search(conditions, found.weighted.root, ends[0].weighted.along)
    return _with_rivals(one, ends)


def _with_rivals(found: Found, ends: Sequence[Found]) -> Found:
    """The same, with its best rival among other equations, as short, about whichever origin."""
    rivals = [] if found.rival is None else [found.rival]
    for end in _others(found, ends, same=False):
        rivals += [end.fit] if len(end.fit.support) <= len(found.fit.support) else []
    return replace(found, rival=min(rivals, key=lambda fit: fit.misfit, default=None))


def _others(found: Found, ends: Sequence[Found], same: bool) -> list[Found]:
    """Of equations, under these weights, those that are the same field as found, or aren't."""
    settled = [settle(found, end.fit.support, end.conditions.origin) for end in (found, *ends)]
    c = np.array([end.conditions.change @ end.fit.c for end in settled])
    alike = abs(c @ found.conditions.base.gram @ c[0]) > 1 - SAME**2 / 2
    return [end for end, kind in zip(settled[1:], alike[1:], strict=True) if kind == same]


def _roots(slope: np.ndarray, c: np.ndarray, there: np.ndarray) -> list[float]:
    """Shifts along an axis that make one of the coefficients c (n,) vanish that are `there`."""
    rows = [c]
    while rows[-1].any():
        rows.append(slope @ rows[-1] / len(rows))
    roots = [np.roots(series[::-1]) for series in np.array(rows)[:, there].T if series[1:].any()]
    return [float(root.real) for some in roots for root in some if abs(root.imag) < 1e-3]


def settle(
    found: Found, support: np.ndarray, origin: np.ndarray, free: np.ndarray | None = None
) -> Found:
    """Equations with some terms, at the origin of least misfit; axes not `free` keep theirs."""
    base, axes = (
        found.conditions.base,
        np.arange(len(origin))[slice(None) if free is None else free],
    )
    for _ in range(8):
        found = found.about(origin, support)
        along = found.conditions.slope(found.fit.c)[:, axes]
        others = support[support != np.argmax(abs(found.fit.c))]
        rows = np.hstack([found.weighted.triangle[:, others], found.weighted.triangle @ along])
        size, now = np.linalg.norm(rows, axis=0) + 1e-300, found.weighted.triangle @ found.fit.c
        step = np.linalg.lstsq(rows / size, -now, rcond=1e-9)[0]
        gain = base.count * float(now @ now - np.sum((now + rows / size @ step) ** 2))
        if not axes.size or gain < 1e-6 * found.fit.excess:
            break
        by = np.clip((step / size)[len(others) :], -1, 1)
        origin = origin.copy()
        origin[axes] -= base.scale[axes] * by
    return found


def written(found: Found, ends: Sequence[Found]) -> tuple[Found, np.ndarray, np.ndarray]:
    """The equations where they are best written: found, free axes (d,), terms about zero (n,).

    Axes whose origin isn't known to differ from the file's own zero are put there; the others are
    free.  Terms about zero are those that the equations have when they are multiplied out.
    """
    options = [_towards_zero(end) for end in (found, *_others(found, ends, same=True))]
    terms = found.conditions.terms

    def length(option: tuple[Found, np.ndarray]) -> tuple[int, int, int]:
        """Terms and shifts to write down, then shifts alone, then constants."""
        one, free = option
        constants = sum(not any(terms[k].powers) for k in one.support)
        return len(one.support) + int(free.sum()), int(free.sum()), constants

    best, free = min(options, key=length)
    base, support, excess = found.conditions.base, best.fit.support, best.fit.excess
    if not free.any():
        return best, free, support
    origin, most = best.conditions.origin, best.fit.misfit + _allowance(best)
    out = np.flatnonzero((shift(slopes_of(terms), -origin)[:, support] != 0).any(1))
    if (abs(base.centre) < REACHED * base.scale).all():
        zero = Weighted(Conditions(base, 0 * origin), found.weighted.root)
        path = eliminate(zero, out)
        fit, _ = improve(zero, path[cliff(path)])
        near = (abs(base.centre) < NEAR * base.scale)[free].all()
        if fit.misfit <= most + WORTH * excess and set(fit.support) <= set(out):
            out = fit.support
        if fit.misfit <= most and near and len(fit.support) <= len(support) + free.sum():
            return best.about(0 * origin, fit.support), free & False, fit.support
    return best, free, out


def _towards_zero(found: Found) -> tuple[Found, np.ndarray]:
    """Equations with as many axes as possible at the file's own zero, and the axes that are not."""
    base, support = found.conditions.base, found.fit.support
    best, free = settle(found, support, found.conditions.origin), np.ones(len(base.scale), bool)
    most = best.fit.misfit + _allowance(best)
    while True:
        tries = []
        for i in np.flatnonzero(free & (abs(base.centre) < REACHED * base.scale)):
            less, there = free.copy(), best.conditions.origin.copy()
            less[i], there[i] = False, 0.0
            tries.append((settle(found, support, there, less), less))
        one, less = min(tries, key=lambda each: each[0].fit.misfit, default=(best, free))
        if not tries or one.fit.misfit > most:
            return best, free
        best, free = one, less


def _allowance(found: Found) -> float:
    """How much misfit may rise by chance where an origin moves to the true one."""
    return float(chdtri(len(found.conditions.origin), SNAP)) * found.fit.excess
