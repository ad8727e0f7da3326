"""The README: each figure in it is a row of a committed scorecard, and so is each missed target."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from eqflow_nb.running import catalogue, scorecard

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
TEXT = " ".join(README.split())
WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]

# What the README says, with the figures of these rows put in.
FIGURES = [
    ("00_start_here", "the cloud within {:.1f} floors of itself", "start.skew.preservation"),
    ("01_toys_2d", "residual {:.2f} to {:.2f} of the speed", "two_peaks.learned.residual",
     "two_moons.learned.residual"),
    ("01_toys_2d", "sampling {:.1f} times as fast", "sampler.speedup"),
    ("02_lorenz_chaos", "similarity {:.3f} ± {:.3f} |", "lorenz.learned.similarity_mean",
     "lorenz.learned.similarity_sd"),
    ("03_gray_scott_training_free", "similarity {:.2f} on waves", "waves.both.similarity_mean"),
    ("04_alife_flocking", "rank correlation {:.2f} to {:.2f} over",
     "dots.mobility_rank_correlation",
     "dot.mobility_rank_correlation"),
    ("05_equations_from_snapshots", "in a zoo of {:.0f} systems", "zoo.tried"),
]  # fmt: skip
# What it says, and the row that is at most this for it to be true.
AT_MOST = [
    ("03_gray_scott_training_free", "distribution kept within 1 floor",
     "waves.both.patch_distance_over_floor_300", 1),
    ("05_equations_from_snapshots", "snapshots in a second", "lorenz.identify_seconds", 1),
    ("05_equations_from_snapshots", "no wrong equations called determined",
     "zoo.wrong_but_confident", 0),
    ("lorenz_ensemble", "drawn anew they didn't", "hundred.strays", 0),
    ("lorenz_ensemble", "trained and scored, take some fifteen minutes", "hundred.minutes", 16),
]  # fmt: skip
PAPERS = [
    ("02_lorenz_chaos", "similarity {} |", "lorenz.learned.similarity_mean"),
    ("03_gray_scott_training_free", "similarity {} |", "waves.both.similarity_mean"),
]


@cache
def card(stem: str) -> scorecard.Card:
    folder = ROOT / "notebooks"
    path = folder / f"{stem}.ipynb"
    return scorecard.read(path if path.is_file() else folder / "studies" / path.name)


def short(text: str) -> str:
    """Numbers as the README writes them, .9 for 0.9."""
    return re.sub(r"\b0\.", ".", text)


@pytest.mark.parametrize(("stem", "text", "rows"), [(s, t, rows) for s, t, *rows in FIGURES])
def test_figures_are_rows(stem: str, text: str, rows: list[str]) -> None:
    assert short(text.format(*(card(stem)[row]["value"] for row in rows))) in TEXT


@pytest.mark.parametrize(("stem", "text", "row", "most"), AT_MOST)
def test_claims_are_true_of_rows(stem: str, text: str, row: str, most: float) -> None:
    assert text in TEXT
    assert card(stem)[row]["value"] <= most


@pytest.mark.parametrize(("stem", "text", "row"), PAPERS)
def test_the_papers_figures_are_rows(stem: str, text: str, row: str) -> None:
    assert short(text.format(card(stem)[row]["paper"])) in TEXT


def test_counts_and_times_are_right() -> None:
    astray = WORDS[int(card("lorenz_ensemble")["hundred.redrawn"]["value"])]
    assert f"Of a hundred such networks {astray} went astray" in TEXT
    minutes = sum(chapter.minutes or 0 for chapter in catalogue.chapters(ROOT / "notebooks"))
    (said,) = re.findall(r"the notebooks, about (\d+) minutes in all, run two at a time", TEXT)
    assert abs(minutes - int(said)) <= 1.5, f"it is {minutes:.1f} minutes by the committed runs"


def test_the_targets_that_are_missed_are_those_it_lists() -> None:
    table = README[README.index("| claim | row | target | measured |") :].partition("\n\n")[0]
    lines = [line.split("|")[2:5] for line in table.splitlines()[2:]]
    told = {row.strip().strip("`"): (aim.strip(), value.strip()) for row, aim, value in lines}
    chapters = [chapter.stem for chapter in catalogue.chapters(ROOT / "notebooks")]
    missed = {
        name: row
        for stem in chapters
        for name, row in card(stem).items()
        if row.get("met") is False
    }
    assert told.keys() == missed.keys()
    for name, row in missed.items():
        aim, value = told[name]
        places = len(value.partition(".")[2])
        assert value == short(f"{row['value']:.{places}f}"), name
        assert float(aim.split()[0]) == float(row["target"].split()[1]), name
