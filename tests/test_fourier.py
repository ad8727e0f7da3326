"""Filters of periodic images, against what they are on the grid itself."""

from __future__ import annotations

import math

import torch

from eqflow_nb import fourier


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_one_matrix_for_all_is_that_matrix_at_every_pixel() -> None:
    x, matrix = noise(2, 3, 8, 8), noise(3, 3, seed=1)
    expected = torch.einsum("cd,bdhw->bchw", matrix, x)
    torch.testing.assert_close(fourier.filtered(matrix, x), expected)
    torch.testing.assert_close(fourier.filtered(matrix.expand(8, 5, 3, 3), x), expected)


def test_a_blurred_dot_is_a_gaussian_of_its_radius() -> None:
    dot = torch.zeros(1, 1, 64, 64).double()
    dot[0, 0, 32, 32] = 1
    spread = fourier.filtered(fourier.blur(64, 64, 3.0)[..., None, None].double(), dot)[0, 0]
    line = torch.arange(64).double() - 32
    gauss = torch.exp(-(line[:, None] ** 2 + line**2) / 18) / (2 * math.pi * 9)
    torch.testing.assert_close(spread, gauss, atol=1e-5, rtol=1e-3)


def test_a_root_squares_to_its_matrix_and_leaves_out_what_is_negative() -> None:
    factor = noise(5, 3, 3)
    matrix = factor @ factor.mT
    torch.testing.assert_close(fourier.root(matrix) @ fourier.root(matrix), matrix)
    assert float(fourier.root(torch.diag(torch.tensor([4.0, -1.0])))[0, 0]) == 2
    assert float(fourier.root(torch.diag(torch.tensor([4.0, -1.0]))).abs().sum()) == 2


def test_wave_numbers_are_those_of_waves() -> None:
    k = fourier.frequencies(16, 16)
    wave = torch.cos(2 * math.pi * (3 * torch.arange(16)[:, None] + 4 * torch.arange(16)) / 16)
    assert float(k.flatten()[torch.fft.rfft2(wave).abs().argmax()]) == 5 / 16
