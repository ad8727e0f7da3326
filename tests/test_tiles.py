"""Large canvases: tiles give what the whole gives, and a rule made on a small grid stays skew."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import normal

from eqflow_nb import scores
from eqflow_nb.equations.field_laws import laplacian
from eqflow_nb.flows import kernels, spectral_kernel
from eqflow_nb.fourier import enlarged, filtered
from eqflow_nb.inputs import InputError
from eqflow_nb.snapshots import gray_scott, gray_scott_steps
from eqflow_nb.snapshots.tiles import bands, tiled


@given(
    st.integers(1, 50),
    st.integers(1, 50),
    st.integers(3, 24),
    st.integers(1, 6),
    st.integers(0, 99),
)
@settings(max_examples=40)
def test_tiles_of_any_size_give_what_the_whole_gives(height, width, tile, halo, seed):
    x = normal(2, 1, height, width, seed=seed)
    if tile <= 2 * halo:
        with pytest.raises(InputError, match=f"tile is {tile}; with a rim of {halo}"):
            tiled(laplacian, x, tile, halo)
    else:
        torch.testing.assert_close(tiled(laplacian, x, tile, halo), laplacian(x))


def test_a_rim_too_narrow_shows():
    x = normal(1, 1, 40, 40)

    def twice(y):
        return laplacian(laplacian(y))

    assert (tiled(twice, x, 16, 1) - twice(x)).abs().max() > 0.1
    torch.testing.assert_close(tiled(twice, x, 16, 2), twice(x))


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (8, 9)])
def test_an_enlarged_symbol_is_the_same_kernel_with_zeros_around(size):
    kernel = kernels.random_kernel(2, 5, seed=1).double()
    large = enlarged(kernels.symbol(kernel, size), size, (20, 21))
    torch.testing.assert_close(large, kernels.symbol(kernel, (20, 21)))


@pytest.mark.parametrize("size", [8, 9])
def test_an_enlarged_rule_is_as_skew_as_it_was(size):
    stills = normal(12, 2, size, size)
    symbol = spectral_kernel.equal_rate_kernel(
        scores.fit_gaussian_field(stills, 0.3, symmetrise=True)
    )
    large = enlarged(symbol, (size, size), (24, 24))
    torch.testing.assert_close(large, -large.mH, atol=1e-12, rtol=0)
    assert large.abs().max() > 0.1


def test_on_a_periodic_copy_of_its_grid_an_enlarged_filter_does_what_it_did():
    x = normal(1, 2, 8, 8)
    symbol = spectral_kernel.equal_rate_kernel(
        scores.fit_gaussian_field(normal(9, 2, 8, 8), 0.3)
    ).to(torch.complex128)
    large = enlarged(symbol, (8, 8), (24, 24))
    torch.testing.assert_close(
        filtered(large, x.tile(1, 1, 3, 3)), filtered(symbol, x).tile(1, 1, 3, 3)
    )


def test_bands_are_all_of_it():
    x = normal(1, 2, 10, 4)
    torch.testing.assert_close(torch.cat(list(bands(x, 3)), 2), x)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: tiled(laplacian, x[0]), "x has shape"),
        (lambda x: tiled(laplacian, x, out=x), "out must be another tensor"),
        (lambda x: tiled(laplacian, x, out=x[..., :1]), "out must be another tensor"),
        (lambda x: enlarged(torch.zeros(8, 5, 2, 2), (9, 8), (20, 20)), "not of a grid"),
        (lambda x: enlarged(torch.zeros(8, 5, 2, 2), (8, 8), (8, 20)), "must be over"),
    ],
)
def test_bad_input(call, says):
    with pytest.raises(InputError, match=says):
        call(normal(1, 2, 8, 8))


def test_chemistry_on_a_large_canvas_is_followed_tile_by_tile(monkeypatch):
    raw = gray_scott.gray_scott("waves", 48, steps=300, keep=False).sample(1, 0)
    raw = gray_scott.gray_scott("waves", 48).raw(raw).float()
    whole = gray_scott.advance(raw, "waves", 75)
    monkeypatch.setattr(gray_scott_steps, "LARGE", 0)
    monkeypatch.setattr(gray_scott_steps, "TILE", 40)
    monkeypatch.setattr(gray_scott_steps, "RIM", 12)
    kept = raw.clone()
    torch.testing.assert_close(gray_scott.advance(raw, "waves", 75), whole)
    torch.testing.assert_close(raw, kept, atol=0, rtol=0)
    assert (whole - raw).abs().max() > 0.1
