"""Growth: sizes double, jobs run at their smallest, and the clock times one call."""

import time

import pytest

from eqflow_nb.course import growth


def test_the_best_time_is_that_of_one_call():
    assert 0.01 <= growth.seconds_of(lambda: time.sleep(0.01), tries=2) < 0.02


@pytest.mark.parametrize("name", sorted(growth.cores(large=False)))
def test_sizes_double_and_the_smallest_runs(name):
    core = growth.cores(large=False)[name]
    assert all(b == 2 * a for a, b in zip(core.sizes, core.sizes[1:], strict=False))
    assert growth.cores()[name].sizes[: len(core.sizes)] == core.sizes
    assert core.job(core.sizes[0])() is not None
