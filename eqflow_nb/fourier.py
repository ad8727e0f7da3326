"""Fourier coefficients of periodic images: wave numbers, filters, blurs.

A filter is given by its symbol: a matrix that mixes the channels, one for every coefficient that
`torch.fft.rfft2` keeps.
"""

import math

import torch
from torch import Tensor

from eqflow_nb.inputs import InputError

KINDS = {torch.float32: torch.complex64, torch.float64: torch.complex128}


def filtered(symbol: Tensor, x: Tensor) -> Tensor:
    """Multiply coefficients of images x (B, C, H, W) by matrices (H, W//2+1, C, C) or (C, C)."""
    if symbol.ndim == 2:
        return torch.einsum("cd,bdhw->bchw", symbol.to(x), x)
    symbol = symbol.to(x.device, KINDS[x.dtype])
    mixed = torch.einsum("hwcd,bdhw->bchw", symbol, torch.fft.rfft2(x))
    return torch.fft.irfft2(mixed, s=x.shape[-2:])


class Filter:
    """`filtered` with one symbol, converted to either precision beforehand: use it in loops."""

    def __init__(self, symbol: Tensor) -> None:
        self.symbol = symbol
        self._ready = {x: symbol if symbol.ndim == 2 else symbol.to(KINDS[x]) for x in KINDS}

    def __call__(self, x: Tensor) -> Tensor:
        """Filtered images (B, C, H, W)."""
        return filtered(self._ready[x.dtype], x)


def frequencies(height: int, width: int) -> Tensor:
    """|k| of every coefficient (H, W//2+1), in cycles a pixel."""
    rows, columns = torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
    return (rows[:, None] ** 2 + columns[None, :] ** 2).sqrt()


def blur(height: int, width: int, radius: float) -> Tensor:
    """What a Gaussian blur of a deviation in pixels multiplies coefficients by, (H, W//2+1)."""
    return torch.exp(-2 * (math.pi * radius * frequencies(height, width)) ** 2)


def root(matrix: Tensor) -> Tensor:
    """The square root of Hermitian matrices (..., C, C); of a negative eigenvalue it is 0."""
    values, vectors = torch.linalg.eigh(matrix)
    scale = values.clamp(min=0).sqrt()[..., None, :].to(matrix.dtype)
    return vectors * scale @ vectors.mH


def enlarged(symbol: Tensor, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    """The symbol on a larger grid `new` of the filter with a symbol (H, W//2+1, C, C) on `old`.

    The filter's kernel in space stays as it is, with zeros around it, so on a larger canvas it does
    at each pixel what it did.  Half of what lies half a side away goes to either side of it, which
    keeps a skew kernel skew.
    """
    if symbol.ndim != 4 or symbol.shape[:2] != (old[0], old[1] // 2 + 1):
        raise InputError(f"symbol has shape {tuple(symbol.shape)}, which is not of a grid {old}")
    if new == old:
        return symbol
    if new[0] <= old[0] or new[1] <= old[1]:
        raise InputError(f"new is {new}; it must be over {old} both ways")
    kernel = torch.fft.irfft2(symbol.to(torch.complex128), s=old, dim=(0, 1))
    for axis, side in enumerate(old):
        kernel = torch.fft.fftshift(kernel, dim=axis)
        if side % 2 == 0:  # the row at -side/2 stands for that at +side/2 as well
            edge = kernel.narrow(axis, 0, 1) / 2
            inner = kernel.narrow(axis, 1, side - 1)
            kernel = torch.cat([edge, inner, edge], dim=axis)
        pads = [0] * (2 * (kernel.ndim - axis))
        pads[-1] = new[axis] - kernel.shape[axis]
        kernel = torch.nn.functional.pad(kernel, pads).roll(-(side // 2), dims=axis)
    return torch.fft.rfft2(kernel, dim=(0, 1))
