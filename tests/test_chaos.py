import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eqflow_nb.inputs import InputError
from eqflow_nb.measures import kaplan_yorke, lyapunov_spectrum, mean_speed
from eqflow_nb.measures.chaos import _orthonormalise
from eqflow_nb.snapshots import world
from eqflow_nb.snapshots.zoo import system

LYAPUNOV = system("lorenz").published


class Linear:
    """dx/dt = A x, with its Jacobian."""

    def __init__(self, matrix):
        self.matrix = torch.as_tensor(matrix, dtype=torch.float64)

    def __call__(self, x):
        return x @ self.matrix.T

    def jacobian(self, x):
        return self.matrix.expand(len(x), -1, -1)


def plain(field):
    """Hide a field's Jacobian, so that it is differentiated."""
    return lambda x: field(x)


def duffing(x):
    """Nonlinear with position-dependent divergence, d = 2."""
    return torch.stack([x[:, 1], x[:, 0] - x[:, 0] ** 3 - 0.3 * x[:, 0] ** 2 * x[:, 1]], dim=1)


@pytest.fixture(scope="module")
def lorenz_result():
    lorenz = world("lorenz")
    return lyapunov_spectrum(lorenz.velocity, lorenz.sample(400, 3), 0.01, 1500, burn=500)


@pytest.mark.parametrize(
    "matrix",
    [
        [[-0.5, 0.0], [0.0, -2.0]],
        [[0.3, 5.0], [0.0, -1.0]],
        [[-0.2, 3.0, 0.0], [-3.0, -0.2, 0.0], [0.5, 0.5, -1.5]],
        [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [-24, -50, -35, -10]],
    ],
)
@pytest.mark.parametrize("way", [lambda f: f, plain])
def test_a_linear_system_has_the_real_parts_of_its_eigenvalues(matrix, way):
    field = Linear(matrix)
    expected = np.sort(np.linalg.eigvals(field.matrix.numpy()).real)[::-1]
    x0 = 0.1 * torch.ones(2, len(matrix), dtype=torch.float64)
    found = lyapunov_spectrum(way(field), x0, 0.02, 800, burn=300).exponents
    assert np.allclose(found.numpy(), expected, atol=0.03)


def test_a_rotation_neither_parts_nor_joins():
    field = Linear([[0.0, 2.0], [-2.0, 0.0]])
    found = lyapunov_spectrum(field, torch.ones(3, 2).double(), 0.01, 500)
    assert found.exponents.abs().max() < 1e-6


@pytest.mark.parametrize("renormalise", [1, 3, 10, 1000])
def test_how_often_the_frame_is_renormalised_does_not_matter(renormalise):
    x0 = torch.tensor([[0.5, 0.2], [1.2, -0.3]], dtype=torch.float64)
    often = lyapunov_spectrum(duffing, x0, 0.01, 100)
    seldom = lyapunov_spectrum(duffing, x0, 0.01, 100, renormalise=renormalise)
    assert torch.allclose(often.exponents, seldom.exponents, atol=1e-6)
    assert seldom.times[-1] == pytest.approx(1.0)


def test_the_spectrum_sums_to_the_mean_divergence_along_the_way():
    x0, dt, steps = torch.tensor([[0.5, 0.2], [1.2, -0.3]], dtype=torch.float64), 0.005, 800
    total = lyapunov_spectrum(duffing, x0, dt, steps).exponents.sum(dim=1)
    x, divergence = x0, []
    for _ in range(steps + 1):
        divergence.append(-0.3 * x[:, 0] ** 2)
        k1 = duffing(x)
        k2 = duffing(x + dt / 2 * k1)
        k3 = duffing(x + dt / 2 * k2)
        x = x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + duffing(x + dt * k3))
    mean = torch.trapezoid(torch.stack(divergence), dx=1 / steps, dim=0)
    assert torch.allclose(total, mean, atol=1e-4)
    assert total[0] != pytest.approx(float(total[1]), abs=0.01)


def test_the_exponents_do_not_depend_on_the_coordinates():
    a = torch.tensor([[-0.2, 3.0, 0.0], [-3.0, -0.2, 0.0], [0.5, 0.5, -1.5]], dtype=torch.float64)
    change = torch.tensor([[2.0, 1, 0], [0, 1, 0.5], [0, 0, 3]], dtype=torch.float64)
    x0 = torch.ones(1, 3, dtype=torch.float64)
    one, two = (
        lyapunov_spectrum(Linear(m), x0, 0.02, 3000, burn=500).exponents
        for m in (a, change @ a @ change.inverse())
    )
    assert torch.allclose(one, two, atol=0.01)


def test_lorenz_has_its_known_spectrum(lorenz_result):
    spectrum = lorenz_result.exponents.mean(dim=0)
    assert spectrum[0] == pytest.approx(LYAPUNOV[0], rel=0.03)
    assert spectrum[1] == pytest.approx(0, abs=0.02)
    assert spectrum[2] == pytest.approx(LYAPUNOV[2], rel=0.01)


def test_lorenz_loses_volume_at_its_constant_rate(lorenz_result):
    totals = lorenz_result.exponents.sum(dim=1)
    assert torch.allclose(totals, torch.full_like(totals, -41 / 3), rtol=1e-3)


def test_lorenz_has_its_known_dimension(lorenz_result):
    assert kaplan_yorke(lorenz_result.exponents.mean(dim=0)) == pytest.approx(2.06, abs=0.01)


def test_the_history_ends_at_the_result_and_settles(lorenz_result):
    history, times = lorenz_result.history, lorenz_result.times
    assert history.shape == (1500, 3) and times.shape == (1500,)
    assert times[-1] == pytest.approx(15.0) and times[0] == pytest.approx(0.01)
    assert torch.allclose(history[-1], lorenz_result.exponents.mean(dim=0))
    late = lorenz_result.late_change()
    assert torch.allclose(late, (history[-1] - history[749]).abs())
    assert late.max() < 0.05


def test_differentiating_the_field_gives_what_its_jacobian_does():
    lorenz = world("lorenz")
    x0 = lorenz.sample(3, 0).double()
    given_, found = (
        lyapunov_spectrum(field, x0, 0.01, 50).exponents
        for field in (lorenz.velocity, plain(lorenz.velocity))
    )
    assert torch.allclose(given_, found, atol=1e-9)


def test_rows_may_hold_one_model_each():
    rates = torch.tensor([[-1.0], [0.5], [2.0]], dtype=torch.float64)
    found = lyapunov_spectrum(lambda x: rates * x, torch.ones(3, 2).double(), 0.01, 100)
    assert torch.allclose(found.exponents, rates.expand(3, 2), atol=1e-6)


def test_a_field_that_uses_autograd_inside_can_be_measured():
    # A rotated score: an integrable flow, whose exponents tend to 0 with the horizon.
    density = world("ring").log_density

    def score(x):
        with torch.enable_grad():
            x = x if x.requires_grad else x.detach().requires_grad_()
            return torch.autograd.grad(density(x, 0.15).sum(), x, create_graph=True)[0]

    matrix = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    x0 = world("ring").sample(30, 0).double()
    short, long = (
        lyapunov_spectrum(lambda x: score(x) @ matrix, x0, 0.05, steps).exponents.mean(dim=0)
        for steps in (100, 400)
    )
    assert 0 < long[0] < 0.6 * short[0]
    assert long.sum().abs() < 0.01


def test_a_trajectory_that_leaves_to_infinity_is_nan_and_spares_the_others():
    x0 = torch.tensor([[0.5], [-0.5]], dtype=torch.float64)
    found = lyapunov_spectrum(lambda x: x**2, x0, 0.05, 200)
    assert found.exponents[0].isnan().all()
    assert torch.isfinite(found.exponents[1]).all() and torch.isfinite(found.history[-1]).all()


def test_a_field_at_constant_velocity_has_no_exponents():
    found = lyapunov_spectrum(torch.ones_like, torch.zeros(2, 3), 0.1, 20)
    assert found.exponents.abs().max() == 0


@pytest.mark.parametrize("hide", [lambda x: x.detach() ** 3, torch.no_grad()(lambda x: x**3)])
def test_a_field_that_hides_its_derivative_is_refused(hide):
    with pytest.raises(InputError, match="derivative that does not match"):
        lyapunov_spectrum(hide, torch.ones(2, 2), 0.1, 10)


def test_a_wrong_jacobian_is_refused():
    field = Linear([[0.0, 1.0], [-1.0, 0.0]])
    field.jacobian = lambda x: -field.matrix.expand(len(x), -1, -1)
    with pytest.raises(InputError, match="derivative that does not match"):
        lyapunov_spectrum(field, torch.ones(2, 2).double(), 0.1, 10)


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(0, 1000))
def test_gram_schmidt_is_the_qr_decomposition(dim, seed):
    frame = torch.randn(dim, 5, dim, generator=torch.Generator().manual_seed(seed)).double()
    q, lengths = _orthonormalise(frame)
    columns, expected = q.permute(1, 2, 0), frame.permute(1, 2, 0)
    r = columns.mT @ expected
    assert torch.allclose(columns.mT @ columns, torch.eye(dim).double(), atol=1e-8)
    assert torch.allclose(columns @ r.triu(), expected, atol=1e-8)
    assert torch.allclose(r.diagonal(dim1=1, dim2=2), lengths) and (lengths > 0).all()


@pytest.mark.parametrize(
    ("exponents", "dimension"),
    [
        (LYAPUNOV, 2 + 0.9056 / 14.5723),
        ((-14.5723, 0.9056, 0.0), 2 + 0.9056 / 14.5723),
        ((1.0, -1.0), 2.0),
        ((0.5, -1.0), 1.5),
        ((-1.0, -2.0), 0.0),
        ((0.0, -1.0), 1.0),
        ((1.0, 0.5), 2.0),
        ((-0.3,), 0.0),
    ],
)
def test_kaplan_yorke_dimension(exponents, dimension):
    assert kaplan_yorke(exponents) == pytest.approx(dimension)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=6), st.floats(0.1, 10))
def test_a_dimension_does_not_depend_on_the_unit_of_time(exponents, factor):
    dimension = kaplan_yorke(exponents)
    assert 0 <= dimension <= len(exponents)
    if sum(exponents) < -1e-6 and abs(sum(sorted(exponents)[1:])) > 1e-6:
        assert kaplan_yorke([factor * e for e in exponents]) == pytest.approx(dimension)


def test_mean_speed_is_the_mean_length_of_the_velocity():
    x = torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    assert mean_speed(lambda x: 2 * x, x) == pytest.approx(6)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"x0": torch.zeros(3)}, "x0"),
        ({"x0": torch.full((2, 2), math.nan)}, "x0"),
        ({"dt": 0}, "dt"),
        ({"dt": math.inf}, "dt"),
        ({"steps": 0}, "steps"),
        ({"renormalise": 0}, "renormalise"),
        ({"burn": -1}, "burn"),
    ],
)
def test_bad_arguments_are_refused_by_name(change, name):
    good = {"x0": torch.ones(2, 2), "dt": 0.1, "steps": 5}
    with pytest.raises(InputError, match=name):
        lyapunov_spectrum(lambda x: -x, **(good | change))


@pytest.mark.parametrize("exponents", [[math.nan, 1.0], ["a"], []])
def test_an_unusable_spectrum_is_refused(exponents):
    with pytest.raises(InputError, match="exponents"):
        kaplan_yorke(exponents)
