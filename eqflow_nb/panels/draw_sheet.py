"""The sheet of the drawing panel: a canvas with tools, and how dots and pictures get onto one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb.figures.style import array, style
from eqflow_nb.panels.base import canvas, on_strokes
from eqflow_nb.panels.drawn_motion import DOT
from eqflow_nb.snapshots import dots as drawn

SIDE = 320  # pixels of a canvas
TOOLS = ("brush", "spray", "eraser")


class Sheet:
    """A canvas on which mouse or finger paint, spray and erase `dots` (n, 2).

    The values of the widgets `tool` and `size` are one of `TOOLS`, and its radius in the units of
    the sheet.  `done` is called at the end of each stroke.
    """

    def __init__(self, dots: Tensor, tool: Any, size: Any, done: Callable[[], None]) -> None:
        self.dots, self.tool, self.size = dots, tool, size
        self.canvas = canvas(SIDE)
        self._strokes = 0
        on_strokes(self.canvas, self._stroke, done)
        self.canvas[1].on_client_ready(self.ink)

    def ink(self) -> None:
        """Show the dots there are."""
        put_dots(self.canvas[1], self.dots, DOT, 1.5, clear=True)

    def _stroke(self, start: tuple[float, float], to: tuple[float, float]) -> None:
        """Use the tool from one pixel of the sheet to another."""
        before, self._strokes = len(self.dots), self._strokes + 1
        line = (_plane(*start), _plane(*to), self.size.value)
        if self.tool.value == "eraser":
            self.dots = drawn.erased(self.dots, *line)
            self.ink()
        elif self.tool.value == "brush":
            self.dots = drawn.brushed(self.dots, *line)
        else:
            self.dots = drawn.sprayed(self.dots, *line, seed=self._strokes)
        if len(self.dots) > before:
            put_dots(self.canvas[1], self.dots[before:], DOT, 1.5)


class Backdrop:
    """A picture on a layer of a canvas, put there again for every page that opens it."""

    def __init__(self, layer: Any) -> None:
        self.layer, self.pixels = layer, np.zeros((SIDE, SIDE, 4), np.uint8)
        layer.on_client_ready(lambda: layer.put_image_data(self.pixels))

    def put(self, pixels: np.ndarray) -> None:
        """Show pixels (SIDE, SIDE, 4) from now on."""
        self.pixels = pixels
        self.layer.put_image_data(pixels)


def picture(draw: Callable[..., None], motion: Any, *more: Any) -> np.ndarray:
    """What a function draws of a motion, if there is one, on bare axes: pixels (SIDE, SIDE, 4)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    style()
    figure = Figure(figsize=(SIDE / 100, SIDE / 100), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    if motion is not None:
        draw(axes, motion, *more)
    axes.set(xlim=(-drawn.EXTENT, drawn.EXTENT), ylim=(-drawn.EXTENT, drawn.EXTENT))
    axes.set_axis_off()
    agg = FigureCanvasAgg(figure)
    agg.draw()
    return np.array(agg.buffer_rgba())


def put_dots(layer: Any, x: Tensor, colour: str, radius: float, clear: bool = False) -> None:
    """Draw dots (n, 2) of the plane on a layer of a canvas, `radius` in pixels."""
    from ipycanvas import hold_canvas

    places = (array(x) / drawn.EXTENT * (1, -1) + 1) * SIDE / 2
    with hold_canvas():
        if clear:
            layer.clear()
        layer.fill_style = colour
        if len(places):
            layer.fill_circles(places[:, 0], places[:, 1], radius)


def _plane(x: float, y: float) -> drawn.Place:
    """Where a pixel of the sheet lies in the plane."""
    return (2 * x / SIDE - 1) * drawn.EXTENT, (1 - 2 * y / SIDE) * drawn.EXTENT
