"""Worlds: where unordered snapshots come from.

Points (`world`) and periodic images (`field_world`) offer the same: `sample`, `blurred`, `velocity`
where it is known, and a display scale.  Further worlds have modules of their own: the chaotic
systems of `zoo`, the noisy processes of `noisy`, the stars of `plummer`, the blood cells of `cells`
the hand drawings of `dots` and the creatures of `poses`.
"""

from eqflow_nb.inputs import choice
from eqflow_nb.snapshots import gray_scott, icons, lorenz, toys
from eqflow_nb.snapshots.base import Mixture, World

_MAKERS = {**toys.TOYS, "lorenz": lorenz.lorenz}
NAMES = tuple(_MAKERS)
FIELDS = (*gray_scott.PRESETS, *icons.ICONS)


def world(name: str) -> World:
    """Return the world of points called `name`, one of `NAMES`."""
    return _MAKERS[choice(name, NAMES, "world")]()


def field_world(name: str, size: int | None = None) -> World:
    """Return the world of images called `name`, one of `FIELDS`, `size` pixels a side."""
    if choice(name, FIELDS, "world") in icons.ICONS:
        return icons.icons(name, size or 64)
    return gray_scott.gray_scott(name, size or 128)
