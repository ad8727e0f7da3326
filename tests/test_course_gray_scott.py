"""Data sets of patterns, the rules fitted to them, and how flows are judged on them."""

import math

import pytest
import torch
from mixtures import noise
from torch import Tensor

from eqflow_nb import fourier, scores
from eqflow_nb.course import gray_scott as chemistry
from eqflow_nb.course.gray_scott import PatternDataset
from eqflow_nb.flows import kernels, skew, spectral_kernel
from eqflow_nb.measures import patterns
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.snapshots.base import World

SIZE = 16


def smooth(n: int, seed: int = 0) -> Tensor:
    """A Gaussian field of two channels, of unit deviation."""
    low = fourier.blur(SIZE, SIZE, 1.5)[..., None, None] * torch.eye(2)
    y = fourier.filtered(low, noise(n, 2, SIZE, SIZE, seed=seed))
    return y / y.std()


def leaning(n: int, seed: int = 0) -> Tensor:
    """The same, with histograms that lean far to one side."""
    return torch.exp(smooth(n, seed)) / 2


def dataset(sample=smooth, change: Tensor | None = None) -> PatternDataset:
    one = torch.ones(2).double()
    world = World("made", ("a", "b"), sample, 0 * one, one)
    held = sample(6, 7)
    return PatternDataset(world, sample(60, 1), held, held if change is None else change, seed=3)


def test_a_spread_is_a_mean_and_a_deviation_the_right_way_round():
    card = Scorecard("made")
    card.spread("a.similarity", torch.tensor([-0.5, -0.7]), target=">= .5", paper=0.3)
    mean = card.rows["a.similarity_mean"]
    assert (mean["value"], mean["met"], mean["paper"]) == (pytest.approx(0.6), True, 0.3)
    assert mean["sd"] == card.rows["a.similarity_sd"]["value"] == pytest.approx(0.1414, abs=1e-3)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_a_rule_fitted_in_a_warped_field_recovers_what_made_the_velocity(fraction):
    score, x = scores.fit_gaussian_copula(leaning(60), 0.2, fraction), leaning(3, seed=4)
    k = fourier.frequencies(SIZE, SIZE)
    truth = (1 + (k > 0.1))[..., None, None] * spectral_kernel.equal_rate_kernel(score.gaussian)
    v = spectral_kernel.flow(score, truth)
    symbol = spectral_kernel.fit_radial(x[:1], v(x[:1]), score, bins=40)
    torch.testing.assert_close(symbol, -symbol.mT)
    found = patterns.cosines(spectral_kernel.flow(score, symbol)(x[1:]), v(x[1:]))
    plain = patterns.cosines(spectral_kernel.flow(score)(x[1:]), v(x[1:]))
    assert float(found.min()) > 0.99
    assert float(found.min()) > float(plain.max())


def test_agreement_is_measured_on_held_out_snapshots_beside_controls():
    score = scores.fit_gaussian_field(smooth(60, 1), 0.2)
    held = smooth(6, 7)
    made = dataset(change=-spectral_kernel.flow(score)(held))
    assert float(made.agreement(spectral_kernel.flow(score)).min()) == pytest.approx(1)
    assert float(made.control(score, "identity").max()) < 0.4
    assert torch.equal(made.metric, torch.ones(2).double())
    # The blur is that of the world, on the snapshots that `clean` gives.
    difference = made.blurred(0.1, 4, chemistry.START) - made.clean(4)
    assert float(difference.std()) == pytest.approx(0.1, rel=0.1)


def test_a_number_is_that_much_of_the_quarter_turn():
    made = dataset()
    net = scores.fit_gaussian_field(smooth(60, 1), 0.3)
    ways = [chemistry.follow(made, net, (0, 4), 2, matrix) for matrix in (0.5, 0, -0.5)]
    turn = 0.5 * skew.from_entries(1.0)
    same = chemistry.follow(made, net, (0, 4), 2, turn)
    torch.testing.assert_close(ways[0].last, same.last)
    assert not torch.allclose(ways[0].last, ways[2].last)
    # A skew rule is an extra velocity v = K s too, up to the order of the step.
    extra = chemistry.follow(made, net, (0, 4), 2, extra=kernels.convolution(turn, net))
    gap = float((extra.last - same.last).norm() / (ways[1].last - same.last).norm())
    assert gap < 0.3


def test_a_field_followed_alone_is_measured_at_its_times():
    made, net = dataset(), scores.fit_gaussian_field(smooth(60, 1), 0.3)
    reference = chemistry.reference_sets(made, net, 4, 2)
    far = chemistry.alone(made, net, spectral_kernel.flow(net), reference, (1, 2), dt=0.5)
    assert list(far) == [0.5, 1.0]
    assert max(far.values()) < 2
    lost = chemistry.alone(made, net, lambda z: 1e30 * z, reference, (1, 9), dt=0.5)
    assert lost[4.5] == math.inf


def test_snapshots_of_a_preset_have_their_true_change():
    made = chemistry.datasets(["waves"], 2, 2, 0, steps=200)["waves"]
    assert made.snapshots.shape == made.change.shape == (2, 2, 128, 128)
    assert float(made.agreement(made.world.velocity).min()) > 0.8
