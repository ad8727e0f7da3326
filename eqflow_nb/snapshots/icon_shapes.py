"""The course's own creatures, drawn by a few lines each."""

from collections.abc import Callable

import torch
from torch import Tensor

from eqflow_nb.inputs import choice

ICONS = ("firefly", "taiji", "dot", "dots")
RASTER = 96  # pixels a side of a drawn icon


def draw(name: str) -> Tensor:
    """One of `ICONS` as RGBA in [0, 1], (4, RASTER, RASTER); its head is to the right."""
    line = (torch.arange(RASTER) + 0.5) / RASTER * 2 - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    canvas = torch.zeros(4, RASTER, RASTER)
    for colour, cover in _PAINTERS[choice(name, ICONS, "icon")](x, y):
        over = cover.clamp(0, 1)
        alpha = over + canvas[3] * (1 - over)
        ink = torch.tensor(colour)[:, None, None] * over + canvas[:3] * canvas[3] * (1 - over)
        canvas = torch.cat([ink / alpha.clamp(min=1e-6), alpha[None]])
    return canvas


Layers = list[tuple[tuple[float, float, float], Tensor]]


def _disc(x: Tensor, y: Tensor, cx: float, cy: float, rx: float, ry: float) -> Tensor:
    """Cover of an ellipse, with an edge a raster pixel wide."""
    radius = ((x - cx) ** 2 / rx**2 + (y - cy) ** 2 / ry**2).sqrt()
    return ((1 - radius) * min(rx, ry) * RASTER / 2 + 0.5).clamp(0, 1)


def _firefly(x: Tensor, y: Tensor) -> Layers:
    glow = torch.exp(-((x + 0.52) ** 2 + y**2) / 0.13) * 0.55
    return [
        ((1.0, 0.85, 0.1), glow),
        ((0.35, 0.6, 0.62), _disc(x, y, 0.12, 0.42, 0.36, 0.3)),
        ((0.35, 0.6, 0.62), _disc(x, y, 0.12, -0.42, 0.36, 0.3)),
        ((0.16, 0.12, 0.16), _disc(x, y, 0.05, 0, 0.55, 0.25)),
        ((0.98, 0.78, 0.02), _disc(x, y, -0.52, 0, 0.36, 0.3)),
        ((0.75, 0.12, 0.1), _disc(x, y, 0.68, 0, 0.25, 0.25)),
    ]


def _taiji(x: Tensor, y: Tensor) -> Layers:
    dark, light = (0.08, 0.08, 0.1), (1.0, 1.0, 1.0)
    # x is along the line between the two eyes.
    upper = ((-y) * RASTER / 2 + 0.5).clamp(0, 1) * _disc(x, y, 0, 0, 0.84, 0.84)
    return [
        (dark, _disc(x, y, 0, 0, 0.95, 0.95)),
        (light, _disc(x, y, 0, 0, 0.84, 0.84)),
        (dark, upper),
        (dark, _disc(x, y, 0.42, 0, 0.42, 0.42)),
        (light, _disc(x, y, -0.42, 0, 0.42, 0.42)),
        (light, _disc(x, y, 0.42, 0, 0.15, 0.15)),
        (dark, _disc(x, y, -0.42, 0, 0.15, 0.15)),
    ]


def _dot(x: Tensor, y: Tensor) -> Layers:
    return [((0.05, 0.3, 0.75), _disc(x, y, 0, 0, 0.8, 0.8))]


def _dots(x: Tensor, y: Tensor) -> Layers:
    return [
        ((0.05, 0.3, 0.75), _disc(x, y, -0.47, 0, 0.46, 0.46)),
        ((0.84, 0.15, 0.12), _disc(x, y, 0.47, 0, 0.46, 0.46)),
    ]


_PAINTERS: dict[str, Callable[[Tensor, Tensor], Layers]] = {
    "firefly": _firefly,
    "taiji": _taiji,
    "dot": _dot,
    "dots": _dots,
}
