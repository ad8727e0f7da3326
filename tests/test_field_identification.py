"""Laws of images from unordered stills: the conditions, the laws, the verdict on a frozen one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from eqflow_nb.equations import elimination
from eqflow_nb.equations.field_conditions import FieldConditions
from eqflow_nb.equations.field_laws import (
    FieldTerm,
    FieldVelocity,
    functions_of,
    laplacian,
    library,
    simulate,
    squared_gradient,
)
from eqflow_nb.equations.field_tests import TESTS, FieldTests, derivatives, values
from eqflow_nb.inputs import InputError
from eqflow_nb.snapshots import gray_scott

SMALL = FieldTests(3, 3, (1.0, 2.0))


def smooth(n: int = 6, channels: int = 2, sides: tuple[int, ...] = (8, 12), seed: int = 0):
    """Random blurred images, raw: neither centred nor scaled."""
    x = torch.randn(n, channels, *sides, dtype=torch.float64, generator=seeded(seed))
    for axis in range(2, x.ndim):
        x = (x + x.roll(1, axis) + x.roll(-1, axis)) / 3
    return 0.4 + x * torch.tensor([0.3, 0.7, 0.5][:channels]).reshape(-1, *[1] * len(sides))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def waves_law(preset: str = "waves") -> dict[FieldTerm, float]:
    rates = gray_scott.PRESETS[preset]
    return {
        FieldTerm(0, (0, 0)): rates.feed,
        FieldTerm(0, (1, 0)): -rates.feed,
        FieldTerm(0, (1, 2)): -1.0,
        FieldTerm(0, (0, 0), "lap", 0): gray_scott.DU,
        FieldTerm(1, (0, 1)): -(rates.feed + rates.kill),
        FieldTerm(1, (1, 2)): 1.0,
        FieldTerm(1, (0, 0), "lap", 1): gray_scott.DV,
    }


def coefficients(conditions: FieldConditions, law: dict[FieldTerm, float]) -> np.ndarray:
    unit = conditions.own(np.ones(len(conditions.terms)))
    return np.array([law.get(t, 0.0) for t in conditions.terms]) / unit


@pytest.mark.parametrize("sides", [(8, 12), (10,)])
@pytest.mark.parametrize("kind", ["local", "gradients", "rich"])
def test_residuals_are_the_change_of_the_functionals_along_the_law(sides, kind) -> None:
    x = smooth(sides=sides)
    conditions = FieldConditions(x, SMALL, degree=2, kind=kind)
    c = np.random.default_rng(0).standard_normal(len(conditions.terms))
    velocity = FieldVelocity(conditions.law(c))(x)
    ones = [1] * len(sides)
    centre, scale = (
        torch.as_tensor(a).reshape(-1, *ones) for a in (conditions.centre, conditions.scale)
    )

    def psi(h: float) -> torch.Tensor:
        return values((x + h * velocity - centre) / scale, SMALL).flatten(2).mean(2)

    change = (psi(1e-4) - psi(-1e-4)) / 2e-4
    assert np.allclose(conditions.residuals @ c, change.numpy(), rtol=1e-6, atol=1e-6)
    assert np.allclose(conditions.matrix @ c, change.numpy().mean(0), rtol=1e-6, atol=1e-6)
    mean_square = ((velocity / scale) ** 2).sum(1).mean().item()
    assert c @ conditions.gram @ c == pytest.approx(mean_square)


def test_slopes_and_covariance_are_what_they_say() -> None:
    conditions = FieldConditions(smooth(), SMALL, degree=2, tolerance=0)
    z = conditions._centred(smooth())
    slopes = sum(
        np.einsum("nmp,nlp->ml", d.flatten(2).numpy(), d.flatten(2).numpy())
        for d in derivatives(z, SMALL)
    )
    assert np.allclose(conditions.slopes, slopes / (len(z) * z[0, 0].numel()))
    c = np.random.default_rng(1).standard_normal(len(conditions.terms))
    expected = np.cov((conditions.residuals @ c).T, bias=True)
    assert np.allclose(conditions.covariance(c), expected)
    loose = FieldConditions(smooth(), SMALL, degree=2, tolerance=0.1)
    extra = loose.count * 0.01 * (c @ loose.gram @ c) * loose.slopes
    assert np.allclose(loose.covariance(c), expected + extra)


def test_blocks_are_means_over_groups_of_stills() -> None:
    conditions = FieldConditions(smooth(200, sides=(6,)), FieldTests(2, 2, (1.0,)), degree=1)
    support = np.array([0, 2, 5])
    blocks = conditions.blocks(support)
    assert len(blocks) == len(conditions.weights) == 128
    assert conditions.weights.sum() == pytest.approx(1)
    mean = np.einsum("b,bmk->mk", conditions.weights, blocks)
    assert np.allclose(mean, conditions.matrix[:, support])


def test_order_and_translation_of_the_stills_say_nothing() -> None:
    x = smooth()
    moved = torch.stack([s.roll((k, 2 * k), (1, 2)) for k, s in enumerate(x)])
    one = FieldConditions(x, SMALL)
    for other in (x.flip(0), moved, x.flip(2), x.flip(3)):
        two = FieldConditions(other, SMALL)
        for name in ("matrix", "gram", "slopes"):
            assert np.allclose(getattr(one, name), getattr(two, name), rtol=1e-9, atol=1e-12)
    turned = FieldConditions(x.mT, SMALL)
    assert np.allclose(one.matrix, turned.matrix, rtol=1e-9, atol=1e-12)


def test_tiles_and_chunks_keep_the_means(monkeypatch: pytest.MonkeyPatch) -> None:
    one = FieldConditions(smooth(), SMALL)
    tiled = FieldConditions(smooth(), SMALL, tiles=2)
    assert tiled.count == 4 * one.count
    monkeypatch.setattr("eqflow_nb.flows.field_conditions.MEMORY", 1)
    alone = FieldConditions(smooth(), SMALL)
    for other in (tiled, alone):
        assert np.allclose(one.matrix, other.matrix)
        assert np.allclose(one.gram, other.gram)
        assert np.allclose(one.slopes, other.slopes)
    with pytest.raises(InputError, match="divide"):
        FieldConditions(smooth(), SMALL, tiles=5)


def test_a_stationary_law_has_no_residual() -> None:
    """A rotation of (u, v) at each pixel keeps stills that come at every angle."""
    x, angles = smooth(4), torch.arange(16, dtype=torch.float64) * (torch.pi / 8)
    x = x - x.mean((0, 2, 3), keepdim=True)
    turns = [
        torch.stack([a.cos() * s[0] - a.sin() * s[1], a.sin() * s[0] + a.cos() * s[1]])
        for s, a in itertools.product(x, angles)
    ]
    conditions = FieldConditions(torch.stack(turns), SMALL, degree=2)
    turn = {FieldTerm(0, (0, 1)): -1.0, FieldTerm(1, (1, 0)): 1.0}
    c = coefficients(conditions, turn)
    assert np.abs(conditions.matrix @ c).max() < 1e-12 * np.abs(conditions.residuals @ c).max()


def test_operators_on_waves() -> None:
    length = 16
    k = 2 * np.pi * 3 / length
    wave = torch.cos(k * torch.arange(length, dtype=torch.float64))[None, None]
    assert torch.allclose(laplacian(wave), (2 * np.cos(k) - 2) * wave)
    assert torch.allclose(laplacian(wave, "spectral"), -(k**2) * wave)
    sine = torch.sin(k * torch.arange(length, dtype=torch.float64))[None, None]
    assert torch.allclose(squared_gradient(wave), (np.sin(k) * sine) ** 2)
    assert torch.allclose(squared_gradient(wave, "spectral"), (k * sine) ** 2)
    plane = wave[:, :, None].expand(1, 1, 5, length)
    assert torch.allclose(laplacian(plane, "nine"), laplacian(wave)[:, :, None].expand_as(plane))
    x = smooth()
    assert torch.allclose(laplacian(x), gray_scott.laplacian(x))


def test_the_library_counts_its_terms() -> None:
    assert len(library(2)) == 24
    assert len(library(2, kind="gradients")) == 28
    assert len(library(1, degree=2)) == 4
    assert FieldTerm(0, (2, 1)).text("uv") == "u^2*v"
    assert [t.text("uv") for t in library(2, 0, "gradients", 1)] == [
        "1", "lap(u)", "lap(v)", "|grad(u)|^2", "|grad(v)|^2",
    ]  # fmt: skip
    with pytest.raises(InputError, match="library"):
        library(2, kind="all")


def test_a_law_is_followed_like_the_original_on_any_canvas() -> None:
    field = FieldVelocity(waves_law())
    x = gray_scott._start(32, 0, 0, 0)[None].double()
    *_, last = simulate(field, x, 50, every=50)
    assert torch.allclose(last, gray_scott.advance(x, "waves", 50), atol=1e-5)
    assert torch.allclose(field(x), gray_scott.rate(x, "waves"))
    assert isinstance(field(x.numpy()), np.ndarray)
    assert len(list(simulate(field, np.ones((1, 2, 48, 40)), 6, every=4))) == 3
    assert field.arrow() == 1
    back = {t: -a for t, a in waves_law().items()}
    assert FieldVelocity(back).arrow() == -1
    with pytest.raises(InputError, match="backwards"):
        next(simulate(back, x, 1))
    with pytest.raises(InputError, match=r"stable in steps up to 1\.56"):
        next(simulate(field, x, 1, dt=2.0))
    with pytest.raises(InputError, match="infinity"):
        list(simulate({FieldTerm(0, (2, 0)): 1.0}, 1e3 * x[:, :, 0], 50))


def test_diffusion_is_stable_up_to_the_longest_step() -> None:
    for stencil, sides in itertools.product(("five", "nine", "spectral"), ((16, 16), (16,))):
        field = FieldVelocity({FieldTerm(0, (0,), "lap", 0): 0.3}, stencil)
        longest = field.longest_step(len(sides))
        x = torch.randn(1, 1, *sides, dtype=torch.float64, generator=seeded(0))
        *_, last = simulate(field, x, 400, dt=0.999 * longest, every=400)
        assert last.std() <= x.std()
        stretched = x
        for _ in range(400):
            stretched = stretched + 1.1 * longest * field(stretched)
        assert (sides == (16, 16) and stencil == "nine") or stretched.std() > 1e3 * x.std()


@pytest.fixture(scope="module")
def waves() -> torch.Tensor:
    return gray_scott.simulate("waves", 128, 64, 5_000, seed=3)


def test_gray_scott_comes_out_of_stills(waves: torch.Tensor) -> None:
    conditions = FieldConditions(waves, TESTS[1])
    assert conditions.vanishing()[0] == 0
    _, _, fit, _ = elimination.search(conditions)
    law = conditions.law(conditions.refit(fit).c)
    truth = waves_law()
    assert set(law) == set(truth)
    scale = torch.as_tensor(conditions.scale)[:, None, None]
    v = (FieldVelocity(law)(waves[:16].double()) / scale).flatten()
    true = (gray_scott.rate(waves[:16].double(), "waves") / scale).flatten()
    assert (true - v * (true @ v) / (v @ v)).norm() < 0.03 * true.norm()


def test_steps_of_a_simulation_are_noticed(waves: torch.Tensor) -> None:
    """Those of Gray-Scott are 1: tau is the rms change of a step, and its sign is time's arrow."""
    conditions = FieldConditions(waves, TESTS[1])
    c = coefficients(conditions, waves_law())
    speed = np.sqrt(c @ conditions.gram @ c)
    stepped, tau = conditions.stepped(c / speed)
    assert tau == pytest.approx(speed, rel=0.5)
    assert conditions.stepped(-c / speed)[1] == pytest.approx(-tau, rel=1e-6)
    assert stepped.stepped(c / speed)[1] == 0


def test_a_frozen_pattern_leaves_its_law_open() -> None:
    maze = gray_scott.simulate("maze", 16, 64, seed=0)
    conditions = FieldConditions(maze, FieldTests(2, 2, (1.0,)))
    number, basis = conditions.vanishing()
    assert number > 1
    assert basis.shape == (len(conditions.terms), number)
    for c in basis.T:
        v = FieldVelocity(conditions.law(c))(maze.double())
        terms = [
            abs(a) * functions_of(maze.double(), [t.function]).square().mean().sqrt().item()
            for t, a in conditions.law(c).items()
        ]
        assert v.square().mean().sqrt() < 0.02 * max(terms)


def test_stills_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(InputError, match="shape"):
        FieldConditions(np.ones((3, 4)))
    with pytest.raises(InputError, match="NaN"):
        FieldConditions(np.full((3, 2, 8, 8), np.nan))
    with pytest.raises(InputError, match="one value"):
        FieldConditions(np.ones((3, 2, 8, 8)))
    with pytest.raises(InputError, match="stencil"):
        FieldConditions(smooth(), stencil="seven")
