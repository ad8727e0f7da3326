"""Panels without a browser: what is moved, drawn or uploaded changes the picture, and rightly."""

import datetime as dt
import io
import json
import math
import re
from typing import Any

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from mixtures import Mixed
from PIL import Image, ImageDraw

from eqflow_nb import panels, snapshots
from eqflow_nb.course import creatures as alife
from eqflow_nb.flows import exact
from eqflow_nb.flows.continuity import residual
from eqflow_nb.inputs import InputError
from eqflow_nb.panels import paint as panels_paint
from eqflow_nb.panels.base import Panel, control, slider
from eqflow_nb.panels.live import knob
from eqflow_nb.panels.stream_functions import PSI
from eqflow_nb.scores import MixtureScore


@pytest.fixture
def panel():
    def draw(panes, gain, kind):
        panes[0].plot([0, gain], linestyle=kind)
        return f"moved {gain:.3f} sd"

    choice = control(widgets.Dropdown, "kind", "-", options=["-", ":"])
    controls = {"gain": slider("gain g", 1, 0, 4, 1), "kind": choice}
    return Panel(draw, controls, {"gain": [0, 2]}, "a line", "two lines")


def test_every_control_changes_the_picture(panel):
    for name, value in {"gain": 3, "kind": ":"}.items():
        before = panel.picture.value
        panel.controls[name].value = value
        assert bytes(panel.picture.value[:4]) == b"\x89PNG"
        assert panel.picture.value != before, name
    assert re.search(r"moved 3.000 sd · redraw \d+ ms", panel.status.value)


def test_the_twin_draws_what_the_live_picture_draws():
    gains = []

    def draw(panes, gain):
        gains.append(gain)
        panes[0].plot([0, gain])
        return "moved"

    panel = Panel(draw, {"gain": slider("strength g", 1, 0, 4, 1)}, {"gain": [0, 2]}, "", "")
    figure = panel.static()
    assert gains == [1, 0, 2]
    assert [list(axes.lines[0].get_ydata()) for axes in figure.axes] == [[0, 0], [0, 2]]
    assert [axes.get_title() for axes in figure.axes] == ["g = 0", "g = 2"]


def test_showing_leaves_the_twin(panel, monkeypatch):
    seen: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda data, **rest: seen.append((data, rest)))
    panel.show()
    assert seen[0][0] == panel.bundle()
    assert seen[1][0]["image/png"]
    assert seen[1][1]["metadata"]["image/png"]["alt"] == panel.alt


def test_errors_are_shown_kept_and_raised():
    def draw(panes, gain):
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


# What they say


@pytest.mark.parametrize("name", PSI)
def test_every_stream_function_keeps_the_distribution(name):
    score = MixtureScore(*snapshots.world("two_peaks").mixture(0.15))
    x = snapshots.world("two_peaks").sample(200, 3).double()
    field = exact.StreamFunction(Mixed(PSI[name], 0.5), score)
    assert residual(field, score, x).relative < 1e-5


# Panels that live in the browser

LIVE = {
    "start": panels.start_panel,
    "toys": panels.toy_panel,
    "streams": panels.stream_panel,
    "draw": panels.draw_panel,
    "own": panels.own_panel,
    "lorenz": panels.lorenz_panel,
    "chemistry": panels.chemistry_panel,
    "creatures": panels.creatures_panel,
}


@pytest.mark.parametrize("name", LIVE)
def test_a_live_panel_hands_everything_over(name):
    panel = LIVE[name]()
    page = panel.html()
    (data,) = re.findall(r'<script type="application/json">(.*?)</script>', page)
    assert json.loads(data)["name"] == name and len(data) < 400_000
    assert "http" not in page.replace("http://www.w3.org", "")
    assert panel.bundle().keys() >= {"application/vnd.jupyter.widget-view+json", "text/html"}
    for about in panel.spec["controls"]:
        control = panel.controls[about["name"]]
        assert control.description == about["label"]
        assert getattr(panel.engine, about["name"]) == getattr(control, "index", control.value)
    assert panel.static().axes


def test_values_for_a_live_panel_are_checked():
    with pytest.raises(InputError, match="gamma is nan; it must be"):
        knob("gamma", "γ", math.nan, 0, 1, 0.1)
    with pytest.raises(InputError, match="world 'moon' is unknown; choose one of two_peaks"):
        panels.toy_panel("moon")


def test_stamps_are_a_pair_until_a_browser_says_otherwise():
    panel = panels.stamps_panel()
    assert [stamp.tolist() for stamp in panel.stamps] == [[[0, 5, 0], [0, -5, 0]], [], []]
    panel.engine.stamps = [[[0, 5, 0], [0, -5, 90]], [[8, 0, 0]], []]
    assert len(panel.static().axes) == 3
    assert alife.stamped(panel.stamps, 3, copies=4).shape == (3, 6, 3)


# The canvas to paint on


def send(panel: panels_paint.PaintPanel, content: bytes, name: str) -> None:
    """Upload a file, as a browser does."""
    file = {"name": name, "type": "", "size": len(content), "content": content}
    panel.upload.value = ({**file, "last_modified": dt.datetime.now(dt.UTC)},)


GREEN = (26, 143, 90)


def file_of(picture: Image.Image, form: str = "png") -> bytes:
    kept = io.BytesIO()
    picture.save(kept, form)
    return kept.getvalue()


def disc(form: str) -> bytes:
    picture = Image.new("RGB", (200, 150), "white")
    ImageDraw.Draw(picture).ellipse((50, 25, 150, 125), fill=GREEN)
    return file_of(picture, form)


def test_a_painted_creature_comes_to_life(monkeypatch):
    panel = panels_paint.paint_panel(training=12)
    assert panel.film.layout.display == "none", "an empty picture shows as a broken one"
    panel.fish.click()

    def shorter(icon, training, sigma):
        assert (icon - panels_paint.example()).abs().mean() < 0.02
        return alife.live(*alife.adapt(icon, sigma, training), torch.zeros(3, 3), 20, 1)

    monkeypatch.setattr(panels_paint, "bring_to_life", shorter)
    panel.go.click()
    assert panel.film.value[:6] == b"GIF89a"
    assert "20 steps of life; kept" in panel.status.value


@pytest.mark.parametrize("touched", [True, False])
def test_an_empty_canvas_is_said_and_raised(touched):
    panel = panels_paint.paint_panel()
    if touched:
        panel.sheet.pixels = bytes(4 * 192 * 192)
    with pytest.raises(InputError, match="transparent all over"):
        panel.start()
    assert "draw something on it" in panel.trouble.value
    assert panel.errors and not panel.go.disabled


def test_an_upload_is_cut_out_and_can_be_painted_over():
    panel = panels_paint.paint_panel()
    send(panel, disc("jpeg"), "pet.png")  # a JPEG called .png will do
    shown = np.frombuffer(panel.sheet.pixels, np.uint8).reshape(192, 192, 4)
    assert shown[:20].max() == 0 and shown[22, 22, 3] == 0, "its white background is gone"
    assert shown[96, 96, :3].tolist() == pytest.approx(GREEN, abs=4), "in the middle"
    assert panel.upload.value == (), "the same file can be uploaded again"
    assert "cut out" in panel.status.value
    assert (255 * panel.picture()[:3, 48, 48]).tolist() == pytest.approx(GREEN, abs=4)
    over = shown.copy()
    over[60:130, 60:130] = (214, 40, 32, 255)  # what the browser sends once it is painted over
    panel.sheet.set_state({"pixels": memoryview(over.tobytes())})  # as it arrives
    assert (255 * panel.picture()[:3, 48, 48]).tolist() == pytest.approx([214, 40, 32], abs=0.5)
    panel.clear.click()
    assert not any(panel.sheet.pixels)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hello", "picture is damaged, or no PNG or JPEG picture; save it again"),
        (file_of(Image.new("RGB", (9, 9), "blue")), "one colour all over"),
    ],
)
def test_bad_input_uploads_are_said_and_leave_the_sheet(content, says):
    panel = panels_paint.paint_panel()
    panel.fish.click()
    with pytest.raises(InputError, match=says):
        send(panel, content, "pet.png")
    assert says in panel.trouble.value and 'role="alert"' in panel.trouble.value
    assert (panel.picture() - panels_paint.example()).abs().mean() < 0.02
    send(panel, disc("png"), "pet.png")
    assert panel.trouble.value == "" and not panel.errors
