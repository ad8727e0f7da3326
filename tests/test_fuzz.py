"""Made-up arguments to the public functions: a finite result, or an error that says what to mend.

Each example calls one function with one to three of its arguments replaced by something hostile.
500 examples in every run of the tests, 10,000 under `make fuzz`.
"""

from __future__ import annotations

import dataclasses
import inspect
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
from laws import law, normal

from eqflow_nb import inputs, measures, scores, snapshots
from eqflow_nb.equations import identify, identify_fields
from eqflow_nb.flows import at_common_speed, continuity, exact, kernels, skew, spectral_kernel
from eqflow_nb.inputs import InputError
from eqflow_nb.measures import patterns
from eqflow_nb.rollout import Diverged, exponential, heun, rk4
from eqflow_nb.scores.noise_level import choose_sigma
from eqflow_nb.snapshots import noisy, zoo

EXAMPLES = 10 * settings.default.max_examples
GREY = [math.nan, math.inf, -math.inf]


def spoilt(draw: Any, good: torch.Tensor) -> Any:
    """An array like a good one, spoilt in one way."""
    kind = draw(st.sampled_from(sorted(SPOILING)))
    return SPOILING[kind](draw, good.clone())


def broken_entry(draw: Any, x: torch.Tensor) -> torch.Tensor:
    x.view(-1)[draw(st.integers(0, x.numel() - 1))] = draw(st.sampled_from(GREY))
    return x


def another_shape(draw: Any, x: torch.Tensor) -> torch.Tensor:
    shape = draw(st.lists(st.integers(0, 5), max_size=5))
    return torch.ones(shape, dtype=x.dtype)


SPOILING: dict[str, Callable[[Any, torch.Tensor], Any]] = {
    "entry": broken_entry,
    "shape": another_shape,
    "none": lambda draw, x: None,
    "text": lambda draw, x: draw(st.text(max_size=4)),
    "words": lambda draw, x: np.full(tuple(x.shape), "a"),
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
    "none of them": lambda draw, x: x[:0],
    "repeated": lambda draw, x: x[:1].expand(x.shape),
    "single precision": lambda draw, x: x.float(),
    "half precision": lambda draw, x: x.half(),
    "numpy": lambda draw, x: x.numpy(),
    "reversed": lambda draw, x: x.flip(-1),
    "list": lambda draw, x: x.tolist(),
}

NUMBERS = st.one_of(
    st.sampled_from([*GREY, 0.0, -1.0, 1e-9, 30.0, None, "x", [], {}, True, 1j]),
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
        names = draw(
            st.lists(st.sampled_from(sorted(self.good)), min_size=1, max_size=3, unique=True)
        )
        values = dict(self.good)
        for name in names:
            if isinstance(values[name], torch.Tensor):
                values[name] = spoilt(draw, values[name])
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
FIELD = skew.constant(K, law(2))
LINES = torch.cumsum(normal(8, 1, 32), -1)

CALLS = {
    "as_samples": Call(inputs.as_samples, dict(x=X, at_least=2)),
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
        lambda weights, means, covariances: scores.MixtureScore(weights, means, covariances)(X),
        dict(weights=torch.ones(2).double(), means=X[:2], covariances=torch.stack([EYE, EYE])),
    ),
    "mixture at": Call(lambda x: law(2)(x), dict(x=X)),
    "fit_mixture": Call(
        lambda samples, sigma, components: scores.fit_mixture(
            samples, sigma, components=components
        )(X),
        dict(samples=X, sigma=0.3, components=2),
    ),
    "KernelDensityScore": Call(
        lambda samples, sigma: scores.KernelDensityScore(samples, sigma)(Y),
        dict(samples=X, sigma=0.3),
    ),
    "kernel density at": Call(lambda x: scores.KernelDensityScore(X, 0.3)(x), dict(x=X)),
    "choose_sigma": Call(choose_sigma, dict(x=X, seed=0)),
    "fit_gaussian_field": Call(
        lambda stills, sigma: scores.fit_gaussian_field(stills, sigma)(Z), dict(stills=Z, sigma=0.3)
    ),
    "spectral at": Call(lambda x: scores.fit_gaussian_field(Z, 0.3)(x), dict(x=Z)),
    "spectral_kernel.flow": Call(
        lambda x: spectral_kernel.flow(scores.fit_gaussian_field(Z, 0.3))(x), dict(x=Z)
    ),
    "skew.constant": Call(lambda matrix: skew.constant(matrix, law(2))(X), dict(matrix=K)),
    "skew.from_entries": Call(lambda entry: skew.from_entries(entry), dict(entry=1.0)),
    "skew.random": Call(skew.random, dict(dim=3, seed=0)),
    "at_common_speed": Call(lambda x: at_common_speed(FIELD, x)(X), dict(x=X)),
    "divergence": Call(
        lambda x, seed: continuity.divergence(FIELD, x, seed=seed), dict(x=X, seed=0)
    ),
    "hutchinson": Call(
        lambda x, probes: continuity.divergence(FIELD, x, probes), dict(x=X, probes=2)
    ),
    "residual": Call(lambda x: continuity.residual(FIELD, law(2), x), dict(x=X)),
    "StreamFunction": Call(lambda x: exact.StreamFunction(exact.Waves(2), law(2))(x), dict(x=X)),
    "Waves": Call(
        lambda dim, outputs, terms, wavelength: exact.Waves(dim, outputs, terms, wavelength)(X),
        dict(dim=2, outputs=1, terms=4, wavelength=6.0),
    ),
    "check_skew": Call(kernels.check_skew, dict(kernel=RULE)),
    "skew_kernel": Call(kernels.skew_kernel, dict(weights=RULE)),
    "random_kernel": Call(kernels.random_kernel, dict(channels=2, width=3, seed=0)),
    "convolution": Call(
        lambda kernel, x: kernels.convolution(kernel, scores.fit_gaussian_field(Z, 0.3), (8, 8))(x),
        dict(kernel=RULE, x=Z),
    ),
    "identify": Call(
        lambda x, degree, noise: identify(x, degree, noise=noise),
        dict(x=X, degree=1, noise=0.0),
    ),
    "identify_fields": Call(identify_fields, dict(stills=LINES, degree=1)),
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
    "similarity": Call(measures.similarity, dict(v=X, w=X.flip(0))),
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
    "mixture at", "kernel density at", "spectral at", "spectral_kernel.flow", "StreamFunction",
    "convolution", "rk4", "heun", "exponential",
}  # fmt: skip


def infinite(value: Any) -> bool:
    """Whether a result has a number that is NaN or infinite in it."""
    if isinstance(value, torch.Tensor):
        return value.is_floating_point() and not torch.isfinite(value).all()
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f" and not np.isfinite(value).all()
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, (list, tuple)):
        return any(infinite(each) for each in value)
    return False


@given(st.sampled_from(sorted(CALLS)), st.data())
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_hostile_arguments_give_a_finite_result_or_a_clear_error(name: str, data: Any) -> None:
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
def test_the_good_arguments_are_good(name: str) -> None:
    each = CALLS[name]
    assert set(each.good) <= set(inspect.signature(each.call).parameters)
    assert not infinite(each.call(**each.good))
