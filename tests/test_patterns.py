"""How patterns are compared."""

from __future__ import annotations

import math

import pytest
import torch

from eqflow_nb import fourier
from eqflow_nb.inputs import InputError
from eqflow_nb.measures import patterns


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# ---- patterns ----


def test_patches_wrap_around_and_are_found_in_the_image() -> None:
    x = torch.arange(36.0).reshape(1, 1, 6, 6)
    some = patterns.patches(x, 3, 500)
    assert some.shape == (500, 9)
    assert len(torch.unique(some[:, 4])) == 36, "every pixel is the middle of a patch"
    row = some[some[:, 0] == 35.0][0].tolist()  # the last corner: the rest comes from other sides
    assert row == [35, 30, 31, 5, 0, 1, 11, 6, 7]


def test_a_shifted_still_is_the_same_pattern_and_a_blurred_one_is_not() -> None:
    x = noise(4, 2, 32, 32)
    x = fourier.filtered(
        torch.exp(-((8 * fourier.frequencies(32, 32)) ** 2))[..., None, None] * torch.eye(2),
        x,
    )
    floor = patterns.patch_floor(lambda i: x[[i % 4]].roll(7 * i, 3), 4)
    assert patterns.patch_distance(x[:1], x[:1].roll((5, 9), (2, 3))) < floor
    assert patterns.patch_distance(x, 2 * x) > 2 * floor
    assert patterns.spectrum_distance(x, x) == 0
    assert patterns.spectrum_distance(x, 10 * x) == pytest.approx(2.0)
    assert patterns.histogram_distance(x, x + 3) == pytest.approx(3.0, rel=1e-5)


def test_a_wave_has_its_power_at_its_wavelength() -> None:
    wave = torch.cos(2 * math.pi * 8 * torch.arange(64) / 64).expand(1, 1, 64, 64)
    k, power = patterns.spectrum(wave, 32)
    assert float(k[power[0].argmax()]) == pytest.approx(8 / 64, abs=0.01)


def test_cosines_share_one_sign() -> None:
    v = noise(3, 2, 4, 4)
    change = torch.stack([-v[0], -v[1], v[2] * 0.1])
    torch.testing.assert_close(patterns.cosines(v, change), torch.tensor([1.0, 1.0, -1.0]).double())
    with pytest.raises(InputError, match="zero on some image"):
        patterns.cosines(v, torch.zeros_like(v))


def test_pairs_of_noise_cancel_in_a_linear_field() -> None:
    x = noise(5, 2, 4, 4)
    torch.testing.assert_close(patterns.smoothed(lambda y: 3 * y, x, 2.0, 1), 3 * x)
