"""Equations judged by their own noise.

The weights of a search are those of what it found.  Equations are noisiest, and tests weigh least,
where they are wrong, so weights from others' noise may rule out the truth: the more tests, the
surer.  Here each has the misfit that it has under the weights of its own noise, as in the
continuously updated estimator (Hansen, Heaton & Yaron, J. Bus. Econ. Stat. 14, 262, 1996).
"""

from collections.abc import Sequence

import numpy as np

from eqflow_nb.equations.conditions import Conditions
from eqflow_nb.equations.elimination import WORTH, Fit, Found, Weighted, best_swap, by_noise

ROUNDS = 3  # in which weights and coefficients settle


def own(conditions: Conditions, fit: Fit) -> tuple[Weighted, Fit]:
    """A fit under the weights of its own noise, and these weights."""
    for _ in range(ROUNDS):
        weighted = by_noise(fit.c, conditions)
        fit = weighted.fit(fit.support)
    return weighted, fit


def judged_by_own_noise(found: Sequence[Found]) -> list[Found]:
    """What sets of tests find if equations, whoever found them, are judged by their own noise."""
    pool: dict[frozenset[int], Fit] = {}
    judges = [OwnNoise(each) for each in found]
    while True:
        fitting = [each for each in found if each.fits]
        fitting = fitting or [min(found, key=lambda each: each.fit.excess)]
        more = {each.support: each.fit for each in fitting if each.support not in pool}
        if not more:
            return list(found)
        pool |= more
        found = [judge.best(list(pool.values())) for judge in judges]


class OwnNoise:
    """Equations judged by their own noise under one set of tests."""

    def __init__(self, found: Found) -> None:
        self.found, self.conditions = found, found.conditions
        self.known: dict[frozenset[int], tuple[Weighted, Fit]] = {}

    def judge(self, fit: Fit) -> tuple[Weighted, Fit]:
        """Weights and fit of equations, once."""
        key = frozenset(int(k) for k in fit.support)
        if key not in self.known:
            self.known[key] = own(self.conditions, fit)
        return self.known[key]

    def neighbours(self, weighted: Weighted, fit: Fit) -> list[tuple[Weighted, Fit]]:
        """Equations with some of the weakest terms less, one more, or one instead of another."""
        near, smaller = [], fit
        while len(smaller.support) > 2 and len(smaller.support) > len(fit.support) - 3:
            rest = np.delete(smaller.support, np.argmin(smaller.losses))
            near.append(self.judge(weighted.fit(rest)))
            smaller = near[-1][1]
        others = np.setdiff1d(np.arange(len(fit.c)), fit.support)
        larger = [weighted.fit(np.append(fit.support, k)) for k in others]
        near += [self.judge(each) for each in sorted(larger, key=lambda one: one.misfit)[:3]]
        swap = best_swap(weighted, larger)
        return near if swap is None else [*near, self.judge(swap)]

    def hidden(self, larger: Fit, fit: Fit) -> float:
        """What the further terms of a larger fit are worth at least; nothing if it lacks one."""
        if not set(fit.support) < set(larger.support):
            return 0.0
        return float(larger.losses[~np.isin(larger.support, fit.support)].min())

    def best(self, pool: Sequence[Fit]) -> Found:
        """The best equations, all terms and misfits considered, and the best rival as short."""
        tried = [self.judge(fit) for fit in (*pool, self.found.fit)]
        worth = WORTH * min(fit.excess for _, fit in tried)

        def cost(one: tuple[Weighted, Fit]) -> float:
            return one[1].misfit + worth * len(one[1].support)

        best = min(tried, key=cost)
        while (better := min([best, *self.neighbours(*best)], key=cost)) is not best:
            best = better
        weighted, fit = best
        # A term more is a rival if, by the noise left with it, it is worth its place.
        others, size = [one for _, one in self.known.values() if one is not fit], len(fit.support)
        rivals = [o for o in others if len(o.support) <= size or self.hidden(o, fit) > worth]
        rival = min(rivals, key=lambda one: one.misfit, default=None)
        return Found(self.conditions, weighted, self.found.path, fit, rival)
