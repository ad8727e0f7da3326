"""Ready-made drawings."""

import pytest

from eqflow_nb.inputs import InputError
from eqflow_nb.snapshots import dots as drawn


def test_ready_made_drawings_fit_the_sheet():
    for name in drawn.READY:
        dots = drawn.ready(name)
        assert 100 < len(dots) < 2000, name
        assert float(dots.abs().max()) <= drawn.EXTENT
    with pytest.raises(InputError, match="drawing 'cat' is unknown; choose one of two moons"):
        drawn.ready("cat")
