"""The front page: the live drawing panel, then the chapters, each with what moves in it."""

import base64
import html
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eqflow_nb.running.catalogue import Chapter

LEAD = "<b>Draw here:</b> particles run for good through what you draw, and yet your drawing stays."
# What each chapter found, and the rows of its scorecard whose figures are put in.
HEADLINES = json.loads(Path(__file__).with_name("headlines.json").read_text("utf-8"))
WIDTH = 360  # pixels of a small picture


@dataclass(frozen=True)
class Picture:
    """A picture of a notebook: what it is in bytes and in words, and which part of it to show."""

    content: bytes
    alt: str
    part: Sequence[float] = (0, 0, 1, 1)  # left, top, right and bottom, as shares

    @classmethod
    def found(cls, notebook: Any, kind: str, tag: str = "") -> "Picture | None":
        """The last picture of a kind in the first cell with one (and the tag, if any), or None."""
        for cell in notebook["cells"]:
            if not tag or tag in cell["metadata"].get("tags", []):
                for output in reversed(cell.get("outputs", [])):
                    if kind in output.get("data", {}):
                        content = base64.b64decode("".join(output["data"][kind]))
                        alt = output["metadata"].get(kind, {}).get("alt", "")
                        return cls(content, alt, cell["metadata"].get("part", cls.part))
        return None

    def small(self, kind: str = "webp", width: int = WIDTH) -> bytes:
        """The part to be shown, at most so wide: a moving WebP, or its first frame as a PNG."""
        from PIL import Image, ImageSequence

        film = Image.open(io.BytesIO(self.content))
        frames, lasting = [], []
        for frame in ImageSequence.Iterator(film) if kind == "webp" else [film]:
            (wide, high), (left, top, right, bottom) = frame.size, self.part
            box = (round(wide * left), round(high * top), round(wide * right), round(high * bottom))
            # Colours of a palette can't be averaged, and thin lines would break.
            part = frame.convert("RGB").crop(box)
            part.thumbnail((width, width), Image.Resampling.LANCZOS)
            frames.append(part)
            lasting.append(frame.info.get("duration", 120))
        every = 1 + len(frames) // 25  # a small film gets by with fewer pictures
        frames, lasting = frames[::every], [every * each for each in lasting[::every]]
        written = io.BytesIO()
        if kind == "webp":
            rest = {"append_images": frames[1:], "duration": lasting, "save_all": True, "loop": 0}
            frames[0].save(written, "webp", quality=50, method=4, **rest)
        else:
            few = frames[0].quantize(128, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
            few.save(written, kind, optimize=True)
        return written.getvalue()


def headline(stem: str, card: Mapping[str, Mapping[str, Any]]) -> str:
    """What a chapter found, in one line with figures; nothing if its scorecard lacks a row."""
    text, *rows = HEADLINES.get(stem, ("",))
    found = [card[row]["value"] for row in rows if row in card]
    whole = len(found) == len(rows) and None not in found
    return re.sub(r"\b0\.", ".", text.format(*found)) if whole else ""


def card(
    chapter: Chapter, link: str, notebook: Any, rows: Mapping[str, Any], note: str = ""
) -> str:
    """A chapter as a card: what moves in it, its title, its question, its headline and a note."""
    wanted = (("image/gif", "readme-film"), ("image/png", "thumbnail"), ("image/png",))
    shown = next(filter(None, (Picture.found(notebook, *each) for each in wanted)), None)
    picture = ""
    if shown:
        source = base64.b64encode(shown.small()).decode()
        alt = html.escape(shown.alt)
        picture = f'<img alt="{alt}" src="data:image/webp;base64,{source}">'
    lines = {"title": f"{chapter.stem[:2]} {chapter.title}", "question": chapter.question}
    lines |= {"headline": headline(chapter.stem, rows), "cost": note}
    words = "".join(
        f'<span class="{kind}">{html.escape(line)}</span>' for kind, line in lines.items() if line
    )
    tag, where = ("a", f' href="{html.escape(link)}"') if link else ("div", "")
    return f'<{tag} class="eqflow-card"{where}>{picture}{words}</{tag}>'


def page(cards: Sequence[str]) -> str:
    """The first screen, which is the live drawing panel, and below it the chapters."""
    from eqflow_nb import panels

    live = panels.draw_panel().html()
    rows = "\n".join(cards)
    return f'<p class="eqflow-lead">{LEAD}</p>\n{live}\n<div class="eqflow-cards">\n{rows}\n</div>'
