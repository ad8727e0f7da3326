"""Executed notebooks as they are shown to others: committed files, HTML pages and their index."""

from __future__ import annotations

import base64
import copy
import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat

from eqflow_nb.inputs import replace_text
from eqflow_nb.running import catalogue as course
from eqflow_nb.running import runner, scorecard, thumbnails

LARGEST_MB = 1.5
WIDGET = "application/vnd.jupyter.widget-view+json"
PANEL_NOTE = "A live panel: open this notebook in JupyterLab to move its sliders."

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #ddd;
         vertical-align: top }
img { max-width: 12rem; display: block }
.scores { font-size: 14px }
.failed { color: #a00 }
"""


def still(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Make `notebook` fit for pages without a kernel, in place.

    Widgets give way to a note, and to what stands in for them as HTML, if they have such a thing.
    """
    notebook.metadata.pop("widgets", None)
    for output in _outputs(notebook):
        data = output.get("data", {})
        if WIDGET in data:
            kept = {"text/html": data["text/html"]} if "text/html" in data else {}
            output["data"] = {"text/plain": PANEL_NOTE} | kept
    return notebook


def publish(task: runner.Task) -> Path:
    """Put a finished run beside its source as the committed notebook.

    Raises
    ------
    CourseError
        If it is over 1.5 MB, or its outputs name places on this machine.
    """
    notebook = still(nbformat.read(task.result, as_version=4))
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02d}"  # random ids would change with every run
    record = notebook.metadata["eqflow"]
    kept = ("seconds", "peak_mb", "parameters", "versions")
    notebook.metadata["eqflow"] = {key: record[key] for key in kept}
    text = nbformat.writes(notebook) + "\n"
    if len(text.encode()) > LARGEST_MB * 1e6:
        raise course.CourseError(
            f"{task.stem} would be {len(text.encode()) / 1e6:.2f} MB; {LARGEST_MB} MB is the most: "
            "draw fewer or smaller pictures"
        )
    if places := machine_paths(notebook):
        raise course.CourseError(f"{task.stem} shows paths of this machine: {', '.join(places)}")
    target = task.source.with_suffix(".ipynb")
    replace_text(target, text)
    return target


def machine_paths(notebook: nbformat.NotebookNode) -> list[str]:
    """The places on this machine that a notebook's textual outputs name."""
    places = {str(Path.home()), str(runner.PACKAGE.parent), str(Path.cwd()), "/ipykernel_"}
    said = "\n".join(_texts(notebook))
    return sorted(place for place in places if len(place) > 3 and place in said)


def write_pages(out: Path, chapters: Sequence[course.Chapter]) -> Path:
    """Write an HTML page for each executed notebook in `out`, and an index; return the index."""
    cards = scorecard.gather(out)
    known = {chapter.stem: chapter for chapter in chapters}
    rows = []
    for path in sorted(out.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        page = path.with_suffix(".html")
        if not page.is_file() or page.stat().st_mtime < path.stat().st_mtime:
            replace_text(page, to_html(notebook, path.stem))
        chapter = known.get(path.stem)
        rows.append(_index_row(page.name, path.stem, chapter, notebook))
    index = out / "index.html"
    replace_text(index, _index(rows, cards))
    return index


def to_html(notebook: nbformat.NotebookNode, title: str) -> str:
    """One self-contained page; only the setting of formulas needs the network."""
    from nbconvert import HTMLExporter  # slow to load

    exporter = HTMLExporter(embed_images=True, require_js_url="data:,")
    resources = {"metadata": {"name": title}}
    page = _described(still(copy.deepcopy(notebook)))
    body, _ = exporter.from_notebook_node(page, resources=resources)
    body = re.sub(r'<a href="exercises/[^"]*">(.*?)</a>', r"\1", body)  # those need a kernel
    return re.sub(r'href="([\w-]+)\.ipynb"', r'href="\1.html"', body)  # pages link to pages


def _described(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Turn pictures with a description into HTML, in place: nbconvert drops the description."""
    for output in _outputs(notebook):
        data, about = output.get("data", {}), output.get("metadata", {})
        described = [mime for mime in data if "alt" in about.get(mime, {})]
        mime = next((mime for mime in described if mime.startswith("image/")), None)
        if mime and "text/html" not in data:
            data["text/html"] = _img(mime, data.pop(mime), about[mime])
    return notebook


def _img(mime: str, content: str, about: Mapping[str, Any]) -> str:
    """A picture as HTML; `content` is SVG, or anything else in base64."""
    if mime == "image/svg+xml":
        content = base64.b64encode(content.encode()).decode()
    source = f"data:{mime};base64,{''.join(content.split())}"
    sizes = {key: about[key] for key in ("width", "height") if key in about}
    attributes = {"alt": about["alt"], **sizes, "src": source}
    written = (f'{key}="{html.escape(str(item))}"' for key, item in attributes.items())
    return f"<img {' '.join(written)}>"


def _index_row(
    link: str, stem: str, chapter: course.Chapter | None, notebook: nbformat.NotebookNode
) -> str:
    record = notebook.metadata.get("eqflow", {})
    title = chapter.title if chapter else stem
    picture = _thumbnail(notebook)
    image = f'<img alt="First picture of {html.escape(title)}" src="{picture}">' if picture else ""
    status = record.get("status", "unknown")
    cells = [
        f'<a href="{html.escape(link)}">{image}{html.escape(title)}</a>',
        html.escape(chapter.question if chapter else ""),
        f'<span class="{status}">{status}</span> {html.escape(record.get("error", ""))}',
        f"{record['seconds']:.0f} s" if "seconds" in record else "",
        f"{record['peak_mb']:.0f} MB" if "peak_mb" in record else "",
    ]
    return _tr("td", cells)


def _index(rows: Sequence[str], cards: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    head = _tr("th", ["notebook", "question", "status", "time", "memory"])
    parts = [f"<table>{head}{''.join(rows)}</table>", "<h2>Scorecard</h2>"]
    for stem, card in cards.items():
        lines = [
            _tr("td", map(html.escape, scorecard.cells(name, row))) for name, row in card.items()
        ]
        if lines:
            table = _tr("th", scorecard.COLUMNS) + "".join(lines)
            parts.append(f'<h3>{html.escape(stem)}</h3><table class="scores">{table}</table>')
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Equilibrium flow</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>Equilibrium flow</h1>{''.join(parts)}</body></html>\n"
    )


def _tr(tag: str, cells: Any) -> str:
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>\n"


def _thumbnail(notebook: nbformat.NotebookNode) -> str:
    """The first picture a notebook drew, made small, as a data address; empty if it drew none."""
    drawn = thumbnails.pictures(notebook.cells)
    if not drawn:
        return ""
    return "data:image/png;base64," + base64.b64encode(thumbnails.small(drawn[0])).decode()


def _outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def _texts(notebook: nbformat.NotebookNode) -> list[str]:
    """All text in the outputs, without embedded pictures."""
    texts = []
    for output in _outputs(notebook):
        texts += [output.get("text", ""), *output.get("traceback", [])]
        data = output.get("data", {})
        texts += [str(item) for mime, item in data.items() if not mime.startswith("image/")]
    return [re.sub(r"base64,[A-Za-z0-9+/=\s\\]+", "", text) for text in texts]
