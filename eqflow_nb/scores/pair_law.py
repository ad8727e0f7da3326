"""The distribution of sheets of poses as a sum over pairs, read from sheets in one linear solve.

    log p(q) = sum over pairs i < j of sum_h f_h(r) cos(m_h a + n_h b + phase_h)

Here r is the distance of a pair, and a and b are the headings of i and j from the bearing of j as
i sees it.  So p is invariant under shifts and rotations, and, if asked, mirrors.  It is linear in
the f_h, which are cubic splines, and so is its score: denoising score matching (Vincent, Neural
Computation 23, 1661, 2011) is a least-squares problem.  A prior says that they are smooth: where no
pair was seen, as in the core of creatures that keep apart, an f_h goes on as a parabola.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from scipy.interpolate import BSpline
from torch import Tensor

from eqflow_nb.inputs import InputError, between, count
from eqflow_nb.snapshots import poses

PRIORS = tuple(10.0**k for k in range(-3, 6))  # weights of the smoothness prior that are tried
ANGULAR = 100.0  # of it for what depends on headings: smaller than what keeps bodies apart
RIDGE = 1e-6  # of the mean diagonal: keeps the solve well-posed and changes no figure
FOLDS, DRAWS, CHUNK = (
    8,
    4,
    32,
)  # sheets at once; parts of the sheets held out in turn, and draws of the noise (and of minus it)


@dataclass(frozen=True)
class PairLaw:
    """log p of sheets of poses (B, N, 3), up to a constant, and its score.

    Attributes
    ----------
    values, slopes : Tensor (S, K, H)
        f_h and its derivative by r at r = 0, spacing, 2 spacing, ...; between them f_h is the cubic
        that meets both, from r = (K - 1) spacing on it is 0.  S pairs of kinds, see `kinds`.
    harmonics : Tensor (H, 3)
        m_h, n_h and phase_h.
    spacing, size : float
        Pixels between two values of r, and a side of the periodic sheet.
    kinds : sequence of int
        How many creatures are of each kind, in the order of a sheet.  Pairs of kinds come in the
        order (0, 0), (0, 1), ..., (1, 1), ...; i is of the first.
    """

    values: Tensor
    slopes: Tensor
    harmonics: Tensor
    spacing: float
    size: float
    kinds: tuple[int, ...] | None = None

    @property
    def reach(self) -> float:
        """The distance, in pixels, from which creatures do not affect each other."""
        return self.spacing * (self.values.shape[1] - 1)

    def on(self, size: float, kinds: tuple[int, ...] | None = None) -> "PairLaw":
        """The same law on a sheet of another size, in pixels, with other numbers of each kind."""
        return replace(self, size=size, kinds=kinds)

    def log_p(self, q: Tensor) -> Tensor:
        """log p (B,), up to a constant, of sheets of poses (B, N, 3)."""
        pairs = _Pairs.of(q, self)
        f, _ = self._radial(pairs)
        logs = (f * pairs.phases(self.harmonics).cos()).sum(1)
        return logs.new_zeros(len(q)).index_add(0, pairs.i // q.shape[1], logs)

    def __call__(self, q: Tensor) -> Tensor:
        """The score (B, N, 3): derivatives of log p, 1 / pixel, 1 / pixel and 1 / radian."""
        pairs = _Pairs.of(q, self)
        f, slope = self._radial(pairs)
        phases = pairs.phases(self.harmonics)
        m, n = self.harmonics[:, :2].to(f).T
        rises = f * phases.sin()
        by_r, by_a, by_b = (slope * phases.cos()).sum(1), -rises @ m, -rises @ n
        return pairs.gathered(by_r, by_a, by_b, q)

    def _radial(self, pairs: "_Pairs") -> tuple[Tensor, Tensor]:
        """f_h and its derivative (P, H) at the distance of each pair."""
        cell = (pairs.r.detach() / self.spacing).long().clamp(max=self.values.shape[1] - 2)
        t = (pairs.r / self.spacing - cell)[:, None]
        c = self._cubics.to(t)[pairs.species, cell].unbind(1)
        f = c[0] + t * (c[1] + t * (c[2] + t * c[3]))
        return f, (c[1] + t * (2 * c[2] + t * 3 * c[3])) / self.spacing

    @cached_property
    def _cubics(self) -> Tensor:
        """Coefficients (S, K - 1, 4, H) of the powers of t, from 0 to 1 between two values."""
        f, g = self.values, self.slopes * self.spacing
        rise, g0, g1 = f[:, 1:] - f[:, :-1], g[:, :-1], g[:, 1:]
        return torch.stack([f[:, :-1], g0, 3 * rise - 2 * g0 - g1, g0 + g1 - 2 * rise], 2)


@dataclass(frozen=True)
class _Pairs:
    """Pairs (P,) within reach: creatures i and j, pair of kinds, distance, bearing, headings."""

    i: Tensor
    j: Tensor
    species: Tensor
    r: Tensor
    unit: Tensor  # (P, 2)
    a: Tensor
    b: Tensor

    @classmethod
    def of(cls, q: Tensor, law: PairLaw) -> "_Pairs":
        return cls.near(q, law.size, law.reach, law.kinds)

    @classmethod
    def near(
        cls, q: Tensor, size: float, reach: float, kinds: tuple[int, ...] | None = None
    ) -> "_Pairs":
        i, j, gap = poses.neighbours(q, size, reach)
        species = torch.zeros_like(i)
        if kinds is not None and len(kinds) > 1:
            kind = torch.repeat_interleave(torch.tensor(kinds, device=q.device))
            low, high = kind[i % q.shape[1]], kind[j % q.shape[1]]
            species = low * len(kinds) - low * (low + 1) // 2 + high
        r = gap.norm(dim=1).clamp(min=1e-6)
        heading, bearing = q[..., 2].reshape(-1), torch.atan2(gap[:, 1], gap[:, 0])
        return cls(i, j, species, r, gap / r[:, None], heading[i] - bearing, heading[j] - bearing)

    def phases(self, harmonics: Tensor) -> Tensor:
        m, n, shift = harmonics.to(self.a).T
        return self.a[:, None] * m + self.b[:, None] * n + shift

    def gathered(self, by_r: Tensor, by_a: Tensor, by_b: Tensor, q: Tensor) -> Tensor:
        """The score (B, N, 3) from the derivatives (P,) of each pair's part by r, a and b."""
        x, y, r = (each.view(-1, *(1,) * (by_r.ndim - 1)) for each in (*self.unit.T, self.r))
        across = -(by_a + by_b) / r  # a bearing that grows lowers a and b
        to_j = torch.stack([by_r * x - across * y, by_r * y + across * x, by_b], 1)
        to_i = torch.cat([-to_j[:, :2], by_a[:, None]], 1)
        total = to_j.new_zeros(q[..., 0].numel(), *to_j.shape[1:])
        total = total.index_add(0, self.i, to_i).index_add(0, self.j, to_j)
        return total.view(*q.shape, *by_r.shape[1:])


@dataclass(frozen=True)
class PairFit:
    """A fitted law, and what sheets that it was not fitted to say about it.

    A gain is how much lower than that of no law (a score of 0) the loss of denoising score matching
    is, a creature: E |sigma s|^2 is lowered by as much.
    """

    law: PairLaw
    gain: float  # on held-out sheets
    error: float  # its standard error, over parts of the sheets
    fitted_gain: float  # on the sheets that the law was fitted to: higher, by what is noise
    noise: float  # rms difference of the scores of two halves of the sheets, over the rms score
    prior: float  # the weight chosen


def fit_pair_law(
    q: Tensor,
    size: float = poses.SIZE,
    reach: float = 28.0,
    order: int = 1,
    mirror: bool = False,
    kinds: Sequence[int] | None = None,
    spacing: float = 1.25,
    sigma: tuple[float, float, float] = poses.BLUR,
    seed: int = 0,
) -> PairFit:
    """Fit the distribution of sheets of poses (B, N, 3) blurred by sigma (pixels and radians).

    Parameters
    ----------
    q : Tensor (B, N, 3)
        Sheets without blur; see `eqflow_nb.snapshots.poses`.
    size, reach, spacing : float
        Pixels: a side of a sheet; how far creatures affect each other; between two knots.
    order : int
        The most waves of either angle.
    mirror : bool
        Whether a sheet and its mirror image are equally likely.
    kinds : sequence of int, optional
        How many creatures of each kind there are, in the order of a sheet.
    sigma, seed
        The blur, and the seed of its noise.
    """
    q, reach = poses.checked(q).double(), between(reach, "reach", 4 * spacing, size / 2)
    kinds = None if kinds is None else tuple(count(n, "kinds") for n in kinds)
    if kinds is not None and sum(kinds) != q.shape[1]:
        raise InputError(f"kinds are {kinds}; together they must be the {q.shape[1]} of a sheet")
    if len(q) < 2:
        raise InputError("poses hold 1 sheet; a second one is needed to check what it says")
    basis = _Basis.of(size, reach, spacing, count(order, "order"), mirror, kinds)
    folds = min(FOLDS, len(q))
    parts = [basis.moments(part, sigma, seed + f) for f, part in enumerate(_dealt(q, folds))]
    squares, pulls = (torch.stack(each) for each in zip(*parts, strict=True))
    weight = RIDGE * squares.sum(0).diagonal().mean()

    def solve(some: list[int], prior: float) -> Tensor:
        square = squares[some].sum(0) + prior * basis.roughness
        square.diagonal().add_(weight)
        return torch.linalg.solve(square, pulls[some].sum(0))

    def gain(c: Tensor, part: int) -> float:
        return float(2 * pulls[part] @ c - c @ squares[part] @ c) / (2 * DRAWS * q.shape[1])

    everything = list(range(folds))
    shares = torch.tensor([len(part) for part in _dealt(q, folds)]).double()
    held = torch.tensor(
        [
            [gain(solve([g for g in everything if g != f], prior), f) for f in everything]
            for prior in PRIORS
        ]
    ).double()
    best = int(held.sum(1).argmax())
    c, prior = solve(everything, PRIORS[best]), PRIORS[best]
    gains = held[best] / shares
    mean, error = float(held[best].sum() / len(q)), float(gains.std() / math.sqrt(folds))
    apart = solve(everything[::2], prior) - solve(everything[1::2], prior)
    square = squares.sum(0)
    noise = float((apart @ square @ apart / (c @ square @ c)).sqrt())
    if not mean > 2 * error:
        raise InputError(
            f"{len(q)} sheets of {q.shape[1]} creatures say too little: what a law read from some "
            f"explains of the others is {mean:.2g} +- {error:.1g} a creature.  Give more sheets; "
            "or these creatures do not notice each other"
        )
    fitted = sum(gain(c, f) for f in everything) / len(q)
    return PairFit(basis.law(c), mean, error, fitted, noise, prior)


def _dealt(q: Tensor, folds: int) -> list[Tensor]:
    return [q[f::folds] for f in range(folds)]


@dataclass(frozen=True)
class _Basis:
    """What a law is a sum of: splines by distance, times harmonics, for each pair of kinds."""

    size: float
    spacing: float
    knots: Tensor
    harmonics: Tensor  # (H, 3)
    mixes: tuple[Tensor, ...]  # for each pair of kinds (H, C): harmonics with one f, up to a sign
    kinds: tuple[int, ...] | None

    @classmethod
    def of(
        cls,
        size: float,
        reach: float,
        spacing: float,
        order: int,
        mirror: bool,
        kinds: tuple[int, ...] | None,
    ) -> "_Basis":
        waves = [
            (m, n) for m in range(order + 1) for n in range(-order, order + 1) if m > 0 or n >= 0
        ]
        rows = [(m, n, 0.0) for m, n in waves]
        rows += [(m, n, -math.pi / 2) for m, n in waves if (m, n) != (0, 0) and not mirror]
        # Creatures of one kind have no order: i and j swapped give the same, with the same f.
        swap = torch.zeros(len(rows), len(rows)).double()
        for h, (m, n, shift) in enumerate(rows):
            flip = n < 0 or (n == 0 and m < 0)  # (n, m) is written as (-n, -m): sines change sign
            other = (-n, -m, shift) if flip else (n, m, shift)
            swap[rows.index(other), h] = (-1) ** (m + n) * (-1 if flip and shift else 1)
        both = (torch.eye(len(rows)) + swap).T
        alike = torch.stack([c for h, c in enumerate(both) if c.any() and h == c.nonzero()[0]]).T
        number = 1 if kinds is None else len(kinds)
        mixes = [
            alike if s == t else torch.eye(len(rows)).double()
            for s in range(number)
            for t in range(s, number)
        ]
        steps = round(reach / spacing)
        knots = torch.cat([torch.zeros(3), torch.arange(steps + 4)]).double() * spacing
        return cls(size, spacing, knots, torch.tensor(rows).double(), tuple(mixes), kinds)

    @property
    def splines(self) -> int:
        """How many there are that end, with two derivatives, before the reach or there."""
        return len(self.knots) - 7

    def radial(self, r: Tensor, derivative: int = 0) -> Tensor:
        """The splines, or a derivative of them, at distances (P,): (P, splines)."""
        spline = BSpline(self.knots.numpy(), torch.eye(self.splines + 3).numpy(), 3)
        return torch.from_numpy(spline(r.numpy(), derivative))[:, : self.splines]

    @cached_property
    def columns(self) -> list[tuple[int, Tensor, int]]:
        """Of each block of coefficients: the pair of kinds, its harmonics, its first spline.

        A function of the bearing must vanish at r = 0, the faster the more waves it has.
        """
        blocks = []
        for species, mix in enumerate(self.mixes):
            for column in mix.T:
                waves = self.harmonics[int(column.abs().argmax()), :2].sum()
                blocks.append((species, column, int(waves.abs())))
        return blocks

    @cached_property
    def roughness(self) -> Tensor:
        """Integral of f_h'''^2, summed over blocks, as a matrix of the coefficients."""
        middles = (torch.arange(self.splines).double() + 0.5) * self.spacing
        third = self.radial(middles, 3)
        square = self.spacing * third.T @ third
        parts = []
        for _, column, first in self.columns:
            turns = bool((self.harmonics[column != 0] != 0).any())
            parts.append(square[first:, first:] * (ANGULAR if turns else 1.0))
        return torch.block_diag(*parts)

    def moments(
        self, q: Tensor, sigma: tuple[float, float, float], seed: int
    ) -> tuple[Tensor, ...]:
        """Sums of A^T A and -A^T eps, with sigma s = A c, over sheets blurred by sigma eps."""
        level = torch.tensor(sigma).double()
        square, pull = torch.tensor(0.0).double(), torch.tensor(0.0).double()
        for draw in range(DRAWS):
            once = (poses.blurred(q, seed * DRAWS + draw, sigma) - q) / level
            for eps in (once, -once):
                for part, noise in zip(q.split(CHUNK), eps.split(CHUNK), strict=True):
                    a = self.features(part + level * noise) * level[:, None]
                    a = a.flatten(0, 2)
                    square, pull = square + a.T @ a, pull - a.T @ noise.flatten()
        return square, pull

    def features(self, q: Tensor) -> Tensor:
        """The score of each coefficient's part of log p, (B, N, 3, coefficients)."""
        pairs = _Pairs.near(q, self.size, self.splines * self.spacing, self.kinds)
        phases = pairs.phases(self.harmonics)
        cos, sin = phases.cos(), phases.sin()
        f, slope = self.radial(pairs.r), self.radial(pairs.r, 1)
        m, n = self.harmonics[:, :2].T
        parts = []
        for species, mix, first in self.columns:
            here = (pairs.species == species).double()[:, None]
            value, rise = here * f[:, first:], here * slope[:, first:]
            by_a, by_b = -(sin @ (mix * m)), -(sin @ (mix * n))
            parts.append(
                (rise * (cos @ mix)[:, None], value * by_a[:, None], value * by_b[:, None])
            )
        by_r, by_a, by_b = (torch.cat(part, 1) for part in zip(*parts, strict=True))
        return pairs.gathered(by_r, by_a, by_b, q)

    def law(self, c: Tensor) -> PairLaw:
        """The law of some coefficients, as a table."""
        r = self.spacing * torch.arange(self.splines + 1).double()
        tables = torch.zeros(2, len(self.mixes), len(r), len(self.harmonics)).double()
        parts = c.split([self.splines - first for *_, first in self.columns])
        for (species, mix, first), part in zip(self.columns, parts, strict=True):
            for derivative in (0, 1):
                f = self.radial(r, derivative)[:, first:] @ part
                tables[derivative, species] += f[:, None] * mix
        tables[:, :, -1] = 0  # to rounding
        return PairLaw(tables[0], tables[1], self.harmonics, self.spacing, self.size, self.kinds)
