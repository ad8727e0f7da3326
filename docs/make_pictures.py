"""The README's pictures, from the outputs of the committed notebooks: python docs/make_pictures.py.

A cell tagged ``thumbnail`` gives its chapter's small picture, docs/NN.png.  One cell of the course,
tagged ``hero``, gives docs/lorenz.png.  A cell tagged ``readme-film`` gives its chapter's film,
docs/NN.gif.
"""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path

from PIL import Image

WIDTH = 320  # pixels of a small picture
LARGEST = 400_000  # bytes of a film


def make(notebooks: Path, docs: Path) -> list[Path]:
    """Write the pictures of the chapters in a folder; what was written."""
    written = []
    for path in sorted(notebooks.glob("[0-9][0-9]_*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for tag in cell["metadata"].get("tags", []):
                name, kind = {
                    "thumbnail": (f"{path.stem[:2]}.png", "image/png"),
                    "hero": ("lorenz.png", "image/png"),
                    "readme-film": (f"{path.stem[:2]}.gif", "image/gif"),
                }.get(tag, ("", ""))
                if name:
                    found = [o["data"][kind] for o in cell["outputs"] if kind in o.get("data", {})]
                    if not found:
                        sys.exit(f"{path.stem} has a cell tagged {tag!r} without a {kind}")
                    picture = base64.b64decode("".join(found[-1]))
                    picture = small(picture) if tag == "thumbnail" else picture
                    if len(picture) > LARGEST:
                        sys.exit(f"the {tag} of {path.stem} has over {LARGEST:,} bytes")
                    written.append(docs / name)
                    written[-1].write_bytes(picture)
    return written


def small(picture: bytes) -> bytes:
    """A picture as a PNG at most `WIDTH` pixels wide, in few colours."""
    # Colours of a palette can't be averaged, and thin lines would break.
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    if image.width > WIDTH:
        height = max(1, round(image.height * WIDTH / image.width))
        image = image.resize((WIDTH, height), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    image.quantize(128, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        written, format="png", optimize=True
    )
    return written.getvalue()


if __name__ == "__main__":
    root = Path(__file__).parents[1]
    for made in make(root / "notebooks", root / "docs"):
        print(f"wrote {made.relative_to(root)}")
