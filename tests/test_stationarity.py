"""Identification by stationarity: exact moments, exact nulls, verdicts that are right."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eqflow_nb.equations import elimination, moments
from eqflow_nb.equations.conditions import MomentConditions
from eqflow_nb.equations.cosine_tests import CosineConditions
from eqflow_nb.equations.direction_of_time import with_arrow
from eqflow_nb.equations.resampling import bootstrap, crossfit
from eqflow_nb.equations.stationarity import identify, identify_from, moments_of
from eqflow_nb.inputs import InputError
from eqflow_nb.running.commands import main
from eqflow_nb.snapshots import noisy
from eqflow_nb.snapshots.zoo import system

LORENZ = system("lorenz")
TRUE = {(i, e) for i, terms in enumerate(LORENZ.terms) for e in terms}


@pytest.fixture(scope="module")
def snapshots() -> np.ndarray:
    return LORENZ.sample(10_000, 11)


@pytest.fixture(scope="module")
def law(snapshots):
    return identify(snapshots)


def normal(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


def found(law) -> set[tuple[int, tuple[int, ...]]]:
    return {(term.equation, term.exponents) for term in law.terms}


def field_error(law, x: np.ndarray) -> float:
    v, true = law.velocity(x) / x.std(0), LORENZ.velocity(x) / x.std(0)
    return float(np.linalg.norm(v * (v * true).sum() / (v * v).sum() - true) / np.linalg.norm(true))


# ---- moments and conditions ------------------------------------------------------------------


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(0, 5))
def test_monomials_are_the_products_they_claim_to_be(dim: int, degree: int) -> None:
    z = normal(7, dim, degree)
    values = moments.monomials(z, degree)
    for k, e in enumerate(moments.exponents(dim, degree)):
        np.testing.assert_allclose(values[:, k], np.prod(z ** np.array(e), axis=1), rtol=1e-12)


def test_chunks_and_their_sizes_change_nothing(snapshots: np.ndarray) -> None:
    whole = moments.measure([snapshots], len(snapshots), 4)
    centred = [snapshots[:5000], snapshots[5000:5001], snapshots[5001:]]
    parts = moments.measure(centred, len(snapshots), 4)
    # The first chunk sets the coordinates, so it is moments in the data's own that must agree.
    np.testing.assert_allclose(
        whole.centre + whole.scale * whole.mean[1:4],
        parts.centre + parts.scale * parts.mean[1:4],
        rtol=1e-10,
    )
    assert parts.count == len(snapshots)
    assert parts.weights.sum() == pytest.approx(1)


def test_hermite_polynomials_take_noise_out_of_every_moment() -> None:
    # Exactly, by Gauss-Hermite quadrature over the noise: no sampling error.
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)
    weights = weights / weights.sum()
    x, s = 0.7, 0.4
    noisy_powers = np.stack([(x + s * nodes) ** n for n in range(8)], axis=1)
    clean = moments.hermite(1, 7, (s,)) @ (weights @ noisy_powers)
    np.testing.assert_allclose(clean, x ** np.arange(8), rtol=1e-12)


def test_a_rotation_keeps_a_disc_exactly() -> None:
    # Points and their rotations by quarter turns: E[grad psi . v] vanishes for v = (-y, x) up to
    # what four turns can't tell from all, which starts at degree 4.
    x = normal(500, 2, 3)
    turned = np.concatenate([x, x[:, ::-1] * [-1, 1], -x, x[:, ::-1] * [1, -1]])
    conditions = MomentConditions(moments.measure([turned], 2000, 4), 3, 1)
    c = np.zeros(len(conditions.terms))
    for k, term in enumerate(conditions.terms):
        c[k] = {(0, (0, 1)): -1.0, (1, (1, 0)): 1.0}.get((term.equation, term.powers), 0.0)
    assert np.abs(conditions.matrix @ c).max() < 1e-12
    other = c.copy()
    other[np.argmax(c)] = 2.0
    assert np.abs(conditions.matrix @ other).max() > 0.1


def test_the_residual_of_a_field_is_the_mean_change_of_each_test(snapshots: np.ndarray) -> None:
    # M c against an independent way: autograd through a test, times the velocity.
    known = moments.measure([snapshots], len(snapshots), 4)
    conditions = MomentConditions(known, 3, 2)
    c = normal(1, len(conditions.terms), 5)[0]
    own = conditions.own(c)
    z = torch.tensor((snapshots - known.centre) / known.scale, requires_grad=True)
    velocity = np.zeros_like(snapshots)
    for k, term in enumerate(conditions.terms):
        velocity[:, term.equation] += own[k] * np.prod(snapshots ** np.array(term.powers), axis=1)
    for m in (0, 4, 11):
        psi = (z ** torch.tensor(conditions.tests[m])).prod(1).sum()
        (slope,) = torch.autograd.grad(psi, z)
        direct = float((slope.numpy() * velocity / known.scale).sum(1).mean())
        assert conditions.matrix[m] @ c == pytest.approx(direct, rel=1e-8)


def test_cosines_and_their_diffusion_agree_with_differences() -> None:
    x = normal(400, 2, 8) * [1.0, 3.0] + [2.0, 0.0]
    base = MomentConditions(moments.measure([x], 400, 3), 2, 2, np.diag([1.0, 2.0]))
    cosines = CosineConditions(base, x, 6, 1.5, seed=1)
    c = normal(1, len(base.terms), 2)[0]
    rows = cosines._summands(c)
    np.testing.assert_allclose(rows.mean(0), cosines.matrix @ c, rtol=1e-10)
    np.testing.assert_allclose(np.cov(rows.T, ddof=0), cosines.covariance(c), rtol=1e-8)


# ---- the search --------------------------------------------------------------------------------


def test_the_misfit_at_the_truth_is_chi_squared(snapshots: np.ndarray) -> None:
    # Hansen's test: mean as many as there are conditions beyond the unknowns, over resamplings.
    values = []
    for seed in range(12):
        x = LORENZ.sample(4000, 500 + seed)
        conditions = MomentConditions(moments.measure([x], 4000, 6), 5, 2)
        support = np.array(
            [k for k, t in enumerate(conditions.terms) if (t.equation, t.powers) in TRUE]
        )
        weighted, *_ = elimination.search(conditions)
        fit = weighted.fit(support)
        values.append(fit.misfit / fit.freedom)
    assert 0.7 < np.mean(values) < 1.4


def test_dropping_a_term_costs_what_its_loss_says(snapshots: np.ndarray) -> None:
    conditions = MomentConditions(moments.measure([snapshots], len(snapshots), 6), 5, 2)
    weighted = elimination.whiten(conditions)
    fit = weighted.fit(np.arange(30))
    k = int(np.argmin(fit.losses))
    rise = weighted.fit(np.delete(np.arange(30), k)).misfit - fit.misfit
    assert rise == pytest.approx(fit.losses[k], rel=0.05)


def test_elimination_drops_one_term_at_a_time_and_the_misfit_only_rises(snapshots) -> None:
    conditions = MomentConditions(moments.measure([snapshots], len(snapshots), 6), 5, 2)
    path = elimination.eliminate(elimination.whiten(conditions))
    assert [len(fit.support) for fit in path] == list(range(30, 0, -1))
    misfits = [fit.misfit for fit in path]
    assert all(b >= a - 1e-6 * abs(a) for a, b in itertools.pairwise(misfits))
    assert len(path[elimination.cliff(path)].support) == 7


# ---- laws --------------------------------------------------------------------------------------


def test_lorenz_from_its_snapshots(law, snapshots: np.ndarray) -> None:
    assert law.verdict == "determined"
    assert found(law) == TRUE
    assert field_error(law, snapshots) < 0.02
    unit = next(term for term in law.terms if term.error < 1e-9)
    true = LORENZ.terms[unit.equation][unit.exponents] / unit.coefficient
    for term in law.terms:
        off = abs(term.coefficient * true - LORENZ.terms[term.equation][term.exponents])
        assert off <= 4 * abs(true) * term.error + 1e-9


def test_order_doesn_t_matter_and_units_change_only_coefficients(law, snapshots) -> None:
    shuffled = np.random.default_rng(1).permutation(snapshots)
    assert found(identify(shuffled)) == found(law)
    units = np.array([10.0, 0.1, 100.0])
    scaled = identify(snapshots * units, relative_to="0:y")
    plain = identify(snapshots, relative_to="0:y")
    assert found(scaled) == found(plain)
    for a, b in zip(scaled.terms, plain.terms, strict=True):
        factor = units[a.equation] / np.prod(units ** np.array(a.exponents))
        factor /= units[0] / units[1]
        assert a.coefficient == pytest.approx(b.coefficient * factor, rel=1e-5)


def test_time_reversed_snapshots_are_the_same_and_stability_picks_the_arrow(law, snapshots) -> None:
    turned = with_arrow(law, snapshots)
    backwards = with_arrow(law.reversed(), snapshots)
    assert "stability" in str(turned.arrow)
    true = LORENZ.velocity(snapshots)
    for each in (turned, backwards):
        assert (each.velocity(snapshots) * true).sum() > 0


def test_a_library_with_the_reader_s_own_terms() -> None:
    # A pendulum's heat bath: dx/dt = y, dy/dt = -sin x keeps exp(-(y^2/2 - cos x) / T).
    rng = np.random.default_rng(0)
    x = rng.uniform(-np.pi, np.pi, 400_000)
    x = x[rng.uniform(size=len(x)) < np.exp((np.cos(x) - 1) / 0.25)][:20_000]
    cloud = np.stack([x, 0.5 * rng.standard_normal(len(x))], axis=1)
    law = identify(cloud, 1, extras={"sin(x)": lambda p: np.sin(p[:, 0])})
    assert {(t.equation, t.text) for t in law.candidate} == {(0, "y"), (1, "sin(x)")}
    a, b = law.candidate
    assert b.coefficient / a.coefficient == pytest.approx(-1, abs=5 * (a.error + b.error))


@pytest.mark.parametrize("relative", [0.05, 0.1])
def test_observation_noise_is_taken_out(relative: float) -> None:
    x = LORENZ.sample(20_000, 21)
    size = relative * x.std(0)
    y = x + size * normal(*x.shape, 4)
    law = identify(y, noise=size)
    assert field_error(law, x) < 0.03
    assert field_error(identify(y), x) > 3 * field_error(law, x)


def test_the_size_of_the_noise_is_estimated() -> None:
    x = LORENZ.sample(20_000, 22)
    size = 0.1 * x.std(0)
    law = identify(x + size * normal(*x.shape, 5), noise="auto")
    np.testing.assert_allclose(law.noise, size, rtol=0.15)


# ---- verdicts ----------------------------------------------------------------------------------


def ring(n: int = 10_000) -> np.ndarray:
    rng = np.random.default_rng(2)
    angle, radius = rng.uniform(0, 2 * np.pi, n), 1 + 0.2 * rng.standard_normal(n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def shuffled_columns(x: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.stack([rng.permutation(column) for column in x.T], axis=1)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_a_gaussian_has_many_laws(degree: int) -> None:
    law = identify(normal(20_000, 2), degree)
    assert law.verdict == "undetermined"
    assert law.terms == ()
    assert law.null_dimension >= (2 if degree > 1 else 1)


@pytest.mark.parametrize("degree", [2, 3])
def test_a_ring_may_turn_at_any_speed_anywhere(degree: int) -> None:
    law = identify(ring(), degree)
    assert law.verdict == "undetermined"
    assert law.null_dimension >= 2


def test_shuffled_columns_and_a_poor_library_are_not_in_the_library(snapshots) -> None:
    assert identify(shuffled_columns(snapshots)).verdict == "not in the library"
    law = identify(snapshots, 1)
    assert law.verdict == "not in the library"
    assert law.terms == ()


def test_too_few_snapshots_are_said_to_be_too_few(snapshots: np.ndarray) -> None:
    law = identify(snapshots[:300])
    assert law.verdict == "too few snapshots"
    assert law.needed > 300


def test_no_wrong_law_is_called_determined() -> None:
    wrong = []
    for seed, n in enumerate([300, 500, 700, 1000, 1500, 2000]):
        law = identify(LORENZ.sample(n, 60 + seed))
        wrong += [n] if law.verdict == "determined" and found(law) != TRUE else []
    assert not wrong


# ---- noise in the dynamics ---------------------------------------------------------------------


def test_noise_gives_time_its_arrow() -> None:
    x = noisy.stochastic_lorenz(20_000, 3, 5.0)
    law = identify(x, diffusion="fit")
    assert law.verdict == "determined"
    assert found(law) == TRUE
    v, true = law.velocity(x), LORENZ.velocity(x)
    assert (v * true).sum() > 0.999 * np.linalg.norm(v) * np.linalg.norm(true)
    assert np.linalg.norm(true) / np.linalg.norm(v) == pytest.approx(5, rel=0.1)


def test_an_ornstein_uhlenbeck_process_is_determined_up_to_a_rotation() -> None:
    # drift -(D + Q) C^-1 x keeps N(0, C) for every skew Q: one parameter is left in the plane.
    A, D = np.array([[1.0, -2.0], [0.5, 0.8]]), np.diag([1.0, 0.5])
    x = noisy.ornstein_uhlenbeck(A, D, 20_000, 1)
    law = identify(x, 1, diffusion=D)
    assert law.verdict == "undetermined"
    assert law.null_dimension == 2


# ---- errors ------------------------------------------------------------------------------------


def test_standard_errors_cover_the_truth() -> None:
    inside = []
    for seed in range(12):
        x = LORENZ.sample(5000, 900 + seed)
        law = identify(x)
        if {(t.equation, t.exponents) for t in law.candidate} != TRUE:
            continue
        unit = min(law.candidate, key=lambda term: term.error)
        scale = LORENZ.terms[unit.equation][unit.exponents] / unit.coefficient
        for t in law.candidate:
            off = abs(scale * t.coefficient - LORENZ.terms[t.equation][t.exponents])
            inside += [] if t is unit else [off < 1.96 * abs(scale) * t.error]
    assert len(inside) > 40
    assert 0.85 < np.mean(inside) < 1.0


def test_halves_that_weigh_each_other_estimate_the_same_law(snapshots: np.ndarray) -> None:
    conditions = MomentConditions(moments.measure([snapshots], len(snapshots), 6), 5, 2)
    weighted, _, fit, _ = elimination.search(conditions)
    support = np.sort(fit.support)
    crossed = crossfit(conditions, fit.c, support, draws=50)
    resampled = bootstrap(conditions, weighted, fit, draws=50)
    off = np.abs(crossed[0] - fit.c)[support]
    assert (off < 6 * np.hypot(crossed[1:].std(0), resampled.std(0))[support]).all()


# ---- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: x[:10], "at least 20"),
        (lambda x: np.c_[x, x[:, 0] + x[:, 1]], "sums of each other"),
        (lambda x: np.c_[x, np.ones(len(x))], "constant in column"),
        (lambda x: np.where(np.arange(len(x))[:, None] == 3, np.nan, x), "NaN"),
        (lambda x: normal(100, 7), "7 columns"),
        (lambda x: x[:, 0], "must be (n, d)"),
    ],
)
def test_bad_snapshots_are_refused_in_words(change, said: str, snapshots: np.ndarray) -> None:
    with pytest.raises(InputError) as error:
        identify(change(snapshots))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"degree": 0}, "degree"),
        ({"degree": 9}, "degree"),
        ({"noise": -1}, "noise"),
        ({"noise": 1e3}, "nothing would be left"),
        ({"noise": [1, 2]}, "noise has shape"),
        ({"noise": "some"}, "noise is 'some'"),
        ({"noise": 1.0, "tests": "cosines"}, "polynomial"),
        ({"tests": "splines"}, "tests"),
        ({"diffusion": "yes"}, "diffusion"),
        ({"diffusion": [[1, 2], [3, 4]]}, "diffusion"),
        ({"relative_to": "x^5"}, "is no term of the law"),
        ({"extras": {"f": lambda p: p}}, "extras['f'] gives shape"),
        ({"extras": {"f": lambda p: np.log(p[:, 0])}}, "NaN or infinite"),
        ({"names": ["a", "a", "b"]}, "names"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_bad_arguments_are_refused_in_words(asked, said: str, snapshots: np.ndarray) -> None:
    with pytest.raises(InputError) as error:
        identify(snapshots[:2000], **asked)
    assert said in str(error.value)


def test_duplicated_rows_don_t_make_errors_smaller(snapshots: np.ndarray) -> None:
    once = identify(snapshots[:4000])
    thrice = identify(np.concatenate([snapshots[:4000]] * 3))
    for a, b in zip(once.candidate, thrice.candidate, strict=True):
        assert b.error == pytest.approx(a.error, rel=1e-2)


def test_streamed_moments_give_the_same_law(law, snapshots: np.ndarray) -> None:
    parts = (snapshots[k : k + 1000] for k in range(0, len(snapshots), 1000))
    streamed = identify_from(moments_of(parts, len(snapshots), 2), 2)
    assert found(streamed) == found(law)
    for a, b in zip(streamed.terms, law.terms, strict=True):
        assert a.coefficient == pytest.approx(b.coefficient, rel=1e-3)


# ---- the command -------------------------------------------------------------------------------


def test_the_command_prints_json_alone(tmp_path, snapshots: np.ndarray) -> None:
    np.save(tmp_path / "lorenz.npy", snapshots)
    line = [
        sys.executable,
        "-m",
        "eqflow_nb.running.commands",
        "identify",
        str(tmp_path / "lorenz.npy"),
    ]
    line += ["--json", "--relative-to", "x*y"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120)
    data = json.loads(done.stdout)
    assert done.returncode == 0
    assert data["verdict"] == "determined"
    assert data["dimension"] == 3
    assert data["null_dimension"] == 1
    got = {(t["equation"], tuple(t["exponents"])): t["coefficient"] for t in data["terms"]}
    assert set(got) == TRUE
    assert got[2, (1, 1, 0)] == pytest.approx(1)
    assert got[1, (1, 0, 0)] == pytest.approx(28, rel=0.05)
    assert {t["term"] for t in data["terms"]} >= {"x*z", "x*y"}


def test_the_command_reads_tables_and_prints_equations(tmp_path, snapshots, capsys) -> None:
    header = "wind,heat,drop"
    np.savetxt(tmp_path / "t.csv", snapshots, delimiter=",", header=header, comments="")
    with pytest.raises(SystemExit) as end:
        main(["identify", str(tmp_path / "t.csv"), "--degree", "2"])
    out = capsys.readouterr().out
    assert end.value.code == 0
    assert "ddrop/dt" in out
    assert "wind*heat" in out
    assert "seconds" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--noise", "abc"], "--noise"),
        (["--library", "__import__('os')"], "--library"),
        (["--library", "open(x)"], "open"),
        (["--library", "x."], "--library"),
        (["--degree", "0"], "degree"),
        (["--columns", "q"], "q"),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path, snapshots, capsys, arguments, said) -> None:
    np.save(tmp_path / "lorenz.npy", snapshots[:1000])
    with pytest.raises(SystemExit) as end:
        main(["identify", str(tmp_path / "lorenz.npy"), *arguments])
    printed = capsys.readouterr()
    assert end.value.code == 2
    assert said in printed.err
    assert printed.out == ""
    assert len(printed.err.strip().splitlines()) == 1


def test_a_ring_asked_by_cosines_alone_is_undetermined_too() -> None:
    law = identify(ring(4000), 2, tests="cosines")
    assert law.verdict == "undetermined"
