"""A report on points: a score, a flow, how well it keeps them, equations, drawn in a plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eqflow_nb import figures, flows, rollout, scores
from eqflow_nb.equations import identify
from eqflow_nb.figures.axes import draw_arrows, lattice
from eqflow_nb.figures.style import FAINT, INK
from eqflow_nb.inputs import Field, InputError
from eqflow_nb.measures import mean_distance, random_halves, sliced_wasserstein
from eqflow_nb.report import Kept, Picture, Report, compose, look_for
from eqflow_nb.scores.noise_level import choose_sigma
from eqflow_nb.snapshots.base import blur
from eqflow_nb.user_data import Look, UserData

LEAST = 20  # different rows
MOST = 50_000  # rows that equations are looked for in
DIMS = 6  # the most in which equations are looked for
TIMES = (0.0, 1.0, 2.5, 5.0, 10.0)  # path in radii of the cloud
SHOWN = (0.0, 2.5, 10.0)
LATTICE, ARROWS = 41, 15
SAMPLES = 4000  # that a mean flow in the plane is read from


def of_points(own: UserData, seen: Look, asked: float | None, points: int, seed: int) -> Report:
    """Report on a table of points; see `report`."""
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
    sigma = choice.sigma if asked is None else asked
    half, d = min(points, len(x) // 2), len(names)
    train, held = x[:half], x[half : 2 * half]
    score = scores.KernelDensityScore(train, sigma)
    scaled = {"samples": x, "centre": centre, "scale": scale}
    if d == 1:
        said = "One coordinate: on a line nothing can flow and look the same."
        pictures = {"score": _line(train, sigma, names[0], scaled)}
        return compose(own, seen, asked, choice, score, None, said, pictures)
    start = blur(train, sigma, seed)
    random = flows.networks.FlowNetworks(1, d, 48, 48, seed=seed).requires_grad_(False)
    random.set_speed(start)
    moving: dict[str, Field] = {
        "skew": flows.skew.constant(flows.skew.random(d, seed), score),
        "score": score,
        "symmetric": flows.skew.Linear(torch.eye(d).flip(0), score),
    }
    moving = {kind: flows.at_common_speed(v, start) for kind, v in moving.items()}
    moving["random"] = random
    runs = rollout.race({n: (v, min(0.1, sigma / 2), TIMES) for n, v in moving.items()}, start)
    kept = _distances(runs, start, blur(held, sigma, seed + 1), seed)
    if d > DIMS:
        found = (None, f"No equations were looked for: {d} coordinates; at most {DIMS} are tried.")
    else:
        degree, among = (2, "quadratic") if d < DIMS else (1, "linear")
        found = look_for(identify, rows[:MOST], among, degree=degree, names=names)
    if found[0] is not None and found[0].verdict == "determined":
        middle, unit = torch.from_numpy(centre), torch.from_numpy(scale)

        def field(x: Tensor) -> Tensor:
            return (found[0].velocity(middle + unit * x.double()) / unit).to(x)

        runner = (flows.at_common_speed(field, train), 0.02, TIMES)
        # Equations keep the points themselves, without blur.
        kept |= _distances(rollout.race({"equations": runner}, train), train, held, seed)
    planes = "the one there is in the plane" if d == 2 else "a random one of many"
    said = (
        "Flow: v = K s, with the score s of a kernel density of one half, and a constant skew "
        f"matrix K, {planes}. Nothing is trained. Snapshots don't tell its speed or its arrow: "
        "time counts path in radii of the cloud."
    )
    plane = plane_of(x, names)
    pictures = _pictures(score, moving["skew"], runs, plane, start, scaled)
    return compose(own, seen, asked, choice, score, moving["skew"], said, pictures, kept, found)


def _distances(runs: dict[str, rollout.Rollout], start: Tensor, fresh: Tensor, seed: int) -> Kept:
    """Distances of runs to fresh points, over that of random halves of both before they moved."""
    floor, _ = mean_distance(sliced_wasserstein, random_halves(torch.cat([start, fresh]), 8, seed))
    return {
        kind: {t: sliced_wasserstein(run.at(t), fresh) / floor for t in TIMES}
        for kind, run in runs.items()
    }


@dataclass(frozen=True)
class Plane:
    """Two orthonormal directions (2, d) that pictures are drawn in, and what to call them."""

    directions: Tensor
    axes: tuple[str, str]

    def __call__(self, x: Tensor) -> Tensor:
        """Where points (n, d) lie in it, (n, 2)."""
        return x @ self.directions.T.to(x)


def plane_of(x: Tensor, names: list[str]) -> Plane:
    """The coordinates themselves, or the two principal directions of more than two."""
    if x.shape[1] == 2:
        return Plane(torch.eye(2), (names[0], names[1]))
    _, _, directions = torch.linalg.svd(x - x.mean(0), full_matrices=False)
    return Plane(directions[:2], ("direction 1", "direction 2"))


def marginal(score: scores.KernelDensityScore, plane: Plane) -> scores.MixtureScore:
    """The marginal of a kernel density in a plane: a kernel density of the projected samples."""
    flat = plane(score.centres)
    spread = score.sigma**2 * torch.eye(2).expand(len(flat), 2, 2)
    return scores.MixtureScore(torch.ones(len(flat)), flat, spread)


def mean_flow(flow: Field, start: Tensor, plane: Plane, sigma: float) -> Field:
    """The flow in the plane, E[P v | P x = y]: it keeps the marginal of p if v keeps p.

    In two dimensions it is v itself; in more, a mean over points near y, with weights of width
    sigma.
    """
    if start.shape[1] == 2:
        return flow
    x = start[:SAMPLES]
    weights, v = scores.KernelDensityScore(plane(x), sigma), plane(flow(x))
    return lambda y: weights.expect(y, v)


def extent_of(x: Tensor) -> float:
    """How far a picture of points (n, 2) should reach, so that a few far out don't rule it."""
    return float((2 * x.abs().flatten().quantile(0.9)).clamp(2.1, 3.5))


def _pictures(
    score: scores.KernelDensityScore,
    flow: Field,
    runs: dict[str, rollout.Rollout],
    plane: Plane,
    start: Tensor,
    scaled: dict[str, Any],
) -> dict[str, Picture]:
    """The score as arrows, the flow's streamlines, and clouds that moved."""
    about = "" if start.shape[1] == 2 else ", in the plane of the two principal directions"
    p, moving = marginal(score, plane), mean_flow(flow, start, plane, score.sigma)
    flat = plane(score.centres)
    extent = extent_of(flat)
    fine, at = lattice(extent, LATTICE), lattice(extent, ARROWS)
    at = at[p.log_density(at) > p.log_density(flat).amax() - 5]
    figure, (axes,) = figures.grid(1, 1, (4.4, 4.3))
    figures.draw_density(axes, p.log_density, extent)
    figures.draw_cloud(axes, flat, INK, alpha=0.35, points=700)
    draw_arrows(axes, at, p(at), 0.16 * extent, figures.PALETTE["score"])
    figures.square(axes, extent, plane.axes)
    clouds = {kind: {t: plane(run.at(t)) for t in SHOWN} for kind, run in runs.items()}
    return {
        "score": Picture(
            figure,
            f"Your points on their blurred density{about}; arrows point up its slopes.",
            {**scaled, "directions": plane.directions, "at": at, "score": p(at)},
        ),
        "flow": Picture(
            figures.flow_on_density({"": moving}, p.log_density, plane.axes, extent),
            f"Streamlines of the skew flow over the density{about}: closed currents.",
            {"at": fine, "log_density": p.log_density(fine), "velocity": moving(fine)},
        ),
        "clouds": Picture(
            figures.rollout_strip(clouds, plane.axes, extent),
            f"The cloud at the start and later under the skew flow and the controls{about}.",
            {f"{kind}_t{t:g}": x for kind, over in clouds.items() for t, x in over.items()},
        ),
    }


def _line(train: Tensor, sigma: float, name: str, scaled: dict[str, Any]) -> Picture:
    """The blurred density of one coordinate."""
    at = torch.linspace(-4, 4, 200)
    kernels = torch.distributions.Normal(train[:, 0], sigma)
    density = kernels.log_prob(at[:, None]).exp().mean(1)
    figure, (axes,) = figures.grid(1, 1, (7, 2.8))
    axes.hist(train[:, 0].numpy(), bins=40, density=True, color=FAINT, alpha=0.6, label="samples")
    axes.plot(at, density, label="blurred by σ")
    axes.set(xlabel=f"{name} (sd)", ylabel="density (1/sd)")
    axes.legend()
    alt = f"A histogram of {name}, and a smooth density over it."
    return Picture(figure, alt, {**scaled, "at": at, "density": density})
