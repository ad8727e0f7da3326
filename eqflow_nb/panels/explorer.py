"""Every panel of the course on one page, each made when it is first looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import ipywidgets as widgets

from eqflow_nb import panels
from eqflow_nb.panels import draw, equations, images, labels, own, paint
from eqflow_nb.panels.base import alarm


class Entry(NamedTuple):
    """A panel: the name on its tab, the chapter that explains it, what to try, how it is made."""

    name: str
    chapter: str
    text: str
    make: Callable[[], Any]


ENTRIES = (
    Entry(
        "Draw",
        "01_toys_2d",
        "Draw a cloud of points: at once you see its score, a flow that keeps it, and particles"
        " that move in it for good. Does their distance to your drawing grow with time?",
        draw.draw_panel,
    ),
    Entry(
        "Toys",
        "01_toys_2d",
        "Set skew strength γ and diffusion η to zero: nothing moves. With either, all particles"
        " do, and the cloud stays.",
        panels.toy_panel,
    ),
    Entry(
        "Stream functions",
        "01_toys_2d",
        "Every flow in the plane that keeps a cloud has a stream function ψ. Change ψ: the "
        "currents change, the cloud doesn't.",
        panels.stream_panel,
    ),
    Entry(
        "Lorenz",
        "02_lorenz_chaos",
        "Three numbers are all the constant skew flows there are in space. None of them is "
        "chaotic: can you see why?",
        panels.lorenz_panel,
    ),
    Entry(
        "Chemistry",
        "03_gray_scott_training_free",
        "A snapshot of a chemical pattern, set in motion with nothing trained. Which kernel "
        "keeps its fronts sharp for longest? The first look takes some seconds.",
        images.gray_scott_panel,
    ),
    Entry(
        "Creatures",
        "04_alife_flocking",
        "Drawn creatures live under a rule that mixes their colours. Time runs as far as you "
        "ask; what was seen once comes at once.",
        lambda: images.alife_panel(time=20),  # every step costs time when K changes
    ),
    Entry(
        "Paint a creature",
        "04_alife_flocking",
        "Paint, or take the fish, and bring it to life: a small network learns it first, in "
        "about half a minute.",
        paint.paint_panel,
    ),
    Entry(
        "Equations",
        "05_equations_from_snapshots",
        "The Lorenz equations from shuffled snapshots, term by term. How few snapshots still do?",
        equations.lorenz_equations_panel,
    ),
    Entry(
        "Your own points",
        "06_your_own_snapshots",
        "Measured points: blood cells, by two scores of the cell cycle, S and G2M. At which noise"
        " level does the flow see the cloud, and not its single points?",
        own.own_panel,
    ),
)


class Explorer:
    """Tabs of panels; a panel is made when its tab is first opened, and rests when it is left."""

    def __init__(self, entries: tuple[Entry, ...] = ENTRIES) -> None:
        self.entries, self.made = entries, dict[str, Any]()
        self.boxes = [widgets.VBox([widgets.HTML(part) for part in _shown(e)]) for e in entries]
        self.tabs = widgets.Tab(self.boxes, titles=[entry.name for entry in entries])
        self.tabs.selected_index = None
        self.tabs.observe(self._selected, "selected_index")
        self.widget = widgets.VBox([self.tabs, labels.script()])
        self.tabs.selected_index = 0

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        # Where no kernel runs, a list of the tabs stands in for them.
        rows = ""
        for name, chapter, text, _make in self.entries:
            link = f'<a href="../{chapter}.ipynb">{chapter}</a>'
            rows += f"<tr><td><b>{name}</b></td><td>{link}</td><td>{text}</td></tr>"
        listed = f"<table><tr><th>panel</th><th>chapter</th><th>to try</th></tr>{rows}</table>"
        return self.widget._repr_mimebundle_() | {"text/html": listed}

    def open(self, index: int) -> None:
        """Make the panel of a tab, if it isn't there.  What goes wrong is shown, and raised."""
        entry, box = self.entries[index], self.boxes[index]
        if entry.name in self.made:
            return
        try:
            self.made[entry.name] = entry.make()
        except Exception as error:
            trouble = widgets.HTML(alarm(error))
            trouble.add_class("eqflow-error")
            box.children = (box.children[0], trouble)
            raise
        box.children = (box.children[0], self.made[entry.name].widget)

    def _selected(self, change: Any) -> None:
        for panel in self.made.values():
            for part in _family(panel.widget):
                if isinstance(part, widgets.Play):
                    part.playing = False  # what nobody looks at need not move
        if change["new"] is not None:
            self.open(change["new"])


def _family(widget: Any) -> Iterator[Any]:
    """A widget and all that are in it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from _family(child)


def _shown(entry: Entry) -> tuple[str, str]:
    """What stands on a tab, and below it until there is a panel."""
    words = f"{entry.text} <small>(chapter {entry.chapter})</small>"
    look = "line-height:1.4;margin:0.3em 0;max-width:60em"
    return f'<p style="{look}">{words}</p>', '<div role="status">working…</div>'
