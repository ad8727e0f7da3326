"""The drawing panel without a browser: strokes, sliders and files do what they say."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch

from eqflow_nb import figures
from eqflow_nb.panels.draw import WORDS, DrawPanel, draw_panel
from eqflow_nb.panels.draw_sheet import SIDE
from eqflow_nb.snapshots import dots as drawn


@pytest.fixture
def panel(tmp_path: Path) -> DrawPanel:
    return DrawPanel(drawn.ready("ring"), folder=tmp_path)


def stroke(panel: DrawPanel, *places: tuple[float, float]) -> None:
    """Press, move and lift the mouse, as the canvas reports it, in shares of the sheet."""
    canvas = panel.sheet.canvas
    events = ["mouse_down", *["mouse_move"] * (len(places) - 1), "mouse_up"]
    for event, (x, y) in zip(events, [*places, places[-1]], strict=True):
        content = {"event": event, "x": x * SIDE, "y": y * SIDE}
        canvas._handle_custom_msg(content, [])


def test_a_stroke_adds_dots_where_it_was(panel: DrawPanel) -> None:
    panel.clear.click()
    assert len(panel.dots) == 0 and panel.motion is None
    assert "choose a drawing" in panel.status.value
    stroke(panel, (0.25, 0.25), (0.5, 0.25), (0.75, 0.25))
    assert len(panel.dots) > 100
    x, y = panel.dots.T
    assert float(x.min()) == pytest.approx(-1.8, abs=0.1), "left end and radius"
    assert float(y.mean()) == pytest.approx(1.5, abs=0.05), "a canvas counts downwards"
    assert panel.motion is not None and len(panel.motion.dots) == len(panel.dots)
    assert panel.play.playing, "and the particles start"
    panel.sheet.tool.value = "eraser"
    panel.sheet.size.value = 1.0
    stroke(panel, (0.0, 0.25), (1.0, 0.25))
    assert len(panel.dots) == 0 and panel.motion is None
    panel.tick()
    panel.sheet.tool.value = "spray"
    stroke(panel, (0.5, 0.5), (0.5, 0.6))
    assert len(panel.dots) == 40


def test_moving_without_pressing_draws_nothing(panel: DrawPanel) -> None:
    canvas, before = panel.sheet.canvas, panel.dots
    for event in ("mouse_move", "mouse_out"):
        canvas._handle_custom_msg({"event": event, "x": 9, "y": 9}, [])
    assert panel.dots is before


def test_ticks_move_the_particles_and_keep_the_drawing(panel: DrawPanel) -> None:
    start = panel.motion.x
    for _ in range(15):
        panel.play.value += 1  # as the button does in the browser
    assert panel.motion.frames == 15
    assert float((panel.motion.x - start).norm(dim=1).mean()) > 0.3
    floors = re.search(r"t = (\S+): (\S+) floors", panel.measured.value)
    assert float(floors[1]) == pytest.approx(1.0) and float(floors[2]) < 2
    panel.again.click()
    assert torch.equal(panel.motion.x, start)


def test_what_a_slider_changes(panel: DrawPanel) -> None:
    panel.tick(5)
    motion, x = panel.motion, panel.motion.x
    panel.controls["gamma"].value = -2
    panel.controls["eta"].value = 0.5
    assert panel.motion is motion and torch.equal(motion.x, x), "they go on: the law is the same"
    panel.controls["sigma"].value = 0.4
    assert panel.motion is not motion and panel.motion.sigma == 0.4
    panel.controls["gamma"].value = 0
    panel.controls["eta"].value = 0
    start = panel.motion.x
    panel.tick(5)
    assert torch.equal(panel.motion.x, start), "no skew, no diffusion, no motion"


def test_drawings_to_choose_need_no_mouse(panel: DrawPanel) -> None:
    for name in drawn.READY:
        panel.controls["drawing"].value = name
        assert torch.equal(panel.dots, drawn.ready(name))
    stroke(panel, (0.1, 0.1))
    assert panel.controls["drawing"].value == WORDS, "it is no longer that one"


def test_a_drawing_is_saved_and_loaded(panel: DrawPanel, tmp_path: Path) -> None:
    dots = panel.dots
    panel.name.value = "mine.npz"
    panel.keep.click()
    assert f"{len(dots)} dots saved in mine.npz" in panel.status.value
    content = (tmp_path / "mine.npz").read_bytes()
    panel.clear.click()
    file = {"name": "mine.npz", "type": "", "size": len(content), "content": content}
    panel.upload.value = ({**file, "last_modified": datetime.now(UTC)},)
    assert torch.equal(panel.dots, dots) and panel.upload.value == ()
    panel.name.value = "../../elsewhere.npz"
    panel.keep.click()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["elsewhere.npz", "mine.npz"]


def test_bad_files_are_told_and_change_nothing(panel: DrawPanel) -> None:
    dots = panel.dots
    with pytest.raises(ValueError, match=r"no whole \.npz"):
        panel.take(b"nothing of the kind")
    assert panel.dots is dots and len(panel.errors) == 1
    assert 'role="alert"' in panel.trouble.value and "no whole .npz" in panel.trouble.value
    panel.name.value = "mine.txt"
    with pytest.raises(ValueError, match=r"ends in \.npz"):
        panel.save()
    panel.controls["sigma"].value = 0.3
    assert panel.trouble.value == "" and panel.errors == []


def test_one_panel_moves_at_a_time() -> None:
    one, other = draw_panel(), draw_panel()
    one.play.playing = True
    other.play.playing = True
    assert not one.play.playing and other.play.playing
    other.rest()
    assert not other.play.playing


def test_the_twin_leaves_the_live_particles_alone(panel: DrawPanel) -> None:
    start = panel.motion.x
    figure = panel.static()
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:3] == ["score, σ = 0.20", "flow, γ = 1.0", "start"]
    assert float(re.search(r"t = 10: (\S+) floors", titles[3])[1]) < 2
    assert panel.motion.x is start
    assert len(figures.png(figure, 125)) < 80_000
