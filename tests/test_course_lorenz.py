"""Chapter 02's own: the truth seen through the blur."""

import math

import torch

from eqflow_nb import flows, measures
from eqflow_nb.course import lorenz as chapter
from eqflow_nb.snapshots import world
from eqflow_nb.snapshots.base import blur

CLOUD = world("lorenz")


def test_the_blurred_truth_is_the_average_velocity_and_knows_its_jacobian():
    samples = CLOUD.sample(4000, 0)
    field, x = chapter.BlurredTruth(samples, 0.31), blur(samples[:500], 0.31, 2).double()
    v, slope = field.linearised(x)
    torch.testing.assert_close(
        slope, flows.continuity.jacobian(lambda y: field(y), x), rtol=1e-3, atol=1e-4
    )
    assert abs(v.square().sum(1).mean().sqrt() - math.sqrt(3)) < 0.1
    assert measures.similarity(field(blur(samples, 0.31, 3)), CLOUD.velocity(samples)) > 0.9
