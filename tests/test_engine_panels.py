"""Panels of the engine in a real browser: they run, obey, and show what Python computes."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from eqflow_nb import measures, panels, rollout, snapshots
from eqflow_nb.flows import spectral_kernel
from eqflow_nb.panels import chemistry, engine, lorenz, paint
from eqflow_nb.snapshots.lorenz import LorenzField

# Puts a panel into the page and leaves it, with what its kind made, as `panel` and `kind`.
MOUNT = """([spec, traits]) => {
  const told = {};
  window.link = traits && { sent: traits, told, get: (name) => link.sent[name], off() {},
    set: (name, value) => { link.sent[name] = value; told[name]?.(); }, save_changes() {},
    on: (event, act) => { told[event.split(':')[1]] = act; } };
  document.body.replaceChildren();
  eqflow.begin(document.body, spec, window.link);
  window.panel = document.body.firstChild;
  window.kind = eqflow.PANELS.at(-1).kind;
}"""
STILL = "kind.stage.want(false)"


@pytest.fixture(scope="module")
def page(chrome):
    page = chrome.new_page(viewport={"width": 900, "height": 800})
    page.set_content("<!doctype html><meta charset=utf-8><body></body>")
    page.add_script_tag(content=engine.bundle())
    return page


@pytest.fixture(scope="module")
def space():
    return panels.lorenz_panel()


@pytest.fixture(scope="module")
def films():
    return panels.chemistry_panel()


def frames(page: Any) -> int:
    return int(page.locator(".eqflow-live").get_attribute("data-frames"))


def wait_for_frames(page: Any, more: int) -> None:
    page.wait_for_function(f"Number(panel.dataset.frames) >= {frames(page) + more}", timeout=30_000)


def move(page: Any, label: str, value: str) -> None:
    """Set a control of a panel that rests, and wait for the frame after it."""
    control = page.locator("label", has_text=label).locator("input, select")
    if control.evaluate("e => e.tagName") == "SELECT":
        control.select_option(value)
    else:
        control.fill(value)
    page.wait_for_function("kind.stage.changes.size === 0", timeout=30_000)


def field(page: Any, of: str, size: int) -> Tensor:
    return torch.tensor(page.evaluate(f"Array.from({of})"), dtype=torch.float64).view(-1, size)


# Lorenz


def test_every_flow_begins_with_the_same_blurred_points(page, space):
    page.evaluate(MOUNT, [space.spec, None])
    page.evaluate(STILL + "; kind.restart()")
    x = field(page, "kind.runs[0].x", 3)
    samples = snapshots.world("lorenz").sample(lorenz.MOVING + lorenz.BEHIND, 1)[: lorenz.FEW]
    assert x.shape == samples.shape
    assert float((x - samples).std()) == pytest.approx(lorenz.SIGMA, rel=0.05)
    for run in range(1, 4):
        assert torch.equal(field(page, f"kind.runs[{run}].x", 3), x)
    moves = "kind.fields.map((f) => { const v = kind.start.slice(); f(kind.start, v); return v; })"
    speeds = [field(page, f"{moves}[{run}]", 3).square().sum(1).mean().sqrt() for run in (1, 2, 3)]
    assert [float(speed) for speed in speeds] == pytest.approx([3**0.5] * 3, rel=0.1)


def test_the_learned_flow_goes_and_stays_as_in_python(page, space):
    page.evaluate(MOUNT, [space.spec, None])
    page.evaluate(STILL + "; kind.restart(); for (let i = 0; i < 20; i++) kind.frame(.05)")
    start, x = field(page, "kind.start", 3), field(page, "kind.runs[1].x", 3)
    net, dt = lorenz.shipped_flow().double(), page.evaluate("kind.time") / 20
    *_, (_, there) = rollout.rk4(net, start, dt, 20)
    net.float()
    assert float((x - there).abs().max()) < 1e-3
    page.evaluate(
        "for (let i = 0; i < 480; i++) { kind.runs.forEach(({ x }, k) => {"
        "if (k === 1) eqflow.rk4(kind.fields[1], x, .06, kind.work); }) }"
    )
    x = field(page, "kind.runs[1].x", 3).float()
    assert float((x.abs() < 4).all(1).double().mean()) > 0.99
    draw = snapshots.world("lorenz").blurred(lorenz.SIGMA)
    floor, _ = measures.noise_floor(measures.sliced_wasserstein, draw, n=len(x), pairs=4, seed=0)
    assert measures.preservation(x, draw, floor, seed=0) < 2


def test_skew_stays_in_planes_and_the_truth_is_lorenz(page, space):
    page.evaluate(MOUNT, [space.spec, None])
    page.evaluate(STILL + "; kind.restart(); for (let i = 0; i < 40; i++) kind.frame(.05)")
    axis = torch.tensor([0.5, -1.0, 0.3], dtype=torch.float64)  # of K: k . x is constant
    start, x = field(page, "kind.start", 3), field(page, "kind.runs[2].x", 3)
    assert float((x @ axis - start @ axis).abs().max()) < 1e-9
    assert float((x - start).norm(dim=1).mean()) > 0.5
    samples = snapshots.world("lorenz").sample(lorenz.MOVING + lorenz.BEHIND, 1)
    rms = LorenzField()(samples).square().sum(1).mean().sqrt()
    v = field(
        page,
        "(() => { const v = kind.start.slice(); kind.fields[0](kind.start, v); return v; })()",
        3,
    )
    torch.testing.assert_close(v, LorenzField()(start) * 3**0.5 / rms, rtol=1e-5, atol=1e-5)


def test_a_slider_of_the_skew_acts_in_the_next_frame(page, space):
    page.evaluate(MOUNT, [space.spec, None])
    wait_for_frames(page, 1)
    page.evaluate(STILL)
    for label in ("K[x,y]", "K[x,z]", "K[y,z]"):
        move(page, label, "0")
    before = field(page, "kind.runs[2].x", 3)
    page.evaluate("kind.frame(.05)")
    assert torch.equal(field(page, "kind.runs[2].x", 3), before), "no skew, no motion"
    move(page, "show", "skew")
    assert page.locator("canvas:visible").count() == 1


def test_keys_and_drags_turn_the_view(page, space):
    page.evaluate(MOUNT, [space.spec, None])
    page.evaluate(STILL)
    canvas = page.locator("canvas").first
    angles = [page.evaluate("[kind.camera.azimuth, kind.camera.elevation]")]
    canvas.press("ArrowLeft")
    angles.append(page.evaluate("[kind.camera.azimuth, kind.camera.elevation]"))
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 80, box["y"] + 70)
    page.mouse.up()
    angles.append(page.evaluate("[kind.camera.azimuth, kind.camera.elevation]"))
    first, second, third = np.array(angles)
    assert first[0] != second[0] and first[1] == second[1]
    assert (second != third).all()
    given = "Float64Array.of(1, 2, 2), kind.camera, 3, new Float64Array(3)"
    seen = page.evaluate(f"Array.from(eqflow.projected({given}))")
    flat = page.evaluate("Array.from(kind.camera.rows())")
    rotation = np.reshape(flat, (3, 3))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    across, up, depth = rotation @ [1, 2, 2] / 3
    size = 1 / (1 - 0.16 * depth)
    np.testing.assert_allclose(seen, [size * across, -size * up, depth], atol=1e-12)


# Chemistry


def both(page: Any, of: str) -> Tensor:
    return torch.stack([field(page, f"{of}[{c}]", 128) for c in (0, 1)])[None]


def test_both_films_start_alike_and_the_true_one_is_pythons(page, films):
    page.evaluate(MOUNT, [films.spec, None])
    page.evaluate(STILL + "; kind.restart()")
    start = both(page, "kind.truth")
    assert torch.equal(start, both(page, "kind.inferred"))
    world, shipped = snapshots.field_world("waves"), chemistry._snapshots("waves")[:1]
    assert float((world.scaled(start) - shipped).square().mean().sqrt()) < 0.015, "256 levels"
    page.evaluate("for (let i = 0; i < 40; i++) kind.frame(1 / 24 + 1e-9)")
    assert page.evaluate("kind.time") == 40
    later = world.raw(world.advance(world.scaled(start), 40))
    assert float((both(page, "kind.truth") - later).abs().max()) < 1e-4


@pytest.mark.parametrize("preset", ["life", "waves", "bursts"])
def test_the_inferred_film_is_the_spectral_flow(preset, page, films):
    page.evaluate(MOUNT, [films.spec, None])
    page.evaluate(STILL)
    if preset != "waves":
        move(page, "preset", preset)
    page.evaluate("for (let i = 0; i < 20; i++) kind.frame(1 / 24 + 1e-9)")
    start = both(page, "[kind.sheet.start.u, kind.sheet.start.v]")
    world, score = snapshots.field_world(preset), chemistry.spectrum(preset)
    symbol, x = spectral_kernel.equal_rate_kernel(score), world.scaled(start)
    t = 20 * chemistry._one_turn(score) / chemistry.turn(preset)
    change = spectral_kernel.exact_state(score, symbol, x, t) - x
    found = world.scaled(both(page, "kind.inferred")) - x
    # The browser knows C(|k|), means over rings, and not every C(k).
    assert float(torch.cosine_similarity(found.flatten(), change.flatten(), 0)) > 0.98
    true = world.scaled(both(page, "kind.truth")) - x
    ratio = float(found.square().mean().sqrt() / true.square().mean().sqrt())
    assert 0.6 < ratio < 1.6, "the clock is the truth's"
    assert float(torch.cosine_similarity(found.flatten(), true.flatten(), 0)) > 0.6


def test_a_slider_turns_the_inferred_film_back(page, films):
    page.evaluate(MOUNT, [films.spec, None])
    page.evaluate(STILL + "; kind.restart()")
    start = both(page, "kind.inferred")
    page.evaluate("for (let i = 0; i < 10; i++) kind.frame(1 / 24 + 1e-9)")
    move(page, "skew strength", "-1")
    page.evaluate("for (let i = 0; i < 10; i++) kind.frame(1 / 24 + 1e-9)")
    assert float((both(page, "kind.inferred") - start).abs().max()) < 1e-6
    move(page, "skew strength", "0")
    move(page, "diffusion", "0.1")
    page.evaluate("for (let i = 0; i < 3; i++) kind.frame(1 / 24 + 1e-9)")
    assert float((both(page, "kind.inferred") - start).std()) > 1e-3


def test_bad_input_numbers_are_told_in_words(page, space, films):
    page.evaluate(MOUNT, [films.spec, None])
    wait_for_frames(page, 1)
    page.evaluate("kind.truth[0][0] = NaN")
    error = page.locator(".eqflow-error")
    page.wait_for_function("panel.dataset.state === 'error'")
    assert error.inner_text() == "The true film left for infinity. Press Start again."
    page.get_by_role("button", name="Start again").click()
    wait_for_frames(page, 3)
    assert page.locator(".eqflow-live").get_attribute("data-state") == "running"
    bad = space.spec | {"mixture": space.spec["mixture"] | {"weights": engine.packed([np.nan])}}
    page.evaluate(MOUNT, [bad, None])
    assert "weights holds NaN at place 0" in page.locator(".eqflow-error").inner_text()


# Painting


def test_strokes_and_keys_reach_python(page):
    sheet = paint.paint_panel().sheet
    page.evaluate(MOUNT, [sheet.spec, {}])
    canvas, box = page.locator("canvas"), page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.up()
    pixels = sent(page)
    assert pixels[96, 60].tolist() == [13, 77, 191, 255], "blue, the first brush"
    assert pixels[96, 20, 3] == 0 and pixels[140, 96, 3] == 0
    panel = paint.paint_panel()
    panel.sheet.pixels = pixels.tobytes()
    assert float(panel.picture()[3].mean()) > 0.02
    page.get_by_role("button", name="red").click()
    canvas.focus()
    for key in ("Shift+ArrowUp", "Shift+ArrowUp", "ArrowUp", " "):
        canvas.press(key)
    assert sent(page)[60, 96].tolist() == [214, 40, 32, 255]
    page.get_by_role("button", name="eraser").click()
    canvas.press(" ")
    assert sent(page)[60, 96, 3] == 0


def sent(page: Any) -> np.ndarray:
    pixels = page.evaluate("Array.from(new Uint8Array(link.sent.pixels.buffer))")
    return np.array(pixels, np.uint8).reshape(192, 192, 4)


def test_pixels_of_python_show_on_the_sheet(page):
    panel = paint.paint_panel()
    page.evaluate(MOUNT, [panel.sheet.spec, {}])
    panel.fish.click()
    given = list(panel.sheet.pixels)
    page.evaluate("given => link.set('pixels', new DataView(Uint8Array.from(given).buffer))", given)
    shown = page.evaluate("Array.from(kind.context.getImageData(0, 0, 192, 192).data)")
    off = np.abs(np.array(shown, int) - np.array(given)).reshape(-1, 4)
    assert off[np.array(given).reshape(-1, 4)[:, 3] == 255].max() <= 1


# Stamps


def test_creatures_are_put_on_sheets_turned_and_removed(page):
    panel = panels.stamps_panel()
    page.evaluate(MOUNT, [panel.spec, {"stamps": panel.engine.stamps}])

    def press(sheet, *places):
        canvas = page.locator("canvas").nth(sheet)
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        for number, (x, y) in enumerate(places):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            if number == 0:
                page.mouse.down()
        page.mouse.up()
        panel.engine.stamps = page.evaluate("link.sent.stamps")
        return panel.stamps[sheet].round().tolist()

    assert press(1, (0.75, 0.5)) == [[8, 0, 0]]
    assert press(1, (0.25, 0.5), (0.25, 0.2)) == [[8, 0, 0], [-8, 0, 90]], "it looks up"
    assert press(1, (0.75, 0.5), (0.5, 0.5)) == [[8, 0, 180], [-8, 0, 90]], "turned, and kept"
    assert press(1, (0.75, 0.5)) == [[-8, 0, 90]], "gone"
    page.locator("canvas").nth(2).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.down(" ")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.up(" ")
    [[x, y, degrees]] = page.evaluate("link.sent.stamps[2]")
    assert (x, round(y, 1), degrees) == (0, 0.7, 180)
    assert page.evaluate("link.sent.stamps[0]") == [[0, 5, 0], [0, -5, 0]], "as it began"
    page.get_by_role("button", name="Start again").click()
    assert page.evaluate("link.sent.stamps") == panel.spec["stamps"]
