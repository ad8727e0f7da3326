"""Where data comes from: worlds that draw unordered snapshots of something that keeps its law."""

from __future__ import annotations

from eqflow_nb.inputs import choice
from eqflow_nb.snapshots import gray_scott, icons, lorenz, toys
from eqflow_nb.snapshots.base import Mixture, World
from eqflow_nb.snapshots.fields import FieldWorld

__all__ = ["FIELDS", "NAMES", "Field", "FieldWorld", "Mixture", "World", "field_world", "world"]

_MAKERS = {
    "two_peaks": toys.two_peaks,
    "ring": toys.ring,
    "two_moons": toys.two_moons,
    "checkerboard": toys.checkerboard,
    "pinwheel": toys.pinwheel,
    "lorenz": lorenz.lorenz,
}
NAMES = tuple(_MAKERS)
FIELDS = (*gray_scott.PRESETS, *icons.ICONS)


def world(name: str) -> World:
    """Return the world called `name`, one of `NAMES`.

    Raises
    ------
    InputError
        If there is no such world; the message lists those there are.
    """
    return _MAKERS[choice(name, NAMES, "world")]()


def field_world(name: str, size: int | None = None) -> FieldWorld:
    """Return the world of periodic images called `name`, one of `FIELDS`.

    Parameters
    ----------
    name : str
    size : int, optional
        Pixels a side; 64 for icons and 128 for Gray-Scott patterns if not given.

    Raises
    ------
    InputError
        If there is no such world, or it has no room on a grid of this size.
    """
    if choice(name, FIELDS, "world") in icons.ICONS:
        return icons.icons(name, size or 64)
    return gray_scott.gray_scott(name, size or 128)
