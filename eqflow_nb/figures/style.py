"""One look for every figure: colours that survive colour blindness, a light card, small files."""

import base64
import html
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib
import numpy as np
import torch
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

# A colour for each kind of flow, the same in every chapter.  Mostly those of Okabe & Ito (2008),
# shifted in lightness until every two differ with each kind of colour blindness (a test checks).
PALETTE = {
    "truth": "#1a1a1a",
    "learned": "#0072b2",
    "skew": "#e69f00",
    "exact": "#009e73",
    "random": "#adadad",
    "score": "#d55e00",
    "symmetric": "#882255",
    "plain": "#7fc4ee",
}
MARKERS = dict(zip(PALETTE, "*os^XvDP", strict=True))
DASHES = ("-", "--", "-.", ":")
FREE = ("learned", "score", "plain", "symmetric", "exact", "skew", "random", "truth")
ALSO = {"true": "truth", "fresh": "truth", "network": "learned", "potential": "exact"}
ALSO |= {"octaves": "learned", "paper": "symmetric"}
Size = tuple[float, float]  # in inches
INK, FAINT, CARD = "#333333", "#a8a8a8", "#fbfaf7"
DPI = 100  # of the figure on the page
SHARP = 1.25  # its pixels for each of the page's


def style() -> None:
    """Set matplotlib's defaults for the course: light cards that read on any page."""
    matplotlib.rcParams.update({
        "figure.facecolor": CARD, "savefig.facecolor": CARD, "axes.facecolor": "white",
        "figure.dpi": DPI, "font.size": 9, "axes.titlesize": 10, "axes.labelsize": 9,
        "figure.constrained_layout.h_pad": 0.08, "figure.constrained_layout.w_pad": 0.08,
        "axes.edgecolor": "#999999", "axes.labelcolor": INK, "text.color": INK,
        "axes.spines.top": False, "axes.spines.right": False, "lines.linewidth": 1.4,
        "axes.prop_cycle": cycler(color=[PALETTE[kind] for kind in FREE]),
        "xtick.color": "#666666", "ytick.color": "#666666",
        "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.frameon": False, "legend.fontsize": 8.5,
    })  # fmt: skip


def kind_of(name: str) -> str | None:
    """The kind of flow that a name such as "learned 3" or "two_peaks.skew" speaks of, if any."""
    known = (ALSO.get(word, word) for word in re.findall(r"[a-z]+", name.lower()))
    return next((word for word in known if word in PALETTE), None)


def colour(name: str) -> str:
    """The colour of a kind of flow, for any name that has its word; blue for others."""
    return PALETTE[kind_of(name) or "learned"]


def colours(names: Iterable[str]) -> list[str]:
    """A colour for each name: its kind's, or one that no other name of the figure has."""
    names = list(names)
    taken = {kind_of(name) for name in names}
    free = [PALETTE[kind] for kind in FREE if kind not in taken] or list(PALETTE.values())
    strangers = [name for name in dict.fromkeys(names) if not kind_of(name)]
    given = {name: free[index % len(free)] for index, name in enumerate(strangers)}
    return [given.get(name) or colour(name) for name in names]


def looks(names: Iterable[str]) -> list[dict[str, Any]]:
    """Colour and dashes for each name; names of one colour differ in their dashes."""
    tints = colours(names)
    dashes = [DASHES[tints[:i].count(tint) % len(DASHES)] for i, tint in enumerate(tints)]
    return [{"color": c, "linestyle": d} for c, d in zip(tints, dashes, strict=True)]


def array(x: Any) -> np.ndarray:
    """A NumPy array of whatever holds numbers, a tensor on any device included."""
    return x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)


def thin(x: Any, points: int) -> np.ndarray:
    """At most `points` rows, evenly picked: more can't be told apart in a small figure."""
    x = array(x)
    return x[:: max(1, -(-len(x) // points))]


def grid(
    count: int, columns: int, size: Size = (2.4, 2.4), layout: Any = "constrained", **kwargs: Any
) -> tuple[Figure, list[Axes]]:
    """A card with `count` pairs of axes, in rows of at most `columns`; `size` of one in inches."""
    # Not made by pyplot, so nothing has to be closed. The layout "none" saves a third of the time,
    # and leaves the margins to the caller.
    style()
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(size[0] * columns, size[1] * rows), layout=layout)
    axes = list(figure.subplots(rows, columns, squeeze=False, **kwargs).flat)
    for spare in axes[count:]:
        spare.set_visible(False)
    return figure, axes[:count]


def png(figure: Figure, dpi: float = DPI, colours: int | None = 128) -> bytes:
    """The figure as a PNG with a palette, a third of the size; without `colours` it is quicker."""
    drawn = _drawn(figure, dpi)
    if colours:
        drawn = _with_palette([drawn], drawn, colours)[0]
    written = io.BytesIO()
    drawn.save(written, format="png", optimize=bool(colours), compress_level=2)
    return written.getvalue()


def _drawn(figure: Figure, dpi: float) -> Image.Image:
    """The figure's pixels."""
    figure.set_dpi(dpi)
    # A figure that is drawn again keeps its canvas, which knows how wide its words are.
    old = figure.canvas
    canvas = old if isinstance(old, FigureCanvasAgg) else FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _with_palette(
    drawn: Sequence[Image.Image], some: Image.Image, colours: int
) -> list[Image.Image]:
    """Images with the commonest colours of `some`, and those of flows: a thin line is rare."""
    tints = [*PALETTE.values(), INK, CARD]
    common = some.quantize(colours - len(tints), Image.Quantize.MEDIANCUT).getpalette() or []
    few = palette(tints, common[: 3 * (colours - len(tints))])
    return [each.quantize(palette=few, dither=Image.Dither.NONE) for each in drawn]


def palette(tints: Iterable[Any], more: Sequence[int] = ()) -> Image.Image:
    """An image that holds a palette of some bytes, and of colours."""
    holder = Image.new("P", (1, 1))
    holder.putpalette([*more, *(round(255 * part) for tint in tints for part in to_rgb(tint))])
    return holder


def gif(frames: Sequence[Image.Image], milliseconds: int | Sequence[int]) -> bytes:
    """Pillow's images as an animated GIF that starts again at its end, each shown so long."""
    written = io.BytesIO()
    more = {"save_all": True, "append_images": frames[1:], "duration": milliseconds, "loop": 0}
    frames[0].save(written, format="gif", **more)
    return written.getvalue()


def show(figure: Figure, alt: str) -> None:
    """Display a figure as a PNG, and its description where every reader can find it."""
    # `alt` says what there is to see, for those who can't.  It goes into the picture's metadata,
    # and, as JupyterLab and GitHub ignore them, below the picture, folded away.
    import matplotlib.pyplot as plt

    width = round(figure.get_figwidth() * DPI)
    _publish("image/png", png(figure, DPI * SHARP), alt, "picture", width=width)
    plt.close(figure)  # one that pyplot made would be shown a second time


def film(
    frames: Iterable[Figure | Image.Image], alt: str, milliseconds: int = 120, dpi: int = 60,
    colours: int = 64, rest: int = 1,
) -> None:  # fmt: skip
    """Display some thirty figures as an animated GIF, which plays on any page; see `show`."""
    # A frame can also be Pillow's image, which is kept as it is.  Fewer colours make a smaller
    # film. The first and the last frame stay `rest` times as long as the others.
    drawn = [_drawn(frame, dpi) if isinstance(frame, Figure) else frame for frame in frames]
    if drawn[0].mode == "RGB":  # one palette, or colours would flicker
        some = np.concatenate([np.asarray(frame) for frame in drawn[:: max(1, len(drawn) // 4)]])
        drawn = _with_palette(drawn, Image.fromarray(some), colours)
    stays = [milliseconds] * len(drawn)
    stays[0] = stays[-1] = rest * milliseconds
    _publish("image/gif", gif(drawn, stays), alt, "film")


def legend_outside(axes: Axes, **kwargs: Any) -> None:
    """Put the legend to the right of the axes, where it hides no data."""
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), **kwargs)


def in_units(label: str) -> str:
    """The label of a scaled coordinate: one unit is one standard deviation of the samples."""
    return label if "(" in label else f"{label} (sd)"


def _publish(mime: str, content: bytes, alt: str, what: str, **about: Any) -> None:
    from IPython.display import display

    encoded = base64.b64encode(content).decode()
    metadata = {mime: {"alt": alt, **about}}
    display({mime: encoded, "text/plain": alt}, raw=True, metadata=metadata)
    words = f"<details><summary>The {what} in words</summary>{html.escape(alt)}</details>"
    display({"text/html": words, "text/plain": alt}, raw=True)
