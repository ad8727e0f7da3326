"""Ready-made drawings: dots (n, 2), each coordinate between -EXTENT and EXTENT."""

import torch
from torch import Tensor

from eqflow_nb.inputs import choice
from eqflow_nb.snapshots import toys

EXTENT = 3.0
SPACING = 0.1  # between the dots of a letter
READY = ("two moons", "ring", "pinwheel", "letter S")


def ready(name: str) -> Tensor:
    """A ready-made drawing, one of `READY`."""
    if choice(name, READY, "drawing") != "letter S":
        return (1.2 * toys.TOYS[name.replace(" ", "_")]().sample(600, 0)).clamp(-EXTENT, EXTENT)
    from matplotlib.textpath import TextPath

    path = TextPath((0, 0), "S", size=1)  # filled with dots, as large as the sheet allows
    low, high = path.vertices.min(0), path.vertices.max(0)
    line = torch.arange(SPACING - EXTENT, EXTENT, SPACING)
    lattice = torch.cartesian_prod(line, line)
    places = lattice.numpy() / (1.7 * EXTENT / (high - low).max()) + (low + high) / 2
    return lattice[torch.from_numpy(path.contains_points(places))]
