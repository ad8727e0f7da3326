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
from eqflow_nb.snapshots.base import blur
from eqflow_nb.snapshots.cache import cached

SIZE, NUMBER = 64.0, 16  # pixels a side of a sheet, and creatures on it
BLUR = (0.3, 0.3, 0.06)  # noise level of a pose: pixels, pixels, radians
VERSION = 2  # of the laws and of the moves: cached sheets of another are not read
SWEEPS = 400
PairTerms = Callable[[Tensor, int], Tensor]
DENSE = 64  # creatures up to which all pairs are looked at; above, a k-d tree finds the near ones


def _near(r: Tensor, best: float, width: float) -> Tensor:
    return torch.exp(-(((r - best) / width) ** 2))


# log p of a pair at distance r, beside that of bodies that keep apart; a and b are the headings of
# the two from the bearing of the other as the first sees it, and mixed says if their kinds differ.
LAWS: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    "scattered": lambda r, a, b, mixed: 0 * r,
    "flock": lambda r, a, b, mixed: 1.4 * _near(r, 0, 14) * (a - b).cos(),
    "strong flock": lambda r, a, b, mixed: 2.6 * _near(r, 0, 14) * (a - b).cos(),
    "schools": lambda r, a, b, mixed: _near(r, 9, 4) * (2 + 0.5 * (a - b).cos()),
    "couples": lambda r, a, b, mixed: 9 * _near(r, 9, 2.5) * (a.cos() - b.cos() - 2).exp(),
    "two kinds": lambda r, a, b, mixed: torch.where(mixed, 1.5, -0.5) * _near(r, 11, 4),
}


def sample(
    name: str, sheets: int, seed: int = 0, number: int = NUMBER, size: float = SIZE
) -> Tensor:
    """Draw sheets of poses (sheets, number, 3), float32, of one of `LAWS`, `size` pixels a side."""
    choice(name, LAWS, "name")
    sheets, number = count(sheets, "sheets"), count(number, "number", at_least=2)
    if number * 40 > positive(size, "size") ** 2:
        raise InputError(f"number is {number}; at most {size**2 // 40:g} creatures find room")
    first = torch.arange(number) < number // 2

    def log_p(q: Tensor, i: int) -> Tensor:
        gap, theta = periodic(q[..., :2] - q[:, i, None, :2], size), q[..., 2]
        r, bearing = gap.norm(dim=-1), torch.atan2(gap[..., 1], gap[..., 0])
        pairs = LAWS[name](r, theta[:, i, None] - bearing, theta - bearing, first != first[i])
        pairs = pairs - 20 * torch.exp(-((r / 6) ** 4))
        pairs[:, i] = 0
        return pairs.sum(1)

    def make() -> np.ndarray:
        q = torch.rand(sheets, number, 3, generator=(generator := seeded(seed)))
        q = q * torch.tensor([size, size, math.tau])
        return metropolis(q, log_p, SWEEPS, generator, size).numpy()

    about = dict(poses=name, sheets=sheets, seed=seed, number=number, size=size, version=VERSION)
    return torch.from_numpy(cached(about, make))


def metropolis(
    q: Tensor, log_p: PairTerms, sweeps: int, generator: torch.Generator, size: float = SIZE
) -> Tensor:
    """Sheets (B, N, 3) after some sweeps of moves; log_p(q, i) (B,) is of creature i's pairs."""
    n = q.shape[1]
    steps = torch.tensor([[4.0, 4, 0.8], [size, size, math.tau]])  # a small one, or anywhere
    for sweep in range(sweeps):
        kicks = steps[int(sweep % 4 == 3)] * torch.randn(n, len(q), 3, generator=generator)
        chance = torch.rand(n, len(q), generator=generator).log()
        for i in range(n):
            new = q.clone()
            new[:, i] += kicks[i]
            kept = chance[i] < log_p(new, i) - log_p(q, i)
            q = torch.where(kept[:, None, None], new, q)
    return wrapped(q, size)


def blurred(q: Tensor, seed: int = 0, sigma: tuple[float, float, float] = BLUR) -> Tensor:
    """Sheets (B, N, 3) with noise of level sigma (pixels, pixels, radians) on every pose."""
    return blur(q, torch.tensor(sigma).to(q), seed + 1_000_003)


def periodic(gap: Tensor, size: float) -> Tensor:
    """The shortest of the ways (..., 2), pixels, between the same two places on the sheet."""
    return gap - size * (gap / size).round()


def wrapped(q: Tensor, size: float = SIZE) -> Tensor:
    """Poses (..., 3) with places in [0, size) and headings in [0, 2 pi)."""
    return q.remainder(torch.tensor([size, size, math.tau]).to(q))


def neighbours(
    q: Tensor, size: float, reach: float, of: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of creatures nearer than `reach` pixels, in time and memory linear in their number."""
    # Of poses (B, N, 3) come i < j (P,), counted through all sheets, and the way (P, 2) from i to
    # j; if asked, only those `of` one creature on each sheet.
    places, n = q.detach()[..., :2], q.shape[1]
    if n <= DENSE or of is not None:
        i, j = torch.triu_indices(n, n, 1, device=q.device)
        if of is not None:
            others = torch.cat([torch.arange(of), torch.arange(of + 1, n)]).to(q.device)
            i, j = others.clamp(max=of), others.clamp(min=of)
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


def checked(q: Tensor) -> Tensor:
    """Return sheets of poses (B, N, 3) if they are such, of two creatures or more."""
    q = as_numbers(q, "poses")
    if q.ndim != 3 or q.shape[2] != 3 or not len(q) or q.shape[1] < 2:
        wanted = "(sheets, creatures, 3): x, y and heading, of 2 creatures or more on each"
        raise InputError(f"poses have shape {tuple(q.shape)}; give {wanted}")
    check_finite(q, "poses")
    if (most := float(q[..., 2].abs().max())) > 2 * math.tau:
        hint = "these look like degrees, which torch.deg2rad turns into radians"
        many = "headings that wound round many times need `wrapped`"
        raise InputError(f"poses have headings up to {most:.0f}: {hint}; {many}")
    return q


def from_canvas(centres: Tensor, heading: Tensor, size: float) -> Tensor:
    """Poses (..., 3) of creatures found at centres (..., 2), pixels down and right of a canvas."""
    return wrapped(torch.stack([centres[..., 1], -centres[..., 0], heading], -1), size)
