"""What all checks share: fresh inputs, calling the reader's function, and saying what is off."""

import textwrap
import traceback
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import Field

WIDTH = 88  # of what is printed
DIGITS = 1e-6  # relative error that rounding may leave in float64
Mistakes = Mapping[str, Any]  # what a mistake would give, by the words to say then
NONE: Mistakes = {}
FRESH = torch.Generator()
FRESH.seed()  # nobody knows it beforehand


class Wrong(AssertionError):
    """An answer that isn't right.  Jupyter shows what is off, and where the reader's code broke."""

    def _render_traceback_(self) -> list[str]:
        lines = textwrap.wrap(f"Wrong: {self}", WIDTH)
        if (cause := self.__cause__) and cause.__traceback__:
            path = traceback.format_exception(type(cause), cause, cause.__traceback__.tb_next)
            lines += ["", *"".join(path).splitlines()]
        return lines


class Unanswered(NotImplementedError):
    """A stub that is still one.  Jupyter says so, without the way from check to stub."""

    def _render_traceback_(self) -> list[str]:
        return [f"Not answered yet: {self}."]


def right(meaning: str) -> None:
    """Say that an answer is right, and what it means."""
    print(textwrap.fill(f"Right: {meaning}", WIDTH))


def require(true: bool, words: str) -> None:
    """`Wrong`, in these words, unless something is true."""
    if not true:
        raise Wrong(words)


def uniform(low: float, high: float) -> float:
    """A fresh number between `low` and `high`."""
    return float(low + (high - low) * torch.rand((), generator=FRESH, dtype=torch.float64))


def integer(low: int, high: int) -> int:
    """A fresh whole number from `low` to `high`, both included."""
    return int(torch.randint(low, high + 1, (), generator=FRESH))


def normal(*shape: int) -> Tensor:
    """Fresh Gaussian numbers, float64."""
    return torch.randn(shape, generator=FRESH, dtype=torch.float64)


def unit(n: int) -> Tensor:
    """A fresh vector (n,) of length 1."""
    return torch.nn.functional.normalize(normal(n), dim=0)


def covariance(dim: int = 2) -> Tensor:
    """A fresh covariance matrix (dim, dim), float64, with variances between .5 and 2."""
    axes = torch.linalg.qr(normal(dim, dim))[0]
    return axes * torch.tensor([uniform(0.5, 2) for _ in range(dim)]).double() @ axes.T


def call(function: Any, name: str, *inputs: Any) -> Any:
    """Call the reader's function; tensors are copied, so that it can't change what we hold."""
    require(callable(function), f"{name} should be a function, and is {_short(function)}.")
    try:
        return function(*(each.clone() if isinstance(each, Tensor) else each for each in inputs))
    except NotImplementedError as error:
        raise Unanswered(str(error)) from None
    except Exception as error:  # whatever the reader's code raises is worth saying in one line
        given = ", ".join(_short(each) for each in inputs)
        told = f"{type(error).__name__}: {error}".rstrip(".")
        raise Wrong(f"{name} breaks when called with ({given}): {told}.") from error


def numbers(value: Any, name: str, shape: tuple[int, ...]) -> Tensor:
    """An answer as a finite float64 tensor of some shape; () takes any one number."""
    require(value is not None, f"{name} is None: does your function end with return?")
    try:
        tensor = torch.as_tensor(value if isinstance(value, Tensor) else np.asarray(value)).detach()
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(f"{name} is {_short(value)}, and should be numbers.") from None
    require(not tensor.is_complex(), f"{name} is complex, and should be real: is .real meant?")
    if not shape and tensor.numel() == 1:
        tensor = tensor.reshape(())
    given, wanted = tuple(tensor.shape), f"have shape {shape}" if shape else "be one number"
    require(given == shape, f"{name} has shape {given}, and should {wanted}.")
    finite = bool(torch.isfinite(tensor).all())
    require(finite, f"{name} is not finite: it has NaN or infinite entries.")
    return tensor.double()


def ask(function: Any, name: str, *inputs: Any, shape: tuple[int, ...] = ()) -> Tensor:
    """What the reader's function gives, as a finite float64 tensor of some shape."""
    return numbers(call(function, name, *inputs), f"{name}(...)", shape)


def expect(
    want: Tensor | float, function: Any, name: str, *inputs: Any, mistakes: Mistakes = NONE
) -> None:
    """Call the reader's function, and compare what it gives with what is right; see `close`."""
    want = torch.as_tensor(want).double()
    got = ask(function, name, *inputs, shape=tuple(want.shape))
    plain = all(isinstance(each, int | float) for each in inputs)
    given = ", ".join(f"{each:.3g}" for each in inputs) if plain else "..."
    close(got, want, f"{name}({given})", mistakes)


def close(
    got: Tensor, want: Tensor, name: str, mistakes: Mistakes = NONE, tolerance: float = DIGITS
) -> None:
    """Say what is off, and in which direction; errors up to `tolerance` of the largest pass."""
    most = tolerance * max(float(want.abs().max()), 1e-300)

    def same(one: Tensor | float, other: Tensor) -> bool:
        return float((one - other).abs().max()) <= most

    if same(got, want):
        return
    for words, value in mistakes.items():
        require(not same(value, got), words)
    require(bool(got.any()), f"{name} is zero everywhere, and shouldn't be.")
    require(not same(-got, want), f"{name} has the right size, but the opposite sign.")
    ratio = float((got * want).sum() / (want * want).sum())
    multiple = want.ndim > 0 and same(ratio * want, got)
    require(not multiple, f"{name} is {ratio:.3g} times what it should be, everywhere.")
    worst = int((got - want).abs().argmax())
    place = [int(i) for i in np.unravel_index(worst, want.shape)] if want.ndim else ""
    one, other = float(got.flatten()[worst]), float(want.flatten()[worst])
    way = "small" if one < other else "large"
    raise Wrong(f"{name}{place} is {one:.4g}; {other:.4g} would be right: yours is too {way}.")


def moving(v: Tensor, name: str) -> float:
    """The rms speed of a velocity (B, d), or `Wrong` if nothing moves."""
    speed = float(v.square().sum(1).mean().sqrt())
    require(speed > DIGITS, f"{name} stands still; that keeps everything, and is no motion.")
    return speed


def skew(K: Tensor) -> Tensor:
    """A matrix (d, d) or kernel (C, C, h, w), or `Wrong` with the worst pair of entries."""
    kernel = K if K.ndim == 4 else K[:, :, None, None]
    excess = kernel + kernel.transpose(0, 1).flip(2, 3)
    o, i, y, x = torch.nonzero(excess.abs() == excess.abs().max())[0].tolist()
    dy, dx, total = y - kernel.shape[2] // 2, x - kernel.shape[3] // 2, float(excess[o, i, y, x])
    there, back = (f" at ({dy},{dx})", f" at ({-dy},{-dx})") if K.ndim == 4 else ("", "")
    words = f"isn't skew: K[{o},{i}]{there} plus K[{i},{o}]{back} is {total:.3g}, and should be 0."
    small = abs(total) <= DIGITS * max(1.0, float(K.abs().max()))
    require(small, f"your {'kernel' if K.ndim == 4 else 'matrix'} {words}")
    return K


def field(function: Any, name: str, x: Tensor, shape: tuple[int, ...]) -> Field:
    """The reader's function, once it gives numbers of some shape at x; it can be differentiated."""
    ask(function, name, x, shape=shape)
    return lambda y: call(function, name, y).double()


def _short(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, Tensor | np.ndarray):
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    if callable(value):
        return getattr(value, "__name__", "a function")
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
