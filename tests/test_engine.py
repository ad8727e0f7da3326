"""The panels' engine in a real browser: every numerical function against Python's own."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from mixtures import Mixed, mixture, normal
from torch import Tensor

from eqflow_nb import rollout, scores, snapshots
from eqflow_nb.flows import exact, skew, spectral_kernel
from eqflow_nb.flows import poses as living
from eqflow_nb.flows.networks import FlowNetworks
from eqflow_nb.inputs import InputError
from eqflow_nb.panels import engine
from eqflow_nb.panels.stream_functions import PSI
from eqflow_nb.scores.pair_law import PairLaw
from eqflow_nb.snapshots import gray_scott, lorenz

Run = Callable[..., Any]
J = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)

# What the checks are written with: fields and functions of all states at once, as arrays.
HELPERS = """
    const at = (field, x) => { const v = Float64Array.from(x); field(Float64Array.from(x), v);
                               return Array.from(v); };
    const potential = (psi, x, outputs, d) => {
      const value = new Float64Array(x.length / d * outputs);
      const slope = new Float64Array(x.length * outputs);
      psi(Float64Array.from(x), value, slope);
      return [Array.from(value), Array.from(slope)];
    };
    const path = (step, x, steps) => {
      const y = Float64Array.from(x), work = eqflow.workspace(x.length);
      for (let i = 0; i < steps; i++) step(y, work);
      return Array.from(y); };
"""


@pytest.fixture(scope="module")
def js(chrome):
    """Run the body of a function in the page; what it is given by name it finds in `given`."""
    page = chrome.new_page()
    page.add_script_tag(content=engine.bundle())

    def run(body, **given):
        # As text, since a list takes a browser's driver some 50 microseconds a number.
        text = json.dumps({name: plain(value) for name, value in given.items()})
        function = f"({{ {', '.join(given)} }}) => {{ {HELPERS} {body} }}"
        return json.loads(page.evaluate(f"t => JSON.stringify(({function})(JSON.parse(t)))", text))

    return run


def plain(value: Any) -> Any:
    """Tensors as flat lists, also inside of dictionaries and lists."""
    if isinstance(value, Tensor):
        return value.detach().double().flatten().tolist()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value


def parts(weights: Tensor, means: Tensor, covariances: Tensor | None) -> dict[str, Any]:
    return {"weights": weights, "means": means, "covariances": covariances}


def blurred(weights: Tensor, means: Tensor, covariances: Tensor | None, sigma: float) -> Any:
    d = means.shape[1]
    wide = torch.zeros(len(means), d, d).double() if covariances is None else covariances
    return scores.MixtureScore(weights, means, wide + sigma**2 * torch.eye(d).double())


def worst(found: list[float], truth: Tensor) -> float:
    """The largest error of a state, relative to the true vector there."""
    error = torch.tensor(found, dtype=torch.float64).view(truth.shape) - truth
    if truth.ndim == 1:
        return float((error.abs() / truth.abs().clamp(min=1)).max())
    return float((error.norm(dim=1) / truth.norm(dim=1)).max())


def close(found: list[float], truth: Tensor | np.ndarray, tolerance: float = 1e-5) -> None:
    truth = np.asarray(truth, dtype=float)
    error = np.abs(np.reshape(found, truth.shape) - truth).max()
    assert error <= tolerance * np.abs(truth).max()


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("sigma", [1e-3, 0.05, 0.3, 2.0])
@pytest.mark.parametrize("dots", [False, True])
def test_scores_and_densities(js, d, sigma, dots):
    weights, means, covariances = mixture(40, d, seed=d)
    given = (weights, means, None if dots else covariances / 30)
    model = blurred(*given, sigma)
    near = means.repeat(3, 1) + sigma * normal(120, d, seed=7)
    x = torch.cat([near, normal(100, d, seed=8), 20 * normal(50, d, seed=9)])
    score, log = js(
        """const m = eqflow.mixture(parts, d, sigma);
           return [at(m.score, x), (() => { const out = new Float64Array(x.length / d);
             m.logDensity(Float64Array.from(x), out); return Array.from(out); })()];""",
        parts=parts(*given), d=d, sigma=sigma, x=x,
    )  # fmt: skip
    assert worst(score, model(x)) < 1e-5
    assert worst(log, model.log_density(x)) < 1e-5


@pytest.mark.parametrize("n", [1, 5000])
def test_clouds_of_one_dot_and_of_many(js, n):
    dots, x = normal(n, 2), normal(50, 2, seed=1)
    body = "return at(eqflow.mixture({ weights: Array(n).fill(1), means: dots }, 2, 0.2).score, x);"
    found = js(body, n=n, dots=dots, x=x)
    assert worst(found, scores.KernelDensityScore(dots, 0.2)(x)) < 1e-5


@pytest.mark.parametrize("dots", [False, True])
@pytest.mark.parametrize("sigma", [0.03, 0.15, 0.5])
def test_scores_where_states_keep_coming(js, sigma, dots):
    """After a hundred times nearly all are interpolated, unless the cells would be too many."""
    weights, means, covariances = mixture(100, 2)
    given = (weights, means, None if dots else covariances / 30)
    model = blurred(*given, sigma)
    x = torch.cat([means + sigma * normal(100, 2, seed=4), 30 * normal(5, 2)])
    first, last = js(
        """const m = eqflow.mixture(parts, 2, sigma), first = at(m.score, x);
           for (let i = 0; i < 100; i++) at(m.score, x);
           return [first, at(m.score, x)];""",
        parts=parts(*given), sigma=sigma, x=x,
    )  # fmt: skip
    truth = model(x)
    assert worst(first, truth) < 1e-5
    error = torch.tensor(last, dtype=torch.float64).view(-1, 2) - truth
    assert float((error.norm(dim=1) / truth.norm(dim=1).clamp(min=1 / sigma)).max()) < 1e-5
    if sigma > 0.1:
        assert np.not_equal(first, last).mean() > 0.8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("{ weights: [1], means: [0, 0] }, 2, 0", "no width"),
        ("{ weights: [1], means: [0, NaN] }, 2, 1", "means holds NaN at place 1"),
        ("{ weights: [1, -1], means: [0, 0, 1, 1] }, 2, 1", "weight 1 is -1"),
        ("{ weights: [], means: [] }, 2, 1", "0 weights"),
        ("{ weights: [1], means: [0, 0] }, 2, Infinity", "sigma is Infinity"),
    ],
)
def test_what_makes_no_mixture_is_told(js, arguments, said):
    body = f"try {{ eqflow.mixture({arguments}); }} catch (e) {{ return e.message; }}"
    assert said in js(body)


@pytest.mark.parametrize("d", [2, 3])
def test_samples_of_a_mixture(js, d):
    weights, means, covariances = mixture(3, d)
    body = "return Array.from(eqflow.mixture(parts, d, 0.5).sample(40000, new eqflow.Random(3)));"
    x = torch.tensor(js(body, parts=parts(weights, means, covariances), d=d)).view(-1, d).double()
    share = weights / weights.sum()
    mean = share @ means
    spread = covariances + 0.25 * torch.eye(d) + means[:, :, None] * means[:, None, :]
    truth = torch.einsum("k,kij->ij", share, spread) - torch.outer(mean, mean)
    assert (x.mean(0) - mean).abs().max() < 0.05
    assert (torch.cov(x.T) - truth).abs().max() < 0.04 * truth.abs().max()


def test_random_numbers(js):
    body = """const draw = (seed) => { const r = new eqflow.Random(seed);
                return Array.from({ length: 20000 }, () => [r.uniform(), r.normal()]); };
              return [draw(1), draw(1), draw(2)];"""
    one, again, other = (np.array(x) for x in js(body))
    assert (one == again).all() and (one != other).mean() > 0.99
    uniform, gauss = one.T
    assert uniform.min() > 0 and uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 0.01 and abs(uniform.var() - 1 / 12) < 0.002
    assert abs(gauss.mean()) < 0.03 and abs(gauss.var() - 1) < 0.04
    assert abs((gauss**4).mean() - 3) < 0.2
    assert abs(np.corrcoef(gauss[1:], gauss[:-1])[0, 1]) < 0.03


def peaks(sigma: float) -> tuple[tuple[Tensor, Tensor, Tensor], scores.MixtureScore]:
    given = snapshots.world("two_peaks").mixture(0.0)
    return given, blurred(*given, sigma)


@pytest.mark.parametrize("kind", ["skew", "stream"])
def test_a_path_of_a_thousand_steps(js, kind):
    given, score = peaks(0.2)
    x = normal(20, 2)
    if kind == "skew":
        field, made = skew.constant(J, score), "eqflow.linear([[0, 1], [-1, 0]], m.score)"
    else:
        psi = "eqflow.quadratic({ a: [[0, 1], [1, 0]] })"
        made = f"eqflow.stream({psi}, m.score, 0.5)"
        field = exact.StreamFunction(Mixed(PSI["x y"], 0.5), score)
    body = f"""const m = eqflow.mixture(parts, 2, 0.2), field = {made};
               return path((y, work) => eqflow.rk4(field, y, 0.01, work), x, 1000);"""
    *_, (_, end) = rollout.rk4(field, x, 0.01, 1000)
    close(js(body, parts=parts(*given), x=x), end, 1e-3)


def test_turning_with_noise_keeps_a_mixture(js):
    """As the panels do: a step of the flow, then one of the noise and its drift."""
    given, score = peaks(0.3)
    body = """const r = new eqflow.Random(5), m = eqflow.mixture(parts, 2, 0.3);
              const turn = eqflow.linear([[0, 2], [-2, 0]], m.score);
              const step = (y, work) => { eqflow.rk4(turn, y, 0.01, work);
                                          eqflow.langevin(m.score, y, 0.01, 0.5, r, work); };
              return [path(step, m.sample(4000, r), 300), [...m.sample(4000, r)]];"""
    x, fresh = torch.tensor(js(body, parts=parts(*given))).view(2, -1, 2).double()
    assert x.mean(0).abs().max() < 0.08
    assert (torch.cov(x.T) - 1.09 * torch.eye(2)).abs().max() < 0.08
    assert abs(float(score.log_density(x).mean() - score.log_density(fresh).mean())) < 0.06


@pytest.mark.parametrize("name", PSI)
def test_stream_functions(js, name):
    x, psi = normal(50, 2), PSI[name]
    made = "waves" if name.startswith("waves") else "quadratic"
    value, slope = js(f"return potential(eqflow.{made}(given), x, 1, 2);", x=x, given=vars(psi))
    truth = psi.with_gradient(x)
    close(value, truth[0])
    close(slope, truth[1])


def test_flows_in_space(js):
    x, given, waves = normal(60, 3), mixture(5, 3), exact.Waves(3, 3, seed=4)
    units = {"centre": list(lorenz.CENTRE), "scale": list(lorenz.SCALE)}
    found = js(
        """const m = eqflow.mixture(parts, 3, 0.3);
           return [at(eqflow.curl(eqflow.waves({ ...waves, d: 3 }), m.score), x),
                   at(eqflow.scaled(eqflow.lorenzField(units), 2), x),
                   eqflow.rmsSpeed(eqflow.lorenzField(units), Float64Array.from(x), 3)];""",
        parts=parts(*given), waves=vars(waves), units=units, x=x,
    )  # fmt: skip
    truth = lorenz.LorenzField()(x)
    close(found[0], exact.VectorPotential(waves, blurred(*given, 0.3))(x))
    close(found[1], 2 * truth)
    assert found[2] == pytest.approx(float(truth.square().sum(1).mean().sqrt()), rel=1e-6)


@pytest.mark.parametrize("signs", [None, (-1.0, -1.0, 1.0)])
@pytest.mark.parametrize(("width", "octaves"), [(0, 0), (0, 2), (24, 4)])
def test_networks(js, width, octaves, signs):
    mirror = None if signs is None else torch.tensor(signs)
    nets = FlowNetworks(2, 3, width, 32, octaves, mirror, seed=1)
    x = normal(51, 3).float()
    nets.set_speed(x)
    alone = nets.member(1)
    body = "return at(eqflow.network(eqflow.decode(given)), x);"
    close(js(body, given=engine.network_spec(alone), x=x), alone.double()(x.double()).detach())
    with pytest.raises(InputError, match=r"member\(0\)"):
        engine.network_spec(nets)


def test_a_network_with_silu(js):
    net, x = scores.DenoiserScore(2, 1.0, width=20).noise.double(), 3 * normal(40, 2)
    layers = [{"weights": net[i].weight.T, "bias": net[i].bias} for i in (0, 2, 4)]
    layers = [plain(layer) for layer in layers]
    body = "return at(eqflow.network({ layers, activation: 'silu' }), x);"
    close(js(body, layers=layers, x=x), net(x).detach())


@pytest.mark.parametrize("n", [2, 8, 128])
def test_fourier_transforms(js, n):
    re, im = normal(2, n, n).numpy()
    back, *there = js(
        """const a = Float64Array.from(re), b = Float64Array.from(im);
           eqflow.fft2(a, b, n);
           const there = [Array.from(a), Array.from(b)];
           eqflow.fft2(a, b, n, true);
           return [Array.from(a).concat(Array.from(b)), ...there];""",
        re=re.ravel().tolist(), im=im.ravel().tolist(), n=n,
    )  # fmt: skip
    truth = np.fft.fft2(re + 1j * im)
    close(there[0], truth.real)
    close(there[1], truth.imag)
    close(back, np.stack([re, im]))


SPECTRAL = """const flow = eqflow.spectralFlow({ n, mean, precision, symbol });
    const u = new Float64Array(n * n), v = new Float64Array(n * n);"""


@pytest.mark.parametrize("rule", ["equal rate", "skew", "not skew"])
@pytest.mark.parametrize("n", [16, 128])
def test_the_spectral_flow(js, n, rule):
    score = scores.fit_gaussian_field(normal(6, 2, n, n, seed=1), 0.3)
    x, kernel = normal(1, 2, n, n), spectral_kernel.equal_rate_kernel(score)
    if rule == "not skew":
        kernel = (kernel + 0.1) * torch.tensor([1.0, 0.3]).double()
    found = js(
        SPECTRAL + """flow.start(x.slice(0, n * n), x.slice(n * n));
           flow.advance(1.5, { speed });
           flow.advance(1.5, { speed });
           flow.read(u, v);
           return [...u, ...v];""",
        n=n, x=x, mean=score.mean, precision=score.precision,
        symbol=None if rule == "equal rate" else kernel, speed=0.4,
    )  # fmt: skip
    close(found, spectral_kernel.exact_state(score, 0.4 * kernel, x, 3.0)[0])


def test_noise_in_the_spectral_flow(js):
    """Given the coefficients of Python's own noise, it makes the same state of them."""
    n, score, seed = 16, scores.fit_gaussian_field(normal(6, 2, 16, 16, seed=1), 0.3), 5
    x, kernel = normal(1, 2, n, n), spectral_kernel.equal_rate_kernel(score)
    u, v = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed)).double()[0]
    noise = torch.view_as_real(torch.fft.fft2(torch.complex(u, v))) / n
    found = js(
        SPECTRAL
        + """let drawn = 0;
           flow.start(x.slice(0, n * n), x.slice(n * n));
           flow.advance(0.2, { eta: 0.3 }, { normal: () => noise[drawn++] });
           flow.read(u, v);
           return [...u, ...v];""",
        n=n, x=x, mean=score.mean, precision=score.precision, symbol=None, noise=noise,
    )  # fmt: skip
    close(found, spectral_kernel.exact_state(score, kernel, x, 0.2, 0.3, seed)[0])


def test_gray_scott_steps(js):
    preset = gray_scott.PRESETS["waves"]
    raw = gray_scott.simulate("waves", 1, 128, 200)
    body = """const u = Float64Array.from(x.slice(0, n * n)), v = Float64Array.from(x.slice(n * n));
              eqflow.grayScott({ F, k }, u, v, n, 10);
              return [...u, ...v];"""
    found = js(body, x=raw, n=128, F=preset.feed, k=preset.kill)
    close(found, gray_scott.advance(raw, "waves", 10)[0])


def test_arrays_arrive_as_they_were(js):
    x = normal(3, 4).float()
    body = "const { a } = eqflow.decode({ a: [packed], c: 1 }); return [a[0].shape, [...a[0]]];"
    shape, values = js(body, packed=engine.packed(x))
    assert shape == [3, 4] and values == x.flatten().tolist()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('import * as a from "./a.js";', "not import"),
        ("export default 3;", "not export default"),
        ('import { one } from "./a.js";\nexport const two = 2;', "in a circle"),
    ],
)
def test_modules_that_cannot_be_joined(tmp_path, text, said):
    (tmp_path / "a.js").write_text('import { two } from "./b.js";\nexport const one = 1;\n')
    (tmp_path / "b.js").write_text(text + "\n")
    with pytest.raises(InputError, match=said):
        engine.bundle(folder=tmp_path)


def test_the_readme_names_every_module():
    told = (engine.FOLDER / "README.md").read_text()
    assert [f.stem for f in engine.FOLDER.glob("*.js") if f"`{f.stem}`" not in told] == []


# ---- creatures ----

LIVING = """
    const law = eqflow.pairLaw(table), pairs = new eqflow.Neighbours(size, law.reach);
    const score = (q, out) => { pairs.find(q); law(q, out, pairs); };
    const field = wishes && eqflow.life(law, { size, kinds: table.kinds, ...wishes });
"""


def creatures(n, size, kinds=None, seed=0):
    """A law of random functions, its table, and sheets (1, n, 3), some beyond the square."""
    generator = torch.Generator().manual_seed(seed)
    waves = [(m, k, phase) for m in range(3) for k in range(-2, 3) for phase in (0, -math.pi / 2)]
    bearing = torch.tensor([[m + k for m, k, _ in waves]]).abs()
    r = torch.linspace(0, 1, 13, dtype=torch.float64)[:, None]
    shape = (1 if kinds is None else 3, 1, len(waves))
    c = 0.3 * torch.randn(2, *shape, generator=generator).double()
    # Random, but smooth: r^bearing (1 - r)^3 (c + d r), and its derivative.
    fall, f = (1 - r) ** 3, c[0] + c[1] * r
    values = r**bearing * fall * f
    slopes = bearing * r ** (bearing - 1).clamp(min=0) * fall * f
    slopes = (slopes + r**bearing * (fall * c[1] - 3 * (1 - r) ** 2 * f)) / 18
    law = PairLaw(values, slopes, torch.tensor(waves).double(), 1.5, size, kinds)
    table = {name: getattr(law, name) for name in ("values", "slopes", "harmonics", "spacing")}
    q = torch.rand(1, n, 3, generator=generator).double()
    q = q * torch.tensor([2 * size, 2 * size, math.tau]) - size / 2
    return law, table | {"kinds": kinds and list(kinds)}, q


@pytest.mark.parametrize(("n", "size"), [(2, 36.1), (20, 40.0), (300, 160.0)])
@pytest.mark.parametrize("mixed", [False, True])
def test_the_score_of_a_pair_law(js, n, size, mixed):
    law, table, q = creatures(n, size, (n // 2, n - n // 2) if mixed else None)
    body = LIVING + "return at(score, q);"
    found = js(body, table=table, size=size, q=q, wishes=None)
    close(found, law(q))


@pytest.mark.parametrize(
    "wishes",
    [{"swim": 1.0}, {"group": 0.7, "length": 6.5}, {"pursuit": 0.7, "length": 6.5},
     {"swim": 0.3, "group": -0.4, "pursuit": 0.2, "length": 5.0}],
    ids=lambda wishes: "-".join(wishes),
)  # fmt: skip
def test_creatures_live_as_in_python(js, wishes):
    """Velocities to rounding, and a path of a hundred steps."""
    size, kinds = 48.0, (8, 12)
    law, table, q = creatures(20, size, kinds)
    length = wishes.get("length", 1.0)
    ways = [
        living.swim(wishes.get("swim", 0.0)),
        living.swim_with_group(wishes.get("group", 0.0), length, size),
        living.pursue(wishes.get("pursuit", 0.0), length, kinds, size),
    ]
    field = living.flow(law, *ways)
    body = (
        LIVING
        + "return [at(field, q), path((y, work) => eqflow.rk4(field, y, 0.02, work), q, 100)];"
    )
    v, end = js(body, table=table, size=size, q=q, wishes=wishes)
    close(v, field(q))
    path = rollout.record(rollout.rk4(field, q, 0.02, 100), steps=(100,))
    assert float((path.last - q).abs().max()) > 0.3, "they have moved"
    close(end, path.last, 1e-3)


def test_a_wall_is_a_term_of_log_p(js):
    size, dots = 61.0, [[0.5, 30.0], [4.0, 33.0], [58.0, 60.5]]
    q = torch.rand(1, 200, 3, dtype=torch.float64) * 2 * size - size / 2
    q.requires_grad_(True)
    gap = q[0, :, None, :2] - torch.tensor(dots).double()
    r = (gap - size * (gap / size).round()).square().sum(-1)
    log_p = -2.75 * (1 - r / 10**2).clamp(min=0) ** 4
    (truth,) = torch.autograd.grad(log_p.sum(), q)
    body = """const wall = Object.assign(new eqflow.Wall(size), { dots });
              const out = new Float64Array(q.length); wall.score(q, out); return Array.from(out);"""
    assert truth.abs().max() > 0.1
    close(js(body, size=size, dots=dots, q=q), truth, 1e-12)


def test_noise_keeps_what_the_score_says(js):
    """Poses from N(0, 4 sigma^2) stay so: mean and variance of each of their parts."""
    q = torch.tensor(
        js(
            """const r = new eqflow.Random(2), sigma = [1, 1, 0.15];
               const score = (q, out) => q.forEach((x, i) => (out[i] = -x / 4 / sigma[i % 3] ** 2));
               const start = (_, i) => 2 * sigma[i % 3] * r.normal();
               const q = Float64Array.from({ length: 30000 }, start);
               const work = eqflow.workspace(q.length);
               for (let i = 0; i < 100; i++) eqflow.langevin(score, q, 0.8, 1, r, work, sigma);
               return Array.from(q);"""
        )
    )
    parts = q.view(-1, 3) / torch.tensor([2, 2, 0.3])
    assert float(parts.mean(0).abs().max()) < 0.05
    assert float((parts.var(0) - 1).abs().max()) < 0.06


TABLE = "harmonics: [0, 0, 0], spacing: 1"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("new eqflow.Neighbours(40, 21)", "reach is 21"),
        (f"eqflow.pairLaw({{ values: [1, 2], slopes: [1], {TABLE} }})", "make no law"),
        (f"eqflow.pairLaw({{ values: [1, NaN], slopes: [1, 1], {TABLE} }})", "values holds NaN"),
        ("eqflow.life({ reach: 5 }, { size: 40, length: 2, swim: Infinity })", "swim is Infinity"),
        ("eqflow.life({ reach: 5 }, { size: 40, length: 2, pursuit: 1 })", "between two kinds"),
    ],
)
def test_what_makes_no_life_is_told(js, body, said):
    found = js(f"try {{ {body}; return 'nothing'; }} catch (error) {{ return error.message; }}")
    assert said in found
