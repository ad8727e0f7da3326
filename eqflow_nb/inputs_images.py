"""Checks of images, beside those of points in `inputs`."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .inputs import InputError, _check_finite, as_numbers


def as_images(
    x: Any,
    name: str = "stills",
    channels: int | None = None,
    size: tuple[int, int] | None = None,
    at_least: int = 1,
    vary: bool = False,
    square: bool = False,
) -> Tensor:
    """Return `x` as a finite floating-point tensor of shape (n, C, H, W).

    Parameters
    ----------
    x : Tensor or array, shape (n, C, H, W)
    name : str
        What to call the argument in messages.
    channels : int, optional
        The number C that is required.
    size : (int, int), optional
        The sides (H, W) that are required.
    at_least : int
        The number n that is required.
    vary : bool
        Also refuse channels that have one colour all over.
    square : bool
        Also refuse H other than W.

    Raises
    ------
    InputError
        If `x` is not numeric, not of such a shape, or not finite.
    """
    images = as_numbers(x, name)
    shape = tuple(images.shape)
    if len(shape) != 4 or 0 in shape[1:]:
        hint = f"; for one image use {name}[None]" if len(shape) == 3 else ""
        raise InputError(f"{name} has shape {shape}; it must be images (n, C, H, W){hint}")
    if channels is not None and shape[1] != channels:
        raise InputError(f"{name} has {shape[1]} channel(s); it must have {channels}")
    if size is not None and shape[2:] != tuple(size):
        raise InputError(
            f"{name} is {shape[2]} by {shape[3]} pixels; it must be {size[0]} by {size[1]}"
        )
    if square and shape[2] != shape[3]:
        raise InputError(f"{name} is {shape[2]} by {shape[3]} pixels; it must be square")
    if shape[0] < at_least:
        raise InputError(f"{name} holds {shape[0]} image(s); at least {at_least} are needed")
    _check_finite(images, name)
    if vary:
        flat = [c for c in range(shape[1]) if float(images[:, c].std()) < 1e-6]
        if flat:
            raise InputError(
                f"{name} has one colour all over in channel(s) {', '.join(map(str, flat))}; "
                "leave those out, since they say nothing about motion"
            )
    return images
