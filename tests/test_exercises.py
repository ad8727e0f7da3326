"""The exercises: solutions pass, stubs and constants don't; hints are folded; nbgrader grades."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch

from eqflow_nb.course.check.base import Wrong
from eqflow_nb.running import catalogue, exercises
from eqflow_nb.running.commands import main

ROOT = Path(__file__).parents[1]
SCRIPTS = exercises.solutions()
CONSTANTS: list[Any] = [0, 1, -1, 0.5, None, "text", torch.zeros(2), torch.ones(2, 2), torch.eye(3)]

each_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


def run(source: str, space: dict[str, Any]) -> str:
    """Run a cell, and return what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(source, "cell", "exec"), space)
    return said.getvalue()


# ---- the exercises there are ----


def test_there_are_as_many_as_we_say_each_linked_with_its_chapter():
    counts = [script.read_text().count('tags=["solution"]') for script in SCRIPTS]
    assert counts == [4, *[5] * 6]
    said = rf"\[{sum(counts)} of them\]\S+ five to a chapter and four to the first"
    assert re.search(said, (ROOT / "README.md").read_text())
    for chapter, script in zip(catalogue.chapters(), SCRIPTS, strict=True):
        assert script.stem == f"{chapter.stem}_solutions"
        assert f"(exercises/{chapter.stem}_exercises.ipynb)" in chapter.path.read_text()
        assert f"(../{chapter.stem}.ipynb)" in script.read_text()


def test_the_committed_notebooks_are_what_the_solutions_make():
    assert code_of("exercises", "--check") == 0, "run: eqflow-nb exercises"


@each_script
def test_solutions_pass_and_stubs_and_constants_do_not(script):
    space: dict[str, Any] = {}
    made = [c for c in exercises.student(script).cells if not c.source.startswith("<details>")]
    for cell, mine in zip(catalogue.load(script).cells, made, strict=True):
        tags = cell.metadata.get("tags", [])
        if "solution" in tags:
            before, stub = set(space), mine.source
            assert exercises.MARKED.search(cell.source)[0].splitlines()[-2].strip() not in stub
        if "check" in tags:
            with pytest.raises(NotImplementedError):
                run(f"{stub}\n{cell.source}", dict(space))
            (name,) = set(space) - before
            for wrong in wrong_answers(space[name]):
                with pytest.raises(Wrong) as raised:
                    run(cell.source, space | {name: wrong})
                assert str(raised.value)[-1] in ".?" and len(str(raised.value)) > 20, "a sentence"
        if cell.cell_type == "code":
            said = run(cell.source, space)
            assert ("Right: " in said) == ("check" in tags)


@each_script
def test_two_hints_are_folded_and_the_first_shows_no_formula(script):
    cells = exercises.student(script).cells
    asked = [place for place, cell in enumerate(cells) if "answer" in cell.metadata.get("tags", [])]
    for place in asked:
        first, second = re.findall(r"</summary>\n\n(.+)\n", cells[place - 1].source)
        assert first != second and not re.search(r"[=^]|\w\(|\bJ\b", first.replace("s = -x", ""))


def wrong_answers(right: Any) -> list[Any]:
    """Answers no check may accept: constants, plain or of the right shape, and wrong shapes."""
    if not callable(right):
        return [*CONSTANTS, ..., [right, right]]
    plain = [lambda *given, value=value: value for value in CONSTANTS]
    shaped = [
        lambda *given, change=change: change(torch.as_tensor(right(*given)).double())
        for change in (torch.zeros_like, torch.ones_like, lambda out: torch.stack([out, out]))
    ]
    return [*CONSTANTS, *plain, *shaped, lambda *given: torch.zeros_like(given[0]), lambda: 0]


# ---- the command, and what it refuses ----

ASKED = '# %% tags=["solution"]\n# HINT: How often?\n# MORE: Twice.\ndef f(x):\n    """2 x."""\n'
ASKED += "    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n\n\n"
CHECKED = '# %% tags=["check"]\nassert f(3) == 6\n\n'


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Write one script of solutions, where the command looks for them."""
    monkeypatch.setenv("EQFLOW_NOTEBOOKS", str(tmp_path))
    script = tmp_path / "exercises" / "solutions" / "01_a_solutions.py"
    script.parent.mkdir(parents=True)

    def put(code):
        script.write_text(code)
        return tmp_path / "exercises" / "01_a_exercises.ipynb"

    return put


def code_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


def test_the_command_writes_compares_and_names_what_is_out_of_step(tiny, capsys):
    target = tiny(ASKED + CHECKED)
    for option, code in (["--check"], 1), ([], 0), (["--check"], 0):
        assert code_of("exercises", *option) == code
    first = target.read_text()
    assert "2 * x" not in first
    nbformat.validate(nbformat.read(target, 4))
    (target.parent / "02_b_exercises.ipynb").write_text(first)
    tiny(ASKED.replace("Twice", "Two times") + CHECKED)
    capsys.readouterr()
    assert code_of("exercises", "--check") == 1
    said = capsys.readouterr().out
    for name in ("01_a_exercises.ipynb", "01_a_exercises.py", "02_b_exercises.ipynb"):
        assert f"{name} is not what its solutions make" in said
    assert target.read_text() == first, "--check writes nothing"


@pytest.mark.parametrize(
    "code",
    [
        ASKED.replace("# HINT: How often?\n# MORE: Twice.\n", "") + CHECKED,
        ASKED.replace("    ### END SOLUTION\n", "") + CHECKED,
        CHECKED + ASKED,
        ASKED + CHECKED + CHECKED,
        ASKED + ASKED + CHECKED,
    ],
)
def test_faulty_solutions_are_refused(tiny, capsys, code):
    target = tiny(code)
    assert code_of("exercises") == 2
    assert "01_a_solutions.py" in (error := capsys.readouterr().err)
    assert "### BEGIN SOLUTION" in error or "no check follows" in error
    assert not target.exists()


# ---- nbgrader ----


@pytest.mark.slow
def test_an_assignment_is_generated_graded_and_given_back(tmp_path):
    pytest.importorskip("nbgrader")
    from nbgrader.api import Gradebook

    assert code_of("exercises", "--nbgrader", str(tmp_path)) == 0
    name = "00_start_here_exercises"
    config = "get_config().CourseDirectory.course_id = 'flow'\n"
    (tmp_path / "nbgrader_config.py").write_text(config)
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls alembic
    place = {"cwd": tmp_path, "env": os.environ | {"PATH": beside}, "timeout": 300}

    def nbgrader(*words):
        command = [sys.executable, "-m", "nbgrader", *words, name]
        done = subprocess.run(command, capture_output=True, text=True, **place)
        assert done.returncode == 0, done.stderr[-3000:]

    nbgrader("generate_assignment")
    released = tmp_path / "release" / name / f"{name}.ipynb"
    assert "(W - W.T) / 2" not in released.read_text()
    source = nbformat.read(tmp_path / "source" / name / f"{name}.ipynb", 4)
    for pupil in ("right", "untouched", "wrong"):
        handed_in = nbformat.read(released, 4)
        for cell, solved in zip(handed_in.cells, source.cells, strict=True):
            if cell.metadata.get("nbgrader", {}).get("solution") and pupil != "untouched":
                cell.source = solved.source
            if pupil == "wrong" and "def skew_part" in cell.source:
                cell.source = "def skew_part(W):\n    return W"
        folder = tmp_path / "submitted" / pupil / name
        folder.mkdir(parents=True)
        nbformat.write(handed_in, folder / f"{name}.ipynb")
    nbgrader("autograde")
    nbgrader("generate_feedback")
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as book:
        scores = {each.student.id: each.score for each in book.assignment_submissions(name)}
    assert scores == {"right": 4, "untouched": 0, "wrong": 3}
    page = (tmp_path / "feedback" / "wrong" / name / f"{name}.html").read_text()
    assert "your matrix isn" in page
