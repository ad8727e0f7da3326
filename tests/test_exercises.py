"""The exercises: solutions pass, stubs give their hint, constants don't pass; and their command."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
import torch

from eqflow_nb.course import check
from eqflow_nb.running import assignments, exercises
from eqflow_nb.running import catalogue as course
from eqflow_nb.running.commands import main

PLACE = Path(__file__).parents[1] / "notebooks" / "exercises"
SCRIPTS = exercises.solutions(PLACE)
CONSTANTS: list[Any] = [0, 1, -1, 0.5, None, "text", torch.zeros(2), torch.ones(2, 2), torch.eye(3)]

each_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


def run(source: str, space: dict[str, Any]) -> str:
    """Run a cell, and return what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(source, "cell", "exec"), space)
    return said.getvalue()


def walk(script: Path, visit: Callable[[exercises.Exercise, str, dict[str, Any]], None]) -> None:
    """Run a notebook of solutions, and at each check call visit(exercise, check's code, names)."""
    notebook = course.load(script)
    checks = {one.check: one for one in exercises.read(notebook, script.name)}
    space: dict[str, Any] = {}
    for place, cell in enumerate(notebook.cells[: max(checks) + 1]):
        if place in checks:
            visit(checks[place], cell.source, space)
        elif cell.cell_type == "code":
            run(cell.source, space)


# ---- the exercises there are ----


def test_every_chapter_has_three_to_five_and_there_are_enough() -> None:
    counts = {s.stem: len(exercises.read(course.load(s), s.name)) for s in SCRIPTS}
    chapters = [chapter.stem for chapter in course.chapters(PLACE.parent)]
    assert [stem.removesuffix("_solutions") for stem in counts] == chapters
    assert all(3 <= count <= 5 for count in counts.values())
    assert sum(counts.values()) >= 25


def test_the_committed_notebooks_are_what_the_solutions_make() -> None:
    assert exercises.out_of_step(PLACE) == [], "run: eqflow-nb exercises"


@each_script
def test_chapters_and_exercises_link_to_each_other(script: Path) -> None:
    target, chapter = exercises.target_of(script), script.stem.removesuffix("_solutions")
    pair = [PLACE.parent / f"{chapter}{ending}" for ending in (".py", ".ipynb")]
    assert all(f"(exercises/{target.name})" in path.read_text() for path in pair)
    assert f"(../{chapter}.ipynb)" in target.read_text()


@each_script
def test_every_solution_passes(script: Path) -> None:
    notebook, space = course.load(script), {}
    said = [run(cell.source, space) for cell in notebook.cells if cell.cell_type == "code"]
    found = exercises.read(notebook, script.name)
    assert "".join(said).count("Right: ") == len(found)


@each_script
def test_every_stub_fails_with_its_hint_and_hides_the_solution(script: Path) -> None:
    made = exercises.student(script).cells

    def visit(one: exercises.Exercise, asked: str, space: dict[str, Any]) -> None:
        with pytest.raises(NotImplementedError) as raised:
            run(f"{made[one.solution].source}\n{asked}", dict(space))
        assert str(raised.value) == one.hint
        hidden = exercises.parts_of(course.load(script).cells[one.solution].source, "", 0)
        for part in (part for part in hidden if part.name):
            assert part.hidden.strip().splitlines()[-1] not in made[one.solution].source

    walk(script, visit)


@each_script
def test_constants_and_wrong_shapes_do_not_pass(script: Path) -> None:
    def visit(one: exercises.Exercise, asked: str, space: dict[str, Any]) -> None:
        for name in one.names:
            right = space[name]
            for wrong in wrong_answers(right):
                with pytest.raises(check.Wrong) as raised:
                    run(asked, space | {name: wrong})
                assert str(raised.value)[-1] in ".?", "a sentence"
                assert len(str(raised.value)) > 20

    walk(script, visit)


def wrong_answers(right: Any) -> list[Any]:
    """Answers no check may accept: constants, plain or of the right shape, and wrong shapes."""
    if not callable(right):
        return [*CONSTANTS, ..., [right, right]]

    def changed(change: Callable[[torch.Tensor], Any]) -> Callable[..., Any]:
        return lambda *given: change(torch.as_tensor(right(*given)).double())

    shaped = [torch.zeros_like, torch.ones_like, lambda out: torch.stack([out, out])]
    return [
        *CONSTANTS,  # not even functions
        *((lambda *given, value=value: value) for value in CONSTANTS),
        *map(changed, shaped),
        lambda *given: torch.zeros_like(given[0]),
        lambda: 0,
    ]


# ---- the command, and what it refuses ----

ASKED = '# %% tags=["solution"]\n# HINT: Twice.\ndef f(x):\n    """2 x."""\n    return 2 * x\n\n\n'
CHECKED = '# %% tags=["check"]\nassert f(3) == 6\n\n'


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write one script of solutions, where the command looks for them."""
    monkeypatch.setenv("EQFLOW_NOTEBOOKS", str(tmp_path))
    script = tmp_path / "exercises" / "solutions" / "01_a_solutions.py"
    script.parent.mkdir(parents=True)

    def put(code: str) -> Path:
        script.write_text(code)
        return exercises.target_of(script)

    return put


def test_the_command_writes_compares_and_names_what_is_out_of_step(
    tiny: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    target = tiny(ASKED + CHECKED)
    assert code_of("exercises", "--check") == 1
    assert "01_a_exercises.ipynb is missing" in capsys.readouterr().out
    assert code_of("exercises") == 0
    assert code_of("exercises", "--check") == 0
    first = target.read_text()
    pair = jupytext.read(target.with_suffix(".py"))
    sources = [[cell.source for cell in each.cells] for each in (pair, nbformat.read(target, 4))]
    assert sources[0] == sources[1]
    assert "2 * x" not in first
    nbformat.validate(json.loads(first))
    (target.parent / "02_b_exercises.ipynb").write_text(first)
    tiny(ASKED.replace("Twice", "Two times") + CHECKED)
    capsys.readouterr()
    assert code_of("exercises", "--check") == 1
    said = capsys.readouterr().out
    assert "01_a_exercises.ipynb is not what its solutions make" in said
    assert "02_b_exercises.ipynb has no solutions" in said
    assert target.read_text() == first, "--check writes nothing"


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        (ASKED.replace("# HINT: Twice.\n", "") + CHECKED, "must begin with '# HINT:"),
        (ASKED.replace("Twice.", "") + CHECKED, "must begin with '# HINT:"),
        (CHECKED + ASKED, "cell 0: a check cell follows no solution cell"),
        (ASKED + CHECKED + CHECKED, "cell 2: a check cell follows no solution cell"),
        (ASKED, "cell 0: a solution is followed by no check cell"),
        (ASKED + ASKED + CHECKED, "cell 0: a solution is followed by no check cell"),
        (ASKED + CHECKED.replace("f(3)", "6"), "never uses the answer 'f'"),
        (ASKED + "print(f(2))\n\n" + CHECKED, "may define functions and answers, and has: print"),
        (ASKED.replace("def f", "def _f") + CHECKED, "nothing for the reader to find"),
        ("# %%\nx = 1\n", "has no cell tagged 'solution'"),
    ],
)
def test_faulty_solutions_are_refused(
    tiny: Callable[[str], Path], capsys: pytest.CaptureFixture[str], code: str, complaint: str
) -> None:
    target = tiny(code)
    assert code_of("exercises") == 2
    error = capsys.readouterr().err
    assert "01_a_solutions.py" in error
    assert complaint in error
    assert not target.exists()


def test_helpers_and_answers_become_stubs(tiny: Callable[[str], Path]) -> None:
    code = '# %% tags=["solution"]\n# HINT: Count\n# them.\nimport math\n\n\n'
    code += "def _two():\n    return 2\n"
    target = tiny(
        f"{code}\n\nhow_many = math.floor(_two())\n\n{CHECKED.replace('f(3)', 'how_many')}"
    )
    exercises.write()
    stub = nbformat.read(target, 4).cells[0].source
    assert "import math" in stub
    assert "how_many = ..." in stub
    assert "_two" not in stub and "floor" not in stub
    with pytest.raises(NotImplementedError, match=r"^Count them\.$"):
        run(stub, {})


def code_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


# ---- nbgrader ----


@each_script
def test_assignments_have_nbgraders_cells(script: Path) -> None:
    cells = assignments.source(script).cells
    about = [cell.metadata["nbgrader"] for cell in cells if cell.cell_type == "code"]
    count = len(exercises.read(course.load(script), script.name))
    assert sum(one.get("points", 0) for one in about) == count
    assert sum(one["solution"] for one in about) == count
    assert all(one["locked"] != one["solution"] for one in about)
    assert len({one["grade_id"] for one in about}) == len(about)
    for cell in cells:
        if cell.cell_type == "code":
            compile(cell.source, "cell", "exec")


def test_an_assignment_is_generated_graded_and_given_back(tmp_path: Path) -> None:
    pytest.importorskip("nbgrader")
    from nbgrader.api import Gradebook

    assignments.export(tmp_path, PLACE)
    name = "00_start_here_exercises"
    (tmp_path / "nbgrader_config.py").write_text(
        "get_config().CourseDirectory.course_id = 'flow'\n"
    )

    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls alembic

    def nbgrader(*words: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *words, name],
            cwd=tmp_path,
            env=os.environ | {"PATH": beside},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-3000:]

    nbgrader("generate_assignment")
    released = tmp_path / "release" / name / f"{name}.ipynb"
    assert "(W - W.T) / 2" not in released.read_text()
    assert "NotImplementedError" in released.read_text()
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
