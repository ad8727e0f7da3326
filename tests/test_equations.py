"""Equations of points from stationarity: exact moments, exact nulls, verdicts that are right."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eqflow_nb.course.equations import WRITTEN, controls, deviations, judge, rewritten
from eqflow_nb.equations import elimination, identify, moments_of, with_arrow
from eqflow_nb.equations.conditions import MomentConditions
from eqflow_nb.equations.moments import hermite, measure
from eqflow_nb.equations.own_noise import own
from eqflow_nb.equations.terms import Term, exponents, find, monomials, velocity
from eqflow_nb.equations.verdicts import further, missing
from eqflow_nb.inputs import InputError
from eqflow_nb.running.commands import main
from eqflow_nb.snapshots import noisy
from eqflow_nb.snapshots.zoo import SYSTEMS, System, parse, system

LORENZ = system("lorenz")
TRUE = {Term(i, e) for i, terms in enumerate(LORENZ.terms) for e in terms}


@pytest.fixture(scope="module")
def snapshots():
    return LORENZ.sample(10_000, 11)


@pytest.fixture(scope="module")
def found(snapshots):
    return identify(snapshots)


def normal(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(0, 5))
def test_monomials_are_the_products_they_claim_to_be(dim, degree):
    z = normal(7, dim, degree)
    for e, value in zip(exponents(dim, degree), monomials(z, degree).T, strict=True):
        np.testing.assert_allclose(value, np.prod(z ** np.array(e), axis=1), rtol=1e-12)
    images = np.broadcast_to(z[:, :, None], (7, dim, 3))
    np.testing.assert_array_equal(monomials(images, degree)[..., 1], monomials(z, degree))


def test_a_term_is_found_by_what_a_reader_would_write():
    terms = [Term(0, (1, 2)), Term(1, (1, 2)), Term(1, (0, 0), "lap", 0), Term(1, (0, 0))]
    texts = ["x*y^2", "1: y**2 * x", "lap(x)", "1"]
    assert [find(text, terms, "xy") for text in texts] == [0, 1, 2, 3]
    assert find("x*y", terms, "xy") is None


def test_chunks_change_nothing(found, snapshots):
    parts = (snapshots[k : k + 1000] for k in range(0, len(snapshots), 1000))
    streamed = identify(moments_of(parts, len(snapshots), 2))
    assert streamed.coefficients == pytest.approx(found.coefficients, rel=1e-3)


@pytest.mark.parametrize("window", [np.inf, 2.0, 0.5])
def test_hermite_polynomials_take_noise_out_of_every_moment(window):
    # Exactly, by Gauss-Hermite quadrature over the noise: no sampling error.
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    x, s = 0.7, 0.4
    y = x + s * nodes
    noisy_powers = np.exp(-(y**2) / (2 * window))[:, None] * y[:, None] ** np.arange(8)
    clean = hermite(1, 7, (s,), (window,)) @ (weights / weights.sum() @ noisy_powers)
    expected = np.exp(-(x**2) / (2 * (window + s**2))) * x ** np.arange(8)
    np.testing.assert_allclose(clean, expected, rtol=1e-10)


def test_a_rotation_keeps_a_disc_exactly():
    # Points and their rotations by quarter turns: E[grad psi . v] vanishes for v = (-y, x) up to
    # what four turns can't tell from all, which starts at degree 4.
    x = normal(500, 2, 3)
    turned = np.concatenate([x, x[:, ::-1] * [-1, 1], -x, x[:, ::-1] * [1, -1]])
    disc = MomentConditions(measure([turned], 2000, 4), 3, 1)
    c = np.zeros(len(disc.terms))
    for term, value in {Term(0, (0, 1)): -1.0, Term(1, (1, 0)): 1.0}.items():
        c[disc.terms.index(term)] = value
    assert np.abs(disc.matrix @ c).max() < 1e-12
    c[np.argmax(c)] = 2.0
    assert np.abs(disc.matrix @ c).max() > 0.1


@pytest.mark.parametrize("window", [np.inf, 2.0])
def test_the_residual_of_a_field_is_the_mean_change_of_each_test(window):
    # M c against an independent way: autograd through a test, its slope times v, and its curvature.
    x, tensor = normal(400, 2, 8) * [1.0, 3.0] + [2.0, 0.0], np.array([[1.0, 0.3], [0.3, 2.0]])
    own = {"sin(x)": lambda p: np.sin(p[:, 0])}
    known = measure([x], 400, 8, own, 5, window, 3)
    for origin in (np.zeros(2), np.array([1.0, -2.0])):
        conditions = MomentConditions(known.about(origin), 4, 2, tensor)
        c = normal(1, len(conditions.terms), 5)[0]
        equations = dict(zip(conditions.terms, c * conditions.units, strict=True))
        rate = velocity(equations, x - origin, {"sin(x)": np.sin(x[:, 0])}) / known.scale
        z = torch.tensor((x - known.centre) / known.scale, requires_grad=True)
        for m, e in enumerate(conditions.tests):
            psi = (torch.exp(-(z**2).sum(1) / (2 * window)) * (z ** torch.tensor(e)).prod(1)).sum()
            (slope,) = torch.autograd.grad(psi, z, create_graph=True)
            rows = [torch.autograd.grad(slope[:, i].sum(), z, retain_graph=True)[0] for i in (0, 1)]
            bent = torch.stack(rows, 1).numpy() * conditions.tensor
            direct = (slope.detach().numpy() * rate).sum(1) + c[-1] * bent.sum((1, 2))
            assert conditions.matrix[m] @ c == pytest.approx(direct.mean(), rel=1e-8, abs=1e-12)
            assert conditions.covariance(c)[m, m] == pytest.approx(direct.var(), rel=1e-6, abs=1e-9)


def test_the_misfit_at_the_truth_is_chi_squared():
    # Hansen's test: mean as many as there are conditions beyond the unknowns, over resamplings.
    values = []
    for seed in range(24):
        known = MomentConditions(measure([LORENZ.sample(4000, 500 + seed)], 4000, 6), 5, 2)
        support = np.array([k for k, term in enumerate(known.terms) if term in TRUE])
        fit = elimination.search(known).weighted.fit(support)
        values.append(fit.misfit / fit.freedom)
    assert 0.7 < np.mean(values) < 1.4


def test_elimination_drops_one_term_at_a_time_at_the_cost_its_loss_says(snapshots):
    weighted = elimination.whiten(MomentConditions(measure([snapshots], 10_000, 6), 5, 2))
    path = elimination.eliminate(weighted)
    assert [len(fit.support) for fit in path] == list(range(30, 0, -1))
    misfits = [fit.misfit for fit in path]
    assert all(b >= a - 1e-6 * abs(a) for a, b in itertools.pairwise(misfits))
    assert len(path[elimination.cliff(path)].support) == 7
    assert misfits[1] - misfits[0] == pytest.approx(path[0].losses.min(), rel=0.05)


def test_lorenz_from_its_snapshots(found):
    one = judge(found, LORENZ)
    assert one.exact and one.error < 0.02 and deviations(found, LORENZ).max() < 4


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("kind", ["enough", "few"])
def test_the_answer_doesn_t_depend_on_how_snapshots_are_written(written_plainly, kind, name):
    plain, x = written_plainly[kind]
    same, apart = rewritten(plain, x, name, 2)
    assert same
    assert apart < 0.03  # the error of so few: an origin is put at zero where it can be


@pytest.fixture(scope="module")
def written_plainly():
    clouds = {"enough": LORENZ.sample(6000, 5), "few": LORENZ.sample(300, 6)}
    return {name: (identify(x), x) for name, x in clouds.items()}


@settings(max_examples=3)
@given(shift=st.tuples(*[st.floats(-30, 30)] * 3), power=st.tuples(*[st.floats(-5, 5)] * 3))
def test_any_zero_and_any_unit_give_the_same_equations(found, snapshots, shift, power):
    scale = 10.0 ** np.array(power)
    y = scale * (snapshots + np.array(shift) * snapshots.std(0))
    other = identify(y)
    assert other.verdict == found.verdict
    v, w = found.velocity(snapshots), other.velocity(y) / scale
    np.testing.assert_allclose(w * (v * w).sum() / (w * w).sum(), v, atol=0.01 * abs(v).max())
    # Multiplied out, the terms are the same equations in the file's own coordinates.
    own = velocity(other.coefficients, y)
    np.testing.assert_allclose(own, other.velocity(y), atol=0.05 * abs(own).max())


def test_the_shortest_form_is_found_where_it_is(snapshots):
    warm = identify(snapshots + np.array([0, 0, 273.15]), relative_to="x*y")
    (value, error), text = warm.origin["z"], str(warm)
    assert set(warm.origin) == {"z"} and abs(value - 273.15) < 4 * error
    assert "with z' = z - 273." in text and "x*z'" in text
    assert {t.term for t in warm.short} == TRUE
    assert {t.term for t in warm.candidate} == {*TRUE, Term(2, (0, 0, 0))}
    assert warm.coefficients[Term(1, (1, 0, 0))] == pytest.approx(28 + 273.15, rel=0.01)


def test_readings_in_steps_are_noise_of_known_size():
    rounded = identify(readings := np.round(2 * LORENZ.sample(20_000, 11)) / 2)
    assert "rounding (x to 0.5, y to 0.5, z to 0.5)" in rounded.evidence
    np.testing.assert_allclose(rounded.noise, 0.5 / np.sqrt(12))
    assert judge(rounded, LORENZ).exact
    twice = identify(np.concatenate([readings, readings]))
    assert twice.coefficients == pytest.approx(rounded.coefficients)


def test_stability_picks_the_arrow_of_time(found, snapshots):
    true = LORENZ.velocity(snapshots)
    for each in (found, found.reversed()):
        turned = with_arrow(each, snapshots)
        assert "stability" in str(turned.arrow)
        assert (turned.velocity(snapshots) * true).sum() > 0


def test_a_library_with_the_reader_s_own_terms():
    # A pendulum's heat bath: dx/dt = y, dy/dt = -sin x keeps exp(-(y^2/2 - cos x) / T).
    rng = np.random.default_rng(0)
    x = rng.uniform(-np.pi, np.pi, 400_000)
    x = x[rng.uniform(size=len(x)) < np.exp((np.cos(x) - 1) / 0.25)][:20_000]
    cloud = np.stack([x, 0.5 * rng.standard_normal(len(x))], axis=1)
    own = identify(cloud, 1, extras={"sin(x)": lambda p: np.sin(p[:, 0])})
    assert {(t.term.equation, t.text) for t in own.candidate} == {(0, "y"), (1, "sin(x)")}
    a, b = own.candidate
    assert b.coefficient / a.coefficient == pytest.approx(-1, abs=5 * (a.error + b.error))


@pytest.mark.parametrize("told", [0.1, pytest.param("auto", marks=pytest.mark.slow)])
def test_observation_noise_is_taken_out(told):
    x = LORENZ.sample(20_000, 21)
    size = (0.1 if told == "auto" else told) * x.std(0)
    y = x + size * normal(*x.shape, 4)
    cleaned = identify(y, noise="auto" if told == "auto" else size)
    np.testing.assert_allclose(cleaned.noise, size, rtol=0.15)
    assert judge(cleaned, LORENZ, x).error < 0.03
    assert judge(identify(y), LORENZ, x).error > 3 * judge(cleaned, LORENZ, x).error


def test_equations_are_judged_by_their_own_noise():
    # Weights made for what many tests suggest rule the truth out; by its own noise it nearly fits.
    truth = system("wang_sun")
    conditions = MomentConditions(moments_of([truth.sample(3000, 7)], 3000, 2), 9, 2)
    true = {Term(i, e) for i, row in enumerate(truth.terms) for e in row}
    support = [k for k, term in enumerate(conditions.terms) if term in true]
    unjust = elimination.search(conditions).weighted.fit(np.array(support))
    fair = own(conditions, unjust)[1]
    assert unjust.misfit > 2.5 * unjust.freedom and fair.misfit < 1.8 * fair.freedom


def test_chance_that_a_term_is_missing():
    # Errors are the bootstrap's at least.  None is missing, until one is taken away.
    conditions = MomentConditions(moments_of([LORENZ.sample(10_000, 31)], 10_000, 2), 7, 2)
    found = elimination.search(conditions)
    assert {conditions.terms[k] for k in found.support} == TRUE and missing([found]) < 0.001
    left, c = sorted(set(range(30)) - found.support), found.fit.c
    for k, error in zip(left, further(found)[:, 1], strict=True):
        larger = replace(found, fit=found.weighted.fit(np.append(found.fit.support, k)))
        own = slice(10 * (k // 10), 10 * (k // 10 + 1))
        part = np.sqrt(conditions.gram[k, k] / (c[own] @ conditions.gram[own, own] @ c[own]))
        assert larger.bootstrap(draws=400).std(0)[k] * part < 1.5 * error
    rest = (np.setdiff1d(found.fit.support, k) for k in found.fit.support)
    assert all(missing([replace(found, fit=found.weighted.fit(some))]) > 0.99 for some in rest)


def test_a_term_left_out_seems_as_large_to_few_snapshots_as_to_many():
    # -y in dy/dt: with 165 tests of 2500 snapshots the weights hide a fifth of it.
    sizes = []
    for rows, seed in ((40_000, 50), *((2500, 60 + k) for k in range(8))):
        conditions = MomentConditions(moments_of([LORENZ.sample(rows, seed)], rows, 2), 8, 2)
        y = conditions.terms.index(Term(1, (0, 1, 0)))
        rest = [k for k, term in enumerate(conditions.terms) if term in TRUE and k != y]
        weighted, fit = own(conditions, elimination.whiten(conditions).fit(np.array(rest)))
        left = further(elimination.Found(conditions, weighted, [fit], fit, None))
        sizes.append(np.prod(left[y - sum(k < y for k in rest)]))
    assert np.mean(sizes[1:]) == pytest.approx(sizes[0], rel=0.1)


@pytest.mark.slow
def test_standard_errors_cover_the_truth():
    inside = []
    for seed in range(24):
        each = identify(LORENZ.sample(5000, 900 + seed))
        inside += list(deviations(each, LORENZ) < 1.96) if each.terms else []
    assert len(inside) > 40 and 0.85 < np.mean(inside) < 1.0


def test_duplicated_rows_don_t_make_errors_smaller(snapshots):
    once = identify(snapshots[:4000])
    thrice = identify(np.concatenate([snapshots[:4000]] * 3))
    for a, b in zip(once.candidate, thrice.candidate, strict=True):
        assert b.error == pytest.approx(a.error, rel=1e-2)


@pytest.fixture(scope="module")
def clouds():
    return controls(10_000, 0)


@pytest.mark.parametrize(
    "name", ["Gaussian", "ring", "torus", "shuffled", "no products", "transient"]
)
def test_clouds_that_don_t_determine_equations_are_told(clouds, name):
    x, degree, due = clouds[name]
    several = identify(x, degree)
    assert (several.verdict, several.terms) == (due, ())
    assert due != "undetermined" or several.null_dimension >= 2


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_a_gaussian_has_many_equations_in_every_library(clouds, degree):
    several = identify(clouds["Gaussian"][0][:4000, :2], degree)
    assert several.verdict == "undetermined" and several.null_dimension >= 1 + (degree > 1)


def test_no_wrong_equations_are_determined_from_few_snapshots():
    for seed, n in enumerate([300, 500, 700, 1000, 1500, 2000]):
        few = identify(LORENZ.sample(n, 60 + seed))
        assert few.verdict != "determined" or set(few.coefficients) == TRUE
        assert n > 300 or (few.verdict == "too few snapshots" and few.needed > 300)


def test_no_other_origin_is_told_where_the_file_s_zero_does_as_well():
    # With y' = y + 3.77 there are as many terms, and a shift; its zero is 12 deviations off.
    rows = "-.456 x - 5.362 z - 1.424 y z", "-.3614 y - .577 x z - .5314 z^2"
    rows += ("1.862 z - 4.1735 x + 2.001 x y + .5314 y z",)
    terms = tuple(parse(row, 3) for row in rows)
    truth = System("drawn at random", terms, (0.5, -1, 2), 1.0, 0.005, 4.0, 0.3, "")
    one = judge(identify(truth.sample(10_000, 2)), truth)
    assert one.right and not one.found.origin


@pytest.mark.slow
@pytest.mark.parametrize("seed", [100, 7])
def test_no_wrong_equations_are_determined_in_the_whole_zoo(seed):
    wrong = []
    for name, truth in SYSTEMS.items():
        one = judge(identify(truth.sample(20_000, seed), truth.degree, seed=seed), truth)
        wrong += [name] if one.wrong else []
    assert not wrong


def test_noise_gives_time_its_arrow():
    x = noisy.stochastic_lorenz(40_000, 3, 5.0)
    one = judge(identify(x, diffusion="fit"), LORENZ, x)
    assert one.exact and one.error < 0.05 and one.scale == pytest.approx(5, rel=0.1)


def test_an_ornstein_uhlenbeck_process_is_determined_up_to_a_rotation():
    # drift -(D + Q) C^-1 x keeps N(0, C) for every skew Q: one parameter is left in the plane.
    A, D = np.array([[1.0, -2.0], [0.5, 0.8]]), np.diag([1.0, 0.5])
    several = identify(noisy.ornstein_uhlenbeck(A, D, 20_000, 1), 1, diffusion=D)
    assert (several.verdict, several.null_dimension) == ("undetermined", 2)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"x": np.tile(normal(100, 2), 2) @ np.eye(4, 3)}, "sums of each other"),
        ({"degree": 9}, "degree"),
        ({"noise": 1e3}, "nothing would be left"),
        ({"diffusion": [[1, 2], [3, 4]]}, "diffusion"),
        ({"relative_to": "x^5"}, "is no term of the equations"),
        ({"extras": {"f": lambda p: p}}, "extras['f'] gives shape"),
        ({"extras": {"f": lambda p: p[:, 0]}, "noise": 0.1}, "can't be removed from"),
    ],
)
def test_bad_arguments_are_refused_in_words(asked, said, snapshots):
    with pytest.raises(InputError) as error:
        identify(**{"x": snapshots[:2000]} | asked)
    assert said in str(error.value)


def test_the_command_prints_json_alone(tmp_path, snapshots, capsys):
    np.save(tmp_path / "lorenz.npy", snapshots)
    with pytest.raises(SystemExit) as end:
        main(["identify", str(tmp_path / "lorenz.npy"), "--json", "--relative-to", "x*y"])
    data = json.loads(capsys.readouterr().out)
    assert (end.value.code, data["verdict"], data["null_dimension"]) == (0, "determined", 1)
    got = {Term(t["equation"], tuple(t["exponents"])): t["coefficient"] for t in data["terms"]}
    assert set(got) == TRUE and got[Term(2, (1, 1, 0))] == pytest.approx(1)
    assert got[Term(1, (1, 0, 0))] == pytest.approx(28, rel=0.05)


def test_the_command_reads_tables_and_prints_equations(tmp_path, snapshots, capsys):
    np.savetxt(tmp_path / "t.csv", snapshots, delimiter=",", header="wind,heat,drop", comments="")
    own = "sin(wind), wind*heat^2/(1+drop^2)"
    with pytest.raises(SystemExit):
        main(["identify", str(tmp_path / "t.csv"), "--library", own])
    out = capsys.readouterr().out
    assert "ddrop/dt" in out and "wind*heat" in out


@pytest.mark.parametrize("library", ["__import__('os')", "open(x)"])
def test_the_command_refuses_in_one_line(tmp_path, snapshots, capsys, library):
    np.save(tmp_path / "lorenz.npy", snapshots[:1000])
    with pytest.raises(SystemExit) as end:
        main(["identify", str(tmp_path / "lorenz.npy"), "--library", library])
    printed = capsys.readouterr()
    assert (end.value.code, printed.out) == (2, "")
    assert "--library" in printed.err and len(printed.err.strip().splitlines()) == 1


def test_nothing_is_said_relative_to_a_noise_that_may_be_none(snapshots):
    """Lorenz's own points have no noise in their dynamics: D can't be their unit of time."""
    assert identify(snapshots, diffusion="fit").verdict == "too few snapshots"
