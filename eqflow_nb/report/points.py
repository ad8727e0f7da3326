"""A reader's points, examined: a noise level, a score, a flow, how well it keeps them, a law."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb import flows, rollout, scores
from eqflow_nb.equations import identify
from eqflow_nb.figures import report as figures_report
from eqflow_nb.inputs import Field, InputError
from eqflow_nb.measures import mean_distance, random_halves, sliced_wasserstein
from eqflow_nb.report.plane import plane_of, plane_pictures
from eqflow_nb.scores.noise_level import Choice, choose_sigma
from eqflow_nb.snapshots.base import blur
from eqflow_nb.user_data import Look, UserData

LEAST = 20  # different rows
MOST = 50_000  # rows that a law is looked for in
TIMES = (0.0, 1.0, 2.5, 5.0, 10.0)  # path in radii of the cloud
SPLITS = 8
DIMS = 6  # the most in which a law is looked for


@dataclass(frozen=True)
class Examined:
    """What an examination gave; see `report.Report` for most of it.

    Attributes
    ----------
    said : tuple of str
        Paragraphs: the noise level, the flow, what it keeps, the law.
    pictures : dict of str to (Figure, str)
        Figures with their descriptions.
    """

    choice: Choice
    score: Field
    flow: Field | None
    preservation: dict[str, dict[float, float]]
    law: Any | None
    said: tuple[str, ...]
    pictures: dict[str, tuple[Figure, str]]
    data: dict[str, np.ndarray]


def examine(own: UserData, seen: Look, sigma: float | None, points: int, seed: int) -> Examined:
    """Examine points; see `report.report`."""
    names = [own.names[c] for c in seen.keep]
    rows = np.unique(own.values[:, seen.keep], axis=0)
    if len(rows) < LEAST:
        raise InputError(
            f"source has {len(rows)} different row(s) of {len(own.values)}; "
            f"a report takes at least {LEAST}"
        )
    rows = np.random.default_rng(seed).permutation(rows)
    centre, scale = rows.mean(0), rows.std(0)
    x = torch.from_numpy((rows - centre) / scale).float()
    choice = choose_sigma(x, seed=seed)
    level = choice.sigma if sigma is None else sigma
    half = min(points, len(x) // 2)
    train, held = x[:half], x[half : 2 * half]
    score = scores.KernelDensityScore(train, level)
    plane = plane_of(x, names)
    data = {
        "sigma.sigmas": choice.sigmas,
        "sigma.values": choice.values,
        "sigma.errors": choice.errors,
        "score.samples": x.numpy(),
        "score.centre": centre,
        "score.scale": scale,
    }
    pictures = {"sigma": sigma_picture(choice, level)}
    said = [say_sigma(choice, sigma)]
    if x.shape[1] == 1:
        pictures["score"] = _line(score, train, names[0], data)
        said.append("One coordinate: on a line nothing can flow and look the same.")
        return Examined(choice, score, None, {}, None, tuple(said), pictures, data)
    law, about = _law(rows[:MOST], names)
    start = blur(train, level, seed)
    flow = flows.at_common_speed(
        flows.skew.constant(flows.skew.random(x.shape[1], seed), score), start
    )
    runs, kept = _follow(flow, score, start, held, level, seed)
    if law is not None and law.verdict == "determined":
        kept["law"] = _follow_law(law, train, held, centre, scale, seed)
    said += [_say_flow(x.shape[1]), say_kept(kept), about]
    pictures |= plane_pictures(score, flow, runs, kept, plane, train, start, data)
    return Examined(choice, score, flow, kept, law, tuple(said), pictures, data)


def say_sigma(choice: Choice, sigma: float | None, what: str = "") -> str:
    """The noise level and its reason, in words."""
    if sigma is not None:
        return f"Noise level: σ = {sigma:.3g} standard deviations, as you asked for."
    return f"Noise level: σ = {choice.sigma:.3g} standard deviations, {choice.criterion}{what}."


def say_kept(kept: Mapping[str, Mapping[float, float]]) -> str:
    """What each flow keeps, in floors, in words."""
    lines = []
    for kind, over in kept.items():
        first, last = min(over), max(over)
        lines.append(f"{kind} {over[first]:.2f} at t = {first:g}, {over[last]:.2f} at t = {last:g}")
    worst = max(kept["skew"].values())
    verdict = "keeps" if worst <= 1.5 else "does not quite keep"
    return (
        "Distance to the half held out, in units of what two halves differ by: "
        f"{'; '.join(lines)}. The skew flow {verdict} what your data look like."
    )


def sigma_picture(choice: Choice, level: float) -> tuple[Figure, str]:
    """The curve of a choice, with its description."""
    curve = {"your data": (choice.sigmas, choice.values, choice.errors)}
    figure = figures_report.sigma_curves(curve, {"your data": level}, choice.tolerance)
    alt = (
        "The criterion against the noise level: 1 at small σ, rising steeply at large ones; a "
        f"dashed line marks the level used, {level:.2g}."
    )
    return figure, alt


def _say_flow(dim: int) -> str:
    planes = "the one there is in the plane" if dim == 2 else "a random one of many"
    return (
        f"Flow: v = K s, with the score s of a kernel density of one half, and a constant skew "
        f"matrix K, {planes}. Nothing is trained. Stills don't tell its speed or its arrow: time "
        "counts path in radii of the cloud."
    )


def _law(rows: np.ndarray, names: list[str]) -> tuple[Any | None, str]:
    """A quadratic law of motion (in 6-D a linear one), if any, and what came of looking."""
    if rows.shape[1] > DIMS:
        return None, f"No law was looked for: {rows.shape[1]} coordinates, and at most 6 are tried."
    degree = 2 if rows.shape[1] < DIMS else 1
    try:
        law = identify(rows, degree=degree, names=names)
    except InputError as error:
        return None, f"No law was looked for: {error}."
    return law, f"Law of motion, among {('linear', 'quadratic')[degree - 1]} ones: {law}"


def _floor(x: Tensor, seed: int) -> float:
    """Mean distance of two random halves of x."""
    return mean_distance(sliced_wasserstein, random_halves(x, SPLITS, seed))[0]


def _follow(
    flow: Field, score: Field, start: Tensor, held: Tensor, sigma: float, seed: int
) -> tuple[dict[str, rollout.Rollout], dict[str, dict[float, float]]]:
    """The flow and its controls from one start, and their distances to held-out points."""
    dim = start.shape[1]
    random = flows.networks.FlowNetworks(1, dim, 48, 48, seed=seed).requires_grad_(False)
    random.set_speed(start)
    swap = flows.skew.Linear(torch.eye(dim).flip(0), score)
    moving: dict[str, Field] = {
        "skew": flow,
        "score": flows.at_common_speed(score, start),
        "symmetric": flows.at_common_speed(swap, start),
        "random": random,
    }
    runners = {kind: (field, min(0.1, sigma / 2), TIMES) for kind, field in moving.items()}
    runs = rollout.race(runners, start)
    fresh = blur(held, sigma, seed + 1)
    floor = _floor(torch.cat([start, fresh]), seed)
    kept = {
        kind: {t: sliced_wasserstein(run.at(t), fresh) / floor for t in TIMES}
        for kind, run in runs.items()
    }
    return runs, kept


def _follow_law(
    law: Any, train: Tensor, held: Tensor, centre: np.ndarray, scale: np.ndarray, seed: int
) -> dict[float, float]:
    """How well a law found keeps the points, without blur."""
    middle, unit = torch.from_numpy(centre), torch.from_numpy(scale)

    def field(x: Tensor) -> Tensor:
        return (law.velocity(middle + unit * x.double()) / unit).to(x)

    field = flows.at_common_speed(field, train)
    run = rollout.race({"law": (field, 0.02, TIMES)}, train)["law"]
    floor = _floor(torch.cat([train, held]), seed)
    return {t: sliced_wasserstein(run.at(t), held) / floor for t in TIMES}


def _line(score: Any, train: Tensor, name: str, data: dict[str, np.ndarray]) -> tuple[Figure, str]:
    """The blurred density of one coordinate."""
    at = torch.linspace(-4, 4, 200)
    away = (at[:, None] - train[None, :, 0]) / score.sigma
    density = (-(away**2) / 2).exp().mean(1) / (score.sigma * math.sqrt(2 * math.pi))
    data |= {"score.at": at.numpy(), "score.density": density.numpy()}
    figure = figures_report.density_on_a_line(at, train[:, 0], density, name)
    return figure, f"A histogram of {name}, and a smooth density over it."
