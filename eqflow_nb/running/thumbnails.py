"""Pictures that executed notebooks hold, and those of them that the README shows.

A cell tagged ``thumbnail`` gives its chapter's small picture, docs/NN.png; without that tag the
chapter's last picture does.  One cell of the course, tagged ``hero``, gives docs/lorenz.png.  A
cell tagged ``readme-film`` gives its chapter's film, docs/NN.gif.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path

import nbformat

from eqflow_nb.inputs import replace_bytes
from eqflow_nb.running import catalogue as course

WIDTH = 320
HERO = "lorenz.png"
FILM = "readme-film"
LARGEST = 300_000  # bytes of a film
NARROWEST = 80  # pixels that still show something


def thumbnails(folder: Path, docs: Path) -> list[Path]:
    """Write the README's pictures from the outputs of the committed notebooks.

    Parameters
    ----------
    folder : Path
        Where NN_name.ipynb are.
    docs : Path
        Where NN.png, 320 pixels wide, NN.gif, under 300 kB, and lorenz.png, as it was drawn, go;
        made if missing.

    Returns
    -------
    list of Path
        What was written: nothing for a notebook without pictures.

    Raises
    ------
    CourseError
        If a notebook can't be read, a tagged cell holds no such picture, two cells are tagged
        ``hero`` or two of a notebook ``readme-film``, or a film can't be made small enough.
    """
    found: dict[str, bytes] = {}
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        notebook = course.load(path)
        heroes = _tagged(notebook, "hero", path.stem)
        if len(heroes) + (HERO in found) > 1:
            raise course.CourseError(f"{path.stem} has a second cell tagged 'hero'; keep one")
        if heroes:
            found[HERO] = heroes[0]
        chosen = _tagged(notebook, "thumbnail", path.stem) or pictures(notebook.cells)
        if chosen:
            found[f"{path.stem[:2]}.png"] = small(chosen[-1])
        films = _tagged(notebook, FILM, path.stem, "image/gif")
        if len(films) > 1:
            raise course.CourseError(f"{path.stem} has a second cell tagged {FILM!r}; keep one")
        if films:
            found[f"{path.stem[:2]}.gif"] = small_film(films[0], path.stem)
    if found:
        docs.mkdir(parents=True, exist_ok=True)
    for name, picture in found.items():
        replace_bytes(docs / name, picture)
    return [docs / name for name in found]


def pictures(cells: Iterable[nbformat.NotebookNode], mime: str = "image/png") -> list[bytes]:
    """The PNGs, or pictures of another kind, in the outputs of cells, in order."""
    outputs = (output for cell in cells for output in cell.get("outputs", []))
    encoded = (output.get("data", {}).get(mime) for output in outputs)
    return [base64.b64decode(text) for text in encoded if text]


def small(picture: bytes, width: int = WIDTH) -> bytes:
    """A picture as a PNG at most `width` pixels wide, in few colours."""
    from PIL import Image

    # With a palette there is nothing to average, and thin lines would break.
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    if image.width > width:
        height = max(1, round(image.height * width / image.width))
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    image = image.quantize(128, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    written = io.BytesIO()
    image.save(written, format="png", optimize=True)
    return written.getvalue()


def small_film(film: bytes, stem: str = "film", largest: int = LARGEST) -> bytes:
    """A GIF of at most `largest` bytes: as it is, or narrower, with all its frames.

    Raises
    ------
    CourseError
        If it would have to be narrower than 80 pixels; `stem` names the notebook.
    """
    from PIL import Image, ImageSequence

    if len(film) <= largest:
        return film
    with Image.open(io.BytesIO(film)) as moving:
        frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(moving)]
        times = [frame.info.get("duration", 100) for frame in ImageSequence.Iterator(moving)]
    width, height = frames[0].size
    narrow = 0.9 * width
    while narrow >= NARROWEST:
        size = (round(narrow), max(1, round(height * narrow / width)))
        less = [
            frame.resize(size, Image.Resampling.LANCZOS).quantize(32, dither=Image.Dither.NONE)
            for frame in frames
        ]
        written = io.BytesIO()
        more = {"save_all": True, "append_images": less[1:], "duration": times, "loop": 0}
        less[0].save(written, format="gif", **more)
        if written.tell() <= largest:
            return written.getvalue()
        narrow *= 0.9
    raise course.CourseError(
        f"{stem} has a film of {len(frames)} frames that can't be brought under "
        f"{largest / 1e3:g} kB; give it fewer"
    )


def _tagged(
    notebook: nbformat.NotebookNode, tag: str, stem: str, mime: str = "image/png"
) -> list[bytes]:
    """The last picture of each cell with a tag."""
    cells = [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
    drawn = [pictures([cell], mime) for cell in cells]
    if not all(drawn):
        kind = mime.partition("/")[2].upper()
        raise course.CourseError(f"{stem} has a cell tagged {tag!r} without a picture in {kind}")
    return [each[-1] for each in drawn]
