"""Pictures that readers paint or upload, made into icons."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from ..inputs import InputError
from .icons import RASTER

MOST_BYTES, MOST_PIXELS = 20_000_000, 16_000_000
ROOM = 0.98  # of the circle that an icon is seen in


def read_picture(source: Path | str | bytes | np.ndarray, side: int = RASTER) -> Tensor:
    """A creature from a PNG file or its bytes, or from a painted canvas.

    What is drawn is cut out and fitted into the circle of an icon.  Where nothing is transparent
    the colour of the corner is taken for the background.

    Parameters
    ----------
    source : path, bytes or array (H, W, 4) of uint8
    side : int
        Pixels a side of the result.

    Returns
    -------
    Tensor (4, side, side)
        RGBA in [0, 1].

    Raises
    ------
    InputError
        If it is not an image, too large, transparent all over, or of one colour.
    """
    rgba = np.asarray(_opened(source), dtype=np.float32) / 255
    if rgba[..., 3].min() > 0.98:  # nothing is transparent
        away = np.abs(rgba[..., :3] - rgba[0, 0, :3]).max(-1)
        rgba = np.concatenate([rgba[..., :3], (away > 0.08)[..., None]], axis=-1)
        if not rgba[..., 3].any():
            raise InputError("picture has one colour all over; draw something on it")
    drawn = np.argwhere(rgba[..., 3] > 0.1)
    if not len(drawn):
        raise InputError("picture is transparent all over; draw something on it")
    middle = (drawn.min(0) + drawn.max(0) + 1) / 2
    radius = max(2.0, float(np.sqrt(((drawn + 0.5 - middle) ** 2).sum(1)).max())) / ROOM
    # Colours are weighted by what covers them, else the background bleeds into the edges.
    covered = np.concatenate([rgba[..., :3] * rgba[..., 3:], rgba[..., 3:]], axis=-1)
    box: tuple[float, ...] = (
        middle[1] - radius,
        middle[0] - radius,
        middle[1] + radius,
        middle[0] + radius,
    )
    pad = int(np.ceil(radius)) + 1
    covered = np.pad(covered, ((pad, pad), (pad, pad), (0, 0)))
    box = tuple(float(edge) + pad for edge in box)
    resized = np.stack([_resized(covered[..., c], box, side) for c in range(4)])
    alpha = resized[3].clip(0, 1)
    colour = (resized[:3] / alpha.clip(1e-4)).clip(0, 1)
    return torch.from_numpy(np.concatenate([colour, alpha[None]]).astype(np.float32))


def _resized(channel: np.ndarray, box: Any, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(channel).resize((side, side), Image.Resampling.BOX, box=box))


def _opened(source: Path | str | bytes | np.ndarray) -> Image.Image:
    """The picture as RGBA, or an error in plain words."""
    if isinstance(source, np.ndarray):
        if source.ndim != 3 or source.shape[2] != 4 or source.dtype != np.uint8:
            raise InputError(
                f"picture is an array of {source.dtype} with shape {source.shape}; it must be "
                "bytes (uint8) of shape (H, W, 4)"
            )
        return Image.fromarray(source, "RGBA")
    if not isinstance(source, bytes):
        path = Path(source)
        if not path.is_file():
            raise InputError(f"picture {str(path)!r} is not there; give the path of a PNG file")
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"picture {path.name} has over 20 MB; give a smaller one")
        source = path.read_bytes()
    if len(source) > MOST_BYTES:
        raise InputError("picture has over 20 MB; give a smaller one")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(source))
            if picture.width * picture.height > MOST_PIXELS:
                raise InputError(
                    f"picture is {picture.width} by {picture.height} pixels; at most 16 million "
                    "pixels are read: make it smaller"
                )
            return picture.convert("RGBA")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(
            f"picture unpacks to far more pixels than are read ({error}); give an ordinary one"
        ) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"picture is no image that can be read ({error}); give a PNG file"
        ) from error
