"""What is written about the course says what its committed runs show."""

import re
from pathlib import Path

import pytest

from eqflow_nb.running import catalogue

ROOT = Path(__file__).parents[1]
README, GUIDE = ((ROOT / name).read_text() for name in ("README.md", "notebooks/README.md"))
CHAPTERS = catalogue.chapters(ROOT / "notebooks")


def test_the_readme_lists_the_rooms_there_are():
    told = re.findall(r"^\| `(\w+)/` \|", README, re.MULTILINE)
    folders = {path.parent.name for path in (ROOT / "eqflow_nb").glob("*/__init__.py")}
    assert sorted(told) == sorted(folders)


def test_the_map_of_chapter_00_is_the_course():
    cells = catalogue.load(CHAPTERS[0].path.with_suffix(".ipynb")).cells
    (map_,) = (cell for cell in cells if "course.chapters()" in cell.source)
    lines = map_.outputs[0].data["text/markdown"].splitlines()[2:]
    assert [line.split()[1] for line in lines] == [chapter.stem[:2] for chapter in CHAPTERS]
    for line, chapter in zip(lines, CHAPTERS):
        *_, question, minutes, _ = (part.strip() for part in line.split("|"))
        if chapter is not CHAPTERS[0]:  # which can't know how long it takes before it ends
            assert float(minutes) == pytest.approx(chapter.minutes, rel=0.3, abs=0.1)
        assert question == chapter.question


def test_times_and_memory_are_those_of_the_committed_runs():
    row = r"\| \[\d\d\]\((\w+)\.ipynb\)[^|]*\| ([\d.]+) min \| (\d+) MB \| (\d+) min \|"
    table = {stem: map(float, figures) for stem, *figures in re.findall(row, GUIDE)}
    assert list(table) == [chapter.stem for chapter in CHAPTERS]
    for chapter in CHAPTERS:
        minutes, memory, reading = table[chapter.stem]
        assert minutes == pytest.approx(chapter.minutes, rel=0.3, abs=0.1)
        assert memory == pytest.approx(chapter.peak_mb, rel=0.15)
        assert re.search(rf"\b{reading:.0f} (minutes )?to read", chapter.path.read_text())


def test_the_guide_names_panels_that_there_are():
    source = "".join(chapter.path.read_text() for chapter in CHAPTERS)
    assert set(re.findall(r"`(\w+_panel)`", GUIDE)) == set(re.findall(r"\b(\w+_panel)\(", source))
