"""Clouds followed along a flow: what is kept of a path, and several paths side by side."""

from __future__ import annotations

import ctypes
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeVar

import torch
from torch import Tensor
from tqdm.auto import tqdm

from eqflow_nb.inputs import InputError
from eqflow_nb.rollout.integrators import Field, rk4

Result = TypeVar("Result")
# As torch found them at the start (OMP_NUM_THREADS counts); notebooks then ask for one a step.
CORES = torch.get_num_threads()
FAR = 50.0
_abandon: ContextVar[threading.Event | None] = ContextVar("_abandon", default=None)


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


def race(
    runners: Mapping[str, tuple[Field, float, Sequence[float]]], start: Tensor
) -> dict[str, Rollout]:
    """Follow several fields from one cloud, side by side, by `rk4`.

    Parameters
    ----------
    runners : mapping of str to (field, dt, times)
        Each with the step that it needs, and the times kept.
    start : Tensor (B, d)
        Where all of them start.
    """

    def run(field: Field, dt: float, times: Sequence[float]) -> Rollout:
        return follow(rk4(field, start, dt, math.ceil(max(times) / dt - 1e-9)), times)

    return together({name: partial(run, *runner) for name, runner in runners.items()})


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
    if _abandon.get() is not None:  # a job of another call, whose threads may all be taken
        return {name: job() for name, job in jobs.items()}
    before = torch.get_num_threads()
    abandon = threading.Event()
    running: dict[Future[Result], str] = {}
    try:
        running |= {_pool().submit(_run, job, abandon): name for name, job in jobs.items()}
        left = set(running)
        while left:
            # A limit, since an interrupt that comes as the waiting begins is only seen at its end.
            ended, left = wait(left, timeout=0.5, return_when=FIRST_COMPLETED)
            for job in ended:
                job.result()
        return {name: job.result() for job, name in running.items()}
    finally:
        abandon.set()
        for job in running:
            job.cancel()
        wait(running)
        torch.set_num_threads(before)


@cache
def _pool() -> ThreadPoolExecutor:
    """The threads of all calls: new ones would each take memory that is never given back."""
    return ThreadPoolExecutor(max(1, min(CORES, os.cpu_count() or 1)))


def _tidy() -> None:
    """Give freed memory back to the system: glibc keeps what each thread freed for that thread."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
        if trim is not None:
            trim(0)


def _run(job: Callable[[], Result], abandon: threading.Event) -> Result:
    torch.set_num_threads(1)
    token = _abandon.set(abandon)
    try:
        _stop_if_abandoned()
        return job()
    finally:
        _abandon.reset(token)
        _tidy()


def _stop_if_abandoned() -> None:
    abandon = _abandon.get()
    if abandon is not None and abandon.is_set():
        raise CancelledError("another rollout failed, or all were interrupted")
