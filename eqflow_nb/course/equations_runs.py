"""The runs of chapter 05: systems identified over seeds, numbers of snapshots and sizes of noise.

Everything is found from snapshots alone; the truth comes in afterwards, to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.course.equations import FRESH, HELD, Trial, as_system, judge, path
from eqflow_nb.equations.stationarity import identify
from eqflow_nb.rollout import together
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.snapshots import field_world, noisy
from eqflow_nb.snapshots.base import World
from eqflow_nb.snapshots.zoo import system

NOISE = {"size given": True, "ignored": False, "estimated": "auto"}


def trials(
    name: str, sizes: Sequence[int], seeds: Sequence[int], noise: float = 0.0, told: Any = True,
    **options: Any,
) -> dict[tuple[int, int], Trial]:  # fmt: skip
    """Identify a system of the zoo from fresh snapshots, {(size, seed): Trial}, two at a time.

    Parameters
    ----------
    name : str
        Of the system.
    sizes, seeds : sequence of int
        How many snapshots, and which; each seed's are drawn once, and its first ones used.
    noise : float
        Observation noise added, in deviations of each coordinate.
    told : bool or "auto"
        Whether the identification is given its size; with "auto" it estimates it.
    **options
        Of `identify`.
    """
    truth = system(name)
    held = truth.sample(HELD, FRESH)

    def one(n: int, seed: int) -> Trial:
        x = snapshots(name, max(sizes), seed)[:n]
        spread = x.std(0)
        rng = np.random.default_rng([seed, round(1e6 * noise)])
        y = x + noise * spread * rng.standard_normal(x.shape)
        size = told if isinstance(told, str) else told * noise * spread
        law = identify(y, truth.degree, noise=size, **options)
        return judge(law, truth, held)

    jobs: dict[str, Callable[[], Trial]] = {
        f"{n} {s}": partial(one, n, s) for n in sizes for s in seeds
    }
    done = together(jobs)
    return {(n, s): done[f"{n} {s}"] for n in sizes for s in seeds}


_kept: dict[tuple[str, int, int], np.ndarray] = {}


def snapshots(name: str, n: int, seed: int) -> np.ndarray:
    """Snapshots (n, d) of a system, kept while they are asked for again."""
    key = (name, n, seed)
    if key not in _kept:
        if len(_kept) > 24:
            _kept.clear()
        _kept[key] = system(name).sample(n, seed)
    return _kept[key]


def table(
    runs: Mapping[Any, Trial], keys: Sequence[Any], seeds: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of runs {(key, seed): Trial}: exact, right, error, each (keys, seeds)."""
    rows = [[runs[key, seed] for seed in seeds if (key, seed) in runs] for key in keys]
    exact, right, error = (
        np.array([[getattr(one, name) for one in row] for row in rows])
        for name in ("exact", "right", "error")
    )
    return exact, right, error


def noise_trials(
    name: str, n: int, levels: Sequence[float], seeds: Sequence[int]
) -> dict[str, dict[tuple[float, int], Trial]]:
    """Runs under observation noise, {kind of `NOISE`: {(level, seed): Trial}}.

    Half of the seeds for noise that is ignored, a quarter for noise that is estimated, which takes
    longer and is done for the two largest levels.
    """
    half, quarter = seeds[: len(seeds) // 2], seeds[: max(1, len(seeds) // 4)]
    plan = {"size given": (levels, seeds), "ignored": (levels, half)}
    plan["estimated"] = (levels[-2:], quarter)
    found: dict[str, dict[tuple[float, int], Trial]] = {kind: {} for kind in plan}
    for kind, (some, few) in plan.items():
        for level in some:
            done = trials(name, [n], few, level, NOISE[kind], tests="polynomials")
            found[kind] |= {(level, seed): one for (_, seed), one in done.items()}
    return found


def meet(names: Sequence[str], n: int, seed: int) -> dict[str, Trial]:
    """Identify some systems of the zoo, each with the library of its own degree."""

    def one(name: str) -> Trial:
        truth = system(name)
        law = identify(snapshots(name, n, seed), truth.degree, names=truth.axes)
        return judge(law, truth)

    return together({name: partial(one, name) for name in names})


def portraits(zoo: Mapping[str, Trial], n: int, seed: int) -> dict[str, tuple[Any, ...]]:
    """What `figures_equations.gallery` shows of each: a path of the law found, and the law."""
    shown = {}
    for name, one in zoo.items():
        truth = system(name)
        start = snapshots(name, n, seed)[0]
        where = path(as_system(one.law, one.scale, truth), start, 60 * truth.period, 4000)
        wrong = "" if one.right else ", wrong terms"
        remark = f"{one.law.verdict}{wrong}, field error {100 * one.error:.2g} %"
        pair = (0, 2) if truth.dim == 3 else (0, 1)
        forward = one.law if one.scale > 0 else one.law.reversed()
        shown[name] = (where, pair, forward.equations(), remark, one.exact)
    return shown


def score(
    card: Scorecard, name: str, runs: Iterable[Trial], aim: bool = True, error: float | None = None,
    **details: Any,
) -> None:  # fmt: skip
    """Rows of how often a law is determined and has the right terms, and of its field error."""
    runs = list(runs)
    errors = np.array([one.error for one in runs])
    right = sum(one.right for one in runs)
    target = f">= {len(runs)}" if aim else None
    details |= {"of": len(runs)}
    exact = sum(one.exact for one in runs)
    card.row(f"{name}.terms_exact", exact, target=target, candidates_right=right, **details)
    target = f"<= {error}" if error else None
    shared = dict(sd=errors.std(), target=target, worst=errors.max(), **details)
    card.row(f"{name}.field_error", errors.mean(), **shared)


def controls(n: int, seed: int) -> dict[str, tuple[np.ndarray, int, str]]:
    """Clouds that no single law can be read from: {name: (x, degree of the library, verdict due)}.

    A Gaussian, a ring, a torus: symmetric clouds, kept by many laws.  Lorenz with its columns
    shuffled each by itself, with a library of degree 1, and before its transient is over: no law of
    the library keeps these.
    """
    rng = np.random.default_rng([seed, 5])
    lorenz = system("lorenz")
    x = snapshots("lorenz", n, seed)
    turn, wave = 2 * np.pi * rng.random((2, n))
    radius = 1 + 0.1 * rng.standard_normal(n)
    tube = 0.3 * radius
    wide = 1 + tube * np.cos(wave)
    torus = np.stack([wide * np.cos(turn), wide * np.sin(turn), tube * np.sin(wave)], axis=1)
    begun = x.mean(0) + x.std(0) * rng.standard_normal((n, 3))
    many, none = "undetermined", "not in the library"
    return {
        "Gaussian": (rng.standard_normal((n, 3)), 2, many),
        "ring": (radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1), 2, many),
        "torus": (torus, 2, many),
        "shuffled": (np.stack([rng.permutation(c) for c in x.T], 1), 2, none),
        "no products": (x, 1, none),
        "transient": (lorenz.advance(begun, 3.0), 2, none),
    }


def stochastic(D: float, n: int, seeds: Sequence[int]) -> dict[int, Trial]:
    """Identify Lorenz with noise in its dynamics, D fitted along, {seed: Trial}."""
    truth = system("lorenz")

    def one(seed: int) -> Trial:
        x = noisy.stochastic_lorenz(n, seed, D)
        return judge(identify(x, 2, diffusion="fit"), truth, x[:HELD])

    jobs: dict[str, Callable[[], Trial]] = {str(seed): partial(one, seed) for seed in seeds}
    done = together(jobs)
    return {seed: done[str(seed)] for seed in seeds}


GRAY_SCOTT = {
    *((0, text) for text in ("1", "u", "u*v^2", "lap(u)")),
    *((1, text) for text in ("v", "u*v^2", "lap(v)")),
}


def judge_chemistry(law: Any, world: World, held: Tensor) -> Trial:
    """Compare a law of photographs, in concentrations, with the true chemistry on others."""
    raw = world.raw(held.double())
    assert world.velocity is not None
    v = world.velocity(held.double()) * world.scale[:, None, None]
    found = torch.as_tensor(law.velocity(raw))
    scale = float((v * found).sum() / found.square().sum())
    error = float((scale * found - v).norm() / v.norm())
    terms = {(t.equation, t.text) for t in law.candidate}
    return Trial(law.light(), terms == GRAY_SCOTT, error, scale)


@torch.no_grad()
def follow_chemistry(trial: Trial, raw: Tensor, steps: int, every: int) -> list[Tensor]:
    """Follow a law found from photographs, by Euler steps of 1 in the truth's time."""
    states = [raw]
    x = raw.float()
    for step in range(1, steps + 1):
        x = x + trial.scale * torch.as_tensor(trial.law.velocity(x)).to(x)
        if step % every == 0:
            states.append(x)
    return states


def on_larger_sheet(raw: Tensor, side: int) -> Tensor:
    """A photograph (1, 2, H, W) in the middle of an empty sheet, u = 1 and v = 0."""
    sheet = torch.zeros(1, 2, side, side).to(raw)
    sheet[:, 0] = 1
    edge = (side - raw.shape[-1]) // 2
    sheet[..., edge : edge + raw.shape[-2], edge : edge + raw.shape[-1]] = raw
    return sheet


def photographs(
    names: Sequence[str], stills: int, seed: int, find: Callable[..., Any]
) -> dict[str, Trial]:
    """Identify patterns of chemistry from unordered photographs, in concentrations.

    `find` is `flows.stationarity_fields.identify_fields`.
    """

    def one(name: str) -> Trial:
        world = field_world(name)
        raw = world.raw(world.sample(stills, seed).double()).numpy()
        return judge_chemistry(find(raw, names=("u", "v")), world, world.sample(8, seed + FRESH))

    return together({name: partial(one, name) for name in names})
