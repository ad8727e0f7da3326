"""Draw a distribution: at once its score, a flow that keeps it, and particles that move in it."""

from __future__ import annotations

import time
import weakref
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb import figures
from eqflow_nb.flows import skew
from eqflow_nb.panels import labels
from eqflow_nb.panels.base import (
    alarmed,
    button,
    dropdown,
    leave_by_keys,
    lines,
    on_upload,
    side_by_side,
    slider,
    small,
)
from eqflow_nb.panels.draw_sheet import TOOLS, Backdrop, Sheet, canvas, picture, put_dots
from eqflow_nb.panels.drawing import PARTICLE, before_and_after, draw_flow, draw_score
from eqflow_nb.panels.drawn_motion import FRAME, Motion
from eqflow_nb.snapshots import dots as drawn

MEASURED = 15  # frames between two measurements
SHEET = "Paint here: your dots, and the score s (arrows)"
STAGE = "Density p, flow γ J s (lines), and particles in it"
WORDS = "choose a drawing"
HELLO = "Paint on the left sheet, or choose a drawing."
CAPTION = (
    "The drawing, blurred by σ, has a density p with score s; the flow γ J s keeps it. The "
    "particles' distance to p is measured as they go: two fresh samples of p are 1 floor apart."
)
ALT = (
    "Four pictures of one drawing. Its dots, with arrows of the score that point to the nearest "
    "part of it. Its density, with the flow along its level lines. Particles at the start. "
    "Particles long after: each somewhere else, together the same shape."
)
_shown: weakref.WeakSet[DrawPanel] = weakref.WeakSet()


class DrawPanel:
    """Draw a distribution, and watch particles move in it for good.

    The particles are moved by a play button, which ticks in the reader's browser: they stop with
    the page, and only one panel's move at a time.

    Parameters
    ----------
    drawing : Tensor (n, 2), optional
        What is on the sheet to begin with; two moons if not given.
    gamma, eta, sigma : float
        Skew strength, diffusion and noise level to begin with.
    folder : Path, optional
        Where drawings are saved; the working folder if not given.

    Attributes
    ----------
    widget, status, trouble : widget
        All of it, to be displayed; what happened last; what went wrong.
    controls : dict of str to widget
        Sliders and choices by name.
    play : widget
        Its ticks move the particles.
    motion : Motion or None
        What moves in it; None while the sheet is empty.
    errors : list of Exception
        What went wrong since the last redraw that went well.
    seconds : float
        How long the last redraw took.
    """

    def __init__(
        self,
        drawing: Tensor | None = None,
        gamma: float = 1.0,
        eta: float = 0.0,
        sigma: float = 0.2,
        folder: Path | None = None,
    ) -> None:
        self.folder, self.seconds = folder or Path(), 0.0
        self.errors: list[Exception] = []
        self.motion: Motion | None = None
        self.stage = canvas()
        self.controls: dict[str, Any] = {
            "tool": dropdown("tool", "brush", TOOLS),
            "size": slider("size of the tool", 0.3, 0.1, 1.0, 0.1, ".1f"),
            "drawing": dropdown("drawing", WORDS, (WORDS, *drawn.READY)),
            "gamma": slider("skew strength γ", gamma, -2, 2, 0.1, ".1f"),
            "eta": slider("diffusion η", eta, 0, 1, 0.05),
            "sigma": slider("noise level σ", sigma, 0.1, 0.6, 0.05),
        }
        dots = drawn.ready("two moons") if drawing is None else drawing
        self.sheet = Sheet(dots, self.controls["tool"], self.controls["size"], self._painted)
        self.play = widgets.Play(
            max=10**9, interval=round(1000 * FRAME), show_repeat=False, description="move particles"
        )
        self.clear = button("clear", "make the sheet empty")
        self.again = button("start again", "put the particles back where they started")
        self.name = widgets.Text(
            "drawing.npz", description="file", layout=widgets.Layout(width="16em")
        )
        self.keep = button("save", "write the drawing to this file, beside the notebook")
        self.upload = widgets.FileUpload(
            accept=".npz", description="load", tooltip="load a drawing that was saved, .npz"
        )
        (self.status, self.trouble), self.measured = lines(), widgets.HTML()
        self.measured.add_class("eqflow-measured")
        self.behind_sheet, self.behind_stage = (
            Backdrop(self.sheet.canvas[0]),
            Backdrop(self.stage[0]),
        )
        self.stage[1].on_client_ready(self._swarm)
        self.widget = self._laid_out()
        self._listen()
        self.redraw()

    def show(self) -> None:
        """Display the panel and, below it, the twin, which stays where there is no kernel."""
        from IPython.display import display

        display(self.widget)
        figures.show(self.static(), ALT)

    _ipython_display_ = show

    def static(self, gamma: float | None = None, frames: int = 150) -> Figure:
        """Score, flow, and particles before and after some frames, by what the panel draws with.

        Raises
        ------
        InputError
            If the sheet is empty.
        """
        gamma = self.controls["gamma"].value if gamma is None else gamma
        eta, sigma = self.controls["eta"].value, self.controls["sigma"].value
        return before_and_after(Motion(self.dots, sigma), gamma, eta, frames)

    @property
    def dots(self) -> Tensor:
        """The drawing (n, 2)."""
        return self.sheet.dots

    def put(self, dots: Tensor) -> None:
        """Replace the drawing, and let particles move in the new one."""
        self.sheet.dots = dots
        self.redraw()

    def redraw(self) -> None:
        """Score, flow and fresh particles of the drawing.  What goes wrong is shown, and raised."""
        start = self._begun()
        with alarmed(self):
            self.sheet.ink()
            self.motion = None
            if len(self.dots):
                self.motion = Motion(self.dots, round(self.controls["sigma"].value, 9))
            self._backdrops(both=True)
        self._done(start)

    def reflow(self) -> None:
        """Draw the flow anew; particles go on from where they are: the distribution stays."""
        start = self._begun()
        with alarmed(self):
            self._backdrops(both=False)
        self._done(start)

    def tick(self, frames: int = 1) -> None:
        """Move the particles on by some frames."""
        if self.motion is None:
            return
        gamma, eta = (round(self.controls[name].value, 9) for name in ("gamma", "eta"))
        self.motion.advance(gamma * skew.from_entries(1.0), eta, frames)
        self._swarm()
        if self.motion.frames % MEASURED < frames:
            self._measure()

    def save(self) -> Path:
        """Write the drawing to the file named in the panel."""
        with alarmed(self):
            name = Path(self.name.value.strip() or "drawing.npz").name
            path = drawn.save(self.dots, self.folder / name)
            self._say(f"{len(self.dots)} dots saved in {name}")
        return path

    def take(self, content: bytes) -> None:
        """Put a drawing on the sheet from a file's content; a bad one leaves it as it was."""
        with alarmed(self):
            dots = drawn.load(content)
        self.put(dots)

    def rest(self) -> None:
        """Stop the particles."""
        self.play.playing = False

    # ---- pictures ----

    def _backdrops(self, both: bool) -> None:
        """What lies behind dots and particles; the score too, if `both`."""
        gamma, motion = round(self.controls["gamma"].value, 9), self.motion
        if both:
            self.behind_sheet.put(picture(draw_score, motion))
        self.behind_stage.put(picture(draw_flow, motion, gamma))
        if both or motion is None:
            self._swarm()
        self._measure()

    def _swarm(self) -> None:
        """The particles where they are."""
        x = drawn.blank() if self.motion is None else self.motion.x
        put_dots(self.stage[1], x, PARTICLE, 2.5, clear=True)

    def _measure(self) -> None:
        if self.motion is None:
            self.measured.value = ""
            return
        said = f"t = {self.motion.time:.1f}: {self.motion.distance():.2f} floors from the drawing"
        self.measured.value = f'<div style="font-variant-numeric:tabular-nums">{said}</div>'

    def _begun(self) -> float:
        self._say("working…")
        return time.perf_counter()

    def _done(self, start: float) -> None:
        self.seconds = time.perf_counter() - start
        said = f"{len(self.dots)} dots · redraw {1000 * self.seconds:.0f} ms"
        self._say(said if len(self.dots) else HELLO)

    def _say(self, text: str) -> None:
        self.status.value = f'<div style="white-space:normal">{text}</div>'

    # ---- what is done with mouse, finger and keys ----

    def _laid_out(self) -> widgets.Widget:
        moving = side_by_side(self.play, self.again, self.clear)
        files = side_by_side(self.name, self.keep, self.upload)
        says = [self.measured, self.status, self.trouble, widgets.HTML(small(CAPTION))]
        column = widgets.Layout(width="31em", max_width="100%")
        tools = widgets.VBox([*self.controls.values(), moving, files, *says], layout=column)
        sheets = [labels.named(self.sheet.canvas, SHEET), labels.named(self.stage, STAGE)]
        return side_by_side(*sheets, tools, labels.script(), gap="0.5em")

    def _listen(self) -> None:
        for each in (self.sheet.canvas, self.stage):
            leave_by_keys(each, self.controls["tool"])
        self.controls["drawing"].observe(self._chosen, "value")
        self.controls["gamma"].observe(lambda change: self.reflow(), "value")
        self.controls["sigma"].observe(lambda change: self.redraw(), "value")
        self.play.observe(lambda change: self.tick(), "value")
        self.play.observe(self._plays, "playing")
        self.clear.on_click(lambda _: self.put(drawn.blank()))
        self.again.on_click(lambda _: self.redraw())
        self.keep.on_click(lambda _: self.save())
        on_upload(self.upload, self.take)
        _shown.add(self)

    def _plays(self, change: Any) -> None:
        if change["new"]:
            for other in _shown:
                if other is not self:
                    other.rest()

    def _painted(self) -> None:
        self.controls["drawing"].value = WORDS
        self.redraw()
        self.play.playing = True

    def _chosen(self, change: Any) -> None:
        if change["new"] != WORDS:
            self.put(drawn.ready(change["new"]))


draw_panel = DrawPanel
