"""What the README takes from the committed notebooks: python docs/make_pictures.py.

A cell tagged ``thumbnail`` gives its chapter's small picture, docs/NN.png: the ``part`` of it that
the cell's metadata name, as shares of its width and height.  The films of cells tagged ``hero`` are
docs/hero.gif, one after the other.  The figures in the README's tables are those of the scorecards.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageSequence

from eqflow_nb.running import front, scorecard

LARGEST = 1_500_000  # bytes of the film
PAPER = (251, 250, 247)


def make(notebooks: Path, docs: Path) -> list[Path]:
    """Write the pictures of the chapters in a folder; what was written."""
    made, films = {}, []
    for path in sorted(notebooks.glob("[0-9][0-9]_*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        tags = {tag for cell in notebook["cells"] for tag in cell["metadata"].get("tags", [])}
        for tag, kind in (("thumbnail", "image/png"), ("hero", "image/gif")):
            picture = front.Picture.found(notebook, kind, tag)
            if tag in tags and not picture:
                sys.exit(f"{path.stem} has a cell tagged {tag!r} without a {kind}")
            if picture and tag == "thumbnail":
                made[docs / f"{path.stem[:2]}.png"] = picture.small("png")
            elif picture:
                films.append(picture.content)
    if films:
        made[docs / "hero.gif"] = film = joined(films)
        if len(film) > LARGEST:
            sys.exit(f"the film would have {len(film):,} bytes, over {LARGEST:,}")
    for path, content in made.items():
        path.write_bytes(content)
    return list(made)


def joined(films: Sequence[bytes]) -> bytes:
    """GIFs one after the other as one, each in the middle of a page as large as the largest."""
    opened = [Image.open(io.BytesIO(film)) for film in films]
    size = (max(film.width for film in opened), max(film.height for film in opened))
    frames, lasting = [], []
    for film in opened:
        corner = (size[0] - film.width) // 2, (size[1] - film.height) // 2
        for frame in ImageSequence.Iterator(film):
            page = Image.new("RGB", size, PAPER)
            page.paste(frame.convert("RGB"), corner)
            frames.append(page.quantize(96, dither=Image.Dither.NONE))
            lasting.append(frame.info.get("duration", 120))
    written = io.BytesIO()
    rest = {"append_images": frames[1:], "duration": lasting, "loop": 0, "optimize": True}
    frames[0].save(written, "gif", save_all=True, **rest)
    return written.getvalue()


def filled(readme: str, notebooks: Path) -> str:
    """The README with the chapters' headlines and the missed rows' values as they are now."""
    rows = {}
    for path in sorted(notebooks.glob("[0-9][0-9]_*.ipynb")):
        rows |= (card := scorecard.read(path))
        cell = rf"(\| \[[^|]*\(notebooks/{path.stem}\.ipynb\) \|[^|]*\|)[^|]*\|"
        readme = re.sub(cell, rf"\1 {front.headline(path.stem, card)} |", readme)

    def value(found: re.Match[str]) -> str:
        before, row, target, old = found.groups()
        digits = len(old.strip().partition(".")[2])
        new = f"{rows[row]['value']:.{digits}f}" if row in rows else old.strip()
        return f"{before}`{row}` |{target}| {re.sub(r'^0[.]', '.', new)} |"

    return re.sub(r"(?m)^(\|[^|]*\| )`([\w.]+)` \|([^|]*)\|([^|]*)\|$", value, readme)


if __name__ == "__main__":
    root = Path(__file__).parents[1]
    for made in make(root / "notebooks", root / "docs"):
        print(f"wrote {made.relative_to(root)}")
    readme = root / "README.md"
    readme.write_text(filled(readme.read_text("utf-8"), root / "notebooks"), "utf-8")
