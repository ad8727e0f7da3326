"""Integrators.  They are generators that yield (t, x), so the caller owns plots and progress.

They record no gradients, and never change the starting states they are given.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor
from tqdm.auto import tqdm

from .inputs import InputError, between, count, positive, skew_matrix

Field = Callable[[Tensor], Tensor]
Result = TypeVar("Result")
# As torch found them at the start (OMP_NUM_THREADS counts); notebooks then ask for one a step.
CORES = torch.get_num_threads()
FAR = 50.0
NOISE_SEEDS = 1_000_000_007
_thread = threading.local()


@torch.no_grad()
def rk4(field: Field, x: Tensor, dt: float, steps: int) -> Iterator[tuple[float, Tensor]]:
    """Follow dx/dt = v(x) with the classical fourth-order Runge-Kutta method.

    Parameters
    ----------
    field : callable, shape of x -> shape of x
    x : Tensor
        The starting states, of any shape the field takes.
    dt : float
        The step, in units of time.
    steps : int

    Yields
    ------
    (t, x)
        The time and the states, the start included.

    Raises
    ------
    InputError
        At the first state, if dt is not > 0 or steps is not a whole number > 0.
    """
    dt, steps, x = positive(dt, "dt"), count(steps, "steps"), x.clone()
    yield 0.0, x
    for step in range(1, steps + 1):
        k1 = field(x)
        k2 = field(x + dt / 2 * k1)
        k3 = field(x + dt / 2 * k2)
        k4 = field(x + dt * k3)
        x = x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        yield step * dt, x


@torch.no_grad()
def heun(
    drift: Field, x: Tensor, dt: float, steps: int, eta: float, seed: int = 0
) -> Iterator[tuple[float, Tensor]]:
    """Follow dx = b(x) dt + sqrt(2 eta) dW with Heun's method (two drifts a step).

    With b = v + eta s, and v keeping p, the law p is kept for every eta >= 0.  The error of its
    moments is of order dt^2, that of a path without noise too.

    Parameters
    ----------
    drift : callable, shape of x -> shape of x
        The whole drift b.
    x : Tensor
        The starting states, of any shape the drift takes.
    dt : float
        The step, in units of time; near the data it should be small beside sigma^2.
    steps : int
    eta : float
        The diffusion; >= 0.
    seed : int
        Of the noise.

    Yields
    ------
    (t, x)
        The time and the states, the start included.

    Raises
    ------
    InputError
        At the first state, if dt is not > 0, eta is negative or steps is not a whole number > 0.
    """
    dt, eta, steps = positive(dt, "dt"), between(eta, "eta", 0, math.inf), count(steps, "steps")
    x, generator = x.clone(), _generator(x, seed)
    yield 0.0, x
    for step in range(1, steps + 1):
        kick = math.sqrt(2 * eta * dt) * _noise(x, generator)
        first = drift(x)
        second = drift(x + dt * first + kick)
        x = x + dt / 2 * (first + second) + kick
        yield step * dt, x


@torch.no_grad()
def exponential(
    denoise: Field,
    matrix: Tensor,
    x: Tensor,
    sigma: float,
    tau: float,
    steps: int,
    eta: float,
    seed: int = 0,
) -> Iterator[tuple[float, Tensor]]:
    """Follow dx = (K + eta I) s dt + sqrt(2 eta) dW exactly while the denoiser D(x) is constant.

    With s = (D - x) / sigma^2 and E = exp(-(eta I + K) tau), one step of tau = dt / sigma^2 is
    x <- D + E (x - D) + L z with L L^T = sigma^2 (I - E E^T).  Stable at any step, where explicit
    steps must shrink like sigma^2.

    Parameters
    ----------
    denoise : callable (B, d) -> (B, d)
        The posterior mean D(x) = E[x_0 | x].
    matrix : Tensor (d, d)
        The skew matrix K.
    x : Tensor (B, d)
    sigma : float
        Noise level, in the units of x.
    tau : float
        The step, in units of sigma^2.
    steps : int
    eta : float
        The diffusion; >= 0.
    seed : int

    Yields
    ------
    (t, x)
        With t = step * tau * sigma^2.

    Raises
    ------
    InputError
        At the first state, if the matrix is not skew or not of the states' dimension, sigma or tau
        is not > 0, eta is negative, or steps is not a whole number > 0.
    """
    sigma, tau = positive(sigma, "sigma"), positive(tau, "tau")
    eta, steps, x = between(eta, "eta", 0, math.inf), count(steps, "steps"), x.clone()
    matrix = skew_matrix(matrix, "matrix", dim=x.shape[1]).double().cpu()
    decay = torch.linalg.matrix_exp(-tau * (eta * torch.eye(len(matrix)).double() + matrix))
    # E E^T = exp(-2 eta tau) I for a skew K, so the noise is isotropic.
    spread = sigma * math.sqrt(-math.expm1(-2 * eta * tau))
    decay = decay.to(x)
    generator = _generator(x, seed)
    yield 0.0, x
    for step in range(1, steps + 1):
        centre = denoise(x)
        x = centre + (x - centre) @ decay.T
        if eta > 0:
            x = x + spread * _noise(x, generator)
        yield step * tau * sigma**2, x


@dataclass(frozen=True)
class Rollout:
    """Where a cloud was at chosen times, and how far each trajectory ever went.

    Attributes
    ----------
    times : tuple of float
    states : Tensor (T, ...)
        The states at those times.
    reach : Tensor (T, ...)
        The largest |x_i| of each trajectory up to each time.
    """

    times: tuple[float, ...]
    states: Tensor
    reach: Tensor

    def at(self, time: float) -> Tensor:
        """States (B, d) at a recorded time."""
        return self.states[self._index(time)].reshape(-1, self.states.shape[-1])

    def bounded(self, time: float, limit: float = 4.0) -> float:
        """Share of trajectories with every |x_i| < limit up to a recorded time."""
        return float((self.reach[self._index(time)] < limit).double().mean())

    def _index(self, time: float) -> int:
        gaps = [abs(time - t) for t in self.times]
        if not min(gaps) <= 1e-6 * max(1.0, abs(time)):
            raise InputError(f"time {time:g} was not recorded; these were: {list(self.times)}")
        return gaps.index(min(gaps))


@torch.no_grad()
def follow(
    path: Iterator[tuple[float, Tensor]], times: Sequence[float], progress: bool = False
) -> Rollout:
    """Run an integrator and keep the states at some times only.

    Trajectories that leave (an |x_i| of 50 or more, or not finite) are held where they left: they
    count as lost, never come back, and do not turn distances into nonsense.

    Parameters
    ----------
    path : iterator of (t, x)
        Such as `rk4(...)`, running at least to the last of the times.
    times : sequence of float
        Each is met by the first state at or after it.
    progress : bool
        Show a progress bar.

    Raises
    ------
    InputError
        If there are no times, or the path ends before the last of them.
    """
    wanted = sorted(times)
    if not wanted:
        raise InputError("times is empty; give at least one")
    met: list[float] = []
    states, reach = [], []
    before = farthest = None
    for t, x in tqdm(path, "rollout", leave=False, mininterval=1.0, disable=not progress):
        _stop_if_abandoned()
        # The integrator goes on from this very tensor, so what is changed in it stays changed.
        x.nan_to_num_(nan=FAR).clamp_(-FAR, FAR)
        if before is not None and farthest is not None:
            torch.where((farthest < FAR)[..., None], x, before, out=x)
        size = x.abs().amax(-1)
        farthest = size if farthest is None else torch.maximum(farthest, size)
        before = x
        while len(met) < len(wanted) and t >= wanted[len(met)] - 1e-6 * max(1.0, t):
            met.append(wanted[len(met)])
            states.append(x.clone())
            reach.append(farthest.clone())
        if len(met) == len(wanted):
            return Rollout(tuple(met), torch.stack(states), torch.stack(reach))
    raise InputError(f"times asks for t = {wanted[-1]:g}, but the path ended before it")


def together(jobs: Mapping[str, Callable[[], Result]]) -> dict[str, Result]:
    """Run several rollouts (or trainings) at once, one thread each; return the results by name.

    The steps of small networks are too short to split between cores; whole rollouts are not.

    Parameters
    ----------
    jobs : mapping of str to callable () -> Rollout
        Each calls `follow`.

    Returns
    -------
    dict
        The results, in the order of the jobs.

    Raises
    ------
    Exception
        Whatever a job raises.  That, or an interrupt, ends the other rollouts at their next step.
    """
    before = torch.get_num_threads()
    workers = max(1, min(len(jobs), CORES, os.cpu_count() or 1))
    abandon = threading.Event()
    pool = ThreadPoolExecutor(workers, initializer=_start_thread, initargs=(abandon,))
    try:
        running = {pool.submit(job): name for name, job in jobs.items()}
        done = {running[job]: job.result() for job in as_completed(running)}
        return {name: done[name] for name in jobs}
    finally:
        abandon.set()
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(before)


def _start_thread(abandon: threading.Event) -> None:
    torch.set_num_threads(1)
    _thread.abandon = abandon


def _stop_if_abandoned() -> None:
    abandon = getattr(_thread, "abandon", None)
    if abandon is not None and abandon.is_set():
        raise CancelledError("another rollout failed, or all were interrupted")


def _generator(x: Tensor, seed: int) -> torch.Generator:
    """Noise unlike that of the starting states, which may well be drawn with the same seed."""
    return torch.Generator(device=x.device).manual_seed(seed + NOISE_SEEDS)


def _noise(x: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
