"""Each core at three sizes, a factor of four apart; the study `growth` has all of them."""

import pytest

from eqflow_nb.course import growth

CORES = growth.cores()


@pytest.mark.parametrize("place", [2, 4, -3])
@pytest.mark.parametrize("name", sorted(CORES))
def test_growth(benchmark, name, place):
    core = CORES[name]
    size = core.sizes[min(place, len(core.sizes) - 1)]
    benchmark.group = f"{name}, {core.grows}"
    benchmark.extra_info["size"] = size
    benchmark(core.job(size))
