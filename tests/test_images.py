"""The periodic U-Net, its training, and weights on disk."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from eqflow_nb import scores
from eqflow_nb.inputs import InputError
from eqflow_nb.scores import images, training, weights
from eqflow_nb.scores.unet import UNet


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def stirred(widths: tuple[int, ...] = (8, 8)) -> UNet:
    """An untrained network whose last layer is not zero, so that it does something."""
    net = UNet(2, widths)
    torch.nn.init.normal_(net.leave.weight, std=0.1, generator=torch.Generator().manual_seed(1))
    return net.requires_grad_(False)


def pixels(n: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(n, 2, 8, 8, generator=generator)


# ---- the network ----


@pytest.mark.parametrize("size", [8, 16, 24])
def test_shifts_pass_through(size: int) -> None:
    net, x = stirred(), noise(1, 2, size, size)
    level = torch.tensor([0.4])
    move = (net.multiple, -net.multiple)
    shifted = net(x.roll(move, (2, 3)), level)
    torch.testing.assert_close(shifted, net(x, level).roll(move, (2, 3)), atol=1e-5, rtol=1e-4)


def test_untrained_it_is_the_denoiser_of_independent_pixels() -> None:
    x = noise(2, 2, 8, 8)
    torch.testing.assert_close(UNet(2, (8, 8))(x, torch.tensor([0.5])), x / 1.25)


def test_without_noise_it_leaves_images_alone() -> None:
    x = noise(2, 2, 8, 8)
    assert float((stirred()(x, torch.tensor([1e-4])) - x).abs().max()) < 1e-3


def test_the_score_is_the_step_to_the_denoised_image() -> None:
    score, x = images.ImageScore(stirred(), 0.5), noise(1, 2, 8, 8)
    torch.testing.assert_close(x + 0.25 * score(x), score.denoise(x))
    assert score.at(0.3).sigma == 0.3


def test_training_finds_the_posterior_mean_of_a_known_law() -> None:
    # All pixels of an image are one standard normal number: D is their mean, a little shrunk.
    def flat(n: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randn(n, 1, 1, 1, generator=generator).expand(n, 1, 8, 8).contiguous()

    net, sigma = UNet(1, (16, 16)), 1.0
    clean = flat(64, torch.Generator().manual_seed(9))
    x = clean + sigma * noise(64, 1, 8, 8, seed=8)
    best = x.mean((2, 3), keepdim=True) / (1 + sigma**2 / 64)

    def error() -> float:
        with torch.no_grad():
            return float((net(x, torch.tensor([sigma])) - best).square().mean())

    before = error()
    for _ in images.train(net, flat, 300, 16, levels=(0.8, 1.2)):
        pass
    assert before > 0.4
    assert error() < 0.06


def test_of_independent_pixels_nothing_better_is_learned() -> None:
    net, sigma = stirred(), 0.7
    x = noise(16, 2, 16, 16, seed=3)
    best = x / (1 + sigma**2)

    def error() -> float:
        with torch.no_grad():
            return float((net(x, torch.tensor([sigma])) - best).square().mean())

    def draw(n: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randn(n, 2, 16, 16, generator=generator)

    before = error()
    for _ in images.train(net.requires_grad_(True), draw, 200, 8, levels=(0.5, 1.0)):
        pass
    assert error() < 0.02 * before
    assert error() < 1e-3


def test_a_resumed_training_ends_where_an_unbroken_one_does() -> None:
    whole, halves, state = UNet(2, (4, 4)), UNet(2, (4, 4)), {}
    for _ in images.train(whole, pixels, 9, 2, stain_sd=1.0):
        pass
    for step, _ in images.train(halves, pixels, 9, 2, stain_sd=1.0, state=state):
        if step == 4:
            break
    kept = {key: value.clone() for key, value in state.items()}
    halves = UNet(2, (4, 4), seed=5)
    for _ in images.train(halves, pixels, 9, 2, stain_sd=1.0, state=kept):
        pass
    for one, other in zip(whole.parameters(), halves.parameters(), strict=True):
        assert torch.equal(one, other)


def test_stains_are_smooth_and_for_half_of_the_images() -> None:
    stains = images._stains(noise(400, 1, 32, 32), 2.0, torch.Generator().manual_seed(0))
    stained = stains.flatten(1).std(1) > 0
    assert float(stained.float().mean()) == pytest.approx(0.5, abs=0.08)
    some = stains[stained]
    apart = (some - some.roll(1, 3)).square().mean() / some.square().mean()
    assert float(apart) < 0.2, "neighbours are alike; for white noise this is 2"


def test_bad_input_images_and_levels() -> None:
    score = images.ImageScore(stirred(), 0.5)
    with pytest.raises(InputError, match=r"x has 3 channel\(s\); it must have 2"):
        score(noise(1, 3, 8, 8))
    with pytest.raises(InputError, match="x is 8 by 6 pixels; both must be multiples of 4"):
        score(noise(1, 2, 8, 6))
    with pytest.raises(InputError, match="sigma is 3; it must lie between"):
        score.at(3.0)


# ---- weights on disk ----


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    weights.save(tmp_path / "a.safetensors", stirred(), {"levels": [0.1, 1.0], "seed": 0})
    return tmp_path / "a.safetensors"


def test_what_is_saved_is_what_is_loaded(kept: Path) -> None:
    x = noise(1, 2, 8, 8)
    found = weights.load(kept, 0.5).denoise(x)
    torch.testing.assert_close(
        found, images.ImageScore(stirred(), 0.5).denoise(x), atol=5e-3, rtol=0
    )
    assert [p.name for p in kept.parent.iterdir()] == ["a.safetensors"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def not_finite(path: Path) -> None:
    tensors, settings = weights.read(path)
    tensors["leave.bias"][0] = float("nan")
    weights.write(path, tensors, settings)


def other_shape(path: Path) -> None:
    tensors, settings = weights.read(path)
    weights.write(path, tensors, {**settings, "widths": [8, 16]})


def no_settings(path: Path) -> None:
    tensors, _ = weights.read(path)
    safetensors.torch.save_file(tensors, path)


def no_widths(path: Path) -> None:
    tensors, _ = weights.read(path)
    weights.write(path, tensors, {"channels": 2})


def a_text(path: Path) -> None:
    path.write_text("weights?")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (cut, "can't be read"),
        (a_text, "can't be read"),
        (no_settings, "can't be read"),
        (not_finite, "leave.bias holds values that are not finite"),
        (other_shape, "are of another network"),
        (no_widths, "do not say channels, widths and levels"),
    ],
)
def test_bad_input_weights(kept: Path, harm: Callable[[Path], None], says: str) -> None:
    harm(kept)
    with pytest.raises(InputError, match=says):
        weights.load(kept, 0.5)


@pytest.mark.parametrize(
    "settings",
    [
        {"channels": -2},
        {"channels": 1e400},
        {"widths": []},
        {"widths": [-8, 8]},
        {"widths": None},
        {"levels": [0.1]},
    ],
)
def test_bad_input_weights_with_settings_of_no_network(kept: Path, settings: dict) -> None:
    tensors, said = weights.read(kept)
    weights.write(kept, tensors, {**said, **settings})
    with pytest.raises(InputError, match="do not say channels, widths and levels"):
        weights.load(kept, 0.5)


@pytest.mark.parametrize("flip", [0x01, 0x04, 0x80])
def test_bad_input_weights_with_a_flipped_byte(kept: Path, flip: int) -> None:
    content = kept.read_bytes()
    head = 8 + int.from_bytes(content[:8], "little")
    for place in (*range(0, head, 5), *range(head, len(content), 97)):
        harmed = bytearray(content)
        harmed[place] ^= flip
        kept.write_bytes(harmed)
        with pytest.raises(InputError, match="can't be read"):
            weights.load(kept, 0.5)


def test_bad_input_unknown_weights() -> None:
    with pytest.raises(InputError, match="weights 'dog' are not there; known are dot, dots"):
        weights.load("dog", 0.5)


@pytest.mark.parametrize("name", training.RECIPES)
def test_shipped_weights_are_small_and_say_how_they_were_made(name: str) -> None:
    assert (weights.FOLDER / f"{name}.safetensors").stat().st_size < 500_000
    about, recipe = weights.about(name), training.RECIPES[name]
    for key in ("world", "steps", "batch", "stain_sd", "snapshots", "mirror"):
        assert about[{"stain_sd": "smudge", "snapshots": "stills"}.get(key, key)] == getattr(
            recipe, key
        ), "made by the command of today"
    assert about["seed"] == 0
    assert 0 < about["loss"] < 1
    assert weights.shipped() == sorted(training.RECIPES)


@pytest.mark.parametrize("name", ["dots", "waves"])
def test_shipped_weights_denoise(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("EQFLOW_CACHE", str(tmp_path))
    from eqflow_nb import snapshots

    world, sigma = snapshots.field_world(name, 64 if name == "dots" else None), 0.5
    clean = world.sample(2, 77)
    noisy = clean + sigma * noise(*clean.shape)
    found = scores.load(name, sigma).denoise(noisy)
    left = float((found - clean).square().mean()) / sigma**2
    pixel_by_pixel = 1 / (1 + sigma**2)
    assert left < 0.25 * pixel_by_pixel


def test_a_quarter_of_the_images_is_blurred_by_more_if_asked() -> None:
    generator = torch.Generator().manual_seed(0)
    marks = torch.tensor([0.15, 0.7, 4.0]).log()
    some = images._some_levels(marks, 20_000, generator).exp()
    assert float(some.min()) >= 0.15
    assert float(some.max()) <= 4
    assert float((some > 0.7).float().mean()) == pytest.approx(0.25, abs=0.015)
    for low, high in ((0.15, 0.7), (0.7, 4.0)):
        inside = some[(some > low) & (some <= high)].log()
        middle = (math.log(low) + math.log(high)) / 2
        assert float(inside.mean()) == pytest.approx(middle, abs=0.03), "evenly in log sigma"
    plain = images._some_levels(marks[:2], 1000, generator).exp()
    assert float(plain.max()) <= 0.7


def test_weights_know_the_farthest_level(tmp_path: Path) -> None:
    weights.save(tmp_path / "a.safetensors", stirred(), {"levels": [0.15, 0.7, 4.0], "seed": 0})
    assert weights.load(tmp_path / "a.safetensors", 3.0).levels == (0.15, 4.0)
    with pytest.raises(InputError, match=r"sigma is 5; it must lie between 0\.15 and 4"):
        weights.load(tmp_path / "a.safetensors", 5.0)
