"""Fourier coefficients of periodic images: wave numbers, filters, blurs.

A filter is given by its symbol: a matrix that mixes the channels, one for every coefficient that
`torch.fft.rfft2` keeps.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def filtered(symbol: Tensor, x: Tensor) -> Tensor:
    """Multiply every coefficient of images x (B, C, H, W) by a matrix (H, W//2+1, C, C).

    A matrix (C, C) does for all coefficients alike, and needs no transform.
    """
    if symbol.ndim == 2:
        return torch.einsum("cd,bdhw->bchw", symbol.to(x), x)
    coefficients = torch.fft.rfft2(x)
    kind = torch.complex128 if x.dtype == torch.float64 else torch.complex64
    mixed = torch.einsum("hwcd,bdhw->bchw", symbol.to(coefficients.device, kind), coefficients)
    return torch.fft.irfft2(mixed, s=x.shape[-2:])


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
