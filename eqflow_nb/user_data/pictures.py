"""Pictures and films: a reader's snapshots, as images in [0, 1], or a creature cut out of one."""

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence, UnidentifiedImageError

from eqflow_nb.inputs import InputError
from eqflow_nb.user_data.reading import PICTURES, VIDEOS

MOST_PIXELS = 16_000_000
MOST_VALUES = 200_000_000  # of all images together: 1.6 GB
COLOURS = ("red", "green", "blue", "alpha")
CHANNELS = r'ImageJ.*\bchannels=(\d+)|DimensionOrder="XYC.*SizeC="(\d+)"'  # interleaved pages
SIDE = 96  # of a creature, as `snapshots.icons` draws its own
ROOM = 0.98  # of the circle that an icon is seen in
FAINT, NEAR = 25, 20  # of 255: cover that is not seen, colours that count as the background's

Images = tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]


def read_pictures(path: Path, side: int | None = None) -> Images:
    """Values (N, C, H, W), channels and notes of a film's frames, or of a folder's pictures."""
    # Pages of a TIFF stack are frames; ImageJ and OME say in the first one how many channels
    # follow each other.
    files, notes = [path], dict[str, None]()
    if path.is_dir():
        files = sorted(f for f in path.glob("[!.]*") if f.suffix.lower() in PICTURES)
        others = sum(f.is_file() for f in path.glob("[!.]*")) - len(files)
        if not files:
            hint = "put PNG pictures or tables in it"
            raise InputError(f"source {path.name!r} holds no files; {hint}")
        if others:
            notes[f"{others} file(s) that are no pictures were passed over."] = None

    def frames() -> Iterator[tuple[str, np.ndarray]]:
        for file in files:
            for i, frame in enumerate(_frames(file, side, notes)):
                yield (f"{file.name}, frame {i}" if i else file.name), frame

    values, names, said = _stacked(frames(), path.name)
    return values, names, (*notes, *said)


def _frames(path: Path, side: int | None, notes: dict[str, None]) -> Iterator[np.ndarray]:
    name = f"source {path.name!r}"
    if path.suffix.lower() not in VIDEOS:
        with opened(path, name, ("GIF", "WEBP", "PNG", "TIFF", "BMP", "JPEG")) as film:
            tags = getattr(film, "tag_v2", {})
            channels = re.search(CHANNELS, str(tags.get(270)), re.DOTALL)
            pages, several = [], int(channels[1] or channels[2]) if channels else 1
            for frame in ImageSequence.Iterator(film):
                if frame.mode.startswith("RGB") and ";16" in str(getattr(frame, "tile", "")):
                    notes["Colours of 16 bits were cut to 8; save them as .npy to keep all."] = None
                pages.append(_array(frame, side, name))
                if len(pages) == several:
                    yield np.concatenate(pages)
                    pages = []
        return
    import imageio.v3

    try:
        for shown in imageio.v3.imiter(path):
            yield _array(Image.fromarray(np.asarray(shown, dtype=np.uint8)), side, name)
    except Exception as error:  # each of its readers has errors of its own
        why = " ".join(str(error).split())[:120]
        how = f"(ffmpeg -i {path.name} frames/%05d.png, or any film editor) and give that folder"
        raise InputError(f"{name} cannot be read ({why}); turn it into pictures {how}") from error


@contextmanager
def opened(source: Path | bytes, name: str, formats: tuple[str, ...]) -> Iterator[Image.Image]:
    """A picture, open; what goes wrong, also while it is read, is an `InputError` that names it."""
    try:
        file = source if isinstance(source, Path) else io.BytesIO(source)
        with Image.open(file, formats=formats) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                size = f"{picture.width} by {picture.height} pixels"
                raise InputError(f"{name} is {size}; at most 16 million are read: make it smaller")
            yield picture
    except InputError:
        raise
    except Exception as error:  # what a decoder raises on damaged bytes is not laid down
        known = f"{', '.join(formats[:-1])} or {formats[-1]} picture"
        why = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
        raise InputError(f"{name} is damaged, or no {known}{why}; save it again") from error


def _array(picture: Image.Image, side: int | None, name: str) -> np.ndarray:
    """One picture as (C, H, W): grey, RGB, or RGBA where something is transparent."""
    # In [0, 1], but for floating-point greys, which stay as they are.  With a longer side than
    # `side` it is made of means over squares; what is left over at the edges is cut off.
    if picture.mode == "F":
        image = np.asarray(picture, dtype=np.float64)[None]
    elif picture.mode.startswith("I"):
        image = np.asarray(picture, dtype=np.float64)[None] / 65535
        if image.min() < 0 or image.max() > 1:
            raise InputError(f"{name} has greys of 32 bits; save it with 8 or 16, or as .npy")
    elif picture.mode in ("1", "L"):
        image = np.asarray(picture.convert("L"))[None] / 255
    else:
        image = np.asarray(picture.convert("RGBA")).transpose(2, 0, 1) / 255
        image = image[:3] if image[3].min() == 1 else image
    c, h, w = image.shape
    factor = -(-max(h, w) // side) if side else 1
    h, w = h // factor, w // factor
    if factor == 1 or not h or not w:
        return image
    cut = image[:, : h * factor, : w * factor]
    return cut.reshape(c, h, factor, w, factor).mean((2, 4))


def _stacked(named: Iterable[tuple[str, np.ndarray]], source: str) -> Images:
    """Images of one size in one array, with no more channels than they need."""
    images: dict[str, np.ndarray] = {}
    total = 0
    for name, image in named:
        first, other = next(iter(images.items()), (name, image))
        if other.shape[1:] != image.shape[1:]:
            (h, w), (high, wide) = other.shape[1:], image.shape[1:]
            sizes = f"{first} is {w} by {h} pixels, {name} {wide} by {high}"
            raise InputError(f"source {source!r} has pictures of different sizes: {sizes}")
        total += image.size
        if total > MOST_VALUES:
            found = f"source {source!r} holds over 200 million values in {len(images)} pictures"
            raise InputError(f"{found}; give fewer, or smaller ones with side=128")
        images[name] = image
    most = max(map(len, images.values()))
    for name, image in images.items():
        images[name] = _widened(image, most)
    values = np.stack(list(images.values()))
    if most == 1:
        return values, ("grey",), ()
    colours = COLOURS if most in (3, 4) else tuple(f"channel {c}" for c in range(most))
    if most == 3 and (values == values[:, :1]).all():
        return values[:, :1], ("grey",), ("The pictures are grey: one channel was kept of three.",)
    kept = [c for c in range(most) if np.ptp(values[:, c]) > 0] or [0]
    gone = [colours[c] for c in range(most) if c not in kept]
    notes = (f"The same all over, and left out: {', '.join(gone)}.",) if gone else ()
    return values[:, kept], tuple(colours[c] for c in kept), notes


def _widened(image: np.ndarray, channels: int) -> np.ndarray:
    """An image of so many channels: greys repeated as RGB, an alpha that hides nothing added."""
    image = image.repeat(3, axis=0) if len(image) == 1 < channels else image
    return np.concatenate([image, np.ones((channels - len(image), *image.shape[1:]))])


def read_picture(source: bytes | np.ndarray, side: int = SIDE) -> np.ndarray:
    """A creature (4, side, side), RGBA in [0, 1], from a canvas or the bytes of a PNG or JPEG file.

    What is drawn is cut out and fitted into the circle of an icon, its proportions kept.  Where
    nothing is transparent the colour of the corner is taken for the background.  A canvas is an
    array (H, W, 4) of uint8.
    """
    if isinstance(source, np.ndarray):
        rgba = np.array(source)
    else:
        with opened(bytes(source), "picture", ("PNG", "JPEG")) as file:
            image = _widened(_array(file, None, "picture"), 4)
        rgba = np.round(255 * image).astype(np.uint8).transpose(1, 2, 0)
    nothing = "is transparent all over; draw something on it"
    if rgba[..., 3].min() > 250:
        away = np.abs(rgba[..., :3].astype(np.int16) - rgba[0, 0, :3]).max(-1)
        rgba[..., 3] = 255 * (away > NEAR)
        nothing = "has one colour all over; draw something on it, in another"
    down, right = np.nonzero(rgba[..., 3] > FAINT)
    if not len(down):
        raise InputError(f"picture of {rgba.shape[1]} by {rgba.shape[0]} pixels {nothing}")
    seen = rgba[down.min() : down.max() + 1, right.min() : right.max() + 1]
    # Far more pixels than are asked for only cost memory.
    drawing = Image.fromarray(seen).reduce(max(1, max(seen.shape) // (8 * side)))
    places = np.argwhere(np.asarray(drawing)[..., 3] > FAINT) + 0.5
    middle = np.array([drawing.height, drawing.width]) / 2
    radius = max(2.0, float(np.linalg.norm(places - middle, axis=1).max(initial=0))) / ROOM
    margin = int(np.ceil(radius)) + 1
    sheet = Image.new("RGBA", (drawing.width + 2 * margin, drawing.height + 2 * margin))
    sheet.paste(drawing, (margin, margin))
    y, x = middle + margin
    box = (x - radius, y - radius, x + radius, y + radius)
    # Pillow weights colours by what covers them, so no background bleeds into the edges.
    fitted = sheet.resize((side, side), Image.Resampling.LANCZOS, box=box)
    return np.asarray(fitted, dtype=np.float32).transpose(2, 0, 1) / 255
