"""What is kept of a rollout, and several rollouts side by side."""

import ctypes
import math
import os
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import joblib
import torch
from torch import Tensor
from tqdm.auto import tqdm

from eqflow_nb.inputs import Field, InputError
from eqflow_nb.rollout.integrators import Diverged, Path, rk4

Key = TypeVar("Key")
Result = TypeVar("Result")
FAR = 50.0  # |x_i| at which a point counts as lost
# As torch found them at the start (OMP_NUM_THREADS counts); notebooks then ask for one a step.
CORES = max(1, min(torch.get_num_threads(), os.cpu_count() or 1))
_job = threading.local()  # has a `stop` in the threads of `together`


class Rollout(NamedTuple):
    """States of a rollout at chosen times or steps, in order; none after a divergence."""

    states: dict[float, Tensor]  # (B, ...)
    reach: dict[float, Tensor]  # (B,), the largest |x_i| of each trajectory up to then
    stopped: int | None = None  # the step at which it diverged, if it did

    @property
    def last(self) -> Tensor:
        """The latest state that was kept."""
        return next(reversed(self.states.values()))

    def at(self, time: float) -> Tensor:
        """The states at a recorded time (or step)."""
        if time not in self.states:
            raise InputError(f"time {time:g} was not recorded; these were: {list(self.states)}")
        return self.states[time]

    def bounded(self, time: float, limit: float = 4.0) -> float:
        """Share of trajectories with every |x_i| < limit up to a recorded time."""
        return float((self.reach[time] < limit).double().mean())


@torch.no_grad()
def record(
    path: Path, times: Collection[float] | None = None, steps: Collection[int] | None = None,
    keep: Callable[[Tensor], Tensor] = lambda x: x, progress: bool = False,
) -> Rollout:  # fmt: skip
    """Run an integrator and keep its states at some times, or at some steps.

    A rollout that diverges ends there, and what was kept before it stays.

    Parameters
    ----------
    path : iterator of (t, x)
        Such as `rk4(...)`; it is followed no further than to the last state asked for.
    times : collection of float, optional
        Each is met by the first state at or after it.
    steps : collection of int, optional
        Instead of times; the start is step 0.
    keep : callable of a state -> Tensor, optional
        What to keep of it, such as its denoised first image.
    progress : bool
        Show a progress bar.
    """
    name, wanted = ("times", times) if steps is None else ("steps", steps)
    if not wanted:
        raise InputError(f"{name} is empty; give at least one")
    left, slack = sorted(set(wanted), reverse=True), 1e-6 if steps is None else 0.0
    states: dict[float, Tensor] = {}
    reach: dict[float, Tensor] = {}
    now, farthest = 0.0, None
    try:
        bar = tqdm(path, "rollout", leave=False, mininterval=1.0, disable=not progress)
        for step, (t, x) in enumerate(bar):
            if hasattr(_job, "stop") and _job.stop.is_set():
                raise RuntimeError("another of these rollouts failed, or all were interrupted")
            size = x.abs().flatten(1).amax(1)
            farthest = size if farthest is None else torch.maximum(farthest, size)
            now = t if steps is None else step
            while left and now >= left[-1] - slack * max(1.0, now):
                if not size.isfinite().all():
                    return Rollout(states, reach, step)
                at = left.pop()
                states[at], reach[at] = keep(x), farthest
            if not left:
                return Rollout(states, reach)
    except Diverged as error:
        return Rollout(states, reach, error.step)
    raise InputError(f"{name} asks for {left[0]:g}, but the path ended at {now:g}")


def held(path: Path) -> Path:
    """A path of points (B, d) in which those that leave |x_i| < 50 stay where they left."""
    # They count as lost, never come back, and do not turn distances into nonsense.
    before = None
    for t, x in path:
        x = x.nan_to_num(nan=FAR).clamp(-FAR, FAR)
        if before is not None:
            x = torch.where(before.abs().amax(-1, keepdim=True) < FAR, x, before)
        before = x
        yield t, x


def race(
    runners: Mapping[str, tuple[Field, float, Sequence[float]]], start: Tensor
) -> dict[str, Rollout]:
    """Follow fields {name: (field, dt, times to keep)} from one cloud (B, d), by `rk4`, `held`."""

    def run(field: Field, dt: float, times: Sequence[float]) -> Rollout:
        return record(held(rk4(field, start, dt, math.ceil(max(times) / dt - 1e-9))), times)

    return together({name: partial(run, *runner) for name, runner in runners.items()})


def together(jobs: Mapping[Key, Callable[[], Result]]) -> dict[Key, Result]:
    """Run several rollouts (or trainings) at once, one thread each; return the results by name."""
    # The steps of small networks are too short to split between cores; whole rollouts are not.  An
    # error or an interrupt ends the other rollouts at their next step.
    if hasattr(_job, "stop"):  # called by a job, whose fellows may take all the threads
        return {name: job() for name, job in jobs.items()}
    before, stop = torch.get_num_threads(), threading.Event()

    def run(job: Callable[[], Result]) -> Result:
        torch.set_num_threads(1)
        _job.stop = stop
        try:
            return job()
        finally:
            del _job.stop
            if sys.platform == "linux":  # glibc keeps what a thread freed for that thread
                getattr(ctypes.CDLL(None), "malloc_trim", int)(0)

    try:
        parallel = joblib.Parallel(CORES, backend="threading")
        results = parallel(joblib.delayed(run)(job) for job in jobs.values())
        return dict(zip(jobs, results, strict=True))
    finally:
        stop.set()
        torch.set_num_threads(before)
