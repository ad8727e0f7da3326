"""What chapter 02 needs: its recipes, the truth through the blur, exponents, figures."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb import figures, measures, rollout
from eqflow_nb.figures.style import MARKERS, kind_of
from eqflow_nb.flows.learned import Settings, learn
from eqflow_nb.flows.networks import FlowNetworks
from eqflow_nb.inputs import Field
from eqflow_nb.scores import KernelDensityScore
from eqflow_nb.snapshots.base import blur
from eqflow_nb.snapshots.lorenz import LorenzField

CLAIMS = {
    "lorenz.learned.similarity_mean": "eight networks agree with the true motion",
    "lorenz.learned.similarity_smoothed_mean": "and with it seen through the blur",
    "lorenz.plain.similarity_mean": "not without the symmetry",
    "lorenz.as_paper.similarity_mean": "nor by the loss alone",
    "lorenz.learned.preservation_1000": "they keep the cloud, in floors",
    "lorenz.learned.bounded_1000": "and no point leaves",
    "lorenz.exact.preservation_1000": "so does an exact flow (recorded)",
    "lorenz.true.lyapunov": "the measure of chaos is right on the truth",
    "lorenz.true.lyapunov_sum": "and the sum is the divergence",
    "lorenz.learned.lyapunov_z": "the learned flow is chaotic, the control is not",
    "lorenz.learned.lyapunov_over_blurred_truth": "but less so than the blurred truth",
    "lorenz.learned.train_seconds": "seconds to train a network, on one thread",
}


def recipes(signs: Tensor | None, steps: int, last: int) -> dict[str, Settings]:
    """The recipes that chapter 02 compares, by name."""
    ours = partial(Settings, steps=steps, last=last // 2)
    return {
        "learned": Settings(signs=signs, steps=steps, last=last),
        "octaves 2": ours(signs=signs, octaves=2),
        "octaves 4": ours(signs=signs, octaves=4),
        "plain": ours(),
        # No penalty, no symmetry, no exact last layer: only the residual, by gradient descent.
        "as the paper": Settings(
            width=64, last=64, octaves=4, steps=8 * steps, smoothness=(1e-6, 1e-6),
            inverse_iterations=0,
        ),
    }  # fmt: skip


def train(
    recipes: Mapping[str, Settings], samples: Tensor, score: Field, sigma: float, members: int,
    seed: int,
) -> dict[str, tuple[FlowNetworks, Tensor, float]]:  # fmt: skip
    """By recipe: networks, their losses (steps, members), and seconds of one thread for each."""

    def one(settings: Settings, seed: int) -> tuple[FlowNetworks, Tensor, float]:
        began = time.thread_time()
        networks, losses = learn(samples, score, sigma, settings, members, seed, progress=False)
        return networks, losses, (time.thread_time() - began) / members

    each = enumerate(recipes.items())
    return rollout.together({n: partial(one, how, seed + 100 * k) for k, (n, how) in each})


class BlurredTruth:
    """E[v* | x_sigma]: the true velocity, averaged over the snapshots x may have come from.

    It keeps the blurred cloud, so it is what a flow of blurred points can be at best.  Over
    snapshots (n, 3) its Jacobian is Cov(v*, x_0 | x) / sigma^2.  It comes at rms speed sqrt(3).
    """

    def __init__(self, samples: Tensor, sigma: float) -> None:
        self.kernel = KernelDensityScore(samples, sigma)
        v, some = LorenzField()(samples), blur(samples[:2048], sigma, 1)
        speed = self.kernel.expect(some, v).square().sum(1).mean().sqrt()
        v = v * (math.sqrt(3) / speed)
        products = v[:, :, None] * samples[:, None, :]
        self.table = torch.cat([v, samples, products.flatten(1)], 1)

    def linearised(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Velocities (B, 3) and Jacobians (B, 3, 3) at states (B, 3)."""
        v, mean, products = self.kernel.expect(x, self.table).split((3, 3, 9), 1)
        spread = products.view(-1, 3, 3) - v[:, :, None] * mean[:, None, :]
        return v, spread / self.kernel.sigma**2

    def __call__(self, x: Tensor) -> Tensor:
        """Velocities (B, 3) at states (B, 3)."""
        return self.linearised(x)[0]


class Exponents(NamedTuple):
    """Largest exponents per unit of path: of paths from `start` (B, 3), and as they settled."""

    start: Tensor
    paths: Tensor  # (B,)
    times: Tensor  # (T,)
    history: Tensor  # (T,), their mean


def exponents(
    jobs: Mapping[str, tuple[Field, int, float, float]],
    draw: Callable[[int, int], Tensor],
    seed: int = 0,
) -> dict[str, Exponents]:
    """By name: follow some fresh points by a field, for a time, in steps; exponents over speed."""

    def one(field: Field, number: int, horizon: float, dt: float) -> Exponents:
        start, steps = draw(number, seed + 77), round(horizon / dt)
        found = measures.lyapunov_spectrum(field, start, dt, steps, burn=round(10 / dt))
        # As many points for each network or matrix.
        points = draw(number * max(4, math.ceil(2048 / number)), seed + 78)
        speed = measures.mean_speed(field, points)
        largest, history = found.exponents[:, 0] / speed, found.history[:, 0] / speed
        return Exponents(start, largest, found.times, history)

    return rollout.together({name: partial(one, *job) for name, job in jobs.items()})


def trajectories(fields: Mapping[str, Field], start: Tensor, cloud: Tensor) -> Figure:
    """The way of one point (1, 3) by each field, over 75 units of path, with the cloud behind."""
    figure, panes = figures.grid(6, 3, (2.8, 2.6), subplot_kw={"projection": "3d"})
    for pane, (name, field) in zip(panes, fields.items(), strict=True):
        path = torch.stack([x[0] for _, x in rollout.rk4(field, start, 0.05, 1500)])
        figures.draw_trajectory(pane, path, cloud, figures.colour(name))
        figures.cube(pane, 2.7, ("x", "y", "z"))
        pane.set_title(name, y=0.95)
    return figure


def loss_curves(runs: Mapping[str, tuple[Tensor, float]]) -> Figure:
    """A pane for each recipe: losses (steps, members), and what is left at the end."""
    figure, panes = figures.grid(len(runs), len(runs), (2.0, 2.5), sharey=True)
    for pane, (name, (losses, end)) in zip(panes, runs.items(), strict=True):
        line = {name: (range(1, len(losses) + 1), losses.cpu())}
        figures.draw_curves(pane, line, levels={"at the end": end}, yscale="log", title=name)
        pane.set(xlabel="training step", xlim=(0, len(losses)))
    panes[0].set_ylabel("leak / speed (1/sd)")
    return figure


def weights_of_smoothness(rows: Mapping[str, Mapping[str, float]]) -> Figure:
    """Agreement, leak and similarity against the weight, from rows of the study `lorenz_long`."""
    weights = (1e-4, 1e-3, 5e-3, 0.02, 0.08)

    def line(kind: str) -> tuple[Sequence[float], list[float]]:
        return weights, [rows[f"lorenz.smoothness_{w:g}.{kind}"]["value"] for w in weights]

    lines = {"agreement of the networks": line("agreement"), "leak / speed": line("residual")}
    lines["similarity to the truth"] = line("similarity")
    about: dict[str, Any] = {"xlabel": "weight of smoothness λ", "xscale": "log", "ylim": (0, 1.05)}
    return figures.curves(lines, marker="o", **about)


def map_of_flows(labels: Sequence[str], places: Tensor) -> Figure:
    """Flows as points (n, 2) of a plane, n labels: all, and those near the truth enlarged."""
    names = dict.fromkeys(labels)
    groups = {name: places[[label == name for label in labels]] for name in names}
    figure, panes = figures.grid(2, 2, (4.2, 4.0))
    for name, xy in groups.items():
        truth = name == "truth"
        mark = MARKERS[kind_of(name) or "learned"]
        size, tint = (15 if truth else 6), figures.colour(name)
        for pane in panes:
            pane.plot(*xy.T, mark, color=tint, ms=size, mec="white", label=name)
    centre, near = groups["truth"][0], torch.cat([groups["truth"], groups["learned"]])
    reach = 1.6 * float((near - centre).abs().max())
    for axis, middle in zip("xy", centre.tolist(), strict=True):
        panes[1].set(**{f"{axis}lim": (middle - reach, middle + reach)})
    for pane, title in zip(panes, ("all flows", "the truth's corner, enlarged"), strict=True):
        pane.set(aspect="equal", xlabel="first axis (1 - similarity)", title=title)
        pane.locator_params(nbins=5)
    panes[0].set(ylabel="second axis (1 - similarity)")
    panes[0].legend(loc="upper left", bbox_to_anchor=(0.0, -0.16), ncols=4)
    return figure


def where_they_went(x: Tensor) -> str:
    """Why a picture of points (n, 3) is blank, or holds a dot; nothing if it shows a cloud."""
    if (x.abs() > 3).any(1).double().mean() > 0.99:
        return " (all left the picture)"
    return " (all in one place)" if x.std(0).max() < 0.2 else ""


def exponents_by_start(found: Mapping[str, Exponents], most: float) -> Figure:
    """Where points start, in x and z, coloured by the exponent of their path."""
    figure, panes = figures.grid(len(found), len(found), (3.8, 3.6))
    for pane, (name, each) in zip(panes, found.items(), strict=True):
        x, z = each.start[:, 0], each.start[:, 2]
        dots = pane.scatter(x, z, c=each.paths, s=16, cmap="plasma_r", vmin=0, vmax=most)
        figures.square(pane, 3, ("x", "z"), inner=pane is panes[0])
        pane.set_title(name)
    figure.colorbar(dots, ax=panes, label="exponent of the path (1/path)", shrink=0.8)
    return figure
