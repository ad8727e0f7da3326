"""Made-up sheets of poses: creatures with a place and a heading, on a periodic square.

Poses are tensors (B, N, 3): x to the right and y up, in pixels, and the heading theta in radians
anticlockwise from x, so that a creature looks along e = (cos theta, sin theta).  Sheets are drawn
by Metropolis et al. (J. Chem. Phys. 21, 1087, 1953) from laws of pairs, which a fit is not told.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from eqflow_nb.inputs import InputError, as_numbers, check_finite, choice, count, positive, seeded
from eqflow_nb.snapshots.cache import cached

SIZE, NUMBER = 64.0, 16  # pixels a side of a sheet, and creatures on it
BLUR = (0.3, 0.3, 0.06)  # noise level of a pose: pixels, pixels, radians
VERSION = 2  # of the laws and of the moves: cached sheets of another are not read
SWEEPS = 400
DENSE = 64  # creatures up to which all pairs are looked at; above, a k-d tree finds the near ones

Law = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def _apart(r: Tensor) -> Tensor:
    return -20 * torch.exp(-((r / 6) ** 4))


def _aligned(strength: float) -> Law:
    def law(r: Tensor, a: Tensor, b: Tensor, mixed: Tensor) -> Tensor:
        return _apart(r) + strength * torch.exp(-((r / 14) ** 2)) * torch.cos(a - b)

    return law


def _schools(r: Tensor, a: Tensor, b: Tensor, mixed: Tensor) -> Tensor:
    near = torch.exp(-(((r - 9) / 4) ** 2))
    return _apart(r) + near * (2.0 + 0.5 * torch.cos(a - b))


def _couples(r: Tensor, a: Tensor, b: Tensor, mixed: Tensor) -> Tensor:
    facing = torch.exp(torch.cos(a) - torch.cos(b) - 2)
    return _apart(r) + 9 * torch.exp(-(((r - 9) / 2.5) ** 2)) * facing


def _two_kinds(r: Tensor, a: Tensor, b: Tensor, mixed: Tensor) -> Tensor:
    return _apart(r) + torch.where(mixed, 1.5, -0.5) * torch.exp(-(((r - 11) / 4) ** 2))


# log p of a pair at distance r whose headings are a and b from the bearing, of one to the other.
LAWS: dict[str, Law] = {
    "scattered": lambda r, a, b, mixed: _apart(r),
    "flock": _aligned(1.4),
    "strong flock": _aligned(2.6),
    "schools": _schools,
    "couples": _couples,
    "two kinds": _two_kinds,
}


def sample(
    name: str, sheets: int, seed: int = 0, number: int = NUMBER, size: float = SIZE
) -> Tensor:
    """Draw sheets of poses (sheets, number, 3), float32, of one of `LAWS`.

    On a sheet of "two kinds" the first half of the creatures are of one kind, the others of the
    other.  The size is in pixels a side.
    """
    law, size = LAWS[choice(name, LAWS, "name")], positive(size, "size")
    sheets, number = count(sheets, "sheets"), count(number, "number", at_least=2)
    if number * 40 > size**2:
        raise InputError(f"number is {number}: at most {size**2 // 40:g} creatures find room")
    about = dict(poses=name, sheets=sheets, seed=seed, number=number, size=size, version=VERSION)
    return torch.from_numpy(cached(about, lambda: _metropolis(law, sheets, number, size, seed)))


def _metropolis(law: Law, sheets: int, number: int, size: float, seed: int) -> np.ndarray:
    """Creature by creature, on all sheets at once: moved, and the move kept or taken back."""
    generator = seeded(seed)
    q = torch.rand(sheets, number, 3, generator=generator) * torch.tensor([size, size, math.tau])
    mixed = (torch.arange(number) < number // 2) != (torch.arange(number) < number // 2)[:, None]
    steps = torch.tensor([[4.0, 4, 0.8], [size, size, math.tau]])  # a small one, or anywhere

    def energy(one: Tensor, i: int) -> Tensor:
        gap = periodic(q[..., :2] - one[:, None, :2], size)
        bearing = torch.atan2(gap[..., 1], gap[..., 0])
        r = gap.norm(dim=-1)
        r[:, i] = math.inf
        log = law(r, one[:, None, 2] - bearing, q[..., 2] - bearing, mixed[i])
        return log.sum(1)

    for sweep in range(SWEEPS):
        scale = steps[int(sweep % 4 == 3)]
        kicks = scale * torch.randn(number, sheets, 3, generator=generator)
        chance = torch.rand(number, sheets, generator=generator).log()
        for i in range(number):
            old, new = q[:, i], q[:, i] + kicks[i]
            q[:, i] = torch.where((chance[i] < energy(new, i) - energy(old, i))[:, None], new, old)
    return wrapped(q, size).numpy()


def blurred(q: Tensor, seed: int = 0, sigma: tuple[float, float, float] = BLUR) -> Tensor:
    """Sheets (B, N, 3) with noise of level sigma (pixels, pixels, radians) on every pose."""
    noise = torch.randn(q.shape, generator=seeded(seed + 1_000_003))
    return q + noise.to(q) * torch.tensor(sigma).to(q)


def periodic(gap: Tensor, size: float) -> Tensor:
    """The shortest of the ways (..., 2), pixels, between the same two places on the sheet."""
    return gap - size * (gap / size).round()


def wrapped(q: Tensor, size: float = SIZE) -> Tensor:
    """Poses (..., 3) with places in [0, size) and headings in [0, 2 pi)."""
    return q.remainder(torch.tensor([size, size, math.tau]).to(q))


def neighbours(q: Tensor, size: float, reach: float) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of creatures nearer than `reach` pixels, each once.

    Of poses (B, N, 3) come the numbers i < j (P,), counted through all sheets, and the way (P, 2)
    from i to j, in pixels.  Time and memory grow with the number of pairs.
    """
    places = q.detach()[..., :2]
    n = q.shape[1]
    if n <= DENSE:
        i, j = torch.triu_indices(n, n, 1, device=q.device)
        near = periodic(places[:, j] - places[:, i], size).square().sum(-1) < reach**2
        sheet, pair = near.nonzero(as_tuple=True)
        i, j = sheet * n + i[pair], sheet * n + j[pair]
    else:
        found = []
        for k, points in enumerate(places.double().cpu().numpy() % size % size):
            pairs = cKDTree(points, boxsize=size).query_pairs(reach, output_type="ndarray")
            found.append(torch.from_numpy(pairs) + k * n)
        i, j = torch.cat(found).to(q.device).T
    flat = q[..., :2].reshape(-1, 2)
    return i, j, periodic(flat[j] - flat[i], size)


def checked(q: Tensor, name: str = "poses") -> Tensor:
    """Return sheets of poses (B, N, 3) if they are such, of two creatures or more."""
    q = as_numbers(q, name)
    if q.ndim != 3 or q.shape[2] != 3 or not len(q) or q.shape[1] < 2:
        raise InputError(
            f"{name} have shape {tuple(q.shape)}; give (sheets, creatures, 3): x, y and heading, "
            "of at least 2 creatures, as many on each sheet"
        )
    check_finite(q, name)
    if (most := float(q[..., 2].abs().max())) > 2 * math.tau:
        raise InputError(
            f"{name} have headings up to {most:.0f}: these look like degrees; headings are in "
            "radians, torch.deg2rad turns them, and `wrapped` those of creatures that wound round"
        )
    return q


def from_canvas(centres: Tensor, heading: Tensor, size: float) -> Tensor:
    """Poses (..., 3) of creatures found at centres (..., 2), pixels down and right of a canvas."""
    return wrapped(torch.stack([centres[..., 1], -centres[..., 0], heading], -1), size)


def to_canvas(q: Tensor, size: float) -> tuple[Tensor, Tensor]:
    """Centres (..., 2), pixels down and right, and headings of poses (..., 3), for a canvas."""
    q = wrapped(q, size)
    return torch.stack([(-q[..., 1]).remainder(size), q[..., 0]], -1), q[..., 2]
