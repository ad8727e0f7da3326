"""Milliseconds that the panels' engine takes in a browser, for what a frame does."""

from __future__ import annotations

from typing import Any

import pytest

from eqflow_nb.panels import engine

SETUP = """
    const { mixture, linear, workspace, rk4, rmsSpeed } = eqflow, r = new eqflow.Random(1), n = 128;
    const normals = (m) => Float64Array.from({ length: m }, () => r.normal());
    const points = (parts, sigma) => {
      const m = mixture(parts, 2, sigma), x = m.sample(2000, r), work = workspace(x.length);
      const field = linear([[0, 1], [-1, 0]], m.score), dt = 0.015 / rmsSpeed(field, x, 2);
      return () => rk4(field, x, dt, work);
    };
    const dots = (m) => ({ weights: Array(m).fill(1), means: normals(2 * m), covariances: null });
    const wide = (m) => ({ ...dots(m), covariances: Array(m).fill([[0.02, 0.01], [0.01, 0.03]]) });
    const net = (...sizes) => ({ signs: [-1, -1, 1], layers: sizes.slice(1).map((size, i) => (
      { weights: normals(sizes[i] * size), bias: normals(size) })) });
    const [u, v] = [0, 1].map(() => normals(n * n).map((x) => 0.3 + 0.02 * x));
    const precision = Array.from({ length: n * (n / 2 + 1) }, () => [2, 0.3, 0.3, 1 + r.uniform()]);
"""
FRAMES = {
    "2,000 points, 64 Gaussians, a step": "points(wide(64), 0.15)",
    "2,000 points, 400 dots, a step": "points(dots(400), 0.15)",
    "2,000 points, 400 dots, much blur, a step": "points(dots(400), 0.6)",
    "500 points, a network of 256 units, a step": """(() => {
        const x = normals(1500), work = workspace(1500), field = eqflow.network(net(3, 256, 3));
        return () => rk4(field, x, 1e-3, work); })()""",
    "spectral flow of 128 x 128 pixels, a step": """(() => {
        const flow = eqflow.spectralFlow({ n, mean: [0, 0], precision });
        flow.start(u, v);
        return () => { flow.advance(0.1); flow.read(u, v); }; })()""",
    "Gray-Scott on 128 x 128 pixels, 20 steps": (
        "() => eqflow.grayScott({ F: 0.018, k: 0.049 }, u, v, n, 20)"
    ),
}


@pytest.mark.parametrize("frame", FRAMES)
def test_a_frame(benchmark: Any, chrome: Any, frame: str) -> None:
    """The first ten steps, before anything is interpolated, and the last hundred of 250."""
    page = chrome.new_page()
    page.add_script_tag(content=engine.bundle())
    body = f"""() => {{ {SETUP} const step = {FRAMES[frame]};
        return Array.from({{ length: 250 }}, () => {{ const begun = performance.now(); step();
                                                    return performance.now() - begun; }}); }}"""
    times = benchmark.pedantic(lambda: page.evaluate(body), rounds=1)
    for name, some in (("first", times[:10]), ("later", times[-100:])):
        low, middle = (sorted(some)[len(some) * share // 100] for share in (10, 50))
        benchmark.extra_info[f"{name}, ms"] = round(middle, 1)
        benchmark.extra_info[f"{name}, a tenth at most, ms"] = round(low, 1)
    page.close()
    assert benchmark.extra_info["later, ms"] < 100
