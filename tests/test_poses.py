"""Sheets of poses, the law of their pairs, and the flows that keep it."""

import math

import pytest
import torch

from eqflow_nb.flows import poses as ways
from eqflow_nb.scores import pair_law

SIZE = 20.0
LENGTH = 3.0
KINDS = (3, 3)
WISHES = {
    "swim": ways.swim(0.7),
    "swim as one": ways.swim_as_one(0.7),
    "swim with group": ways.swim_with_group(0.7, LENGTH, SIZE),
    "circle": ways.circle(0.7),
    "turn together": ways.turn_together(0.7, LENGTH, SIZE),
    "turn apart": ways.turn_apart(0.7, LENGTH, SIZE),
    "pursue": ways.pursue(0.7, LENGTH, KINDS, SIZE),
}


def random_law(seed, order=2, mirror=False, kinds=KINDS):
    """A law of random coefficients, and crowded poses (1, 6, 3) in double precision."""
    terms = pair_law._Terms(SIZE, 1.5, 6, pair_law._waves(order, mirror), kinds)
    generator = torch.Generator().manual_seed(seed)
    c = torch.randn(len(terms.roughness), generator=generator).double()
    q = torch.rand(1, 6, 3, generator=generator).double() * torch.tensor([12, 12, math.tau])
    return terms.law(c), q


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", WISHES)
def test_flows_keep_the_distribution(name, seed):
    """div v + v . s = 0, by automatic differentiation, to rounding."""
    law, q = random_law(seed)
    field = ways.flow(law, WISHES[name])
    jacobian = torch.autograd.functional.jacobian(field, q).reshape(q.numel(), q.numel())
    along = field(q) * law(q)
    scale = jacobian.diagonal().abs().sum() + along.abs().sum()
    assert scale > 0.01
    assert abs(jacobian.trace() + along.sum()) < 1e-12 * scale


def test_a_flow_that_does_not_steer_does_not_keep_it():
    law, q = random_law(0)
    field = ways.flow(law, lambda q, s: ways.swim(1.0)(q, 0 * s))
    jacobian = torch.autograd.functional.jacobian(field, q).reshape(q.numel(), q.numel())
    assert abs(jacobian.trace() + (field(q) * law(q)).sum()) > 0.01


def test_the_score_is_the_gradient_of_log_p():
    law, q = random_law(1)
    q = q.repeat(2, 1, 1)
    q[1] += 0.3
    q.requires_grad_(True)
    (want,) = torch.autograd.grad(law.log_p(q).sum(), q)
    assert torch.allclose(law(q), want, atol=1e-10)
