"""Creatures brought to life: rolled out, found, followed; and a denoiser fitted to a new one."""

import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from eqflow_nb import rollout
from eqflow_nb.flows import kernels
from eqflow_nb.inputs import Field, InputError, as_samples, count, seeded
from eqflow_nb.measures import flocking, tracking, travel
from eqflow_nb.scores import images, weights
from eqflow_nb.scores.images import ImageScore
from eqflow_nb.scores.training import shuffled
from eqflow_nb.snapshots import icons, poses
from eqflow_nb.snapshots.base import World

EVERY = 10  # steps between two frames of a film
STEP = 0.5  # tau, in units of sigma^2
FASTEST = 6.0  # pixels that a creature is trusted to move between two frames


class Life(NamedTuple):
    """What became of canvases of creatures."""

    frames: Tensor  # D(x) every `EVERY` steps, in [0, 1], (T, B, 3, H, W)
    found: list[list[tracking.Found]]  # the creatures of each canvas, frame by frame
    tracks: list[tracking.Tracks]  # of canvases on which some were followed throughout
    kept: float  # share still there, and whole, at the end; 0 if the canvas left every bound
    milliseconds: float  # a step, of one canvas
    lost: str = ""  # of a canvas that emptied, which stopped the film: what was lost, and when

    def mobility(self, lag: int = 640) -> float:
        """Mean squared displacement at a lag in steps, pixels^2; NaN if none was followed."""
        if not any(track.positions.shape[1] for track in self.tracks):
            return float("nan")
        return float(travel.mean_squared_displacement(self.tracks, lag // EVERY).mean())


def live(
    score: ImageScore, world: World, rule: Tensor, steps: int = 1000, canvases: int = 4,
    eta: float = 0.1, seed: int = 0, tau: float = STEP, start: Tensor | None = None,
    carry: Field | None = None,
) -> Life:  # fmt: skip
    """Let placed creatures live under a rule K, and measure what becomes of them.

    K is (3, 3), one matrix for all frequencies, or (H, W//2+1, 3, 3), one for each; zeros are plain
    Langevin.  The diffusion is eta, the step tau in units of the score's sigma^2, and the seed that
    of places and noise.  Blurred canvases to start from (canvases, 3, H, W) stand in for placed
    creatures.  `carry` is where a step takes D(x) by itself, such as `Swimming.carried`.
    """
    steps = count(steps, "steps", at_least=EVERY)
    device = next(score.parameters()).device
    x = world.blurred(score.sigma, device)(canvases, seed) if start is None else start.to(device)
    rule, sigma, often = rule.to(device), score.sigma, range(0, steps + 1, EVERY)
    path = rollout.exponential(score.denoise, rule, x, sigma, tau, steps, eta, seed, carry=carry)
    began = time.perf_counter()
    run = rollout.record(path, steps=often, keep=lambda y: world.raw(score.denoise(y)).cpu())
    seconds = time.perf_counter() - began
    frames = torch.stack(list(run.states.values()))
    taken = steps if run.stopped is None else run.stopped
    life = measured(frames, placed_ink(world), 1e3 * seconds / taken / canvases)
    # A rule that is not skew, for example, makes a rollout diverge.
    return life if run.stopped is None else life._replace(kept=0.0, tracks=[])


def measured(frames: Tensor, ink: float, milliseconds: float = 0.0) -> Life:
    """Find and follow the creatures of films (T, B, 3, H, W), given a placed one's ink."""
    paper, wide = icons.PAPER, icons.DIAMETER
    films = frames.transpose(0, 1)
    found = [[tracking.locate(frame, paper, wide) for frame in film] for film in films]
    # Canvas by canvas: an extra creature on one does not offset a loss on another.
    begun = [max(1, int(tracking.whole(film[0].ink, ink).sum())) for film in found]
    kept = [flocking.count_kept(film[-1].ink, ink, n) for film, n in zip(found, begun, strict=True)]
    tracks = [
        tracking.follow_creatures(film, frames.shape[-1], FASTEST)
        for film in found
        if len(film) > 1 and all(len(one.ink) for one in film)  # one that faded has no tracks
    ]
    return Life(frames, found, tracks, float(np.mean(kept)), milliseconds)


def rule(seed: int, kind: str = "skew", width: int = 1, size: int = 64) -> Tensor:
    """A random rule of largest eigenvalue 1 for three colours; kind "none" is K = 0."""
    if kind == "none":
        return torch.zeros(3, 3)
    kernel = kernels.random_kernel(3, width, seed, kind, size)
    return kernel[:, :, 0, 0] if width == 1 else kernels.symbol(kernel, (size, size))


def adapt(icon: Tensor, sigma: float, steps: int = 400) -> tuple[ImageScore, World]:
    """Fit a denoiser at a level sigma to a creature, RGBA (4, S, S), from a firefly's weights."""
    steps, world = count(steps, "steps"), icons.icons(icon, 64)
    score = weights.load("firefly", sigma)
    score.net.requires_grad_(True)
    draw = shuffled(world.sample(600, 0), mirror=False)
    path = images.train(score.net, draw, steps, 8, levels=(0.2, 0.8), stain_sd=2.0)
    for _ in tqdm(path, "learning your creature", total=steps, leave=False):
        pass
    score.net.requires_grad_(False)
    return score, world


def placed_ink(world: World) -> float:
    """Mean ink of a placed creature, by which whole ones are told."""
    placed = world.raw(world.sample(8, 0))
    found = [tracking.locate(canvas, icons.PAPER, icons.DIAMETER).ink for canvas in placed]
    return float(np.concatenate(found).mean())


def stamped(
    stamp: Sequence[Any], sheets: int, copies: int = 4, seed: int = 0, mirror: bool = False
) -> Tensor:
    """Sheets of poses (sheets, creatures, 3) with copies of a stamp, anywhere and at any angle.

    The stamp lists creatures: pixels to the right, pixels up, and the heading in degrees.  Of
    several stamps, such as `panels.stamps_panel` has, copies are made in turn, one of each at
    least.  Copies keep apart, and vary by a pixel and a tenth of a radian, since no hand is exact.
    With `mirror` a copy is as likely to be the stamp's mirror image: fit such sheets with `mirror`,
    too.
    """
    several = stamp if len(stamp) and np.ndim(stamp[0]) == 2 else [stamp]
    name = "stamp, of (right, up, degrees) for each creature,"
    groups = [as_samples(each, name, dim=3, at_least=1).float() for each in several if len(each)]
    if not groups:
        raise InputError(f"{name} is empty; list one creature or more")
    groups = [groups[k % len(groups)] for k in range(max(copies, len(groups)))]
    ways = [group[:, :2] - group[:, :2].mean(0) for group in groups]
    radii = torch.stack([way.norm(dim=1).max() for way in ways])
    reach = (radii[:, None] + radii + 8).fill_diagonal_(0)
    generator = seeded(seed)
    made: list[Tensor] = []
    for _ in range(4000 * count(sheets, "sheets")):
        if len(made) == sheets:
            return torch.stack(made)
        turn = math.tau * torch.rand(len(groups), 1, generator=generator)
        middle = poses.SIZE * torch.rand(len(groups), 2, generator=generator)
        gaps = poses.periodic(middle[:, None] - middle[None], poses.SIZE).norm(dim=-1)
        if (gaps < reach).any():
            continue
        side = 1 - 2.0 * torch.randint(1 + mirror, (len(groups), 1), generator=generator)
        copied = []
        for k, (group, way) in enumerate(zip(groups, ways, strict=True)):
            x, y = way[:, 0], side[k] * way[:, 1]
            cos, sin, heading = turn[k].cos(), turn[k].sin(), side[k] * group[:, 2].deg2rad()
            parts = [cos * x - sin * y + middle[k, 0], sin * x + cos * y + middle[k, 1]]
            copied.append(torch.stack([*parts, heading + turn[k]], -1))
        q = torch.cat(copied)
        noise = torch.randn(q.shape, generator=generator) * torch.tensor([1, 1, 0.1])
        made.append(poses.wrapped(q + noise))
    wide = f"{len(groups)} copies of the stamp, {float(reach.max()):.0f} pixels apart"
    raise InputError(f"{wide}, find no room; give fewer")
