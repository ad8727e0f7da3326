"""Where the creatures are on periodic canvases, and which is which from frame to frame."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from torch import Tensor

from eqflow_nb.inputs import InputError, as_images, positive

WHOLE = (0.6, 1.5)  # ink of a creature, in that of a placed one: others have faded or merged


class Found(NamedTuple):
    """The n creatures of one canvas.

    A heading, radians anticlockwise, is fixed to the body: from the centre of all ink to that of
    the red and yellow, in a firefly the tail.  Of creatures of one colour it is noise.
    """

    centres: np.ndarray  # of the ink, pixels down and right, in [0, size): (n, 2)
    ink: np.ndarray  # summed distance of colour from the paper's: (n,)
    heading: np.ndarray  # (n,)


class Tracks(NamedTuple):
    """Creatures followed through a film, those that were seen in every frame."""

    positions: np.ndarray  # pixels down and right, continuous across the border: (T, n, 2)
    heading: np.ndarray  # radians: (T, n)


def locate(canvas: Tensor, paper: Sequence[float], diameter: float) -> Found:
    """Find creatures on a periodic canvas (3, H, W), in [0, 1], of paper of some RGB."""
    # They are maxima of blurred ink.
    canvas = as_images(canvas[None], "canvas", channels=3)[0]
    diameter = positive(diameter, "diameter")
    if diameter >= min(canvas.shape[1:]) / 2:
        raise InputError(f"diameter is {diameter:g}; it must be below half the canvas's sides")
    away = canvas.cpu().numpy().astype(float) - np.asarray(paper)[:, None, None]
    ink = np.sqrt((away**2).sum(0))
    ink[ink < 0.1] = 0  # what noise leaves on the paper
    smooth = ndimage.gaussian_filter(ink, diameter / 4, mode="wrap")
    # Two pixels of the same height would be two creatures.
    smooth = smooth * (1 + 1e-9 * np.arange(smooth.size).reshape(smooth.shape) / smooth.size)
    peaks = (smooth == ndimage.maximum_filter(smooth, int(diameter * 0.8) | 1, mode="wrap")) & (
        smooth > 0.25 * smooth.max()
    )
    tops = np.argwhere(peaks)
    offsets, weights = _discs(ink, tops, diameter)
    total = weights.sum((1, 2)).clip(1e-12)
    centres = tops + (weights[..., None] * offsets).sum((1, 2)) / total[:, None]
    # The red, the dark: what tells a head from a tail, as a dipole of colour over the ink.
    contrast = _discs(away[0] - away[2] - 0.5 * away[1], tops, diameter)[1]
    dipole = (contrast[..., None] * (offsets - (centres - tops)[:, None, None])).sum((1, 2))
    return Found(centres % np.array(ink.shape), total, np.arctan2(-dipole[:, 0], dipole[:, 1]))


def whole(ink: np.ndarray, placed: float) -> np.ndarray:
    """Which creatures (n,) have between .6 and 1.5 times the ink of a placed one."""
    share = np.asarray(ink) / placed
    return (share > WHOLE[0]) & (share < WHOLE[1])


def follow_creatures(found: Sequence[Found], size: int, reach: float) -> Tracks:
    """Link creatures from frame to frame with trackpy, at most `reach` pixels apart."""
    # A canvas is a torus. Placed on one in four dimensions (a circle for each axis) it has no
    # border, and a short way is as long as on the canvas.
    import trackpy

    if len(found) < 2:
        raise InputError(f"found holds {len(found)} frame(s); a track needs at least 2")
    for frame, one in enumerate(found):
        if not len(one.centres):
            raise InputError(f"found[{frame}] has no creature; the canvas has faded")
    radius = size / (2 * np.pi)
    turns = [2 * np.pi * one.centres / size for one in found]
    torus = [radius * np.concatenate([np.cos(a), np.sin(a)], axis=1) for a in turns]
    trackpy.quiet()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        links = [names for _, names in trackpy.link_iter(torus, search_range=reach)]
    everywhere = set(links[0]).intersection(*links[1:])
    rows = [[names.index(name) for name in sorted(everywhere)] for names in links]
    wrapped = np.stack([one.centres[row] for one, row in zip(found, rows, strict=True)])
    heading = np.stack([one.heading[row] for one, row in zip(found, rows, strict=True)])
    steps = np.diff(wrapped, axis=0)
    steps -= size * np.round(steps / size)
    return Tracks(np.concatenate([wrapped[:1], wrapped[:1] + steps.cumsum(0)]), heading)


def _discs(field: np.ndarray, tops: np.ndarray, diameter: float) -> tuple[np.ndarray, np.ndarray]:
    """The field around each top (n, S, S) inside its disc, and the places there (S, S, 2)."""
    reach = int(np.ceil(diameter / 2 + 1))
    line = np.arange(-reach, reach + 1)
    offsets = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1)
    rows = (tops[:, 0, None, None] + offsets[..., 0]) % field.shape[0]
    columns = (tops[:, 1, None, None] + offsets[..., 1]) % field.shape[1]
    inside = (offsets**2).sum(-1) <= (diameter / 2 + 1) ** 2
    return offsets[None], field[rows, columns] * inside
