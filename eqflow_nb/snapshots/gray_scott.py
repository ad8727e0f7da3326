"""Gray-Scott: two chemicals that feed on each other and diffuse, on a periodic grid.

du/dt = Du lap u - u v^2 + F (1 - u),  dv/dt = Dv lap v + u v^2 - (F + k) v
(Pearson, Science 261, 189, 1993, eq. 2), explicit Euler steps of 1, five-point Laplacian, grid
spacing 1.  The steps are machine code on a CPU, taken tile by tile on a large canvas.
"""

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from eqflow_nb.inputs import InputError, as_images, choice, count
from eqflow_nb.snapshots.base import World, compiled
from eqflow_nb.snapshots.cache import cached
from eqflow_nb.snapshots.tiles import tiled

DU, DV = 0.16, 0.08
SETTLED = 10_000  # steps after which the presets are counted as stationary
RETRIES = 8
VERSION = 1  # of the simulation: cached snapshots of another are not read
LARGE, TILE, RIM = 2**21, 512, 32  # pixels over which a canvas is followed in tiles; their sides
CHUNK = 16_000_000  # pixels updated, about 10 ms of work, between two chances to interrupt


class Preset(NamedTuple):
    """Rates of one pattern, and the mean and deviation of (u, v) that it settles to at 128^2."""

    feed: float
    kill: float
    centre: tuple[float, float]
    scale: tuple[float, float]


# All but the last two are those of Zhang & Levin (2025), who call `bursts` spirals.
PRESETS = {
    "life": Preset(0.006, 0.045, (0.8154, 0.02184), (0.2004, 0.05547)),
    "waves": Preset(0.018, 0.049, (0.586, 0.1115), (0.2491, 0.1094)),
    "bursts": Preset(0.007, 0.028, (0.3104, 0.1355), (0.1574, 0.07842)),
    "maze": Preset(0.029, 0.057, (0.5128, 0.1643), (0.1437, 0.09717)),
    "chaos": Preset(0.026, 0.051, (0.3771, 0.2107), (0.09345, 0.04617)),
    "solitons": Preset(0.03, 0.062, (0.657, 0.1118), (0.1686, 0.1128)),
}


def gray_scott(preset: str, size: int = 128, steps: int = SETTLED) -> World:
    """World of the patterns of a preset on a grid of `size` pixels a side, at least 16."""
    # Each run is followed for some steps before its snapshot; below 10,000 the distribution still
    # changes.  Snapshots are kept on disk.
    chosen = PRESETS[choice(preset, PRESETS, "preset")]
    size, steps = count(size, "size", at_least=16), count(steps, "steps")
    centre, scale = (torch.tensor(c, dtype=torch.float64) for c in (chosen.centre, chosen.scale))

    def sample(n: int, seed: int) -> Tensor:
        about = {"world": "gray_scott", "preset": preset, "n": n, "size": size, "steps": steps}
        about |= {"seed": seed, "version": VERSION}
        runs = cached(about, lambda: simulate(preset, n, size, steps, seed).numpy())
        return world.scaled(torch.from_numpy(runs))

    def velocity(x: Tensor) -> Tensor:
        return (rate(world.raw(x.double()), preset) / scale.to(x.device)[:, None, None]).to(x)

    def later(x: Tensor, steps: int) -> Tensor:
        return world.scaled(advance(world.raw(x), preset, steps))

    world = World(preset, ("u", "v"), sample, centre, scale, velocity, advance=later)
    return world


def simulate(preset: str, n: int, size: int = 128, steps: int = SETTLED, seed: int = 0) -> Tensor:
    """Independent runs from random square seeds, (n, 2, size, size) raw, float32."""
    # Run i of a seed is the same whatever n, but chaos amplifies the last bit: on another
    # processor it is another, equally good. A run that dies out is begun again from other squares.
    choice(preset, PRESETS, "preset")
    n, size = count(n, "n"), count(size, "size", at_least=16)
    seed = count(seed, "seed", at_least=0)
    runs, dead = torch.empty(n, 2, size, size), list(range(n))
    for attempt in range(RETRIES + 1):
        begun = torch.stack([_start(size, seed, i, attempt) for i in dead])
        runs[dead] = advance(begun, preset, steps)
        dead = (runs[:, 1].amax((1, 2)) < 1e-3).nonzero().flatten().tolist()  # v = 0 all over
        if not dead:
            return runs
    died = f"preset {preset!r} died out {RETRIES + 1} times running at size {size}, {steps} steps"
    raise InputError(f"{died}; give a larger size (128 keeps nearly all of them) or fewer steps")


def advance(raw: Tensor, preset: str, steps: int, progress: bool = False) -> Tensor:
    """Follow images (B, 2, H, W), raw, for some Euler steps of 1; on a CPU in float32."""
    choice(preset, PRESETS, "preset")
    raw = as_images(raw, "raw", channels=2, at_least=0).detach()
    steps = count(steps, "steps", at_least=0)
    large = raw.shape[2] * raw.shape[3] > LARGE
    way = _on_gpu if raw.device.type != "cpu" else _in_tiles if large else _one_by_one
    after = way(raw, preset, steps, progress)
    # Sums take a tenth of the time of asking each pixel; in bands, since they copy to double.
    if not math.isfinite(sum(float(p.sum(dtype=torch.float64)) for p in after.split(256, dim=2))):
        low, high = (float(x) for x in raw.aminmax())
        found = f"raw, {low:.3g} to {high:.3g}, runs off to infinity within {steps} steps"
        hint = "for concentrations of about 0 to 1: scale them, or blur them less"
        raise InputError(f"{found}; steps of 1 hold {hint}")
    return after


def rate(raw: Tensor, preset: str) -> Tensor:
    """Change of raw images (B, 2, H, W) per unit of time: the equations themselves."""
    chosen = PRESETS[choice(preset, PRESETS, "preset")]
    u, v = raw.unbind(1)
    reaction = u * v * v
    du = DU * laplacian(u) - reaction + chosen.feed * (1 - u)
    dv = DV * laplacian(v) + reaction - (chosen.feed + chosen.kill) * v
    return torch.stack([du, dv], dim=1)


def laplacian(x: Tensor) -> Tensor:
    """Five-point Laplacian over the last two axes, periodic, grid spacing 1."""
    around = sum(x.roll(shift, axis) for axis in (-1, -2) for shift in (-1, 1))
    return around - 4 * x


def _start(size: int, seed: int, run: int, attempt: int) -> Tensor:
    """The empty state with some random squares of v, (2, size, size)."""
    random = np.random.default_rng([seed, run, attempt])
    state = np.stack([np.ones((size, size)), np.zeros((size, size))])
    for _ in range(max(2, round(6 * (size / 128) ** 2))):
        side = random.integers(6, 13)
        rows, columns = (np.arange(side)[:, None] + random.integers(0, size, 2)).T % size
        state[:, rows[:, None], columns] = np.array([0.5, 0.25])[:, None, None]
    state += 0.02 * random.random(state.shape)
    return torch.from_numpy(state.astype(np.float32))


def _one_by_one(raw: Tensor, preset: str, steps: int, progress: bool) -> Tensor:
    state, chosen = raw.to(torch.float32).numpy(), PRESETS[preset]
    rates = [np.float32(r) for r in (chosen.feed, chosen.feed + chosen.kill, DU, DV)]
    after, step = np.empty_like(state, order="C"), compiled(_loop, fastmath=True)
    chunk = max(1, CHUNK // (state.shape[2] * state.shape[3]))
    for i in tqdm(range(len(state)), "Gray-Scott", disable=not progress, leave=False):
        padded = np.pad(state[i], ((0, 0), (1, 1), (1, 1)), mode="wrap")
        for first in range(0, steps, chunk):
            padded = step(padded, *rates, min(chunk, steps - first))
        after[i] = padded[:, 1:-1, 1:-1]
    return torch.from_numpy(after).to(raw.dtype)


def _in_tiles(raw: Tensor, preset: str, steps: int, progress: bool) -> Tensor:
    """What is wrong at a tile's border moves inwards by a pixel a step: it stays in the rim."""
    x = raw.float()
    for first in tqdm(range(0, steps, RIM), "Gray-Scott", disable=not progress, leave=False):
        now = min(RIM, steps - first)
        part = partial(_one_by_one, preset=preset, steps=now, progress=False)
        x = tiled(part, x, TILE, RIM)
    return x.to(raw.dtype)


@torch.no_grad()
def _on_gpu(raw: Tensor, preset: str, steps: int, progress: bool) -> Tensor:
    for _ in tqdm(range(steps), "Gray-Scott", disable=not progress, leave=False):
        raw = raw + rate(raw, preset)
    return raw


def _loop(
    a: Any, feed: Any, lost: Any, diffuse_u: Any, diffuse_v: Any, steps: int
) -> Any:  # pragma: no cover - run as machine code
    n, m = a.shape[1] - 2, a.shape[2] - 2
    b = np.empty_like(a)
    four, one = np.float32(4), np.float32(1)
    for _ in range(steps):
        for c in range(2):
            for j in range(m + 2):
                a[c, 0, j], a[c, n + 1, j] = a[c, n, j], a[c, 1, j]
            for i in range(n + 2):
                a[c, i, 0], a[c, i, m + 1] = a[c, i, m], a[c, i, 1]
        u, v = a[0], a[1]
        for i in range(1, n + 1):
            for j in range(1, m + 1):
                x, y = u[i, j], v[i, j]
                reaction = x * y * y
                around_u = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - four * x
                around_v = v[i - 1, j] + v[i + 1, j] + v[i, j - 1] + v[i, j + 1] - four * y
                b[0, i, j] = x + diffuse_u * around_u - reaction + feed * (one - x)
                b[1, i, j] = y + diffuse_v * around_v + reaction - lost * y
        a, b = b, a
    return a
