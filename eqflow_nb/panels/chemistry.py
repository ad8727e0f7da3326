"""The panel on patterns of two chemicals: the true film beside the inferred one, from one start."""

import math
from functools import lru_cache, partial
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb import figures, rollout, scores, snapshots
from eqflow_nb.flows import spectral_kernel
from eqflow_nb.fourier import frequencies
from eqflow_nb.panels.engine import packed, packed_bytes
from eqflow_nb.panels.live import Live, knob, pick
from eqflow_nb.snapshots import gray_scott

SHAPES = ("spectral", "one pixel", "blurred")
KNOWN, SIGMA = 12, 0.05  # snapshots that the spectrum is taken from, and the noise level
FROZEN, USUAL = 1e-3, 400.0  # a slower change a step is none to match; the steps of a turn then
STEPS = (0, 20, 40, 80)  # in the static picture


def chemistry_panel() -> Live:
    """Gray-Scott from a snapshot, and from the same the spectral flow, by your rule and noise."""
    names = tuple(gray_scott.PRESETS)[:4]
    rollout.together({name: partial(_snapshots, name) for name in names})  # seconds, once a machine
    colours = matplotlib.colormaps[figures.PATTERN](np.arange(256))[:, :3] * 255
    spec = {
        "name": "chemistry", "kind": "chemistry", "title": "The true film beside the inferred film",
        "caption": "The concentration of the eater v. Both films start from one snapshot. The "
        "inferred one knows other snapshots' spectrum, nothing else; its clock is set to the "
        "truth's speed and direction, which no snapshot tells, and γ multiplies it. The maze "
        "stands still, so there its clock is a guess.",
        "alt": "Two films of one sheet. In the true one fronts move, split and merge; in the "
        "inferred one they begin to move the same way, then lose their shape.",
        "controls": [
            pick("preset", "preset", "waves", names),
            knob("gamma", "skew strength γ", 1, -2, 2, 0.1, 1),
            pick("kernel", "kernel", SHAPES[0], SHAPES),
            knob("eta", "diffusion η", 0, 0, 0.2, 0.01),
            knob("sigma", "noise level σ", SIGMA, 0.05, 1, 0.05),
        ],
        "colours": packed_bytes(colours), "presets": {name: _sheet(name) for name in names},
    }  # fmt: skip
    return Live(spec, _twin)


@lru_cache
def _snapshots(preset: str) -> Tensor:
    """Snapshots, of which the first is the start and the others are known."""
    return snapshots.field_world(preset).sample(1 + KNOWN, 5)


def _sheet(preset: str) -> dict[str, Any]:
    """What the browser needs of a preset, in about 45 kB.

    The start is kept in 256 levels a channel, which moves it by about .01 sd; C(k) as its mean over
    rings of |k|, which costs none of the similarity to the truth.
    """
    world, rates = snapshots.field_world(preset), gray_scott.PRESETS[preset]
    u, v = world.raw(_snapshots(preset)[:1])[0]
    score = spectrum(preset)
    return {
        "F": rates.feed, "k": rates.kill, "Du": gray_scott.DU, "Dv": gray_scott.DV,
        "start": {"u": packed_bytes(u), "v": packed_bytes(v)}, "most": float(v.max()),
        "centre": rates.centre, "scale": rates.scale, "turn": turn(preset),
        "mean": score.mean.tolist(), "spectrum": packed(rings(score.covariance)),
    }  # fmt: skip


@lru_cache
def spectrum(preset: str) -> scores.GaussianFieldScore:
    """The score that knows the spectrum of the snapshots which are known."""
    return scores.fit_gaussian_field(_snapshots(preset)[1:], SIGMA, symmetrise=True)


def rings(covariance: Tensor) -> Tensor:
    """Entries 11, 12 and 22 of C(|k|), (rings, 3), |k| = 0, 1, 2 ...: means over rings."""
    size = len(covariance)
    k = (frequencies(size, size) * size).round().long().flatten()
    entries = covariance.flatten(0, 1)[:, [0, 0, 1], [0, 1, 1]]
    sums = torch.zeros(int(k.max()) + 1, 3).to(entries).index_add_(0, k, entries)
    return sums / torch.bincount(k)[:, None]


@lru_cache
def turn(preset: str) -> float:
    """Steps in which the spectral rule turns once at the truth's rms speed; negative: backwards."""
    world, x = snapshots.field_world(preset), _snapshots(preset)
    score, truth = spectrum(preset), world.velocity(x)  # type: ignore[misc]
    speed = float(truth.square().mean().sqrt())
    if speed < FROZEN:
        return USUAL
    v = spectral_kernel.flow(score)(x)
    one = _one_turn(score) * float(v.square().mean().sqrt()) / speed
    return math.copysign(one, float((v * truth).sum()))


def _one_turn(score: scores.GaussianFieldScore) -> float:
    """The time in which the spectral rule as it is, of largest eigenvalue 1, turns once."""
    return 2 * math.pi / float(torch.linalg.det(score.precision).min().sqrt())


def _twin() -> Figure:
    """Both films of waves at some steps."""
    name, score = "waves", spectrum("waves")
    world, x = snapshots.field_world(name), _snapshots(name)[:1]
    symbol, pace = spectral_kernel.equal_rate_kernel(score), _one_turn(score) / turn(name)
    figure, panes = figures.grid(2 * len(STEPS), len(STEPS), (1.7, 1.8))
    for i, steps in enumerate(STEPS):
        true = world.advance(x, steps)  # type: ignore[misc]
        inferred = spectral_kernel.exact_state(score, symbol, x, steps * pace)
        for row, film in enumerate((true, inferred)):
            pane = panes[row * len(STEPS) + i]
            figures.draw_image(pane, film[0, 1], (-1.0, 3.6), figures.PATTERN)
            pane.set_title(f"{('true', 'inferred')[row]}, step {steps}")
    return figure
