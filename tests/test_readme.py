"""The README: each figure in it is a row of a committed scorecard, and so is each missed target."""

import re
from functools import cache
from pathlib import Path

import pytest

from eqflow_nb.running import catalogue, front, scorecard

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
TEXT = " ".join((README + (ROOT / "docs/running.md").read_text()).split())
CHAPTERS = catalogue.chapters(ROOT / "notebooks")
WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]

# What the README says beside its table, with the figures of these rows put in.
FIGURES = [
    ("02_lorenz_chaos", "A similarity of {:.3f} is not the truth",
     "lorenz.learned.similarity_mean"),
    ("02_lorenz_chaos", "exponent is {:.3f}, where that of the true motion, blurred as the data "
     "are, is {:.3f}", "lorenz.learned.lyapunov_mean", "lorenz.blurred_truth.lyapunov_mean"),
    ("03_gray_scott_training_free", "the distance grows to {:.1f} floors",
     "waves.nearest_alone.patch_distance_over_floor_t150"),
    ("paper_lorenz", "for a third of its steps, gives {:.3f} ±",
     "paper_lorenz.paper.similarity_mean"),
    ("paper_lorenz", "for all axes it is {:.3f}, at twice the noise {:.3f}",
     "paper_lorenz.normalised_as_a_whole.similarity_mean",
     "paper_lorenz.time_2.similarity_mean"),
    ("paper_gray_scott", "is at {:.3f} after 6,000 steps",
     "paper_gray_scott.waves.similarity_at_6000"),
]  # fmt: skip
# What it says, and the row that is at most this for it to be true.
AT_MOST = [
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


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\.?\d[\d.]*", text)]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_the_table_has_each_chapter_with_its_headline(chapter):
    stem, said = chapter.stem, front.headline(chapter.stem, card(chapter.stem))
    (line,) = [line for line in README.splitlines() if f"(notebooks/{stem}.ipynb) |" in line]
    picture, _, question, headline, _ = [cell.strip() for cell in line.split("|")[1:-1]]
    assert f"(docs/{stem[:2]}.png)" in picture
    assert question == chapter.question
    assert said and headline == said


@pytest.mark.parametrize(("stem", "text", "rows"), [(s, t, rows) for s, t, *rows in FIGURES])
def test_figures_are_rows(stem, text, rows):
    assert short(text.format(*(card(stem)[row]["value"] for row in rows))) in TEXT


@pytest.mark.parametrize(("stem", "text", "row", "most"), AT_MOST)
def test_claims_are_true_of_rows(stem, text, row, most):
    assert text in TEXT
    assert card(stem)[row]["value"] <= most


@pytest.mark.parametrize(("stem", "text", "row"), PAPERS)
def test_the_papers_figures_are_rows(stem, text, row):
    assert short(text.format(card(stem)[row]["paper"])) in TEXT


def test_counts_and_times_are_right():
    astray = WORDS[int(card("lorenz_ensemble")["hundred.redrawn"]["value"])]
    assert f"Of a hundred such networks {astray} went astray" in TEXT
    minutes = sum(chapter.minutes or 0 for chapter in CHAPTERS)
    (said,) = re.findall(r"notebooks follow, about (\d+) minutes in all, run two at a time", TEXT)
    assert abs(minutes - int(said)) <= 1.5, f"it is {minutes:.1f} minutes by the committed runs"


def test_the_targets_that_are_missed_are_those_it_lists():
    table = README[README.index("| claim | row | target | measured |") :].partition("\n\n")[0]
    lines = [line.split("|")[2:5] for line in table.splitlines()[2:]]
    told = {row.strip().strip("`"): (aim.strip(), value.strip()) for row, aim, value in lines}
    missed = {
        name: row
        for chapter in CHAPTERS
        for name, row in card(chapter.stem).items()
        if row.get("met") is False
    }
    assert told.keys() == missed.keys()
    for name, row in missed.items():
        aim, value = told[name]
        places = len(value.partition(".")[2])
        assert value == short(f"{row['value']:.{places}f}"), name
        assert numbers(aim) == numbers(row["target"]), name
