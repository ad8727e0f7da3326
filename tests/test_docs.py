"""What is written about the course says what its committed runs show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eqflow_nb.running import catalogue, scorecard

ROOT = Path(__file__).parents[1]
README, GUIDE = ((ROOT / name).read_text() for name in ("README.md", "notebooks/README.md"))
CHAPTERS = catalogue.chapters(ROOT / "notebooks")
CARDS = [scorecard.read(chapter.path.with_suffix(".ipynb")) for chapter in CHAPTERS]
ROWS = {name: row for card in CARDS for name, row in card.items()}
ICONS = ("firefly", "taiji", "dot", "dots")
TOYS = ("two_peaks", "ring", "two_moons")

# What the README's table of chapters says, made from rows of the scorecards.
FIGURES = [
    ("within {} floor of itself", ["start.skew.preservation"], lambda x: f"{x:.0f}"),
    (
        "residual {} to {} of the speed",
        [f"{n}.learned.residual" for n in TOYS],
        lambda x: f"{x:.2f}",
    ),
    ("sampling {} times as fast", ["sampler.speedup"], lambda x: f"{x:.1f}"),
    ("similarity {} ±", ["lorenz.learned.similarity_mean"], lambda x: f"{x:.3f}"),
    ("± {} |", ["lorenz.learned.similarity_sd"], lambda x: f"{x:.3f}"),
    ("similarity {} on waves", ["waves.nearest.similarity_mean"], lambda x: f"{x:.2f}"),
    ("kept within {} floor", ["waves.both.patch_distance_over_floor_300"], lambda x: f"{x:.0f}"),
    (
        "correlation {} to {} over",
        [f"{n}.mobility_rank_correlation" for n in ICONS],
        lambda x: f"{x:.2f}",
    ),
    ("in a zoo of {} systems", ["zoo.tried"], lambda x: f"{x:.0f}"),
]


@pytest.mark.parametrize(("words", "names", "written"), FIGURES, ids=lambda each: str(each)[:20])
def test_figures_of_the_readme_are_rows(words: str, names: list[str], written) -> None:
    values = [ROWS[name]["value"] for name in names]
    said = [written(value).removeprefix("0") for value in (min(values), max(values))]
    assert words.format(*said) in README


def test_the_claims_that_the_readme_makes_of_equations_are_met() -> None:
    assert ROWS["zoo.wrong_but_confident"]["value"] == 0
    assert ROWS["lorenz.identify_seconds"]["value"] < 1
    assert all(ROWS[f"{name}.count_kept"]["value"] >= 0.9 for name in ICONS)


def test_the_readme_tells_every_claim_that_misses_its_target() -> None:
    told = dict(re.findall(r"\| `([\w.]+)` \|[^|]*\| ([\d.]+) \|", README))
    missed = {name: row["value"] for name, row in ROWS.items() if row.get("met") is False}
    assert set(told) == set(missed)
    for name, value in missed.items():
        digits = len(told[name].partition(".")[2])
        assert f"{value:.{digits}f}".removeprefix("0") == told[name].removeprefix("0"), name


def test_the_readme_lists_the_rooms_there_are() -> None:
    told = re.findall(r"^\| `(\w+)/` \|", README, re.MULTILINE)
    folders = {path.parent.name for path in (ROOT / "eqflow_nb").glob("*/__init__.py")}
    assert sorted(told) == sorted(folders)


def test_the_map_of_chapter_00_is_the_course() -> None:
    cells = catalogue.load(CHAPTERS[0].path.with_suffix(".ipynb")).cells
    (map_,) = (cell for cell in cells if "course.chapters()" in cell.source)
    lines = map_.outputs[0].text.splitlines()
    assert [line.split()[0] for line in lines] == [chapter.stem for chapter in CHAPTERS]
    for line, chapter in zip(lines, CHAPTERS):
        minutes = float(re.search(r"([\d.]+) min", line)[1])
        assert minutes == pytest.approx(chapter.minutes, rel=0.3, abs=0.1)
        assert line.endswith(chapter.question)


def test_times_and_memory_are_those_of_the_committed_runs() -> None:
    row = r"\| \[\d\d\]\((\w+)\.ipynb\)[^|]*\| ([\d.]+) min \| (\d+) MB \| (\d+) min \|"
    table = {stem: map(float, figures) for stem, *figures in re.findall(row, GUIDE)}
    assert list(table) == [chapter.stem for chapter in CHAPTERS]
    for chapter in CHAPTERS:
        minutes, memory, reading = table[chapter.stem]
        assert minutes == pytest.approx(chapter.minutes, rel=0.3, abs=0.1)
        assert memory == pytest.approx(chapter.peak_mb, rel=0.15)
        assert re.search(rf"\b{reading:.0f} (minutes )?to read", chapter.path.read_text())
    (total,) = re.findall(r"notebooks take about\s+(\d+)\s+minutes more", README)
    assert float(total) == pytest.approx(sum(one.minutes for one in CHAPTERS), rel=0.2)


def test_the_guide_names_panels_that_there_are() -> None:
    source = "".join(chapter.path.read_text() for chapter in CHAPTERS)
    assert set(re.findall(r"`(\w+_panel)`", GUIDE)) == set(re.findall(r"\b(\w+_panel)\(", source))
