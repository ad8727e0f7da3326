"""The Helmholtz projection: any field with its gradient part taken out keeps the distribution.

Split a field, in the inner product E_p[v . w], into a gradient and the rest, v_0 = grad phi + v
with E[v . grad psi] = 0 for every psi (the Helmholtz-Hodge decomposition with weight p).  That rest
keeps p, since E[v . grad psi] = -E[psi (div v + v . s)] vanishes for every psi only if the residual
does; and of all the flows that keep p it is the nearest to v_0.  It takes no score to find it.

If the truth v* keeps p too it is orthogonal to every gradient.  So <v, v*> = <v_0, v*> while
|v| <= |v_0|: the projection is never less similar to the truth than v_0 was, whatever the truth is.
"""

from functools import reduce
from itertools import combinations_with_replacement
from typing import NamedTuple

import torch
from torch import Tensor

from eqflow_nb.fourier import Filter, blur
from eqflow_nb.inputs import Field, InputError, as_images, count

RADII = (0.0, 1.0, 2.0, 4.0)
LOADING = 1e-6
BOUND = 3.0  # of the monomials' variable, BOUND tanh(x / BOUND)


class Potentials(NamedTuple):
    """Test functions of an image: mean products f_a (G_r * f_b) of monomials, one of them blurred.

    Monomials of 3 tanh(x / 3): no velocity made of them runs away where there are no data.
    """

    powers: Tensor  # (P, C), exponents of the monomials f_a
    blurs: Tensor  # (R, H, W//2+1), transfer functions G_r(k) of Gaussian blurs
    pairs: Tensor  # (M, 3), which (r, a, b) each test function is

    def symbol(self, weights: Tensor) -> Tensor:
        """Q(k) (H, W//2+1, P, P) with phi = <f, Q * f> / 2 for a sum with weights (M,)."""
        r, a, b = self.pairs.T
        table = torch.zeros(len(self.blurs), len(self.powers), len(self.powers)).to(weights)
        table[r, a, b] = weights
        table = table + table.mT
        return torch.einsum("rhw,rab->hwab", self.blurs.to(weights), table)

    def gradient(self, x: Tensor, mix: Filter) -> Tensor:
        """grad phi (B, C, H, W) at images (B, C, H, W), for the filter of one symbol Q."""
        values, slopes = self._monomials(x)
        return torch.einsum("bphw,bcphw->bchw", mix(values), slopes)

    def gradients(self, x: Tensor) -> Tensor:
        """Gradients (M, C, H, W) of every test function at one image (C, H, W)."""
        values, slopes = self._monomials(x[None])
        spectrum = torch.fft.rfft2(values[0])
        blurred = torch.fft.irfft2(self.blurs.to(x)[:, None] * spectrum, s=x.shape[-2:])
        slope = slopes[0].transpose(0, 1)
        table = x.new_empty(len(self.pairs), *x.shape)
        for row, (r, a, b) in zip(table, self.pairs.tolist(), strict=True):
            torch.mul(slope[a], blurred[r, b], out=row).addcmul_(slope[b], blurred[r, a])
        return table

    def _monomials(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """f_a (B, P, H, W) and their derivatives by each channel (B, C, P, H, W)."""
        bounded = torch.tanh(x / BOUND)
        slope = 1 - bounded.square()
        tables = [(BOUND * bounded) ** n for n in range(int(self.powers.max()) + 1)]
        powers = torch.stack(tables, dim=2)  # B, C, n, H, W
        parts = [powers[:, c, self.powers[:, c]] for c in range(x.shape[1])]
        slopes = []
        for c, power in enumerate(self.powers.T):
            lowered = powers[:, c, (power - 1).clamp(min=0)] * power.to(x)[:, None, None]
            others = [part for i, part in enumerate(parts) if i != c]
            slopes.append(reduce(torch.mul, [lowered, *others]) * slope[:, c, None])
        return reduce(torch.mul, parts), torch.stack(slopes, dim=1)


class Projected:
    """v = v_0 - W^-1 grad phi: a field with its gradient part taken out; see `project`.

    `gradient_fraction` is the part of E|v_0|^2 that was gradient, and is gone.
    """

    def __init__(
        self, field: Field, tests: Potentials, weights: Tensor, metric: Tensor, fraction: float
    ) -> None:
        self.field, self.tests, self.metric = field, tests, metric
        self.mix, self.gradient_fraction = Filter(tests.symbol(weights).float()), fraction

    def __call__(self, x: Tensor) -> Tensor:
        """Velocity (B, C, H, W) at images (B, C, H, W)."""
        gradient = self.tests.gradient(x, self.mix)
        return self.field(x) - gradient / self.metric.to(x)[:, None, None]


def potentials(
    channels: int, size: tuple[int, int], degree: int = 2, radii: tuple[float, ...] = RADII
) -> Potentials:
    """All products of two monomials to a degree in the channels, one blurred by a radius.

    Sizes (of the images) and radii (standard deviations of the blurs; 0 is none) are in pixels.
    """
    degree = count(degree, "degree")
    powers = [
        [combination.count(c) for c in range(channels)]
        for n in range(1, degree + 1)
        for combination in combinations_with_replacement(range(channels), n)
    ]
    blurs = torch.stack([blur(*size, r) for r in radii])
    terms = range(len(powers))
    pairs = [(r, a, b) for r in range(len(radii)) for a in terms for b in terms[a:]]
    return Potentials(torch.tensor(powers), blurs, torch.tensor(pairs))


def project(field: Field, snapshots: Tensor, tests: Potentials, metric: Tensor) -> Projected:
    """Take the gradient part out of a field: min over phi of E |v_0 - W^-1 grad phi|^2_W.

    Snapshots (n, C, H, W) are of the distribution to keep, so blurred ones if that is the blurred
    one.  phi is sought among sums of the tests.  The metric W (C,) says how much a squared velocity
    in each channel counts.
    """
    snapshots = as_images(snapshots, "snapshots", at_least=4)
    m, root = len(tests.pairs), metric.to(snapshots).rsqrt()[:, None, None]
    gram, load = torch.zeros(m, m).double(), torch.zeros(m).double()
    speed = 0.0
    with torch.no_grad():
        for one in snapshots:
            table = tests.gradients(one).mul_(root).flatten(1)
            v = (field(one[None])[0] / root).flatten()
            gram += (table @ table.T).double().cpu()
            load += (table @ v).double().cpu()
            speed += float(v.double().square().sum())
    scale = gram.diagonal().sqrt()
    unit = gram / scale / scale[:, None] + LOADING * torch.eye(m)
    weights = torch.linalg.solve(unit.double(), load / scale) / scale
    if not torch.isfinite(weights).all():
        raise InputError("snapshots hold no variation that the test functions can see")
    return Projected(field, tests, weights, metric, float(load @ weights) / speed)
