"""Making weights: interrupted at any moment it goes on; the command says what it did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from eqflow_nb.inputs import InputError
from eqflow_nb.running.commands import main
from eqflow_nb.scores import images, training, weights


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> str:
    recipe = training.Recipe("dot", 64, 4, 6, 2, (0.1, 1.0), mirror=False, widths=(4, 4))
    monkeypatch.setitem(training.RECIPES, "dot", recipe)
    return "dot"


def figures(path: Path) -> dict:
    """What a file says of itself, but for how long it took."""
    return {key: value for key, value in weights.read(path)[1].items() if key != "seconds"}


def test_an_interrupted_training_goes_on(small: str, tmp_path: Path, monkeypatch) -> None:
    whole = training.train_weights(small, tmp_path / "whole", progress=False)
    path = images.train

    def broken(*args, **kwargs):
        for step, loss in path(*args, **kwargs):
            if step == 3:
                raise KeyboardInterrupt
            yield step, loss

    monkeypatch.setattr(images, "train", broken)
    with pytest.raises(KeyboardInterrupt):
        training.train_weights(small, tmp_path / "halves", progress=False)
    assert not (tmp_path / "halves" / "dot.safetensors").exists(), "nothing half-made is to be had"
    monkeypatch.setattr(images, "train", path)
    halves = training.train_weights(small, tmp_path / "halves", progress=False)
    one, other = (weights.read(p)[0] for p in (whole, halves))
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert figures(whole) == figures(halves)
    assert [p.name for p in halves.parent.iterdir()] == ["dot.safetensors"]


def test_bad_input_an_unknown_recipe(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"weights 'dogs' is unknown.*did you mean 'dots'"):
        training.train_weights("dogs", tmp_path)


@pytest.mark.parametrize("after", ["weights", "means", "all"])
def test_an_interrupt_in_the_middle_of_a_step_loses_nothing(
    small: str, tmp_path: Path, monkeypatch, after: str
) -> None:
    whole = training.train_weights(small, tmp_path / "whole", progress=False)
    calls: list[int] = []

    def stop_in_time(function: Callable, call: int) -> Callable:
        def stopping(*args, **kwargs):
            result = function(*args, **kwargs)
            calls.append(1)
            if len(calls) == call:
                raise KeyboardInterrupt
            return result

        return stopping

    places = {
        "weights": (torch.optim.Adam, "step", 3),
        "means": (torch.Tensor, "lerp_", 150),
        "all": (weights, "save", 1),
    }
    owner, name, call = places[after]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, stop_in_time(getattr(owner, name), call))
        with pytest.raises(KeyboardInterrupt):
            training.train_weights(small, tmp_path / "halves", progress=False)
    (unfinished,) = (tmp_path / "halves").glob(".*.safetensors")
    assert weights.read(unfinished)[0]["step"] >= 2
    halves = training.train_weights(small, tmp_path / "halves", progress=False)
    one, other = (weights.read(path)[0] for path in (whole, halves))
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert figures(whole) == figures(halves)


@pytest.mark.parametrize("about", [3, {"seed": 1}, {"seconds": None}])
def test_a_state_of_something_else_is_not_gone_on_from(
    small: str, tmp_path: Path, about: object
) -> None:
    whole = training.train_weights(small, tmp_path / "whole", progress=False)
    state = {"step": torch.tensor(2.0)}
    weights.write(tmp_path / ".dot.training.safetensors", state, about)
    again = training.train_weights(small, tmp_path, progress=False)
    assert figures(again) == figures(whole)


def test_bad_input_seeds_steps_and_folders(small: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="seed is -1; it must lie between 0 and"):
        training.train_weights(small, tmp_path, seed=-1)
    with pytest.raises(InputError, match="steps is 0; it must be a whole number, at least 1"):
        training.train_weights(small, tmp_path, steps=0)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"can't write to .*file.*give another folder"):
        training.train_weights(small, tmp_path / "file")


# ---- the command ----


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["train", *map(str, arguments)])
    return int(exit.value.code or 0)


def test_the_command_says_what_it_made(small: str, tmp_path: Path, capfd) -> None:
    assert call(small, "-o", tmp_path, "--steps", 3, "--seed", 2, "--device", "cpu") == 0
    path = tmp_path / "dot.safetensors"
    _, about = weights.read(path)
    assert (about["steps"], about["seed"]) == (3, 2)
    kilobytes = path.stat().st_size / 1000
    assert capfd.readouterr().out == f"{path}  {kilobytes:.0f} kB, loss {about['loss']}\n"


def test_the_command_interrupted_says_so_and_goes_on(
    small: str, tmp_path: Path, capfd, monkeypatch
) -> None:
    def stopped(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(weights, "save", stopped)
        assert call(small, "-o", tmp_path) == 130
    said = capfd.readouterr().err
    assert said.endswith("\nStopped; the same command goes on from here.\n")
    assert "Traceback" not in said
    assert call(small, "-o", tmp_path) == 0
    assert [path.name for path in tmp_path.glob("*dot*")] == ["dot.safetensors"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["dot", "dogs"], "weights 'dogs' is unknown"),
        (["dot", "--device", "tpu"], "auto, cpu, cuda"),
        (["dot", "--steps", "0"], "at least 1"),
        (["dot", "-o", "/dev/null/x"], "give another folder"),
    ],
)
def test_bad_input_to_the_command_is_one_line_before_anything_is_made(
    small: str, tmp_path: Path, capfd, arguments: list[str], says: str
) -> None:
    out = [] if "-o" in arguments else ["-o", tmp_path]
    assert call(*arguments, *out) == 2
    printed, errors = capfd.readouterr()
    assert says in errors
    assert (len(errors.splitlines()), printed) == (1, "")
    assert not list(tmp_path.glob("*dot*"))
