"""The project's own files: environments, workflows, the Makefile, what is cited."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def environment(path: Path) -> dict:
    return yaml.safe_load(path.read_text())


def check(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


# ---- Conda and Binder ----


def test_binder_and_conda_get_the_same_environment():
    binder = environment(ROOT / "binder/environment.yml")
    conda = environment(ROOT / "environment.yml")
    # On Binder postBuild installs the package itself, elsewhere the environment does.
    assert conda["dependencies"].pop() == {"pip": ["-e ."]}
    assert conda == binder
    assert "pip install" in (ROOT / "binder/postBuild").read_text()
    assert os.access(ROOT / "binder/postBuild", os.X_OK)


def test_the_environment_asks_for_what_the_package_asks_for():
    listed = environment(ROOT / "binder/environment.yml")["dependencies"]
    ranges = dict(re.fullmatch(r"([\w-]+)(.*)", line).groups() for line in listed)
    for line in PROJECT["dependencies"]:
        wanted = Requirement(line)
        name = CONDA_NAMES.get(wanted.name, wanted.name.lower())
        assert set(ranges[name].split(",")) == set(map(str, wanted.specifier)), name
    assert ranges["python"] == "=3.12"


def test_repo2docker_accepts_the_binder_folder(tmp_path):
    shutil.copytree(ROOT / "binder", tmp_path / "binder")
    done = check("repo2docker", "--no-build", "--debug", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "binder/environment.yml" in done.stdout + done.stderr


# ---- workflows, citation ----


def test_the_workflows_are_valid():
    assert [path.stem for path in WORKFLOWS] == ["audit", "gpu", "nightly", "site", "tests"]
    done = check("check_jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)
    assert done.returncode == 0, done.stdout


MAY_WRITE = {("site", "deploy"): {"pages": "write", "id-token": "write"}}
PINNED = r"\s*(- )?uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_only_read_and_pin_their_actions_by_commit(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job.get("permissions") == MAY_WRITE.get((path.stem, name)), name
        for step in job["steps"]:
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False
    used = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert used
    assert [line for line in used if not re.fullmatch(PINNED, line)] == []


def test_the_cpu_job_covers_the_supported_pythons():
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    tested = workflow["jobs"]["cpu"]["strategy"]["matrix"]["python"]
    assert tested == ["3.11", "3.12", "3.13"]
    assert PROJECT["requires-python"] == ">=3.11,<3.14"


def test_the_citation_is_valid_and_names_the_paper():
    path = ROOT / "CITATION.cff"
    done = check("check_jsonschema", "--builtin-schema", "vendor.citation-file-format", path)
    assert done.returncode == 0, done.stdout
    cited = yaml.safe_load(path.read_text())
    assert "2509.17990" in str(cited["references"])
    version = re.search(r'__version__ = "(.+)"', (ROOT / "eqflow_nb/__init__.py").read_text())
    assert cited["version"] == version[1]


# ---- the tested set ----


def test_constraints_pin_what_the_package_asks_for_within_its_ranges():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    lines = sum(PROJECT["optional-dependencies"].values(), PROJECT["dependencies"])
    for wanted in map(Requirement, lines):
        if wanted.name != PROJECT["name"]:
            assert wanted.specifier.contains(pins[canonicalize_name(wanted.name)]), wanted
    assert pins["torch"] == "2.13.0"
    assert "eqflow-nb" not in pins


# ---- make and .ci/run ----

FAKE = """\
#!/bin/sh
echo "$@" >> "{log}"
case "$1 $2" in
  "-m venv") mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
  "-m pip") test ! -e "{broken}" ;;
esac
"""


def make(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", *arguments, f"VENV={tmp_path / 'venv'}"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=60)


def test_make_installs_once_and_never_trusts_a_broken_install(tmp_path):
    log, broken, fake = tmp_path / "log", tmp_path / "broken", tmp_path / "python"
    fake.write_text(FAKE.format(log=log, broken=broken))
    fake.chmod(0o755)
    broken.touch()
    assert make(tmp_path, "setup", f"PYTHON={fake}").returncode != 0
    broken.unlink()
    log.unlink()
    assert make(tmp_path, "setup", f"PYTHON={fake}").returncode == 0
    installs = [line for line in log.read_text().splitlines() if "-m pip" in line]
    assert len(installs) == 1
    assert "-c constraints.txt" in installs[0]
    assert "[test]" not in installs[0]
    log.unlink()
    assert make(tmp_path, "setup", f"PYTHON={fake}").returncode == 0
    assert not log.exists(), "a second run has nothing to do"


def test_make_refuses_another_python(tmp_path):
    fake = tmp_path / "python"
    fake.write_text('#!/bin/sh\ntest "$1" = --version && echo Python 3.9.1\n')
    fake.chmod(0o755)
    done = make(tmp_path, "setup", f"PYTHON={fake}")
    assert done.returncode != 0
    assert "Python 3.11 to 3.13 is needed" in done.stderr
    assert "Python 3.9.1" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_make_test_leaves_out_what_is_slow_and_the_night_does_not():
    """.ci/run takes the target; a day's workflow gives none, which is `test`."""
    assert '"not slow"' in make_target("test") and '"not slow"' not in make_target("test-all")
    assert (ROOT / ".ci/run").read_text().rstrip().endswith('make "${1:-test}"')
    assert ".ci/run test-all" in (ROOT / ".github/workflows/nightly.yml").read_text()


def make_target(name: str) -> str:
    makefile = (ROOT / "Makefile").read_text()
    return makefile[makefile.index(f"\n{name}:") :].partition("\n\n")[0]


def test_make_without_a_target_helps():
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    targets = "setup course test test-all lab explore notebooks site bench clean"
    for target in targets.split():
        assert f"make {target} " in done.stdout
