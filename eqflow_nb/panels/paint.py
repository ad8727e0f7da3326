"""A canvas to paint a creature on, and a button that brings it to life."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from eqflow_nb.course import creatures as alife
from eqflow_nb.figures.style import gif
from eqflow_nb.panels import base, labels
from eqflow_nb.panels.base import Shown, dropdown, leave_by_keys, on_strokes, side_by_side, slider
from eqflow_nb.snapshots import icons
from eqflow_nb.user_data.pictures import read_picture

SIDE, MARGIN = 192, 20
BRUSHES = {"blue": "#0d4dbf", "red": "#d62820", "yellow": "#f5c400"}
BRUSHES |= {"green": "#1a8f5a", "black": "#16141a", "eraser": "#ffffff"}
RULE = 3  # seed of the rule that painted creatures live under


def example() -> Tensor:
    """A fish, painted as a reader might, RGBA (4, S, S)."""
    picture = Image.new("RGBA", (SIDE, SIDE))
    pen = ImageDraw.Draw(picture)
    pen.polygon([(30, 60), (30, 132), (85, 96)], fill="#f5c400")
    pen.ellipse((60, 58, 165, 134), fill="#0d4dbf")
    pen.ellipse((128, 80, 148, 100), fill="#ffffff")
    return torch.from_numpy(read_picture(np.asarray(picture)))


def bring_to_life(
    icon: Tensor, seconds: float = 25.0, sigma: float = 0.5, steps: int = 400
) -> alife.Life:
    """Fit a denoiser to a painted creature, RGBA (4, S, S), and let eight live on 64 pixels."""
    score, world = alife.adapt(icon, sigma, seconds)
    return alife.live(score, world, alife.rule(RULE), steps, canvases=1)


def moving_picture(frames: Tensor, scale: int = 5, milliseconds: int = 90) -> bytes:
    """Canvases (T, 3, H, W) as an animated GIF, enlarged."""
    size = (frames.shape[3] * scale, frames.shape[2] * scale)
    pictures = [
        Image.fromarray((frame.clamp(0, 1).permute(1, 2, 0).numpy() * 255).astype(np.uint8))
        .resize(size, Image.Resampling.BICUBIC)
        .quantize(64)
        for frame in frames
    ]
    return gif(pictures, milliseconds)


class PaintPanel(Shown):
    """Paint or upload a creature, press the button, watch it live.

    What will live is what the sheet shows: an upload is cut out and put there, and can be painted
    over.  The button "a fish" needs neither a mouse nor a file.  `life` is that of the last one.
    """

    def __init__(self, seconds: float = 25.0, sigma: float = 0.5) -> None:
        self.brush = dropdown("brush", "blue", tuple(BRUSHES))
        self.width = slider("width in pixels", 18, 4, 48, 2, "d")
        super().__init__({"brush": self.brush, "width": self.width})
        self.seconds, self.sigma = seconds, sigma
        self.life: alife.Life | None = None
        self.icon: Tensor | None = None  # what was put on the sheet whole, while nothing covers it
        self.sheet = _sheet()
        about = "upload a picture of a creature, PNG or JPEG"
        self.upload = base.upload(".png,.jpg,.jpeg", "upload a PNG", about, self.take)
        about = "put a painted fish on the sheet"
        self.fish = base.button("a fish", about, lambda: self.put(example()))
        self.clear = base.button("clear", "make the sheet empty", self.wipe)
        about = "learn the creature on the sheet, and let it live"
        self.go = base.button("bring it to life", about, self.start)
        self.go.button_style = "primary"
        self.film = widgets.Image(format="gif")
        self.film.add_class("eqflow-film")
        # An empty picture would show as a broken one.
        self.film.layout = widgets.Layout(max_width="100%", display="none")
        on_strokes(self.sheet, self._dab)
        leave_by_keys(self.sheet, self.brush)
        buttons = side_by_side(self.upload, self.fish, self.clear, self.go)
        column = [self.brush, self.width, buttons, self.status, self.trouble]
        tools = widgets.VBox(column, layout=base.wide("32em"))
        sheet = labels.named(self.sheet, "Paint here")
        self.widget = side_by_side(sheet, tools, self.film, labels.script(), **base.APART)
        self.say("Paint on the sheet, upload a picture or take the fish; then bring it to life.")

    def picture(self) -> Tensor:
        """What the sheet shows, as an icon."""
        if self.icon is not None:
            return self.icon
        if self.sheet[1].image_data is None:  # nobody has touched it
            return torch.from_numpy(read_picture(np.zeros((SIDE, SIDE, 4), np.uint8)))
        painted = np.ascontiguousarray(self.sheet[1].get_image_data())
        return torch.from_numpy(read_picture(painted))

    def put(self, icon: Tensor) -> None:
        """Show an icon, RGBA (4, S, S), on the sheet; it is what will live."""
        shown = Image.fromarray((icon.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))
        self.wipe()
        room = SIDE - 2 * MARGIN
        shown = shown.resize((room, room), Image.Resampling.LANCZOS)
        self.sheet[1].put_image_data(np.asarray(shown), MARGIN, MARGIN)
        self.icon = icon

    def wipe(self) -> None:
        """Make the sheet empty."""
        self.sheet[1].clear()
        self.icon = None

    def start(self) -> None:
        """Learn the creature and show its life.  What goes wrong is shown, kept, and raised."""
        self.say(f"working… about {self.seconds + 5:.0f} seconds")
        self.go.disabled = True
        try:
            with self.alarmed("nothing to show yet"):
                self.life = bring_to_life(self.picture(), self.seconds, self.sigma)
                self.film.value = moving_picture(self.life.frames[:, 0])
                self.film.layout.display = None
                steps = alife.EVERY * (len(self.life.frames) - 1)
                self.say(f"{steps} steps of life; kept {self.life.kept:.0%} of the creatures")
        finally:
            self.go.disabled = False

    def take(self, content: bytes) -> None:
        """Put an uploaded picture on the sheet; one that can't be read leaves it as it was."""
        with self.alarmed("the sheet is as it was"):
            self.put(torch.from_numpy(read_picture(content)))
            self.say("This is what was cut out. Paint over it, or bring it to life.")

    def _dab(self, start: tuple[float, float], to: tuple[float, float]) -> None:
        from ipycanvas import hold_canvas

        brush: Any = self.sheet[1]
        with hold_canvas():
            erases = self.brush.value == "eraser"
            brush.global_composite_operation = "destination-out" if erases else "source-over"
            brush.fill_style = brush.stroke_style = BRUSHES[self.brush.value]
            brush.fill_circle(*to, self.width.value / 2)
            brush.line_width, brush.line_cap = self.width.value, "round"
            brush.stroke_line(*start, *to)
            brush.global_composite_operation = "source-over"
        self.icon = None


def _sheet() -> Any:
    """Paper, and a layer over it to paint on, which alone is read."""
    sheet = base.canvas(SIDE)

    def paper() -> None:
        sheet[0].fill_style = "#{:02x}{:02x}{:02x}".format(*(round(255 * c) for c in icons.PAPER))
        sheet[0].fill_rect(0, 0, SIDE, SIDE)

    paper()
    sheet[0].on_client_ready(paper)  # a page served later has seen nothing of this
    sheet[1].sync_image_data = True
    return sheet


paint_panel = PaintPanel
