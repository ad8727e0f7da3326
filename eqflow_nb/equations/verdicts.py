"""From fits under several sets of tests to a verdict: whether these equations stand alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eqflow_nb.equations.conditions import MomentConditions, OfImages
from eqflow_nb.equations.elimination import FITS, WORTH, Found, Weighted, by_noise, root_of_inverse
from eqflow_nb.equations.own_noise import judged_by_own_noise
from eqflow_nb.equations.terms import Term

# How far a fit must stand out, by how many sets of tests find it: one, two, three or more.
SURE = (15.0, 10.0, 7.5)
IMAGES = 2.0  # times that if snapshots are images, which are few
WEIGHTS = 10.0  # times tests over snapshots: what weights from few snapshots add to that
MANY = 50  # snapshots a test: fewer are looked at twice
CLEAR = 200.0  # a gap that needs no second look, if all sets of tests agree
SMALLEST = 0.03  # part of its equation that a term is: less is hardly seen in the field
MISSING = 0.015  # chance that a term is missing, at most
SPURIOUS = 100.0  # times less than what is found stands out what is no reason to doubt it
NULL = 2.0  # directions of the library with misfits up to this many times the expected keep p too
SLOW = 1e-3  # of the squared rate of change of the coordinates: what changes faster isn't conserved
NOISE = 4.0  # times what the errors of the coefficients would make a conserved quantity change
VARIES = 1e-6  # part of the variance of I in that of its terms, for I to vary at all


@dataclass(frozen=True)
class Decision:
    """A verdict and why; see `result.Equations` for what isn't listed.

    `found` is the set of tests it rests on, `agree` are all that find the same terms, if they are
    determined.  `nulls` (K, k) is a basis of the coefficients that keep p, as far as the data can
    tell, and functions of the `conserved` quantities of the equations add to these.
    """

    verdict: str
    found: Found
    nulls: np.ndarray
    evidence: str
    needed: int | None = None
    agree: tuple[Found, ...] = ()
    conserved: int = 0


def decide(found: Sequence[Found]) -> Decision:
    """Decide on what was found under all sets of tests, if it isn't clear by their own noise."""
    decision, count = weigh(found), found[0].conditions.count
    # A field of less noise in the dynamics is quiet too, and need not be true; images are few.
    if found[0].conditions.terms[-1].equation < 0 or _of_images(found):
        return decision
    many = count > MANY * max(each.weighted.tests for each in found)
    determined = decision.verdict == "determined"
    if decision.verdict == "undetermined" or (determined and many and decision.found.gap > CLEAR):
        return decision
    again = weigh(judged_by_own_noise(found))
    return again if determined or again.verdict == "determined" else decision


def measured_with_noise(found: Found) -> bool:
    """Whether noise that matters was taken out of the snapshots."""
    conditions = found.conditions
    return isinstance(conditions, MomentConditions) and conditions.moments.noisy


def _of_images(found: Sequence[Found]) -> bool:
    return isinstance(getattr(found[0].conditions, "samples", None), OfImages)


def weigh(found: Sequence[Found]) -> Decision:
    """Weigh fits under all sets of tests against their rivals."""
    fitting = [each for each in found if each.fits]
    if not fitting:
        return _misfit(min(found, key=lambda each: each.fit.excess))
    count, pixels = fitting[0].conditions.count, _of_images(found)
    best = max(fitting, key=lambda each: each.gap)
    richest = max(fitting, key=lambda each: each.weighted.tests)
    nulls = nulls_of(richest)
    if nulls.shape[1] > 1:
        return _several(richest, nulls, found)
    agree, enough = _backing(best, fitting)
    worst = max(found, key=lambda each: each.path[0].excess)
    if best.gap < enough and worst.path[0].excess > 2 * FITS and not worst.fits:
        return _misfit(worst)
    more = f"about {_round(needed := 4 * count)} snapshots should tell"
    if best.gap < enough:
        needed = int(np.ceil(count * 2 * enough / max(best.gap, 0.5)))
        text = (
            f"the best equations have only {max(best.gap, 0):.0f} less misfit than the next ones "
            f"({enough:.0f} would be convincing); the gap grows with the number of snapshots, so "
            f"about {_round(needed)} should do"
        )
    elif pixels and (against := sum(_contradicts(each, best, fitting) for each in fitting)):
        text = f"{against} sets of tests contradict the equations that stand out under others"
    elif not pixels and (chance := missing(agree)) > MISSING:
        text = f"a term may be missing: the chance is {chance:.1%} ({MISSING:.1%} would do); {more}"
    elif not pixels and (len(fitting) < 2 or any(_differs(each, best) for each in fitting)):
        text = f"of {len(fitting)} sets of tests that fit only {len(agree)} find these; {more}"
    else:
        text = (
            f"misfit {best.fit.misfit:.0f} where noise gives {best.fit.freedom}; any others with "
            f"as many terms, or one less, have {best.gap * best.fit.excess:.0f} more; "
            f"{len(agree)} of {len(found)} sets of tests find these"
        )
        if not pixels:
            text += f"; the chance that a small term is missing is {max(chance, 0.001):.1%}"
        return Decision("determined", best, nulls, text, agree=tuple(agree))
    return Decision("too few snapshots", best, nulls, text, needed)


def too_few(decision: Decision, text: str, needed: int) -> Decision:
    """The decision, taken back for want of snapshots."""
    return replace(decision, verdict="too few snapshots", evidence=text, needed=needed, agree=())


def further(found: Found) -> np.ndarray:
    """Errors by which each term left out would differ from zero; the error, as a part (n, 2).

    Parts are those of its equation, rms.  Weights fit the scatter of the very snapshots, so small
    terms seem smaller; what halves give tells how much (Quenouille, Biometrika 43, 353, 1956).
    """
    fit, conditions, rows = found.fit, found.conditions, []
    assert isinstance(conditions, MomentConditions)
    judges = [by_noise(fit.c, one) for one in (conditions, *map(conditions.half, (0, 1)))]
    equations = np.array([term.equation for term in conditions.terms])
    forward = conditions.gram @ fit.c * np.sign(fit.c[min(fit.support)])  # the same for all sets
    for k in np.setdiff1d(np.flatnonzero(equations >= 0), fit.support):
        larger = [one.fit(np.append(fit.support, k)) for one in judges]
        whole, *halves = (each.c[k] * np.sign(each.c @ forward) for each in larger)
        c = np.where(equations == equations[k], fit.c, 0)
        unit = np.sqrt(conditions.gram[k, k] / max(c @ conditions.gram @ c, 1e-300))
        error = abs(whole) / np.sqrt(max(larger[0].losses[-1] / fit.excess, 1e-300))
        off = (2 * whole - np.mean(halves)) / max(error, 1e-300)
        rows.append((off, max(error * unit, 1e-12)))
    return np.array(rows).reshape(-1, 2)


def missing(agree: Sequence[Found]) -> float:
    """The chance that one of the terms left out is there, if at first that is as likely as not.

    By Bayes: any may be the one, and of any size, log-uniform from `SMALLEST` of its equation to 1.
    Sets of tests that `agree` tell it together: their means scatter less.
    """
    every = np.array([further(each) for each in agree])
    off, error = every[..., 0].mean(0)[:, None], every[..., 1].min(0)[:, None]
    parts = np.geomspace(SMALLEST, 1, 60) / error
    logs = np.concatenate([sign * off * parts - parts**2 / 2 for sign in (1, -1)])
    odds = float(np.exp(np.minimum(logs, 100)).sum()) / max(logs.size, 1)
    return odds / (1 + odds)


def nulls_of(found: Found) -> np.ndarray:
    """Coefficients (K, k), orthogonal in velocity, whose misfits noise can't tell from zero."""
    conditions, unknowns = found.conditions, len(found.fit.c)
    near, kept = found.weighted.spectrum()[1], 1
    total = conditions.covariance(found.fit.c)
    while kept < unknowns:
        for _ in range(2):  # a null is judged by its own noise
            noise = total + conditions.covariance(near[:, kept])
            weighted = Weighted(conditions, root_of_inverse(noise))
            misfits, near = weighted.spectrum()
        total = noise
        if misfits[kept] > NULL * max(weighted.tests - unknowns + 1, 1) + 8:
            break
        kept += 1
    return near[:, :kept] if kept > 1 else found.fit.c[:, None]


def weighted_by_all(found: Found, nulls: np.ndarray) -> tuple[np.ndarray, int]:
    """Misfits (K,) of the library, least first, weighed by all nulls' noise; their freedom."""
    total = sum(found.conditions.covariance(c) for c in nulls.T)
    weighted = Weighted(found.conditions, root_of_inverse(np.asarray(total)))
    return weighted.spectrum()[0], max(weighted.tests - len(nulls) + 1, 1)


def _backing(found: Found, fitting: Sequence[Found]) -> tuple[list[Found], float]:
    """The sets of tests that find the same terms, and how far these must stand out then."""
    agree = [each for each in fitting if each.support == found.support]
    more = 1 + WEIGHTS * found.weighted.tests / found.conditions.count
    return agree, SURE[min(len(agree), len(SURE)) - 1] * (IMAGES if _of_images(fitting) else more)


def _differs(each: Found, best: Found) -> bool:
    """Whether a set of tests finds other equations than the best."""
    # Tests by the hundred find a spurious term now and then, never a big one.
    more = each.support > best.support and each.gap < best.gap / SPURIOUS
    return each.support != best.support and not more


def _contradicts(each: Found, best: Found, fitting: Sequence[Found]) -> bool:
    """Whether a set of tests rules the best out, or has others that stand out as well."""
    if not _differs(each, best):
        return False
    other = best.weighted.fit(np.array(sorted(each.support)))
    more = max(len(other.support) - len(best.support), 0)
    if other.misfit < best.fit.misfit - WORTH * (0.5 + more):
        return True  # what the other set found fits better here as well, if less surely
    same = each.weighted.fit(np.array(sorted(best.support)))
    most = max(1.1 * FITS * same.freedom + 8, each.fit.misfit + SURE[0])
    return same.misfit > most or each.gap >= _backing(each, fitting)[1]


def _several(found: Found, nulls: np.ndarray, sets: Sequence[Found]) -> Decision:
    """Several equations fit: by the data's nature, or because there are too few snapshots."""
    count, unknowns = found.conditions.count, len(found.fit.c)
    misfits, freedom = weighted_by_all(found, nulls[:, :2])
    extra = misfits[1] - freedom
    fewer = [each for each in sets if each.weighted.tests < found.weighted.tests]
    # What many tests can't tell apart, few can't either, unless the weights of many mislead.
    misled = any(not each.fits or nulls_of(each).shape[1] < nulls.shape[1] for each in fewer)
    if extra > 3 * np.sqrt(2 * freedom) or count < 30 * unknowns or misled:
        needed = count * max(4.0, (SURE[0] + freedom) / max(extra, 0.05 * freedom))
        text = (
            f"{nulls.shape[1]} independent sets of equations in the library fit {count} snapshots "
            f"equally well; about {_round(int(needed))} would tell them apart, if anything does"
        )
        return Decision("too few snapshots", found, nulls, text, int(needed))
    text = (
        f"{nulls.shape[1]} independent sets of equations in the library keep these snapshots as "
        f"they are, and so does every mixture of them: misfits "
        f"{', '.join(f'{m:.0f}' for m in misfits[:4])} where noise gives {freedom}"
    )
    return Decision("undetermined", found, nulls, text)


def _misfit(found: Found) -> Decision:
    fit = found.path[0] if found.path[0].excess > FITS else found.fit
    text = (
        f"even the best equations in the library have a misfit of {fit.misfit:.0f} where noise "
        f"gives {fit.freedom}: a term is missing, or the snapshots aren't of one stationary process"
    )
    return Decision("not in the library", found, nulls_of(found), text)


def _round(number: int) -> str:
    return f"{round(number, -max(len(str(number)) - 2, 0)):,}"


def conserved(decision: Decision, tests: MomentConditions, names: Sequence[str]) -> Decision:
    """The decision, or "undetermined" if the equations conserve a quantity that varies.

    If v keeps p and v . grad I = 0, so does f(I) v, for any function f.  A quantity that is merely
    slow changes by more than the errors of the coefficients explain.  I is looked for among
    combinations of `tests`.
    """
    known, fit = tests.moments, decision.found.fit
    at = [known.at[None, e] for e in tests.tests]
    spread = known.covariance[np.ix_(at, at)]

    def change(c: np.ndarray) -> np.ndarray:
        """E[(v . grad psi_m)(v . grad psi_n)] over the tests, for v of coefficients c."""
        rows = tests.residual(c)
        return rows @ known.second @ rows.T

    size = np.sqrt(np.diag(spread))
    variances, axes = np.linalg.eigh(spread / np.outer(size, size))
    # Combinations of variance 1, and of these those that change least.
    axes = (axes / np.sqrt(np.maximum(variances, 1e-300)))[:, variances > VARIES] / size[:, None]
    values, turns = np.linalg.eigh(axes.T @ change(fit.c) @ axes)
    noise = np.mean([change(c - fit.c) for c in decision.found.bootstrap(draws=40)], axis=0)
    rate = float(fit.c @ tests.gram @ fit.c) / known.dim
    kept = [
        q / np.abs(q).max()
        for value, q in zip(values, (axes @ turns).T, strict=True)
        if value < SLOW * rate and value < NOISE * float(q @ noise @ q) + 1e-12 * rate
    ]
    if not kept:
        return decision
    rows = [(value, Term(0, e).text(names)) for value, e in zip(kept[0], tests.tests, strict=True)]
    parts = [f"{value:+.2f} {name}" for value, name in rows if abs(value) > 0.05]
    text = (
        f"the equations found conserve {len(kept)} quantities, such as "
        f"{' '.join(parts).removeprefix('+')} in centred, scaled coordinates; times any function "
        "of them, they keep the snapshots as well"
    )
    return replace(decision, verdict="undetermined", evidence=text, conserved=len(kept))
