"""Chapter 03's data sets of Gray-Scott patterns, what is found from them, and how it is judged."""

import math
from collections.abc import Collection, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from eqflow_nb import rollout, scores
from eqflow_nb.flows import skew, spectral_kernel
from eqflow_nb.flows.kernels import convolution
from eqflow_nb.inputs import Field, seeded
from eqflow_nb.measures import patterns
from eqflow_nb.rollout import Rollout
from eqflow_nb.scores.images import ImageScore
from eqflow_nb.snapshots import gray_scott
from eqflow_nb.snapshots.base import World, blur

STEPS = 20  # of the simulation, over which a true change is taken
HELD, START, FRESH, NOISE = 10_000, 20_000, 30_000, 40_000  # added to a seed, by an image's use
TAU, ETA = 0.5, 0.1  # step in units of sigma^2, and diffusion, of a rollout


class PatternDataset(NamedTuple):
    """Snapshots (n, C, H, W) of one world, and others held out, with their true change in STEPS."""

    world: World
    snapshots: Tensor
    held: Tensor
    change: Tensor
    seed: int

    def agreement(self, field: Field, scaled: bool = False) -> Tensor:
        """Cosines (n,) of a field with the true change, in concentrations or in deviations."""
        units = torch.ones(1) if scaled else self.world.scale
        pair = (z * units.to(z)[:, None, None] for z in (field(self.held), self.change))
        return patterns.cosines(*pair)

    @property
    def metric(self) -> Tensor:
        """(C,): what a squared velocity in each channel counts, in concentrations."""
        return (self.world.scale / self.world.scale.max()) ** 2

    def noised(self, sigma: float, n: int | None = None) -> Tensor:
        """The first n snapshots to learn from, or all, blurred."""
        return blur(self.snapshots[:n], sigma, self.seed + NOISE)

    def blurred(self, sigma: float, n: int, offset: int = START) -> Tensor:
        """n fresh snapshots, blurred; by default those that rollouts begin from."""
        return self.world.blurred(sigma, self.held.device)(n, self.seed + offset)

    def clean(self, n: int) -> Tensor:
        """The n snapshots of `blurred` before their blur."""
        return self.world.sample(n, self.seed + START).to(self.held)

    def control(self, score: scores.GaussianFieldScore, kind: str, tries: int = 8) -> Tensor:
        """Mean |cosines| (n,) of fields with the rule's low pass but another matrix than J."""
        # What they share with the truth is owed to the low pass. In concentrations, the matrix is
        # "random" (of several tries), "symmetric" (off the diagonal) or the "identity".
        seeds = range(self.seed, self.seed + tries)
        matrices = [torch.eye(2) if kind == "identity" else torch.eye(2).flip(0)]
        if kind == "random":
            matrices = [torch.randn(2, 2, generator=seeded(seed)) for seed in seeds]
        low, unit = spectral_kernel.low_pass(score)[..., None, None], self.world.scale
        symbols = [low * (matrix.to(unit) / unit / unit[:, None]).to(low) for matrix in matrices]
        fields = [convolution(symbol, score) for symbol in symbols]
        return torch.stack([self.agreement(field) for field in fields]).abs().mean(0)


def datasets(
    names: Sequence[str], snapshots: int, held: int, seed: int, device: torch.device | str = "cpu",
    steps: int = gray_scott.SETTLED,
) -> dict[str, PatternDataset]:  # fmt: skip
    """Snapshots of some Gray-Scott presets, side by side, after some steps of each run."""

    def make(name: str) -> PatternDataset:
        world = gray_scott.gray_scott(name, steps=steps)
        x, y = world.sample(snapshots, seed), world.sample(held, seed + HELD)
        assert world.advance is not None
        change = world.advance(y, STEPS) - y
        return PatternDataset(world, x.to(device), y.to(device), change.to(device), seed)

    return rollout.together({name: partial(make, name) for name in names})


def follow(
    data: PatternDataset, net: ImageScore, steps: Collection[int], canvases: int,
    matrix: Tensor | float = 0.0, extra: Field | None = None,
    score: scores.GaussianFieldScore | ImageScore | None = None,
) -> Rollout:  # fmt: skip
    """Follow dx = (K * s + eta s + extra) dt + sqrt(2 eta) dW; the network's D(x) at some steps."""
    # The score is the network's unless there is another.  The rule K is a matrix (2, 2) or a
    # symbol (H, W//2+1, 2, 2); a number g is g J, so 0 is no rule at all.
    x = data.blurred(net.sigma, canvases)
    if not isinstance(matrix, Tensor):
        matrix = matrix * skew.from_entries(1.0)
    rule, denoise = matrix.to(x.device), (score or net).denoise
    path = rollout.exponential(denoise, rule, x, net.sigma, TAU, max(steps), ETA, data.seed, extra)
    return rollout.record(path, steps=steps, keep=net.denoise)


def films(
    data: PatternDataset, net: ImageScore, field: Field, steps: Collection[int], n: int, times: int
) -> tuple[list[int], dict[str, list[Tensor]]]:
    """True and inferred films {name: [(n, C, H, W), ...]} from the same snapshots, and a clock."""
    # The field is followed so many `times` faster than its own speed, or backwards if that is the
    # truth's direction.  The clock, in steps of the simulation, is set by the truth's speed.
    own = patterns.smoothed(field, data.held[:8], net.sigma)
    # Speed and sign, which no snapshot contains, are those with the least |pace own - change|^2.
    pace = float((own * data.change[:8]).sum() / own.square().sum()) / STEPS
    extra = lambda x: math.copysign(times, pace) * field(x)  # noqa: E731
    states = follow(data, net, steps, n, extra=extra).states
    clock = [round(times * step * TAU * net.sigma**2 / abs(pace)) for step in states]
    assert data.world.advance is not None
    true = [data.world.advance(data.clean(n), step) for step in clock]
    return clock, {"true": true, "inferred": list(states.values())}


def alone(
    data: PatternDataset, net: ImageScore, field: Field, reference: patterns.ReferenceSets,
    steps: Collection[int], dt: float = 2.5,
) -> dict[float, float]:  # fmt: skip
    """Distances {t: floors} of a field followed without any Langevin part, by `rk4`."""
    x = data.blurred(net.sigma, len(reference.sets[0]))
    run = rollout.record(rollout.rk4(field, x, dt, max(steps)), steps=steps, keep=net.denoise)
    return {dt * step: distance(reference, run, step) for step in steps}


def reference_sets(
    data: PatternDataset, net: ImageScore, pairs: int, canvases: int
) -> patterns.ReferenceSets:
    """Sets of fresh snapshots, blurred and denoised as those to be measured are."""
    x = data.blurred(net.sigma, 2 * pairs * canvases, FRESH)
    with torch.no_grad():
        clean = torch.cat([net.denoise(part).cpu() for part in x.split(2)])
    return patterns.reference_sets(clean, canvases)


def distance(reference: patterns.ReferenceSets, run: Rollout, step: int) -> float:
    """Patch distance at a step in floors; infinite if the rollout broke off before."""
    far = reference.distances(run.states[step]) if step in run.states else math.inf
    return float(np.mean(far))
