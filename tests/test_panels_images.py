"""The panels of patterns and creatures: every control does something, and trouble is seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from eqflow_nb import alife, panels_images, panels_paint
from eqflow_nb.inputs import InputError
from eqflow_nb.snapshots import icons


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EQFLOW_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


CHANGES = {
    "gamma": -1.0,
    "kernel": "one pixel",
    "eta": 0.5,
    "sigma": 0.5,
    "time": 0.6,
    "preset": "maze",
}


def test_every_control_of_the_pattern_panel_changes_the_picture() -> None:
    panel = panels_images.gray_scott_panel()
    for name, value in CHANGES.items():
        before = panel.picture.value
        panel.controls[name].value = value
        assert panel.picture.value != before, name
    assert not panel.errors
    panel.controls["eta"].value = 0
    panel.controls["time"].value = 0
    assert "moved 0.00 sd" in panel.status.value
    assert len(panel.static().axes) == 9


@pytest.mark.parametrize("shape", panels_images.SHAPES)
def test_the_kernels_of_the_panel_are_skew(shape: str) -> None:
    symbol = panels_images.shape_symbol(shape, panels_images._score("waves", 0.2))
    torch.testing.assert_close(symbol, -symbol.mH)
    assert float(torch.linalg.matrix_norm(symbol, ord=2).max()) <= 1 + 1e-6


def test_the_creatures_of_the_panel_move_on() -> None:
    panel = panels_images.alife_panel()
    panel.controls["time"].value = 0
    start = panel.picture.value
    panel.controls["time"].value = 20
    assert panel.picture.value != start
    panel.controls["icon"].value = "taiji"
    assert not panel.errors


def test_a_painted_creature_comes_to_life(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = panels_paint.paint_panel(seconds=1.0)
    monkeypatch.setattr(type(panel), "picture", lambda self: panels_paint.example())

    def shorter(icon: torch.Tensor, seconds: float, sigma: float) -> alife.Life:
        return alife.live(*alife.adapt(icon, sigma, seconds), torch.zeros(3, 3), 20, 1)

    monkeypatch.setattr(panels_paint, "bring_to_life", shorter)
    panel.start()
    assert panel.film.value[:6] == b"GIF89a"
    assert "kept" in panel.status.value
    assert not panel.go.disabled


def test_an_empty_canvas_is_said_and_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = panels_paint.paint_panel()
    blank = np.zeros((192, 192, 4), np.uint8)
    monkeypatch.setattr(type(panel.sheet[1]), "get_image_data", lambda self: blank)
    with pytest.raises(InputError, match="transparent all over"):
        panel.start()
    assert "draw something on it" in panel.trouble.value
    assert panel.errors
    assert not panel.go.disabled


def test_a_symmetric_rule_that_runs_away_counts_as_lost(tmp_path: Path) -> None:
    from eqflow_nb import scores

    world = icons.icons("dots")
    rule = -3 * torch.eye(3)
    life = alife.live(scores.load("dots", 0.5), world, rule, 100, 1)
    assert life.kept == 0
    assert life.tracks == []
