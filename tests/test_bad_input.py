"""Bad input to scores, flows and rollouts: errors name the argument, what it got, a way out."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import law, normal

from eqflow_nb.flows import at_common_speed, learned, skew
from eqflow_nb.flows.continuity import divergence, residual
from eqflow_nb.flows.exact import StreamFunction, VectorPotential, Waves
from eqflow_nb.flows.learned import FlowNetworks
from eqflow_nb.inputs import BUDGETS, InputError, choice, pick_device
from eqflow_nb.rollout import exponential, heun, rk4
from eqflow_nb.scores import (
    DenoiserScore,
    KernelDensityScore,
    MixtureScore,
    denoiser,
    fit_mixture,
    gaussian,
)
from eqflow_nb.snapshots import NAMES, world

EYE = torch.eye(2)
IMAGES = torch.zeros(4, 2, 4, 4)


def refused(call, *fragments):
    """Assert that `call` raises an InputError whose message has every fragment."""
    with pytest.raises(InputError) as caught:
        call()
    for fragment in fragments:
        assert fragment in str(caught.value)


def still(x):
    return torch.zeros_like(x)


def train_denoiser(x):
    return list(denoiser.train(DenoiserScore(2, 0.3, width=4), x, steps=1))


# Everything that takes samples (n, 2), what it calls them, and the rows it needs.
TAKERS = {
    "fit_mixture": (lambda x: fit_mixture(x, 0.3), "samples", 10),
    "KernelDensityScore": (lambda x: KernelDensityScore(x, 0.3), "samples", 1),
    "denoiser.train": (train_denoiser, "samples", 2),
    "learned.sample_training_points": (
        lambda x: learned.sample_training_points(x, law(2), 0.3, n=8),
        "samples",
        2,
    ),
    "learned.learn": (
        lambda x: learned.learn(x, law(2), 0.3, learned.Settings(steps=1)),
        "samples",
        2,
    ),
    "at_common_speed": (lambda x: at_common_speed(law(2), x), "x", 2),
    "residual": (lambda x: residual(law(2), law(2), x), "x", 2),
    "divergence": (lambda x: divergence(law(2), x), "x", 1),
    "MixtureScore": (lambda x: MixtureScore(torch.ones(len(x)), x, x), "means", 1),
}
LEARNERS = ("fit_mixture", "denoiser.train", "learned.sample_training_points", "learned.learn")
takers = st.sampled_from(sorted(TAKERS))


@given(takers, st.sampled_from([math.nan, math.inf, -math.inf]), st.integers(0, 11), st.data())
def test_a_broken_sample_anywhere_is_refused_and_its_row_named(name, bad, row, data):
    take, argument, _ = TAKERS[name]
    x = normal(12, 2)
    x[row, data.draw(st.integers(0, 1))] = bad
    forms = [x, x.float()] + ([x.numpy(), x.tolist()] if argument == "samples" else [])
    refused(lambda: take(data.draw(st.sampled_from(forms))), argument, "NaN", f"row {row};", "fill")


@given(takers, st.sampled_from([(12,), (12, 2, 1), (), (12, 0)]))
def test_samples_that_are_no_table_are_refused(name, shape):
    take, argument, _ = TAKERS[name]
    if name == "MixtureScore" and not shape:
        return
    refused(lambda: take(torch.zeros(shape)), argument, "it must")


@given(takers, st.integers(0, 9))
def test_too_few_samples_are_refused(name, rows):
    take, argument, least = TAKERS[name]
    if rows < least:
        refused(lambda: take(normal(rows, 2)), f"{argument} has {rows} row(s)", f"at least {least}")


@given(st.sampled_from(LEARNERS), st.floats(-1e3, 1e3), st.integers(0, 1))
def test_constant_columns_are_refused_where_something_is_learned_from_them(name, value, column):
    x = normal(12, 2)
    x[:, column] = value
    refused(lambda: TAKERS[name][0](x), "samples is constant", f"column(s) {column};", "leave")


def test_all_samples_alike_or_twice_the_same_are_no_trouble_where_they_mean_something():
    twice = normal(20, 2).repeat(2, 1)
    assert torch.isfinite(fit_mixture(twice, 0.3)(twice)).all()
    alike = KernelDensityScore(torch.ones(5, 2), 0.5)
    torch.testing.assert_close(alike(torch.zeros(1, 2)), torch.full((1, 2), 4.0))


@given(st.integers(1, 5))
@settings(max_examples=10)
def test_states_of_the_wrong_dimension_are_refused_by_every_field(d):
    fields = {
        2: [
            fit_mixture(normal(20, 2), 0.3, components=2),
            KernelDensityScore(normal(5, 2), 0.3),
            DenoiserScore(2, 0.3),
            DenoiserScore(2, 0.3).denoise,
            StreamFunction(Waves(2), law(2)),
            skew.constant(skew.random(2), law(2)),
            FlowNetworks(1, 2),
            FlowNetworks(2, 2).jacobian,
        ],
        3: [
            VectorPotential(Waves(3, 3), law(3)),
            Waves(3),
            Waves(3).with_gradient,
            FlowNetworks(1, 3),
        ],
    }
    for right, several in fields.items():
        for field in several:
            if d == right:
                assert field is not None
            else:
                # 12 rows: also where the numbers would fit another shape, they are refused.
                refused(lambda field=field: field(torch.zeros(12, d)), "x", f"must have {right}")
            refused(lambda field=field: field(torch.zeros(d)), "x", "(n, d)")


not_positive = st.one_of(
    st.floats(max_value=0), st.sampled_from([math.nan, math.inf]), st.just("half"), st.none()
)


@given(not_positive)
@settings(max_examples=30)
def test_a_noise_level_must_be_a_positive_number(sigma):
    x = normal(12, 2)
    for make in (
        lambda: fit_mixture(x, sigma),
        lambda: KernelDensityScore(x, sigma),
        lambda: DenoiserScore(2, sigma),
        lambda: learned.sample_training_points(x, law(2), sigma, n=8),
        lambda: next(exponential(still, skew.random(2), IMAGES, sigma, 0.5, 1, 0.1)),
    ):
        refused(make, "sigma is", "must be a")


@given(not_positive)
@settings(max_examples=30)
def test_steps_and_rates_must_be_positive_numbers(value):
    x, flow = normal(12, 2), FlowNetworks(1, 2, 4, 4)
    taught = learned.sample_training_points(x, law(2), 0.3, n=8)
    for argument, call in (
        ("dt", lambda: next(rk4(still, x, value, 1))),
        ("dt", lambda: next(heun(still, x, value, 1, 0.1))),
        ("tau", lambda: next(exponential(still, skew.random(2), IMAGES, 0.3, value, 1, 0.1))),
        ("rate", lambda: next(learned.train(flow, taught, steps=1, rate=value))),
        ("smoothness", lambda: learned.solve_last_layer(flow, taught, value)),
        ("anchor", lambda: learned.solve_last_layer(flow, taught, anchor=value)),
        ("wavelength", lambda: Waves(2, wavelength=value)),
    ):
        refused(call, f"{argument} is", "must be a")


@given(st.one_of(st.floats(max_value=0, exclude_max=True), st.sampled_from([math.nan, math.inf])))
@settings(max_examples=30)
def test_diffusion_may_be_zero_but_not_negative(eta):
    x = normal(4, 2)
    for run in (
        lambda: next(heun(still, x, 0.1, 1, eta)),
        lambda: next(exponential(still, skew.random(2), IMAGES, 0.3, 0.5, 1, eta)),
    ):
        refused(run, "eta is", "must")
    assert torch.equal(list(heun(still, x, 0.1, 1, 0))[-1][1], x)


@given(st.one_of(st.integers(max_value=0), st.floats(0.01, 0.99), st.none()))
@settings(max_examples=30)
def test_counts_must_be_whole_numbers_above_zero(number):
    x = normal(12, 2)
    taught = learned.sample_training_points(x, law(2), 0.3, n=8)
    for argument, call in (
        ("steps", lambda: next(rk4(still, x, 0.1, number))),
        ("steps", lambda: next(heun(still, x, 0.1, number, 0.1))),
        ("steps", lambda: next(exponential(still, IMAGES[0, :2, :2, 0], IMAGES, 1, 1, number, 0))),
        ("steps", lambda: next(learned.train(FlowNetworks(1, 2), taught, steps=number))),
        ("steps", lambda: next(denoiser.train(DenoiserScore(2, 0.3), x, steps=number))),
        ("batch", lambda: next(denoiser.train(DenoiserScore(2, 0.3), x, batch=number))),
        ("members", lambda: FlowNetworks(number, 2)),
        ("dim", lambda: FlowNetworks(1, number)),
        ("dim", lambda: DenoiserScore(number, 0.3)),
        ("dim", lambda: Waves(number)),
        ("outputs", lambda: Waves(2, number)),
        ("terms", lambda: Waves(2, terms=number)),
        ("n", lambda: learned.sample_training_points(x, law(2), 0.3, n=number)),
    ):
        refused(call, f"{argument} is", "must be a")
    if number is not None:
        refused(lambda: fit_mixture(x, 0.3, components=number), "components is", "whole number")
        refused(lambda: divergence(law(2), x, probes=number), "probes is", "whole number")


@given(st.integers(2, 5), st.integers(0, 1000), st.data())
def test_a_matrix_that_is_not_skew_is_refused_and_its_worst_entry_named(d, seed, data):
    matrix = skew.random(d, seed)
    i, j = data.draw(st.integers(0, d - 1)), data.draw(st.integers(0, d - 1))
    matrix[i, j] += 3
    i, j = sorted((i, j))
    entry = f"matrix[{i},{j}] + matrix[{j},{i}]"
    refused(lambda: skew.constant(matrix, law(d)), entry, "should be 0", "(matrix - matrix.T) / 2")


def test_matrices_of_the_wrong_shape_are_refused():
    several = torch.stack([skew.random(2), EYE])
    refused(lambda: skew.constant(several, law(2)), "not skew-symmetric", "should be 0")
    two = skew.constant(skew.random(2).expand(2, 2, 2), law(2))
    refused(lambda: two(torch.zeros(5, 2)), "5 rows", "2 matrices")
    refused(lambda: skew.constant(torch.zeros(2, 3), law(2)), "(2, 3)", "square")
    refused(lambda: skew.Linear(torch.zeros(2, 3), law(2)), "(2, 3)", "square")
    refused(lambda: skew.from_entries(1, 2), "entries holds 2", "1, 3, 6")
    refused(lambda: skew.from_entries(), "entries holds 0")
    refused(lambda: skew.random(1), "dim is 1", "at least 2")


def test_mixtures_whose_parts_do_not_fit_are_refused():
    means, eye = torch.zeros(2, 2), EYE.expand(2, 2, 2)
    refused(lambda: MixtureScore(torch.ones(3), means, eye), "weights (3,)", "(2,)")
    refused(lambda: MixtureScore(torch.ones(2), means, EYE), "covariances (2, 2)", "(2, 2, 2)")
    for weights in ([1.0, -1.0], [1.0, 0.0], [1.0, math.nan], [1.0, math.inf]):
        refused(lambda w=weights: MixtureScore(torch.tensor(w), means, eye), "weights are", "> 0")
    for bad in ([[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.5], [0.0, 1.0]], [[math.nan, 0.0], [0.0, 1.0]]):
        parts = torch.stack([EYE, torch.tensor(bad)])
        refused(
            lambda c=parts: MixtureScore(torch.ones(2), means, c), "covariances[1]", "symmetric"
        )
    refused(lambda: gaussian(torch.zeros(2), -EYE), "covariances[0]", "positive definite")


@pytest.mark.parametrize("signs", [[1.0], [1.0, 0.5], [1.0, -1.0, 1.0], [math.nan, 1.0]])
def test_a_symmetry_must_be_a_sign_for_each_axis(signs):
    for make in (
        lambda: fit_mixture(normal(20, 2), 0.3, signs=torch.tensor(signs)),
        lambda: FlowNetworks(1, 2, signs=torch.tensor(signs)),
    ):
        refused(make, "signs are", "1 or -1 for each of 2 axes")


def test_fields_that_stand_still_or_break_have_no_speed_and_no_residual():
    x = normal(5, 2)
    refused(lambda: residual(still, law(2), x), "field is zero")
    refused(lambda: at_common_speed(still, x), "field has rms speed 0")
    for broken in (lambda y: y / 0, lambda y: y * math.nan):
        refused(lambda f=broken: residual(f, law(2), x), "field is not finite")
        refused(lambda f=broken: at_common_speed(f, x), "field has rms speed", "finite")


def test_rows_that_do_not_divide_among_the_members_are_refused():
    refused(lambda: FlowNetworks(3, 2)(torch.zeros(4, 2)), "4 rows", "3 members")


def test_values_must_belong_to_the_samples():
    kernel = KernelDensityScore(normal(5, 2), 0.3)
    refused(lambda: kernel.expect(normal(3, 2), normal(4, 1)), "values has 4 rows", "each of 5")


@given(st.text(max_size=12))
def test_unknown_worlds_and_budgets_are_refused_with_those_known(name):
    if name not in NAMES:
        refused(lambda: world(name), "world", *NAMES)
    if name not in BUDGETS:
        refused(lambda: choice(name, BUDGETS, "budget"), "budget", *BUDGETS)


def test_an_absent_gpu_is_refused_with_what_would_do(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refused(lambda: pick_device("cuda"), "device is 'cuda'", "no GPU", "'cpu' or 'auto'")


def test_messages_are_sentences_without_tracebacks_of_torch():
    with pytest.raises(InputError) as caught:
        fit_mixture(np.full((3, 2), np.nan), -1)
    assert re.fullmatch(r"sigma is -1; it must be .*", str(caught.value))
