"""What all tests share: how hard Hypothesis tries, GPU tests, tiny notebooks, a browser."""

import sys
import textwrap
from typing import Any

import hypothesis
import pytest
import torch

hypothesis.settings.register_profile("default", deadline=None, max_examples=50)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("default")

torch.set_num_threads(1)  # what is tested is small, and the other core runs the chapters

LONG = 500  # tests of a session in which chapters run beside the others

HEAD = """\
# %% [markdown]
# # A tiny notebook
# > What is twice the gain?

# %% tags=["parameters"]
seed = 0
gain = 1.5
budget = "laptop"
device = "auto"

# %%
"""

SCORED = """\
from eqflow_nb.running.scorecard import Scorecard

card = Scorecard("tiny", seed=seed)
_ = card.row("twice", 2 * gain, target="<= 3")
_ = card.row("another", 0.5, sd=0.1, floor=0.2)
card.show()
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "benchmarks" in item.path.parts:
            item.add_marker(pytest.mark.slow)
    if not torch.cuda.is_available():
        skip = pytest.mark.skip(reason="torch sees no CUDA device")
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(skip)
    items.sort(key=is_of_a_chapter)  # these come last, since they run beside the others


def pytest_collection_finish(session: pytest.Session) -> None:
    chapters = [item.callspec.params["chapter"] for item in session.items if is_of_a_chapter(item)]
    if len(session.items) > LONG and not session.config.option.collectonly:
        from test_notebooks import begin

        begin(chapters)


def is_of_a_chapter(item: Any) -> bool:
    return getattr(item, "originalname", "") == "test_stored_values_still_come_out"


def pytest_sessionfinish(session: pytest.Session) -> None:
    if notebooks := sys.modules.get("test_notebooks"):
        notebooks.abandon()


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Write notebooks, given as the code of their last cells, where the course looks for them."""
    folder = tmp_path / "notebooks"
    monkeypatch.setenv("EQFLOW_NOTEBOOKS", str(folder))

    def put(**codes):
        for stem, code in codes.items():
            path = folder / f"{stem.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(HEAD + textwrap.dedent(code))
        return folder

    return put


@pytest.fixture
def scored():
    return SCORED


@pytest.fixture(scope="module")
def chrome():
    from browser import browsing

    with browsing() as started:
        yield started
