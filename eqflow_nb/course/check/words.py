"""What all checks share: fresh inputs, calling the reader's function, and saying what is off."""

from __future__ import annotations

import textwrap
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

WIDTH = 88  # of what is printed
DIGITS = 1e-6  # relative error that rounding may leave in float64


class Wrong(AssertionError):
    """An answer that isn't right; the message says in words what is off."""

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows: the words, and where the reader's code broke, if it did."""
        lines = textwrap.wrap(f"Wrong: {self}", WIDTH)
        if (cause := self.__cause__) and cause.__traceback__:
            path = traceback.format_exception(type(cause), cause, cause.__traceback__.tb_next)
            lines += ["", *"".join(path).splitlines()]
        return lines


class Unanswered(NotImplementedError):
    """A stub that is still one; the message is its hint."""

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows: the hint, without the way from the check to the stub."""
        return textwrap.wrap(f"Not answered yet. Hint: {self}", WIDTH)


def right(meaning: str) -> None:
    """Say that an answer is right, and what it means."""
    print(textwrap.fill(f"Right: {meaning}", WIDTH))


def generator() -> torch.Generator:
    """A generator whose seed nobody knows beforehand."""
    fresh = torch.Generator()
    fresh.seed()
    return fresh


def number(low: float, high: float, fresh: torch.Generator | None = None) -> float:
    """A fresh number between `low` and `high`."""
    share = torch.rand(1, generator=fresh or generator(), dtype=torch.float64)
    return float(low + (high - low) * share)


def whole(low: int, high: int, fresh: torch.Generator | None = None) -> int:
    """A fresh whole number from `low` to `high`, both included."""
    return int(torch.randint(low, high + 1, (1,), generator=fresh or generator()))


def normal(*shape: int, fresh: torch.Generator | None = None) -> Tensor:
    """Fresh Gaussian numbers, float64."""
    return torch.randn(*shape, generator=fresh or generator(), dtype=torch.float64)


def covariance(dim: int = 2, fresh: torch.Generator | None = None) -> Tensor:
    """A fresh covariance matrix (dim, dim), float64, with variances between .5 and 2."""
    fresh = fresh or generator()
    axes, _ = torch.linalg.qr(normal(dim, dim, fresh=fresh))
    spread = 0.5 + 1.5 * torch.rand(dim, generator=fresh, dtype=torch.float64)
    return axes @ torch.diag(spread) @ axes.T


def ask(
    function: Any, name: str, *inputs: Any, shape: tuple[int, ...] | None = None, **more: Any
) -> Tensor:
    """Call the reader's function, and return what it gives as a finite float64 tensor.

    Parameters
    ----------
    function : callable
        The answer.
    name : str
        What the reader calls it.
    *inputs, **more
        Its arguments; tensors are copied, so that it can't change what the check holds.
    shape : tuple of int, optional
        The shape its result should have; () for a number.

    Raises
    ------
    Wrong
        If it isn't a function, breaks, or gives something that isn't numbers of that shape.
    Unanswered
        If it is still a stub: a NotImplementedError with its hint.
    """
    return as_numbers(called(function, name, *inputs, **more), f"{name}(...)", shape)


def called(function: Any, name: str, *inputs: Any, **more: Any) -> Any:
    """What the reader's function gives back, whatever it is; errors as in `ask`."""
    if not callable(function):
        raise Wrong(f"{name} should be a function, and is {_short(function)}.")
    copies = [each.clone() if isinstance(each, Tensor) else each for each in inputs]
    try:
        return function(*copies, **more)
    except NotImplementedError as error:
        raise Unanswered(str(error)) from None
    except Exception as error:  # whatever the reader's code raises is worth saying in one line
        given = ", ".join(_short(each) for each in inputs)
        told = f"{type(error).__name__}: {error}".rstrip(".")
        raise Wrong(f"{name} breaks when called with ({given}): {told}.") from error


def as_numbers(value: Any, name: str, shape: tuple[int, ...] | None = None) -> Tensor:
    """An answer as a finite float64 tensor of some shape, or `Wrong`; () takes any one number."""
    if value is None:
        raise Wrong(f"{name} is None: a function should end with return, an answer have a value.")
    try:
        tensor = torch.as_tensor(value if isinstance(value, Tensor) else np.asarray(value))
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(f"{name} is {_short(value)}, and should be numbers.") from None
    if tensor.is_complex():
        raise Wrong(f"{name} is complex, and should be real: take .real where that is meant.")
    tensor = tensor.detach().double()
    if shape == () and tensor.numel() == 1:
        tensor = tensor.reshape(())
    if shape is not None and tuple(tensor.shape) != shape:
        wanted = f"should have shape {shape}" if shape else "should be one number"
        raise Wrong(f"{name} has shape {tuple(tensor.shape)}, and {wanted}.")
    if not torch.isfinite(tensor).all():
        raise Wrong(f"{name} is not finite: it has NaN or infinite entries.")
    return tensor


def close(
    got: Tensor,
    want: Tensor,
    name: str,
    tolerance: float = DIGITS,
    mistakes: Mapping[str, Tensor] | None = None,
) -> None:
    """Compare an answer with the right one, and say what is off and in which direction.

    Parameters
    ----------
    got, want : Tensor, same shape
    name : str
        What the reader calls it.
    tolerance : float
        The largest error allowed, over the largest entry of `want`.
    mistakes : dict of str to Tensor, optional
        What known mistakes would give, by the words to say then.

    Raises
    ------
    Wrong
        If they differ.
    """
    size = float(want.abs().max())

    def same(one: Tensor, other: Tensor) -> bool:
        return float((one - other).abs().max()) <= tolerance * max(size, 1e-300)

    if same(got, want):
        return
    for words, value in (mistakes or {}).items():
        if same(got, value):
            raise Wrong(words)
    raise Wrong(_difference(got, want, name, same))


def _difference(
    got: Tensor, want: Tensor, name: str, same: Callable[[Tensor, Tensor], bool]
) -> str:
    """One sentence on how an answer differs from the right one."""
    if not got.any():
        return f"{name} is zero everywhere, and shouldn't be."
    if same(-got, want):
        return f"{name} has the right size, but the opposite sign."
    ratio = float((got * want).sum() / (want * want).sum())
    if want.ndim == 0:
        way = "small" if abs(got) < abs(want) else "large"
        return f"{name} is {float(got):.4g}; {float(want):.4g} would be right: yours is too {way}."
    if same(got, ratio * want):
        return f"{name} is {ratio:.3g} times what it should be, everywhere."
    worst = int((got - want).abs().argmax())
    place = [int(i) for i in np.unravel_index(worst, tuple(want.shape))]
    one, other = float(got.flatten()[worst]), float(want.flatten()[worst])
    way = "small" if one < other else "large"
    return f"{name}{place} is {one:.3g}; {other:.3g} would be right, so it is too {way}."


def moves(v: Tensor, name: str) -> float:
    """The rms speed of a velocity (B, d), or `Wrong` if nothing moves."""
    speed = float(v.square().sum(1).mean().sqrt())
    if speed < DIGITS:
        raise Wrong(f"{name} stands still; that keeps everything, and is no motion.")
    return speed


def skew(matrix: Tensor, name: str) -> None:
    """`Wrong` if a matrix (d, d) isn't skew, with the worst pair of entries."""
    excess = matrix + matrix.T
    if float(excess.abs().max()) > DIGITS * max(1.0, float(matrix.abs().max())):
        i, j = divmod(int(excess.abs().argmax()), len(matrix))
        total = f"{name}[{i},{j}] + {name}[{j},{i}] = {float(excess[i, j]):.3g}"
        raise Wrong(f"your matrix isn't skew: {total}, and should be 0.")


def _short(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, Tensor | np.ndarray):
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    if callable(value):
        return getattr(value, "__name__", "a function")
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
