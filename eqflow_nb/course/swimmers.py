"""Sheets of creatures that keep their distance, and the rule by which they swim on canvases."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.interpolate import CubicHermiteSpline
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from eqflow_nb.course import creatures
from eqflow_nb.course.creatures import Life
from eqflow_nb.flows.swimming import TURN, Swimming, moved, read_anatomy
from eqflow_nb.inputs import count, positive, seeded
from eqflow_nb.measures import flocking, tracking, travel
from eqflow_nb.rollout.integrators import Diverged
from eqflow_nb.scores.images import ImageScore
from eqflow_nb.scores.pair_law import PairLaw, fit_pair_law
from eqflow_nb.snapshots import icons, poses
from eqflow_nb.snapshots.base import World, blur

BLUR = (0.5, 0.5, 0.1)  # of the poses a law is fitted to, pixels and radians
SHEETS = 192  # that a law is read from
DT = 0.1  # time a step; u = 1 pixel per time
WIDER = 2.2  # than those of `poses` are these creatures; their bodies hardly ever touch


def sheets(law: str, n: int, size: int = 64, seed: int = 0) -> Tensor:
    """Draw sheets of poses (n, creatures, 3) of one of `poses.LAWS`, for creatures 13 pixels wide.

    They hold as many as `icons.crowd` says, on canvases of `size` pixels a side.
    """
    q = poses.sample(law, n, seed, icons.crowd(size), size / WIDER)
    return q * torch.tensor([WIDER, WIDER, 1.0])


def canvases(icon: str | Tensor, q: Tensor, size: int = 64) -> tuple[Tensor, Tensor, Tensor]:
    """Creatures put down at poses (n, creatures, 3), their places and angles: `icons.placed`."""
    centres, angles = poses.to_canvas(q, size)
    return icons.placed(icon, len(q), size, centres=centres, angles=angles)


def swimmer(
    icon: str | Tensor, front: float = 0.0, law: str = "scattered", u: float = 1.0, size: int = 64
) -> Swimming:
    """The rule by which a creature swims at u pixels per time, read from sheets of a law.

    `front` is where its front is in the picture, radians anticlockwise from the right: all that is
    told.  The rest is read from `SHEETS` sheets, 64 of them drawn.
    """
    world = icons.icons(icon, size)
    q = sheets(law, SHEETS, 64)
    images, centres, angles = canvases(icon, q[:64])
    paper = world.scaled(torch.tensor(icons.PAPER)[None, :, None, None]).flatten()
    anatomy = read_anatomy(
        world.scaled(images).float(), centres, angles + front, paper, icons.DIAMETER
    )
    fit = fit_pair_law(q, 64.0, 30.0, order=1, mirror=True, sigma=BLUR)
    return Swimming(anatomy, radial_terms(fit.law), u)


def radial_terms(law: PairLaw) -> list[Callable[[Tensor], Tensor]]:
    """f_0 and f_1 of log p = sum f_0(r) + f_1(r) cos(theta_i - theta_j), of the law's harmonics."""
    r = law.spacing * torch.arange(law.values.shape[1])
    waves = [tuple(row) for row in law.harmonics.tolist()]

    def term(h: int) -> Callable[[Tensor], Tensor]:
        spline = CubicHermiteSpline(r.numpy(), law.values[0, :, h], law.slopes[0, :, h])
        return lambda x: torch.from_numpy(spline(x.clamp(max=float(r[-1])).numpy()))

    return [term(waves.index(wave)) for wave in ((0.0, 0.0, 0.0), (1.0, -1.0, 0.0))]


def swim(
    swimming: Swimming | None,
    score: ImageScore,
    world: World,
    start: Tensor,
    steps: int = 1000,
    dt: float = DT,
    seed: int = 0,
    eta: float = 0.1,
    rule: Tensor | None = None,
) -> Life:
    """Let creatures swim from clean canvases (B, 3, H, W) in [0, 1]; a constant rule K may act too.

    Without `swimming` nothing but that rule moves them.  A canvas that empties stops the film, and
    `Life.lost` says so.
    """
    steps, dt, step = count(steps, "steps", at_least=1), positive(dt, "dt"), 0
    begun = None if swimming is None else swimming.anatomy.peaks(world.scaled(start)).sum((1, 2))
    lost = ""

    def carry(clean: Tensor) -> Tensor:
        nonlocal step, lost
        if swimming is None or begun is None:
            return clean
        step += 1
        left = swimming.anatomy.peaks(clean).sum((1, 2))
        if bool((left < 0.5).any()):
            which = int(left.argmin())
            number = f"{begun[which]:.0f}"
            lost = f"canvas {which} is empty: its {number} creatures were lost by step {step}"
            raise Diverged(lost, step)
        return swimming.carried(clean, dt)

    x = blur(world.scaled(start).float(), score.sigma, seed + 1_000_003)
    still = torch.zeros(3, 3) if rule is None else rule
    life = creatures.live(score, world, still, steps, len(x), eta, seed, start=x, carry=carry)
    return replace(life, lost=lost) if lost else life


def practise(
    score: ImageScore,
    swimming: Swimming,
    icon: str | Tensor,
    steps: int = 600,
    seed: int = 0,
    rate: float = 1e-3,
    batch: int = 8,
    pool: int = 64,
) -> Iterator[tuple[int, float]]:
    """Train a denoiser on canvases that it has itself let swim, at its own noise level.

    Where a body is moved again and again, what a denoiser gets wrong adds up: heads wear off.  So
    of a pool of canvases, kept with the poses that their creatures should have, some are shown at
    every step: D(x) is to be the canvas drawn at those poses, by least squares as in
    `images.train`.  Then they swim on by a step.  It yields (step, loss); at the end the network
    holds a running mean of its weights.
    """
    net, sigma, generator = score.net, score.sigma, seeded(seed)
    world, fresh = icons.icons(icon), sheets("scattered", SHEETS)
    centres, angles = poses.to_canvas(fresh, 64)
    decay, c = torch.tensor(-0.1 * creatures.STEP).exp(), 1 / (1 + sigma**2)
    mean = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    optimiser = torch.optim.Adam(net.requires_grad_(True).parameters(), betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps, pct_start=0.05)

    def draw(which: Tensor) -> Tensor:
        drawn = icons.placed(icon, len(which), centres=places[which], angles=turned[which])
        return world.scaled(drawn[0]).float()

    def noise(n: int) -> Tensor:
        return sigma * torch.randn(n, 3, 64, 64, generator=generator)

    places, turned = centres[:pool].clone(), angles[:pool].clone()
    x, left = draw(torch.arange(pool)) + noise(pool), torch.zeros(pool)
    for step in range(steps):
        now = torch.randperm(pool, generator=generator)[:batch]
        with torch.autocast("cpu", torch.bfloat16):
            guess = net.predict(c**0.5 * x[now], x.new_full((1,), sigma)).float()
        clean = c * x[now] + sigma * c**0.5 * guess
        loss = (clean - draw(now)).square().mean() / (sigma**2 * c)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        mean.update_parameters(net)
        yield step, float(loss.detach())
        clean = clean.detach()
        motion, turning = swimming.motion(clean)
        down, right = (places[now].round().long() % 64).unbind(-1)
        sheet = torch.arange(batch)[:, None]
        rates, speeds = turning[sheet, down, right], motion[sheet, :, down, right]
        off = places[now].round() - places[now]
        speeds = speeds - rates[..., None] * torch.stack([-off[..., 1], off[..., 0]], -1)
        dt = (TURN / rates.abs().amax(1).clamp(min=1e-6)).clamp(max=DT)[:, None]
        places[now] = ((places[now] + dt[..., None] * speeds) % 64).float()
        turned[now] = (turned[now] + dt * rates).float()
        kept = decay * (x[now] - clean) + (1 - decay**2).sqrt() * noise(batch)
        x[now] = moved(clean, dt[..., None, None] * motion) + kept
        left[now] -= 1
        again = now[left[now] < 0]  # from the start, after some 5 to 150 steps
        if not len(again):
            continue
        which = torch.randint(len(fresh), (len(again),), generator=generator)
        places[again], turned[again] = centres[which], angles[which]
        x[again] = draw(again) + noise(len(again))
        left[again] = 5 + 145 * torch.rand(len(again), generator=generator)
    net.load_state_dict(mean.module.state_dict())
    net.requires_grad_(False)


def count_kept(life: Life, ink: float, step: int) -> float:
    """Share of the creatures of a film that are there, and whole, at a step."""
    frame, shares = step // creatures.EVERY, []
    for film in life.found:
        begun = int(tracking.whole(film[0].ink, ink).sum())
        after = film[frame].ink if len(film) > frame else np.empty(0)
        shares.append(flocking.count_kept(after, ink, begun))
    return float(np.mean(shares))


def drift(life: Life, icon: str | Tensor, front: float = 0.0) -> float:
    """Mean displacement along the own front, pixels a step; see `travel.body_drift`."""
    images, centres, angles = canvases(icon, sheets("scattered", 16, seed=7))
    turns = []
    for image, where, angle in zip(images, centres.numpy(), angles.numpy(), strict=True):
        found = tracking.locate(image, icons.PAPER, icons.DIAMETER)
        gap = np.abs(found.centres[:, None] - where)
        nearest = np.minimum(gap, 64 - gap).sum(-1).argmin(1)
        turns.append(np.exp(1j * (angle[nearest] + front - found.heading)))
    turn = np.angle(np.concatenate(turns).mean())  # from the axis that is followed to the front
    (ahead, left), _ = travel.body_drift(life.tracks, 1)
    return float(ahead * np.cos(turn) + left * np.sin(turn)) / creatures.EVERY


def polarisation(films: Iterable[Sequence[tracking.Found]], frame: int) -> float:
    """Length of the mean of exp(i heading) on a frame, on average over films."""
    return float(np.mean([np.abs(np.exp(1j * film[frame].heading).mean()) for film in films]))


def seen(images: Tensor) -> list[tracking.Found]:
    """The creatures found on canvases (n, 3, H, W), as on films."""
    return [tracking.locate(each, icons.PAPER, icons.DIAMETER) for each in images]


def pair_distance(rolled: Sequence[np.ndarray], fresh: Sequence[np.ndarray], size: int) -> float:
    """Mean |difference| of g(r) up to 30 pixels between places (n, 2) on two sets of canvases."""
    pairs = [flocking.pair_distribution(each, size, 30.0, 15)[1] for each in (rolled, fresh)]
    return float(np.abs(pairs[0] - pairs[1]).mean())
