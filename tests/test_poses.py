"""Sheets of poses, the law of their pairs, and the flows that keep it."""

import math

import pytest
import torch

from eqflow_nb import rollout
from eqflow_nb.flows import poses as ways
from eqflow_nb.inputs import InputError
from eqflow_nb.measures import flocking
from eqflow_nb.scores import pair_law
from eqflow_nb.snapshots import icons, poses

SIZE = 20.0
LENGTH = 3.0
KINDS = (3, 3)
WISHES = {
    "swim": ways.swim(0.7),
    "swim as one": ways.swim_as_one(0.7),
    "swim with group": ways.swim_with_group(0.7, LENGTH, SIZE),
    "circle": ways.circle(0.7),
    "turn together": ways.turn(0.7, 0.0, LENGTH, SIZE),
    "turn apart": ways.turn(0.0, 0.7, LENGTH, SIZE),
    "pursue": ways.pursue(0.7, LENGTH, KINDS, SIZE),
}


def random_law(seed, mirror=False, kinds=KINDS):
    """A law of random coefficients, and crowded poses (1, 6, 3) in double precision."""
    terms, roughness = pair_law._all_terms(SIZE, 7, mirror, kinds)
    generator = torch.Generator().manual_seed(seed)
    c = torch.randn(len(roughness), generator=generator).double()
    q = torch.rand(1, 6, 3, generator=generator).double() * torch.tensor([12, 12, math.tau])
    return pair_law._law(terms, c), q


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", [*WISHES, "swim without steering"])
def test_flows_keep_the_distribution(name, seed):
    """div v + v . s = 0, by automatic differentiation, to rounding; not without steering."""
    law, q = random_law(seed)
    blind = name == "swim without steering"
    field = ways.flow(law, (lambda q, s: ways.swim(0.7)(q, 0 * s)) if blind else WISHES[name])
    jacobian = torch.autograd.functional.jacobian(field, q).reshape(q.numel(), q.numel())
    along = field(q) * law(q)
    scale = jacobian.diagonal().abs().sum() + along.abs().sum()
    assert scale > 0.01
    off = abs(jacobian.trace() + along.sum()) / scale
    assert off > 0.01 if blind else off < 1e-12


def test_the_score_is_the_gradient_of_log_p():
    law, q = random_law(1)
    q = q.repeat(2, 1, 1)
    q[1] += 0.3
    q.requires_grad_(True)
    (want,) = torch.autograd.grad(law.log_p(q).sum(), q)
    assert torch.allclose(law(q), want, atol=1e-10)
    each = sum(law.log_p(q, i) for i in range(6))  # each pair is of two creatures
    assert torch.allclose(each, 2 * law.log_p(q), atol=1e-10)


@pytest.mark.parametrize("kinds", [None, (40, 60)])
def test_a_tree_finds_the_pairs_that_all_pairs_hold(kinds, monkeypatch):
    q = SIZE * torch.rand(2, 100, 3, generator=torch.Generator().manual_seed(0)) - 3
    law = random_law(0, kinds=kinds)[0]
    by_tree = law(q)
    monkeypatch.setattr(poses, "DENSE", 100)
    assert torch.allclose(law(q), by_tree, atol=1e-3 * float(by_tree.abs().max()))


def test_a_law_does_not_depend_on_which_of_a_kind_is_first():
    """Nor on where a sheet begins, nor on a quarter turn of it, nor, if asked, on a mirror."""
    sheets = poses.sample("couples", 40, 0)
    law = pair_law.fit_pair_law(sheets, mirror=True, newton=1).law
    q, c = sheets[:4].double(), poses.SIZE
    mirrored = torch.stack([c - q[..., 0], q[..., 1], math.pi - q[..., 2]], -1)
    turned = torch.stack([c - q[..., 1], q[..., 0], q[..., 2] + math.pi / 2], -1)
    shifted = poses.wrapped(q + torch.tensor([20.0, 30, 0]), c)
    for other in (q.flip(1), mirrored, turned, shifted):
        assert torch.allclose(law.log_p(other), law.log_p(q), atol=1e-6)


def alignment_off(law):
    """How far what a law says of alignment is from what the flock's sheets were drawn from."""
    r = law.spacing * torch.arange(6, 13)
    found = law.values[0, 6:13, law.harmonics[:, :2].tolist().index([1, -1])]
    return (found - 1.4 * torch.exp(-((r / 14) ** 2))).abs().max()


def test_the_fit_finds_the_law_that_sheets_were_drawn_from():
    fit = pair_law.fit_pair_law(poses.sample("flock", 128, 0), mirror=True)
    assert alignment_off(fit.law) < 0.3
    assert 5 * fit.error < fit.gain < fit.fitted_gain
    assert fit.law.values[0, :4, 0].max() < -3  # they keep apart, where no pair was seen too


def test_newtons_steps_find_the_most_likely_law(monkeypatch):
    """From a law with half of the alignment: without a step it stays, with four it is found."""
    step, off = pair_law._most_likely, []

    def from_half(terms, c, q, roughness, *_):
        aligned = (terms.harmonics[:, :2] == torch.tensor([1, -1])).all(1)
        for steps in (0, 4):
            found = step(terms, torch.where(aligned, c / 2, c), q, roughness, steps, 0)
            off.append(alignment_off(pair_law._law(terms, found)))
        return c

    monkeypatch.setattr(pair_law, "_most_likely", from_half)
    pair_law.fit_pair_law(poses.sample("flock", 128, 0), mirror=True, newton=4)
    assert off[1] < 0.3 < 0.45 < off[0]


def strangers(q):
    """Sheets whose creatures come from different ones."""
    rows = torch.arange(len(q))[:, None] + torch.arange(q.shape[1])
    return q[rows % len(q), torch.arange(q.shape[1])]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda q: q * torch.tensor([1, 1, 57.3]), "degrees"),
        (strangers, "little"),
        (lambda q: q[:1], "a second one"),
        (lambda q: q * torch.tensor([1, 1, 0.0]), "one way"),
        (lambda q: q[0], "shape"),
    ],
)
def test_sheets_that_tell_no_law_are_refused(change, said):
    with pytest.raises(InputError, match=said):
        pair_law.fit_pair_law(change(poses.sample("scattered", 8, 0)))


def test_a_speed_that_outruns_the_step_is_refused_with_the_largest():
    law, _ = random_law(0, kinds=None)
    q = poses.blurred(SIZE * torch.rand(4, 6, 3, generator=torch.Generator().manual_seed(1)))
    with pytest.raises(InputError, match=r"largest that would do is (\S+);") as error:
        ways.check_step(ways.flow(law, ways.swim(50.0)), q, 0.5)
    dt = float(str(error.value).split("would do is ")[1].split(";")[0])
    ways.check_step(ways.flow(law, ways.swim(50.0)), q, 0.9 * dt)
    ways.check_step(ways.flow(law, ways.swim(50.0 * dt / 0.5)), q, 0.45)


def test_on_a_sheet_creatures_look_where_they_look_on_a_canvas():
    """Three pixels ahead on the one are three pixels ahead on the other."""
    _, centre, angle = icons.placed("firefly", 1, 64, 1, seed=2)
    ahead = centre + 3 * torch.stack([-angle.sin(), angle.cos()], -1)  # pixels down and right
    q, moved = (poses.from_canvas(c, angle, 64) for c in (centre, ahead))
    e = torch.stack([q[..., 2].cos(), q[..., 2].sin()], -1)
    assert torch.allclose(poses.periodic((moved - q)[..., :2], 64), 3 * e, atol=1e-4)


def test_langevin_keeps_a_gaussian_at_any_scale():
    x = torch.randn(4000, 1, 3, generator=torch.Generator().manual_seed(0)).double()
    scale = (0.5, 1.0, 2.0)
    drift = ways.flow(lambda q: -q, ways.langevin(0.3, scale))
    *_, (_, x) = rollout.heun(drift, x, 0.05, 100, 0.3, scale=scale)
    assert x.var(0) == pytest.approx(torch.ones(1, 3), abs=0.1)


def test_measures_of_sheets():
    q = torch.tensor([[[1.0, 1, 0.5], [63, 1, 0.5], [30, 30, 0.5 + math.pi]]])
    assert flocking.polarisation(q) == pytest.approx(1 / 3)
    assert flocking.neighbour_alignment(q, 3.0) == pytest.approx(1)
    assert flocking.cohesion(q, 3.0) == pytest.approx(2 / 3)
    assert flocking.centre_moved(q, q + torch.tensor([3.0, 4, 1])) == pytest.approx(5)
