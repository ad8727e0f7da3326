"""From fits under several sets of tests to a verdict: whether there is one law, and it is this."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import chi2

from eqflow_nb.equations.elimination import WORTH, Fit, Weighted, root_of_inverse
from eqflow_nb.equations.resampling import crossfit, without_each_part

FITS = 1.5  # the most misfit, in units of its expected value, of a law that fits
# How far a law must stand out, by how many sets of tests find it: one, two, three or more.
SURE = (30.0, 20.0, 15.0)
PLENTY = 1000.0  # of misfit a term is worth, which no rare event gives
LEANING = 0.1  # of the evidence for a term that one part of the data may carry, beyond chance
CHANCE = 0.05  # that no further term looks worth more than it may, if none is missing
NULL = 2.0  # directions of the library with misfits up to this many times the expected keep p too

VERDICTS = ("determined", "undetermined", "not in the library", "too few snapshots")


@dataclass(frozen=True)
class Found:
    """What a search found under one set of tests; see `elimination.search`."""

    conditions: Any
    weighted: Weighted
    path: list[Fit]
    fit: Fit
    rival: Fit | None
    tests: int | str

    @property
    def support(self) -> frozenset[int]:
        """The law's terms."""
        return frozenset(int(k) for k in self.fit.support)

    @property
    def gap(self) -> float:
        """How much misfit tells the law from the next best one, over the noise's overdispersion.

        The next best lacks one of its terms, or has another one in its place.
        """
        nearest = float(self.fit.losses.min())
        if self.rival is not None:
            nearest = min(nearest, self.rival.misfit - self.fit.misfit)
        return nearest / self.fit.excess

    @property
    def fits(self) -> bool:
        """Whether its misfit is what noise would give."""
        return self.fit.misfit <= FITS * max(self.fit.freedom, 1) + 8

    @functools.cached_property
    def missing(self) -> float:
        """The best further term, in standard errors beyond what chance gives the best of so many.

        Above 0 a true term may be missing that is too weak to be told.
        """
        others = np.setdiff1d(np.arange(self.conditions.matrix.shape[1]), self.fit.support)
        if not len(others):
            return -np.inf
        larger = [self.weighted.fit(np.append(self.fit.support, k)) for k in others]
        best = min(larger, key=lambda each: each.misfit)
        by_chance = float(chi2.isf(CHANCE / len(others), 1))
        if self.fit.misfit - best.misfit < by_chance * self.fit.excess:
            return -np.inf
        support = np.sort(best.support)
        draws = crossfit(self.conditions, self.fit.c, support, draws=100)[:, best.support[-1]]
        return float(abs(draws[0]) / draws[1:].std() - np.sqrt(by_chance))

    @functools.cached_property
    def leaning(self) -> float:
        """What one part of the data carries of the evidence for the weakest term, beyond chance.

        Above 0 the term may come from a few rare snapshots.  By chance the largest of B parts takes
        away about 2 * 3 / sqrt(B) over the term's worth in standard errors.
        """
        weakest = int(np.argmin(self.fit.losses))
        if self.fit.losses[weakest] > PLENTY:
            return -np.inf
        parts = without_each_part(self.conditions, self.weighted, self.fit)[:, weakest]
        worth = max(float(self.fit.losses[weakest]), 1.0)
        return 1 - parts.min() / worth - LEANING - 8 / np.sqrt(len(parts) * worth)

    def allows(self, support: frozenset[int]) -> bool:
        """Whether a law with these terms fits here too, about as well as the one found."""
        other = self.weighted.fit(np.array(sorted(support)))
        return other.misfit <= max(1.1 * FITS * other.freedom + 8, self.fit.misfit + SURE[0] / 2)

    def nulls(self) -> np.ndarray:
        """Laws (K, k), orthogonal in velocity, whose misfits noise can't tell from zero.

        A second law is judged by a covariance that holds its own noise too, not only the first's.
        """
        everything = np.arange(self.conditions.matrix.shape[1])
        laws = self.weighted.spectrum(everything)[1]
        total = self.conditions.covariance(self.fit.c)
        kept = 1
        while kept < len(everything):
            total = total + self.conditions.covariance(laws[:, kept])
            weighted = Weighted(self.conditions, root_of_inverse(total))
            misfits, laws = weighted.spectrum(everything)
            if misfits[kept] > NULL * max(weighted.tests - len(everything) + 1, 1) + 8:
                break
            kept += 1
        return laws[:, :kept] if kept > 1 else self.fit.c[:, None]


@dataclass(frozen=True)
class Decision:
    """A verdict and why.

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`.
    found : Found
        The set of tests it rests on.
    nulls : ndarray (K, k)
        A basis of the laws that keep p, as far as the data can tell.
    evidence : str
        Why, in words.
    needed : int or None
        How many snapshots would do, by the growth of the gap, where too few.
    agree : tuple of Found
        All sets of tests that find the law, if it is determined.
    """

    verdict: str
    found: Found
    nulls: np.ndarray
    evidence: str
    needed: int | None = None
    agree: tuple[Found, ...] = ()


def stands_out(found: Sequence[Found]) -> bool:
    """Whether some set of tests has a law that fits and stands out."""
    return any(each.fits and each.gap >= SURE[0] for each in found)


def decide(found: Sequence[Found]) -> Decision:
    """Weigh what was found under all sets of tests."""
    fitting = [each for each in found if each.fits]
    if not fitting:
        return _misfit(min(found, key=lambda each: each.fit.excess))
    best = max(fitting, key=lambda each: each.gap)
    richest = max(fitting, key=lambda each: each.weighted.tests)
    agree, enough = _backing(best, fitting)
    against = [each for each in fitting if _contradicts(each, best, fitting)]
    nulls = richest.nulls()
    count = best.conditions.count
    if nulls.shape[1] > 1:
        return _several(richest, nulls)
    if best.gap >= enough and best.missing <= 0 and best.leaning <= 0 and not against:
        text = (
            f"misfit {best.fit.misfit:.0f} where noise gives {best.fit.freedom}; any other law "
            f"with as many terms, or one less, has {best.gap * best.fit.excess:.0f} more; "
            f"{len(agree)} of {len(found)} sets of tests find it"
        )
        return Decision("determined", best, nulls, text, agree=tuple(agree))
    worst = max(found, key=lambda each: each.path[0].excess)
    if worst.path[0].excess > 2 * FITS and not worst.fits and best.gap < enough:
        return _misfit(worst)
    if against:
        text = (
            "sets of tests contradict each other: the law that stands out under one misfits under "
            f"{len(against)} other(s)"
        )
        return Decision("too few snapshots", best, nulls, text, 4 * count)
    if best.gap >= enough and best.leaning > 0:
        text = (
            "a single part of the snapshots carries much of the evidence for one of the terms, so "
            f"it may come from rare events; about {_round(4 * count)} snapshots should tell"
        )
        return Decision("too few snapshots", best, nulls, text, 4 * count)
    if best.gap >= enough:
        text = (
            f"one more term seems to belong to the law, by {best.missing:.1f} standard errors more "
            f"than chance would do; about {_round(2 * count)} snapshots should tell"
        )
        return Decision("too few snapshots", best, nulls, text, 2 * count)
    needed = int(np.ceil(count * SURE[0] / max(best.gap, 0.5)))
    text = (
        f"the best law has only {max(best.gap, 0):.0f} less misfit than the next one ({enough:.0f} "
        f"would be convincing); the gap grows with the number of snapshots, so about "
        f"{_round(needed)} should do"
    )
    return Decision("too few snapshots", best, nulls, text, needed)


def too_few(decision: Decision, count: int) -> Decision:
    """The decision where there are fewer snapshots than the smallest set of tests needs."""
    needed = 8 * decision.found.weighted.tests
    text = (
        f"{count} snapshots can't carry the {decision.found.weighted.tests} tests that the library "
        f"takes; {_round(needed)} are needed at least, and several times as many are better"
    )
    return replace(decision, verdict="too few snapshots", evidence=text, needed=needed)


def _backing(found: Found, fitting: Sequence[Found]) -> tuple[list[Found], float]:
    """The sets of tests that find the same law, and how far it must stand out then."""
    agree = [each for each in fitting if each.support == found.support]
    return agree, SURE[min(len(agree), len(SURE)) - 1]


def _contradicts(each: Found, best: Found, fitting: Sequence[Found]) -> bool:
    """Whether a set of tests rules a law out, or has another one that stands out as well."""
    if each.support == best.support:
        return False
    if each.support > best.support and each.gap < best.gap / 50:
        return False  # tests by the hundred find a spurious term now and then, never a big one
    other = best.weighted.fit(np.array(sorted(each.support)))
    more = max(len(other.support) - len(best.support), 0)
    if other.misfit < best.fit.misfit - WORTH * (0.5 + more):
        return True  # what the other set found fits better here as well, if less surely
    return not each.allows(best.support) or each.gap >= _backing(each, fitting)[1]


def _several(found: Found, nulls: np.ndarray) -> Decision:
    """More than one law fits: by the data's nature, or because there are too few."""
    count, unknowns = found.conditions.count, found.conditions.matrix.shape[1]
    total = sum(found.conditions.covariance(law) for law in nulls.T[:2])
    weighted = Weighted(found.conditions, root_of_inverse(total))
    misfits, _ = weighted.spectrum(np.arange(unknowns))
    freedom = max(weighted.tests - unknowns + 1, 1)
    extra = misfits[1] - freedom
    telling = extra > 3 * np.sqrt(2 * freedom)
    if telling or count < 30 * unknowns:
        needed = count * max(4.0, (SURE[0] + freedom) / max(extra, 0.05 * freedom))
        text = (
            f"{nulls.shape[1]} independent laws of the library fit {count} snapshots equally well; "
            f"about {_round(int(needed))} would tell them apart, if anything does"
        )
        return Decision("too few snapshots", found, nulls, text, int(needed))
    text = (
        f"{nulls.shape[1]} independent laws of the library keep these snapshots as they are, "
        f"and so does every mixture of them: misfits {', '.join(f'{m:.0f}' for m in misfits[:4])} "
        f"where noise gives {freedom}"
    )
    return Decision("undetermined", found, nulls, text)


def _misfit(found: Found) -> Decision:
    fit = found.path[0] if found.path[0].excess > FITS else found.fit
    text = (
        f"even the best law of the library has a misfit of {fit.misfit:.0f} where noise gives "
        f"{fit.freedom}: a term is missing, or the snapshots aren't of one stationary law"
    )
    return Decision("not in the library", found, found.nulls(), text)


def _round(number: int) -> str:
    digits = max(len(str(number)) - 2, 0)
    return f"{round(number, -digits):,}"
