"""Names for screen readers: ipywidgets gives sliders, pictures and canvases none, a script does."""

from __future__ import annotations

from pathlib import Path

import ipywidgets as widgets

SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def named(widget: widgets.Widget, name: str) -> widgets.VBox:
    """A widget with its name below it, which the script also gives to the canvas in it.

    A tooltip would not do: in ipywidgets 8.1 one breaks each widget that has no description.
    """
    words = widgets.HTML(f'<small class="eqflow-name">{name}</small>')
    box = widgets.VBox([widget, words])
    box.add_class("eqflow-named")
    return box


def script() -> widgets.Output:
    """Something without looks, to be put into a panel: it names what is on the page."""
    data = {"text/html": f"<script>{SCRIPT}</script>", "text/plain": ""}
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    return widgets.Output(outputs=(output,), layout=widgets.Layout(height="0", margin="0"))
