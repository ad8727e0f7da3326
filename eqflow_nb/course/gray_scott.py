"""Chapter 03's data sets of Gray-Scott patterns, what is found from them, and how it is judged."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from eqflow_nb import rollout, scores
from eqflow_nb.flows import projection, skew, spectral_kernel
from eqflow_nb.inputs import Field
from eqflow_nb.measures import patterns
from eqflow_nb.rollout import Rollout
from eqflow_nb.scores import training
from eqflow_nb.scores.images import ImageScore
from eqflow_nb.snapshots import gray_scott
from eqflow_nb.snapshots.base import World, blur

STEPS = 20  # of the simulation, over which a true change is taken
HELD, START, FRESH, NOISE = 10_000, 20_000, 30_000, 40_000  # added to a seed, by an image's use
TAU, ETA = 0.5, 0.1  # step in units of sigma^2, and diffusion, of a rollout
LEVEL = 0.235  # the noise level at which the paper ran its networks


@dataclass(frozen=True)
class PatternDataset:
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

    def clean(self, n: int, offset: int = START) -> Tensor:
        """The n snapshots of `blurred` before their blur."""
        return self.world.sample(n, self.seed + offset).to(self.held)

    def fitted(self, score: scores.GaussianFieldScore | scores.GaussianCopulaScore) -> Tensor:
        """Cosines (n - 1,) of the rule fitted to how the first held-out snapshot moved."""
        units = self.world.scale.to(self.held)[:, None, None]
        symbol = spectral_kernel.fit_radial(self.held[:1], self.change[:1], score, weight=units)
        return self.agreement(spectral_kernel.flow(score, symbol))[1:]

    def control(self, score: scores.GaussianFieldScore, kind: str, tries: int = 8) -> Tensor:
        """Mean |cosines| (n,) of a control (see `spectral_kernel.control`), over several tries."""
        seeds = range(self.seed, self.seed + (tries if kind == "random" else 1))
        fields = [spectral_kernel.control(score, kind, seed, self.world.scale) for seed in seeds]
        return torch.stack([self.agreement(field) for field in fields]).abs().mean(0)


def datasets(
    names: Sequence[str],
    snapshots: int,
    held: int,
    seed: int,
    device: torch.device | str = "cpu",
    steps: int = gray_scott.SETTLED,
) -> dict[str, PatternDataset]:
    """Snapshots of some Gray-Scott presets, side by side, after some steps of each run."""

    def make(name: str) -> PatternDataset:
        world = gray_scott.gray_scott(name, steps=steps)
        x, y = world.sample(snapshots, seed), world.sample(held, seed + HELD)
        assert world.advance is not None
        change = world.advance(y, STEPS) - y
        return PatternDataset(world, x.to(device), y.to(device), change.to(device), seed)

    return rollout.together({name: partial(make, name) for name in names})


@dataclass(frozen=True)
class CopulaFit:
    """Histograms mapped a fraction of the way to Gaussians; the gradient part is of E|v|^2."""

    copula_fraction: float
    score: scores.GaussianCopulaScore
    flow: Field
    gradient_fraction: float


def copula_fits(
    data: PatternDataset, sigma: float, fractions: Sequence[float], n: int = 8
) -> list[CopulaFit]:
    """Fit a Gaussian copula to some fractions; n blurred snapshots measure each gradient part.

    A flow that keeps the distribution has none, so the least of them says how far to map.
    """
    _, channels, h, w = data.snapshots.shape
    tests, x = projection.potentials(channels, (h, w)), data.noised(sigma, n)

    def make(fraction: float) -> CopulaFit:
        score = scores.fit_gaussian_copula(data.snapshots, sigma, fraction, symmetrise=True)
        flow = spectral_kernel.flow(score)
        part = projection.project(flow, x, tests, data.metric).gradient_fraction
        return CopulaFit(fraction, score, flow, part)

    return list(rollout.together({str(f): partial(make, f) for f in fractions}).values())


def networks(
    names: Sequence[str], sigma: float, device: torch.device, train: int = 0, seed: int = 0
) -> dict[str, ImageScore]:
    """The denoisers of some worlds, as shipped, or trained for some steps if `train` is not 0."""
    if not train:
        return {name: scores.load(name, sigma, device) for name in names}
    with tempfile.TemporaryDirectory() as to:
        path = {n: training.train_weights(n, Path(to), seed, train, str(device)) for n in names}
        return {name: scores.load(path[name], sigma, device) for name in names}


def by_protocol(data: PatternDataset, net: ImageScore, steps: int = 100, number: int = 8) -> Tensor:
    """Similarity by the protocol of Zhang & Levin (2025): cosines (n,) with the true change.

    Compared is the denoised displacement, in 2 units of time or fewer steps, of the path of K = J
    averaged with a weight of .9 a step of .01.
    """
    net, dt = net.at(LEVEL), TAU * LEVEL**2
    steps = min(steps, round(2 / dt))
    x = blur(data.held[:number], LEVEL, data.seed + NOISE)
    turn = skew.from_entries(1.0).to(x)

    def denoise(y: Tensor) -> Tensor:
        return torch.cat([net.denoise(part) for part in y.split(2)])  # a few need little memory

    path = rollout.exponential(denoise, turn, x, LEVEL, TAU, steps, ETA)
    path = _averaged(path, time=-0.01 / math.log(0.9))
    ends = rollout.record(path, steps=(0, steps), keep=denoise)
    return patterns.cosines(ends.last - ends.at(0), data.change[:number])


def _averaged(path: rollout.Path, time: float) -> rollout.Path:
    """A path's exponential moving average: m <- m + (1 - exp(-dt / time)) (x - m), from m = x."""
    before, mean = 0.0, None
    for t, x in path:
        mean = x if mean is None else mean.lerp(x, -math.expm1(-(t - before) / time))
        before = t
        yield t, mean


def follow(
    data: PatternDataset,
    net: ImageScore,
    steps: Collection[int],
    canvases: int,
    matrix: Tensor | float = 0.0,
    extra: Field | None = None,
    score: scores.GaussianFieldScore | ImageScore | None = None,
) -> Rollout:
    """Follow dx = (K * s + eta s + extra) dt + sqrt(2 eta) dW; the network's D(x) at some steps.

    The score is the network's unless there is another.  The rule K is a matrix (2, 2) or a symbol
    (H, W//2+1, 2, 2); a number g is g J, so 0 is no rule at all.
    """
    x = data.blurred(net.sigma, canvases)
    if not isinstance(matrix, Tensor):
        matrix = matrix * skew.from_entries(1.0)
    rule, denoise = matrix.to(x.device), (score or net).denoise
    path = rollout.exponential(denoise, rule, x, net.sigma, TAU, max(steps), ETA, data.seed, extra)
    return rollout.record(path, steps=steps, keep=net.denoise)


def alone(
    data: PatternDataset,
    net: ImageScore,
    field: Field,
    reference: patterns.ReferenceSets,
    steps: Collection[int],
    dt: float = 2.5,
) -> dict[float, float]:
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
