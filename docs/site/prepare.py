"""Gather the sources of the site in one folder, for Sphinx: python docs/site/prepare.py FOLDER.

The folder mirrors the repository, so that links between files keep their meaning.  Copies keep
their times, so that Sphinx reads again only what has changed.
"""

from __future__ import annotations

import pkgutil
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import eqflow_nb
from eqflow_nb.running import catalogue as course
from eqflow_nb.running import front, pages, scorecard

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STUDIES = "notebooks/studies/*.ipynb"
COPIED = (
    "README.md",
    "LICENSE",
    "docs/*.png",
    "docs/*.gif",
    "docs/*.md",
    "notebooks/*.md",
    "notebooks/*.ipynb",
    "notebooks/exercises/*.ipynb",
    STUDIES,
)
# Pages of the reference: the rooms in the order of the pipeline, then what all of them use.
ROOMS = (
    "snapshots",
    "user_data",
    "scores",
    "flows",
    "equations",
    "rollout",
    "measures",
    "figures",
    "report",
    "course",
    "panels",
    "running",
    "shared",
)


def prepare(target: Path, studies: bool = True) -> Path:
    """Fill `target`, which is emptied first; a site without studies is sooner built."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(HERE, target, ignore=shutil.ignore_patterns("*.py", "static", "__pycache__"))
    patterns = [pattern for pattern in COPIED if studies or pattern != STUDIES]
    for source in [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]:
        copy = target / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy)
        if copy.suffix == ".ipynb":  # the tag by which Sphinx leaves a cell out
            copy.write_text(copy.read_text().replace(f'"{pages.HIDDEN}"', '"remove-cell"'))
            shutil.copystat(source, copy)
    (target / "front.html").write_text(front_page())
    with (target / "pages" / "scorecards.md").open("a") as page:
        page.write(scorecards(target))
    for name, text in reference().items():
        (target / "api" / f"{name}.rst").write_text(text)
    return target


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def front_page() -> str:
    """The live drawing panel, and the chapters as cards, from the committed notebooks."""
    cards = []
    for one in course.chapters(ROOT / "notebooks"):
        path = one.path.with_suffix(".ipynb")
        notebook, rows = course.load(path), scorecard.read(path)
        note = pages.cost(notebook.metadata["eqflow"])
        cards.append(front.card(one, f"notebooks/{one.stem}.html", notebook, rows, note))
    return front.page(cards)


def scorecards(target: Path) -> str:
    """The scorecard of every notebook in `target` that carries one."""
    parts = []
    for path in sorted((target / "notebooks").rglob("*.ipynb")):
        card = scorecard.read(path)
        if card:
            rows = [scorecard.cells(name, row) for name, row in card.items()]
            table = markdown_table(scorecard.COLUMNS, map(_unbroken, rows))
            link = f"[Open the notebook](../{path.relative_to(target)})"
            parts.append(f"## {path.stem}\n\n{link}\n\n{table}")
    return "\n" + "\n".join(parts)


def _unbroken(cells: Sequence[str]) -> list[str]:
    """A row of a scorecard whose figures stay on their lines."""
    name, *figures = cells
    return [f"`{name}`", *(one.replace(", ", "<br>").replace(" ", "&nbsp;") for one in figures)]


def reference() -> dict[str, str]:
    """A page in reStructuredText for each room: its modules in a table, then each in full."""
    modules = [one.name for one in pkgutil.walk_packages(eqflow_nb.__path__, "eqflow_nb.")]
    pages = {}
    for number, room in enumerate(ROOMS, 1):
        title = f"{number}. {room.replace('_', ' ').capitalize()}"
        own = [name for name in modules if name.split(".")[1] == room]
        if room == "shared":  # the files beside the rooms; the scripts of data/ are no modules
            own = [f"eqflow_nb.{path.stem}" for path in sorted(ROOT.glob("eqflow_nb/[!_]*.py"))]
        table = ".. autosummary::\n\n" + "".join(f"   {name}\n" for name in own)
        full = [f"{name}\n{'-' * len(name)}\n\n.. automodule:: {name}\n" for name in own]
        pages[room] = "\n\n".join([f"{title}\n{'=' * len(title)}", table, *full])
    return pages


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
