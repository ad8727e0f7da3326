"""The law-keeping flow nearest to any field: what is left when its gradient part is taken out.

Split a field, in the inner product E_p[v . w], into a gradient and the rest, v_0 = grad phi + v
with E[v . grad psi] = 0 for every psi (the Helmholtz-Hodge decomposition with weight p).  That rest
keeps p, since E[v . grad psi] = -E[psi (div v + v . s)] vanishes for every psi only if the residual
does; and of all the flows that keep p it is the nearest to v_0.  It takes no score to find it.

If the truth v* keeps p too it is orthogonal to every gradient.  So <v, v*> = <v_0, v*> while
|v| <= |v_0|: the nearest law-keeping flow is never less similar to the truth than v_0 was, whatever
the truth is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import torch
from torch import Tensor

from eqflow_nb.fourier import blur, filtered
from eqflow_nb.inputs import Field, InputError, as_images, count, positive

RADII = (0.0, 1.0, 2.0, 4.0, 8.0)
LOADING = 1e-6
BOUND = 3.0  # monomials are those of BOUND tanh(x / BOUND): far from the data they stop growing


@dataclass(frozen=True)
class Potentials:
    """Test functions of an image: mean products f_a (G_r * f_b) of monomials, one of them blurred.

    The monomials are those of a bent variable, 3 tanh(x / 3), so that no velocity made of them runs
    away where there are no data.

    Attributes
    ----------
    powers : Tensor (P, C)
        Exponents of the monomials f_a.
    blurs : Tensor (R, H, W//2+1)
        Transfer functions G_r(k) of Gaussian blurs.
    pairs : Tensor (M, 3)
        Which (r, a, b) each test function is.
    """

    powers: Tensor
    blurs: Tensor
    pairs: Tensor

    def symbol(self, weights: Tensor) -> Tensor:
        """Q(k) (H, W//2+1, P, P) with phi = <f, Q * f> / 2 for a sum with weights (M,)."""
        r, a, b = self.pairs.T
        table = torch.zeros(len(self.blurs), len(self.powers), len(self.powers)).to(weights)
        table[r, a, b] = weights
        table = table + table.mT
        return torch.einsum("rhw,rab->hwab", self.blurs.to(weights), table)

    def gradient(self, x: Tensor, symbol: Tensor) -> Tensor:
        """grad phi (B, C, H, W) at images (B, C, H, W), for one potential."""
        values, slopes = self._monomials(x)
        return torch.einsum("bphw,bcphw->bchw", filtered(symbol, values), slopes)

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
        most = int(self.powers.max())
        bent = torch.tanh(x / BOUND)
        slant = 1 - bent.square()
        towers = torch.stack([(BOUND * bent) ** n for n in range(most + 1)], dim=2)  # B, C, n, H, W
        parts = [towers[:, c, self.powers[:, c]] for c in range(x.shape[1])]
        slopes = []
        for c, power in enumerate(self.powers.T):
            lowered = towers[:, c, (power - 1).clamp(min=0)] * power.to(x)[:, None, None]
            others = [part for i, part in enumerate(parts) if i != c]
            slopes.append(_product([lowered, *others]) * slant[:, c, None])
        return _product(parts), torch.stack(slopes, dim=1)


class Projected:
    """v = v_0 - W^-1 grad phi: a field with its gradient part taken out; see `project`.

    Attributes
    ----------
    gradient_fraction : float
        Part of E|v_0|^2 that was gradient, and is gone.
    """

    def __init__(
        self,
        field: Field,
        potentials: Potentials,
        weights: Tensor,
        metric: Tensor,
        gradient_fraction: float,
    ) -> None:
        self.field, self.potentials, self.gradient_fraction = field, potentials, gradient_fraction
        self.symbol, self.metric = potentials.symbol(weights).float(), metric

    def __call__(self, x: Tensor) -> Tensor:
        """Velocity (B, C, H, W) at images (B, C, H, W)."""
        gradient = self.potentials.gradient(x, self.symbol.to(x))
        return self.field(x) - gradient / self.metric.to(x)[:, None, None]


def potentials(
    channels: int, size: tuple[int, int], degree: int = 2, radii: tuple[float, ...] = RADII
) -> Potentials:
    """All products of two monomials to a degree in the channels, one blurred by a radius.

    Parameters
    ----------
    channels : int
    size : (int, int)
        Sides of the images, pixels.
    degree : int
        Of the monomials, at least 1; their products have twice that.
    radii : tuple of float
        Standard deviations of the Gaussian blurs, pixels; 0 is none.
    """
    degree = count(degree, "degree")
    powers = [
        [combination.count(c) for c in range(channels)]
        for n in range(1, degree + 1)
        for combination in combinations_with_replacement(range(channels), n)
    ]
    blurs = torch.stack([blur(*size, r) for r in radii])
    pairs = [
        (r, a, b)
        for r in range(len(radii))
        for a in range(len(powers))
        for b in range(a, len(powers))
    ]
    return Potentials(torch.tensor(powers), blurs, torch.tensor(pairs))


def project(field: Field, stills: Tensor, tests: Potentials, metric: Tensor) -> Projected:
    """Take the gradient part out of a field: min over phi of E |v_0 - W^-1 grad phi|^2_W.

    Parameters
    ----------
    field : callable (B, C, H, W) -> (B, C, H, W)
    stills : Tensor (n, C, H, W)
        Of the law to keep: blurred ones if that is the blurred law.
    tests : Potentials
        phi is sought among their sums.
    metric : Tensor (C,)
        W: how much a squared velocity in each channel counts.

    Returns
    -------
    Projected

    Raises
    ------
    InputError
        If there are fewer than 4 stills, or the metric has an entry that is not above 0.
    """
    stills = as_images(stills, "stills", at_least=4)
    for entry in metric.tolist():
        positive(entry, "metric")
    m, root = len(tests.pairs), metric.to(stills).rsqrt()[:, None, None]
    gram, load = torch.zeros(m, m).double(), torch.zeros(m).double()
    speed = 0.0
    with torch.no_grad():
        for still in stills:
            table = tests.gradients(still).mul_(root).flatten(1)
            v = (field(still[None])[0] / root).flatten()
            gram += (table @ table.T).double().cpu()
            load += (table @ v).double().cpu()
            speed += float(v.double().square().sum())
    scale = gram.diagonal().sqrt()
    unit = gram / scale / scale[:, None] + LOADING * torch.eye(m)
    weights = torch.linalg.solve(unit.double(), load / scale) / scale
    if not torch.isfinite(weights).all():
        raise InputError("stills hold no variation that the test functions can see")
    return Projected(field, tests, weights, metric, float(load @ weights) / speed)


def _product(parts: list[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total * part
    return total
