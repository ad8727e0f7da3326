"""Pictures that readers paint or upload, made into icons."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageChops, UnidentifiedImageError
from torch import Tensor

from eqflow_nb.inputs import InputError, count
from eqflow_nb.snapshots.icon_shapes import RASTER

MOST_BYTES, MOST_PIXELS = 20_000_000, 16_000_000
FORMATS = ("PNG", "JPEG")  # others can run programs, or grow while they are read
ROOM = 0.98  # of the circle that an icon is seen in
FAINT, NEAR = 25, 20  # of 255: cover that is not seen, colours that count as the background's


def read_picture(source: Path | str | bytes | np.ndarray, side: int = RASTER) -> Tensor:
    """A creature from a PNG file or its bytes, or from a painted canvas.

    What is drawn is cut out and fitted into the circle of an icon, its proportions kept.  Where
    nothing is transparent the colour of the corner is taken for the background.

    Parameters
    ----------
    source : path, bytes or array (H, W, 4) of uint8
        A JPEG will do too.
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
    side = count(side, "side", at_least=8)
    drawing = _cut_out(_opened(source))
    # Far more pixels than are asked for only cost memory.
    drawing = drawing.reduce(max(1, max(drawing.size) // (8 * side)))
    places = np.argwhere(np.asarray(drawing)[..., 3] > FAINT) + 0.5
    middle = np.array([drawing.height, drawing.width]) / 2
    radius = max(2.0, float(np.linalg.norm(places - middle, axis=1).max(initial=0))) / ROOM
    margin = int(np.ceil(radius)) + 1
    sheet = Image.new("RGBA", (drawing.width + 2 * margin, drawing.height + 2 * margin))
    sheet.paste(drawing, (margin, margin))
    down, right = middle + margin
    box = (right - radius, down - radius, right + radius, down + radius)
    # Pillow weights colours by what covers them, so no background bleeds into the edges.
    fitted = sheet.resize((side, side), Image.Resampling.LANCZOS, box=box)
    return torch.from_numpy(np.asarray(fitted, dtype=np.float32).transpose(2, 0, 1) / 255)


def _cut_out(picture: Image.Image) -> Image.Image:
    """The part that is drawn; an opaque background is made transparent."""
    if np.asarray(picture.getchannel("A")).min() > 250:
        corner = picture.crop((0, 0, 1, 1)).convert("RGB")
        plain = corner.resize(picture.size)
        red, green, blue = ImageChops.difference(picture.convert("RGB"), plain).split()
        away = ImageChops.lighter(ImageChops.lighter(red, green), blue)
        picture.putalpha(away.point([0] * (NEAR + 1) + [255] * (255 - NEAR)))
        nothing = "has one colour all over; draw something on it, in another"
    else:
        nothing = "is transparent all over; draw something on it"
    seen = picture.getchannel("A").point([0] * (FAINT + 1) + [255] * (255 - FAINT)).getbbox()
    if seen is None:
        raise InputError(f"picture of {picture.width} by {picture.height} pixels {nothing}")
    return picture.crop(seen)


def _opened(source: Path | str | bytes | np.ndarray) -> Image.Image:
    """The picture as RGBA, or an error in plain words."""
    if isinstance(source, np.ndarray):
        if source.ndim != 3 or source.shape[2] != 4 or source.dtype != np.uint8 or not source.size:
            raise InputError(
                f"picture is an array of {source.dtype} with shape {source.shape}; it must be "
                "bytes (uint8) of shape (H, W, 4)"
            )
        _check_pixels(source.shape[1], source.shape[0])
        return Image.fromarray(np.ascontiguousarray(source))
    data = _bytes(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
            _check_pixels(picture.width, picture.height)
            picture.load()
            return _eight_bits(picture).convert("RGBA")
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(
            f"picture unpacks to far more pixels than are read ({error}); give an ordinary one"
        ) from error
    except UnidentifiedImageError as error:
        raise InputError(
            "picture is no image that can be read (neither PNG nor JPEG); give a PNG file"
        ) from error
    except Exception as error:  # what a decoder raises on damaged bytes is not laid down
        raise InputError(
            f"picture is no image that can be read ({error}); give a PNG file"
        ) from error


def _bytes(source: Any) -> bytes:
    """The contents of an upload or of a file, if they are not too long."""
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif isinstance(source, str | Path):
        data = _contents(Path(source))
    else:
        raise InputError(
            f"picture is of type {type(source).__name__}; give a path, the bytes of a PNG file or "
            "an array (H, W, 4)"
        )
    if len(data) > MOST_BYTES:
        raise InputError(f"picture has {len(data) / 1e6:.3g} MB, over 20 MB; give a smaller one")
    return data


def _contents(path: Path) -> bytes:
    """What a file holds, read no further than it takes to see that it is too long."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        name = str(path)
        raise InputError(f"picture {name!r} is not there; give the path of a PNG file") from error
    except (OSError, ValueError) as error:
        raise InputError(
            f"picture {str(path)[:200]!r} cannot be opened ({type(error).__name__}); give the path "
            "of a PNG file"
        ) from error


def _check_pixels(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise InputError(
            f"picture is {width} by {height} pixels; at most 16 million pixels are read: make it "
            "smaller"
        )


def _eight_bits(picture: Image.Image) -> Image.Image:
    """A picture of 16-bit greys with 8, which the usual conversion would cut off at white."""
    if not picture.mode.startswith("I"):
        return picture
    return Image.fromarray((np.asarray(picture).clip(0, 65535) // 256).astype(np.uint8))
