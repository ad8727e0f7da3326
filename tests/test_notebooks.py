"""The committed notebooks: executed, in step with their scripts, small, readable, still true."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path

import jupytext
import nbformat
import pytest
from conftest import HEAD

from eqflow_nb.running import catalogue as course
from eqflow_nb.running import execute, pages

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
CHAPTERS = course.chapters(NOTEBOOKS)
STUDIES = course.studies(NOTEBOOKS)
CHECKED = "# NBVAL_CHECK_OUTPUT"
LEAST_COMPARED = 2
LONGEST_CELL = 30

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
each_notebook = pytest.mark.parametrize(
    "chapter", [*CHAPTERS, *STUDIES], ids=lambda chapter: chapter.stem
)


# ---- what is wrong with a committed notebook, as a list of complaints ----


def out_of_step(script: Path, committed: Path) -> list[str]:
    def cells(path: Path) -> list[tuple]:
        read = jupytext.read(path).cells
        return [(cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in read]

    one, other = cells(script), cells(committed)
    pairs = enumerate(zip_longest(one, other))
    return [f"cell {n} differs" for n, (mine, yours) in pairs if mine != yours]


def not_executed(notebook: nbformat.NotebookNode) -> list[str]:
    complaints = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip():
            if cell.execution_count is None:
                complaints.append(f"cell {number} was not executed")
            if any(output.output_type == "error" for output in cell.outputs):
                complaints.append(f"cell {number} shows an error")
    return complaints


def too_long(notebook: nbformat.NotebookNode) -> list[str]:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    lines = [len(cell.source.splitlines()) for cell in code]
    return [f"a cell has {count} lines" for count in lines if count > LONGEST_CELL]


def without_alt_text(notebook: nbformat.NotebookNode) -> list[str]:
    complaints = []
    for number, cell in enumerate(notebook.cells):
        if re.search(r"!\[\s*\]\(", cell.source) and cell.cell_type == "markdown":
            complaints.append(f"cell {number}: a picture in the text has no description")
        for output in cell.get("outputs", []):
            about = output.get("metadata", {})
            for mime, content in output.get("data", {}).items():
                described = about.get("alt") or about.get(mime, {}).get("alt")
                if mime.startswith("image/") and not described:
                    complaints.append(f"cell {number}: a picture has no description")
                if mime == "text/html" and re.search(r"<img(?![^>]*\balt=\"[^\"])", content):
                    complaints.append(f"cell {number}: a picture in HTML has no description")
    return complaints


def compared_cells(notebook: nbformat.NotebookNode) -> int:
    """How many cells nbval really compares: marked, executed, with text to compare."""
    return sum(
        bool(CHECKED in cell.source and cell.execution_count and cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    )


# Before tests that run beside the chapters change it for a while; a core for each chapter.
CLEAN = os.environ | {"OMP_NUM_THREADS": "1"}


def nbval(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-cell-timeout=1200"]
    command += ["-p", "no:cacheprovider", "--rootdir", str(path.parent), str(path)]
    return subprocess.run(command, env=CLEAN, capture_output=True, text=True, timeout=3600)


# Chapters take minutes.  In a long session they run beside the other tests, the last one first;
# the tests of them come last of all and take what is left from the front.
_beside = ThreadPoolExecutor(1)
_begun: dict[Path, Future[subprocess.CompletedProcess[str]]] = {}


def begin(chapters: Sequence[course.Chapter]) -> None:
    """Start running chapters; called once the tests are collected."""
    for chapter in reversed(chapters):
        path = chapter.path.with_suffix(".ipynb")
        _begun[path] = _beside.submit(nbval, path)


def abandon() -> None:
    """Leave out those not begun, so that an interrupted session ends."""
    _beside.shutdown(wait=False, cancel_futures=True)


# ---- the notebooks there are ----


@each_notebook
def test_pairs_are_in_step(chapter):
    assert chapter.path.suffix == ".py", "every notebook has a py:percent script"
    assert out_of_step(chapter.path, chapter.path.with_suffix(".ipynb")) == [], (
        "run: make notebooks"
    )


@each_notebook
def test_committed_notebooks_are_executed_small_and_readable(chapter):
    path = chapter.path.with_suffix(".ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not_executed(notebook) == []
    assert too_long(notebook) + without_alt_text(notebook) + pages.machine_paths(notebook) == []
    assert path.stat().st_size < pages.LARGEST_MB * 1e6


@each_notebook
def test_notebooks_say_what_they_are(chapter):
    assert chapter.title != chapter.stem, "the first cell begins with a heading"
    assert chapter.question.endswith("?"), "and asks its question in a quoted line"
    assert chapter.minutes is not None
    assert chapter.peak_mb < 1000, "Binder gives little memory"
    known = course.parameters(course.load(chapter.path))
    assert {"seed", "device", "budget"} <= known.keys()


@each_chapter
def test_stored_values_still_come_out(chapter):
    path = chapter.path.with_suffix(".ipynb")
    assert compared_cells(nbformat.read(path, as_version=4)) >= LEAST_COMPARED
    beside = _begun.get(path)
    done = nbval(path) if beside is None or beside.cancel() else beside.result()
    assert done.returncode == 0, done.stdout[-50_000:]
    assert re.search(r"\d+ passed", done.stdout)


@pytest.mark.slow
@each_notebook
def test_notebooks_run_at_the_quick_budget(chapter, tmp_path):
    tasks = execute.plan([chapter], tmp_path, {"budget": "quick", "seed": "1"})
    ((_, record),) = execute.run(tasks)
    assert record["status"] == "finished", record["error"]


# ---- each complaint can be made ----


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A tiny pair, committed the way `make notebooks` does it."""
    folder = tmp_path_factory.mktemp("notebooks")
    (folder / "01_a.py").write_text(HEAD + f"{CHECKED}\nprint('twice:', 2 * gain)")
    tasks = execute.plan(course.chapters(folder), folder / "out", {})
    list(execute.run(tasks))
    pages.publish(tasks[0])
    return folder


@pytest.fixture
def pair(made, tmp_path):
    """A copy of the tiny pair, to spoil."""
    script, committed = (shutil.copy(made / f"01_a.{kind}", tmp_path) for kind in ("py", "ipynb"))
    return Path(script), Path(committed)


@pytest.mark.parametrize(
    ("old", "new"), [("twice: 3.0", "twice: 3.1"), ("2 * gain", "2 * gain / (seed - 0)")]
)
def test_nbval_fails_on_a_wrong_value_and_on_a_failing_cell(pair, old, new):
    _, committed = pair
    text = committed.read_text()
    assert text.count(old) == 1
    committed.write_text(text.replace(old, new))
    done = nbval(committed)
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout


def test_the_other_faults_are_seen(pair):
    notebook = nbformat.read(pair[1], as_version=4)
    assert not_executed(notebook) == [] == without_alt_text(notebook)
    assert compared_cells(notebook) == 1
    picture = nbformat.v4.new_output("display_data", {"image/png": "abcd"})
    error = nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])
    notebook.cells[1].outputs = [picture, error]
    notebook.cells[2].execution_count = None
    assert not_executed(notebook) == ["cell 1 shows an error", "cell 2 was not executed"]
    assert compared_cells(notebook) == 0
    assert len(without_alt_text(notebook)) == 1
    picture.metadata = {"image/png": {"alt": "two curves"}}
    assert without_alt_text(notebook) == []
    notebook.cells[0].source += "\n![](picture.png)"
    assert len(without_alt_text(notebook)) == 1
