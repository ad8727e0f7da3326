"""Chapter 01's toys with all that is known of them, its recipe for networks, and its figures."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb import measures, rollout, scores, snapshots
from eqflow_nb.figures.axes import LogDensity, lattice, square
from eqflow_nb.figures.style import FAINT, INK, array, colour, grid, legend_outside
from eqflow_nb.flows import continuity, learned
from eqflow_nb.flows.networks import FlowNetworks
from eqflow_nb.inputs import Field
from eqflow_nb.scores.closed_form import MixtureScore

# Two peaks have wide Gaussian tails, the others end sharply: how much tail to teach.
WIDE: dict[str, Any] = {"widest": 1.5, "wide_fraction": 0.4}
SHARP: dict[str, Any] = {"wide_fraction": 0.2, "residual_weight_power": 1.0}
LEVELS = (0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)  # of the largest |p psi|


class Toy(NamedTuple):
    """A toy blurred by sigma: samples to learn from, and the exact density to measure with.

    draw(n, number) gives fresh blurred points, of which `held_out` are some, and `start` are those
    that rollouts begin at.  The `score` is fitted to `samples`, with the half turn `signs` if they
    show that symmetry.  `floor` is the distance between two clouds as large as `start`.
    """

    name: str
    sigma: float
    samples: Tensor
    draw: Callable[[int, int], Tensor]
    held_out: Tensor
    start: Tensor
    signs: Tensor | None
    score: MixtureScore
    floor: float
    seed: int

    def log_density(self, x: Tensor, sigma: float | None = None) -> Tensor:
        """The exact log density (B,), at another noise level if one is given."""
        density = snapshots.world(self.name).log_density
        assert density is not None
        return density(x, self.sigma if sigma is None else sigma)

    def error(self, score: Field, sigma: float | None = None) -> float:
        """Relative error of a score on fresh points, at another noise level if one is given."""
        level = self.sigma if sigma is None else sigma
        x = snapshots.world(self.name).blurred(level)(4096, self.seed + 1).to(self.held_out)
        right = scores.of_density(lambda x: self.log_density(x, level))(x)
        return float((score(x).detach() - right).norm() / right.norm())

    def leak(self, field: Field, score: Field | None = None) -> float:
        """Rms residual over rms speed on the held-out points, by default with the exact score."""
        score = scores.of_density(self.log_density) if score is None else score
        return continuity.residual(field, score, self.held_out).relative

    def kept(self, x: Tensor) -> float:
        """Distance of a rolled-out cloud to fresh samples over its floor."""
        return measures.preservation(x, self.draw, self.floor, seed=self.seed)


def toy(name: str, n: int, cloud: int, sigma: float, seed: int, place: torch.device) -> Toy:
    """A toy with a score fitted to n samples; rollouts are of `cloud` points."""
    world = snapshots.world(name)
    samples, draw = world.sample(n, seed).to(place), world.blurred(sigma, place)
    turn = measures.half_turns(samples[:20000], seed=seed)[0]
    signs = turn.signs.to(place) if turn.holds else None
    score = scores.fit_mixture(samples, sigma, seed=seed, signs=signs)
    floor, _ = measures.noise_floor(measures.sliced_wasserstein, draw, n=cloud, seed=seed)
    held_out, start = draw(4096, seed + 1), draw(cloud, seed + 1234)
    return Toy(name, sigma, samples, draw, held_out, start, signs, score, floor, seed)


def networks(
    toy: Toy, members: int = 8, steps: int = 300, last: int = 128
) -> tuple[FlowNetworks, Tensor]:
    """Train networks on a toy, and their residuals on the way; see `learned.learn`."""
    settings = learned.Settings(
        width=48, last=last, octaves=2, signs=toy.signs, steps=steps, smoothness=(0.003, 1e-5),
        inverse_iterations=1, **(WIDE if toy.name == "two_peaks" else SHARP),
    )  # fmt: skip
    known = (toy.samples, toy.score, toy.sigma)
    return learned.learn(*known, settings, members, toy.seed, progress=False)


def fastest(
    toy: Toy, current: Field, evaluations: int, ladder: Sequence[float]
) -> tuple[float, float]:
    """The largest step of a sampler that keeps p, and effective samples per score evaluation."""
    # The sampler is Heun's method, two evaluations a step, for dx = (s + v) dt + sqrt(2) dW with a
    # current v. Both are 0 if no step of the ladder keeps p.
    steps, start = evaluations // 2, toy.draw(len(toy.start), toy.seed + 99)
    kept = [(0.0, 0.0)]
    for dt in ladder:
        path = rollout.heun(lambda x: toy.score(x) + current(x), start, dt, steps, 1.0, toy.seed)
        effective, over_floor = measures.assess(path, steps, 2, toy.draw, toy.floor)
        kept += [(dt, effective)] if over_floor <= 1.5 else []
    return max(kept)


def density_of(dots: Tensor, sigma: float) -> LogDensity:
    """The log density of dots (n, 2) blurred by sigma, up to a constant."""
    return lambda x: torch.logsumexp(-torch.cdist(x, dots).square() / (2 * sigma**2), dim=1)


def swirls(
    psis: Mapping[str, Callable[[Tensor], Tensor]], log_density: LogDensity, extent: float = 3
) -> Figure:
    """Contours of p psi for {title: psi}: the paths of points, since p v = J grad(p psi)."""
    # Points turn one way round the peaks of p psi, orange, the other way round its pits, purple.
    figure, panes = grid(len(psis), 4, (2.25, 2.45))
    at, edges = lattice(extent, 161), [-1, *(-level for level in LEVELS[::-1]), *LEVELS, 1]
    for pane, (title, psi) in zip(panes, psis.items(), strict=True):
        value = array(log_density(at).exp() * psi(at)).reshape(161, 161)
        picture = (at[:161, 0], at[:161, 0], value / np.abs(value).max(), edges)
        pane.contourf(*picture, cmap="PuOr_r", vmin=-1, vmax=1)
        pane.contour(*picture, colors=INK, linewidths=0.6, linestyles="-")
        square(pane, extent, inner=pane is panes[0])
        pane.set_title(title)
    return figure


def plans(cases: Mapping[str, tuple[Tensor, Tensor, np.ndarray]], extent: float = 3) -> Figure:
    """Transport plans {title: (a (n, 2), b (n, 2), partner of each a (n,))} as lines a to b."""
    figure, panes = grid(len(cases), 4, (3, 3.2))
    for pane, (title, (a, b, partner)) in zip(panes, cases.items(), strict=True):
        x, y = array(a), array(b)
        lines = np.stack([x, y[partner]], axis=1)
        pane.add_collection(LineCollection(list(lines), colors=colour("score"), linewidths=1))
        pane.plot(*x.T, ".", color=FAINT, markersize=4, label="start")
        pane.plot(*y.T, ".", color=colour("learned"), markersize=4, label="end")
        square(pane, extent, inner=pane is panes[0])
        pane.set_title(title)
    legend_outside(panes[-1])
    return figure


def over_floors(
    over: Mapping[tuple[str, str], float], chance: tuple[float, float], aim: float
) -> Figure:
    """Distances {(world, kind): in floors}, a line for each kind; the band is of fresh clouds."""
    kinds = list(dict.fromkeys(kind for _, kind in over))[::-1]
    figure, (axes,) = grid(1, 1, (7.5, 0.9 + 0.32 * len(kinds)))
    for world, mark in zip(dict.fromkeys(world for world, _ in over), "osD", strict=True):
        for line, kind in enumerate(kinds):
            axes.plot(over[world, kind], line, mark, color=colour(kind), markeredgecolor="white")
        axes.plot([], [], mark, color=INK, label=world)
    axes.axvspan(*chance, color=FAINT, alpha=0.4, linewidth=0, label="fresh clouds")
    axes.axvline(aim, color=INK, linestyle="--", linewidth=1, label=f"aim: {aim:g}")
    axes.set(xscale="log", xlabel="distance to fresh samples, in floors")
    axes.set(ylim=(-0.6, len(kinds) - 0.4), yticks=range(len(kinds)), yticklabels=kinds)
    legend_outside(axes)
    return figure
