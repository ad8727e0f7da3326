"""A sheet to paint a creature on, in the browser, and a button that brings it to life."""

from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.colors import to_hex
from PIL import Image, ImageDraw
from torch import Tensor

from eqflow_nb.course import creatures as alife
from eqflow_nb.course import swimmers
from eqflow_nb.figures.style import gif
from eqflow_nb.panels import base, live
from eqflow_nb.snapshots import icons
from eqflow_nb.user_data.pictures import read_picture

SIDE, MARGIN, FILM = 192, 20, 320  # pixels of the sheet, around what is put there, of the film
BARE = bytes(4 * SIDE**2)
BRUSHES = {"blue": "#0d4dbf", "red": "#d62820", "yellow": "#f5c400"}
BRUSHES |= {"green": "#1a8f5a", "black": "#16141a", "eraser": "#ffffff"}
# The sheet that the engine shows.  Its pixels are RGBA row by row, none at first; they are handed
# over after each stroke, and set here they show there.
SHEET: dict[str, Any] = {
    "name": "paint", "kind": "paint", "title": "Paint a creature", "controls": [], "pixels": "",
    "alt": "A sheet to paint on; arrow keys move the brush, Space paints.", "side": SIDE,
    "paper": to_hex(icons.PAPER), "brushes": BRUSHES, "width": 18,
}  # fmt: skip


def example() -> Tensor:
    """A fish, painted as a reader might, RGBA (4, S, S)."""
    picture = Image.new("RGBA", (SIDE, SIDE))
    pen = ImageDraw.Draw(picture)
    pen.polygon([(30, 60), (30, 132), (85, 96)], fill="#f5c400")
    pen.ellipse((60, 58, 165, 134), fill="#0d4dbf")
    pen.ellipse((128, 80, 148, 100), fill="#ffffff")
    return torch.from_numpy(read_picture(np.asarray(picture)))


def bring_to_life(
    icon: Tensor, training: int = 300, sigma: float = 0.3, steps: int = 400, practice: int = 200
) -> alife.Life:
    """Let eight of a painted creature, RGBA (4, S, S), swim on a sheet; its front is on the right.

    A denoiser is fitted in `training` steps, some 15 a second, then practises swimming in others.
    """
    swimming = swimmers.swimmer(icon)  # refuses what has no front, before anything is trained
    score, world = alife.adapt(icon, sigma, training)
    for _ in swimmers.practise(score, swimming, icon, practice):
        pass
    begun = swimmers.canvases(icon, swimmers.sheets("scattered", 1, seed=5))[0]
    return swimmers.swim(swimming, score, world, begun, steps)


class PaintPanel(base.Shown):
    """Paint or upload a creature, press the button, watch it live.

    What will live is what the sheet shows: an upload is cut out and put there, and can be painted
    over.  The button "a fish" needs neither a mouse nor a file.  `life` is that of the last one.
    """

    def __init__(self, training: int = 300, sigma: float = 0.3) -> None:
        super().__init__({})
        self.training, self.sigma = training, sigma
        self.life: alife.Life | None = None
        self.sheet = live.widget(SHEET, handed=("pixels",))
        self.upload = widgets.FileUpload(accept=".png,.jpg,.jpeg", description="upload a PNG")
        self.upload.tooltip = "upload a picture of a creature, PNG or JPEG"
        self.upload.observe(self.take, "value")
        self.fish, self.clear, self.go = (
            base.button("a fish", "put a painted fish on the sheet", lambda: self.put(example())),
            base.button("clear", "empty the sheet", lambda: self.sheet.set_trait("pixels", BARE)),
            base.button("bring it to life", "learn what is painted, and let it live", self.start),
        )
        self.go.button_style = "primary"
        self.film = widgets.Image(format="gif")
        self.film.add_class("eqflow-film")
        # An empty picture would show as a broken one.
        self.film.layout = widgets.Layout(width=f"{FILM}px", max_width="100%", display="none")
        row = widgets.Layout(display="flex", flex_flow="row wrap")  # breaks where it is narrow
        buttons = widgets.Box([self.upload, self.fish, self.clear, self.go], layout=row)
        parts = [self.sheet, buttons, self.status, self.trouble, self.film, base.labels()]
        self.widget = widgets.VBox(parts)
        self.say("Paint one facing right, upload it or take the fish; then bring it to life.")

    def picture(self) -> Tensor:
        """What the sheet shows, as an icon."""
        pixels = self.sheet.pixels or BARE
        return torch.from_numpy(
            read_picture(np.frombuffer(pixels, np.uint8).reshape(SIDE, SIDE, 4))
        )

    def put(self, icon: Tensor) -> None:
        """Show an icon, RGBA (4, S, S), on the sheet."""
        shown = Image.fromarray((icon.movedim(0, 2) * 255).round().byte().numpy())
        sheet, room = Image.new("RGBA", (SIDE, SIDE)), SIDE - 2 * MARGIN
        sheet.paste(shown.resize((room, room), Image.Resampling.LANCZOS), (MARGIN, MARGIN))
        self.sheet.pixels = sheet.tobytes()

    def start(self) -> None:
        """Learn the creature and show its life.  What goes wrong is shown, kept, and raised."""
        self.say("working… it takes about a minute")
        self.go.disabled = True
        try:
            with self.alarmed("nothing to show yet"):
                self.life = bring_to_life(self.picture(), self.training, self.sigma)
                pixels = (self.life.frames[:, 0].clamp(0, 1).movedim(1, 3) * 255).byte().numpy()
                large = [
                    Image.fromarray(x).resize((FILM, FILM), Image.Resampling.BICUBIC)
                    for x in pixels
                ]
                self.film.value = gif([each.quantize(64) for each in large], milliseconds=90)
                self.film.layout.display = None
                steps = alife.EVERY * (len(self.life.frames) - 1)
                self.say(f"{steps} steps of life; kept {self.life.kept:.0%} of the creatures")
        finally:
            self.go.disabled = False

    def take(self, change: Any) -> None:
        """Put an uploaded picture on the sheet; one that can't be read leaves it as it was."""
        if not change["new"]:
            return
        self.upload.value = ()  # so that the same file can be chosen again
        with self.alarmed("the sheet is as it was"):
            self.put(torch.from_numpy(read_picture(bytes(change["new"][0]["content"]))))
            self.say("This is what was cut out. Paint over it, or bring it to life.")


paint_panel = PaintPanel
