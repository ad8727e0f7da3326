"""What comes in is checked, what goes out is written whole.

Every message names the argument, what it got and what would do.  A check that refuses raises
`InputError`; the functions that call these checks don't say so again.  Arrays are checked without
torch, so rooms that don't use it don't load it.
"""

from __future__ import annotations

import difflib
import math
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# A velocity, a score: from states (B, ...) to one vector for each, of the same shape.
Field = Callable[["Tensor"], "Tensor"]
BUDGETS = ("quick", "laptop", "paper")
DEVICES = ("auto", "cpu", "cuda")
HUGE = 1e100
LARGEST = 2**62  # of whole numbers

Numbers = TypeVar("Numbers", bound=Any)  # an array or a tensor


class InputError(ValueError):
    """An argument that cannot be used; the message says which, why, and what would do."""


def as_samples(
    x: Any, name: str = "samples", dim: int | None = None, at_least: int = 2, vary: bool = False
) -> Tensor:
    """Return `x` as a finite floating-point tensor of shape (n, d), one sample per row.

    Floating dtypes are kept, integers become the default dtype.  `dim` columns and `at_least` rows
    are required; `vary` also refuses columns in which every row has the same value.
    """
    return _samples(as_numbers(x, name), name, dim, at_least, vary)


def as_points(x: Any, name: str = "x", at_least: int = 2, vary: bool = False) -> np.ndarray:
    """`as_samples` as an array (n, d), without torch."""
    return _samples(as_array(x, name), name, None, at_least, vary)


def _samples(samples: Numbers, name: str, dim: int | None, at_least: int, vary: bool) -> Numbers:
    shape = tuple(samples.shape)
    if len(shape) != 2:
        hint = f"; for one coordinate use {name}[:, None]" if len(shape) == 1 else ""
        raise InputError(f"{name} has shape {shape}; it must be (n, d), one sample per row{hint}")
    if shape[1] == 0:
        raise InputError(f"{name} has no columns; it must have one per coordinate")
    if dim is not None and shape[1] != dim:
        raise InputError(f"{name} has {shape[1]} column(s); it must have {dim}")
    if shape[0] < at_least:
        raise InputError(f"{name} has {shape[0]} row(s); at least {at_least} are needed")
    check_finite(samples, name)
    if vary:
        y = as_array(samples, name)
        low, high = y.min(0).astype(np.float64), y.max(0).astype(np.float64)
        # A spread below a few units in the last place is rounding, not variation.
        rounding = 4 * np.finfo(y.dtype).eps * np.maximum(abs(low), abs(high))
        constant = np.flatnonzero(high - low <= rounding).tolist()
        if constant:
            found = f"{name} is constant in column(s) {', '.join(map(str, constant))}"
            raise InputError(f"{found}; leave those out, since they say nothing about motion")
    return samples


def as_images(
    x: Any,
    name: str = "snapshots",
    channels: int | None = None,
    size: tuple[int, int] | None = None,
    at_least: int = 1,
    vary: bool = False,
    square: bool = False,
) -> Tensor:
    """Return `x` as a finite floating-point tensor of shape (n, C, H, W).

    `channels`, a `size` (H, W), a `square` and `at_least` so many images can be required; `vary`
    also refuses channels that have one colour all over.
    """
    images = as_numbers(x, name)
    shape = tuple(images.shape)
    if len(shape) != 4 or 0 in shape[1:]:
        hint = f"; for one image use {name}[None]" if len(shape) == 3 else ""
        raise InputError(f"{name} has shape {shape}; it must be images (n, C, H, W){hint}")
    if channels is not None and shape[1] != channels:
        raise InputError(f"{name} has {shape[1]} channel(s); it must have {channels}")
    if size is not None and shape[2:] != tuple(size):
        wanted = f"it must be {size[0]} by {size[1]}"
        raise InputError(f"{name} is {shape[2]} by {shape[3]} pixels; {wanted}")
    if square and shape[2] != shape[3]:
        raise InputError(f"{name} is {shape[2]} by {shape[3]} pixels; it must be square")
    if shape[0] < at_least:
        raise InputError(f"{name} holds {shape[0]} image(s); at least {at_least} are needed")
    check_finite(images, name)
    if vary:
        flat = [c for c in range(shape[1]) if float(images[:, c].std()) < 1e-6]
        if flat:
            found = f"{name} has one colour all over in channel(s) {', '.join(map(str, flat))}"
            raise InputError(f"{found}; leave those out, since they say nothing about motion")
    return images


def positive(value: Any, name: str) -> float:
    """Return `value` as a finite float > 0 whose square is one too, or raise `InputError`."""
    number = _as_number(value, name)
    if not number > 0:
        raise InputError(f"{name} is {number:g}; it must be a finite number greater than 0")
    if not 1 / HUGE <= number <= HUGE:
        wanted = f"between {1 / HUGE:g} and {HUGE:g}, or its square is lost"
        raise InputError(f"{name} is {number:g}; it must lie {wanted}")
    return number


def between(value: Any, name: str, low: float, high: float) -> float:
    """Return `value` as a float with low <= value <= high, or raise `InputError`."""
    number = _as_number(value, name)
    if not low <= number <= high:
        raise InputError(f"{name} is {number:g}; it must lie between {low:g} and {high:g}")
    return number


def count(value: Any, name: str, at_least: int = 1) -> int:
    """Return `value` as a whole number >= `at_least`, or raise `InputError`."""
    number = _as_number(value, name)
    if number != int(number) or number < at_least or abs(number) > LARGEST:
        raise InputError(f"{name} is {number:g}; it must be a whole number, at least {at_least}")
    return int(number)


def seeded(seed: Any, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator of random numbers that starts from `seed`, a whole number, 0 or more."""
    import torch

    return torch.Generator(device=device).manual_seed(count(seed, "seed", at_least=0))


def as_states(x: Any, dim: int | None = None) -> Tensor:
    """Return states x (B, d) as they are, if a field can be evaluated there."""
    # Unlike samples they are not converted and may hold NaN, as a field's own values may: fields
    # are evaluated so often that only what costs nothing is checked.
    floating(x)
    if x.ndim != 2 or x.shape[1] != (dim or x.shape[1]) or not x.numel():
        as_samples(x, "x", dim=dim, at_least=1)
    return x


def floating(x: Any, name: str = "x") -> Tensor:
    """Return `x` if it is a tensor of single or double precision, else raise `InputError`."""
    import torch

    tensor = isinstance(x, torch.Tensor)
    if tensor and x.dtype in (torch.float32, torch.float64):
        return x
    kind = str(x.dtype).removeprefix("torch.") if tensor else type(x).__name__
    wanted = f"single or double precision, such as torch.as_tensor({name}, dtype=torch.float32)"
    raise InputError(f"{name} is of type {kind}; fields take tensors of {wanted}")


def choice(value: str, options: Iterable[str], name: str) -> str:
    """Return `value` if it is one of `options`, or raise `InputError` listing them."""
    known = list(options)
    if value in known:
        return value
    near = difflib.get_close_matches(str(value), known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise InputError(f"{name} {value!r} is unknown; choose one of {', '.join(known)}{hint}")


def skew_matrix(K: Any, name: str = "K") -> Tensor:
    """Return `K` as a skew-symmetric tensor (d, d): K + K^T = 0 to within rounding."""
    matrix = as_numbers(K, name)
    shape = tuple(matrix.shape)
    if len(shape) != 2 or shape[0] != shape[1] or not len(matrix):
        raise InputError(f"{name} has shape {shape}; it must be a square matrix (d, d)")
    check_finite(matrix, name)
    excess = matrix + matrix.T
    if excess.abs().max() > 1e-6 * matrix.abs().max():
        i, j = divmod(int(excess.abs().argmax()), len(matrix))
        found = f"{name}[{i},{j}] + {name}[{j},{i}] = {excess[i, j].item():g}, should be 0"
        raise InputError(f"{name} is not skew-symmetric: {found}; use ({name} - {name}.T) / 2")
    return matrix


def as_signs(signs: Any, dim: int) -> Tensor:
    """Return a symmetry x -> signs * x as a tensor (dim,) of 1 and -1."""
    import torch

    signs = torch.as_tensor(signs)
    if signs.shape != (dim,) or not (signs.abs() == 1).all():
        raise InputError(f"signs are {signs.tolist()}; give 1 or -1 for each of {dim} axes")
    return signs


def pick_device(name: str = "auto") -> torch.device:
    """Return the device called `name`: "auto" (a GPU if there is one), "cpu" or "cuda"."""
    import torch

    choice(name, DEVICES, "device")
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        hint = "use 'cpu' or 'auto', or install a CUDA build of torch on a machine with a GPU"
        raise InputError(f"device is 'cuda' but torch sees no GPU here; {hint}")
    return torch.device("cuda" if has_gpu and name != "cpu" else "cpu")


def as_numbers(x: Any, name: str) -> Tensor:
    """Return `x` as a tensor of real numbers, of any shape; a floating dtype is kept."""
    import torch

    if not isinstance(x, torch.Tensor):
        x = torch.as_tensor(_plain(x, name))
    if x.is_complex():
        raise InputError(f"{name} is complex; give real numbers")
    return x if x.is_floating_point() else x.to(torch.get_default_dtype())


def as_array(x: Any, name: str) -> np.ndarray:
    """Return `x` as an array of real numbers, without torch unless it is a tensor."""
    if hasattr(x, "detach"):
        x = x.detach().cpu()
        x = x.float() if str(x.dtype) == "torch.bfloat16" else x
    array = _plain(x, name)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _plain(x: Any, name: str) -> np.ndarray:
    """An array of real numbers from what is no tensor, or a tensor on the CPU."""
    try:
        array = np.asarray(x)
    except (TypeError, ValueError, RuntimeError):
        array = np.array(None)
    if array.dtype.kind == "c":
        raise InputError(f"{name} is complex; give real numbers")
    if array.dtype.kind not in "fiub":
        hint = "give a tensor, a NumPy array or nested lists of equal length"
        raise InputError(f"{name} of type {type(x).__name__} is not an array of numbers; {hint}")
    return array


def _as_number(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{name} is {value!r}; it must be a number") from error
    if not math.isfinite(number):
        raise InputError(f"{name} is {number:g}; it must be a finite number")
    return number


def check_finite(values: Any, name: str) -> None:
    """Refuse arrays or tensors with values that are NaN or infinite, naming the first row."""
    plain = isinstance(values, np.ndarray)
    bad = ~(np.isfinite(values) if plain else values.isfinite())
    if bad.any():
        first = bad.reshape(len(values), -1).any(1).tolist().index(True)
        found = f"{int(bad.sum())} value(s) that are NaN or infinite, first in row {first}"
        raise InputError(f"{name} has {found}; remove those rows or fill them in")


def replace_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, like `replace_bytes`."""
    replace_bytes(path, text.encode("utf-8"))


def replace_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or, with an OSError, not at all."""
    # Two threads that write the same file must not share a draft.
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        draft.write_bytes(content)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def writable_folder(out: Path) -> None:
    """Make a folder of results if there is none, before hours go into what is to lie there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        replace_text(out / ".writable", "")
        (out / ".writable").unlink()
    except OSError as error:
        why = error.strerror or error
        raise InputError(f"can't write to {out}: {why}; give another folder") from error


def split_at_commas(text: str) -> list[str]:
    """The parts of a list, at commas that stand in no bracket and in no backticks."""
    parts, depth, quoted = [""], 0, False
    for letter in text:
        quoted ^= letter == "`"
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]
