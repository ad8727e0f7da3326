"""What is kept of a long rollout of images: some of its states, and where it broke off."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from eqflow_nb.inputs import InputError, between
from eqflow_nb.rollout.images import Diverged
from eqflow_nb.rollout.record import _stop_if_abandoned


@dataclass(frozen=True)
class Visits:
    """States of a rollout at some of its steps.

    Attributes
    ----------
    states : dict of int to Tensor
        By step, in order; those after it broke off are missing.
    stopped : int, optional
        The step at which it left every bound; None if it did not.
    """

    states: dict[int, Tensor]
    stopped: int | None = None

    @property
    def first(self) -> Tensor:
        """The state at the first of the steps."""
        return next(iter(self.states.values()))

    @property
    def last(self) -> Tensor:
        """The state at the last step that was reached."""
        return next(reversed(self.states.values()))


def visit(
    path: Iterator[tuple[float, Tensor]],
    steps: Collection[int],
    keep: Callable[[Tensor], Tensor] = Tensor.clone,
) -> Visits:
    """Follow a rollout and keep its states at some steps only; one that diverges ends there.

    Parameters
    ----------
    path : iterator of (t, x)
        Such as `exponential_images(...)` or `rk4(...)`, of which the start is step 0.
    steps : collection of int
        Which to keep; it is followed no further than the last.
    keep : callable of a state -> Tensor
        What to keep of it, such as its denoised first image.

    Raises
    ------
    InputError
        If there are no steps, or the path ends, without breaking off, before the last of them.
    """
    if not steps:
        raise InputError("steps is empty; give at least one")
    states: dict[int, Tensor] = {}
    step, last = -1, max(steps)
    try:
        for step, (_, x) in enumerate(path):
            _stop_if_abandoned()
            if step in steps:
                if not x.isfinite().all():
                    return Visits(states, step)
                with torch.no_grad():
                    states[step] = keep(x)
            if step == last:
                return Visits(states)
    except Diverged as error:
        return Visits(states, error.step)
    raise InputError(f"steps asks for {last}, but the path ended at {step}")


def averaged(path: Iterator[tuple[float, Tensor]], time: float) -> Iterator[tuple[float, Tensor]]:
    """A path's exponential moving average: m <- m + (1 - exp(-dt / time)) (x - m), from m = x.

    Noise of many steps cancels in it; it lags behind by about `time`.

    Parameters
    ----------
    path : iterator of (t, x)
    time : float
        Over which it forgets, in the units of t; 0 is no average.

    Yields
    ------
    (t, m)
    """
    time = between(time, "time", 0, math.inf)
    before, mean = 0.0, None
    for t, x in path:
        blend = -math.expm1(-(t - before) / time) if time > 0 else 1.0
        mean = x if mean is None else mean.lerp(x, blend)
        before = t
        yield t, mean
