"""Pictures that executed notebooks hold, and those of them that the README shows.

A cell tagged ``thumbnail`` gives its chapter's small picture, docs/NN.png; without that tag the
chapter's last picture does.  One cell of the course, tagged ``hero``, gives docs/lorenz.png.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path

import nbformat

from eqflow_nb import course
from eqflow_nb.files import replace_bytes

WIDTH = 320
HERO = "lorenz.png"


def thumbnails(folder: Path, docs: Path) -> list[Path]:
    """Write the README's pictures from the outputs of the committed notebooks.

    Parameters
    ----------
    folder : Path
        Where NN_name.ipynb are.
    docs : Path
        Where NN.png, 320 pixels wide, and lorenz.png, as it was drawn, go; made if missing.

    Returns
    -------
    list of Path
        What was written: nothing for a notebook without pictures.

    Raises
    ------
    CourseError
        If a notebook can't be read, a tagged cell holds no PNG, or two cells are tagged ``hero``.
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
    if found:
        docs.mkdir(parents=True, exist_ok=True)
    for name, picture in found.items():
        replace_bytes(docs / name, picture)
    return [docs / name for name in found]


def pictures(cells: Iterable[nbformat.NotebookNode]) -> list[bytes]:
    """The PNGs in the outputs of cells, in order."""
    outputs = (output for cell in cells for output in cell.get("outputs", []))
    encoded = (output.get("data", {}).get("image/png") for output in outputs)
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


def _tagged(notebook: nbformat.NotebookNode, tag: str, stem: str) -> list[bytes]:
    """The last picture of each cell with a tag."""
    cells = [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
    drawn = [pictures([cell]) for cell in cells]
    if not all(drawn):
        raise course.CourseError(f"{stem} has a cell tagged {tag!r} without a picture in PNG")
    return [each[-1] for each in drawn]
