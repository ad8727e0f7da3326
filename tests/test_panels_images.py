"""The panels of patterns and creatures: every control does something, and trouble is seen."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from eqflow_nb import scores, snapshots
from eqflow_nb.course import creatures as alife
from eqflow_nb.inputs import InputError
from eqflow_nb.panels import images as panels_images
from eqflow_nb.panels import paint as panels_paint
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


def test_a_creature_s_frame_and_the_step_after_it_share_a_denoising() -> None:
    path = panels_images.Path("dots", torch.zeros(3, 3), 0.0, 0.5)
    seen = []
    inner = path.score
    path.score = lambda: None
    path.score.denoise = lambda x: seen.append(1) or inner.denoise(x)  # type: ignore[attr-defined]
    path.until(20)
    assert len(seen) == 21, "a step each, and the last frame"
    with torch.no_grad():
        x = path.world.blurred(0.5)(1, 3)
        plain = path.world.raw(scores.load("dots", 0.5).denoise(x))[0]
    torch.testing.assert_close(path.frames[0], plain, atol=1e-5, rtol=0)


def test_no_control_of_the_pattern_panel_waits_for_a_simulation(monkeypatch) -> None:
    panel = panels_images.gray_scott_panel()

    def simulated(*args: object, **kwargs: object) -> None:
        raise AssertionError("simulated again")

    monkeypatch.setattr(snapshots.gray_scott, "simulate", simulated)
    for preset in panel.controls["preset"].options:
        panel.controls["preset"].value = preset
    assert not panel.errors


# ---- the canvas ----


def drawn_on(panel: panels_paint.PaintPanel, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """The painted layer as a browser would send it: empty, to be filled."""
    layer = np.zeros((192, 192, 4), np.uint8)
    panel.sheet[1].set_trait("image_data", b"sent")
    monkeypatch.setattr(type(panel.sheet[1]), "get_image_data", lambda self: layer)
    return layer


def sent(panel: panels_paint.PaintPanel, content: bytes, name: str = "pet.png") -> None:
    """Upload a file, as a browser does."""
    now = dt.datetime.now(dt.UTC)
    file = {"name": name, "type": "image/png", "size": len(content), "content": content}
    panel.upload.value = ({**file, "last_modified": now},)


def file_of(picture: Image.Image, form: str = "png") -> bytes:
    kept = io.BytesIO()
    picture.save(kept, form)
    return kept.getvalue()


def disc(colour: tuple[int, int, int]) -> Image.Image:
    picture = Image.new("RGB", (200, 150), "white")
    ImageDraw.Draw(picture).ellipse((50, 25, 150, 125), fill=colour)
    return picture


def middle_of(icon: torch.Tensor) -> list[float]:
    """The colour in the middle; the rim of a cut-out takes some of its old background."""
    return icon[:3, 48, 48].mul(255).round().tolist()


def test_a_painted_creature_comes_to_life(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = panels_paint.paint_panel(seconds=1.0)
    assert panel.film.layout.display == "none", "an empty picture shows as a broken one"
    panel.fish.click()

    def shorter(icon: torch.Tensor, seconds: float, sigma: float) -> alife.Life:
        assert torch.equal(icon, panels_paint.example())
        return alife.live(*alife.adapt(icon, sigma, seconds), torch.zeros(3, 3), 20, 1)

    monkeypatch.setattr(panels_paint, "bring_to_life", shorter)
    panel.go.click()
    assert panel.film.value[:6] == b"GIF89a"
    assert panel.film.layout.display is None
    assert "20 steps of life; kept" in panel.status.value
    assert not panel.go.disabled


@pytest.mark.parametrize("touched", [True, False])
def test_an_empty_canvas_is_said_and_raised(touched: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = panels_paint.paint_panel()
    if touched:
        drawn_on(panel, monkeypatch)
    with pytest.raises(InputError, match="transparent all over"):
        panel.start()
    assert "draw something on it" in panel.trouble.value
    assert panel.errors
    assert not panel.go.disabled


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_an_upload_is_shown_cut_out_and_can_be_painted_over(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = panels_paint.paint_panel()
    layer = drawn_on(panel, monkeypatch)
    shown = []
    monkeypatch.setattr(
        type(panel.sheet[1]), "put_image_data", lambda self, data, x, y: shown.append((data, x, y))
    )
    sent(panel, file_of(disc((26, 143, 90)), form))  # a JPEG called .png will do
    ((data, x, y),) = shown
    assert data.shape == (152, 152, 4)
    assert (x, y) == (20, 20), "in the middle"
    assert data[0, 0, 3] == 0, "its white background is gone"
    assert data[76, 76].tolist() == pytest.approx([26, 143, 90, 255], abs=4)
    assert panel.upload.value == (), "the same file can be uploaded again"
    assert "cut out" in panel.status.value
    assert middle_of(panel.picture()) == pytest.approx([26, 143, 90], abs=4)
    layer[60:90, 60:90] = (214, 40, 32, 255)  # what the browser sends once it is painted over
    panel._down(75, 75)
    assert middle_of(panel.picture()) == [214, 40, 32]


def test_clear_forgets_an_upload() -> None:
    panel = panels_paint.paint_panel()
    sent(panel, file_of(disc((26, 143, 90))))
    panel.clear.click()
    with pytest.raises(InputError, match="transparent all over"):
        panel.picture()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hello", "no image that can be read"),
        (file_of(Image.new("RGBA", (9, 9))), "transparent all over"),
        (file_of(Image.new("RGB", (9, 9), "blue")), "one colour all over"),
        (file_of(disc((9, 9, 9)))[:-200], "no image that can be read"),
        (bytes(20_000_001), "over 20 MB"),
    ],
)
def test_bad_input_uploads_are_said_and_leave_the_sheet(content: bytes, says: str) -> None:
    panel = panels_paint.paint_panel()
    panel.fish.click()
    with pytest.raises(InputError, match=says):
        sent(panel, content)
    assert says in panel.trouble.value
    assert 'role="alert"' in panel.trouble.value
    assert torch.equal(panel.picture(), panels_paint.example())
    sent(panel, file_of(disc((26, 143, 90))))
    assert panel.trouble.value == ""
    assert not panel.errors


def test_brush_width_and_eraser_reach_the_canvas(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = panels_paint.paint_panel()
    layer, done = panel.sheet[1], []
    monkeypatch.setattr(
        type(layer),
        "fill_circle",
        lambda self, x, y, r: done.append((r, self.fill_style, self.global_composite_operation)),
    )
    panel._move(5, 5)
    assert not done, "nothing is painted before the button is down"
    panel._down(5, 5)
    panel.width.value, panel.brush.value = 30, "eraser"
    panel._move(9, 9)
    panel._lift()
    panel._move(20, 20)
    assert [(r, how) for r, _, how in done] == [(9, "source-over"), (15, "destination-out")]
    assert done[0][1] == panels_paint.BRUSHES["blue"]
    assert layer.global_composite_operation == "source-over"


def test_the_sheet_lets_go_of_the_keyboard(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = panels_paint.paint_panel()
    asked = []
    monkeypatch.setattr(type(panel.brush), "focus", lambda self: asked.append(self))
    for key in ("a", "Tab", "Escape"):
        keys = {"shift_key": False, "ctrl_key": False, "meta_key": False}
        event = {"event": "key_down", "key": key, **keys}
        panel.sheet[1]._handle_frontend_event(None, event, [])
    assert asked == [panel.brush] * 2


def test_a_symmetric_rule_that_runs_away_counts_as_lost(tmp_path: Path) -> None:
    world = icons.icons("dots")
    rule = -3 * torch.eye(3)
    life = alife.live(scores.load("dots", 0.5), world, rule, 100, 1)
    assert life.kept == 0
    assert life.tracks == []
