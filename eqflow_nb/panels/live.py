"""A live panel: the engine in the reader's browser, in a notebook or on a page without a kernel."""

import html
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import anywidget
import ipywidgets as widgets
import traitlets
from matplotlib.figure import Figure

from eqflow_nb.inputs import between, choice
from eqflow_nb.panels import base, engine

PAGE_NOTE = "A live panel; it moves on the course's pages, and in a notebook that you run."
Control = dict[str, Any]


def knob(
    name: str, label: str, value: float, low: float, high: float, step: float, digits: int = 2
) -> Control:
    """A slider of the engine."""
    limits = {"min": low, "max": high, "step": step, "digits": digits}
    return {"name": name, "label": label, "value": between(value, name, low, high), **limits}


def pick(name: str, label: str, value: str, options: Sequence[str]) -> Control:
    """A choice between names."""
    known = list(options)
    return {"name": name, "label": label, "value": choice(value, known, name), "options": known}


class Live(base.Shown):
    """A panel that runs in the browser, with its sliders; Python only hands the numbers over.

    `spec` is what the engine reads (`js/README.md`), its `controls` made by `knob` and `pick`.  In
    a notebook the sliders are ipywidgets, joined with the panel in the browser, so none of them
    waits for the kernel; `values` are theirs.  `twin` draws the static picture, which `alt` says in
    words.  The parts of the spec that are `handed` back, as the reader changes them, are traits of
    `engine`, too.
    """

    def __init__(
        self, spec: Mapping[str, Any], twin: Callable[[], Figure], handed: Sequence[str] = ()
    ) -> None:
        self.spec, self.static = dict(spec), twin
        abouts = self.spec["controls"]
        super().__init__({about["name"]: _slider(about) for about in abouts})
        self.alt = self.spec["alt"]
        self.engine = widget(self.spec, handed)
        for name, each in self.controls.items():
            trait = "index" if hasattr(each, "index") else "value"
            widgets.jslink((each, trait), (self.engine, name))
        self.widget = widgets.VBox([self.engine, *self.controls.values(), base.labels()])

    def html(self) -> str:
        """The panel for a page without a kernel; the engine's script once a page is enough."""
        data = json.dumps(self.spec, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
        note = f"<p>{html.escape(PAGE_NOTE)}</p>"
        slot = f'<script type="application/json">{data}</script>{note}'
        return f'<div class="eqflow-live-slot">{slot}</div>{page_script()}'

    def bundle(self) -> dict[str, Any]:
        """The widget, and for where no kernel runs the panel with sliders of its own."""
        return super().bundle() | {"text/html": self.html()}


@cache
def page_script() -> str:
    """The engine as a script element."""
    return f"<script>\n{engine.bundle()}</script>"


def widget(spec: Mapping[str, Any], handed: Sequence[str]) -> anywidget.AnyWidget:
    """The engine as a widget: the spec, and a trait for each control and what is handed back."""
    traits: dict[str, Any] = {"spec": traitlets.Dict(dict(spec)).tag(sync=True)}
    traits |= {name: traitlets.Any(spec[name]).tag(sync=True) for name in handed}
    for about in spec["controls"]:
        trait: Any = traitlets.Float(about["value"])
        if "options" in about:  # a dropdown knows its value in Python, its index in the browser too
            trait = traitlets.Int(about["options"].index(about["value"]))
        traits[about["name"]] = trait.tag(sync=True)
    return type("Engine", (anywidget.AnyWidget,), {"_esm": engine.bundle(page=False), **traits})()


def _slider(about: Control) -> Any:
    """The ipywidget of a control."""
    if "options" in about:
        known = about["options"]
        return base.control(widgets.Dropdown, about["label"], about["value"], options=known)
    limits = (about["min"], about["max"], about["step"])
    return base.slider(about["label"], about["value"], *limits, f".{about['digits']}f")
