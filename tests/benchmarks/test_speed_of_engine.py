"""Milliseconds that the panels' engine takes in a browser, for what a frame does."""

import pytest

from eqflow_nb import panels
from eqflow_nb.panels import engine

SETUP = """
    const r = new eqflow.Random(1), n = 128, work = eqflow.workspace(4000);
    const normals = (m) => Float64Array.from({ length: m }, () => r.normal());
    const points = (m, sigma, covariance) => {
      const covariances = covariance && Array(m).fill(covariance);
      const parts = { weights: Array(m).fill(1), means: normals(2 * m), covariances };
      const p = eqflow.mixture(parts, 2, sigma), x = p.sample(2000, r);
      const field = eqflow.linear([[0, 1], [-1, 0]], p.score);
      const dt = 0.015 / eqflow.rmsSpeed(field, x, 2);
      return () => eqflow.rk4(field, x, dt, work);
    };
    const [u, v] = [0, 1].map(() => normals(n * n).map((x) => 0.3 + 0.02 * x));
    const precision = Array.from({ length: n * (n / 2 + 1) }, () => [2, 0.3, 0.3, 1 + r.uniform()]);
    const flow = eqflow.spectralFlow({ n, mean: [0, 0], precision });
"""
FRAMES = {
    "2,000 points, 64 Gaussians": "points(64, 0.15, [[0.02, 0.01], [0.01, 0.03]])",
    "2,000 points, 400 dots": "points(400, 0.15, null)",
    "spectral flow, 128 x 128": "() => { flow.start(u, v); flow.advance(0.1); flow.read(u, v); }",
    "Gray-Scott, 20 steps": "() => eqflow.grayScott({ F: 0.018, k: 0.049 }, u, v, n, 20)",
}


@pytest.mark.parametrize("frame", FRAMES)
def test_a_frame(benchmark, chrome, frame):
    """The first ten steps, before anything is interpolated, and the last hundred of 250."""
    page = chrome.new_page()
    page.add_script_tag(content=engine.bundle())
    body = f"""() => {{ {SETUP} const step = {FRAMES[frame]};
        return Array.from({{ length: 250 }}, () => {{ const begun = performance.now(); step();
                                                    return performance.now() - begun; }}); }}"""
    times = benchmark.pedantic(lambda: page.evaluate(body), rounds=1)
    for name, some in (("first", times[:10]), ("later", times[-100:])):
        benchmark.extra_info[f"{name}, ms"] = round(sorted(some)[len(some) // 2], 1)


PANELS = {"toys": panels.toy_panel, "lorenz": panels.lorenz_panel, "films": panels.chemistry_panel}
PANELS["300 creatures"] = panels.creatures_panel
PACE = """(moves) => new Promise((done) => {
    const panel = document.querySelector('.eqflow-live'), times = [];
    const slider = panel.querySelector('input');
    let drawn = panel.dataset.frames, moved = performance.now();
    const look = () => {
      if (panel.dataset.frames !== drawn) {
        times.push(performance.now() - moved);
        drawn = panel.dataset.frames;
        moved = performance.now();
        if (moves) {
          slider.value = times.length % 2 ? slider.max : slider.min;
          slider.dispatchEvent(new Event('input'));
        }
      }
      if (times.length < 100) setTimeout(look, 1);
      else done(times.sort((a, b) => a - b));
    };
    look();
})"""


@pytest.mark.parametrize("name", PANELS)
def test_a_panel(benchmark, chrome, name):
    """Frames a second, and from a slider moved to the next frame drawn, while all of it runs."""
    page = chrome.new_page(viewport={"width": 1300, "height": 900})
    page.set_content(PANELS[name]().html())
    page.wait_for_selector("[data-state=running]")
    times = benchmark.pedantic(lambda: page.evaluate(PACE, False), rounds=1)
    benchmark.extra_info["median frames a second"] = round(1000 / times[50], 1)
    benchmark.extra_info["slider to frame, ms, p95"] = round(page.evaluate(PACE, True)[95], 1)
