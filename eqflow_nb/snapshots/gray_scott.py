"""Gray-Scott: two chemicals that feed on each other and diffuse, on a periodic grid.

du/dt = Du lap u - u v^2 + F (1 - u),  dv/dt = Dv lap v + u v^2 - (F + k) v
(Pearson, Science 261, 189, 1993, eq. 2), explicit Euler steps of 1, five-point Laplacian, grid
spacing 1.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import InputError, as_images, choice, count
from eqflow_nb.snapshots.cache import cached
from eqflow_nb.snapshots.fields import FieldWorld
from eqflow_nb.snapshots.gray_scott_steps import change, follow
from eqflow_nb.snapshots.tiles import bands

SETTLED = 10_000  # steps after which the presets are counted as stationary
RETRIES = 8
VERSION = 1  # of the simulation: cached snapshots of another are not read


@dataclass(frozen=True)
class Preset:
    """Rates of one pattern, and the mean and deviation of (u, v) that it settles to at 128^2."""

    feed: float
    kill: float
    centre: tuple[float, float]
    scale: tuple[float, float]


PRESETS = {
    "life": Preset(0.006, 0.045, (0.8154, 0.02184), (0.2004, 0.05547)),
    "waves": Preset(0.018, 0.049, (0.586, 0.1115), (0.2491, 0.1094)),
    "spirals": Preset(0.007, 0.028, (0.3104, 0.1355), (0.1574, 0.07842)),
    "maze": Preset(0.029, 0.057, (0.5128, 0.1643), (0.1437, 0.09717)),
    "chaos": Preset(0.026, 0.051, (0.3771, 0.2107), (0.09345, 0.04617)),
    "solitons": Preset(0.03, 0.062, (0.657, 0.1118), (0.1686, 0.1128)),
}


def gray_scott(preset: str, size: int = 128, steps: int = SETTLED, keep: bool = True) -> FieldWorld:
    """World of Gray-Scott patterns.

    Parameters
    ----------
    preset : str
        One of `PRESETS`.
    size : int
        Pixels a side, at least 16.
    steps : int
        How long each run is followed before its snapshot; below 10,000 the law still changes, and
        the world says that it is not stationary.
    keep : bool
        Keep snapshots on disk, so that they are made once.

    Raises
    ------
    InputError
        If there is no such preset, or the grid is too small.

    Examples
    --------
    >>> maze = gray_scott("maze")
    >>> stills = maze.sample(4, seed=0)  # (4, 2, 128, 128), mean 0 and deviation 1 a channel
    >>> change = maze.advance(stills, 20) - stills  # what the chemistry does in 20 steps
    >>> speed(maze, stills) < 1e-3  # `fields.speed`: this one is frozen
    True
    """
    chosen = PRESETS[choice(preset, PRESETS, "preset")]
    size, steps = count(size, "size", at_least=16), count(steps, "steps")
    centre, scale = (torch.tensor(c, dtype=torch.float64) for c in (chosen.centre, chosen.scale))

    def sample(n: int, seed: int) -> Tensor:
        def make() -> np.ndarray:
            return simulate(preset, n, size, steps, seed).numpy()

        about = {"world": "gray_scott", "preset": preset, "n": n, "size": size, "steps": steps}
        about |= {"seed": seed, "version": VERSION}
        return world.scaled(torch.from_numpy(cached(about, make) if keep else make()))

    def velocity(x: Tensor) -> Tensor:
        change = rate(world.raw(x.double()), preset)
        return (change / scale.to(change)[:, None, None]).to(x)

    world = FieldWorld(
        name=preset,
        channels=("u", "v"),
        size=size,
        units="concentrations; length in grid spacings, time in simulation steps",
        sample=sample,
        centre=centre,
        scale=scale,
        velocity=velocity,
        advance=lambda x, steps: world.scaled(advance(world.raw(x), preset, steps)),
        stationary=steps >= SETTLED,
    )
    return world


def simulate(
    preset: str,
    n: int,
    size: int = 128,
    steps: int = SETTLED,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: bool = False,
) -> Tensor:
    """Independent runs from random square seeds, (n, 2, size, size) raw, float32.

    Run i of a seed is the same whatever n.  A run that dies out is begun again from other squares,
    so the law is that of the runs that live; a pattern that stands still is not dead.  Patterns
    that are chaotic amplify the last bit: on another processor or a GPU the runs of a seed are
    others, equally good.

    Parameters
    ----------
    preset, size, steps
        As for `gray_scott`.
    n, seed : int
        How many runs, and which; `seed` is at least 0.
    device : torch.device or str
        Where they are computed and left.
    progress : bool
        Show a bar.

    Raises
    ------
    InputError
        If there is no such preset, a number is out of range, or a run dies out again and again.
    """
    choice(preset, PRESETS, "preset")
    n, size = count(n, "n"), count(size, "size", at_least=16)
    seed = count(seed, "seed", at_least=0)
    begun = torch.stack([_start(size, seed, i, 0) for i in range(n)]).to(device)
    runs = advance(begun, preset, steps, progress)
    for attempt in range(1, RETRIES + 1):
        dead = died_out(runs).nonzero().flatten().tolist()
        if not dead:
            return runs
        again = torch.stack([_start(size, seed, i, attempt) for i in dead]).to(device)
        runs[dead] = advance(again, preset, steps, progress)
    if died_out(runs).any():
        raise InputError(
            f"preset {preset!r} died out {RETRIES + 1} times running at size {size} after {steps} "
            "steps; give a larger size (128 keeps nearly all of them) or fewer steps"
        )
    return runs


def died_out(raw: Tensor) -> Tensor:
    """Which runs (n,) of (n, 2, H, W) have come to the empty state, u = 1 and v = 0."""
    return raw[:, 1].flatten(1).amax(1) < 1e-3


def advance(raw: Tensor, preset: str, steps: int, progress: bool = False) -> Tensor:
    """Follow images (B, 2, H, W), raw, for some Euler steps of 1.

    On a CPU each image is followed alone and in float32, so that it stays in the processor's cache;
    on a GPU all are followed at once.  No gradients are kept.

    Raises
    ------
    InputError
        If there is no such preset, `raw` is not such images, or it runs off to infinity.
    """
    chosen = PRESETS[choice(preset, PRESETS, "preset")]
    raw, steps = _checked(raw).detach(), count(steps, "steps", at_least=0)
    after = follow(raw, chosen.feed, chosen.kill, steps, progress)
    # Sums take a tenth of the time of asking each pixel; in bands, since they copy to double.
    if not math.isfinite(sum(float(part.sum(dtype=torch.float64)) for part in bands(after))):
        as_images(raw, "raw", at_least=0)  # refuses those that were not finite to begin with
        low, high = (float(x) for x in raw.aminmax())
        raise InputError(
            f"raw runs off to infinity within {steps} steps; steps of 1 hold for concentrations of "
            f"about 0 to 1, and these are {low:.3g} to {high:.3g}: scale them, or blur them less"
        )
    return after


def rate(raw: Tensor, preset: str) -> Tensor:
    """Change of raw images (B, 2, H, W) per unit of time: the equations themselves."""
    chosen = PRESETS[choice(preset, PRESETS, "preset")]
    return change(_checked(raw), chosen.feed, chosen.kill)


def _checked(raw: Tensor) -> Tensor:
    shape = tuple(raw.shape)
    if len(shape) != 4 or shape[1] != 2 or 0 in shape[2:]:
        raise InputError(f"raw has shape {shape}; it must be (B, 2, H, W)")
    if not raw.is_floating_point():
        raise InputError(f"raw holds whole numbers ({raw.dtype}); give raw.float()")
    return raw


def microseconds_per_step(size: int = 128, samples: int = 4, steps: int = 400) -> float:
    """Time of one step of one image on one thread, the best of five tries, in microseconds."""
    raw = torch.stack([_start(size, 0, i, 0) for i in range(samples)])
    advance(raw, "waves", 1)
    tries = []
    for _ in range(5):
        start = time.perf_counter()
        advance(raw, "waves", steps)
        tries.append(time.perf_counter() - start)
    return 1e6 * min(tries) / (samples * steps)


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
