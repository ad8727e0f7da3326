"""How far a skew rule carries creatures, told from a drawing: momentum hidden in the noise.

A blurred canvas is x = c(q) + sigma r: a canvas c whose creatures stand at q, and noise.  The score
pushes r back, and a skew rule turns it: K feeds the noise into the creatures' motion, and keeps it.
Some of the noise, K^-1 of a canvas's change as a creature moves, only pushes, and is not turned
away: it is that creature's momentum.  Diffusion eta is its friction.

For small sigma the motion along the tangents T = dc/dq is linear, and can be solved.  With the
integrator's E = exp(-(eta I + K) tau), B = (I - E)^-1, X = T^T B T and G = T^T T, creatures diffuse
by

    D = sigma^2 X^-1 (X + X^T - G) X^-T / 2   a step,

as eliminating the noise leaves a Schur complement.  For K = [a]x, which spares the colour a, of a
creature of whose edges' squared colour a share f lies along a, and for small tau, that is
1 / (f + (1 - f) eta^2 / (1 + eta^2)) times what it is without a rule.  Longer steps lose momentum:
each turns some of it away before the creature has moved.
"""

import math

import torch
from torch import Tensor

from eqflow_nb.flows import skew
from eqflow_nb.fourier import frequencies
from eqflow_nb.inputs import InputError, between, count, positive, seeded


def diffusion(
    tangents: Tensor, rule: Tensor, sigma: float, tau: float = 0.5, eta: float = 0.1
) -> Tensor:
    """Long-run diffusion D of what the tangents belong to: squares grow by 2 D a step.

    The tangents (m, C, H, W), see `icons.tangents`, are the change of a blurred canvas by each
    coordinate, in the units of sigma; the rule K is (C, C) or (H, W//2+1, C, C); the integrator's
    step tau is in units of sigma^2, and eta is the diffusion.  D is (m, m).
    """
    sigma, tau, eta = positive(sigma, "sigma"), positive(tau, "tau"), positive(eta, "eta")
    if tangents.ndim != 4 or rule.shape[-2:] != (tangents.shape[1],) * 2:
        raise InputError(
            f"rule has shape {tuple(rule.shape)}; it does not mix the colours of tangents, of "
            f"shape {tuple(tangents.shape)}"
        )
    tangents = tangents.double()
    square = _overlap(tangents, torch.eye(tangents.shape[1], dtype=torch.float64))
    unit = square.diagonal()
    if not (unit > 1e-6 * unit.max()).all():
        raise InputError(
            f"tangents[{int(unit.argmin())}] changes nothing on the canvas; leave it out"
        )
    table = _overlap(tangents, response(rule, tau, eta))
    inverse = torch.linalg.inv(table)
    return sigma**2 * inverse @ (table + table.T - square) @ inverse.T / 2


def response(rule: Tensor, tau: float, eta: float) -> Tensor:
    """B = (I - E)^-1, the sum over all E^n, with E = exp(-(eta I + K) tau), in the rule's shape."""
    kind = torch.complex128 if rule.is_complex() else torch.float64
    unit = torch.eye(rule.shape[-1], dtype=kind)
    return torch.linalg.inv(unit - torch.linalg.matrix_exp(-tau * (eta * unit + rule.to(kind))))


def mobility_gain(tangents: Tensor, rule: Tensor, tau: float = 0.5, eta: float = 0.1) -> float:
    """How many times as far a rule carries a creature as no rule: tr D(K) / tr D(0).

    Only the first two tangents, the directions, count; sigma would cancel.
    """
    moved = [
        diffusion(tangents[:2], k, 1.0, tau, eta).trace() for k in (rule, torch.zeros_like(rule))
    ]
    return float(moved[0] / moved[1])


def min_edge_colour(tangents: Tensor) -> tuple[Tensor, float]:
    """The colour (3,) that a creature's edges show least of, and its share f of their square.

    The rule [a]x with this axis a carries the creature farthest: f is least.
    """
    square = torch.einsum("mchw,mdhw->cd", tangents[:2].double(), tangents[:2].double())
    values, axes = torch.linalg.eigh(square / square.trace())
    return axes[:, 0], max(0.0, float(values[0]))


def about_axis(axis: Tensor) -> Tensor:
    """The skew rule [a]x (3, 3), which turns colours about an axis (3,), of norm 1."""
    a = (axis.double() / axis.double().norm()).tolist()
    return skew.from_entries(-a[2], a[1], -a[0]).double()


def ringed(matrix: Tensor, strengths: Tensor, size: int) -> Tensor:
    """The rule K(k) = h(|k|) K, of any width: (size, size//2+1, C, C).

    Skew where the matrix (C, C) is, since h has no direction.  The strengths (n,) are h at `RINGS`
    waves across the canvas, of `size` pixels a side, and straight between them.
    """
    if len(strengths) != len(RINGS):
        raise InputError(f"strengths are {len(strengths)}; give {len(RINGS)}, one for each ring")
    waves = frequencies(size, size).double() * count(size, "size")
    rings = torch.tensor(RINGS, dtype=torch.float64)
    left = (torch.searchsorted(rings, waves.contiguous()) - 1).clamp(0, len(RINGS) - 2)
    part = ((waves - rings[left]) / (rings[left + 1] - rings[left])).clamp(0, 1)
    h = strengths.double()[left] * (1 - part) + strengths.double()[left + 1] * part
    return h[..., None, None] * matrix.double()


RINGS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 16.0, 46.0)


def joint_diffusion(
    tangents: Tensor, rule: Tensor, centres: Tensor, sigma: float, **step: float
) -> Tensor:
    """`diffusion` (n * m, n * m) of n creatures, whose noise a wide rule lets them share.

    The tangents (m, C, N, N) are those of one of them, at any place; all look the same way, and
    stand at centres (n, 2), pixels down and right.  The step's tau and eta are as there.
    """
    size = tangents.shape[-1]
    rows, columns = torch.fft.fftfreq(size).double(), torch.fft.rfftfreq(size).double()
    coefficients = torch.fft.rfft2(tangents.double())
    shifted = [
        coefficients * torch.exp(-2j * math.pi * (y * rows[:, None] + x * columns))
        for y, x in (centres.double() + 0.5).round().tolist()
    ]
    everyone = torch.fft.irfft2(torch.cat(shifted), s=(size, size))
    return diffusion(everyone, rule, sigma, **step)


def expected_alignment(
    spread: Tensor, centres: Tensor, size: int, near: float, draws: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Polarisation, and mean cosine of neighbours, of creatures that diffuse by D (2n, 2n).

    D is that of `joint_diffusion` for the two directions, and neighbours are nearer than `near`
    pixels on the canvas of `size`; without any the cosine is NaN.
    """
    size, near = count(size, "size"), between(near, "near", 0, math.inf)
    generator = seeded(seed)
    values, axes = torch.linalg.eigh(spread)
    white = torch.randn(count(draws, "draws"), len(spread), generator=generator).double()
    moves = (white * values.clamp(min=0).sqrt()) @ axes.T
    units = torch.nn.functional.normalize(moves.unflatten(1, (-1, 2)), dim=-1)
    gap = centres[:, None].double() - centres[None].double()
    far = (gap - size * (gap / size).round()).norm(dim=-1)
    neighbours = (far > 0) & (far < near)
    cosine = (units[:, :, None] * units[:, None]).sum(-1).mean(0)
    together = float(cosine[neighbours].mean()) if neighbours.any() else math.nan
    return float(units.mean(1).norm(dim=-1).mean()), together


def _overlap(tangents: Tensor, matrix: Tensor) -> Tensor:
    """T^T M T (m, m) for a matrix M of every frequency, or one for all."""
    if matrix.ndim == 2:
        return torch.einsum("mchw,cd,ndhw->mn", tangents, matrix, tangents)
    width = tangents.shape[-1]
    coefficients = torch.fft.rfft2(tangents, norm="ortho")
    twice = torch.full((width // 2 + 1,), 2.0, dtype=torch.float64)  # k and -k
    twice[0] = 1.0
    if width % 2 == 0:
        twice[-1] = 1.0
    kind = torch.complex128
    moved = torch.einsum("hwcd,ndhw->nchw", matrix.to(kind), coefficients) * twice
    return torch.einsum("mchw,nchw->mn", coefficients.conj(), moved).real
