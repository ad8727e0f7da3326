"""Names for screen readers: ipywidgets gives sliders, pictures and canvases none, a script does."""

from pathlib import Path

import ipywidgets as widgets

SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def script() -> widgets.Output:
    """Something without looks, to be put into a panel: it names what is on the page."""
    data = {"text/html": f"<script>{SCRIPT}</script>", "text/plain": ""}
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    return widgets.Output(outputs=(output,), layout=widgets.Layout(height="0", margin="0"))
