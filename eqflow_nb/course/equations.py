"""Chapter 05: systems identified over seeds, numbers of snapshots and sizes of noise, then judged.

Snapshots have no clock: equations are compared after the best scale, which may be negative.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from eqflow_nb.equations import Equations, FoundTerm, Term, identify, identify_fields
from eqflow_nb.equations.terms import velocity
from eqflow_nb.equations.verdicts import weighted_by_all
from eqflow_nb.rollout import together
from eqflow_nb.snapshots import field_world, noisy
from eqflow_nb.snapshots.zoo import Polynomial, System, system

HELD, FRESH = 2000, 987  # states on which fields are compared, of a seed of their own
FAR = 30.0  # deviations of the cloud beyond which a path has left for good
GALLERY = {  # the coordinates in which everyone knows them
    "rossler": (0, 1), "halvorsen": (0, 1), "chua_cubic": (0, 2), "aizawa": (0, 2),
    "rucklidge": (0, 2), "sprott_b": (0, 2), "rikitake": (0, 2), "hadley": (0, 1),
    "shimizu_morioka": (0, 2), "moore_spiegel": (0, 1), "hindmarsh_rose": (2, 0),
    "hyper_xu": (0, 2), "lorenz_stenflo": (0, 2), "lorenz96_4": (0, 1), "lorenz96_5": (0, 1),
}  # fmt: skip
GRAY_SCOTT = {Term(0, e) for e in ((0, 0), (1, 0), (1, 2))}  # feed, decay and reaction
GRAY_SCOTT |= {Term(1, e) for e in ((0, 1), (1, 2))}
GRAY_SCOTT |= {Term(c, (0, 0), "lap", c) for c in (0, 1)}


@dataclass(frozen=True)
class Trial:
    """What one search found; whether its terms are right, and how far its velocities are off."""

    found: Equations
    right: bool
    error: float  # |scale v_found - v| / |v| over fresh states
    scale: float  # the best, to run in the truth's time
    exact: bool  # determined, with the right terms
    wrong: bool  # determined, but with wrong terms or a field error over 10%


def _trial(found: Equations, terms: set[Term], x: np.ndarray, v: np.ndarray) -> Trial:
    ours = found.velocity(x)
    scale = float((v * ours).sum() / (ours**2).sum())
    error = float(np.linalg.norm(scale * ours - v) / np.linalg.norm(v))
    right, sure = set(found.coefficients) == terms, found.verdict == "determined"
    verdict = sure and right, sure and (not right or error > 0.1)
    return Trial(replace(found, decision=None), right, error, scale, *verdict)


def judge(found: Equations, truth: System, x: np.ndarray | None = None) -> Trial:
    """Compare equations with the true ones, over states x (n, d), by default fresh ones."""
    x = truth.sample(HELD, FRESH) if x is None else x
    terms = {Term(i, e) for i, row in enumerate(truth.terms) for e, c in row.items() if c}
    return _trial(found, terms, x, truth.velocity(x))


def deviations(found: Equations, truth: System) -> np.ndarray:
    """Coefficients' errors over their standard errors, but for the one known best, the unit."""
    unit = min(found.candidate, key=lambda each: each.error)
    true = {each: truth.terms[each.term.equation][each.term.powers] for each in found.candidate}
    scale = true.pop(unit) / unit.coefficient
    off = [abs(scale * each.coefficient - c) / abs(scale * each.error) for each, c in true.items()]
    return np.array(off)


def constants(found: Equations, truth: System) -> dict[str, tuple[float, float, float]]:
    """Coefficients that are not 1 in size in the truth, {term: (found, standard error, true)}."""
    rows = {}
    for each in found.candidate:
        where, powers = each.term.equation, each.term.powers
        true = truth.terms[where].get(powers, 0.0)
        if abs(true) != 1:
            name = f"{each.text} in d{found.names[where]}/dt"
            rows[name] = (each.coefficient, each.error, true)
    return rows


def repeat(
    name: str, sizes: Sequence[int], seeds: Sequence[int], noise: float = 0.0, told: Any = True,
    **options: Any,
) -> dict[tuple[int, int], Trial]:  # fmt: skip
    """Identify a system under noise, in deviations, of a size that is `told`, not, or "auto"."""
    truth, held = system(name), system(name).sample(HELD, FRESH)

    def one(n: int, seed: int) -> Trial:
        x = snapshots(name, max(sizes), seed)[:n]
        spread = x.std(0)
        rng = np.random.default_rng([seed, round(1e6 * noise)])
        y = x + noise * spread * rng.standard_normal(x.shape)
        size = told if isinstance(told, str) else told * noise * spread
        return judge(identify(y, truth.degree, noise=size, **options), truth, held)

    return together({(n, seed): partial(one, n, seed) for n in sizes for seed in seeds})


@lru_cache(maxsize=24)
def snapshots(name: str, n: int, seed: int) -> np.ndarray:
    """Snapshots (n, d) of a system, kept while they are asked for again."""
    return system(name).sample(n, seed)


WRITTEN = {  # how the same snapshots can be written: a shift, a scale, and what else is done
    "kelvin in the last column": (273.15, 1.0, None),
    "years in all columns": (2020.0, 1.0, None),
    "a million added": (1e6, 1.0, None),
    "other units": (0.0, 1e-4, None),
    "other units and signs": (-40.0, -300.0, None),
    "columns reversed": (0.0, 1.0, None),
    "rows shuffled": (0.0, 1.0, lambda y: np.random.default_rng(3).permutation(y)),
    "rows doubled": (0.0, 1.0, lambda y: np.concatenate([y, y])),
    "some rows doubled": (0.0, 1.0, lambda y: np.concatenate([y, y[::7]])),
    "single precision": (0.0, 1.0, lambda y: y.astype(np.float32)),
    "columns in memory": (0.0, 1.0, np.asfortranarray),
    "other byte order": (0.0, 1.0, lambda y: y.astype(y.dtype.newbyteorder())),
}


def rewritten(found: Equations, x: np.ndarray, name: str, degree: int) -> tuple[bool, float]:
    """Whether x (n, d), written otherwise, has the verdict found; how far their fields differ.

    Fields that aren't determined don't differ.
    """
    by, factor, change = WRITTEN[name]
    shift, scale = np.full(x.shape[1], by), np.full(x.shape[1], factor)
    if "last" in name:
        shift[:-1] = 0
    scale[1:] = np.sign(factor) * np.sqrt(abs(scale[1:]))  # not the same in all columns
    order = slice(None, None, -1 if "reversed" in name else 1)

    def write(x: np.ndarray) -> np.ndarray:
        return (x * scale + shift)[:, order]

    y = write(x)
    other = identify(y if change is None else change(y), degree)
    if "determined" not in (found.verdict, other.verdict):
        return found.verdict == other.verdict, 0.0
    v, w = found.velocity(x), other.velocity(y)[:, order] / scale
    apart = np.linalg.norm(w * ((v * w).sum() / (w * w).sum()) - v) / np.linalg.norm(v)
    return found.verdict == other.verdict, float(apart)


def table(
    runs: Mapping[Any, Trial], keys: Sequence[Any], seeds: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of runs {(key, seed): Trial}: exact, right, error, each (keys, seeds)."""
    rows = [[runs[key, seed] for seed in seeds if (key, seed) in runs] for key in keys]
    read = np.array([[(one.exact, one.right, one.error) for one in row] for row in rows], float)
    exact, right, error = np.moveaxis(read, 2, 0)
    return exact.astype(bool), right.astype(bool), error


def noise_trials(
    name: str, n: int, levels: Sequence[float], seeds: Sequence[int]
) -> dict[str, dict[tuple[float, int], Trial]]:
    """Runs under observation noise, {how its size is told: {(level, seed): Trial}}."""
    plan: dict[str, tuple[Any, Sequence[float], Sequence[int]]] = {
        "size given": (True, levels, seeds),
        "ignored": (False, levels, seeds[: max(1, len(seeds) // 4)]),
        "estimated": ("auto", levels[-2:], seeds[: max(1, len(seeds) // 4)]),  # slow
    }
    out: dict[str, dict[tuple[float, int], Trial]] = {kind: {} for kind in plan}
    for kind, (told, some, few) in plan.items():
        for level in some:
            runs = repeat(name, [n], few, level, told)
            out[kind] |= {(level, seed): one for (_, seed), one in runs.items()}
    return out


def meet(names: Sequence[str], n: int, seed: int) -> dict[str, Trial]:
    """Identify some systems of the zoo, each with the library of its own degree."""

    def one(name: str) -> Trial:
        truth = system(name)
        return judge(identify(snapshots(name, n, seed), truth.degree, names=truth.axes), truth)

    return together({name: partial(one, name) for name in names})


def stochastic(D: float, n: int, seeds: Sequence[int]) -> dict[int, Trial]:
    """Identify Lorenz with noise in its dynamics, D fitted along, {seed: Trial}."""

    def one(seed: int) -> Trial:
        x = noisy.stochastic_lorenz(n, seed, D)
        return judge(identify(x, 2, diffusion="fit"), system("lorenz"), x[:HELD])

    return together({seed: partial(one, seed) for seed in seeds})


def chemistries(names: Sequence[str], count: int, seed: int) -> dict[str, Trial]:
    """Identify patterns of Gray-Scott from unordered images, in concentrations."""

    def one(name: str) -> Trial:
        world = field_world(name)
        found = identify_fields(world.raw(world.sample(count, seed).double()).numpy())
        assert world.velocity is not None
        held = world.sample(8, seed + FRESH).double()
        v = world.velocity(held) * world.scale[:, None, None]
        return _trial(found, GRAY_SCOTT, world.raw(held).numpy(), v.numpy())

    return together({name: partial(one, name) for name in names})


def controls(n: int, seed: int) -> dict[str, tuple[np.ndarray, int, str]]:
    """Clouds that don't determine equations: {name: (x, degree of the library, verdict due)}."""
    rng, x = np.random.default_rng([seed, 5]), snapshots("lorenz", n, seed)
    turn, wave = 2 * np.pi * rng.random((2, n))
    radius, circle = 1 + 0.1 * rng.standard_normal(n), np.stack([np.cos(turn), np.sin(turn)], 1)
    tube = 0.3 * radius
    torus = np.c_[(1 + tube * np.cos(wave))[:, None] * circle, tube * np.sin(wave)]
    begun = x.mean(0) + x.std(0) * rng.standard_normal((n, 3))
    many, none = "undetermined", "not in the library"
    return {
        "Gaussian": (rng.standard_normal((n, 3)), 2, many),
        "ring": (radius[:, None] * circle, 2, many),
        "torus": (torus, 2, many),
        "shuffled": (np.stack([rng.permutation(c) for c in x.T], 1), 2, none),
        "no products": (x, 1, none),
        "transient": (system("lorenz").advance(begun, 3.0), 2, none),
    }


def spectrum(found: Equations) -> np.ndarray:
    """Misfits (K,) of the library over what noise gives, least first: below 2 they keep p."""
    assert found.decision is not None
    best, nulls = found.decision.found, found.decision.nulls
    if found.verdict == "undetermined":
        misfits, freedom = weighted_by_all(best, nulls)
        return misfits / freedom
    return best.weighted.spectrum()[0] / max(best.weighted.tests - len(nulls) + 1, 1)


def contains(found: Equations, field: np.ndarray, x: np.ndarray) -> float:
    """What part of a field (n, d) at points x, up to 1, lies in the null space found."""
    every = np.stack([velocity(one, x).ravel() for one in found.basis], axis=1)
    inside = every @ np.linalg.lstsq(every, field.ravel(), rcond=None)[0]
    return float(np.linalg.norm(inside) / np.linalg.norm(field))


def as_system(coefficients: Mapping[Term, float], scale: float, like: System) -> System:
    """Polynomial equations as a system, with the truth's clock, start and step."""
    terms: list[Polynomial] = [{} for _ in like.terms]
    for term, c in coefficients.items():
        terms[term.equation][term.powers] = scale * c
    return replace(like, name=f"{like.name}, found", terms=tuple(terms))


def path(one: System, x0: Any, time: float, points: int = 2500) -> np.ndarray:
    """One trajectory (points, d) of a system over a time; NaN once it has left for good."""
    x, out = np.array(x0, float)[:, None], np.full((points, one.dim), np.nan)
    steps, limit = max(1, round(time / points / one.step)), FAR * np.maximum(abs(x).max(), 1.0)
    dt = np.array([time / points / steps])
    for row in out:
        row[:] = x[:, 0]
        one.rk4(x, dt, steps)
        if not (abs(x) < limit).all():
            break
    return out


def portraits(zoo: Mapping[str, Trial], n: int, seed: int) -> dict[str, tuple[Any, ...]]:
    """What `figures.gallery` shows of each: a path, its view, equations in the truth's time."""
    shown = {}
    for name, one in zoo.items():
        truth, scale = system(name), one.scale
        copy = as_system(one.found.coefficients, scale, truth)
        where = path(copy, snapshots(name, n, seed)[0], 60 * truth.period, 12000)
        remark = f"{one.found.verdict}{'' if one.right else ', wrong terms'}, error {one.error:.2%}"
        scaled, short = (
            tuple(
                replace(each, coefficient=scale * each.coefficient, error=abs(scale) * each.error)
                for each in terms
            )
            for terms in (one.found.candidate, one.found.short)
        )
        true = tuple(
            FoundTerm(term := Term(i, powers), term.text(truth.axes), row[powers], 0.0)
            for i, row in enumerate(truth.terms)
            for powers in sorted(row, key=lambda e: (sum(e), [-k for k in e]))  # as in those found
            if row[powers]
        )
        texts = [
            replace(one.found, candidate=scaled, short=short).text(),
            replace(one.found, candidate=true, short=(), origin={}).text(),
        ]
        shown[name] = (where, GALLERY[name], *texts, remark, one.exact)
    return shown


@torch.no_grad()
def follow_chemistry(trial: Trial, raw: Tensor, steps: int, every: int) -> list[Tensor]:
    """Follow equations found from images, by Euler steps of 1 in the truth's time."""
    states, x = [raw], raw.float()
    for step in range(1, steps + 1):
        x = x + trial.scale * trial.found.velocity(x)
        states += [x] if step % every == 0 else []
    return states


def on_larger_sheet(raw: Tensor, side: int) -> Tensor:
    """An image (1, 2, H, H) in the middle of an empty sheet, u = 1 and v = 0."""
    edges = [(side - raw.shape[-1]) // 2] * 4
    return torch.cat([pad(raw[:, :1], edges, value=1.0), pad(raw[:, 1:], edges)], dim=1)


def score(
    card: Any, name: str, runs: Iterable[Trial], aim: float = 1.0, error: float | None = None,
    **details: Any,
) -> None:  # fmt: skip
    """Rows of how often they are determined and right, of which share `aim`, and of field error."""
    right, exact, errors = np.array([(one.right, one.exact, one.error) for one in runs]).T.copy()
    details |= {"of": len(errors)}
    target = f">= {np.ceil(aim * len(errors)):.0f}" if aim else None
    found = dict(candidates_right=int(right.sum()), target=target)
    card.row(f"{name}.terms_exact", int(exact.sum()), **found, **details)
    found = dict(sd=errors.std(), target=f"<= {error}" if error else None, worst=errors.max())
    card.row(f"{name}.field_error", errors.mean(), **found, **details)
