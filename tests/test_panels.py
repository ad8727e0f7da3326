"""Panels without a browser: a slider moved from Python changes the picture, and rightly."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes

from eqflow_nb import figures, panels
from eqflow_nb.flows.continuity import residual
from eqflow_nb.panels.base import Panel, slider
from eqflow_nb.panels.motion import (
    PSI,
    blurred_samples,
    law,
    lorenz_paths,
    stream_field,
    stream_particles,
    toy_particles,
)

MAKERS = {
    "toy": panels.toy_panel,
    "stream": panels.stream_panel,
    "lorenz": panels.lorenz_panel,
}


def moved(panel: Panel) -> float:
    found = re.search(r"moved (\S+) sd.* · redraw \d+ ms", panel.status.value)
    assert found, panel.status.value
    return float(found[1])


@pytest.fixture(params=MAKERS)
def panel(request: pytest.FixtureRequest) -> Panel:
    return MAKERS[request.param]()


def test_every_control_changes_the_picture(panel: Panel) -> None:
    for name, control in panel.controls.items():
        before, status = panel.picture.value, panel.status.value
        if isinstance(control, widgets.Dropdown):
            control.value = control.options[1 - control.options.index(control.value) % 2]
        else:
            control.value = (control.min + control.max) / 2 + 2 * control.step
        assert bytes(panel.picture.value[:4]) == b"\x89PNG"
        assert panel.picture.value != before, name
        assert panel.status.value != status, name


def test_controls_are_described_and_keyboards_can_use_them(panel: Panel) -> None:
    for control in panel.controls.values():
        assert control.description
        assert control.layout.width
        if isinstance(control, widgets.FloatSlider):
            steps = (control.max - control.min) / control.step
            assert steps == pytest.approx(round(steps)), "End is reached"
            assert control.continuous_update


def test_the_twin_draws_what_the_live_picture_draws() -> None:
    drawn = []

    def draw(panes: list[Axes], gain: float) -> str:
        drawn.append(gain)
        panes[0].plot([0, gain])
        return "moved"

    panel = Panel(draw, {"gain": slider("strength g", 1, 0, 4, 1)}, {"gain": [0, 2]}, "", "")
    figure = panel.static()
    assert drawn == [1, 0, 2]
    assert [list(axes.lines[0].get_ydata()) for axes in figure.axes] == [[0, 0], [0, 2]]
    assert [axes.get_title() for axes in figure.axes] == ["g = 0", "g = 2"]
    figure = panel.static(gain=[3])
    assert drawn[3:] == [3]
    assert len(figure.axes) == 1
    with pytest.raises(ValueError, match=r"no control is called 'pain'.* gain"):
        panel.static(pain=[1])


def test_twins_of_the_panels(panel: Panel) -> None:
    ((name, values),) = panel.twin.items()
    figure = panel.static()
    assert len(figure.axes) == panel.panes * len(values)
    assert [axes.get_title() for axes in figure.axes[: len(values)]] == [
        f"{panel.controls[name].description.split()[-1]} = {value}" for value in values
    ]
    assert len(figures.png(figure, 125)) < 80_000


def test_showing_leaves_the_twin(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda data, **rest: seen.append((data, rest)))
    panel.show()
    assert seen[0][0] is panel.widget
    assert seen[1][0]["image/png"]
    assert seen[1][1]["metadata"]["image/png"]["alt"] == panel.alt


def test_errors_are_shown_kept_and_raised() -> None:
    def draw(panes: list[Axes], gain: float) -> str:
        return f"moved {1 / (gain - 2):.3f} <b>"

    panel = Panel(draw, {"gain": slider("gain", 1, 0, 4, 1)}, {"gain": [1]}, "", "")
    picture = panel.picture.value
    assert panel.trouble.value == "" and panel.errors == []
    with pytest.raises(ZeroDivisionError):
        panel.controls["gain"].value = 2
    assert "ZeroDivisionError: " in panel.trouble.value and "color:#c62828" in panel.trouble.value
    assert "moved" not in panel.status.value
    assert [type(error) for error in panel.errors] == [ZeroDivisionError]
    assert panel.picture.value == picture
    panel.controls["gain"].value = 3
    assert panel.trouble.value == "" and panel.errors == []


def test_slow_redraws_say_that_they_are_at_work() -> None:
    said = []

    def draw(panes: list[Axes], gain: float) -> str:
        said.append(panel.status.value if gain > 1 else "")
        return "moved"

    panel = Panel(draw, {"gain": slider("gain", 1, 0, 4, 1)}, {"gain": [1]}, "", "")
    for seconds, gain in ((0.01, 2), (1.0, 3)):
        panel.seconds = seconds
        panel.controls["gain"].value = gain
    assert "working" not in said[1]
    assert "working…" in said[2]


def test_a_value_sent_back_with_another_last_digit_draws_nothing_new() -> None:
    panel = panels.toy_panel()
    panel.picture.value = b"kept"
    panel.controls["sigma"].value = 0.15000000000000002
    assert panel.picture.value == b"kept"
    panel.controls["sigma"].value = 0.2
    assert panel.picture.value != b"kept"


def test_playing_moves_time() -> None:
    panel = panels.toy_panel()
    (play,) = [
        child for child in panel.widget.children[1].children if isinstance(child, widgets.Play)
    ]
    assert play.value == 10
    before = panel.picture.value
    play.value = 15
    assert panel.controls["time"].value == pytest.approx(0.3)
    assert panel.picture.value != before
    panel.controls["time"].value = 0.1
    assert play.value == 5
    panel.controls["time"].value = panel.controls["time"].max
    assert play.value == play.max


# ---- what they say ----


def test_zero_skew_and_zero_diffusion_stop_the_particles() -> None:
    panel = panels.toy_panel()
    assert moved(panel) > 0.1
    panel.controls["gamma"].value = 0
    assert moved(panel) == 0
    states = toy_particles("two_peaks", 0.0, 0.0, 0.15).until(0.2)
    assert torch.equal(states[-1], states[0]), "exactly where they are"
    panel.controls["eta"].value = 0.2
    assert moved(panel) > 0.1


def test_a_zero_matrix_without_diffusion_leaves_every_point_still() -> None:
    panel = panels.lorenz_panel()
    assert moved(panel) > 0.1
    for name in ("xy", "xz", "yz"):
        panel.controls[name].value = 0
    assert moved(panel) == 0
    assert torch.equal(lorenz_paths(0.0, 0.0, 0.0, 0.0, 0.3)[-1], lorenz_paths(0, 0, 0, 0, 0.3)[0])
    panel.controls["eta"].value = 0.1
    assert moved(panel) > 0.1


def test_time_zero_is_the_start() -> None:
    states = stream_particles("ring", "x", 1.0, 0.15).until(0)
    assert len(states) == 1
    panel = panels.stream_panel(time=0)
    assert moved(panel) == 0


@pytest.mark.parametrize("name", PSI)
def test_every_stream_function_keeps_the_law(name: str) -> None:
    world, sigma = "two_peaks", 0.15
    field = stream_field(world, name, 0.5, sigma)
    x = blurred_samples(world, 200, sigma, 3).double()
    assert residual(field, law(world, sigma)[0], x).relative < 1e-5
    panel = panels.stream_panel(world, name, 0.5)
    ratio = float(re.search(r"samples (\S+) noise floors", panel.status.value)[1])
    assert moved(panel) > 0.3
    assert ratio < 3, "the cloud looks the same"


def test_pictures_are_the_same_every_time(panel: Panel) -> None:
    again: Callable[[], Panel] = MAKERS[
        "lorenz" if panel.projection else "stream" if panel.panes == 2 else "toy"
    ]
    assert np.array_equal(panel.picture.value, again().picture.value)
