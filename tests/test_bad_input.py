"""Bad input: a finite result, or an error that names the argument, what it got, and a way out.

One table of functions with good arguments, some of which are replaced by something hostile: 500
examples, 10,000 under `make test-all`.  And one of what must be refused, in which words.
"""

import dataclasses
import math
import warnings
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mixtures import lopsided, normal

from eqflow_nb import inputs, measures, scores, snapshots
from eqflow_nb.equations import identify, identify_fields
from eqflow_nb.flows import at_common_speed, continuity, exact, kernels, learned, skew
from eqflow_nb.flows import spectral_kernel as spectral
from eqflow_nb.flows.learned import FlowNetworks
from eqflow_nb.inputs import InputError
from eqflow_nb.measures import patterns
from eqflow_nb.rollout import Diverged, exponential, heun, record, rk4
from eqflow_nb.scores import DenoiserScore, KernelDensityScore, MixtureScore, denoiser, fit_mixture
from eqflow_nb.scores.noise_level import choose_sigma
from eqflow_nb.snapshots import noisy, zoo
from eqflow_nb.snapshots.cells import annotate

EXAMPLES = 10 * settings.default.max_examples
NOT_FINITE = [math.nan, math.inf, -math.inf]

# ---- one table of good arguments, spoilt at random ----


def broken_entry(draw: Any, x: torch.Tensor) -> torch.Tensor:
    x.view(-1)[draw(st.integers(0, x.numel() - 1))] = draw(st.sampled_from(NOT_FINITE))
    return x


SPOILING: dict[str, Callable[[Any, torch.Tensor], Any]] = {
    "entry": broken_entry,
    "shape": lambda draw, x: torch.ones(draw(st.lists(st.integers(0, 5), max_size=5))).to(x),
    "none": lambda draw, x: None,
    "text": lambda draw, x: draw(st.text(max_size=4)),
    "objects": lambda draw, x: np.full(tuple(x.shape), None, dtype=object),
    "ragged": lambda draw, x: [[1.0], [1.0, 2.0]],
    "complex": lambda draw, x: x * 1j,
    "whole": lambda draw, x: (3 * x).long(),
    "bool": lambda draw, x: x > 0,
    "large": lambda draw, x: x * 1e12,
    "small": lambda draw, x: x * 1e-12,
    "zero": lambda draw, x: x * 0,
    "constant": lambda draw, x: x * 0 + draw(st.floats(-9, 9)),
    "single": lambda draw, x: x[:1],
    "repeated": lambda draw, x: x[:1].expand(x.shape),
    "half precision": lambda draw, x: x.half(),
    "numpy": lambda draw, x: x.numpy(),
    "list": lambda draw, x: x.tolist(),
}

NUMBERS = st.one_of(
    st.sampled_from([*NOT_FINITE, 0.0, -1.0, 1e-9, 30.0, None, "x", [], {}, True, 1j]),
    st.floats(-30, 30),
    st.integers(-3, 30),
    st.lists(st.floats(-2, 2), max_size=3),
)
NAMES = st.one_of(st.text(max_size=12), st.none(), st.integers(-2, 2), st.just("lorenz "))


@dataclasses.dataclass(frozen=True)
class Call:
    """A public function: how to call it, good arguments, and which of them are spoilt."""

    call: Callable[..., Any]
    good: Mapping[str, Any]

    def spoilt(self, draw: Any) -> dict[str, Any]:
        some = st.sets(st.sampled_from(sorted(self.good)), min_size=1, max_size=3)
        values = dict(self.good)
        for name in sorted(draw(some)):
            if isinstance(values[name], torch.Tensor):
                spoil = SPOILING[draw(st.sampled_from(sorted(SPOILING)))]
                values[name] = spoil(draw, values[name].clone())
            else:
                values[name] = draw(NAMES if isinstance(values[name], str) else NUMBERS)
        return values


def ends(path: Any, steps: int = 2) -> Any:
    """Where an integrator is after a few steps."""
    return [x for _, x in islice(path, steps)]


X, Y = normal(60, 2), normal(30, 2, seed=1)
Z = normal(6, 2, 8, 8, seed=2)
K = skew.random(2).double()
RULE = kernels.random_kernel(2, 3).double()
EYE = torch.eye(2, dtype=torch.float64)
FIELD = skew.constant(K, lopsided(2))
LINES = torch.cumsum(normal(8, 1, 32), -1)

CALLS = {
    "as_samples": Call(inputs.as_samples, dict(x=X)),
    "skew_matrix": Call(inputs.skew_matrix, dict(K=K)),
    "world": Call(lambda world: snapshots.world(world).sample(5, 0), dict(world="ring")),
    "sample": Call(lambda n, seed: snapshots.world("ring").sample(n, seed), dict(n=5, seed=0)),
    "system": Call(lambda name: zoo.system(name).dim, dict(name="lorenz")),
    "ornstein_uhlenbeck": Call(noisy.ornstein_uhlenbeck, dict(A=EYE, D=EYE, n=9, seed=0)),
    "gaussian": Call(
        lambda mean, covariance: scores.gaussian(mean, covariance)(X),
        dict(mean=X[0], covariance=EYE),
    ),
    "MixtureScore": Call(
        lambda w, means, C: MixtureScore(w, means, C)(X),
        dict(w=torch.ones(2).double(), means=X[:2], C=torch.stack([EYE, EYE])),
    ),
    "mixture at": Call(lambda x: lopsided(2)(x), dict(x=X)),
    "fit_mixture": Call(
        lambda x, sigma, components: fit_mixture(x, sigma, components=components)(X),
        dict(x=X, sigma=0.3, components=2),
    ),
    "KernelDensityScore": Call(
        lambda x, sigma: KernelDensityScore(x, sigma)(Y), dict(x=X, sigma=0.3)
    ),
    "kernel density at": Call(lambda x: KernelDensityScore(X, 0.3)(x), dict(x=X)),
    "choose_sigma": Call(choose_sigma, dict(x=X, seed=0)),
    "fit_gaussian_field": Call(
        lambda x, sigma: scores.fit_gaussian_field(x, sigma)(Z), dict(x=Z, sigma=0.3)
    ),
    "spectral_kernel.flow": Call(
        lambda x: spectral.flow(scores.fit_gaussian_field(Z, 0.3))(x), dict(x=Z)
    ),
    "skew.constant": Call(lambda matrix: skew.constant(matrix, lopsided(2))(X), dict(matrix=K)),
    "skew.from_entries": Call(lambda entry: skew.from_entries(entry), dict(entry=1.0)),
    "skew.random": Call(skew.random, dict(dim=3, seed=0)),
    "at_common_speed": Call(lambda x: at_common_speed(FIELD, x)(X), dict(x=X)),
    "divergence": Call(
        lambda x, n, seed: continuity.divergence(FIELD, x, n, seed=seed), dict(x=X, n=2, seed=0)
    ),
    "residual": Call(lambda x: continuity.residual(FIELD, lopsided(2), x), dict(x=X)),
    "StreamFunction": Call(
        lambda x: exact.StreamFunction(exact.Waves(2), lopsided(2))(x), dict(x=X)
    ),
    "Waves": Call(
        lambda dim, terms, wavelength: exact.Waves(dim, 1, terms, wavelength)(X),
        dict(dim=2, terms=4, wavelength=6.0),
    ),
    "skew_kernel": Call(kernels.skew_kernel, dict(weights=RULE)),
    "random_kernel": Call(kernels.random_kernel, dict(channels=2, width=3, seed=0)),
    "symbol": Call(lambda kernel: kernels.symbol(kernel, (8, 8)), dict(kernel=RULE)),
    "identify": Call(
        lambda x, degree, noise: identify(x, degree, noise=noise), dict(x=X, degree=1, noise=0.0)
    ),
    "identify_fields": Call(identify_fields, dict(images=LINES, degree=1)),
    "rk4": Call(lambda x, dt, steps: ends(rk4(FIELD, x, dt, steps)), dict(x=X, dt=0.1, steps=2)),
    "heun": Call(
        lambda x, dt, steps, eta: ends(heun(FIELD, x, dt, steps, eta)),
        dict(x=X, dt=0.1, steps=2, eta=0.5),
    ),
    "exponential": Call(
        lambda rule, x, sigma, tau, steps, eta: ends(
            exponential(lambda y: 0.9 * y, rule, x, sigma, tau, steps, eta)
        ),
        dict(rule=K, x=Z, sigma=0.3, tau=0.2, steps=2, eta=0.1),
    ),
    "similarity_matrix": Call(
        lambda v, w: measures.similarity_matrix([v, w]), dict(v=X, w=X.flip(0))
    ),
    "embed": Call(lambda matrix: measures.embed(matrix), dict(matrix=EYE)),
    "sliced_wasserstein": Call(measures.sliced_wasserstein, dict(x=X, y=Y, projections=8, seed=0)),
    "sinkhorn": Call(measures.sinkhorn, dict(x=X, y=Y, reg=0.5, iterations=5)),
    "mmd": Call(measures.mmd, dict(x=X, y=Y, bandwidth=0.5)),
    "kaplan_yorke": Call(measures.kaplan_yorke, dict(exponents=torch.tensor([0.9, 0.0, -14.6]))),
    "lyapunov_spectrum": Call(
        lambda x0, dt, steps: measures.lyapunov_spectrum(FIELD, x0, dt, steps),
        dict(x0=X[:2], dt=0.1, steps=3),
    ),
    "half_turns": Call(measures.half_turns, dict(samples=X, pairs=2)),
    "patches": Call(patterns.patches, dict(x=Z, size=3)),
    "patch_distance": Call(patterns.patch_distance, dict(x=Z, y=Z.flip(0), size=3)),
    "spectrum": Call(patterns.spectrum, dict(x=Z, bins=4)),
}


# A field is NaN where the state is: the bounds of rollouts stop what leaves.
FIELDS = {
    "mixture at", "kernel density at", "spectral_kernel.flow", "StreamFunction", "convolution",
    "rk4", "heun", "exponential",
}  # fmt: skip


def infinite(value: Any) -> bool:
    """Whether a result has a number that is NaN or infinite in it."""
    if isinstance(value, (list, tuple)):
        return any(map(infinite, value))
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    numeric = isinstance(value, (float, np.ndarray)) and np.asarray(value).dtype.kind == "f"
    return numeric and not np.isfinite(value).all()


@given(st.sampled_from(sorted(CALLS)), st.data())
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_hostile_arguments_give_a_finite_result_or_a_clear_error(name, data):
    each = CALLS[name]
    values = each.spoilt(data.draw)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = each.call(**values)
        except (InputError, Diverged) as error:
            said = str(error)
            assert len(said) > 12 and "\n" not in said
            return
    if not (name in FIELDS and infinite(list(values.values()))):
        assert not infinite(result), f"{name} gave numbers that are not finite"


@pytest.mark.parametrize("name", sorted(CALLS))
def test_the_good_arguments_are_good(name):
    assert not infinite(CALLS[name].call(**CALLS[name].good))


# ---- one table of what must be refused, and what the message says ----

EVIL = X.clone()
EVIL[7, 1] = math.nan
FLAT = X.clone()
FLAT[:, 1] = 3.0
NETWORK = FlowNetworks(1, 2, 4, 4)
POINTS = learned.sample_training_points(X, lopsided(2), 0.3, n=8)
ONES, EYES = torch.ones(2).double(), torch.stack([EYE, EYE])


def still(x: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(x)


def trained(x: Any, **options: Any) -> list:
    return list(denoiser.train(DenoiserScore(2, 0.3, width=4), x, steps=1, **options))


# What takes samples (n, 2), what it calls them, the rows it needs, whether it learns from them.
TAKERS: dict[str, tuple[Callable[[Any], Any], str, int, bool]] = {
    "fit_mixture": (lambda x: fit_mixture(x, 0.3), "samples", 10, True),
    "kernel density": (lambda x: KernelDensityScore(x, 0.3), "samples", 1, False),
    "denoiser": (trained, "samples", 2, True),
    "training points": (
        lambda x: learned.sample_training_points(x, lopsided(2), 0.3, n=8), "samples", 2, True
    ),
    "learn": (
        lambda x: learned.learn(x, lopsided(2), 0.3, learned.Settings(steps=1)), "samples", 2, True
    ),
    "common speed": (lambda x: at_common_speed(lopsided(2), x), "x", 2, False),
    "residual": (lambda x: continuity.residual(lopsided(2), lopsided(2), x), "x", 2, False),
    "choose_sigma": (choose_sigma, "x", 20, True),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKERS)
def test_samples_that_will_not_do_are_refused(name):
    take, argument, least, learns = TAKERS[name]
    refused(lambda: take(EVIL), f"{argument} has 1 value(s)", "NaN", "row 7;", "fill")
    for shape in [(12,), (12, 2, 1), (), (12, 0)]:
        refused(lambda shape=shape: take(torch.zeros(shape)), argument, "it must")
    refused(lambda: take(X[: least - 1]), f"has {least - 1} row(s)", f"at least {least}")
    if learns:
        refused(lambda: take(FLAT), f"{argument} is constant", "column(s) 1;", "leave")


# What must be above zero, and then what must be a whole number too.
POSITIVE: dict[str, Callable[[Any], Any]] = {
    "sigma": lambda value: fit_mixture(X, value),
    "sigma ": lambda value: KernelDensityScore(X, value),
    "dt": lambda value: next(rk4(still, X, value, 1)),
    "tau": lambda value: next(exponential(still, K, Z, 0.3, value, 1, 0.1)),
    "rate": lambda value: next(learned.train(NETWORK, POINTS, steps=1, rate=value)),
    "smoothness": lambda value: learned.solve_last_layer(NETWORK, POINTS, value),
    "wavelength": lambda value: exact.Waves(2, wavelength=value),
}
WHOLE: dict[str, Callable[[Any], Any]] = {
    "steps": lambda number: next(rk4(still, X, 0.1, number)),
    "steps ": lambda number: next(learned.train(NETWORK, POINTS, steps=number)),
    "batch": lambda number: trained(X, batch=number),
    "members": lambda number: FlowNetworks(number, 2),
    "dim": lambda number: DenoiserScore(number, 0.3),
    "n": lambda number: learned.sample_training_points(X, lopsided(2), 0.3, n=number),
}


@pytest.mark.parametrize("name", [*POSITIVE, *WHOLE])
def test_numbers_that_will_not_do_are_refused(name):
    call, more = (WHOLE[name], [0.5]) if name in WHOLE else (POSITIVE[name], [math.inf, "half"])
    for value in (0.0, -1.0, math.nan, None, *more):
        refused(lambda value=value: call(value), f"{name.strip()} is", "must be a")


REFUSED: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "a matrix that is not skew": (
        lambda: skew.constant(EYE, lopsided(2)), ("matrix[0,0]", "(matrix - matrix.T) / 2")
    ),
    "a matrix that is not square": (
        lambda: skew.constant(torch.zeros(2, 3), lopsided(2)), ("(2, 3)", "square")
    ),
    "entries for no dimension": (lambda: skew.from_entries(1, 2), ("entries holds 2", "1, 3, 6")),
    "weights that do not fit": (
        lambda: MixtureScore(torch.ones(3), X[:2], EYES), ("weights (3,)", "(2,)")
    ),
    "negative weights": (lambda: MixtureScore(-ONES, X[:2], EYES), ("weights are", "> 0")),
    "a covariance that is none": (
        lambda: MixtureScore(ONES, X[:2], torch.stack([EYE, -EYE])),
        ("covariances[1]", "positive definite"),
    ),
    "a sign for one axis of two": (
        lambda: fit_mixture(X, 0.3, signs=torch.tensor([1.0])), ("signs are", "each of 2 axes")
    ),
    "a field that stands still": (
        lambda: continuity.residual(still, lopsided(2), X), ("field is zero",)
    ),
    "a field that stands still, sped up": (
        lambda: at_common_speed(still, X), ("field has rms speed 0",)
    ),
    "a field that breaks": (
        lambda: continuity.residual(lambda x: x / 0, lopsided(2), X), ("field is not finite",)
    ),
    "negative diffusion": (lambda: next(heun(still, X, 0.1, 1, -1)), ("eta is -1", "must")),
    "an unknown world": (
        lambda: snapshots.world("lorentz"), ("world 'lorentz'", "did you mean 'lorenz'?")
    ),
    "no density without blur": (
        lambda: snapshots.world("checkerboard").log_density(X, 0), ("sigma is 0",)
    ),
    "images that run away": (
        lambda: snapshots.gray_scott.advance(1e3 * Z.abs().float(), "waves", 50),
        ("off to infinity within 50 steps",),
    ),
    "more creatures than there is room for": (
        lambda: snapshots.icons.placed("dot", 1, number=30), ("number is 30", "a larger canvas")
    ),
    "velocities that are zero": (
        lambda: measures.similarity(0 * X, X), ("v is zero everywhere",)
    ),
    "raw scores of one cell": (lambda: annotate(torch.zeros(3)), ("raw has shape",)),
    "images of one colour": (
        lambda: scores.fit_gaussian_field(torch.ones(4, 2, 8, 8), 0.1),
        ("snapshots has one colour all over in channel",),
    ),
    "images of another size": (
        lambda: scores.fit_gaussian_copula(Z, 0.3)(Z[..., :4, :4]), ("x is 4 by 4 pixels",)
    ),
    "a step that no path reaches": (
        lambda: record(rk4(still, X, 0.1, 3), steps=[9]),
        ("steps asks for 9, but the path ended at 3",),
    ),
    "a time that was not recorded": (
        lambda: record(rk4(still, X, 0.1, 3), [0.1]).at(0.2), ("time 0.2 was not recorded", "0.1")
    ),
    "a rule of another grid": (
        lambda: next(exponential(still, kernels.symbol(RULE, (16, 16)), Z, 1, 1, 5, 0)),
        ("made for another grid",),
    ),
    "states of another dimension": (
        lambda: DenoiserScore(2, 0.3)(torch.zeros(12, 3)), ("x has 3 column(s)", "must have 2")
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_why(name):
    call, fragments = REFUSED[name]
    refused(call, *fragments)


def test_alike_samples_are_no_trouble_where_they_mean_something():
    twice = normal(20, 2).repeat(2, 1)
    assert torch.isfinite(fit_mixture(twice, 0.3)(twice)).all()
    alike = KernelDensityScore(torch.ones(5, 2), 0.5)
    torch.testing.assert_close(alike(torch.zeros(1, 2)), torch.full((1, 2), 4.0))


def refused(call: Callable[[], Any], *fragments: str) -> None:
    """Assert that `call` raises an InputError whose message has every fragment, in one line."""
    with pytest.raises(InputError) as caught:
        call()
    for fragment in fragments:
        assert fragment in str(caught.value)
    assert "\n" not in str(caught.value)
