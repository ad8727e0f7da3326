"""What chapter 02 and its study need: the truth through the blur, exponents per path, figures."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb import figures, measures, rollout
from eqflow_nb.figures.style import MARKERS, kind_of
from eqflow_nb.inputs import Field
from eqflow_nb.scores import KernelDensityScore
from eqflow_nb.snapshots.base import blur
from eqflow_nb.snapshots.lorenz import LorenzField


class BlurredTruth:
    """E[v* | x_sigma]: the true velocity, averaged over the snapshots x may have come from.

    It keeps the blurred cloud, so it is what a flow of blurred points can be at best.  Over
    snapshots (n, 3) its Jacobian is Cov(v*, x_0 | x) / sigma^2.  It comes at rms speed sqrt(3).
    """

    def __init__(self, samples: Tensor, sigma: float) -> None:
        v, some = LorenzField()(samples), blur(samples[:2048], sigma, 1)
        speed = KernelDensityScore(samples, sigma).expect(some, v).square().sum(1).mean().sqrt()
        v = v * (math.sqrt(3) / speed)
        products = v[:, :, None] * samples[:, None, :]
        self.kernel = KernelDensityScore(samples, sigma)
        self.table = torch.cat([v, samples, products.flatten(1)], 1)

    def linearised(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Velocities (B, 3) and Jacobians (B, 3, 3) at states (B, 3)."""
        v, mean, products = self.kernel.expect(x, self.table).split((3, 3, 9), 1)
        spread = products.view(-1, 3, 3) - v[:, :, None] * mean[:, None, :]
        return v, spread / self.kernel.sigma**2

    def __call__(self, x: Tensor) -> Tensor:
        """Velocities (B, 3) at states (B, 3)."""
        return self.linearised(x)[0]


@dataclass(frozen=True)
class Exponents:
    """Largest exponents per unit of path: of paths from `start` (B, 3), and as they settled."""

    start: Tensor
    paths: Tensor  # (B,)
    times: Tensor  # (T,)
    history: Tensor  # (T,), their mean


def exponents(
    field: Field,
    number: int,
    draw: Callable[[int, int], Tensor],
    horizon: float,
    dt: float = 0.1,
    seed: int = 0,
) -> Exponents:
    """Follow `number` fresh points for a time, and divide their largest exponents by the speed."""
    start, steps = draw(number, seed + 77), round(horizon / dt)
    found = measures.lyapunov_spectrum(field, start, dt, steps, burn=round(10 / dt))
    speed = measures.mean_speed(field, draw(max(2048, 4 * number), seed + 78))
    return Exponents(start, found.exponents[:, 0] / speed, found.times, found.history[:, 0] / speed)


def trajectories(fields: Mapping[str, Field], start: Tensor, cloud: Tensor) -> Figure:
    """The way of one point (1, 3) by each field, over 75 units of path, with the cloud behind."""
    figure, panes = figures.grid(6, 3, (2.8, 2.6), subplot_kw={"projection": "3d"})
    for pane, (name, field) in zip(panes, fields.items(), strict=True):
        path = torch.stack([x[0] for _, x in rollout.rk4(field, start, 0.05, 1500)])
        figures.draw_trajectory(pane, path, cloud, figures.colour(name))
        figures.cube(pane, 2.7, ("x", "y", "z"))
        pane.set_title(name, y=0.95)
    return figure


def map_of_flows(groups: Mapping[str, Tensor]) -> Figure:
    """Flows as points {name: (m, 2)} of a plane: all, and those near the truth enlarged."""
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
    panes[0].set_title("all flows")
    panes[1].set_title("the truth's corner, enlarged")
    for pane in panes:
        pane.set(aspect="equal", xlabel="first axis (1 - similarity)")
    panes[0].set(ylabel="second axis (1 - similarity)")
    panes[0].legend(loc="upper left", bbox_to_anchor=(0.0, -0.16), ncols=4)
    return figure


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
