"""What a sweep runs, read from text, and how its table is summarised."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eqflow_nb.running import catalogue as course
from eqflow_nb.running import scorecard, sweep_sets, sweep_table
from eqflow_nb.running.catalogue import CourseError

Shelf = Callable[..., Path]
DEFAULTS = {"seed": 0, "gain": 1.5, "budget": "laptop", "device": "auto", "free": None, "on": True}


def read(name: str, text: str) -> list:
    return sweep_sets.values(name, text, DEFAULTS, "tiny")


@given(st.integers(-99, 99), st.integers(-99, 99), st.integers(-9, 9).filter(bool))
def test_ranges_of_whole_numbers_are_pythons(start: int, stop: int, step: int) -> None:
    expected = list(range(start, stop, step))
    if expected:
        assert read("seed", f"{start}:{stop}:{step}") == expected
    else:
        with pytest.raises(CourseError, match="is empty"):
            read("seed", f"{start}:{stop}:{step}")


@given(st.integers(-500, 500), st.integers(1, 400), st.integers(0, 4), st.integers(0, 99))
def test_ranges_of_decimals_gather_no_rounding(
    first: int, count: int, places: int, start_more: int
) -> None:
    scale, step = 10**places, start_more + 1
    texts = [f"{n / scale:.{places}f}" for n in (first, first + count * step, step)]
    found = read("gain", ":".join(texts))
    assert found == [float(Fraction(first + k * step, scale)) for k in range(count)]
    assert texts[1] not in map(str, found), "half-open"


@given(st.lists(st.integers(-999, 999), min_size=1, max_size=20, unique=True))
def test_lists_and_ranges_mix(numbers: list[int]) -> None:
    assert read("seed", ", ".join(map(str, numbers))) == numbers
    assert read("seed", ",".join(f"{n}:{n + 1}" for n in numbers)) == numbers


def test_values_are_of_the_notebooks_types() -> None:
    assert read("gain", "0:1:.25") == [0.0, 0.25, 0.5, 0.75]
    assert read("gain", "3:0:-1,.5") == [3.0, 2.0, 1.0, 0.5]
    assert read("budget", "quick,laptop") == ["quick", "laptop"]
    assert read("on", "True,False") == [True, False]
    assert read("free", "[1,2],(3,4)") == [[1, 2], (3, 4)]
    assert all(type(value) is int for value in read("seed", "0:3"))
    assert all(type(value) is float for value in read("gain", "1,2"))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ([("seed", "5:5")], "'5:5' of 'seed' is empty"),
        ([("seed", "0:9:0")], "has step 0"),
        ([("seed", "0:5:.5")], "wants whole number"),
        ([("seed", "0,1,,2")], "a value is missing"),
        ([("seed", "")], "a value is missing"),
        ([("seed", "0:3,2")], "has 2 more than once"),
        ([("gain", "1,1.0")], "has 1.0 more than once"),
        ([("gain", "1,e")], "wants float"),
        ([("budget", "0:3")], "budget '0:3' is unknown"),
        ([("sed", "0:3")], "no parameter 'sed'; it knows: seed, gain, budget, device"),
        ([("seed", "0"), ("seed", "1")], "given more than once"),
        ([("seed", "0:100001")], "100,001 values"),
        ([("seed", "0:1e300")], "at most 100,000"),
        ([("seed", "0:1000"), ("gain", "0:1000")], "1,000,000 sets"),
        ([], "give a parameter to sweep over, such as -p seed 0:10; 01_a knows: seed, gain"),
    ],
)
def test_what_cannot_be_swept_is_refused(
    shelf: Shelf, scored: str, tmp_path: Path, asked: list[tuple[str, str]], says: str
) -> None:
    shelf(**{"01_a": scored})
    with pytest.raises(CourseError) as refusal:
        sweep_sets.plan(course.chapters()[0], tmp_path / "out", asked)
    assert says in str(refusal.value)
    assert not (tmp_path / "out").exists()


def test_each_set_has_a_readable_folder_and_a_fingerprint_of_its_own(
    shelf: Shelf, scored: str, tmp_path: Path
) -> None:
    shelf(**{"01_a": scored, "02_b": scored})
    a, b = course.chapters()
    asked = [("gain", "0:.4:.1"), ("seed", "0:2")]
    tasks = sweep_sets.plan(a, tmp_path / "out", asked).tasks
    assert [task.out.name for task in tasks[:3]] == [
        "seed=0_gain=0.0", "seed=0_gain=0.1", "seed=0_gain=0.2",
    ]  # fmt: skip
    assert len({task.out for task in tasks}) == len({task.fingerprint for task in tasks}) == 8
    again = sweep_sets.plan(a, tmp_path / "out", asked[::-1]).tasks
    assert again == tasks, "the order of the options doesn't matter"
    with pytest.raises(CourseError, match="holds a sweep of 01_a, not of 02_b"):
        sweep_sets.plan(b, tmp_path / "out", asked)


@given(st.text(max_size=300), st.text(max_size=300))
def test_folder_names_are_safe_and_differ(one: str, other: str) -> None:
    assume(one != other)
    assume(not any("\ud800" <= letter <= "\udfff" for letter in one + other))
    names = [sweep_sets.folder_name({"a": text, "b": 1}) for text in (one, other)]
    assert names[0] != names[1]
    assert all(name.startswith("a=") and len(name) <= sweep_sets.LONGEST for name in names)
    assert not any(letter in name for name in names for letter in '/\\:*?"<>|')


@given(st.floats(-9, 9), st.sampled_from(["<= 1", "> -2", "within .5 of 2", "within 10% of -3"]))
def test_wrongness_agrees_with_the_targets(value: float, target: str) -> None:
    wrong = sweep_table.wrongness(value, target)
    assume(abs(wrong) > 1e-9)
    assert (wrong < 0) == scorecard.meets(value, target)


def test_the_worst_is_farthest_on_the_wrong_side() -> None:
    def worst(values: list, target: str | None) -> float:
        card = scorecard.Scorecard("tiny")
        rows = [card.row(str(k), value, target=target) for k, value in enumerate(values)]
        return sweep_table.summarise([{"row": row.as_dict()} for row in rows])["worst"][0]

    assert worst([1, 5, 3], "<= 4") == 5
    assert worst([1, 5, 3], "> 4") == 1
    assert worst([1, 5, 3], "within 1 of 2.5") == 5
    assert pd.isna(worst([1, 5, 3], None))
    assert pd.isna(worst([1, None, 3], "<= 4")), "what isn't finite is the worst of all"
    summary = sweep_table.summarise([{"row": {"value": None}}, {"row": {"value": 2.0}}])
    assert (summary["sets"][0], summary["not_finite"][0], summary["mean"][0]) == (1, 1, 2.0)
