"""The panels of clouds in the plane: toys, stream functions, a drawing, the reader's own points."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb import rollout, scores, snapshots
from eqflow_nb.figures.axes import draw_density, draw_streamlines, square
from eqflow_nb.figures.points import by_place
from eqflow_nb.figures.style import grid
from eqflow_nb.flows import at_common_speed, exact
from eqflow_nb.flows.continuity import Scaled
from eqflow_nb.inputs import InputError, as_samples, choice, seeded
from eqflow_nb.panels.engine import packed
from eqflow_nb.panels.live import Control, Live, knob, pick
from eqflow_nb.panels.stream_functions import PSI
from eqflow_nb.report.points import extent_of
from eqflow_nb.scores.noise_level import choose_sigma
from eqflow_nb.snapshots import dots, toys
from eqflow_nb.snapshots.base import Mixture
from eqflow_nb.snapshots.cells import AXES, cells

EXTENT, SIGMA, CLEAN = 3.0, 0.15, 0.05
AROUND, ALONG = 96, 7  # Gaussians that stand for a circle, and for each side of a square
MOST = 300  # of the reader's points that p is made of
SHOWN, STEPS = 400, 100  # points of a static picture, and steps of their path
TIMES = (0.0, 1.0, 2.0, 4.0)
SHOWN_PSI = ("constant", "x", "saddle", "waves 1")
COLOURS = "A point keeps the colour of the side where it started."
GAMMA = knob("gamma", "skew strength γ", 1, -2, 2, 0.1, 1)
ETA = knob("eta", "diffusion η", 0, 0, 1, 0.05)


def start_panel() -> Live:
    """Two moons in motion: every point moves, and the cloud stays."""
    moons = {"two_moons": mixture("two_moons")}
    return _panel(
        {"name": "start", "title": "Two moons in motion", "lines": False},
        moons,
        [GAMMA, ETA],
        f"Every point moves, yet the cloud keeps its shape. {COLOURS} γ sets sense and speed; with "
        "η points wander about as well.",
        "Points stream along two moons until their colours, one for each side where they started, "
        "are mixed; the moons look the same at every time.",
        lambda: {f"t = {t}": dict(world=moons["two_moons"], time=t) for t in TIMES},
    )


def toy_panel(world: str = "two_peaks") -> Live:
    """Set skew strength, diffusion and noise level: which motions keep the cloud."""
    worlds = {name: mixture(name) for name in toys.TOYS}
    shown = worlds[choice(world, worlds, "world")]
    return _panel(
        {"name": "toys", "title": "Which motions keep a cloud?"},
        worlds,
        [
            pick("world", "world", world, list(worlds)),
            GAMMA,
            ETA,
            knob("sigma", "noise level σ", SIGMA, 0.1, 0.6, 0.05),
        ],
        "Blue: p, blurred by σ. Lines: the flow v = K s; in the plane K = γ J, so γ is its one "
        f"entry. {COLOURS}",
        "Four pictures of one cloud at skew strengths -1, 0, 1 and 2. The flow runs along the "
        "density's level lines, one way for negative strength, the other for positive, and mixes "
        "the points' colours; at 0 they rest. The cloud looks the same in all.",
        lambda: {f"γ = {g}": dict(world=shown, gamma=g) for g in (-1, 0, 1, 2)},
    )


def stream_panel(world: str = "two_peaks", psi: str = "saddle", mix: float = 1.0) -> Live:
    """Choose a stream function: the field changes, the cloud doesn't."""
    worlds = {name: mixture(name) for name in ("two_peaks", "ring", "two_moons")}
    shown = worlds[choice(world, worlds, "world")]
    return _panel(
        {"name": "streams", "title": "Stream functions", "sigma": SIGMA}
        | {"psi": {name: _numbers(each) for name, each in PSI.items()}},
        worlds,
        [
            pick("world", "world", world, list(worlds)),
            pick("psi", "stream function ψ", choice(psi, PSI, "psi"), list(PSI)),
            knob("mix", "share of ψ: m", mix, 0, 1, 0.1, 1),
            ETA,
        ],
        f"Lines: the flow J(∇ψ + ψ s) over p, with 1 - m + m ψ in place of ψ. {COLOURS}",
        "Four stream functions on one cloud. The fields circle in quite different ways, and each "
        "mixes the points' colours in its own; yet in all of them the points fill the same shape.",
        lambda: {f"ψ: {name}": dict(world=shown, psi=name) for name in SHOWN_PSI},
    )


def draw_panel(drawing: Tensor | None = None) -> Live:
    """Draw a cloud with mouse, finger or keys, and watch points move in it at once.

    The sheet begins with a drawing (n, 2), each coordinate between -3 and 3, or with two moons.
    """
    ready = {name: _dots(dots.ready(name)) for name in dots.READY}
    if drawing is not None:
        ready = {"yours": _dots(as_samples(drawing, "drawing", dim=2, at_least=1))} | ready
    first = next(iter(ready.values()))
    return _panel(
        {"name": "draw", "title": "Draw a cloud", "draws": True, "lines": False}
        | {"hint": "Draw here", "axes": None},
        ready,
        [GAMMA, ETA, knob("sigma", "noise level σ", 0.2, 0.1, 0.6, 0.05)],
        "Your dots, blurred by σ, are the distribution p; the flow γ J s keeps it, so the points "
        f"move and the drawing stays. {COLOURS} By keyboard: arrow keys move a brush, Space draws.",
        "A drawn cloud, at four times. Points stream through the drawing until their colours are "
        "mixed, and the drawing looks the same at every time.",
        lambda: {f"t = {t}": dict(world=first, sigma=0.2, time=t) for t in TIMES},
    )


def own_panel(
    samples: Any = None, axes: Sequence[str] = ("x", "y"), sigma: float | None = None
) -> Live:
    """Set noise level and skew strength on a cloud in the plane, by default the blood cells.

    Of the samples (n, 2) at most 300 are used, each column scaled to unit deviation.  Without a
    sigma the panel begins with the one chosen automatically.
    """
    if samples is None:
        samples, axes = cells().points, AXES
    x = as_samples(samples, "samples", dim=2, at_least=20, vary=True).detach().cpu().float()
    if len(axes) != 2:
        raise InputError(f"axes is {list(axes)}; give two names")
    x = (x - x.mean(0)) / x.std(0)
    chosen = choose_sigma(x).sigma
    x = x[torch.randperm(len(x), generator=seeded(0))[:MOST]]
    start = min(0.8, max(0.05, round((sigma or chosen) / 0.05) * 0.05))
    return _panel(
        {"name": "own", "title": "Your own points", "extent": extent_of(x), "axes": list(axes)},
        {"yours": _dots(x)},
        [GAMMA, ETA, knob("sigma", "noise level σ", start, 0.05, 0.8, 0.05)],
        f"Blue: the points, blurred by σ. Lines: the flow γ J s. {COLOURS} The σ chosen "
        f"automatically is {chosen:.2f}.",
        "Four noise levels on one cloud of points. At .05 the flow whirls around single points; at "
        ".25 currents go around the whole cloud; at .5 the cloud is a smooth blob and the flow "
        "circles it.",
        lambda: {f"σ = {s}": dict(world=_dots(x), sigma=s) for s in (0.05, 0.1, 0.25, 0.5)},
    )


# ---- what they are made of ----


@cache
def mixture(name: str) -> Mixture:
    """A toy without blur as a mixture of Gaussians: weights (M,), means (M, 2), covariances.

    The ring is as many Gaussians as make it even, squares are filled with small ones, and the
    pinwheel is fitted; blurred by .1 or more, nobody can tell.
    """
    place, unit = snapshots.world(name), 1 / snapshots.world(name).scale
    if place.mixture is not None:
        return place.mixture(0.0)
    if name == "ring":
        turn = torch.arange(AROUND).double() * 2 * math.pi / AROUND
        return _even(torch.stack([turn.cos(), turn.sin()], 1) * unit, toys.RING_SD * unit)
    if name == "checkerboard":
        step = (torch.arange(ALONG).double() + 0.5) / ALONG
        inside = torch.cartesian_prod(step, step)
        corners = torch.tensor(toys.SQUARES).double() - 2
        return _even((corners[:, None] + inside).flatten(0, 1) * unit, unit / ALONG / math.sqrt(12))
    fitted = scores.fit_mixture(place.sample(3000, 0), CLEAN, components=24)
    return fitted.weights, fitted.means, fitted.covariances - CLEAN**2 * torch.eye(2)


def _even(means: Tensor, sd: Tensor) -> Mixture:
    """Equally likely Gaussians at means (M, 2) with deviations sd (2,) along the axes."""
    return torch.ones(len(means)).double(), means, (sd**2).diag().expand(len(means), 2, 2)


def _dots(x: Tensor) -> Mixture:
    """Dots (n, 2), all as likely."""
    return _even(x.double(), torch.zeros(2).double())


def _panel(
    spec: Mapping[str, Any],
    worlds: Mapping[str, Mixture],
    controls: Sequence[Control],
    caption: str,
    alt: str,
    cases: Callable[[], Mapping[str, dict[str, Any]]],
) -> Live:
    """A panel of the kind `cloud`, and its static twin: four cases of `_draw`, by their titles."""
    full = {
        "kind": "cloud", "lines": True, "extent": EXTENT, "sigma": SIGMA, "axes": ["x", "y"],
        "caption": caption, "alt": alt, "controls": list(controls),
        "world": next(iter(worlds)), **spec,
        "worlds": {name: _packed(*each) for name, each in worlds.items()},
    }  # fmt: skip

    def twin() -> Figure:
        shown = cases()
        figure, panes = grid(len(shown), 4, (2.2, 2.27))
        for pane, (title, case) in zip(panes, shown.items(), strict=True):
            _draw(pane, full["extent"], **case)
            square(pane, full["extent"], full["axes"] or ("x", "y"), inner=pane is panes[0])
            pane.set_title(title)
        return figure

    return Live(full, twin)


def _packed(weights: Tensor, means: Tensor, covariances: Tensor) -> dict[str, Any]:
    spread = packed(covariances) if covariances.any() else None
    return {"weights": packed(weights), "means": packed(means), "covariances": spread}


def _numbers(psi: Any) -> dict[str, Any]:
    """A stream function's numbers, for the engine."""
    if isinstance(psi, exact.Waves):
        return {name: packed(getattr(psi, name)) for name in ("waves", "phases", "weights")}
    return {"c": psi.c, "b": psi.b.tolist(), "a": psi.a.tolist()}


def _draw(
    pane: Axes,
    extent: float,
    world: Mixture,
    sigma: float = SIGMA,
    psi: str = "constant",
    gamma: float = 1.0,
    time: float = 1.0,
) -> None:
    """The density, the flow, and points after a time in the colours of where they started."""
    weights, means, covariances = world
    wide = covariances + sigma**2 * torch.eye(2)
    score = scores.MixtureScore(weights, means, wide)
    few = torch.multinomial(weights, SHOWN, True, generator=seeded(0))
    noise = torch.randn(SHOWN, 2, 1, generator=seeded(1)).double()
    start = means[few] + (torch.linalg.cholesky(wide[few]) @ noise)[:, :, 0]
    even = at_common_speed(exact.StreamFunction(PSI[psi], score), start)
    flow = Scaled(even, gamma)
    *_, (_, x) = rollout.rk4(flow, start, max(time, 1e-6) / STEPS, STEPS)
    draw_density(pane, score.log_density, extent)
    draw_streamlines(pane, flow, extent)
    pane.scatter(x[:, 0], x[:, 1], s=4, c=by_place(start[:, 0].numpy()), linewidths=0)
