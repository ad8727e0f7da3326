"""Networks trained on the residual: their derivatives, their symmetry, and what training does."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures import lopsided, normal, relative_error, rms

from eqflow_nb.flows import learned
from eqflow_nb.flows.continuity import jacobian, residual
from eqflow_nb.flows.learned import FEWER, FlowNetworks
from eqflow_nb.flows.networks import ROWS
from eqflow_nb.measures import similarity
from eqflow_nb.scores import KernelDensityScore, gaussian

SIGMA = 0.3
SIGNS = torch.tensor([-1.0, -1.0, 1.0])
kinds = st.fixed_dictionaries(
    {
        "octaves": st.integers(0, 3),
        "signs": st.sampled_from([None, SIGNS, -torch.ones(3)]),
        "seed": st.integers(0, 1000),
        "width": st.sampled_from([0, 7]),
    }
)
few = settings(max_examples=12, deadline=None)


def networks(members=3, dim=3, width=7, **kind):
    """A small ensemble in float64 whose speeds differ from 1 and from each other."""
    flow = FlowNetworks(members, dim, width, 9, **kind).double()
    flow.speed.copy_(torch.arange(1.0, members + 1)[:, None, None])
    return flow


@few
@given(kinds)
def test_the_jacobian_by_hand_is_the_automatic_one_and_members_do_not_mix(kind):
    flow, x = networks(**kind), normal(3, 4, 3)
    v, slope = flow.with_jacobian(x)
    torch.testing.assert_close(v, flow(x))
    full = torch.func.jacrev(flow)(x)  # (m, B, d, m, B, d), zero between members and between rows
    expected = torch.zeros_like(full)
    for m in range(3):
        for b in range(4):
            expected[m, b, :, m, b, :] = slope[m, :, b, :].T
    torch.testing.assert_close(full, expected)


@few
@given(kinds)
def test_blocks_of_rows_go_to_the_members_in_turn(kind):
    flow, x = networks(**kind), normal(12, 3)
    one_by_one = [flow.member(m)(x[4 * m : 4 * m + 4]) for m in range(3)]
    torch.testing.assert_close(flow(x), torch.cat(one_by_one))
    torch.testing.assert_close(flow.each(x)[1], flow.member(1)(x))
    torch.testing.assert_close(flow.jacobian(x), jacobian(lambda y: flow(y), x))
    torch.testing.assert_close(flow.linearised(x)[0], flow(x))
    for rows in (4, ROWS + 1):  # a rollout takes another way to the same velocities
        x = normal(3 * rows, 3)
        with torch.no_grad():
            fast = flow(x)
        torch.testing.assert_close(fast, flow(x))


@few
@given(kinds)
def test_signs_make_the_flow_equivariant_and_nothing_else_does(kind):
    flow, x = networks(**kind), normal(12, 3)
    for signs in (SIGNS.double(), -torch.ones(3).double()):
        kept = relative_error(flow(signs * x), signs * flow(x)) < 1e-12
        assert kept == (kind["signs"] is not None and torch.equal(kind["signs"].double(), signs))


# Training points


def test_training_points_are_samples_blurred_by_sigma_and_some_by_more():
    # Samples on two points only, so that the blur of each training point can be read off.
    samples, score = (torch.tensor([[-50.0, 0.0], [50.0, 1.0]], dtype=torch.float64), lopsided(2))

    def blur(**options):
        found = learned.sample_training_points(samples, score, SIGMA, n=20_000, **options)
        torch.testing.assert_close(found.scores[:9], score(found.points[:9]))
        return found.points[:, 0].abs() - 50

    assert float(blur(wide_fraction=0).std()) == pytest.approx(SIGMA, rel=0.03)
    assert float(blur(wide_fraction=1).std()) > 1.2 * SIGMA
    half = blur(wide_fraction=0.5)
    assert float(half[10_000:].std()) == pytest.approx(SIGMA, rel=0.04)
    assert torch.equal(blur(seed=1), blur(seed=1)) and not torch.equal(blur(seed=1), blur(seed=2))


# Training, on a Gaussian that is no circle: skew flows keep it, random networks do not.


def cloud():
    """Samples of a Gaussian, its exact blurred score, and fresh blurred samples, float32."""
    stretch = torch.tensor([[1.2, 0.0], [0.5, 0.7]], dtype=torch.float64)
    samples = normal(4000, 2) @ stretch.T
    covariance = stretch @ stretch.T + SIGMA**2 * torch.eye(2, dtype=torch.float64)
    fresh = normal(2000, 2, seed=1) @ torch.linalg.cholesky(covariance).T
    return samples.float(), gaussian(torch.zeros(2), covariance), fresh.float()


def points_of(n=4096, **options):
    samples, score, _ = cloud()
    return learned.sample_training_points(samples, score, SIGMA, n=n, **options)


def trained_by(flow, steps=200, seed=0):
    history = [r for _, r in learned.train(flow, points_of(), steps, 128, seed=seed)]
    return torch.stack(history)


def residuals(flow):
    """Relative residual of each member on fresh samples, against the exact score."""
    _, score, fresh = cloud()
    return [residual(flow.member(m), score, fresh).relative for m in range(flow.members)]


@pytest.fixture(scope="module")
def trained():
    """An ensemble of two, trained, whose last layer is not solved for; and its history."""
    flow = FlowNetworks(2, 2, 24, 24, seed=3)
    return flow, trained_by(flow)


def test_training_finds_flows_that_move_and_of_a_gaussian_a_skew_one(trained):
    flow, history = trained
    random, found = residuals(FlowNetworks(2, 2, 24, 24, seed=3)), residuals(flow)
    assert min(random) > 0.5
    assert max(found) < 0.2 and max(found) < min(random) / 4
    assert history.shape == (200, 2)
    assert (history[-20:].mean(0) < history[:5].mean(0) / 4).all()
    # Smooth flows that keep a Gaussian are close to the linear one, v = J s.
    _, score, fresh = cloud()
    truth = torch.stack([score(fresh)[:, 1], -score(fresh)[:, 0]], 1)
    for v in flow.each(fresh):
        assert 0.3 < rms(v) < 3
        assert similarity(v.detach(), truth) > 0.9


# The last layer, solved


def objective(flow, points, before, anchor, smoothness=0.01):
    """E w r^2 + lambda E |grad v|^2 + anchor E |v - v_before|^2 of each member."""
    x, values = points.points, []
    fields = flow.with_jacobian(x.expand(flow.members, *x.shape))
    for v, slope, old in zip(*fields, before, strict=True):
        r = slope.diagonal(dim1=0, dim2=2).sum(-1) + (v * points.scores).sum(1)
        some = slice(None, None, FEWER)
        rough = slope[:, some].square().sum((0, 2)).mean()
        least = (points.weights * r**2).mean() + smoothness * rough
        values.append(float((least + anchor * rms((v - old)[some]) ** 2).detach()))
    return torch.tensor(values)


@pytest.mark.parametrize("signs", [None, -torch.ones(2)])
@pytest.mark.parametrize("anchor", [0.03, 1.0])
def test_the_solved_last_layer_has_the_least_objective(signs, anchor):
    flow = FlowNetworks(2, 2, 8, 8, octaves=1, signs=signs)
    trained_by(flow, steps=30)
    points = learned.TrainingPoints(*(value.double() for value in points_of()))
    before = flow.double().each(points.points).detach()
    start = objective(flow, points, before, anchor)
    learned.solve_last_layer(flow, points, 0.01, anchor)
    least = objective(flow, points, before, anchor)
    assert (least < start).all()
    for k in range(10):
        with torch.no_grad():
            kept = flow.weights[-1].clone(), flow.biases[-1].clone()
            flow.weights[-1].add_(1e-3 * normal(*kept[0].shape, seed=k))
            flow.biases[-1].add_(1e-3 * normal(*kept[1].shape, seed=k + 99))
            assert (objective(flow, points, before, anchor) > least - 1e-9).all()
            flow.weights[-1].copy_(kept[0])
            flow.biases[-1].copy_(kept[1])


def test_solving_lowers_the_residual_and_an_anchor_holds_the_flow(trained):
    flow, points = trained[0], points_of()
    v, moved = flow.each(points.points), []
    for anchor in (0.03, 1.0, 100.0):
        solved = copy.deepcopy(flow)
        learned.solve_last_layer(solved, points, anchor=anchor)
        moved.append(rms(solved.each(points.points)[0] - v[0]))
        if anchor == 0.03:
            pairs = zip(residuals(solved), residuals(flow), strict=True)
            assert all(new < old for new, old in pairs)
            assert all(rms(new) > 0.5 * rms(old) for new, old in zip(solved.each(points.points), v))
    assert moved[0] > moved[1] > 5 * moved[2]


def test_many_iterations_forget_the_start_and_find_the_smoothest_flow():
    points, found = points_of(), []
    for start in (1, 2):
        flow = FlowNetworks(1, 2, 24, 48, signs=-torch.ones(2), seed=3)
        with torch.no_grad():
            flow.weights[-1].copy_(normal(*flow.weights[-1].shape, seed=start))
        learned.solve_last_layer(flow, points, 0.01, anchor=1e-3, inverse_iterations=50)
        found.append(flow.each(points.points)[0].detach())
    one, two = (v / rms(v) for v in found)
    assert min(rms(one - two), rms(one + two)) < 1e-3


def test_learning_in_one_call_gives_flows_at_the_common_speed_that_keep_the_distribution():
    samples, score, fresh = cloud()
    settings = learned.Settings(width=24, last=24, steps=150)
    flow, history = learned.learn(samples, score, SIGMA, settings, members=2, progress=False)
    assert history.shape == (150, 2) and max(residuals(flow)) < 0.1
    assert [rms(v) for v in flow.each(fresh)] == pytest.approx([math.sqrt(2)] * 2, rel=0.05)
    assert not any(weight.requires_grad for weight in flow.parameters())


@pytest.mark.gpu
def test_learning_works_on_the_gpu():
    samples, _, fresh = (x.cuda() if torch.is_tensor(x) else x for x in cloud())
    score = KernelDensityScore(samples[:1000], SIGMA)
    flow, history = learned.learn(samples, score, SIGMA, members=2, progress=False)
    assert history.is_cuda and (history[-1] < history[0] / 2).all()
    assert flow(fresh).is_cuda and flow.jacobian(fresh).is_cuda
    assert residual(flow.member(0), cloud()[1], fresh).relative < 0.5
