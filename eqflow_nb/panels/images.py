"""The panels of the chapters on images: patterns of two chemicals, creatures, and a canvas."""

from __future__ import annotations

from functools import lru_cache, partial

import torch
from matplotlib.axes import Axes
from torch import Tensor

from eqflow_nb import figures, rollout, scores, snapshots
from eqflow_nb.course import creatures as alife
from eqflow_nb.figures import PATTERN, VELOCITY
from eqflow_nb.flows import kernels, skew, spectral_kernel
from eqflow_nb.panels.base import Panel, dropdown, slider
from eqflow_nb.panels.motion import Particles
from eqflow_nb.snapshots import icons
from eqflow_nb.snapshots.base import blur

PRESETS = tuple(snapshots.gray_scott.PRESETS)
SHAPES = ("one pixel", "blurred", "random 3x3", "spectral")
SNAPSHOTS = 12
LONGEST = 400


@lru_cache(maxsize=8)
def _snapshots(preset: str) -> Tensor:
    return snapshots.field_world(preset).sample(SNAPSHOTS, 5)


@lru_cache(maxsize=8)
def _spectrum(preset: str) -> scores.GaussianFieldScore:
    return scores.fit_gaussian_field(_snapshots(preset), 1.0, symmetrise=True)


@lru_cache(maxsize=16)
def _score(preset: str, sigma: float) -> scores.GaussianFieldScore:
    return _spectrum(preset).at(sigma)


def shape_symbol(shape: str, score: scores.GaussianFieldScore) -> Tensor:
    """K(k) of a shape of kernel, largest eigenvalue 1."""
    size = score.size
    if shape == "spectral":
        return spectral_kernel.equal_rate_kernel(score)
    if shape == "random 3x3":
        return kernels.symbol(kernels.random_kernel(2, 3, seed=1), size)
    if shape == "one pixel":
        return skew.from_entries(1.0).double()
    line = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    return kernels.symbol(skew.from_entries(1.0)[:, :, None, None] * (line[:, None] * line), size)


def gray_scott_panel() -> Panel:
    """Preset, skew strength, kernel, diffusion, noise level and time: pattern, velocity, film."""

    def draw(panes: list[Axes], preset: str, kernel: str, sigma: float, **at: float) -> str:
        score = _score(preset, sigma)
        x = blur(_snapshots(preset)[:1], sigma, 1)
        symbol = at["gamma"] * shape_symbol(kernel, score)
        v = kernels.Convolution(symbol, score)(x)
        rates = spectral_kernel.low_pass(score) * torch.linalg.det(score.precision).sqrt()
        turn = 2 * torch.pi / float(rates.mean())  # at gamma = 1 by the spectral rule
        later = spectral_kernel.exact_state(score, symbol, x, at["time"] * turn, at["eta"])
        figures.draw_image(panes[0], x[0, 1], (-1.5, 2.5), PATTERN)
        figures.draw_image(panes[1], v[0, 1], None, VELOCITY)
        figures.draw_image(panes[2], later[0, 1], (-1.5, 2.5), PATTERN)
        moved = float((later - x).square().mean().sqrt())
        return f"rms velocity {float(v.square().mean().sqrt()):.3g}; moved {moved:.2f} sd by then"

    # Every preset takes a second, once a machine: no slider should wait for it.
    rollout.together({preset: partial(_snapshots, preset) for preset in PRESETS})
    for preset in PRESETS:
        _spectrum(preset)
    controls = {
        "preset": dropdown("preset", "waves", PRESETS),
        "gamma": slider("skew strength γ", 1.0, -2.0, 2.0, 0.1),
        "kernel": dropdown("kernel", "spectral", SHAPES),
        "eta": slider("diffusion η", 0.0, 0.0, 1.0, 0.05),
        "sigma": slider("noise level σ", 0.1, 0.05, 1.0, 0.05),
        "time": slider("time in turns t", 0.1, 0.0, 1.0, 0.02),
    }
    return Panel(
        draw,
        controls,
        {"time": [0.0, 0.1, 0.3]},
        "Left: a blurred snapshot, the eater v. Middle: its velocity, red where it grows. Right: "
        "the same sheet at time t, by the rule you chose.",
        "Three rows for times 0, .1 and .3 of a turn: the snapshot, its velocity, and the sheet "
        "by then: the fronts move on, and by .3 have lost their shape.",
        panes=3,
        step=0.02,
    )


@lru_cache(maxsize=8)
def _denoiser(icon: str) -> scores.images.ImageScore:
    score = scores.load(icon, 0.5)
    # A step of one canvas takes half the time.
    score.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return score


@lru_cache(maxsize=32)
@torch.no_grad()
def _life(icon: str, entries: tuple[float, ...], eta: float, sigma: float) -> Particles:
    """A life followed no further than is asked for; a frame and the step after it share D(x)."""
    world, score = snapshots.field_world(icon), _denoiser(icon).at(sigma)
    denoise = lru_cache(maxsize=1)(score.denoise)
    x, matrix, every = world.blurred(sigma)(1, 3), skew.from_entries(*entries), alife.EVERY
    path = rollout.exponential(denoise, matrix, x, sigma, alife.STEP, LONGEST, eta)
    return Particles(path, every, every, keep=lambda y: world.raw(denoise(y))[0])


def alife_panel(time: int = 50) -> Panel:
    """The entries of K, diffusion, noise level, icon and time: creatures on a canvas."""

    def draw(
        panes: list[Axes], icon: str, eta: float, sigma: float, time: int, **entries: float
    ) -> str:
        canvases = _life(icon, tuple(entries.values()), eta, sigma).until(time)
        figures.draw_image(panes[0], canvases[-1])
        moved = float((canvases[-1] - canvases[0]).square().mean().sqrt())
        return f"rms change of colour since the start {moved:.3f}"

    controls = {
        "icon": dropdown("creature", "dots", icons.ICONS),
        "red_green": slider("K red, green", 1.0, -1.0, 1.0, 0.1),
        "red_blue": slider("K red, blue", -1.0, -1.0, 1.0, 0.1),
        "green_blue": slider("K green, blue", 0.5, -1.0, 1.0, 0.1),
        "eta": slider("diffusion η", 0.1, 0.0, 0.5, 0.05),
        "sigma": slider("noise level σ", 0.5, 0.2, 0.8, 0.1),
        "time": slider("time in steps", time, 0, LONGEST, alife.EVERY, "d"),
    }
    return Panel(
        draw,
        controls,
        {"time": [0, 100, 200, 400]},
        "The canvas after so many steps, from placed creatures.",
        "Four canvases, after 0, 100, 200 and 400 steps: pairs of dots, moved by a pixel or two.",
        step=alife.EVERY,
    )
