"""Draw a distribution: at once its score, a flow that keeps it, and particles that move in it."""

from __future__ import annotations

import time
import weakref
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb.panels import base, drawn_motion, labels
from eqflow_nb.panels.base import button, dropdown, leave_by_keys, side_by_side, slider, small
from eqflow_nb.panels.draw_sheet import SIDE, TOOLS, Backdrop, Sheet, picture, put_dots
from eqflow_nb.panels.drawn_motion import FRAME, PARTICLE, Motion, before_and_after
from eqflow_nb.panels.motion import TURN
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


class DrawPanel(base.Shown):
    """Draw a distribution, and watch particles move in it for good.

    The particles, `motion`, are moved by a play button, which ticks in the reader's browser: they
    stop with the page, and only one panel's move at a time.  The sheet begins with `drawing`
    (n, 2), or two moons; drawings are saved in `folder`, by default the working one.
    """

    alt = ALT

    def __init__(self, drawing: Tensor | None = None, folder: Path | None = None) -> None:
        super().__init__(
            {
                "tool": dropdown("tool", "brush", TOOLS),
                "size": slider("size of the tool", 0.3, 0.1, 1.0, 0.1, ".1f"),
                "drawing": dropdown("drawing", WORDS, (WORDS, *drawn.READY)),
                "gamma": slider("skew strength γ", 1.0, -2, 2, 0.1, ".1f"),
                "eta": slider("diffusion η", 0.0, 0, 1, 0.05),
                "sigma": slider("noise level σ", 0.2, 0.1, 0.6, 0.05),
            }
        )
        self.folder = folder or Path()
        self.motion: Motion | None = None
        self.stage = base.canvas(SIDE)
        dots = drawn.ready("two moons") if drawing is None else drawing
        self.sheet = Sheet(dots, self.controls["tool"], self.controls["size"], self._painted)
        self.play = widgets.Play(
            max=10**9, interval=round(1000 * FRAME), show_repeat=False, description="move particles"
        )
        self.clear = button("clear", "make the sheet empty", lambda: self.put(drawn.blank()))
        about = "put the particles back where they started"
        self.again = button("start again", about, self.redraw)
        self.name = widgets.Text("drawing.npz", description="file", layout=base.wide("16em"))
        self.keep = button("save", "write the drawing to this file, beside the notebook", self.save)
        self.upload = base.upload(".npz", "load", "load a drawing that was saved, .npz", self.take)
        self.measured = widgets.HTML()
        self.measured.add_class("eqflow-measured")
        self.behind_sheet, self.behind_stage = (
            Backdrop(each[0]) for each in (self.sheet.canvas, self.stage)
        )
        self.stage[1].on_client_ready(self._swarm)
        says = [self.measured, self.status, self.trouble, widgets.HTML(small(CAPTION))]
        moving = side_by_side(self.play, self.again, self.clear)
        files = side_by_side(self.name, self.keep, self.upload)
        column = [*self.controls.values(), moving, files, *says]
        self.widget = side_by_side(
            labels.named(self.sheet.canvas, SHEET),
            labels.named(self.stage, STAGE),
            widgets.VBox(column, layout=base.wide("31em")),
            labels.script(),
            **base.APART,
        )
        self._listen()
        self.redraw()

    def static(self, gamma: float | None = None, frames: int = 150) -> Figure:
        """Score, flow, and particles before and after some frames, by what the panel draws with."""
        now = self.values
        gamma = now["gamma"] if gamma is None else gamma
        return before_and_after(Motion(self.dots, now["sigma"]), gamma, now["eta"], frames)

    @property
    def dots(self) -> Tensor:
        """The drawing (n, 2)."""
        return self.sheet.dots

    def put(self, dots: Tensor) -> None:
        """Replace the drawing, and let particles move in the new one."""
        self.sheet.dots = dots
        self.redraw()

    def redraw(self, anew: bool = True) -> None:
        """Score, flow and fresh particles of the drawing; else the flow alone: p is the same."""
        start = time.perf_counter()
        self.say("working…")
        with self.alarmed():
            if anew:
                self.sheet.ink()
                self.motion = None
                if len(self.dots):
                    self.motion = Motion(self.dots, self.values["sigma"])
                self.behind_sheet.put(picture(drawn_motion.draw_score, self.motion))
            flow, gamma = drawn_motion.draw_flow, self.values["gamma"]
            self.behind_stage.put(picture(flow, self.motion, gamma))
            # Last, also if nothing moved: a page that opens names the canvas it draws on only when
            # it is another than the last one used, and it begins with a backdrop.
            self._swarm()
            self._measure()
        self.seconds = time.perf_counter() - start
        said = f"{len(self.dots)} dots · redraw {1000 * self.seconds:.0f} ms"
        self.say(said if len(self.dots) else HELLO)

    def tick(self, frames: int = 1) -> None:
        """Move the particles on by some frames."""
        if self.motion is not None:
            self.motion.advance(self.values["gamma"] * TURN, self.values["eta"], frames)
            self._swarm()
            if self.motion.frames % MEASURED < frames:
                self._measure()

    def save(self) -> Path:
        """Write the drawing to the file named in the panel."""
        with self.alarmed():
            name = Path(self.name.value.strip() or "drawing.npz").name
            path = drawn.save(self.dots, self.folder / name)
            self.say(f"{len(self.dots)} dots saved in {name}")
        return path

    def take(self, content: bytes) -> None:
        """Put a drawing on the sheet from a file's content; a bad one leaves it as it was."""
        with self.alarmed():
            dots = drawn.load(content)
        self.put(dots)

    def rest(self) -> None:
        """Stop the particles."""
        self.play.playing = False

    def _swarm(self) -> None:
        """The particles where they are."""
        x = drawn.blank() if self.motion is None else self.motion.x
        put_dots(self.stage[1], x, PARTICLE, 2.5, clear=True)

    def _measure(self) -> None:
        self.measured.value = ""
        if (m := self.motion) is not None:
            said = f"t = {m.time:.1f}: {m.distance():.2f} floors from the drawing"
            self.measured.value = f'<div style="font-variant-numeric:tabular-nums">{said}</div>'

    def _listen(self) -> None:
        for each in (self.sheet.canvas, self.stage):
            leave_by_keys(each, self.controls["tool"])
        self.controls["drawing"].observe(self._chosen, "value")
        self.controls["gamma"].observe(lambda change: self.redraw(anew=False), "value")
        self.controls["sigma"].observe(lambda change: self.redraw(), "value")
        self.play.observe(lambda change: self.tick(), "value")
        self.play.observe(self._plays, "playing")
        _shown.add(self)

    def _plays(self, change: Any) -> None:
        for other in _shown if change["new"] else ():
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
