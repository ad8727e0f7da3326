"""Sheets of creatures that keep their distance, and the rule by which they swim on canvases."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from scipy.interpolate import CubicHermiteSpline
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from eqflow_nb.course import creatures
from eqflow_nb.flows.swimming import TURN, Swimming, moved, read_anatomy
from eqflow_nb.inputs import positive, seeded
from eqflow_nb.rollout.integrators import Diverged
from eqflow_nb.scores.images import ImageScore
from eqflow_nb.scores.pair_law import fit_pair_law
from eqflow_nb.snapshots import icons, poses
from eqflow_nb.snapshots.base import World, blur

BLUR = (0.5, 0.5, 0.1)  # of the poses a law is fitted to, pixels and radians
SHEETS = 192  # that a law is read from
DT = 0.1  # time a step; u = 1 pixel per time
WIDER = 2.2  # than those of `poses` are these creatures; their bodies hardly ever touch


def sheets(law: str, n: int, size: int = 64, seed: int = 0) -> Tensor:
    """Draw sheets of poses (n, `icons.crowd`, 3), of `poses.LAWS`, for creatures 13 pixels wide."""
    q = poses.sample(law, n, seed, icons.crowd(size), size / WIDER)
    return q * torch.tensor([WIDER, WIDER, 1.0])


def canvases(icon: str | Tensor, q: Tensor, size: int = 64) -> tuple[Tensor, Tensor, Tensor]:
    """Creatures put down at poses (n, creatures, 3), their places and angles: `icons.placed`."""
    centres = torch.stack([-q[..., 1], q[..., 0]], -1) % size
    return icons.placed(icon, len(q), size, centres=centres, angles=q[..., 2])


def swimmer(
    icon: str | Tensor, front: float = 0.0, law: str = "scattered", u: float = 1.0
) -> Swimming:
    """The rule by which a creature swims at u pixels per time, by a law; its `front` in radians."""
    world, q = icons.icons(icon), sheets(law, SHEETS)
    images, centres, angles = canvases(icon, q[:64])
    paper = world.scaled(torch.tensor(icons.PAPER)[None, :, None, None]).flatten()
    clean = world.scaled(images).float()
    anatomy = read_anatomy(clean, centres, angles + front, paper, icons.DIAMETER)
    pairs = fit_pair_law(q, 64.0, 30.0, mirror=True, sigma=BLUR).law
    r, waves = pairs.spacing * np.arange(pairs.values.shape[1]), pairs.harmonics.tolist()

    def term(h: int) -> Callable[[Tensor], Tensor]:
        spline = CubicHermiteSpline(r, pairs.values[0, :, h], pairs.slopes[0, :, h])
        return lambda x: torch.from_numpy(spline(x.clamp(max=r[-1])))

    # log p = sum f_0(r) + f_1(r) cos(theta_i - theta_j), of the law's harmonics.
    terms = [term(waves.index(wave)) for wave in ([0, 0, 0], [1, -1, 0])]
    return Swimming(anatomy, terms, u)


def swim(
    swimming: Swimming | None, score: ImageScore, world: World, start: Tensor, steps: int = 1000,
    dt: float = DT, seed: int = 0, eta: float = 0.1, rule: Tensor | None = None,
) -> creatures.Life:  # fmt: skip
    """Let creatures swim from clean canvases (B, 3, H, W); an empty one ends it: `Life.lost`."""
    dt, there = positive(dt, "dt"), []  # how many creatures there are, (B,), step by step

    def carry(clean: Tensor) -> Tensor:
        if swimming is None:
            return clean
        there.append(swimming.anatomy.peaks(clean).sum((1, 2)))
        if float(there[-1].min()) < 0.5:
            raise Diverged("a canvas is empty", len(there))
        return swimming.carried(clean, dt)

    x = blur(world.scaled(start).float(), score.sigma, seed + 1_000_003)
    rule = torch.zeros(3, 3) if rule is None else rule
    life = creatures.live(score, world, rule, steps, len(x), eta, seed, start=x, carry=carry)
    if not there or float(there[-1].min()) >= 0.5:
        return life
    lost = f"{there[0][b := int(there[-1].argmin())]:.0f} creatures were lost by step {len(there)}"
    return life._replace(lost=f"canvas {b} is empty: its {lost}")


def practise(
    score: ImageScore, swimming: Swimming, icon: str | Tensor, steps: int = 600, seed: int = 0,
    batch: int = 8, pool: int = 64,
) -> Iterator[tuple[int, float]]:  # fmt: skip
    """Train a denoiser on canvases that it has itself let swim, at its own noise level."""
    # Where a body is moved again and again errors add up: heads wear off.  So canvases are kept
    # with the poses that their creatures should have; D(x) is to be the canvas drawn there, as in
    # `images.train`; then they swim on.  It yields (step, loss); the network ends with mean
    # weights.
    net, sigma, generator = score.net, score.sigma, seeded(seed)
    world, fresh = icons.icons(icon), sheets("scattered", SHEETS)
    decay, c = torch.tensor(-0.1 * creatures.STEP).exp(), 1 / (1 + sigma**2)
    mean = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    optimiser = torch.optim.Adam(net.requires_grad_(True).parameters(), betas=(0.9, 0.99))
    warm_up = max(0.05, 2 / steps)  # less than one step would be none, and fail
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-3, steps, pct_start=warm_up)

    def draw(q: Tensor) -> Tensor:
        return world.scaled(canvases(icon, q)[0]).float()

    def noise(n: int) -> Tensor:
        return sigma * torch.randn(n, 3, 64, 64, generator=generator)

    q, left = fresh[:pool].clone(), torch.zeros(pool)
    x = draw(q) + noise(pool)
    for step in range(steps):
        now = torch.randperm(pool, generator=generator)[:batch]
        with torch.autocast("cpu", torch.bfloat16):
            guess = net.predict(c**0.5 * x[now], x.new_full((1,), sigma)).float()
        clean = c * x[now] + sigma * c**0.5 * guess
        loss = (clean - draw(q[now])).square().mean() / (sigma**2 * c)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        mean.update_parameters(net)
        yield step, float(loss.detach())
        motion, turning, _ = swimming.motion(clean := clean.detach())
        pixel, b = q[now, :, :2].round(), torch.arange(batch)[:, None]
        right, down = (pixel * torch.tensor([1, -1])).long().remainder(64).unbind(-1)
        rates = turning[b, down, right]
        # A body is rigid: in its middle, off that pixel, it is slower by the turning.
        off = torch.view_as_complex(pixel - q[now, :, :2])
        speeds = torch.complex(motion[b, 1, down, right], -motion[b, 0, down, right])
        speeds = torch.view_as_real(speeds - 1j * rates * off)
        dt = (TURN / rates.abs().amax(1).clamp(min=1e-6)).clamp(max=DT)[:, None, None]
        q[now] += (dt * torch.cat([speeds, rates[..., None]], -1)).float()
        kept = decay * (x[now] - clean) + (1 - decay**2).sqrt() * noise(batch)
        x[now] = moved(clean, dt[..., None] * motion) + kept
        left[now] -= 1
        if len(again := now[left[now] < 0]):  # from the start, after some 5 to 150 steps
            q[again] = fresh[torch.randint(len(fresh), (len(again),), generator=generator)]
            x[again] = draw(q[again]) + noise(len(again))
            left[again] = 5 + 145 * torch.rand(len(again), generator=generator)
    net.load_state_dict(mean.module.state_dict())
    net.requires_grad_(False)
