"""The course: finding notebooks, checking parameters, running, resuming, and what faults leave."""

import json
from pathlib import Path
from typing import Any

import joblib
import nbformat
import pytest

from eqflow_nb.inputs import InputError
from eqflow_nb.running import catalogue as course
from eqflow_nb.running import execute, scorecard
from eqflow_nb.running.catalogue import find, override, parameters

DEFAULTS = {"seed": 0, "gain": 1.5, "budget": "laptop", "device": "auto"}
DEFAULTS |= {"plot": True, "free": None}


def run(out: Path, asked: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """The records of all chapters."""
    tasks = execute.plan(course.chapters(), out, asked or {})
    return {task.stem: record for task, record in execute.run(tasks, **options)}


def code(notebook_text: str) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell(notebook_text, metadata={"tags": ["parameters"]})
    return nbformat.v4.new_notebook(cells=[cell])


# ---- finding ----


def test_chapters_come_in_order_with_their_questions(shelf):
    folder = shelf(**{"02_b": "", "01_a": "", "studies__big": ""})
    (folder / "03_c.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook()))
    assert [chapter.stem for chapter in course.chapters()] == ["01_a", "02_b", "03_c"]
    first = course.chapters()[0]
    assert (first.title, first.question) == ("A tiny notebook", "What is twice the gain?")
    assert first.minutes is None
    assert [study.stem for study in course.studies()] == ["big"]


def test_an_empty_shelf_and_a_missing_one(shelf, tmp_path):
    with pytest.raises(InputError, match="EQFLOW_NOTEBOOKS"):
        course.chapters()
    (tmp_path / "notebooks").mkdir()
    assert course.chapters() == course.studies() == []
    assert run(tmp_path / "out") == {}


@pytest.mark.parametrize("name", ["01_a", "01", "01_a.py", "notebooks/01_a.ipynb"])
def test_a_notebook_goes_by_many_names(shelf, name):
    shelf(**{"01_a": "", "01_ab": "", "02_b": ""})
    assert find(name, course.chapters()[:1]).stem == "01_a"
    assert find("01_a", course.chapters()).stem == "01_a"


@pytest.mark.parametrize(
    ("name", "says"), [("x", "there are: 01_a, 02_b"), ("0", "could be any of: 01_a, 02_b")]
)
def test_bad_input_a_name_that_is_not_one_notebook(shelf, name, says):
    shelf(**{"01_a": "", "02_b": ""})
    with pytest.raises(InputError, match=says):
        find(name, course.chapters())


# ---- parameters ----


def test_the_defaults_are_read_from_the_tagged_cell():
    source = "# a remark\nseed = 0\ngain: float = -1.5\nsizes = (1, 2)  # two\nname = 'x'"
    assert parameters(code(source)) == {"seed": 0, "gain": -1.5, "sizes": (1, 2), "name": "x"}
    assert parameters(nbformat.v4.new_notebook()) == {}


@pytest.mark.parametrize("line", ["n = 2 * seed", "import os", "a = b = 1", "print()", "x: int"])
def test_bad_input_a_parameters_cell_with_more_than_literals(line):
    with pytest.raises(InputError, match="literals"):
        parameters(code(f"seed = 0\n{line}"))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("seed", "3", 3),
        ("gain", "2", 2.0),
        ("budget", "quick", "quick"),
        ("plot", "False", False),
        ("free", "12", 12),
        ("seed", 7, 7),
    ],
)
def test_values_are_read_by_the_type_of_the_default(name, text, value):
    read = override(DEFAULTS, {name: text}, "n")[name]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("sed", "1", "knows: seed, gain"),
        ("seed", "1.5", "whole number"),
        ("seed", "True", "whole number"),
        ("gain", "nan", "float"),
        ("plot", "1", "True or False"),
        ("budget", "quik", "'quick'"),
        ("device", "tpu", "auto, cpu, cuda"),
        ("budget", 3, "text"),
    ],
)
def test_bad_input_a_parameter(name, text, says):
    with pytest.raises(InputError, match=says):
        override(DEFAULTS, {name: text}, "n")


# ---- running ----


def test_one_failure_leaves_the_others(shelf, scored, tmp_path):
    shelf(**{"01_bad": "1 / seed", "02_good": scored, "03_dead": "import os\nos._exit(3)"})
    shelf(**{"04_full": "raise MemoryError"})
    records = run(tmp_path / "out", jobs=3, attempts=2)
    assert [records[stem]["attempts"] for stem in sorted(records)] == [2, 1, 2, 1]
    finished = {stem for stem, record in records.items() if record["status"] == "finished"}
    assert finished == {"02_good"}
    assert records["01_bad"]["error"] == "ZeroDivisionError: division by zero"
    kept = nbformat.read(tmp_path / "out" / "01_bad.ipynb", as_version=4)
    assert "ZeroDivisionError" in str(kept.cells[-1].outputs)
    assert (tmp_path / "out" / "03_dead.ipynb").is_file()
    card = json.loads((tmp_path / "out" / "scorecard.json").read_text())
    assert card == {"02_good": card["02_good"]}
    twice = {"value": 3.0, "target": "<= 3", "met": True, "seed": 0}
    assert card["02_good"]["twice"] == twice
    assert list(scorecard.read(tmp_path / "out" / "02_good.ipynb")) == ["twice", "another"]


def test_what_is_done_is_done_until_something_changes(shelf, scored, tmp_path):
    folder = shelf(**{"01_a": scored})
    out = tmp_path / "out"
    assert "reused" not in run(out)["01_a"]
    assert run(out)["01_a"]["reused"]
    assert run(out, {"gain": "1.5"})["01_a"]["reused"], "the default, said aloud"
    assert "reused" not in run(out, force=True)["01_a"]
    changed = run(out, {"gain": "2"})["01_a"]
    assert (changed.get("reused"), changed["status"]) == (None, "finished")
    assert scorecard.gather(out)["01_a"]["twice"]["value"] == 4.0
    source = folder / "01_a.py"
    source.write_text(source.read_text() + "\nprint('more')\n")
    assert "reused" not in run(out, {"gain": "2"})["01_a"]


def test_a_change_of_the_package_asks_for_a_new_run(shelf, tmp_path, monkeypatch):
    shelf(**{"01_a": ""})
    (before,) = execute.plan(course.chapters(), tmp_path / "out", {})
    package = tmp_path / "package"
    package.mkdir()
    (package / "a.py").write_text("one")
    one = execute.package_digest(package)
    (package / "a.py").write_text("two")
    assert execute.package_digest(package) != one
    monkeypatch.setattr(execute, "package_digest", lambda: one)
    (after,) = execute.plan(course.chapters(), tmp_path / "out", {})
    assert before.fingerprint != after.fingerprint


def test_memory_and_threads(shelf, tmp_path, monkeypatch):
    # It is held until the process that measures it has worked: seconds, on a busy machine.
    holding = """
        import os, psutil, time
        held = bytearray(os.urandom(1)) * {}
        worked = lambda: sum(psutil.Process(os.getppid()).cpu_times()[:2])
        began = worked()
        while worked() < began + 0.1:
            time.sleep(0.05)
        print("threads", os.environ["OMP_NUM_THREADS"])
        """
    shelf(**{"01_big": holding.format(300_000_000), "02_small": holding.format(1)})
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    records = run(tmp_path / "out", jobs=2)
    big, small = records["01_big"], records["02_small"]
    assert big["status"] == small["status"] == "finished"
    assert 250 < big["peak_mb"] - small["peak_mb"] < 350
    share = max(1, joblib.cpu_count() // 2)
    assert f"threads {share}" in (tmp_path / "out" / "01_big.ipynb").read_text()
