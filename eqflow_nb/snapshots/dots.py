"""Ready-made drawings: dots (n, 2), each coordinate between -EXTENT and EXTENT."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import InputError, choice
from eqflow_nb.snapshots import toys

EXTENT = 3.0
SPACING = 0.1  # between the dots of a letter
READY = ("two moons", "ring", "pinwheel", "letter S")


def ready(name: str) -> Tensor:
    """A ready-made drawing, one of `READY`."""
    if choice(name, READY, "drawing") == "letter S":
        return written("S")
    return (1.2 * toys.TOYS[name.replace(" ", "_")]().sample(600, 0)).clamp(-EXTENT, EXTENT)


def written(text: str) -> Tensor:
    """The letters of a text, filled with dots, as large as the sheet allows."""
    from matplotlib.path import Path as Ring
    from matplotlib.textpath import TextPath

    path = TextPath((0, 0), text.strip(), size=1) if text.strip() else None
    if path is None or not len(path.vertices):
        raise InputError(f"text is {text!r}; give some letters")
    low, high = path.vertices.min(0), path.vertices.max(0)
    scale = 1.7 * EXTENT / (high - low).max()
    half = round(EXTENT / SPACING) - 1
    line = torch.arange(-half, half + 1) * SPACING
    lattice = torch.cartesian_prod(line, line)
    places = lattice.numpy() / scale + (low + high) / 2
    rings = [Ring(ring).contains_points(places) for ring in path.to_polygons()]
    # What lies in an even number of rings is in a hole, such as the letter O has.
    dots = lattice[torch.from_numpy(np.sum(rings, axis=0) % 2 == 1)]
    if len(dots) < 20 * len(text.strip()):
        raise InputError(f"text has {len(text.strip())} letters, too many to fit; give fewer")
    return dots


def thinned(dots: Tensor, most: int) -> Tensor:
    """At most `most` of the dots, picked at random, always the same."""
    return dots[torch.randperm(len(dots), generator=torch.Generator().manual_seed(0))[:most]]
