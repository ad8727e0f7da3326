"""The Lyapunov spectrum of a flow: how fast neighbouring trajectories part.

Method: Benettin et al., Meccanica 15, 9 (1980).  A frame of d tangent vectors is carried along each
trajectory by dQ/dt = J(x) Q, and orthonormalised at every turn; the logarithms of the lengths that
this takes away add up to the exponents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from eqflow_nb.inputs import Field, InputError, as_numbers, as_samples, count, positive

Linearised = Callable[[Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class LyapunovResult:
    """Lyapunov exponents, per unit of the field's time, and how they settled.

    Attributes
    ----------
    exponents : Tensor (B, d)
        One spectrum per trajectory, largest first in the long run; NaN where it left to infinity.
    history : Tensor (T, d)
        The estimate at each horizon, mean over the trajectories that stayed finite.
    times : Tensor (T,)
        The horizons, counted from the end of the burn-in.
    """

    exponents: Tensor
    history: Tensor
    times: Tensor

    def late_change(self) -> Tensor:
        """Change of the mean spectrum (d,) between half the horizon and all of it."""
        half = int(torch.searchsorted(self.times, self.times[-1] / 2))
        return (self.history[-1] - self.history[half]).abs()


def lyapunov_spectrum(
    field: Field, x0: Any, dt: float, steps: int, renormalise: int = 1, burn: int = 0
) -> LyapunovResult:
    """Estimate the whole spectrum along a batch of trajectories.

    States and tangent vectors advance together by RK4 on the joint system (x, Q)' = (v, J Q).

    Parameters
    ----------
    field : callable (B, d) -> (B, d)
        Its method `linearised(x)`, giving velocities and Jacobians (B, d, d), is used if it has
        one, or `jacobian(x)`, giving the latter; else torch differentiates the field.  Rows are
        never regrouped, so a field may hold one model per row.
    x0 : Tensor (B, d)
        Where the trajectories start; its dtype is used throughout.
    dt : float
        Step, in the field's time.
    steps : int
        The number of steps measured.
    renormalise : int
        Steps between orthonormalisations.
    burn : int
        Steps taken first and not measured, in which the frame turns to its own directions.

    Raises
    ------
    InputError
        If x0 is not a finite (B, d); if dt, steps, renormalise or burn are out of range; or if
        the field's derivative at x0 contradicts finite differences.
    """
    x = as_samples(x0, "x0", at_least=1)
    dt, steps = positive(dt, "dt"), count(steps, "steps")
    renormalise, burn = count(renormalise, "renormalise"), count(burn, "burn", at_least=0)
    linearised = _linearise(field)
    frame = torch.eye(x.shape[1]).to(x)[:, None].expand(-1, len(x), -1).clone()
    total = x.new_zeros(x.shape, dtype=torch.float64)
    history, times = [], []
    with torch.no_grad():
        _check_derivative(field, linearised, x)
        for step in range(1, burn + steps + 1):
            x, frame = _rk4(linearised, x, frame, dt)
            measured = step - burn
            if measured % renormalise and measured != steps and measured != 0:
                continue
            frame, lengths = _orthonormalise(frame)
            if measured > 0:
                total += lengths.double().log()
                times.append(measured * dt)
                history.append((total / times[-1]).nanmean(dim=0))
    return LyapunovResult(total / times[-1], torch.stack(history), torch.tensor(times))


def mean_speed(field: Field, x: Tensor) -> float:
    """Mean |v| over states (B, d): divide exponents by it to have them per unit path length."""
    return float(field(x).detach().double().norm(dim=-1).mean())


def kaplan_yorke(exponents: Any) -> float:
    """Kaplan-Yorke dimension of a spectrum (d,), in any order.

    k + (l_1 + ... + l_k) / |l_(k+1)| with k the largest number of leading exponents whose sum is
    not negative (Kaplan & Yorke, Lecture Notes in Mathematics 730, 204, 1979); d if all of them
    are, 0 if none.

    Raises
    ------
    InputError
        If the exponents are not a finite list.
    """
    spectrum = as_samples(as_numbers(exponents, "exponents")[None], "exponents", at_least=1)[0]
    ordered = spectrum.double().sort(descending=True).values
    sums = ordered.cumsum(0)
    k = int((sums >= 0).cumprod(0).sum())
    if k == 0 or k == len(sums):
        return float(k)
    return k + float(sums[k - 1] / ordered[k].abs())


def _linearise(field: Field) -> Linearised:
    """Give x -> (v (B, d), J (B, d, d)) for a field.

    Reverse mode, one backward pass per coordinate: for d <= 6 it is a few times faster in torch
    than forward mode, and needs no batching rules of the field's operations.
    """
    both, jacobian = getattr(field, "linearised", None), getattr(field, "jacobian", None)

    def by_reverse_mode(x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            v = field(x)
            if not v.requires_grad:
                return v, x.new_zeros(*x.shape, x.shape[1])
            rows = [
                torch.autograd.grad(v_i.sum(), x, retain_graph=True, materialize_grads=True)[0]
                for v_i in v.unbind(dim=1)
            ]
        return v.detach(), torch.stack(rows, dim=1)

    if both is not None:
        return both  # what velocity and Jacobian share is computed once
    if jacobian is None:
        return by_reverse_mode
    return lambda x: (field(x), jacobian(x))


def _check_derivative(field: Field, linearised: Linearised, x: Tensor) -> None:
    """Compare the Jacobian at x with central differences.

    A field that detaches its input, or computes a score under `no_grad`, would otherwise give
    exponents that are wrong without a sign of it.
    """
    h = torch.finfo(x.dtype).eps ** (1 / 3)
    v, jacobian = linearised(x)
    shifts = h * torch.eye(x.shape[1]).to(x)
    differences = torch.stack([field(x + e) - field(x - e) for e in shifts], dim=-1) / (2 * h)
    error = (differences - jacobian).norm()
    if error > 0.05 * differences.norm() + 1e-3 * v.norm():
        raise InputError(
            "field has a derivative that does not match its values: relative error "
            f"{float(error / differences.norm()):.2g} against finite differences; it must be "
            "differentiable by torch (no detach, no_grad or NumPy inside; create_graph=True where "
            "it calls autograd) or have a method jacobian(x) giving (B, d, d)"
        )


def _rk4(linearised: Linearised, x: Tensor, frame: Tensor, dt: float) -> tuple[Tensor, Tensor]:
    """Advance states (B, d) and frames (d, B, d), vectors first, by one joint step."""

    def joint(x: Tensor, frame: Tensor) -> tuple[Tensor, Tensor]:
        v, jacobian = linearised(x)
        return v, torch.einsum("bij,kbj->kbi", jacobian, frame)

    k1, q1 = joint(x, frame)
    k2, q2 = joint(x + dt / 2 * k1, frame + dt / 2 * q1)
    k3, q3 = joint(x + dt / 2 * k2, frame + dt / 2 * q2)
    k4, q4 = joint(x + dt * k3, frame + dt * q3)
    x = x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x, frame + dt / 6 * (q1 + 2 * q2 + 2 * q3 + q4)


def _orthonormalise(frame: Tensor) -> tuple[Tensor, Tensor]:
    """Apply modified Gram-Schmidt to frames (d, B, d): orthonormal frames and lengths (B, d).

    This is the QR decomposition with R's diagonal positive.  Written out because
    `torch.linalg.qr` takes the small matrices of a batch one after another, several times slower
    at d = 3.
    """
    done: list[Tensor] = []
    lengths = []
    for q in frame:
        for e in done:
            q = q - (q * e).sum(dim=-1, keepdim=True) * e
        length = q.norm(dim=-1)
        lengths.append(length)
        done.append(q / length[:, None])
    return torch.stack(done), torch.stack(lengths, dim=-1)
