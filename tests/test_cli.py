"""The command line as a person meets it: what it prints, what it refuses, its exit codes."""

import json
import subprocess
import sys
from importlib import metadata

import nbformat
import pytest

from eqflow_nb.running import doctor, pages
from eqflow_nb.running.commands import main

QUESTION = ["What", "is", "twice", "the", "gain?"]


@pytest.fixture
def call(capfd):
    """Call the command line; give its exit code, output and errors."""

    def calling(*arguments):
        with pytest.raises(SystemExit) as exit:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return int(exit.value.code or 0), out, err

    return calling


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-p", "sed", "1"], "knows: seed, gain, budget, device"),
        (["-p", "seed"], "a name and a value"),
        (["--budget", "huge"], "quick, laptop, paper"),
        (["nowhere"], "there are: 01_a"),
        (["--jobs", "0"], "at least 1"),
        (["-o", "/dev/null/x"], "can't write to"),
    ],
)
def test_bad_input_is_refused_in_one_line_before_anything_runs(
    shelf, tmp_path, call, arguments, says
):
    flag = tmp_path / "flag"
    shelf(**{"01_a": f"import pathlib\npathlib.Path({str(flag)!r}).touch()"})
    out = [] if "-o" in arguments else ["-o", tmp_path / "out"]
    code, printed, errors = call("run", *out, *arguments)
    assert code == 2
    assert says in errors
    assert len(errors.strip().splitlines()) == 1
    assert printed == ""
    assert not flag.exists()


def test_light_commands_and_identification_load_neither_torch_nor_the_notebooks_machinery():
    heavy = {"torch", "papermill", "jupytext", "nbformat", "distributed", "matplotlib", "tqdm"}
    commands, identify = "eqflow_nb.running.commands", "eqflow_nb.equations, eqflow_nb.user_data"
    for rooms, kept in ((commands, {"pandas"}), (f"{commands}, {identify}", set())):
        code = f"import sys, {rooms}; print(*sys.modules)"
        loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
        assert (heavy | kept) & set(loaded) == set()


def test_list_shows_questions_and_measured_times(shelf, call):
    folder = shelf(**{"01_a": "", "studies__big": ""})
    committed = nbformat.v4.new_notebook(metadata={"eqflow": {"seconds": 12.0, "peak_mb": 345.0}})
    (folder / "01_a.ipynb").write_text(nbformat.writes(committed))
    code, printed, _ = call("list")
    assert code == 0
    first = next(line for line in printed.splitlines() if "01_a" in line)
    assert first.split() == ["01_a", "12", "s", "345", "MB", *QUESTION]
    assert "big" in printed


def test_run_prints_its_scorecard_and_writes_pages(shelf, scored, tmp_path, call):
    draw = "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])\n"
    shelf(**{"01_a": scored + draw, "02_b": "raise ValueError('<no>')"})
    out = tmp_path / "out"
    code, printed, errors = call("run", "--html", "-o", out, "-p", "gain", "0.5")
    assert code == 1
    assert "twice    1 " in printed
    assert "ValueError: <no>" in printed
    assert "02_b.ipynb" in errors
    index = (out / "index.html").read_text()
    for part in ('href="01_a.html"', "data:image/webp;base64,", "ValueError: &lt;no&gt;", "gain?"):
        assert part in index
    assert "ValueError" in (out / "02_b.html").read_text()
    page = out / "01_a.html"
    before = page.stat().st_mtime_ns
    code, printed, _ = call("run", "01", "--html", "-o", out, "-p", "gain", "0.5")
    assert code == 0
    assert "not run again" in printed
    assert page.stat().st_mtime_ns == before


def test_a_study_keeps_its_scorecard_with_where_it_came_from(shelf, scored, tmp_path, call):
    folder = shelf(studies__big=scored + "assert gain < 3\n")
    code, *_ = call("study", "big", "-p", "seed", "4", "-o", tmp_path / "out")
    assert code == 0
    kept = json.loads((folder / "studies" / "big.json").read_text())
    assert kept["command"] == "eqflow-nb study big -p seed 4"
    assert kept["parameters"]["seed"] == kept["scorecard"]["twice"]["seed"] == 4
    assert kept["scorecard"]["twice"]["value"] == 3.0
    assert kept["versions"]["numpy"] == metadata.version("numpy")
    assert kept["seconds"] > 0
    for asked, expected in ((["--budget", "quick"], 0), (["-p", "gain", "5"], 1)):
        assert call("study", "big", *asked, "-o", tmp_path / "trial")[0] == expected
        assert json.loads((folder / "studies" / "big.json").read_text()) == kept


def test_refresh_writes_the_committed_notebook(shelf, tmp_path, call):
    widget = "import ipywidgets as w, tqdm.notebook as t\ndisplay(w.IntSlider(), *t.trange(2))\n"
    folder = shelf(**{"01_a": widget, "02_bad": "1 / 0"})
    (folder / "02_bad.ipynb").write_text("as it was")
    code, *_ = call("refresh", "-o", tmp_path / "out")
    assert code == 1
    assert (folder / "02_bad.ipynb").read_text() == "as it was"
    written = nbformat.read(folder / "01_a.ipynb", as_version=4)
    nbformat.validate(written)
    assert [cell.id for cell in written.cells] == ["cell-00", "cell-01", "cell-02"]
    assert written.cells[2].execution_count == 2
    assert str(written.cells[2].outputs).count(pages.PANEL_NOTE) == 1, "a bar is no panel"
    assert "widgets" not in written.metadata
    assert written.metadata.eqflow.seconds > 0
    assert "papermill" not in str(written)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import pathlib\nprint(pathlib.Path.home() / 'x')", "paths of this machine"),
        ("import warnings\nwarnings.warn('x')", "ipykernel_"),
        ("print('x' * 2_000_000)", "1.5 MB"),
    ],
)
def test_refresh_refuses_what_should_not_be_committed(shelf, tmp_path, call, code, says):
    folder = shelf(**{"01_a": code})
    status, _, errors = call("refresh", "-o", tmp_path / "out")
    assert status == 2
    assert says in errors
    assert not (folder / "01_a.ipynb").exists()


def test_the_doctor_looks_at_this_machine(call):
    code, printed, _ = call("doctor")
    for subject in ("python", "device", "memory", "disk", metadata.version("torch")):
        assert subject in printed
    assert code == (1 if "MEND" in printed else 0)


def test_the_doctor_says_what_to_mend(tmp_path, call, monkeypatch):
    monkeypatch.setattr(doctor, "WIDGETS", tmp_path / "none")
    monkeypatch.setattr(metadata, "requires", lambda name: ["numpy<1", "scipy", "no-such-package"])
    code, printed, _ = call("doctor")
    assert code == 1
    for cure in ("MEND: pip install 'numpy<1'", "'no-such-package'", "--force-reinstall jup"):
        assert cure in printed
    assert "scipy" not in printed
    assert "3 thing(s) to mend" in printed
