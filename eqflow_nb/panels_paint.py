"""A canvas to paint a creature on, and a button that brings it to life."""

from __future__ import annotations

import io
from typing import Any

import ipywidgets as widgets
import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from . import alife
from .panels_base import alarm
from .snapshots import icons
from .snapshots.pictures import read_picture

SIDE = 192
BRUSHES = {
    "blue": "#0d4dbf",
    "red": "#d62820",
    "yellow": "#f5c400",
    "green": "#1a8f5a",
    "black": "#16141a",
}
RULE = 3  # seed of the rule that painted creatures live under


def example() -> Tensor:
    """A fish, painted as a reader might, RGBA (4, S, S)."""
    picture = Image.new("RGBA", (SIDE, SIDE))
    pen = ImageDraw.Draw(picture)
    pen.polygon([(30, 60), (30, 132), (85, 96)], fill="#f5c400")
    pen.ellipse((60, 58, 165, 134), fill="#0d4dbf")
    pen.ellipse((128, 80, 148, 100), fill="#ffffff")
    return read_picture(np.asarray(picture))


def bring_to_life(
    icon: Tensor,
    seconds: float = 25.0,
    sigma: float = 0.5,
    steps: int = 400,
    eta: float = 0.1,
    seed: int = 0,
) -> alife.Life:
    """Fit a denoiser to a painted creature, and let eight of them live on a sheet of 64 pixels.

    Parameters
    ----------
    icon : Tensor (4, S, S)
        RGBA in [0, 1].
    seconds : float
        How long to learn it.
    sigma, eta : float
        Noise level and diffusion.
    steps : int
        Of the life.
    seed : int
    """
    score, world = alife.adapt(icon, sigma, seconds, seed)
    return alife.live(score, world, alife.rule(RULE), steps, 1, eta, seed)


def moving_picture(frames: Tensor, scale: int = 5, milliseconds: int = 90) -> bytes:
    """Canvases (T, 3, H, W) as an animated GIF, enlarged."""
    size = (frames.shape[3] * scale, frames.shape[2] * scale)
    pictures = [
        Image.fromarray((frame.clamp(0, 1).permute(1, 2, 0).numpy() * 255).astype(np.uint8))
        .resize(size, Image.Resampling.BICUBIC)
        .quantize(64)
        for frame in frames
    ]
    moving = io.BytesIO()
    more = {"save_all": True, "append_images": pictures[1:], "duration": milliseconds, "loop": 0}
    pictures[0].save(moving, format="gif", **more)
    return moving.getvalue()


class PaintPanel:
    """Paint or upload a creature, press the button, watch it live.

    Parameters
    ----------
    seconds : float
        How long to learn a creature.
    sigma : float
        Noise level.

    Attributes
    ----------
    widget : widget
        All of it, to be displayed.
    errors : list of Exception
        What went wrong at the last press.
    life : Life or None
        Of the last creature.
    """

    def __init__(self, seconds: float = 25.0, sigma: float = 0.5) -> None:
        from ipycanvas import MultiCanvas, hold_canvas

        self.seconds, self.sigma, self._hold = seconds, sigma, hold_canvas
        self.errors: list[Exception] = []
        self.life: alife.Life | None = None
        self.sheet = MultiCanvas(2, width=SIDE, height=SIDE, sync_image_data=True)
        self.sheet[0].fill_style = "#{:02x}{:02x}{:02x}".format(
            *(round(255 * c) for c in icons.PAPER)
        )
        self.sheet[0].fill_rect(0, 0, SIDE, SIDE)
        self.sheet[1].sync_image_data = True
        self.sheet.layout = widgets.Layout(
            border="1px solid #999", width=f"{SIDE}px", height=f"{SIDE}px"
        )
        self.brush = widgets.Dropdown(options=list(BRUSHES), value="blue", description="brush")
        self.upload = widgets.FileUpload(accept=".png", multiple=False, description="upload a PNG")
        self.clear = widgets.Button(description="clear")
        self.go = widgets.Button(description="bring it to life", button_style="primary")
        self.status, self.trouble = widgets.HTML(), widgets.HTML()
        self.status.add_class("eqflow-status")
        self.trouble.add_class("eqflow-error")
        self.film = widgets.Image(format="gif", layout=widgets.Layout(max_width="100%"))
        self._pen: tuple[float, float] | None = None
        self.sheet.on_mouse_down(self._down)
        self.sheet.on_mouse_move(self._move)
        self.sheet.on_mouse_up(lambda x, y: self._lift())
        self.clear.on_click(lambda _: self.sheet[1].clear())
        self.go.on_click(lambda _: self.start())
        tools = widgets.VBox(
            [self.brush, self.upload, self.clear, self.go, self.status, self.trouble]
        )
        wrap = widgets.Layout(display="flex", flex_flow="row wrap", align_items="flex-start")
        self.widget = widgets.Box([self.sheet, tools, self.film], layout=wrap)
        self.status.value = "Paint with the mouse, then press the button."

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.widget)

    def picture(self) -> Tensor:
        """What is painted, or was uploaded, as an icon."""
        if self.upload.value:
            return read_picture(bytes(self.upload.value[0]["content"]))
        return read_picture(np.ascontiguousarray(self.sheet[1].get_image_data()))

    def start(self) -> None:
        """Learn the creature and show its life.  What goes wrong is shown, kept, and raised."""
        self.errors.clear()
        self.trouble.value = ""
        self.status.value = f"working… about {self.seconds + 5:.0f} seconds"
        self.go.disabled = True
        try:
            self.life = bring_to_life(self.picture(), self.seconds, self.sigma)
            self.film.value = moving_picture(self.life.frames[:, 0])
            self.status.value = f"{len(self.life.frames)} frames; kept {self.life.kept:.0%}"
        except Exception as error:
            self.errors.append(error)
            self.status.value = "nothing to show yet"
            self.trouble.value = alarm(error)
            raise
        finally:
            self.go.disabled = False

    def _down(self, x: float, y: float) -> None:
        self._pen = (x, y)
        self._dab(x, y)

    def _move(self, x: float, y: float) -> None:
        if self._pen is not None:
            self._dab(x, y)

    def _lift(self) -> None:
        self._pen = None

    def _dab(self, x: float, y: float) -> None:
        with self._hold(self.sheet[1]):
            brush: Any = self.sheet[1]
            brush.fill_style = BRUSHES[self.brush.value]
            brush.fill_circle(x, y, 9)
            if self._pen is not None:
                brush.stroke_style, brush.line_width, brush.line_cap = brush.fill_style, 18, "round"
                brush.stroke_line(*self._pen, x, y)
        self._pen = (x, y)


def paint_panel(seconds: float = 25.0, sigma: float = 0.5) -> PaintPanel:
    """The panel of `PaintPanel`."""
    return PaintPanel(seconds, sigma)
