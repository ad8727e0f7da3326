"""Canvases of small creatures: icons at random places and angles, on a periodic sheet of paper."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from eqflow_nb.inputs import InputError, choice, count, positive, seeded
from eqflow_nb.snapshots.base import World
from eqflow_nb.snapshots.poses import periodic

PAPER = (0.93, 0.91, 0.86)
DIAMETER = 13.0
COUNT = 8  # on a canvas of 64^2; larger canvases have as many for their area
TRIES = 200
# Angles, and the parts of a pixel, down and right, that creatures at random are put down with.
TURNS = 2 * math.pi * torch.arange(512) / 512
SHIFTS = torch.rand(512, 2, generator=torch.Generator().manual_seed(0)) - 0.5
RASTER = 96  # pixels a side of a drawn icon
TEAL, BLUE, RED, WHITE = (0.35, 0.6, 0.62), (0.05, 0.3, 0.75), (0.84, 0.15, 0.12), (1.0, 1.0, 1.0)
DARK, INK = (0.08, 0.08, 0.1), (0.16, 0.12, 0.16)
SHAPES = {  # colour, centre and radii of each ellipse, from the lowest up; y goes down
    "firefly": (
        (TEAL, 0.12, 0.42, 0.36, 0.3),
        (TEAL, 0.12, -0.42, 0.36, 0.3),
        (INK, 0.05, 0, 0.55, 0.25),
        ((0.98, 0.78, 0.02), -0.52, 0, 0.36, 0.3),
        ((0.75, 0.12, 0.1), 0.68, 0, 0.25, 0.25),
    ),
    "taiji": (
        (DARK, 0, 0, 0.95, 0.95),
        (WHITE, 0, 0, 0.84, 0.84),
        (DARK, 0, 0, 0.84, 0.84),
        (DARK, 0.42, 0, 0.42, 0.42),
        (WHITE, -0.42, 0, 0.42, 0.42),
        (WHITE, 0.42, 0, 0.15, 0.15),
        (DARK, -0.42, 0, 0.15, 0.15),
    ),
    "dot": ((BLUE, 0, 0, 0.8, 0.8),),
    "dots": ((BLUE, -0.47, 0, 0.46, 0.46), (RED, 0.47, 0, 0.46, 0.46)),
}
ICONS = tuple(SHAPES)


def icons(icon: str | Tensor, size: int = 64, diameter: float = DIAMETER) -> World:
    """World of canvases, `size` pixels a side, of one kind of creature, `diameter` pixels wide.

    The icon is one of `ICONS`, or any picture (4, S, S), RGBA in [0, 1], seen inside the circle in
    its square.  Red, green and blue are centred one by one, and share one scale, their common
    deviation: a colour that hardly varies is not blown up.
    """
    size, diameter = count(size, "size", at_least=16), positive(diameter, "diameter")
    ink = rendered(picture(icon), TURNS, SHIFTS, diameter)
    # A place is as likely as any other: mean and variance follow from the ink alone.
    share = crowd(size) / size**2
    mean = share * ink.sum((2, 3)).mean(0).double()
    square = share * ink.square().sum((2, 3)).mean(0).double()
    variance = float((square - mean**2).mean())
    if variance < 1e-4:
        why = "it is tiny, or of the paper's colour; draw it larger or with another"
        raise InputError(f"icon hardly shows on the paper: {why}")

    def sample(n: int, seed: int) -> Tensor:
        return world.scaled(placed(icon, n, size, seed=seed, diameter=diameter)[0])

    name, colours = icon if isinstance(icon, str) else "drawn", ("red", "green", "blue")
    scale = torch.full((3,), math.sqrt(variance)).double()
    world = World(name, colours, sample, torch.tensor(PAPER).double() + mean, scale)
    return world


def crowd(size: int) -> int:
    """How many creatures a canvas holds: 8 on 64 by 64 pixels, and as many for the area else."""
    return max(1, round(COUNT * (size / 64) ** 2))


def placed(
    icon: str | Tensor, n: int, size: int = 64, number: int | None = None, seed: int = 0,
    diameter: float = DIAMETER, centres: Tensor | None = None, angles: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Canvases (n, 3, size, size) in [0, 1] of creatures that do not overlap, and where they are.

    Each holds `number` creatures, `crowd(size)` if not given, at `centres` (n, number, 2) to half a
    pixel, or at random; if their `angles` (n, number) are given, too, exactly there.  Returned with
    them are the true centres (n, number, 2), in pixels down and right, and the angles (n, number),
    in radians anticlockwise.
    """
    n, size = count(n, "n"), count(size, "size", at_least=16)
    number = crowd(size) if number is None else count(number, "number")
    diameter, rgba, generator = positive(diameter, "diameter"), picture(icon), seeded(seed)
    corners = _apart(n, number, size, diameter + 1.5, generator) if centres is None else centres
    number = corners.shape[1]
    if angles is None:
        pose = torch.randint(len(TURNS), (n, number), generator=generator)
        angles, shifts = TURNS[pose], SHIFTS[pose]
        ink = rendered(rgba, TURNS, SHIFTS, diameter)[pose]
    else:
        shifts = corners - corners.round()
        ink = rendered(rgba, angles.flatten(), shifts.flatten(0, 1), diameter)
        ink = ink.unflatten(0, angles.shape)
    side, reach = ink.shape[-1], torch.arange(ink.shape[-1])
    corner = corners.round().long() - side // 2
    rows = (corner[..., 0, None] + reach) % size
    columns = (corner[..., 1, None] + reach) % size
    paper = torch.tensor(PAPER).repeat(n, size, size, 1)
    where = (torch.arange(n)[:, None, None, None], rows[..., :, None], columns[..., None, :])
    paper.index_put_(where, ink.permute(0, 1, 3, 4, 2), accumulate=True)
    true = (corners.round() + shifts) % size
    return paper.permute(0, 3, 1, 2).clamp(0, 1).contiguous(), true, angles


def rendered(rgba: Tensor, angles: Tensor, shifts: Tensor, diameter: float = DIAMETER) -> Tensor:
    """What an icon (4, S, S) adds to the paper's colour, on small patches (n, 3, P, P) around it.

    Angles (n,) are in radians anticlockwise; by `shifts` (n, 2), in pixels down and right, it is
    off a patch's centre, up to half a pixel.
    """
    side = 2 * math.ceil(diameter / 2 + 1) + 1
    # Three points a pixel each way, then their mean: edges are smooth at any angle.
    fine = (torch.arange(3 * side) - (3 * side - 1) / 2) / 3
    down, right = torch.meshgrid(fine, fine, indexing="ij")
    down = (down - shifts[:, 0, None, None]) / (diameter / 2)
    right = (right - shifts[:, 1, None, None]) / (diameter / 2)
    cos, sin = angles.cos()[:, None, None], angles.sin()[:, None, None]
    places = torch.stack([cos * right - sin * down, sin * right + cos * down], dim=-1)
    inked = rgba[3:] * (rgba[:3] - torch.tensor(PAPER)[:, None, None])
    inside = (places.square().sum(-1) <= 1)[:, None].float()
    picture = inked.expand(len(angles), -1, -1, -1)
    drawn = F.grid_sample(picture, places, "bilinear", "zeros", align_corners=False) * inside
    return F.avg_pool2d(drawn, 3)


def _apart(n: int, number: int, size: int, distance: float, generator: torch.Generator) -> Tensor:
    """Centres (n, number, 2) at least a distance from each other, put down one after another."""
    centres, todo = torch.full((n, number, 2), math.nan), torch.arange(n)
    for _ in range(20):  # a canvas on which one finds no room is begun again
        tried, fits = centres[todo], torch.ones(len(todo), dtype=torch.bool)
        for i in range(number):
            spots = (size * torch.rand(len(todo), TRIES, 1, 2, generator=generator)).floor()
            gap = periodic(spots - tried[:, None, :i], size).norm(dim=-1)
            free = (gap >= distance).all(-1)
            fits &= free.any(1)
            tried[:, i] = spots[torch.arange(len(todo)), free.int().argmax(1), 0]
        centres[todo[fits]] = tried[fits]
        todo = todo[~fits]
        if not len(todo):
            return centres
    found = f"so many creatures {distance - 1.5:g} pixels wide do not fit on {size} by {size}"
    raise InputError(f"number is {number}: {found} pixels; give fewer, or a larger canvas")


def picture(icon: str | Tensor) -> Tensor:
    """RGBA (4, S, S) of one of `ICONS`, or of a picture in [0, 1] if it is one."""
    if isinstance(icon, str):
        return _drawn(choice(icon, ICONS, "icon"))
    rgba = torch.as_tensor(icon, dtype=torch.float32)
    if rgba.ndim != 3 or rgba.shape[0] != 4 or rgba.shape[1] != rgba.shape[2]:
        raise InputError(f"icon has shape {tuple(rgba.shape)}; it must be RGBA, (4, S, S)")
    if not torch.isfinite(rgba).all() or rgba.min() < 0 or rgba.max() > 1:
        raise InputError("icon holds values outside [0, 1]; divide bytes by 255")
    if rgba[3].max() < 0.1:
        raise InputError("icon is transparent all over; draw something on it")
    return rgba


def _drawn(name: str) -> Tensor:
    """RGBA in [0, 1], (4, RASTER, RASTER); the head is to the right."""
    line = (torch.arange(RASTER) + 0.5) / RASTER * 2 - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    layers = []
    for colour, cx, cy, rx, ry in SHAPES[name]:
        radius = ((x - cx) ** 2 / rx**2 + (y - cy) ** 2 / ry**2).sqrt()
        # The edge is a raster pixel wide.
        layers.append((colour, ((1 - radius) * min(rx, ry) * RASTER / 2 + 0.5).clamp(0, 1)))
    if name == "firefly":  # its tail glows
        glow = torch.exp(-((x + 0.52) ** 2 + y**2) / 0.13) * 0.55
        layers.insert(0, ((1.0, 0.85, 0.1), glow))
    if name == "taiji":  # of the third only the upper half
        layers[2] = (DARK, layers[2][1] * ((-y) * RASTER / 2 + 0.5).clamp(0, 1))
    canvas = torch.zeros(4, RASTER, RASTER)
    for colour, over in layers:
        alpha = over + canvas[3] * (1 - over)
        ink = torch.tensor(colour)[:, None, None] * over + canvas[:3] * canvas[3] * (1 - over)
        canvas = torch.cat([ink / alpha.clamp(min=1e-6), alpha[None]])
    return canvas
