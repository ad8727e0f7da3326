"""Scorecards: targets, tables, and what survives on the way through a notebook to a file."""

import json
import math
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup

from eqflow_nb.running import scorecard
from eqflow_nb.running.scorecard import MIME, Scorecard, gather, meets, read, table


def executed(rows: list[dict[str, Any]], status: str = "finished", error: bool = False) -> str:
    """The text of an executed notebook that shows `rows`."""
    outputs = [nbformat.v4.new_output("display_data", {MIME: {"notebook": "n", "rows": rows}})]
    if error:
        outputs.append(nbformat.v4.new_output("error", ename="E", evalue="", traceback=[]))
    cell = nbformat.v4.new_code_cell("card.show()", execution_count=1, outputs=outputs)
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"eqflow": {"status": status}})
    return nbformat.writes(notebook)


@pytest.mark.parametrize(
    ("value", "target", "met"),
    [
        (1.5, "<= 1.5", True),
        (1.5000001, "<= 1.5", False),
        (0.49, ">= .50", False),
        (1.5, "> 1.5", False),
        (-2, "< -1e0", True),
        (-13.6, "within 1% of -13.667", True),
        (-13.4, "within 1% of -13.667", False),
        (2.05, "within .1 of 2", True),
        (2.15, "within .1 of 2", False),
        (math.nan, ">= 0", False),
        (-math.inf, "<= 0", False),
        (None, "< 1", False),
    ],
)
def test_a_target_is_met_or_not(value, target, met):
    assert meets(value, target) is met


@pytest.mark.parametrize("target", ["", "about 3", "<= x", "1.5", "within 3%", "<= 1.5 or so"])
def test_bad_input_a_target_that_cannot_be_read(target):
    with pytest.raises(ValueError, match="can't be read"):
        Scorecard("n").row("a", 1.0, target=target)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, torch.tensor(math.nan), np.inf])
def test_what_is_not_finite_is_null_and_never_met(value):
    row = Scorecard("n").row("a", value, sd=value, target=">= -1e300")
    assert row == {"value": None, "target": ">= -1e300", "met": False}


def test_numbers_of_any_library_become_plain_ones():
    card = Scorecard("n", seed=np.int64(3), budget="quick")
    more = {"sizes": (1, 2), "worst": np.float64("nan")}
    row = card.row("a", torch.tensor(2.5), sd=np.float32(0.5), **more)
    kept = {"seed": 3, "budget": "quick", "sizes": [1, 2], "worst": None}
    assert json.loads(scorecard.dump(card.rows)) == {"a": row}
    assert row == {"value": 2.5, "sd": 0.5} | kept


def test_the_table_says_what_each_row_says():
    card = Scorecard("n")
    card.row("ring.exact", 1.23456, sd=0.1, floor=0.011, control=3.0, paper=0.257, target="<= 1.5")
    card.row("b", math.nan, paper="570-1490 s")
    head, first, second = table(card.rows).splitlines()
    assert head.split("  ")[0].strip() == "row"
    for text in ("ring.exact", "1.235", "± 0.1", "floor 0.011, control 3", "0.257", "yes"):
        assert text in first
    assert first.index("<= 1.5") == head.index("target")
    assert "not finite" in second
    assert "570-1490 s" in second


def shown(rows: scorecard.Card, claims: Any = ()) -> tuple[list[list[str]], list[list[str]]]:
    """The texts of the table, and of the one folded below it."""
    page = BeautifulSoup(scorecard.coloured(rows, claims), "html.parser")
    tables = [
        [[cell.get_text(" ") for cell in line.find_all("td")] for line in each.find_all("tr")[1:]]
        for each in page.find_all("table")
    ]
    assert [each.find_parent("details") is None for each in page.find_all("table")][:1] == [True]
    return tables[0], tables[1] if len(tables) > 1 else []


def test_a_chapter_shows_few_claims_and_folds_the_rest():
    card = Scorecard("n")
    for number in range(20):
        card.row(f"met{number}", 1.0, target="<= 1.5")
    card.row("<missed>", 2.0, sd=0.1, target="<= 1.5")
    card.row("plain", 3.0)
    claims, rest = shown(card.rows)
    assert (len(claims), len(rest)) == (15, 7)
    assert claims[-1] == ["<missed>", "2", "± 0.1", "<= 1.5", "missed"], "none is left out"
    assert claims[0][-1] == "met"
    claims, rest = shown(card.rows, {"plain": "what it says"})
    assert [line[0] for line in claims] == ["<missed>", "what it says plain"]
    assert claims[1][-1] == "reported"
    assert len(rest) == 20
    with pytest.raises(ValueError, match="no row called 'other'"):
        shown(card.rows, ["other"])


def test_verdicts_print_what_a_new_seed_does_not_change(capsys):
    printed = []
    for value in (1.0, 2.0):
        card = Scorecard("n")
        card.row("a", value, sd=value, target="<= 1.5")
        card.row("bb", value)
        card.verdicts()
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] == "row  target\na    <= 1.5\nand 1 more, without a target\n"


def test_gathering_takes_the_finished_and_leaves_the_rest(tmp_path):
    rows = [{"row": "z", "value": 1.0}, {"row": "a", "value": None}]
    (tmp_path / "01_good.ipynb").write_text(executed(rows))
    (tmp_path / "02_failed.ipynb").write_text(executed(rows, status="failed"))
    (tmp_path / "03_error.ipynb").write_text(executed(rows, error=True))
    (tmp_path / "04_half.ipynb").write_text(executed(rows)[:100])
    (tmp_path / "05_other.ipynb").write_text("[]")
    (tmp_path / ".06_draft.ipynb.12.tmp").write_text(executed(rows))
    expected = {"01_good": {"z": {"value": 1.0}, "a": {"value": None}}}
    assert gather(tmp_path) == expected
    assert json.loads((tmp_path / "scorecard.json").read_text()) == expected
    assert list(read(tmp_path / "01_good.ipynb")) == ["z", "a"]
    assert read(tmp_path / "03_error.ipynb") == {}
    with pytest.raises(ValueError, match="not a notebook"):
        read(tmp_path / "05_other.ipynb")
