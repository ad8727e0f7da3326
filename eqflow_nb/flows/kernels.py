"""Skew-symmetric convolutions: v = K * s keeps any distribution of periodic images, untrained.

K[o, i, d] = -K[i, o, -d] makes the whole map skew: what channel i gives to channel o at a distance
d it takes back.  Then div(K s) = tr(K grad s) = 0, as grad s is symmetric, and s . K s = 0.
"""

from typing import Any

import torch
from torch import Tensor

from eqflow_nb.fourier import Filter
from eqflow_nb.inputs import Field, InputError, as_images, as_numbers, choice, count, seeded


def convolution(symbol: Tensor, score: Field) -> Field:
    """v = K * s: a filter, given for every frequency, of the score.  It keeps p only if K is skew.

    K(k) is (H, W//2+1, C, C), see `symbol`; or (C, C), the same for every frequency: then it mixes
    channels only.  The field takes images (B, C, H, W) to velocities of their shape.
    """
    kernel = Filter(symbol)
    return lambda x: kernel(score(x))


def skew_kernel(weights: Tensor) -> Tensor:
    """The skew part of any weights (C, C, h, w), h and w odd: (K[o, i, d] - K[i, o, -d]) / 2."""
    weights = _as_kernel(weights, "weights")
    return (weights - weights.transpose(0, 1).flip(2, 3)) / 2


def random_kernel(
    channels: int, width: int = 1, seed: int = 0, kind: str = "skew", grid: int = 64
) -> Tensor:
    """A Gaussian kernel (C, C, width, width) of some kind, with the largest |eigenvalue| 1."""
    channels, width = count(channels, "channels", 2 if width == 1 else 1), count(width, "width")
    weights = torch.randn(channels, channels, width, width, generator=seeded(seed))
    kernel = skew_kernel(weights)
    if choice(kind, ("skew", "symmetric"), "kind") == "symmetric":
        kernel = (weights + weights.transpose(0, 1).flip(2, 3)) / 2
    largest = torch.linalg.matrix_norm(symbol(kernel, (grid, grid)), ord=2).max()
    return kernel / largest.to(kernel.dtype)


def symbol(kernel: Tensor, size: tuple[int, int]) -> Tensor:
    """K(k) of a kernel (C, C, h, w) on a grid: (H, W//2+1, C, C), complex128; skew if it is."""
    kernel = _as_kernel(kernel, "kernel").double()
    c, _, h, w = kernel.shape
    if h > size[0] or w > size[1]:
        found = f"kernel is {h} by {w}, wider than the grid, {size[0]} by {size[1]}"
        raise InputError(f"{found}; give a larger grid or a smaller kernel")
    spread = torch.zeros(c, c, *size, dtype=torch.float64)
    spread[:, :, :h, :w] = kernel
    return torch.fft.rfft2(spread.roll((-(h // 2), -(w // 2)), (2, 3))).permute(2, 3, 0, 1)


def _as_kernel(kernel: Any, name: str) -> Tensor:
    kernel = as_numbers(kernel, name)
    if kernel.ndim == 2:
        kernel = kernel[:, :, None, None]
    shape = tuple(kernel.shape)
    if len(shape) != 4 or shape[0] != shape[1] or not (shape[2] % 2 and shape[3] % 2):
        raise InputError(f"{name} has shape {shape}; it must be (C, C, h, w) with h and w odd")
    return as_images(kernel, name)
