"""Gray-Scott: its equations, its symmetries, its snapshots; and canvases taken tile by tile."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures import normal
from torch.nn import functional as F

from eqflow_nb import scores, snapshots
from eqflow_nb.flows.spectral_kernel import equal_rate_kernel
from eqflow_nb.fourier import enlarged, filtered
from eqflow_nb.inputs import InputError
from eqflow_nb.snapshots import gray_scott
from eqflow_nb.snapshots.gray_scott import laplacian
from eqflow_nb.snapshots.tiles import tiled


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EQFLOW_CACHE", str(tmp_path / "cache"))


def some(n: int = 2, size: int = 16, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 2, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("preset", gray_scott.PRESETS)
def test_a_step_is_the_equation(preset):
    x, chosen = some(size=24)[..., :16, :].double(), gray_scott.PRESETS[preset]
    stencil = torch.tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]]).double()[None, None]
    around = [F.conv2d(F.pad(x[:, c : c + 1], (1, 1, 1, 1), "circular"), stencil) for c in (0, 1)]
    u, v = x[:, :1], x[:, 1:]
    du = 0.16 * around[0] - u * v**2 + chosen.feed * (1 - u)
    dv = 0.08 * around[1] + u * v**2 - (chosen.feed + chosen.kill) * v
    after = gray_scott.advance(x.float(), preset, 1)
    torch.testing.assert_close(after.double(), x + torch.cat([du, dv], 1), atol=1e-6, rtol=0)


def test_a_uniform_mixture_in_balance_stays():
    # With v > 0: u v = F + k from the second equation, then u^2 - u + (F + k)^2 / F = 0.
    chosen = gray_scott.PRESETS["bursts"]
    lost = chosen.feed + chosen.kill
    u = (1 - math.sqrt(1 - 4 * lost**2 / chosen.feed)) / 2
    x = torch.tensor([u, lost / u]).float()[None, :, None, None].expand(1, 2, 16, 16)
    assert gray_scott.rate(x, "bursts").abs().max() < 1e-7
    torch.testing.assert_close(gray_scott.advance(x, "bursts", 5), x, atol=1e-6, rtol=0)


def test_diffusion_alone_decays_a_wave_at_the_exact_rate():
    line = torch.cos(2 * math.pi * 3 * torch.arange(32) / 32)
    x = torch.stack([1 + 0.1 * line.expand(32, 32), torch.zeros(32, 32)])[None]
    after = gray_scott.advance(x, "waves", 20)
    factor = 1 - 0.16 * 4 * math.sin(math.pi * 3 / 32) ** 2 - 0.018
    assert float(after[0, 0].max() - 1) == pytest.approx(0.1 * factor**20, rel=1e-4)
    assert float(after[0, 1].abs().max()) == 0


def test_shifts_turns_and_mirrors_pass_through():
    x = some()
    after = gray_scott.advance(x, "life", 30)
    for move in (
        lambda y: y.roll((5, 11), (2, 3)),
        lambda y: y.rot90(1, (2, 3)),
        lambda y: y.flip(3),
    ):
        torch.testing.assert_close(gray_scott.advance(move(x), "life", 30), move(after))


def test_runs_that_die_are_begun_again_or_refused(monkeypatch):
    begun = gray_scott._start
    empty = torch.stack([torch.ones(32, 32), torch.zeros(32, 32)])
    monkeypatch.setattr(gray_scott, "_start", lambda *w: begun(*w) if w[-1] else empty)
    assert (gray_scott.simulate("waves", 2, size=32, steps=20)[:, 1].amax((1, 2)) >= 1e-3).all()
    monkeypatch.setattr(gray_scott, "_start", lambda *which: empty)
    with pytest.raises(InputError, match=r"preset 'waves' died out.*larger size"):
        gray_scott.simulate("waves", 1, size=32, steps=5)


def test_the_scale_is_that_of_the_settled_pattern():
    x = snapshots.field_world("waves").sample(6, 3)
    assert x.mean((0, 2, 3)).abs().max() < 0.25
    assert (x.std((0, 2, 3)) - 1).abs().max() < 0.2


def test_the_world_moves_as_its_velocity_says():
    world = gray_scott.gray_scott("waves", size=32, steps=300)
    x = world.sample(2, 0)
    assert torch.equal(x, world.sample(2, 0)), "from disk as from the simulation"
    after = world.scaled(gray_scott.advance(world.raw(x), "waves", 40))
    torch.testing.assert_close(world.advance(x, 40), after)
    torch.testing.assert_close(world.raw(world.scaled(x)), x)
    torch.testing.assert_close(world.advance(x, 1) - x, world.velocity(x), atol=1e-5, rtol=1e-3)


@pytest.mark.gpu
def test_a_gpu_agrees():
    there = gray_scott.advance(some().cuda(), "waves", 20).cpu()
    torch.testing.assert_close(there, gray_scott.advance(some(), "waves", 20), atol=1e-5, rtol=1e-4)


sides, tiles, rims = st.integers(1, 50), st.integers(3, 24), st.integers(1, 6)


@given(sides, sides, tiles, rims, st.integers(0, 99))
@settings(max_examples=40)
def test_tiles_of_any_size_give_what_the_whole_gives(height, width, tile, halo, seed):
    x = normal(2, 1, height, width, seed=seed)
    if tile <= 2 * halo:
        with pytest.raises(InputError, match=f"tile is {tile}; with a rim of {halo}"):
            tiled(laplacian, x, tile, halo)
    else:
        torch.testing.assert_close(tiled(laplacian, x, tile, halo), laplacian(x))


def test_a_large_canvas_is_followed_tile_by_tile(monkeypatch):
    world = gray_scott.gray_scott("waves", 48, steps=300)
    raw = world.raw(world.sample(1, 0)).float()
    kept, whole = raw.clone(), gray_scott.advance(raw, "waves", 75)
    for name, value in {"LARGE": 0, "TILE": 40, "RIM": 12}.items():
        monkeypatch.setattr(gray_scott, name, value)
    torch.testing.assert_close(gray_scott.advance(raw, "waves", 75), whole)
    torch.testing.assert_close(raw, kept, atol=0, rtol=0)
    assert (whole - raw).abs().max() > 0.1


@pytest.mark.parametrize("size", [8, 9])
def test_an_enlarged_rule_is_as_skew_as_it_was(size):
    symbol = equal_rate_kernel(
        scores.fit_gaussian_field(normal(12, 2, size, size), 0.3, symmetrise=True)
    )
    large = enlarged(symbol, (size, size), (24, 24))
    torch.testing.assert_close(large, -large.mH, atol=1e-12, rtol=0)
    assert large.abs().max() > 0.1


def test_on_a_periodic_copy_of_its_grid_an_enlarged_filter_does_what_it_did():
    x = normal(1, 2, 8, 8)
    symbol = equal_rate_kernel(scores.fit_gaussian_field(normal(9, 2, 8, 8), 0.3)).to(
        torch.complex128
    )
    large = enlarged(symbol, (8, 8), (24, 24))
    torch.testing.assert_close(
        filtered(large, x.tile(1, 1, 3, 3)), filtered(symbol, x).tile(1, 1, 3, 3)
    )
