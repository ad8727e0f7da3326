"""Scores of images from a denoiser: the periodic U-Net, its training, and weights on disk."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from mixtures import noise

from eqflow_nb import rollout, scores, snapshots
from eqflow_nb.inputs import InputError
from eqflow_nb.scores import images, training, weights
from eqflow_nb.scores.images import UNet


def stirred(widths: tuple[int, ...] = (8, 8)) -> UNet:
    """An untrained network whose last layer is not zero, so that it does something."""
    net = UNet(2, widths)
    torch.nn.init.normal_(net.leave.weight, std=0.1, generator=torch.Generator().manual_seed(1))
    return net.requires_grad_(False)


# ---- the network ----


@pytest.mark.parametrize("size", [8, 24])
def test_shifts_pass_through(size):
    net, x, level = stirred(), noise(1, 2, size, size), torch.tensor([0.4])
    move = (net.multiple, -net.multiple)
    shifted = net(x.roll(move, (2, 3)), level)
    torch.testing.assert_close(shifted, net(x, level).roll(move, (2, 3)), atol=1e-5, rtol=1e-4)


def test_the_score_is_the_step_to_the_denoised_image():
    score, x = images.ImageScore(stirred(), 0.5), noise(1, 2, 8, 8)
    torch.testing.assert_close(x + 0.25 * score(x), score.denoise(x))


@pytest.mark.gpu
def test_a_rollout_by_the_exponential_integrator_on_the_gpu_is_that_on_the_cpu():
    matrix, start, ends = torch.tensor([[0.0, 1.0], [-1.0, 0.0]]), noise(2, 2, 32, 32), []
    for device in ("cpu", "cuda"):
        score = scores.load("waves", 0.5, device)
        path = rollout.exponential(
            score.denoise, matrix.to(device), start.to(device), 0.5, 0.5, 5, 0
        )
        *_, (_, end) = path
        assert end.device.type == device
        ends.append(end.cpu())
    torch.testing.assert_close(*ends, atol=1e-2, rtol=1e-2)


# ---- its training ----


def error_after(net: UNet, draw: Callable, sigma: float, truth: Callable, **options) -> list[float]:
    """Mean squared distance to the posterior mean, before and after training."""
    clean = draw(32, torch.Generator().manual_seed(9))
    x = clean + sigma * noise(*clean.shape, seed=8)

    def error() -> float:
        with torch.no_grad():
            return float((net(x, torch.tensor([sigma])) - truth(x)).square().mean())

    before = error()
    for _ in images.train(net, draw, **options):
        pass
    return [before, error()]


def test_training_finds_the_posterior_mean_of_a_known_distribution():
    # All pixels of an image are one standard normal number: D is their mean, a little shrunk.
    def flat(n, generator):
        return torch.randn(n, 1, 1, 1, generator=generator).expand(n, 1, 8, 8).contiguous()

    def best(x):
        return x.mean((2, 3), keepdim=True) / (1 + 1 / 64)

    options = dict(steps=200, batch=8, levels=(0.8, 1.2))
    before, after = error_after(UNet(1, (16, 16)), flat, 1.0, best, **options)
    assert before > 0.4
    assert after < 0.06


# ---- making the weights that are shipped ----


@pytest.fixture
def small(monkeypatch):
    recipe = training.Recipe("dot", 64, 4, 6, 2, (0.1, 1.0), mirror=False, widths=(4, 4))
    monkeypatch.setitem(training.RECIPES, "dot", recipe)
    return "dot"


def same(one: Path, other: Path) -> bool:
    """Whether two files hold the same weights and figures."""
    (a, about), (b, other_about) = weights.read(one), weights.read(other)
    return all(torch.equal(a[key], b[key]) for key in a) and about == other_about


def test_an_interrupt_loses_nothing(small, tmp_path, monkeypatch):
    whole = training.train_weights(small, tmp_path / "whole")
    step, calls = torch.optim.Adam.step, []

    def stop_in_time(*args, **kwargs):
        step(*args, **kwargs)
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(torch.optim.Adam, "step", stop_in_time)
        training.train_weights(small, tmp_path / "halves")
    (unfinished,) = (tmp_path / "halves").glob(".*.safetensors")
    assert weights.read(unfinished)[0]["step"] >= 2
    halves = training.train_weights(small, tmp_path / "halves")
    assert same(whole, halves)
    assert [p.name for p in halves.parent.iterdir()] == ["dot.safetensors"]


# ---- weights on disk ----


@pytest.fixture
def kept(tmp_path):
    weights.save(tmp_path / "a.safetensors", stirred(), {"levels": [0.1, 0.7, 4.0], "seed": 0})
    return tmp_path / "a.safetensors"


def test_what_is_saved_is_what_is_loaded(kept):
    x, score = noise(1, 2, 8, 8), weights.load(kept, 0.5)
    expected = images.ImageScore(stirred(), 0.5).denoise(x)
    torch.testing.assert_close(score.denoise(x), expected, atol=5e-3, rtol=0)
    assert score.levels == (0.1, 4.0), "the farthest level can be used"
    assert [p.name for p in kept.parent.iterdir()] == ["a.safetensors"]


def changed(path: Path, spoil: Callable[[dict], None] = lambda t: None, **settings: object) -> None:
    tensors, said = weights.read(path)
    spoil(tensors)
    weights.write(path, tensors, {**said, **settings})


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda path: safetensors.torch.save_file(weights.read(path)[0], path), "can't be read"),
        (lambda path: changed(path, lambda t: t["leave.bias"].fill_(math.nan)), "not finite"),
        (lambda path: changed(path, widths=None), "do not fit their channels"),
        (lambda path: path.unlink(), "are not there; known are bursts, dot, dots"),
    ],
)
def test_bad_input_weights(kept, harm, says):
    harm(kept)
    with pytest.raises(InputError, match=says):
        weights.load(kept, 0.5)


def test_bad_input_weights_with_a_flipped_byte(kept):
    content = kept.read_bytes()
    head = 8 + int.from_bytes(content[:8], "little")
    for place in (*range(0, head, 11), *range(head, len(content), 197)):
        harmed = bytearray(content)
        harmed[place] ^= 0x04
        kept.write_bytes(harmed)
        with pytest.raises(InputError, match="can't be read"):
            weights.load(kept, 0.5)


@pytest.mark.parametrize("name", training.RECIPES)
def test_shipped_weights_are_small_and_say_how_they_were_made(name):
    assert (weights.FOLDER / f"{name}.safetensors").stat().st_size < 500_000
    about = weights.read(weights.FOLDER / f"{name}.safetensors")[1]
    recipe = training.RECIPES[name]
    earlier = {"snapshots": "stills", "stain_sd": "smudge"}  # as the shipped files call them
    for key in ("world", "steps", "batch", "snapshots", "stain_sd", "mirror"):
        assert about[earlier.get(key, key)] == getattr(recipe, key), "made by the command of today"
    assert about["seed"] == 0
    assert 0 < about["loss"] < 1
    assert weights.shipped() == sorted(training.RECIPES)


@pytest.mark.parametrize("name", ["dots", "waves"])
def test_shipped_weights_denoise(name, tmp_path, monkeypatch):
    monkeypatch.setenv("EQFLOW_CACHE", str(tmp_path))
    world, sigma = snapshots.field_world(name, 64 if name == "dots" else None), 0.5
    clean = world.sample(2, 77)
    found = scores.load(name, sigma).denoise(clean + sigma * noise(*clean.shape))
    left = float((found - clean).square().mean()) / sigma**2
    pixel_by_pixel = 1 / (1 + sigma**2)
    assert left < 0.25 * pixel_by_pixel
