"""Equations beside their truth: judged, rolled out and drawn; a panel that redraws."""

import dataclasses

import numpy as np
import pytest

from eqflow_nb.course import equations as course
from eqflow_nb.equations import identify
from eqflow_nb.panels import equations as panels
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.snapshots.zoo import system

LORENZ = system("lorenz")


@pytest.fixture(scope="module")
def found():
    return identify(LORENZ.sample(6000, 0))


def test_equations_are_judged_up_to_their_clock_and_arrow(found):
    one, other = (course.judge(each, LORENZ) for each in (found, found.reversed()))
    assert one.right and one.error < 0.03
    assert other.error == pytest.approx(one.error)
    assert other.scale == pytest.approx(-one.scale)
    lacking = course.judge(dataclasses.replace(found, candidate=found.candidate[1:]), LORENZ)
    assert lacking.error > 0.1 and not lacking.right


def test_equations_found_can_be_rolled_out_in_the_truth_s_time(found):
    scale = course.judge(found, LORENZ).scale
    copy, gone = (course.as_system(found.coefficients, s, LORENZ) for s in (scale, -scale))
    x = LORENZ.sample(50, 3)
    np.testing.assert_allclose(copy.velocity(x), scale * found.velocity(x), rtol=1e-9)
    near, far = (course.path(one, x[0], 0.5, 100) for one in (copy, LORENZ))
    assert np.abs(near - far).max() < 1.0
    assert np.isnan(course.path(gone, x[0], 20.0, 400)[-1]).all()


def test_what_the_null_space_holds(found):
    x = np.random.default_rng(0).standard_normal((8000, 2))
    several = identify(x, 1)
    assert course.contains(several, x @ np.array([[0.0, -1], [1, 0]]), x) > 0.99
    assert course.contains(several, x, x) < 0.1
    assert [(course.spectrum(one) < 2).sum() for one in (several, found)] == [1, 1]


def test_runs_over_seeds_and_their_rows():
    runs = course.repeat("lorenz", [500, 2000], [0, 1])
    exact, _, error = course.table(runs, [500, 2000], [0, 1])
    assert exact.shape == error.shape == (2, 2)
    assert error[1].mean() < error[0].mean()
    card = Scorecard("x")
    course.score(card, "lorenz", runs.values(), error=0.05)
    assert card.rows["lorenz.terms_exact"]["target"] == ">= 4"
    assert card.rows["lorenz.field_error"]["worst"] == pytest.approx(error.max())


def test_every_control_of_the_panel_changes_the_picture():
    panel = panels.lorenz_equations_panel()
    for name, value in {"number": 1000, "terms": 5, "noise": 0.1, "degree": 1}.items():
        before = panel.picture.value
        panel.controls[name].value = value
        assert panel.picture.value != before, name
    assert not panel.errors
    assert len(panel.static().axes) == 9
