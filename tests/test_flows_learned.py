"""Networks trained on the residual: their derivatives, their symmetry, and what training does."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import law, normal, relative_error, rms

from eqflow_nb.flows import learned
from eqflow_nb.flows.continuity import divergence, jacobian, residual
from eqflow_nb.flows.learned import FlowNetworks
from eqflow_nb.flows.networks import ROWS
from eqflow_nb.flows.solve_last_layer import FEWER
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
def test_a_rollout_takes_another_way_to_the_same_velocities(kind):
    """Without gradients large batches go network by network, and tanh by the logistic function."""
    flow = networks(**kind)
    for rows in (4, ROWS + 1):
        x = normal(3 * rows, 3)
        with torch.no_grad():
            fast = flow(x)
        torch.testing.assert_close(fast, flow(x))


@few
@given(kinds)
def test_blocks_of_rows_go_to_the_members_in_turn(kind):
    flow, x = networks(**kind), normal(12, 3)
    one_by_one = [flow.member(m)(x[4 * m : 4 * m + 4]) for m in range(3)]
    torch.testing.assert_close(flow(x), torch.cat(one_by_one))
    torch.testing.assert_close(flow(x), flow(x.view(3, 4, 3)).reshape(12, 3))
    torch.testing.assert_close(flow.each(x)[1], flow.member(1)(x))
    torch.testing.assert_close(flow.jacobian(x), jacobian(lambda y: flow(y), x))
    torch.testing.assert_close(flow.linearised(x)[0], flow(x))
    torch.testing.assert_close(divergence(flow, x), divergence(lambda y: flow(y), x))


def test_states_need_not_be_contiguous():
    flow, x = networks(), normal(12, 3)
    torch.testing.assert_close(flow(x.T.contiguous().T), flow(x))


@few
@given(kinds)
def test_signs_make_the_flow_equivariant_and_nothing_else_does(kind):
    flow, x = networks(**kind), normal(12, 3)
    for signs in (SIGNS.double(), -torch.ones(3).double()):
        kept = relative_error(flow(signs * x), signs * flow(x)) < 1e-12
        assert kept == (kind["signs"] is not None and torch.equal(kind["signs"].double(), signs))


def test_members_and_seeds_differ_and_the_same_seed_gives_the_same_networks():
    x = normal(5, 3).float()
    first, again, other = FlowNetworks(2, 3), FlowNetworks(2, 3), FlowNetworks(2, 3, seed=1)
    assert torch.equal(first.each(x), again.each(x))
    assert relative_error(first.each(x)[0], first.each(x)[1]) > 0.5
    assert relative_error(first.each(x), other.each(x)) > 0.5


def test_octaves_make_a_random_network_rougher():
    x = normal(200, 3).float()
    flows = [FlowNetworks(1, 3, octaves=k) for k in (0, 2, 4)]
    roughness = [rms(flow.jacobian(x)) / rms(flow(x)) for flow in flows]
    assert roughness[0] < roughness[1] / 1.1 < roughness[2] / 2


def test_setting_the_speed_gives_every_member_the_rms_speed_of_a_unit_cloud():
    flow, x = networks(signs=SIGNS), normal(50, 3)
    directions = torch.nn.functional.normalize(flow.each(x), dim=2)
    flow.set_speed(x)
    assert [rms(v) for v in flow.each(x)] == pytest.approx([math.sqrt(3)] * 3)
    torch.testing.assert_close(torch.nn.functional.normalize(flow.each(x), dim=2), directions)


# Lessons


def test_the_scores_of_a_lesson_belong_to_its_points():
    score = law(2)
    taught = learned.sample_training_points(normal(500, 2), score, SIGMA, n=400)
    assert taught.points.shape == taught.scores.shape == (400, 2)
    torch.testing.assert_close(taught.scores, score(taught.points))


def test_the_points_of_a_lesson_are_samples_blurred_by_sigma_and_some_by_more():
    # Samples on two points only, so that the blur of each lesson point can be read off.
    samples = torch.tensor([[-50.0, 0.0], [50.0, 1.0]], dtype=torch.float64)

    def blur(**options):
        points = learned.sample_training_points(
            samples, lambda x: -x, SIGMA, n=20_000, **options
        ).points
        return points[:, 0].abs() - 50

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


def teach(flow, steps=200, seed=0, **options):
    samples, score, _ = cloud()
    taught = learned.sample_training_points(samples, score, SIGMA, n=4096)
    history = [
        r for _, r in learned.train(flow, taught, steps=steps, batch=128, seed=seed, **options)
    ]
    return taught, torch.stack(history)


def residuals(flow):
    """Relative residual of each member on fresh samples, against the exact score."""
    _, score, fresh = cloud()
    return [residual(flow.member(m), score, fresh).relative for m in range(flow.members)]


@pytest.fixture(scope="module")
def trained():
    """An ensemble of two, trained but not polished, with its lesson and history."""
    flow = FlowNetworks(2, 2, 24, 24, seed=3)
    return flow, *teach(flow)


def test_training_brings_the_residual_far_below_that_of_random_networks(trained):
    flow, _, history = trained
    random, found = residuals(FlowNetworks(2, 2, 24, 24, seed=3)), residuals(flow)
    assert min(random) > 0.5
    assert max(found) < 0.2 and max(found) < min(random) / 4
    assert history.shape == (200, 2)
    assert (history[-20:].mean(0) < history[:5].mean(0) / 4).all()


def test_trained_flows_move(trained):
    flow, _, _ = trained
    speeds = [rms(v) for v in flow.each(cloud()[2])]
    assert all(0.3 < speed < 3 for speed in speeds)


def test_of_a_gaussian_training_finds_a_skew_flow(trained):
    # Smooth flows that keep a Gaussian are close to the linear one, v = J s.
    _, score, fresh = cloud()
    truth = torch.stack([score(fresh)[:, 1], -score(fresh)[:, 0]], 1)
    for v in trained[0].each(fresh):
        assert similarity(v.detach(), truth) > 0.9


def test_training_depends_on_its_seeds_alone():
    flows = [FlowNetworks(2, 2, 8, 8) for _ in range(3)]
    for flow, seed in zip(flows, (0, 0, 1), strict=True):
        torch.manual_seed(seed + 5)
        teach(flow, steps=5, seed=seed)
    first, again, other = (flow.state_dict() for flow in flows)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["weights.0"], other["weights.0"])


def test_samples_in_double_precision_train_single_precision_networks():
    samples, score, _ = cloud()
    taught = learned.sample_training_points(samples.double().numpy(), score, SIGMA, n=200)
    flow = FlowNetworks(1, 2, 8, 8)
    assert len(list(learned.train(flow, taught, steps=3))) == 3
    learned.solve_last_layer(flow, taught)
    assert torch.isfinite(flow(samples)).all()


@pytest.mark.parametrize("steps", [1, 2, 9, 10, 11])
def test_training_may_be_as_short_as_one_step(steps):
    _, history = teach(FlowNetworks(1, 2, 8, 8), steps=steps)
    assert len(history) == steps and torch.isfinite(history).all()


def test_the_residual_that_training_reports_is_the_relative_residual():
    samples, score, _ = cloud()
    taught = learned.sample_training_points(samples, score, SIGMA, n=300, wide_fraction=0)
    flow = FlowNetworks(1, 2, 8, 8)
    power = flow.each(taught.points).square().sum(-1).mean()
    r = divergence(flow, taught.points) + (flow(taught.points) * taught.scores).sum(1)
    expected = ((weights_of(taught) * r.square()).mean() / power).sqrt().item()
    _, found = next(iter(learned.train(flow, taught, steps=1, batch=30_000)))
    assert float(found) == pytest.approx(expected, rel=0.03)


# The last layer, solved


def weights_of(taught):
    return getattr(taught, "weights", torch.ones_like(taught.points[:, 0]))


def objective(flow, taught, before, stay, smoothness=0.01):
    """E w r^2 + lambda E |grad v|^2 + stay E |v - v_before|^2 of each member."""
    x, values = taught.points, []
    for v, slope, old in zip(
        *flow.with_jacobian(x.expand(flow.members, *x.shape)), before, strict=True
    ):
        r = slope.diagonal(dim1=0, dim2=2).sum(-1) + (v * taught.scores).sum(1)
        few = slice(None, None, FEWER)
        rough = slope[:, few].square().sum((0, 2)).mean()
        least = (weights_of(taught) * r**2).mean() + smoothness * rough
        values.append(float((least + stay * rms((v - old)[few]) ** 2).detach()))
    return torch.tensor(values)


@pytest.mark.parametrize("signs", [None, -torch.ones(2)])
@pytest.mark.parametrize("stay", [0.03, 1.0])
def test_polishing_finds_the_least_of_its_objective(signs, stay):
    flow = FlowNetworks(2, 2, 8, 8, octaves=1, signs=signs)
    taught, _ = teach(flow, steps=30)
    taught = learned.TrainingPoints(
        **{name: value.double() for name, value in vars(taught).items()}
    )
    before = flow.double().each(taught.points).detach()
    start = objective(flow, taught, before, stay)
    learned.solve_last_layer(flow, taught, 0.01, stay)
    least = objective(flow, taught, before, stay)
    assert (least < start).all()
    for k in range(20):
        with torch.no_grad():
            kept = flow.weights[-1].clone(), flow.biases[-1].clone()
            flow.weights[-1].add_(1e-3 * normal(*kept[0].shape, seed=k))
            flow.biases[-1].add_(1e-3 * normal(*kept[1].shape, seed=k + 99))
            assert (objective(flow, taught, before, stay) > least - 1e-9).all()
            flow.weights[-1].copy_(kept[0])
            flow.biases[-1].copy_(kept[1])


def test_polishing_lowers_the_residual_without_stopping_the_flow(trained):
    flow, taught, _ = trained
    polished = copy.deepcopy(flow)
    learned.solve_last_layer(polished, taught, anchor=0.03)
    before, after = residuals(flow), residuals(polished)
    assert all(new < old for new, old in zip(after, before, strict=True))
    x = taught.points
    assert all(rms(new) > 0.5 * rms(old) for new, old in zip(polished.each(x), flow.each(x)))
    assert (polished.each(x)[0] * flow.each(x)[0]).sum() > 0


def test_many_rounds_of_polishing_forget_the_start_and_find_the_smoothest_flow():
    samples, score, _ = cloud()
    taught = learned.sample_training_points(samples, score, SIGMA, n=4096)
    found = []
    for start in (1, 2):
        flow = FlowNetworks(1, 2, 24, 48, signs=-torch.ones(2), seed=3)
        with torch.no_grad():
            flow.weights[-1].copy_(normal(*flow.weights[-1].shape, seed=start))
        learned.solve_last_layer(flow, taught, 0.01, anchor=1e-3, inverse_iterations=50)
        found.append(flow.each(taught.points)[0].detach())
    one, two = (v / rms(v) for v in found)
    assert min(rms(one - two), rms(one + two)) < 1e-3


def test_the_more_it_must_stay_the_less_polishing_changes(trained):
    flow, taught, _ = trained
    moved = []
    for stay in (0.01, 1.0, 100.0):
        polished = copy.deepcopy(flow)
        learned.solve_last_layer(polished, taught, anchor=stay)
        moved.append(rms(polished.each(taught.points)[0] - flow.each(taught.points)[0]))
    assert moved[0] > moved[1] > 5 * moved[2]


def test_learning_in_one_call_gives_flows_at_the_common_speed_that_keep_the_law():
    samples, score, fresh = cloud()
    settings = learned.Settings(width=24, last=24, steps=150)
    flow, history = learned.learn(samples, score, SIGMA, settings, members=2, progress=False)
    assert history.shape == (150, 2) and max(residuals(flow)) < 0.1
    assert [rms(v) for v in flow.each(fresh)] == pytest.approx([math.sqrt(2)] * 2, rel=0.05)
    assert not any(weight.requires_grad for weight in flow.parameters())


@pytest.mark.gpu
def test_learning_works_on_the_gpu_wherever_the_samples_are():
    samples, score, fresh = cloud()
    found = []
    for data in (samples, samples.cuda()):
        taught = learned.sample_training_points(
            data, KernelDensityScore(data[:1000], SIGMA), SIGMA, n=4096
        )
        flow = FlowNetworks(2, 2, 24, 24, signs=-torch.ones(2), seed=3).cuda()
        history = [r for _, r in learned.train(flow, taught, steps=100, batch=128)]
        learned.solve_last_layer(flow, taught)
        flow.set_speed(fresh.cuda())
        assert history[-1].is_cuda and (history[-1] < history[0] / 2).all()
        assert flow(fresh.cuda()).is_cuda and flow.jacobian(fresh.cuda()).is_cuda
        found.append(residual(flow.member(0), score, fresh.cuda()).relative)
    assert max(found) < 0.5
