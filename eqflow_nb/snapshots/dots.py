"""Drawings made by hand: dots painted, sprayed and erased, kept in files, and sampled from.

A drawing is a tensor (n, 2) of dots with both coordinates between -EXTENT and EXTENT.  Tools take
one and return another; none changes what it was given.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import InputError, as_samples, choice, positive, replace_bytes
from eqflow_nb.snapshots import toys
from eqflow_nb.snapshots.base import Mixture, World

EXTENT = 3.0
SPACING = 0.1  # between the dots of a brush
MOST = 20_000  # dots on a sheet
LARGEST_MB = 5
READY = ("two moons", "ring", "pinwheel", "letter S")

Place = tuple[float, float]


def blank() -> Tensor:
    """A drawing (0, 2) without a dot."""
    return torch.zeros(0, 2)


def brushed(dots: Tensor, start: Place, end: Place, radius: float) -> Tensor:
    """Fill all within `radius` of the line from `start` to `end`, evenly."""
    lattice = _lattice()
    new = lattice[_distance(lattice, start, end) <= positive(radius, "radius")]
    there = {tuple(each) for each in (dots / SPACING).round().int().tolist()}
    fresh = [tuple(each) not in there for each in (new / SPACING).round().int().tolist()]
    return torch.cat([dots, new[torch.tensor(fresh, dtype=torch.bool)]])[-MOST:]


def sprayed(
    dots: Tensor, start: Place, end: Place, radius: float, number: int = 20, seed: int = 0
) -> Tensor:
    """Add `number` dots at random within `radius` of the line; it gets denser each time."""
    generator = torch.Generator().manual_seed(seed)
    turn, out, along = torch.rand(3, number, generator=generator)
    turn = 2 * torch.pi * turn
    ring = positive(radius, "radius") * out.sqrt() * torch.stack([turn.cos(), turn.sin()])
    a, b = torch.tensor([start, end], dtype=torch.float32)
    new = a + along[:, None] * (b - a) + ring.T
    return torch.cat([dots, new[(new.abs() <= EXTENT).all(1)]])[-MOST:]


def erased(dots: Tensor, start: Place, end: Place, radius: float) -> Tensor:
    """Take away all dots within `radius` of the line from `start` to `end`."""
    return dots[_distance(dots, start, end) > positive(radius, "radius")]


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
    lattice = _lattice()
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


def world(dots: Tensor) -> World:
    """The drawing as a world: a snapshot is one of its dots.  Blurred, it is an exact mixture.

    Coordinates are the sheet's, not scaled, so that what moves fits what was drawn.
    """
    dots = as_samples(dots, "drawing", dim=2, at_least=1)

    def sample(n: int, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return dots[torch.randint(len(dots), (n,), generator=generator)]

    def mixture(sigma: float) -> Mixture:
        each = dots.double()
        spread = sigma**2 * torch.eye(2, dtype=torch.float64)
        return torch.ones(len(each)).double() / len(each), each, spread.repeat(len(each), 1, 1)

    zero, one = torch.zeros(2).double(), torch.ones(2).double()
    return World("drawing", ("x", "y"), sample, zero, one, mixture=mixture)


def save(dots: Tensor, path: Path | str) -> Path:
    """Write a drawing to an .npz file, "points" (n, 2); what is there and is none is left alone."""
    path, content = Path(path), io.BytesIO()
    np.savez_compressed(content, points=dots.numpy())
    if path.suffix != ".npz":
        raise InputError(f"file is {path.name!r}; give a name that ends in .npz")
    try:
        if path.exists():
            load(path)
        replace_bytes(path, content.getvalue())
    except InputError as error:
        there = f"file {path.name!r} exists and is no drawing"
        raise InputError(f"{there}, so it is kept; give another name") from error
    except OSError as error:
        raise InputError(f"file {path.name!r} can't be written: {error.strerror}") from error
    return path


def load(source: Path | str | bytes) -> Tensor:
    """Read a drawing (n, 2) from an .npz file, or from its content.  Nothing is unpickled."""
    name = "drawing" if isinstance(source, bytes) else f"drawing {Path(source).name!r}"
    try:
        content = source if isinstance(source, bytes) else Path(source).read_bytes()
        # Its size is looked at before it is unpacked.
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            size = sum(member.file_size for member in packed.infolist())
        if size > LARGEST_MB * 1e6:
            raise InputError(f"{name} holds {size / 1e6:.0f} MB; at most {LARGEST_MB} MB are read")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            points = arrays["points"]
    except InputError:
        raise
    except Exception as error:  # a damaged archive raises nearly anything
        wrong = f"{name} can't be read as an .npz file with an array called points ({error})"
        raise InputError(f"{wrong}; give one that the panel saved") from error
    dots = as_samples(points, f"{name}: points", dim=2, at_least=1).float()
    if len(dots) > MOST:
        raise InputError(f"{name} has {len(dots)} points; at most {MOST} fit on a sheet")
    far, limits = float(dots.abs().max()), f"between {-EXTENT:g} and {EXTENT:g}"
    if far > EXTENT:
        raise InputError(f"{name} reaches to {far:g}; coordinates must lie {limits}")
    return dots


def _lattice() -> Tensor:
    """All places (m, 2) of a brush's dots."""
    half = round(EXTENT / SPACING) - 1
    line = torch.arange(-half, half + 1) * SPACING
    return torch.cartesian_prod(line, line)


def _distance(points: Tensor, start: Place, end: Place) -> Tensor:
    """Distances (n,) of points (n, 2) from a line with ends."""
    a, b = torch.tensor([start, end], dtype=torch.float32)
    along = ((points - a) @ (b - a) / ((b - a) @ (b - a)).clamp(min=1e-12)).clamp(0, 1)
    return (points - a - along[:, None] * (b - a)).norm(dim=1)
