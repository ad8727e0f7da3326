"""The panel on creatures: hundreds swim, steer and keep together as their sheets say."""

import base64
import io
import math
from functools import lru_cache
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from eqflow_nb import figures, rollout
from eqflow_nb.figures.poses import draw_poses
from eqflow_nb.flows import poses as living
from eqflow_nb.panels.engine import packed
from eqflow_nb.panels.live import Live, knob, pick
from eqflow_nb.scores import weights
from eqflow_nb.scores.pair_law import PairLaw
from eqflow_nb.snapshots import icons, poses

FILE = weights.FOLDER.parent / "creatures.safetensors"
KINDS = ("flock", "strong flock", "scattered", "schools", "couples", "two kinds")
NUMBERS = (64, 300)  # creatures on a sheet
NEAR = 12.0  # pixels: how near neighbours are
LENGTH, SPRITE = 8.0, 64  # pixels: of a group; of a picture's side
STAMPED, SHEET, BODY = 3, 32.0, 8.0  # sheets for stamps; pixels of a side, of a creature on it
TIMES = (0, 8, 16, 24)  # in the static picture


def creatures_panel() -> Live:
    """Creatures that swim and keep the distribution of their sheets; drag them, or draw a wall."""
    icon = icons.picture("firefly")
    spec = {
        "name": "creatures", "kind": "creatures", "title": "Creatures that keep their sheets",
        "caption": "Each swims, and steers as the fit to still sheets says, so g(r), which "
        "pairs are how far apart, stays as it was. Lines: their last ways, coloured by heading, or "
        "by kind. Drag a creature. By keyboard: arrow keys move a brush; with Space down it holds "
        "one, or builds a wall.",
        "alt": "Creatures on a sheet, at four times: they swim on curved ways, turn away before "
        "they meet, go along with those around them. The sheets look alike at all times.",
        "controls": [
            pick("sheets", "sheets", "flock", KINDS),
            pick("number", "creatures", f"{NUMBERS[-1]}", [f"{number}" for number in NUMBERS]),
            knob("swim", "swim: u", 1, -1, 2, 0.1, 1),
            knob("group", "swim with your group", 0.5, 0, 2, 0.1, 1),
            knob("pursuit", "pursuit (of two kinds)", 0.5, -1, 1, 0.1, 1),
            knob("eta", "diffusion η", 0, 0, 5, 0.5, 1),
        ],
        "worlds": {name: _world(name) for name in KINDS}, "near": NEAR, "length": LENGTH,
        "sigma": poses.BLUR, "pictures": [_png(icon), _png(icon[[2, 1, 0, 3]])],
    }  # fmt: skip
    return Live(spec, _twin)


class StampsPanel(Live):
    """Put creatures on small sheets: click to put one there, or to remove it; drag to turn it.

    The first sheet begins with two that go side by side.
    """

    def __init__(self) -> None:
        pair: list[list[float]] = [[0, 5, 0], [0, -5, 0]]
        spec = {
            "name": "stamps", "kind": "stamps", "title": "Stamp your own sheets", "controls": [],
            "caption": "Click on a sheet to put a creature there, and drag to turn it. Click on "
            "one to remove it. By keyboard: arrow keys move the brush, Space is a click; hold "
            "Space and press arrow keys to turn the creature.",
            "alt": "Small sheets with the creatures that were put on them.",
            "stamps": [pair, *([] for _ in range(STAMPED - 1))], "side": SHEET, "body": BODY,
            "picture": _png(icons.picture("firefly")),
        }  # fmt: skip
        super().__init__(spec, self._twin, handed=("stamps",))

    @property
    def stamps(self) -> list[np.ndarray]:
        """What is on the sheets now, for `course.creatures.stamped`: for each an array (n, 3).

        Rows are pixels to the right and up from the middle, and the heading in degrees.
        """
        return [np.reshape(stamp, (-1, 3)).astype(float) for stamp in self.engine.stamps]

    def _twin(self) -> Figure:
        figure, panes = figures.grid(STAMPED, STAMPED, (1.8, 1.9))
        for pane, stamp in zip(panes, self.stamps, strict=True):
            draw_poses(pane, stamp * [1, 1, math.tau / 360] + [SHEET / 2, SHEET / 2, 0], SHEET)
        return figure


stamps_panel = StampsPanel


def halves(number: int) -> tuple[int, int]:
    """How many of a sheet's creatures are of each of two kinds."""
    return number // 2, number - number // 2


def side_of(number: int) -> float:
    """Side of a sheet, in pixels, with as many creatures for its area as those of `poses`."""
    return poses.SIZE * (number / poses.NUMBER) ** 0.5


@lru_cache
def _shipped() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `data/make_creatures.py` fitted and drew."""
    return weights.read(FILE)


def _world(name: str) -> dict[str, Any]:
    """The law of one kind of sheets, what those show, and a start for each number of creatures."""
    tensors, about = _shipped()
    law = {part: packed(tensors[f"{name}/{part}"]) for part in ("values", "slopes", "harmonics")}
    sheets = {
        f"{number}": {"start": packed(tensors[f"{name}/{number}"]), "size": side_of(number)}
        | {"kinds": halves(number) if name == "two kinds" else None}
        for number in NUMBERS
    }
    shown = {"g": packed(tensors[f"{name}/g"]), "aligned": about[name]["aligned"]}
    return shown | {"law": law | {"spacing": about[name]["spacing"]}, "sheets": sheets}


def _png(icon: Tensor) -> str:
    """A picture RGBA (4, S, S) as the address of itself."""
    pixels = (icon.permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).resize((SPRITE, SPRITE), Image.Resampling.LANCZOS).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _twin() -> Figure:
    """Creatures of a flock at some times, with where they were shortly before."""
    tensors, about = _shipped()
    number = NUMBERS[0]
    values, slopes, waves = (tensors[f"flock/{part}"] for part in ("values", "slopes", "harmonics"))
    law = PairLaw(values, slopes, waves, about["flock"]["spacing"], size := side_of(number))
    field = living.flow(law, living.swim(1.0), living.swim_with_group(0.5, LENGTH, size))
    path = rollout.rk4(field, tensors[f"flock/{number}"][None], 0.2, 5 * TIMES[-1])
    film = torch.stack([q[0] for _, q in path])
    figure, panes = figures.grid(len(TIMES), len(TIMES), (2.3, 2.4))
    for pane, time in zip(panes, TIMES, strict=True):
        q, past = film[5 * time], film[max(0, 5 * time - 40) : 5 * time + 1]
        tints = 0.8 * matplotlib.colormaps["hsv"]((q[:, 2] / math.tau % 1).numpy())[:, :3]
        ways = (past + poses.wrapped(q, size) - q)[..., :2].transpose(0, 1)
        pane.add_collection(LineCollection(list(ways.numpy()), colors=tints, alpha=0.5))
        draw_poses(pane, q, size, tints)
        pane.set_title(f"t = {time}")
    return figure
