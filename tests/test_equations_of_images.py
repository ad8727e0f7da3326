"""Equations of periodic images: the conditions, the terms, the verdict on a frozen pattern."""

import itertools

import numpy as np
import pytest

from eqflow_nb.equations import Term, elimination, identify_fields
from eqflow_nb.equations.images import SETS, STILL, TOLERANCE, refit, with_steps
from eqflow_nb.equations.sampled_tests import Images, functionals, values
from eqflow_nb.equations.terms import evaluate, laplacian, squared_gradient, velocity
from eqflow_nb.snapshots import gray_scott

SMALL = functionals(2, 3, 3, (1.0, 2.0))


def smooth(n: int = 6, sides: tuple[int, ...] = (8, 12), seed: int = 0) -> np.ndarray:
    """Random blurred images of two channels, raw: neither centred nor scaled."""
    x = np.random.default_rng(seed).standard_normal((n, 2, *sides))
    for axis in range(2, x.ndim):
        x = (x + np.roll(x, 1, axis) + np.roll(x, -1, axis)) / 3
    return 0.4 + x * np.array([0.3, 0.7]).reshape(-1, *[1] * len(sides))


def chemistry(preset: str = "waves") -> dict[Term, float]:
    rates = gray_scott.PRESETS[preset]
    return {
        Term(0, (0, 0)): rates.feed,
        Term(0, (1, 0)): -rates.feed,
        Term(0, (1, 2)): -1.0,
        Term(0, (0, 0), "lap", 0): gray_scott.DU,
        Term(1, (0, 1)): -(rates.feed + rates.kill),
        Term(1, (1, 2)): 1.0,
        Term(1, (0, 0), "lap", 1): gray_scott.DV,
    }


def coefficients(conditions, equations: dict[Term, float]) -> np.ndarray:
    return np.array([equations.get(t, 0.0) for t in conditions.terms]) / conditions.units


@pytest.mark.parametrize("sides", [(8, 12), (10,)])
@pytest.mark.parametrize("kind", ["local", "gradients", "rich"])
def test_residuals_are_the_change_of_the_functionals_along_the_equations(sides, kind):
    x = smooth(sides=sides)
    images = Images(x, 2, kind)
    conditions = images.conditions(SMALL)
    c = np.random.default_rng(0).standard_normal(len(conditions.terms))
    v = velocity(dict(zip(conditions.terms, c * conditions.units, strict=True)), x)
    ahead, behind = (values(images.centred(x + h * v), SMALL) for h in (1e-4, -1e-4))
    change = (ahead - behind) / 2e-4
    assert np.allclose(conditions.samples.along(c), change, rtol=1e-6, atol=1e-6)
    assert np.allclose(conditions.matrix @ c, change.mean(0), rtol=1e-6, atol=1e-6)
    assert c @ conditions.gram @ c == pytest.approx((images.divided(v) ** 2).sum(1).mean())


def test_order_and_translation_of_the_images_say_nothing():
    x = smooth()
    moved = np.stack([np.roll(s, (k, 2 * k), (1, 2)) for k, s in enumerate(x)])
    one = Images(x).conditions(SMALL)
    for other in (x[::-1], moved, x[:, :, ::-1], x[..., ::-1], x.swapaxes(2, 3)):
        two = Images(other).conditions(SMALL)
        for name in ("matrix", "gram", "slopes"):
            assert np.allclose(getattr(one, name), getattr(two, name), rtol=1e-9, atol=1e-12)


def test_equations_that_keep_the_images_have_no_residual():
    """A rotation of (u, v) at each pixel keeps images that come at every angle."""
    x, angles = smooth(4), np.arange(16) * (np.pi / 8)
    x = x - x.mean((0, 2, 3), keepdims=True)
    turns = [
        np.stack([np.cos(a) * s[0] - np.sin(a) * s[1], np.sin(a) * s[0] + np.cos(a) * s[1]])
        for s, a in itertools.product(x, angles)
    ]
    conditions = Images(np.stack(turns), 2).conditions(SMALL)
    c = coefficients(conditions, {Term(0, (0, 1)): -1.0, Term(1, (1, 0)): 1.0})
    assert np.abs(conditions.matrix @ c).max() < 1e-12 * np.abs(conditions.samples.along(c)).max()


def test_operators_on_waves_and_on_the_true_chemistry():
    k = 2 * np.pi * 3 / 16
    wave, sine = np.cos(k * np.arange(16))[None, None], np.sin(k * np.arange(16))[None, None]
    assert np.allclose(laplacian(wave), (2 * np.cos(k) - 2) * wave)
    assert np.allclose(squared_gradient(wave), (np.sin(k) * sine) ** 2)
    x = gray_scott._start(32, 0, 0, 0)[None].double()
    assert np.allclose(velocity(chemistry(), x.numpy()), gray_scott.rate(x, "waves").numpy())


@pytest.fixture(scope="module")
def waves():
    return gray_scott.simulate("waves", 128, 64, 5_000, seed=3)


def test_gray_scott_comes_out_of_images(waves):
    images = Images(waves)
    conditions = images.conditions(functionals(2, *SETS[0]), TOLERANCE)
    assert not images.vanishing(STILL).size
    c = refit(conditions, elimination.search(conditions).fit).c * conditions.units
    found = {term: float(a) for term, a in zip(conditions.terms, c, strict=True) if a}
    assert set(found) == set(chemistry())
    x = waves[:16].double().numpy()
    v, true = (images.divided(velocity(each, x)).ravel() for each in (found, chemistry()))
    assert np.linalg.norm(true - v * (true @ v) / (v @ v)) < 0.03 * np.linalg.norm(true)


def test_steps_of_a_simulation_are_noticed(waves):
    """Those of Gray-Scott are 1: tau is the rms change of a step, and its sign is time's arrow."""
    images = Images(waves)
    conditions = images.conditions(functionals(2, *SETS[0]), TOLERANCE)
    c = coefficients(conditions, chemistry())
    speed = np.sqrt(c @ conditions.gram @ c)
    stepped, tau = with_steps(images, conditions, c / speed)
    assert tau == pytest.approx(speed, rel=0.5)
    assert with_steps(images, conditions, -c / speed)[1] == pytest.approx(-tau, rel=1e-6)
    assert with_steps(images, stepped, c / speed)[1] == 0


def test_a_frozen_pattern_leaves_its_equations_open():
    maze = gray_scott.simulate("maze", 16, 64, seed=0).double().numpy()
    images = Images(maze)
    conditions = images.conditions(functionals(2, 2, 2, (1.0,)))
    still = images.vanishing(STILL)
    assert still.shape[1] > 1
    for c in still.T:
        equations = dict(zip(conditions.terms, c * conditions.units, strict=True))
        sizes = [abs(a) * evaluate([t], maze).std() for t, a in equations.items()]
        assert velocity(equations, maze).std() < 0.02 * max(sizes)
    assert identify_fields(maze).verdict == "undetermined"
