"""Executed notebooks as they are shown to others: committed files, HTML pages and their index."""

import copy
import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat

from eqflow_nb.inputs import InputError, replace_text
from eqflow_nb.running import catalogue as course
from eqflow_nb.running import execute, front, scorecard
from eqflow_nb.running.formulas import mathml

LARGEST_MB = 1.5
BAR = re.compile(r"(it/s|s/it)\]")  # what a bar of progress ends with, fast or slow
WIDGET = "application/vnd.jupyter.widget-view+json"
PANEL_NOTE = "A live panel: open this notebook in JupyterLab to move its sliders."
HIDDEN = "hidden-test"  # the tag of cells that are there for the tests
FRAME = ("page.html", "page.css", "common.css")
KEPT = ("seconds", "peak_mb", "parameters", "versions")
_NOTHING = nbformat.v4.new_notebook()
ENGINE = re.compile(r"<script>\s*window\.eqflow \?\?=.*?</script>\s*", re.DOTALL)


def without_kernel(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Put a note, and any HTML that stands in for them, in place of a notebook's widgets."""
    # The live panels' engine stays with the last of them only: when it runs, all are there.
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if "outputs" in cell:  # without bars of progress, which are over
            cell.outputs = [one for one in cell.outputs if not BAR.search(str(one.get("data")))]
    shown = [output["data"] for output in _outputs(notebook) if "data" in output]
    for data in shown:
        if data.pop(WIDGET, None):
            data["text/plain"] = PANEL_NOTE
    for data in [data for data in shown if ENGINE.search(data.get("text/html", ""))][:-1]:
        data["text/html"] = ENGINE.sub("", data["text/html"])
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


def write_pages(out: Path, chapters: Sequence[course.Chapter], due: Sequence[str] = ()) -> Path:
    """Write an HTML page for each executed notebook in `out`, and a front page; return that."""
    # Chapters that are `due` stand on it too, as they are committed; those in `chapters` have
    # titles.
    known = {chapter.stem: chapter for chapter in chapters}
    results = {path.stem: path for path in sorted(out.glob("*.ipynb"))}
    rows, cards = scorecard.gather(out), []
    for stem in sorted({*results, *due}):
        chapter = known.get(stem) or course.Chapter(stem, results[stem], stem, "")
        path, link = results.get(stem, chapter.path.with_suffix(".ipynb")), ""
        notebook = nbformat.read(path, as_version=4) if path.is_file() else _NOTHING
        if stem in results:
            link = (page := path.with_suffix(".html")).name
            if not page.is_file() or page.stat().st_mtime < path.stat().st_mtime:
                replace_text(page, to_html(notebook, stem))
        note = cost(notebook.metadata.get("eqflow", {})) if link else "being run"
        cards.append(front.card(chapter, link, notebook, rows.get(stem, {}), note))
    parts = ["<h1>Equilibrium flow: motion from snapshots</h1>", front.page(cards)]
    for stem, card in rows.items():
        name = f"Scorecard of {html.escape(stem)}"
        shown = scorecard.coloured(card)
        parts.append(f'<details class="scores"><summary>{name}</summary>{shown}</details>')
    replace_text(index := out / "index.html", _page("Equilibrium flow", "\n".join(parts), "front"))
    return index


def cost(record: Mapping[str, Any]) -> str:
    """What a notebook's run took, as it recorded, and its error if it failed."""
    said = [record["status"]] if record.get("status", "finished") != "finished" else []
    said += [f"{record['seconds']:.0f} s"] if "seconds" in record else []
    said += [f"{record['peak_mb']:.0f} MB"] if "peak_mb" in record else []
    return ": ".join(filter(None, [", ".join(said), record.get("error", "")]))


def to_html(notebook: nbformat.NotebookNode, title: str) -> str:
    """One self-contained page, with nothing in it from elsewhere."""
    from nbconvert import HTMLExporter  # slow to load
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def block_math(self, body: str) -> str:
            return mathml(body, display=True)

        def inline_math(self, body: str) -> str:
            return mathml(body)

    class Exporter(HTMLExporter):
        def markdown2html(self, source: str) -> str:
            renderer = Renderer(escape=False, exclude_anchor_links=True)
            return MarkdownWithMath(renderer=renderer).render(source)

    page = without_kernel(copy.deepcopy(notebook))
    page.cells = [cell for cell in page.cells if HIDDEN not in cell.metadata.get("tags", ())]
    for output in _outputs(page):
        data, about = output.get("data", {}), output.get("metadata", {})
        for mime in [mime for mime in data if mime.startswith("image/")]:
            # nbconvert would drop the description.
            if "alt" in about.get(mime, {}) and "text/html" not in data:
                shown = {key: about[mime].get(key) for key in ("alt", "width", "height")}
                said = [f'{k}="{html.escape(str(x))}"' for k, x in shown.items() if x is not None]
                said += [f'style="--width: {shown["width"]}px"'] if shown["width"] else []
                source = f"data:{mime};base64,{''.join(data.pop(mime).split())}"
                data["text/html"] = f'<img {" ".join(said)} src="{source}">'
    body, _ = Exporter(template_name="basic").from_notebook_node(page)
    body = re.sub(r'<a href="exercises/[^"]*">(.*?)</a>', r"\1", body)  # those need a kernel
    body = re.sub(r'href="([\w-]+)\.ipynb"', r'href="\1.html"', body)  # pages link to pages
    return _page(title, body)


def _page(title: str, body: str, kind: str = "chapter") -> str:
    frame, *css = (Path(__file__).with_name(name).read_text("utf-8") for name in FRAME)
    return frame.format(title=html.escape(title), css="".join(css), body=body, kind=kind)


def _outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]
