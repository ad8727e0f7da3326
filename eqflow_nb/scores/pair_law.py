"""The distribution of sheets of poses as a sum over pairs, read from sheets in one linear solve.

    log p(q) = sum over pairs i < j of sum_h f_h(r) cos(m_h a + n_h b + phase_h)

Here r is the distance of a pair, and a and b are the headings of i and j from the bearing of j as
i sees it.  It is linear in the f_h, cubic splines, and so is its score: denoising score matching
(Vincent, Neural Computation 23, 1661, 2011) is a least-squares problem.  A prior says that they are
smooth: where no pair was seen, as in bodies that keep apart, an f_h goes on as a parabola.  Blurred
sheets are a sum over pairs only if the blur is well below the distances at which creatures meet.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from scipy.interpolate import BSpline
from scipy.special import stdtrit
from torch import Tensor

from eqflow_nb.inputs import InputError, between, count, seeded
from eqflow_nb.snapshots import poses

Kinds = tuple[int, ...] | None
PRIORS = tuple(10.0**k for k in range(-3, 6))  # weights of the smoothness prior that are tried
ANGULAR = 100.0  # of it for what depends on headings: smaller than what keeps bodies apart
RIDGE = 1e-6  # of the mean diagonal: makes what is undetermined 0
FOLDS, DRAWS = 8, 3  # parts held out in turn; draws of the noise, each with its negative
SPACING = 1.25  # pixels between two knots
CHUNK = 32  # sheets at once
SWEEPS = 20  # of sheets drawn from a law, before a step towards a likelier one
SMOOTH_STEP = 30.0  # weight of the smoothness prior on such a step


@dataclass(frozen=True)
class PairLaw:
    """log p of sheets of poses (B, N, 3), up to a constant, and its score.

    The f_h and their derivatives by r are given at r = 0, spacing, 2 spacing, ...; between them f_h
    is the cubic that meets both, from r = (K - 1) spacing on it is 0.  The S pairs of kinds come in
    the order (0, 0), (0, 1), ..., (1, 1), ...; i is of the first.
    """

    values: Tensor  # (S, K, H)
    slopes: Tensor  # (S, K, H)
    harmonics: Tensor  # (H, 3): m_h, n_h and phase_h
    spacing: float  # pixels between two values of r
    size: float  # a side of the periodic sheet, pixels
    kinds: Kinds = None  # how many creatures are of each, in the order of a sheet

    def log_p(self, q: Tensor, of: int | None = None) -> Tensor:
        """log p (B,), up to a constant, of sheets (B, N, 3), or of the pairs `of` one creature."""
        return self.parts(q, of).sum(1)

    def parts(self, q: Tensor, of: int | None = None) -> Tensor:
        """The parts (B, H) of log p that are the harmonics'."""
        (i, *_), f, _, phases = self._terms(q, of)
        sums = f.new_zeros(len(q), f.shape[1])
        return sums.index_add(0, i // q.shape[1], f * phases.cos())

    def __call__(self, q: Tensor) -> Tensor:
        """The score (B, N, 3): derivatives of log p, 1 / pixel, 1 / pixel and 1 / radian."""
        return self._score(q, lambda by: by.sum(1, keepdim=True))[..., 0]

    def _score(self, q: Tensor, of: Callable[[Tensor], Tensor] = lambda by: by) -> Tensor:
        """The score (B, N, 3, k) of k parts of log p, made `of` those of the harmonics (P, H)."""
        (i, j, gap, r), f, slope, phases = self._terms(q)
        rises, (m, n, _) = -f * phases.sin(), self.harmonics.to(f).T
        by_r, by_a, by_b = of(slope * phases.cos()), of(rises * m), of(rises * n)
        across = -(by_a + by_b) / r  # a bearing that grows lowers a and b
        x, y = (gap / r).split(1, 1)
        to_j = torch.stack([by_r * x - across * y, by_r * y + across * x, by_b], 1)
        to_i = torch.cat([-to_j[:, :2], by_a[:, None]], 1)
        total = to_j.new_zeros(q[..., 0].numel(), *to_j.shape[1:])
        return total.index_add(0, i, to_i).index_add(0, j, to_j).view(*q.shape, -1)

    def _terms(
        self, q: Tensor, of: int | None = None
    ) -> tuple[tuple[Tensor, ...], Tensor, Tensor, Tensor]:
        """Pairs (i, j, way, distance), and f_h, its derivative and the angles (P, H) of each."""
        i, j, gap = poses.neighbours(q, self.size, self.spacing * (self.values.shape[1] - 1), of)
        kinds = self.kinds or (q.shape[1],)
        kind = torch.repeat_interleave(torch.tensor(kinds, device=q.device))
        low, high = kind[i % q.shape[1]], kind[j % q.shape[1]]
        r = gap.norm(dim=1, keepdim=True).clamp(min=1e-6)
        cell = (r[:, 0].detach() / self.spacing).long().clamp(max=self.values.shape[1] - 2)
        t = r / self.spacing - cell[:, None]
        c = self._cubics.to(t)[low * len(kinds) - low * (low + 1) // 2 + high, cell].unbind(1)
        f = c[0] + t * (c[1] + t * (c[2] + t * c[3]))
        slope = (c[1] + t * (2 * c[2] + t * 3 * c[3])) / self.spacing
        theta, bearing = q[..., 2].reshape(-1, 1), torch.atan2(gap[:, 1:], gap[:, :1])
        m, n, phase = self.harmonics.to(f).T
        phases = (theta[i] - bearing) * m + (theta[j] - bearing) * n + phase
        return (i, j, gap, r), f, slope, phases

    @cached_property
    def _cubics(self) -> Tensor:
        """Coefficients (S, K - 1, 4, H) of the powers of t, from 0 to 1 between two values."""
        f, g = self.values, self.slopes * self.spacing
        rise, g0, g1 = f[:, 1:] - f[:, :-1], g[:, :-1], g[:, 1:]
        return torch.stack([f[:, :-1], g0, 3 * rise - 2 * g0 - g1, g0 + g1 - 2 * rise], 2)


class PairFit(NamedTuple):
    """A fitted law; a gain is how far its E |sigma s + eps|^2 / 2 a creature is below no law's."""

    law: PairLaw
    gain: float  # on held-out sheets
    error: float  # its standard error, over parts of the sheets
    fitted_gain: float  # on the sheets that the law was fitted to: higher, by what is noise
    noise: float  # rms difference of the scores of two halves of the sheets, over the rms score


def fit_pair_law(
    q: Tensor, size: float = poses.SIZE, reach: float = 28.0, mirror: bool = False,
    kinds: Sequence[int] | None = None, sigma: tuple[float, float, float] = poses.BLUR,
    seed: int = 0, newton: int = 0,
) -> PairFit:  # fmt: skip
    """Fit the distribution of sheets of poses (B, N, 3) blurred by sigma (pixels and radians).

    Score matching says little about what is far and weak, but decides how aligned a flock near the
    onset of order is.  Newton's steps towards the most likely law say more, and take longer.

    Parameters
    ----------
    q : Tensor (B, N, 3)
        Sheets without blur; see `eqflow_nb.snapshots.poses`.
    size, reach : float
        Pixels: a side of a sheet; how far creatures affect each other.
    mirror : bool
        Whether a sheet's mirror image is as likely as it.
    kinds : sequence of int, optional
        How many creatures of each kind there are, in the order of a sheet.
    newton : int
        Steps towards the maximum of the likelihood; 4 will do.
    """
    q, reach = poses.checked(q).double(), between(reach, "reach", 4 * SPACING, size / 2)
    kinds = None if kinds is None else tuple(count(n, "kinds") for n in kinds)
    if kinds is not None and sum(kinds) != q.shape[1]:
        raise InputError(f"kinds are {kinds}; together they must be the {q.shape[1]} of a sheet")
    if len(q) < 2:
        raise InputError("poses hold 1 sheet; a second one is needed to check what it says")
    if float(torch.exp(1j * q[..., 2]).mean(1).abs().min()) > 1 - 1e-6:
        raise InputError("poses look all one way on every sheet; how they turn needs some spread")
    terms, roughness = _all_terms(size, round(reach / SPACING), mirror, kinds)
    dealt = [q[f::FOLDS] for f in range(min(FOLDS, len(q)))]
    parts = [_moments(terms, part, sigma, seed + f) for f, part in enumerate(dealt)]
    squares, pulls = map(torch.stack, zip(*parts, strict=True))
    ridge = RIDGE * squares.sum(0).diagonal().mean() * torch.eye(pulls.shape[1]).double()

    def solve(some: list[int], prior: float) -> Tensor:
        square = squares[some].sum(0) + prior * roughness + ridge
        return torch.linalg.solve(square, pulls[some].sum(0))

    def gain(c: Tensor, part: int) -> float:
        total = float(pulls[part] @ c - c @ squares[part] @ c / 2)
        return total / (4 * DRAWS * dealt[part][..., 0].numel())

    every = list(range(len(dealt)))
    held = {k: [gain(solve([*every[:f], *every[f + 1 :]], k), f) for f in every] for k in PRIORS}
    prior = max(held, key=lambda k: sum(held[k]))
    gains, c = torch.tensor(held[prior]), solve(every, prior)
    mean, error = float(gains.mean()), float(gains.std()) / math.sqrt(len(gains))
    if not mean > error * stdtrit(len(every) - 1, 0.975):  # Student: few parts err more
        found = f"a law read from some gains {mean:.2g} +- {error:.1g} a creature on the others"
        hint = "Give more of them; or these creatures do not notice each other"
        many = f"{len(q)} sheets of {q.shape[1]} creatures"
        raise InputError(f"{many} say too little: {found}.  {hint}")
    apart = solve(every[::2], prior) - solve(every[1::2], prior)
    noise = float((apart @ squares.sum(0) @ apart / (c @ squares.sum(0) @ c)).sqrt())
    fitted = sum(gain(c, f) for f in every) / len(every)
    if newton:
        c = _most_likely(terms, c, poses.blurred(q, seed, sigma), roughness, newton, seed)
    return PairFit(_law(terms, c), mean, error, fitted, noise)


def _all_terms(size: float, splines: int, mirror: bool, kinds: Kinds) -> tuple[PairLaw, Tensor]:
    """All that log p is a sum of, as a law with one harmonic for each, and their roughness."""
    # Terms are ordered by pair of kinds, harmonic and spline.  The roughness is the integral of
    # the squared third derivatives of the f_h, as a matrix of the coefficients.
    waves = [(0, 0), (0, 1), (1, -1), (1, 0), (1, 1)]  # at most one wave of either angle
    sines = [(m, n, -math.pi / 2) for m, n in waves[1:] if not mirror]
    harmonics = torch.tensor([(m, n, 0.0) for m, n in waves] + sines).double()
    knots = SPACING * np.arange(-3, splines + 4).clip(0)
    # The last three are cut off: all that stay end smoothly, at the reach or before.
    basis = BSpline(knots, np.eye(splines + 3)[:, :splines], 3)
    r = SPACING * np.arange(splines + 1)
    # What has waves in the bearing is 0 at r = 0, the smoother the more waves there are.
    used = torch.arange(splines) >= harmonics[:, :2].sum(1).abs()[:, None]
    species = torch.eye(math.comb(len(kinds or (0,)) + 1, 2)).double()
    values, slopes = (
        torch.einsum("st,rk,hk->srthk", species, torch.from_numpy(basis(r, d)), used.double())
        for d in (0, 1)
    )
    third = torch.from_numpy(basis(r[:-1] + SPACING / 2, 3))
    turns = torch.where((harmonics[:, :2] != 0).any(1), ANGULAR, 1.0).double()
    rough = torch.kron(torch.kron(species, turns.diag()), SPACING * third.T @ third)
    many = harmonics.repeat_interleave(splines, 0).repeat(len(species), 1)
    return PairLaw(values.flatten(2), slopes.flatten(2), many, SPACING, size, kinds), rough


def _law(terms: PairLaw, c: Tensor) -> PairLaw:
    """The sum of all terms with some coefficients."""
    species, knots, number = terms.values.shape
    shape = (species, knots, species, -1, knots - 1)
    values, slopes = ((c * table).view(shape).sum((2, 4)) for table in (terms.values, terms.slopes))
    harmonics = terms.harmonics[: number // species : knots - 1]
    return replace(terms, values=values, slopes=slopes, harmonics=harmonics)


def _most_likely(
    terms: PairLaw, c: Tensor, q: Tensor, roughness: Tensor, steps: int, seed: int
) -> Tensor:
    """Coefficients after steps of Newton's method towards the most likely ones of sheets q."""
    # log p = c . F(q) - log Z(c) rises by the mean of F on the sheets less its mean on sheets
    # drawn from the law, and is curved by minus F's covariance.  What is drawn begins with the
    # sheets, and goes on from step to step (Tieleman, Proc. ICML 25, 1064, 2008).  The k-th step
    # is 1 / k of Newton's, so that the chance in what is drawn averages out; steps are smooth in
    # r.
    back = _reverse(terms, q.shape[1])

    def sums(q: Tensor) -> Tensor:
        parts = [terms.parts(x) + terms.parts(x[:, back]) for x in q.double().split(CHUNK)]
        return torch.cat(parts) / 2

    drawn, generator, seen = q.float(), seeded(seed), sums(q)
    curved = len(q) * seen.T.cov() + SMOOTH_STEP * roughness
    curved += RIDGE * curved.diagonal().mean() * torch.eye(len(c)).double()
    for step in range(1, steps + 1):
        drawn = poses.metropolis(drawn, _law(terms, c).log_p, SWEEPS, generator, terms.size)
        c = c + torch.linalg.solve(curved, seen.sum(0) - sums(drawn).sum(0)) / step
    return c


def _reverse(terms: PairLaw, number: int) -> Tensor:
    """The order of creatures (N,) in which those of each kind are reversed."""
    parts = torch.arange(number).split(list(terms.kinds or (number,)))
    return torch.cat([part.flip(0) for part in parts])


def _moments(
    terms: PairLaw, q: Tensor, sigma: tuple[float, float, float], seed: int
) -> tuple[Tensor, Tensor]:
    """Sums of A^T A and -A^T eps, with sigma s = A c, over sheets blurred by sigma eps."""
    # Creatures of one kind have no order: each sheet is seen in one and in the reverse.
    level = torch.tensor(sigma).double()
    square, pull = torch.tensor(0.0).double(), torch.tensor(0.0).double()
    there, back = torch.arange(q.shape[1]), _reverse(terms, q.shape[1])
    for draw in range(DRAWS):
        once = poses.blurred(q, seed * DRAWS + draw, sigma) - q
        for part, noise in zip(q.split(CHUNK), once.split(CHUNK), strict=True):
            for kick, rows in itertools.product((noise, -noise), (there, back)):
                a = (terms._score((part + kick)[:, rows]) * level[:, None]).flatten(0, 2)
                square, pull = square + a.T @ a, pull - a.T @ (kick / level)[:, rows].flatten()
    return square, pull
