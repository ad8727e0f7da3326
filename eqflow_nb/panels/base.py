"""What every panel has: controls, a picture, a line that says what moved, and a static twin."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eqflow_nb import figures
from eqflow_nb.figures.style import grid
from eqflow_nb.panels import labels

Draw = Callable[..., str]
SLOW = 0.2
SIZE, TWIN_SIZE = 4.2, 2.2
LEFT, BOTTOM, REST = 0.5, 0.42, 0.08  # margins in inches


class Panel:
    """Sliders that redraw a picture.

    The live picture and the static twin are both made by `draw`, so they can't tell different
    stories.

    Parameters
    ----------
    draw : callable (panes, **values) -> str
        Fills a list of axes, and says what is to be seen.
    controls : mapping of str to widget
        By the names of the values.
    twin : mapping of one name to a list of values
        What the static twin shows.
    caption : str
        What the marks in the picture mean.
    alt : str
        The static twin in words.
    panes : int
        How many pairs of axes the picture has, side by side.
    projection : str, optional
        "3d" for axes in space.
    step : float, optional
        Adds a play button that moves the control called "time" by that much.

    Attributes
    ----------
    widget, picture, status : widget
        All of it, to be displayed; the picture; the line that says what moved.
    errors : list of Exception
        What went wrong since the last redraw that went well.
    """

    def __init__(
        self,
        draw: Draw,
        controls: Mapping[str, Any],
        twin: Mapping[str, Sequence[Any]],
        caption: str,
        alt: str,
        panes: int = 1,
        projection: str | None = None,
        step: float | None = None,
    ) -> None:
        self.draw, self.controls, self.twin = draw, dict(controls), dict(twin)
        self.alt, self.panes, self.projection = alt, panes, projection
        self.errors: list[Exception] = []
        self.figure, self.axes = self._axes(panes, panes, SIZE, layout="none")
        self.figure.subplots_adjust(**self._margins())
        self.seconds = 0.0
        self.picture = widgets.Image(format="png", layout=widgets.Layout(max_width="100%"))
        self.status, self.trouble = lines()
        players = [self._player(step)] if step else []
        words = widgets.HTML(small(caption))
        words.add_class("eqflow-name")  # it also names the picture, for screen readers
        below = [self.status, self.trouble, words]
        column = widgets.VBox([*self.controls.values(), *players, *below], layout=_wide("31em"))
        wrap = widgets.Layout(flex_flow="row wrap", align_items="flex-start")
        self.widget = widgets.Box([self.picture, column, labels.script()], layout=wrap)
        self.widget.add_class("eqflow-named")
        for control in self.controls.values():
            control.observe(self._changed, "value")
        self.redraw()

    @property
    def values(self) -> dict[str, Any]:
        """The controls' values by name; rounded, since steps of .1 add up to almost 0."""
        values = {name: control.value for name, control in self.controls.items()}
        return {n: round(v, 9) if isinstance(v, float) else v for n, v in values.items()}

    def static(self, **values: Sequence[Any]) -> Figure:
        """The static twin: small multiples over some values of one control, the others as they are.

        Example: ``panel.static(gamma=[-1, 0, 1])``.  Without arguments it shows the twin's own.
        """
        ((name, chosen),) = (values or self.twin).items()
        if name not in self.controls:
            raise ValueError(f"no control is called {name!r}; known are {', '.join(self.controls)}")
        size = TWIN_SIZE * (1.2 if self.projection else 1)
        figure, axes = self._axes(self.panes * len(chosen), len(chosen), size)
        symbol = self.controls[name].description.split()[-1]
        for column, value in enumerate(chosen):
            panes = axes[column :: len(chosen)]
            self.draw(panes, **self.values | {name: value})
            panes[0].set_title(f"{symbol} = {value}")
        return figure

    def show(self) -> None:
        """Display the panel and, below it, the twin, which stays where there is no kernel."""
        from IPython.display import display

        display(self.widget)
        figures.show(self.static(), self.alt)

    _ipython_display_ = show  # the last line of a cell may name a panel

    def redraw(self) -> None:
        """Draw the present values.  What goes wrong is shown in the panel, kept, and raised."""
        start = time.perf_counter()
        self.drawn = self.values
        if self.seconds > SLOW:
            self.status.value = small("working…")
        with alarmed(self, self._mistaken):
            said = self.draw(self._cleared(), **self.drawn)
            self.picture.value = figures.png(self.figure, colours=None)
        self.seconds = time.perf_counter() - start
        self.status.value = small(f"{said} · redraw {1000 * self.seconds:.0f} ms")

    def _cleared(self) -> list[Axes]:
        """The same axes as before, emptied, which is quicker than new ones."""
        for axes in self.figure.axes:
            if axes in self.axes:
                axes.clear()
            else:
                axes.remove()
        return self.axes

    def _mistaken(self) -> None:
        self.status.value = small("the picture is not of these values")

    def _changed(self, change: Any) -> None:
        # A browser may send a value back with another last digit.
        if self.values != self.drawn:
            self.redraw()

    def _axes(
        self, count: int, columns: int, size: float, layout: str = "constrained"
    ) -> tuple[Figure, list[Axes]]:
        space = {"projection": self.projection}
        return grid(count, columns, (size, size * 1.03), layout=layout, subplot_kw=space)

    def _margins(self) -> dict[str, float]:
        if self.projection == "3d":
            return {"left": -0.09, "right": 0.97, "bottom": -0.01, "top": 1.06}
        width, height = SIZE * self.panes, SIZE
        return {
            "left": LEFT / width,
            "right": 1 - REST / width,
            "bottom": BOTTOM / height,
            "top": 1 - REST / height,
            "wspace": LEFT / SIZE * 1.3,
        }

    def _player(self, step: float) -> widgets.Play:
        """A play button linked to the control "time", which it need not share a unit with."""
        slider = self.controls["time"]
        frames = round((slider.max - slider.min) / step)
        play = widgets.Play(max=frames, value=round(slider.value / step), interval=200, repeat=True)
        there_and_back = (lambda n: round(slider.min + n * step, 9), lambda t: round(t / step))
        traitlets.link((play, "value"), (slider, "value"), transform=there_and_back)
        return play


def slider(
    description: str, value: float, low: float, high: float, step: float, format: str = ".2f"
) -> widgets.FloatSlider:
    """A slider wide enough to be set with some care; arrow keys move it by its step."""
    return widgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=description,
        readout_format=format,
        style={"description_width": "8.5em"},
        layout=_wide("30em"),
    )


def dropdown(description: str, value: str, options: Sequence[str]) -> widgets.Dropdown:
    """A choice between names, laid out like `slider`."""
    return widgets.Dropdown(
        value=value,
        options=list(options),
        description=description,
        style={"description_width": "8.5em"},
        layout=_wide("30em"),
    )


def button(label: str, tooltip: str) -> widgets.Button:
    """A button as wide as its label, explained by a tooltip."""
    return widgets.Button(description=label, tooltip=tooltip, layout=widgets.Layout(width="auto"))


def _wide(width: str) -> widgets.Layout:
    return widgets.Layout(width=width, max_width="100%")


def lines() -> tuple[widgets.HTML, widgets.HTML]:
    """Two lines of a panel: what happened last, and what went wrong."""
    status, trouble = widgets.HTML(), widgets.HTML()
    status.add_class("eqflow-status")
    trouble.add_class("eqflow-error")
    return status, trouble


def side_by_side(*parts: widgets.Widget, gap: str = "0") -> widgets.Box:
    """Widgets in a row, which breaks where the page is narrow."""
    row = widgets.Layout(display="flex", flex_flow="row wrap", grid_gap=gap)
    row.align_items = "flex-start" if gap != "0" else None
    return widgets.Box(parts, layout=row)


def on_strokes(
    canvas: Any,
    stroke: Callable[[tuple[float, float], tuple[float, float]], None],
    done: Callable[[], None] = lambda: None,
) -> None:
    """Call `stroke(before, now)` as mouse or finger moves over a canvas, `done()` as it lifts."""
    pen: list[tuple[float, float]] = []  # where it is, while it is down

    def down(x: float, y: float) -> None:
        pen[:] = [(x, y)]
        stroke((x, y), (x, y))

    def move(x: float, y: float) -> None:
        if pen:
            before, pen[0] = pen[0], (x, y)
            stroke(before, (x, y))

    def lift(*_: Any) -> None:
        if pen:
            pen.clear()
            done()

    canvas.on_mouse_down(down)
    canvas.on_mouse_move(move)
    canvas.on_touch_start(lambda fingers: down(*fingers[0]))
    canvas.on_touch_move(lambda fingers: move(*fingers[0]))
    for leave in (canvas.on_mouse_up, canvas.on_mouse_out, canvas.on_touch_end):
        leave(lift)


def leave_by_keys(canvas: Any, to: Any) -> None:
    """Let Tab and Escape leave a canvas, which swallows every key, for another control."""
    canvas.on_key_down(lambda key, *_: to.focus() if key in ("Tab", "Escape") else None)


def on_upload(upload: widgets.FileUpload, take: Callable[[bytes], None]) -> None:
    """Call `take` with the content of each file uploaded, the same file twice if need be."""

    def uploaded(change: Any) -> None:
        if change["new"]:
            content = bytes(change["new"][0]["content"])
            upload.value = ()
            take(content)

    upload.observe(uploaded, "value")


def small(text: str) -> str:
    """Small print as HTML."""
    style = "font-size:small;line-height:1.4;color:var(--jp-ui-font-color2,#767676)"
    return f'<div style="{style}">{text}</div>'


@contextmanager
def alarmed(panel: Any, otherwise: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Show and keep what goes wrong in a panel, and raise it; else nothing is wrong any more.

    `panel` has `errors` and `trouble`, as `Panel` has; `otherwise` is called if it goes wrong.
    """
    try:
        yield
    except Exception as error:
        panel.errors.append(error)
        otherwise()
        panel.trouble.value = alarm(error)
        raise
    panel.errors.clear()
    panel.trouble.value = ""


def alarm(error: Exception) -> str:
    """What a panel shows of an error, as HTML that a screen reader reads at once."""
    said = html.escape(f"{type(error).__name__}: {error}")
    look = "color:#c62828;background:#fff;padding:0 0.3em"  # legible on dark pages too
    return f'<b role="alert" style="{look}">{said}</b>'
