"""Executed notebooks as they are shown to others: committed files, HTML pages and their index."""

from __future__ import annotations

import base64
import copy
import html
import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pandas as pd

from eqflow_nb.inputs import InputError, replace_text
from eqflow_nb.running import catalogue as course
from eqflow_nb.running import execute, scorecard

LARGEST_MB = 1.5
WIDGET = "application/vnd.jupyter.widget-view+json"
PANEL_NOTE = "A live panel: open this notebook in JupyterLab to move its sliders."
HIDDEN = "hidden-test"  # the tag of cells that are there for the tests
KEPT = ("seconds", "peak_mb", "parameters", "versions")
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Equilibrium flow</title><style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; color: #222 }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; vertical-align: top }
img { max-width: 12rem; display: block } .scores { font-size: 14px } .failed { color: #a00 }
</style></head>
"""


def without_kernel(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Put a note, and any HTML that stands in for them, in place of a notebook's widgets."""
    notebook.metadata.pop("widgets", None)
    for output in _outputs(notebook):
        data = output.get("data", {})
        if WIDGET in data:
            kept = {"text/html": data["text/html"]} if "text/html" in data else {}
            output["data"] = {"text/plain": PANEL_NOTE} | kept
    return notebook


def publish(task: execute.Task) -> Path:
    """Put a finished run beside its source as the committed notebook."""
    notebook = without_kernel(nbformat.read(task.result, as_version=4))
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02d}"  # random ids would change with every run
    record = notebook.metadata["eqflow"]
    notebook.metadata["eqflow"] = {key: record[key] for key in KEPT}
    text = nbformat.writes(notebook) + "\n"
    if (size := len(text.encode()) / 1e6) > LARGEST_MB:
        most = f"{LARGEST_MB} MB is the most: draw fewer or smaller pictures"
        raise InputError(f"{task.stem} would be {size:.2f} MB; {most}")
    if places := machine_paths(notebook):
        raise InputError(f"{task.stem} shows paths of this machine: {', '.join(places)}")
    replace_text(target := task.source.with_suffix(".ipynb"), text)
    return target


def machine_paths(notebook: nbformat.NotebookNode) -> list[str]:
    """The places on this machine that a notebook's outputs name, but for embedded pictures."""
    places = {str(Path.home()), str(execute.PACKAGE.parent), str(Path.cwd()), "/ipykernel_"}
    said = re.sub(r"([A-Za-z0-9+/=]|\\n){200,}", "", json.dumps(_outputs(notebook)))
    return sorted(place for place in places if len(place) > 3 and place in said)


def write_pages(out: Path, chapters: Sequence[course.Chapter]) -> Path:
    """Write an HTML page for each executed notebook in `out`, and an index; return the index."""
    known = {chapter.stem: chapter for chapter in chapters}
    lines = []
    for path in sorted(out.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        page = path.with_suffix(".html")
        if not page.is_file() or page.stat().st_mtime < path.stat().st_mtime:
            replace_text(page, to_html(notebook, path.stem))
        chapter, record = known.get(path.stem), notebook.metadata.get("eqflow", {})
        title = chapter.title if chapter else path.stem
        drawn = [o.get("data", {}).get("image/png") for o in _outputs(notebook)]
        first = next(filter(None, drawn), "")
        picture = first and _img("image/png", first, {"alt": f"First picture of {title}"})
        status, error = record.get("status", "unknown"), html.escape(record.get("error", ""))
        lines.append(
            {
                "notebook": f'<a href="{html.escape(page.name)}">{picture}{html.escape(title)}</a>',
                "question": html.escape(chapter.question if chapter else ""),
                "status": f'<span class="{status}">{status}</span> {error}',
                "time": f"{record['seconds']:.0f} s" if "seconds" in record else "",
                "memory": f"{record['peak_mb']:.0f} MB" if "peak_mb" in record else "",
            }
        )
    parts = ["<body><h1>Equilibrium flow</h1>", _table(pd.DataFrame(lines), escape=False)]
    parts.append("<h2>Scorecard</h2>")
    for stem, card in scorecard.gather(out).items():
        rows = pd.DataFrame(itertools.starmap(scorecard.cells, card.items()))
        if card:
            shown = _table(rows.set_axis(scorecard.COLUMNS, axis=1), classes="scores")
            parts.append(f"<h3>{html.escape(stem)}</h3>{shown}")
    replace_text(index := out / "index.html", _PAGE + "".join(parts) + "</body></html>\n")
    return index


def to_html(notebook: nbformat.NotebookNode, title: str) -> str:
    """One self-contained page; only the setting of formulas needs the network."""
    from nbconvert import HTMLExporter  # slow to load

    page = without_kernel(copy.deepcopy(notebook))
    page.cells = [cell for cell in page.cells if HIDDEN not in cell.metadata.get("tags", ())]
    for output in _outputs(page):
        data, about = output.get("data", {}), output.get("metadata", {})
        for mime in [mime for mime in data if mime.startswith("image/")]:
            # nbconvert would drop the description.
            if "alt" in about.get(mime, {}) and "text/html" not in data:
                data["text/html"] = _img(mime, data.pop(mime), about[mime])
    exporter = HTMLExporter(embed_images=True, require_js_url="data:,")
    body, _ = exporter.from_notebook_node(page, resources={"metadata": {"name": title}})
    body = re.sub(r'<a href="exercises/[^"]*">(.*?)</a>', r"\1", body)  # those need a kernel
    return re.sub(r'href="([\w-]+)\.ipynb"', r'href="\1.html"', body)  # pages link to pages


def _img(mime: str, content: str, about: dict) -> str:
    """A picture as HTML; `content` is SVG, or anything else in base64."""
    if mime == "image/svg+xml":
        content = base64.b64encode(content.encode()).decode()
    source = f"data:{mime};base64,{''.join(content.split())}"
    attributes = {key: about[key] for key in ("alt", "width", "height") if key in about}
    written = [f'{key}="{html.escape(str(item))}"' for key, item in attributes.items()]
    return f'<img {" ".join(written)} src="{source}">'


def _table(frame: pd.DataFrame, **how: object) -> str:
    with pd.option_context("display.max_colwidth", None):  # or long texts would be cut
        return frame.to_html(index=False, border=0, **how)


def _outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]
