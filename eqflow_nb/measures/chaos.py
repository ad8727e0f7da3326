"""The Lyapunov spectrum of a flow: how fast neighbouring trajectories part.

A frame of d tangent vectors is carried along by dQ/dt = J(x) Q and orthonormalised at every step;
the logarithms of the lengths this takes away give the exponents (Benettin, Meccanica 15, 9, 1980).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from eqflow_nb.flows.continuity import jacobian
from eqflow_nb.inputs import Field, InputError, as_numbers, as_samples, count, positive
from eqflow_nb.snapshots.base import rk4_step


class LyapunovResult(NamedTuple):
    """Exponents per unit of time, NaN for a trajectory that left, and how their mean settled."""

    exponents: Tensor  # (B, d)
    history: Tensor  # (T, d), the mean over trajectories at the horizons
    times: Tensor  # (T,)


@torch.no_grad()
def lyapunov_spectrum(
    field: Field, x0: Any, dt: float, steps: int, burn: int = 0
) -> LyapunovResult:
    """Estimate the whole spectrum along trajectories from x0 (B, d), by RK4 on (x, Q)' = (v, J Q).

    `steps` of dt are measured, after `burn` in which the frame turns to its own directions.  Torch
    differentiates the field unless it has a method `linearised(x)`, giving velocities and Jacobians
    (B, d, d), or `jacobian(x)`.  Rows are never regrouped: a field may hold one model per row.
    """
    x = as_samples(x0, "x0", at_least=1)
    dt, steps, burn = positive(dt, "dt"), count(steps, "steps"), count(burn, "burn", at_least=0)
    # What velocity and Jacobian share may be computed once by the field.
    linearised = getattr(field, "linearised", None) or (lambda x: (field(x), jacobian(field, x)))
    _check_derivative(field, linearised, x)

    def joint(state: Tensor) -> Tensor:
        v, slope = linearised(state[0])
        return torch.cat([v[None], torch.einsum("bij,kbj->kbi", slope, state[1:])])

    # States and their frames, vectors first: (1 + d, B, d).
    state = torch.cat([x[None], torch.eye(x.shape[1]).to(x)[:, None].expand(-1, len(x), -1)])
    total, history = x.new_zeros(x.shape, dtype=torch.float64), []
    for step in range(1 - burn, steps + 1):
        state = rk4_step(joint, state, dt)
        frame, lengths = _orthonormalise(state[1:])
        state = torch.cat([state[:1], frame])
        if step > 0:
            total += lengths.double().log()
            history.append((total / (step * dt)).nanmean(dim=0))
    times = torch.tensor([step * dt for step in range(1, steps + 1)])
    return LyapunovResult(total / (steps * dt), torch.stack(history), times)


def mean_speed(field: Field, x: Tensor) -> float:
    """Mean |v| over states (B, d): divide exponents by it to have them per unit path length."""
    return float(field(x).detach().double().norm(dim=-1).mean())


def kaplan_yorke(exponents: Any) -> float:
    """Kaplan-Yorke dimension of a spectrum (d,): k + (l_1 + ... + l_k) / |l_(k+1)|.

    k is the largest number of leading exponents whose sum is >= 0 (Kaplan & Yorke, LNM 730, 1979).
    """
    spectrum = as_samples(as_numbers(exponents, "exponents")[None], "exponents", at_least=1)
    ordered = spectrum[0].double().sort(descending=True).values
    sums = ordered.cumsum(0)
    k = int((sums >= 0).cumprod(0).sum())
    return float(k) if k in (0, len(sums)) else k + float(sums[k - 1] / ordered[k].abs())


def _check_derivative(field: Field, linearised: Callable[..., Any], x: Tensor) -> None:
    """Compare the Jacobian with differences: one lost to `detach` would give wrong exponents."""
    h = torch.finfo(x.dtype).eps ** (1 / 3)
    v, slope = linearised(x)
    shifts = h * torch.eye(x.shape[1]).to(x)
    differences = torch.stack([field(x + e) - field(x - e) for e in shifts], dim=-1) / (2 * h)
    error = (differences - slope).norm()
    if error > 0.05 * differences.norm() + 1e-3 * v.norm():
        how = "(no detach, no_grad, autograd or NumPy inside; torch.func.grad will do)"
        wanted = f"torch must be able to differentiate it {how}, or it needs a method jacobian(x)"
        raise InputError(f"field has a derivative that does not match its values; {wanted}")


def _orthonormalise(frame: Tensor) -> tuple[Tensor, Tensor]:
    """Gram-Schmidt on frames (d, B, d), vectors first; the lengths (B, d) that it took away."""
    # `torch.linalg.qr` takes a batch's small matrices one by one, several times slower at d = 3.
    done, lengths = list[Tensor](), []
    for q in frame:
        for e in done:
            q = q - (q * e).sum(dim=-1, keepdim=True) * e
        lengths.append(q.norm(dim=-1))
        done.append(q / lengths[-1][:, None])
    return torch.stack(done), torch.stack(lengths, dim=-1)
