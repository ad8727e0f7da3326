"""A reader's pictures: folders of them, and the frames of films, as images in [0, 1]."""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from eqflow_nb.inputs import InputError
from eqflow_nb.user_data.pictures import MOST_BYTES, MOST_PIXELS

STILLS = (".png", ".jpg", ".jpeg")
FILMS = (".gif", ".webp", ".apng", ".png")
VIDEOS = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v", ".wmv")
MOST_VALUES = 200_000_000  # of all images together: 1.6 GB
COLOURS = ("red", "green", "blue", "cover")

Read = tuple[np.ndarray, tuple[str, ...], str, tuple[str, ...]]


def read_folder(folder: Path, side: int | None = None) -> Read:
    """Values (N, C, H, W), channels, source and notes of a folder of PNG or JPEG pictures.

    Raises
    ------
    InputError
        If there are none, one cannot be read or is too large, or their sizes differ.
    """
    try:
        files = sorted(f for f in folder.iterdir() if f.is_file() and not f.name.startswith("."))
    except OSError as error:
        raise InputError(
            f"source {folder.name!r} cannot be opened; check who may read it"
        ) from error
    stills = [file for file in files if file.suffix.lower() in STILLS]
    if not stills:
        held = f"{len(files)} other file(s)" if files else "nothing"
        raise InputError(f"source {folder.name!r} holds {held}; put PNG pictures in it")
    named = ((file.name, _one(file, side)) for file in stills)
    values, names, notes = _stack(named, folder.name)
    if len(files) > len(stills):
        notes += (f"{len(files) - len(stills)} file(s) that are no pictures were passed over.",)
    return values, names, f"the folder {folder.name}", notes


def read_film(path: Path, side: int | None = None) -> Read:
    """Values (N, C, H, W), channels, source and notes of a film's frames.

    Raises
    ------
    InputError
        If it is none, has one frame only, is too large, or needs a package that is missing.
    """
    end = path.suffix.lower()
    frames = _video(path, side) if end in VIDEOS else _animation(path, side)
    values, names, notes = _stack(((f"frame {i}", f) for i, f in enumerate(frames)), path.name)
    if len(values) < 2:
        raise InputError(
            f"source {path.name!r} is one picture; give a film, or a folder that holds several"
        )
    return values, names, f"the frames of {path.name}", notes


def _animation(path: Path, side: int | None) -> Iterator[np.ndarray]:
    with _opened(path, ("GIF", "WEBP", "PNG")) as film:
        for frame in ImageSequence.Iterator(film):
            yield _array(frame, side)


def _one(path: Path, side: int | None) -> np.ndarray:
    with _opened(path, ("PNG", "JPEG")) as picture:
        return _array(picture, side)


@contextmanager
def _opened(path: Path, formats: tuple[str, ...]) -> Iterator[Image.Image]:
    """A picture file, open; whatever goes wrong in it becomes an `InputError` that names it."""
    name = f"source {path.name!r}"
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise InputError(f"{name} is over 20 MB; give a smaller one")
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=formats)
            if picture.width * picture.height > MOST_PIXELS:
                raise InputError(
                    f"{name} is {picture.width} by {picture.height} pixels; at most 16 million "
                    "are read: make it smaller"
                )
            yield picture
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(
            f"{name} unpacks to far more pixels than are read; give an ordinary one"
        ) from error
    except Exception as error:  # what a decoder raises on damaged bytes is not laid down
        known = " or ".join(formats)
        raise InputError(f"{name} is damaged, or no {known} picture; save it again") from error


def _array(picture: Image.Image, side: int | None) -> np.ndarray:
    """One picture as (C, H, W) in [0, 1]: grey, RGB, or RGBA where something is transparent."""
    if picture.mode.startswith("I") or picture.mode == "F":
        deep = np.asarray(picture, dtype=np.float64)
        return _smaller(deep[None] / 65535, side).clip(0, 1)
    if picture.mode in ("1", "L"):
        return _smaller(np.asarray(picture.convert("L"))[None] / 255, side)
    rgba = np.asarray(picture.convert("RGBA")).transpose(2, 0, 1) / 255
    return _smaller(rgba[:3] if rgba[3].min() == 1 else rgba, side)


def _smaller(image: np.ndarray, side: int | None) -> np.ndarray:
    """Means over squares, as few pixels wide as do; what is left over at the edges is cut off."""
    c, h, w = image.shape
    factor = -(-max(h, w) // side) if side else 1
    h, w = h // factor, w // factor
    if factor == 1 or not h or not w:
        return image
    cut = image[:, : h * factor, : w * factor]
    return cut.reshape(c, h, factor, w, factor).mean((2, 4))


def _stack(
    named: Iterable[tuple[str, np.ndarray]], source: str
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Images of one size in one array, with no more channels than they need."""
    images: list[np.ndarray] = []
    first, total = "", 0
    for name, image in named:
        if images and image.shape[1:] != images[0].shape[1:]:
            (h, w), (high, wide) = images[0].shape[1:], image.shape[1:]
            raise InputError(
                f"source {source!r} has pictures of different sizes: {first} is {w} by {h} pixels, "
                f"{name} {wide} by {high}; crop or scale them to one"
            )
        first = first or name
        total += image.size
        if total > MOST_VALUES:
            raise InputError(
                f"source {source!r} holds over 200 million values after {len(images)} pictures; "
                "give fewer, or smaller ones with side=128"
            )
        images.append(image)
    if not images:
        return np.empty((0, 1, 1, 1)), ("grey",), ()
    return _plain(np.stack(_alike(images)))


def _alike(images: list[np.ndarray]) -> list[np.ndarray]:
    """The same channels in each: greys repeated as RGB, and covers that hide nothing added."""
    most = max(len(image) for image in images)
    for i, image in enumerate(images):
        if len(image) == 1 < most:
            images[i] = image = image.repeat(3, axis=0)
        if len(image) == 3 < most:
            images[i] = np.concatenate([image, np.ones_like(image[:1])])
    return images


def _plain(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Without channels that repeat one another or have one value all over."""
    if values.shape[1] == 1:
        return values, ("grey",), ()
    red, green, blue = values[:, 0], values[:, 1], values[:, 2]
    if values.shape[1] == 3 and np.array_equal(red, green) and np.array_equal(green, blue):
        return values[:, :1], ("grey",), ("The pictures are grey: one channel was kept of three.",)
    kept = [c for c in range(values.shape[1]) if np.ptp(values[:, c]) > 0] or [0]
    gone = [COLOURS[c] for c in range(values.shape[1]) if c not in kept]
    notes = (f"The same all over, and left out: {', '.join(gone)}.",) if gone else ()
    return values[:, kept], tuple(COLOURS[c] for c in kept), notes


def _video(path: Path, side: int | None) -> Iterator[np.ndarray]:
    """Frames of a film that Pillow cannot read, where imageio and one of its readers can."""
    way = (
        "turn it into pictures (ffmpeg -i "
        f"{path.name} frames/%05d.png, or any film editor) and give that folder"
    )
    try:
        reader = importlib.import_module("imageio.v3")
    except ImportError as error:
        raise InputError(f"source {path.name!r} is a film that needs imageio; {way}") from error
    try:
        for frame in reader.imiter(path):
            yield _array(Image.fromarray(np.asarray(frame, dtype=np.uint8)), side)
    except InputError:
        raise
    except Exception as error:  # each of its readers has errors of its own
        raise InputError(
            f"source {path.name!r} cannot be read ({str(error)[:120]}); {way}"
        ) from error
