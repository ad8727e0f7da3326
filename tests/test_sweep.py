"""Sweeps: the sets they run, their tables, what comes of faults, and other clusters."""

import json
import os
import signal
import subprocess
from fractions import Fraction
from pathlib import Path

import distributed
import pandas as pd
import psutil
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from test_cli import call
from test_faults import command, heed_interrupts, wait_for

from eqflow_nb.inputs import InputError
from eqflow_nb.running import catalogue as course
from eqflow_nb.running import execute, scorecard, sweep

DEFAULTS = {"seed": 0, "gain": 1.5, "budget": "laptop", "device": "auto", "free": None, "on": True}

__all__ = ["call"]  # a fixture


# ---- what to run ----


def read(name: str, text: str) -> list:
    return sweep.values(name, text, DEFAULTS, "tiny")


@given(st.integers(-99, 99), st.integers(-99, 99), st.integers(-9, 9).filter(bool))
def test_ranges_of_whole_numbers_are_pythons(start, stop, step):
    expected = list(range(start, stop, step))
    if expected:
        assert read("free", f"{start}:{stop}:{step}") == expected
    else:
        with pytest.raises(InputError, match="is empty"):
            read("free", f"{start}:{stop}:{step}")


@given(st.integers(-500, 500), st.integers(1, 400), st.integers(0, 4), st.integers(0, 99))
def test_ranges_of_decimals_gather_no_rounding(first, count, places, start_more):
    scale, step = 10**places, start_more + 1
    texts = [f"{n / scale:.{places}f}" for n in (first, first + count * step, step)]
    found = read("gain", ":".join(texts))
    assert found == [float(Fraction(first + k * step, scale)) for k in range(count)]
    assert texts[1] not in map(str, found), "half-open"


def test_values_are_of_the_notebooks_types():
    assert read("gain", "0:1:.25") == [0.0, 0.25, 0.5, 0.75]
    assert read("gain", "3:0:-1,.5") == [3.0, 2.0, 1.0, 0.5]
    assert read("on", "True,False") == [True, False]
    assert read("free", "[1,2],(3,4)") == [[1, 2], (3, 4)]
    assert all(type(value) is int for value in read("seed", "0:3"))
    assert all(type(value) is float for value in read("gain", "1,2"))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ([("seed", "5:5")], "'5:5' of 'seed' is empty"),
        ([("seed", "0:5:.5")], "wants whole number"),
        ([("seed", "0,1,,2")], "a value is missing"),
        ([("seed", "-1:3")], "'seed' got -1; it must be at least 0"),
        ([("seed", "0:3,2")], "has 2 more than once"),
        ([("gain", "1,e")], "wants float"),
        ([("sed", "0:3")], "no parameter 'sed'; it knows: seed, gain, budget, device"),
        ([("seed", "0"), ("seed", "1")], "given more than once"),
        ([("seed", "0:100001")], "more than 100,000 values"),
        ([("seed", "0:1000"), ("gain", "0:1000")], "1,000,000 sets"),
        ([], "give a parameter to sweep over, such as -p seed 0:10; 01_a knows: seed, gain"),
    ],
)
def test_what_cannot_be_swept_is_refused(shelf, scored, tmp_path, asked, says):
    shelf(**{"01_a": scored})
    with pytest.raises(InputError) as refusal:
        sweep.plan(course.chapters()[0], tmp_path / "out", asked)
    assert says in str(refusal.value)
    assert not (tmp_path / "out").exists()


def test_each_set_has_a_readable_folder_and_a_fingerprint_of_its_own(shelf, scored, tmp_path):
    shelf(**{"01_a": scored})
    (a,) = course.chapters()
    asked = [("gain", "0:.4:.1"), ("seed", "0:2")]
    tasks = sweep.plan(a, tmp_path / "out", asked)
    assert [task.out.name for task in tasks[:2]] == ["seed=0_gain=0.0", "seed=0_gain=0.1"]
    assert len({task.out for task in tasks}) == len({task.fingerprint for task in tasks}) == 8
    assert sweep.plan(a, tmp_path / "out", asked[::-1]) == tasks, "order doesn't matter"


@given(st.text(max_size=300), st.text(max_size=300))
def test_folder_names_are_safe_and_differ(one, other):
    assume(one != other)
    assume(not any("\ud800" <= letter <= "\udfff" for letter in one + other))
    names = [sweep.folder_name({"a": text, "b": 1}) for text in (one, other)]
    assert names[0] != names[1]
    assert all(name.startswith("a=") and len(name) <= sweep.LONGEST for name in names)
    assert not any(letter in name for name in names for letter in '/\\:*?"<>|')


def test_the_worst_is_farthest_on_the_wrong_side():
    def worst(values, target):
        card = scorecard.Scorecard("tiny")
        rows = [card.row(str(k), value, target=target) for k, value in enumerate(values)]
        return sweep.summarise([{"row": row} for row in rows])["worst"][0]

    assert worst([1, 5, 3], "<= 4") == 5
    assert worst([1, 5, 3], "> 4") == 1
    assert worst([1, 5, 3], "within 1 of 2.5") == 5
    assert pd.isna(worst([1, 5, 3], None))
    assert pd.isna(worst([1, None, 3], "<= 4")), "what isn't finite is the worst of all"
    summary = sweep.summarise([{"row": {"value": None}}, {"row": {"value": 2.0}}])
    assert (summary["sets"][0], summary["not_finite"][0], summary["mean"][0]) == (1, 1, 2.0)


# ---- running ----


def start(out: Path, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command("sweep", "01_a", "-o", out, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=heed_interrupts,
        start_new_session=True,
    )


def logged(folder: Path) -> str:
    """Code that notes each start of a set, for the tests to count, and its kernel."""
    opened = f"with open({str(folder / 'log')!r}, 'a') as log: "
    return "import os\n" + opened + "print(seed, os.getpid(), file=log)\n"


def starts(folder: Path) -> list[int]:
    return sorted(int(line.split()[0]) for line in (folder / "log").read_text().splitlines())


def kernels(folder: Path) -> list[psutil.Process]:
    """Those that still run."""
    lines = (folder / "log").read_text().splitlines()
    numbers = [int(line.split()[1]) for line in lines]
    return [psutil.Process(number) for number in numbers if psutil.pid_exists(number)]


def values_of(out: Path) -> pd.DataFrame:
    """The table without what differs from run to run."""
    return pd.read_csv(out / "table.csv").drop(columns=["seconds", "peak_mb", "attempts"])


MORE = ["another", "another.sd"]
FLAWED = """
import pathlib
here = pathlib.Path({folder!r})
if seed == 1 and not (here / "mended").exists():
    raise ValueError("seed 1 is flawed")
if seed == 2 and not (here / "once").exists():
    (here / "once").touch()
    raise ValueError("once only")
gain = gain + seed
"""


def test_failures_are_retried_and_reported_and_the_rest_is_in_the_table(
    shelf, scored, tmp_path, call
):
    folder = shelf(**{"01_a": logged(tmp_path) + FLAWED.format(folder=str(tmp_path)) + scored})
    out, asked = tmp_path / "out", ["-p", "seed", "0:4", "-p", "budget", "quick"]
    code, said, errors = call("sweep", "01_a", "-o", out, *asked)
    assert code == 1
    assert starts(tmp_path) == [0, 1, 1, 1, 2, 2, 3]
    assert "seed=1_budget=quick: failed after 3 attempt(s): ValueError: seed 1 is flawed" in errors
    assert "3 of 4 finished" in said
    table = pd.read_csv(out / "table.csv")
    pd.testing.assert_frame_equal(
        pd.read_parquet(out / "table.parquet"), table.fillna({"error": ""}), check_dtype=False
    )
    first = ["seed", "budget", "status", "seconds", "peak_mb", "attempts", "error"]
    assert list(table.columns) == [*first, "twice", *MORE]
    assert list(table["status"]) == ["finished", "failed", "finished", "finished"]
    assert list(table["attempts"]) == [1, 3, 2, 1]
    assert table["error"][1] == "ValueError: seed 1 is flawed"
    for line in table[table["status"] == "finished"].itertuples():
        card = scorecard.read(out / f"seed={line.seed}_budget=quick" / "01_a.ipynb")
        assert line.twice == card["twice"]["value"] == 2 * (1.5 + line.seed)
    (tmp_path / "mended").touch()
    code, said, _ = call("sweep", "01_a", "-o", out, *asked, "--keep")
    assert code == 0
    kept = folder / "01_a_sweep.csv"
    assert list(pd.read_csv(kept).columns) == ["seed", "budget", "seconds", "twice", *MORE]
    record = json.loads(kept.with_suffix(".json").read_text())
    assert record["command"] == "eqflow-nb sweep 01_a -p seed 0:4 -p budget quick"
    assert record["sets"] == 4 and "torch" in record["versions"]
    assert starts(tmp_path) == [0, 1, 1, 1, 1, 2, 2, 3], "finished sets are not run again"
    summary = pd.read_csv(out / "summary.csv").set_index("row")
    mean, sd, worst, met = summary.loc["twice", ["mean", "sd", "worst", "met"]]
    assert (mean, worst, met) == (6, 9, 1), "the target is <= 3"
    assert sd == pytest.approx(pd.Series([3.0, 5.0, 7.0, 9.0]).std())
    assert pd.isna(summary["worst"]["another"]), "it has no target"
    assert "twice" in said


def test_a_set_that_runs_out_of_memory_says_so_and_is_not_tried_again(
    shelf, tmp_path, call, monkeypatch
):
    shelf(**{"01_a": logged(tmp_path) + "raise MemoryError(f'seed {seed}')"})
    assert call("sweep", "01_a", "-p", "seed", "7", "-o", tmp_path)[0] == 1
    table = pd.read_csv(tmp_path / "table.csv")
    assert list(table["error"]) == ["memory: seed 7"] and starts(tmp_path) == [7]
    (tmp_path / "events").write_text("oom 4\noom_kill 3\n")
    monkeypatch.setattr(execute, "MEMORY_EVENTS", (tmp_path / "events", tmp_path / "none"))
    assert execute.killed_for_memory() == 3


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_a_sweep_cut_short_leaves_nothing_running_and_goes_on(shelf, scored, tmp_path, call, sign):
    wait = f"""
import pathlib, time
while seed == 1 and not pathlib.Path({str(tmp_path / "free")!r}).exists():
    time.sleep(0.1)
"""
    shelf(**{"01_a": logged(tmp_path) + wait + scored})
    out, asked = tmp_path / "out", ["-p", "seed", "0:2", "--jobs", "2"]
    process = start(out, *asked)
    wait_for((out / "seed=0" / "01_a.ipynb").exists, 120)
    wait_for(lambda: starts(tmp_path) == [0, 1], 120)
    family = psutil.Process(process.pid).children(recursive=True)
    assert any(each in family for each in kernels(tmp_path))
    os.killpg(process.pid, sign)  # as the terminal does
    _, errors = process.communicate(timeout=60)
    assert process.returncode == (130 if sign == signal.SIGINT else -sign)
    if sign == signal.SIGINT:
        assert b"1 of 2 finished and kept" in errors
        assert b"Traceback" not in errors, errors.decode()
        assert list(pd.read_csv(out / "table.csv")["status"]) == ["finished", "none"]
    wait_for(lambda: not any(each.is_running() for each in family))
    (tmp_path / "free").touch()
    assert call("sweep", "01_a", "-o", out, *asked)[0] == 0
    assert starts(tmp_path) == [0, 1, 1]
    assert list(values_of(out)["twice"]) == [3.0, 3.0]


# Other clusters.


@pytest.fixture(scope="module")
def cluster():
    here = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "protocol": "tcp"}
    with distributed.LocalCluster(1, threads_per_worker=1, processes=False, **here) as cluster:
        yield cluster


def test_a_running_cluster_is_used_and_left_running(shelf, scored, tmp_path, call, cluster):
    shelf(**{"01_a": scored})
    address = cluster.scheduler_address
    arguments = ["sweep", "01_a", "-p", "seed", "7", "-o", tmp_path, "--scheduler", address]
    assert call(*arguments)[0] == 0
    assert list(values_of(tmp_path)["twice"]) == [3.0]
    assert len(cluster.workers) == 1


def test_a_sweep_that_stops_ends_its_notebooks_on_a_cluster_that_goes_on(shelf, tmp_path, cluster):
    shelf(**{"01_a": logged(tmp_path) + "import time\ntime.sleep(300)"})
    process = start(tmp_path / "out", "-p", "seed", "0:2", "--scheduler", cluster.scheduler_address)
    wait_for((tmp_path / "log").exists, 120)
    (kernel,) = kernels(tmp_path)
    its_worker = kernel.parent()
    assert kernel in psutil.Process().children(recursive=True)
    process.send_signal(signal.SIGINT)
    wait_for(lambda: not kernel.is_running() and not its_worker.is_running(), 30)
    assert process.wait(30) == 130
    assert len(cluster.workers) == 1


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere"])
def test_a_scheduler_that_does_not_answer_is_named(
    shelf, scored, tmp_path, call, monkeypatch, address
):
    monkeypatch.setattr(sweep, "CONNECT_SECONDS", 1)
    shelf(**{"01_a": scored})
    asked = ["-p", "seed", "0", "-o", tmp_path, "--scheduler", address]
    code, _, errors = call("sweep", "01_a", *asked)
    assert code == 2
    assert f"no Dask scheduler answers at '{address}'" in errors
