"""Where equations are shortest: shifts of columns keep a library, but not how many terms it takes.

A file's zeros are an accident of its units.  Equations that aren't found about these are looked for
about the origin that makes them short.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from eqflow_nb.equations.elimination import FITS, WORTH, Found, losses, smallest
from eqflow_nb.equations.terms import shift, slopes_of
from eqflow_nb.equations.verdicts import Decision, decide, measured_with_noise, too_few, weigh

BEAM = 6  # origins followed at a time
FARTHEST = 15.0  # deviations from the centre up to which origins are looked for, zero first
FIRM = 60.0  # how far equations about another origin must stand out, where the file's is near
SAME = 0.01  # of the velocity, up to which fields are the same
SNAP = 1e-5  # the chance with which an origin at the file's own zero is taken for another


@dataclass(frozen=True)
class Place:
    """An origin (d,) of coordinates in which equations are short, and its axes not at zero (d,).

    `terms` is how many equations have about it, `constants` how many of these are constants.
    """

    origin: np.ndarray
    free: np.ndarray
    terms: int
    constants: int
    misfit: float

    @property
    def length(self) -> int:
        """How much there is to write: terms and shifts."""
        return self.terms + int(self.free.sum())


class About:
    """The conditions behind a fit, as they are about other origins of the terms.

    `here` (d,) is the origin of the fit, `centre` and `scale` (d,) are those of the data.
    """

    def __init__(
        self, found: Found, here: np.ndarray, centre: np.ndarray, scale: np.ndarray
    ) -> None:
        conditions, self.count = found.conditions, found.conditions.count
        self.here, self.centre, self.scale = here, centre, scale
        self.slopes, units = slopes_of(conditions.terms), conditions.units
        self.constant = np.array([not any(term.powers) for term in conditions.terms])
        self.triangle = found.weighted.triangle / units
        self.gram = conditions.gram / np.outer(units, units)
        support = found.fit.c != 0
        for _ in range(max(sum(term.powers) for term in conditions.terms)):
            support |= (self.slopes[:, :, support] != 0).any((0, 2))  # all that shifts give
        self.support = np.flatnonzero(support)
        self.worth = WORTH * found.weighted.fit(self.support).excess

    def least(
        self, origin: np.ndarray, chosen: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What `smallest` gives for some terms about an origin, and the residual (K,) of the best.

        Coefficients are those of monomials of x - origin.
        """
        change = shift(self.slopes, self.here - origin)[:, chosen]
        change = change / np.sqrt(np.einsum("jk,jl,lk->k", change, self.gram, change))
        rows = self.triangle @ change
        values, vectors = smallest(rows, change.T @ self.gram @ change)
        return values, vectors, rows @ vectors[:, 0] * np.sign(vectors[:, 0].sum())

    def same(self, found: Found, other: Found, origin: np.ndarray) -> bool:
        """Whether what was found here and `other`, about an origin, are the same field."""
        a = found.fit.c * found.conditions.units
        b = shift(self.slopes, self.here - origin) @ (other.fit.c * other.conditions.units)
        alike = (a @ self.gram @ b) ** 2 / (a @ self.gram @ a) / (b @ self.gram @ b)
        return bool(alike > 1 - SAME**2)

    def longer_here(self, found: Found, other: Found, place: Place) -> bool:
        """Whether what was found about a place isn't shorter, nor lacks a term, multiplied out."""
        out = shift(self.slopes, self.here - place.origin)[:, np.sort(other.fit.support)]
        fit = found.weighted.fit(np.flatnonzero(out.any(1)))
        worth = fit.losses > WORTH * fit.excess
        return bool(worth.sum() + worth.all() > place.length)

    def settle(self, origin: np.ndarray, chosen: np.ndarray, free: np.ndarray) -> Place:
        """The origin of least misfit for some terms, along its `free` axes; the others stay."""

        def moved(by: np.ndarray) -> np.ndarray:
            there = origin.copy()
            there[free] += by * self.scale[free]
            return there

        if free.any():
            from scipy.optimize import least_squares  # which takes long to load

            best = least_squares(
                lambda by: self.least(moved(by), chosen)[2], np.zeros(free.sum()), max_nfev=20
            )
            origin = moved(best.x)
        misfit = self.count * float(self.least(origin, chosen)[0][0])
        return Place(origin, free, len(chosen), int(self.constant[chosen].sum()), misfit)

    def towards_zero(self, place: Place, chosen: np.ndarray) -> Place:
        """The place with as many axes at the file's zero as the misfit allows."""
        most = place.misfit + self.worth / WORTH * float(chdtri(len(self.scale), SNAP))
        while True:
            tries = []
            for i in np.flatnonzero(place.free & (abs(self.centre) < FARTHEST * self.scale)):
                free, there = place.free.copy(), place.origin.copy()
                free[i], there[i] = False, 0.0
                tries.append(self.settle(there, chosen, free))
            best = min(tries, key=lambda one: one.misfit, default=place)
            if not tries or best.misfit > most:
                return place
            place = best

    def beam(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Origins (d,) about which few terms are worth their place, and these terms.

        A shift along an axis that makes a coefficient vanish is the root of a polynomial.  From the
        centre such shifts are made one after the other, those that leave fewest terms first.
        """
        support, slopes = self.support, self.slopes[:, self.support][:, :, self.support]
        out = shift(self.slopes, self.here - self.centre)[:, support]
        values, vectors = smallest(self.triangle @ out, out.T @ self.gram @ out)

        def kept(origin: np.ndarray) -> np.ndarray:
            """What each term is worth about an origin, at most 1."""
            there = shift(slopes, origin - self.centre) @ vectors
            return np.minimum(losses(self.count, values, there) / self.worth, 1.0)

        ends = [(float(kept(self.centre).sum()), self.centre)]
        for _ in range(len(self.scale) + 1):
            more = list(ends)
            for _, origin in ends:
                worth = kept(origin) > 0.5
                c = shift(slopes, origin - self.centre) @ vectors[:, 0]
                for i, axis in enumerate(np.diag(self.scale)):
                    for by in _roots(slopes[i] * self.scale[i], c, worth):
                        other = origin + by * axis
                        if abs(other - self.centre)[i] < FARTHEST * self.scale[i]:
                            more.append((float(kept(other).sum()), other))
            before, ends = ends, []
            for cost, origin in sorted(more, key=lambda each: each[0]):
                apart = [(abs(origin - other) > 0.02 * self.scale).any() for _, other in ends]
                ends += [(cost, origin)] if all(apart) and len(ends) < BEAM else []
            if [cost for cost, _ in ends] == [cost for cost, _ in before]:
                break
        return [(origin, support[kept(origin) == 1]) for _, origin in ends]


def shortest(about: About, most: float = np.inf) -> Place | None:
    """The origin about which equations are shortest, with less than `most` terms and shifts."""
    places = []
    for origin, chosen in about.beam():
        if 1 < len(chosen) < most:
            place = about.settle(origin, chosen, np.ones(len(origin), bool))
            if (abs(place.origin - about.centre) < FARTHEST * about.scale).all():
                places.append(about.towards_zero(place, chosen))

    def cost(place: Place) -> tuple[float, int, int]:
        """The misfit and what is to be written, in whole terms' worth; then simple ones first."""
        written = round(place.misfit / about.worth + place.length, 0)
        return written, place.constants, int(place.free.sum())

    places = [place for place in places if place.length < most and place.free.any()]
    return min(places, key=cost, default=None)


def decide_anywhere(
    about: Callable[[np.ndarray], Iterator[Found]], centre: np.ndarray, scale: np.ndarray
) -> tuple[Decision, Place | None]:
    """Decide about the file's zero, or else about the origin where equations are shortest.

    `about` gives what sets of tests find in coordinates x - origin, the largest set first; `centre`
    and `scale` (d,) are those of the data.  The place is None for the file's zero.
    """
    near = bool((abs(centre) < FARTHEST * scale).all())
    here = 0 * centre if near else centre
    sets = about(here)
    found = list(sets) if near else [next(sets)]  # which is enough to tell an origin
    decision = decide(found) if near else weigh(found)
    sure, best = decision.verdict == "determined", decision.found
    if near and measured_with_noise(best):
        return decision, None  # with so much freedom a zero that may be right is not doubted
    # Directions that keep p, and the misfit of the whole library, are the same about all origins.
    if decision.nulls.shape[1] == 1 and best.path[0].excess <= FITS:
        there = About(best, here, centre, scale)
        place = shortest(there, len(best.fit.support) + (not sure) if near else np.inf)
        if place is not None:
            other = decide(list(about(place.origin)))
            if not near:
                return other, place
            # There are more equations about any origin than about one, so these must be surer.
            several = len(other.agree) >= len(found) - 1 and other.found.gap >= FIRM
            short = len(other.found.fit.support) <= place.terms
            # What some tests found about the file's zero may be as short, if less surely.
            short &= all(len(each.support) >= place.length for each in found if each.fits)
            if other.verdict == "determined" and short and several:
                if sure and not there.same(best, other.found, place.origin):
                    text = "about another origin other equations are as convincing"
                    return too_few(decision, text, 4 * best.conditions.count), None
                if there.longer_here(best, other.found, place):
                    return other, place  # else about the file's zero they are as short
    if not near and (decision := decide([*found, *sets])).verdict == "determined":
        return decide(list(about(0 * centre))), None  # terms are those about zero, or none
    whole = Place(here, np.full(len(here), True), len(best.fit.c), 0, 0.0)
    return decision, None if near else whole


def _roots(slope: np.ndarray, c: np.ndarray, worth: np.ndarray) -> list[float]:
    """Shifts along an axis that make one of the coefficients c (n,) vanish that are `worth` it."""
    rows = [c]
    while rows[-1].any():
        rows.append(slope @ rows[-1] / len(rows))
    roots = [np.roots(series[::-1]) for series in np.array(rows)[:, worth].T if series[1:].any()]
    return [float(root.real) for some in roots for root in some if abs(root.imag) < 1e-3]
