"""What every panel has: controls, a picture, a line that says what moved, and a static twin."""

import html
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from matplotlib.figure import Figure

from eqflow_nb import figures
from eqflow_nb.figures.style import grid

Draw = Callable[..., str]
LABELS = Path(__file__).with_name("labels.js").read_text(encoding="utf-8")
SLOW = 0.2
SIZE, TWIN_SIZE = 4.2, 2.2


class Shown:
    """What panels share: how they are displayed, and their two lines of words.

    `widget` is all of the panel, `status` says what happened last, `trouble` what went wrong, and
    `errors` keeps what went wrong since the last action that went well.
    """

    widget: Any
    static: Any  # the static twin, if there is one; `alt` is what it shows in words
    alt = ""

    def __init__(self, controls: Mapping[str, Any]) -> None:
        self.controls, self.seconds = dict(controls), 0.0
        self.errors: list[Exception] = []
        self.status, self.trouble = widgets.HTML(), widgets.HTML()
        self.status.add_class("eqflow-status")
        self.trouble.add_class("eqflow-error")

    @property
    def values(self) -> dict[str, Any]:
        """The controls' values by name; rounded, since steps of .1 add up to almost 0."""
        values = {name: control.value for name, control in self.controls.items()}
        return {n: round(v, 9) if isinstance(v, float) else v for n, v in values.items()}

    def show(self) -> None:
        """Display the panel and, below it, the twin, which stays where there is no kernel."""
        from IPython.display import display

        display(self.bundle(), raw=True)
        if self.alt:
            figures.show(self.static(), self.alt)

    _ipython_display_ = show  # the last line of a cell may name a panel

    def bundle(self) -> dict[str, Any]:
        """The widget, as Jupyter's kinds of output."""
        return self.widget._repr_mimebundle_()

    def say(self, text: str) -> None:
        """Say what happened last."""
        self.status.value = small(text)

    @contextmanager
    def alarmed(self, otherwise: str = "") -> Iterator[None]:
        """Show, keep and raise what goes wrong, and say so; else nothing is wrong any more."""
        try:
            yield
        except Exception as error:
            self.errors.append(error)
            if otherwise:
                self.say(otherwise)
            said = html.escape(f"{type(error).__name__}: {error}")
            look = "color:#c62828;background:#fff;padding:0 0.3em"  # legible on dark pages too
            self.trouble.value = f'<b role="alert" style="{look}">{said}</b>'  # is read at once
            raise
        self.errors.clear()
        self.trouble.value = ""


class Panel(Shown):
    """Sliders that redraw a picture.

    The live picture and the static twin are both made by `draw` (panes, **values) -> str, so they
    can't tell different stories: it fills a list of axes, `panes` of them side by side, and says
    what is to be seen.  `controls` are widgets by the names of the values; `twin` holds the values
    of one of them that the static twin shows, which `alt` says in words, as `caption` says what the
    marks mean.
    """

    def __init__(
        self,
        draw: Draw,
        controls: Mapping[str, Any],
        twin: Mapping[str, Sequence[Any]],
        caption: str,
        alt: str,
        panes: int = 1,
    ) -> None:
        super().__init__(controls)
        self.draw, self.twin = draw, dict(twin)
        self.alt, self.panes = alt, panes
        self.picture = widgets.Image(format="png", layout=widgets.Layout(max_width="100%"))
        words = widgets.HTML(small(caption))
        words.add_class("eqflow-name")  # it also names the picture, for screen readers
        below = [self.status, self.trouble, words]
        column = widgets.VBox([*self.controls.values(), *below], layout=wide("31em"))
        wrap = widgets.Layout(flex_flow="row wrap", align_items="flex-start")
        self.widget = widgets.Box([self.picture, column, labels()], layout=wrap)
        self.widget.add_class("eqflow-named")
        for control in self.controls.values():
            control.observe(self._changed, "value")
        self.redraw()

    def static(self) -> Figure:
        """The static twin: small multiples over its values of one control."""
        ((name, chosen),) = self.twin.items()
        figure, axes = grid(self.panes * len(chosen), len(chosen), (TWIN_SIZE, 1.03 * TWIN_SIZE))
        for column, value in enumerate(chosen):
            panes = axes[column :: len(chosen)]
            self.draw(panes, **self.values | {name: value})
            panes[0].set_title(f"{self.controls[name].description.split()[-1]} = {value}")
        return figure

    def redraw(self) -> None:
        """Draw the present values.  What goes wrong is shown in the panel, kept, and raised."""
        start, self.drawn = time.perf_counter(), self.values
        if self.seconds > SLOW:
            self.say("working…")
        with self.alarmed("the picture is not of these values"):
            figure, axes = grid(self.panes, self.panes, (SIZE, 1.03 * SIZE))
            said = self.draw(axes, **self.drawn)
            self.picture.value = figures.png(figure, colours=None)
        self.seconds = time.perf_counter() - start
        self.say(f"{said} · redraw {1000 * self.seconds:.0f} ms")

    def _changed(self, change: Any) -> None:
        # A browser may send a value back with another last digit.
        if self.values != self.drawn:
            self.redraw()


def labels() -> widgets.Output:
    """Something without looks that names a panel's sliders and pictures for screen readers."""
    data = {"text/html": f"<script>{LABELS}</script>", "text/plain": ""}
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    return widgets.Output(outputs=(output,), layout=widgets.Layout(height="0", margin="0"))


def control(kind: Any, description: str, value: Any, **rest: Any) -> Any:
    """A widget of some kind, wide enough to be set with some care."""
    style = {"description_width": "8.5em"}
    return kind(description=description, value=value, style=style, layout=wide("30em"), **rest)


def slider(
    description: str, value: float, low: float, high: float, step: float, format: str = ".2f"
) -> widgets.FloatSlider:
    """A slider; arrow keys move it by its step."""
    more = {"min": low, "max": high, "step": step, "readout_format": format}
    return control(widgets.FloatSlider, description, value, **more)


def button(label: str, tooltip: str, press: Callable[[], Any]) -> widgets.Button:
    """A button as wide as its label, explained by a tooltip, and what it does."""
    made = widgets.Button(description=label, tooltip=tooltip, layout=widgets.Layout(width="auto"))
    made.on_click(lambda _: press())
    return made


def wide(width: str) -> widgets.Layout:
    """So wide, and no wider than the page."""
    return widgets.Layout(width=width, max_width="100%")


def small(text: str) -> str:
    """Small print as HTML."""
    style = "font-size:small;line-height:1.4;color:var(--jp-ui-font-color2,#767676)"
    return f'<div style="white-space:normal;{style}">{text}</div>'
