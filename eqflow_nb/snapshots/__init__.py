"""Where data comes from: worlds that draw unordered snapshots of something that keeps its law."""

from __future__ import annotations

from ..inputs import choice
from . import lorenz, toys
from .base import Field, Mixture, World

__all__ = ["NAMES", "Field", "Mixture", "World", "world"]

_MAKERS = {
    "two_peaks": toys.two_peaks,
    "ring": toys.ring,
    "two_moons": toys.two_moons,
    "checkerboard": toys.checkerboard,
    "pinwheel": toys.pinwheel,
    "lorenz": lorenz.lorenz,
}
NAMES = tuple(_MAKERS)


def world(name: str) -> World:
    """Return the world called `name`, one of `NAMES`.

    Raises
    ------
    InputError
        If there is no such world; the message lists those there are.
    """
    return _MAKERS[choice(name, NAMES, "world")]()
