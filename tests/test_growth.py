"""Growth: what is timed does the work that is counted; fits find a known exponent."""

import time

import numpy as np
import pytest

from eqflow_nb.course import growth


@pytest.mark.parametrize("power", [0, 1, 2])
def test_a_known_exponent_is_found(monkeypatch, power):
    monkeypatch.setattr(growth, "seconds_of", lambda job: job())
    core = growth.Core(
        "n", [2**k for k in range(8)], lambda n: lambda: 1e-3 * n**power, lambda n: (n, 0)
    )
    found = growth.measure(core, growth.Machine(1e6, 1e9))
    assert found.exponent == pytest.approx(power)
    np.testing.assert_allclose(found.share, np.array(core.sizes) / 1e6 / found.seconds)


def test_the_best_time_is_that_of_one_call():
    taken = growth.seconds_of(lambda: time.sleep(0.01), tries=1)
    assert taken >= 0.01


@pytest.mark.parametrize("name", sorted(growth.cores(large=False)))
def test_every_core_runs_and_its_work_grows(name):
    core = growth.cores(large=False)[name]
    assert all(b == 2 * a for a, b in zip(core.sizes, core.sizes[1:], strict=False))
    core.job(core.sizes[0])()
    small, large = core.work(core.sizes[0]), core.work(core.sizes[-1])
    assert 0 < small[0] < large[0]
    assert 0 < small[1] < large[1]


def test_the_roofline_takes_the_larger_of_the_two():
    limits = growth.Machine(1e9, 1e10)
    assert limits.least((1e9, 1e9)) == pytest.approx(1.0)
    assert limits.least((1e6, 1e10)) == pytest.approx(1.0)
