"""The Gray-Scott world: its equations, its symmetries, its snapshots."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from eqflow_nb import snapshots
from eqflow_nb.inputs import InputError
from eqflow_nb.snapshots import fields, gray_scott, gray_scott_steps


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EQFLOW_CACHE", str(tmp_path / "cache"))


def some(n: int = 2, size: int = 16, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 2, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("preset", gray_scott.PRESETS)
def test_a_step_is_the_equation(preset: str) -> None:
    x, chosen = some().double(), gray_scott.PRESETS[preset]
    stencil = torch.tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]]).double()[None, None]
    around = [F.conv2d(F.pad(x[:, c : c + 1], (1, 1, 1, 1), "circular"), stencil) for c in (0, 1)]
    u, v = x[:, :1], x[:, 1:]
    du = 0.16 * around[0] - u * v**2 + chosen.feed * (1 - u)
    dv = 0.08 * around[1] + u * v**2 - (chosen.feed + chosen.kill) * v
    after = gray_scott.advance(x.float(), preset, 1)
    torch.testing.assert_close(after.double(), x + torch.cat([du, dv], 1), atol=1e-6, rtol=0)


def test_the_empty_state_stays_empty() -> None:
    empty = torch.stack([torch.ones(16, 16), torch.zeros(16, 16)])[None]
    assert torch.equal(gray_scott.advance(empty, "waves", 50), empty)
    assert gray_scott.died_out(empty).all()


def test_a_uniform_mixture_in_balance_stays() -> None:
    # With v > 0: u v = F + k from the second equation, then u^2 - u + (F + k)^2 / F = 0.
    chosen = gray_scott.PRESETS["spirals"]
    lost = chosen.feed + chosen.kill
    u = (1 - math.sqrt(1 - 4 * lost**2 / chosen.feed)) / 2
    x = torch.tensor([u, lost / u]).float()[None, :, None, None].expand(1, 2, 16, 16)
    assert gray_scott.rate(x, "spirals").abs().max() < 1e-7
    torch.testing.assert_close(gray_scott.advance(x, "spirals", 5), x, atol=1e-6, rtol=0)


def test_diffusion_alone_decays_a_wave_at_the_exact_rate() -> None:
    line = torch.cos(2 * math.pi * 3 * torch.arange(32) / 32)
    x = torch.stack([1 + 0.1 * line.expand(32, 32), torch.zeros(32, 32)])[None]
    after = gray_scott.advance(x, "waves", 20)
    factor = 1 - 0.16 * 4 * math.sin(math.pi * 3 / 32) ** 2 - 0.018
    assert float(after[0, 0].max() - 1) == pytest.approx(0.1 * factor**20, rel=1e-4)
    assert float(after[0, 1].abs().max()) == 0


def test_shifts_turns_and_mirrors_pass_through() -> None:
    x = some()
    after = gray_scott.advance(x, "life", 30)
    for move in (
        lambda y: y.roll((5, 11), (2, 3)),
        lambda y: y.rot90(1, (2, 3)),
        lambda y: y.flip(3),
    ):
        torch.testing.assert_close(gray_scott.advance(move(x), "life", 30), move(after))


def test_oblong_images_and_none_at_all() -> None:
    x = some(size=24)[..., :16, :]
    for image in (x, x.mT):
        stepped = image + gray_scott.rate(image, "waves")
        torch.testing.assert_close(gray_scott.advance(image, "waves", 1), stepped)
    assert gray_scott.advance(x[:0], "waves", 3).shape == (0, 2, 16, 24)


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = gray_scott.advance(some(), "spirals", 25)
    monkeypatch.setattr(gray_scott_steps, "CHUNK", 7 * 16 * 16)
    assert torch.equal(gray_scott.advance(some(), "spirals", 25), whole)


def test_a_run_is_the_same_however_many_are_asked_for() -> None:
    three = gray_scott.simulate("waves", 3, size=32, steps=60, seed=4)
    one = gray_scott.simulate("waves", 1, size=32, steps=60, seed=4)
    assert torch.equal(three[:1], one)
    assert not torch.equal(three[0], three[1])


def test_runs_that_die_are_begun_again_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = gray_scott._start
    empty = torch.stack([torch.ones(32, 32), torch.zeros(32, 32)])
    monkeypatch.setattr(gray_scott, "_start", lambda *w: begun(*w) if w[-1] else empty)
    assert not gray_scott.died_out(gray_scott.simulate("waves", 2, size=32, steps=20)).any()
    monkeypatch.setattr(gray_scott, "_start", lambda *which: empty)
    with pytest.raises(InputError, match=r"preset 'waves' died out.*larger size"):
        gray_scott.simulate("waves", 1, size=32, steps=5)


def test_the_scale_is_that_of_the_settled_pattern() -> None:
    x = snapshots.field_world("waves").sample(6, 3)
    assert x.mean((0, 2, 3)).abs().max() < 0.25
    assert (x.std((0, 2, 3)) - 1).abs().max() < 0.2


def test_the_world_moves_as_its_velocity_says() -> None:
    world = gray_scott.gray_scott("waves", size=32, steps=300)
    assert not world.stationary
    assert snapshots.field_world("waves", 32).stationary
    x = world.sample(2, 0)
    assert torch.equal(x, world.sample(2, 0)), "from disk as from the simulation"
    after = world.scaled(gray_scott.advance(world.raw(x), "waves", 40))
    torch.testing.assert_close(world.advance(x, 40), after)
    in_two = world.advance(world.advance(x, 15), 25)
    torch.testing.assert_close(in_two, after, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(world.raw(world.scaled(x)), x)
    torch.testing.assert_close(world.advance(x, 1) - x, world.velocity(x), atol=1e-5, rtol=1e-3)


def test_bad_input_worlds_and_images() -> None:
    with pytest.raises(InputError, match=r"world 'wave' is unknown.*did you mean 'waves'"):
        snapshots.field_world("wave")
    with pytest.raises(InputError, match="size is 8; it must be a whole number, at least 16"):
        snapshots.field_world("waves", 8)
    with pytest.raises(InputError, match=r"raw has shape \(2, 16, 16\)"):
        gray_scott.advance(some()[0], "waves", 1)
    with pytest.raises(InputError, match=r"raw has shape \(2, 1, 16, 16\)"):
        gray_scott.rate(some()[:, :1], "waves")
    with pytest.raises(InputError, match=r"raw holds whole numbers .*give raw.float"):
        gray_scott.advance(some().int(), "waves", 1)
    with pytest.raises(InputError, match=r"raw has 1024 value\(s\) that are NaN"):
        gray_scott.advance(some() * math.nan, "waves", 1)
    with pytest.raises(InputError, match="seed is -1; it must be a whole number, at least 0"):
        gray_scott.simulate("waves", 1, size=16, steps=1, seed=-1)
    with pytest.raises(InputError, match="sigma is -1; it must lie between 0"):
        gray_scott.gray_scott("waves", size=16).blurred(-1.0)
    world = dataclasses.replace(gray_scott.gray_scott("waves", size=16), velocity=None)
    with pytest.raises(InputError, match="world 'waves' has no known velocity"):
        fields.speed(world, some())


def test_a_state_that_steps_of_1_cannot_hold_is_refused() -> None:
    with pytest.raises(InputError, match="raw runs off to infinity within 50 steps"):
        gray_scott.advance(1e3 * some(), "waves", 50)


def test_speed_is_that_of_the_change_in_one_step() -> None:
    world = gray_scott.gray_scott("waves", size=32, steps=300)
    x = world.sample(2, 0)
    step = (world.advance(x, 1) - x).square().mean().sqrt()
    assert fields.speed(world, x) == pytest.approx(float(step), rel=1e-3)


def test_gradients_are_not_kept() -> None:
    after = gray_scott.advance(some().requires_grad_(), "waves", 5)
    assert torch.equal(after, gray_scott.advance(some(), "waves", 5))
    assert not after.requires_grad


@pytest.mark.gpu
def test_a_gpu_agrees() -> None:
    there = gray_scott.advance(some().cuda(), "waves", 20).cpu()
    torch.testing.assert_close(there, gray_scott.advance(some(), "waves", 20), atol=1e-5, rtol=1e-4)
