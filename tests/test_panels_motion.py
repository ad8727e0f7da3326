"""What the panels draw: their laws, stream functions and particles."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from eqflow_nb import panels, scores, snapshots
from eqflow_nb.flows import exact
from eqflow_nb.panels.motion import (
    PSI,
    Mixed,
    Particles,
    blurred_samples,
    law,
    lorenz_paths,
    stream_field,
    toy_particles,
)

# ---- what the toy panel shows ----


def test_opposite_skews_move_oppositely_at_first() -> None:
    there, back = (toy_particles("two_moons", g, 0.0, 0.3).until(0.02) for g in (0.5, -0.5))
    one, other = there[-1] - there[0], back[-1] - back[0]
    assert one.norm() > 0.1
    assert (one + other).norm() < 0.1 * one.norm()


def test_diffusion_spreads_at_the_rate_asked_for() -> None:
    # Without a skew part E |dx|^2 = 4 eta dt in the plane, to first order in the drift.
    states = toy_particles("two_peaks", 0.0, 0.5, 0.6).until(0.02)
    spread = (states[1] - states[0]).square().sum(1).mean()
    assert float(spread) == pytest.approx(4 * 0.5 * 0.02, rel=0.35)


def test_sigma_changes_the_density() -> None:
    x = torch.zeros(1, 2)
    sharp, soft = (law("two_peaks", sigma)[1](x) for sigma in (0.1, 0.6))
    assert soft > sharp + 0.3, "blur fills the saddle"


@pytest.mark.parametrize("world", panels.TOYS)
def test_scores_of_the_panels_are_gradients_of_their_densities(world: str) -> None:
    score, log_density = law(world, 0.3)
    x = blurred_samples(world, 50, 0.3, 0).double().requires_grad_()
    (gradient,) = torch.autograd.grad(log_density(x).sum(), x)
    torch.testing.assert_close(score(x.detach()), gradient, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("world", ["pinwheel", "lorenz"])
def test_fitted_laws_are_near_a_blurred_kernel_density(world: str) -> None:
    x = blurred_samples(world, 500, 0.3, 5)
    kde = scores.KernelDensityScore(blurred_samples(world, 5000, 0.0, 6), 0.3)
    difference = law(world, 0.3)[0](x) - kde(x)
    assert difference.norm() < 0.2 * kde(x).norm()


def test_particles_are_followed_as_far_as_asked_and_no_further() -> None:
    def path() -> Any:
        for step in range(100):
            yield step * 0.5, torch.full((1, 1), float(step))

    particles = Particles(path(), frame=1.0, every=2)
    assert particles.until(2).flatten().tolist() == [0, 2, 4]
    assert particles.until(1).flatten().tolist() == [0, 2]
    assert next(particles.path)[1] == 5, "no step beyond was taken"


# ---- what the stream panel shows ----


@pytest.mark.parametrize("name", PSI)
def test_stream_functions_know_their_gradients(name: str) -> None:
    mixed = Mixed(PSI[name], 0.7)
    x = torch.randn(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    wanted = torch.func.vmap(torch.func.grad(lambda y: mixed(y[None])[0]))(x)
    value, gradient = mixed.with_gradient(x)
    torch.testing.assert_close(gradient[:, 0], wanted)
    torch.testing.assert_close(value[:, 0], 0.3 + 0.7 * PSI[name](x))


def test_stream_functions_are_what_their_names_say() -> None:
    x = torch.tensor([[2.0, 3.0]])
    wanted = {"constant": 1, "x": 2, "y": 3, "x y": 6, "saddle": 4 - 9}
    assert {name: float(PSI[name](x)) for name in wanted} == wanted
    waves = [float(PSI[f"waves {seed}"](x)) for seed in (1, 2, 3)]
    assert len(set(waves)) == 3


def test_no_share_of_psi_is_the_constant_skew_flow() -> None:
    x = blurred_samples("ring", 50, 0.15, 3)
    alone, constant = (
        stream_field("ring", *choice, 0.15)(x) for choice in (("x", 0.0), ("constant", 1.0))
    )
    torch.testing.assert_close(alone, constant)
    other = stream_field("ring", "x", 1.0, 0.15)(x)
    assert (other - constant).norm() > 0.5 * constant.norm()


# ---- what the Lorenz panel shows ----


@pytest.mark.parametrize("sigma", [0.1, 0.3, 0.6])
def test_constant_skew_stays_on_a_level_and_in_a_plane(sigma: float) -> None:
    # v = K s is orthogonal to s, and to the axis k of K: k . x and log p are constant.
    entries = (1.0, 0.3, -0.5)
    states = lorenz_paths(*entries, 0.0, sigma).double()
    axis = torch.tensor([entries[2], -entries[1], entries[0]], dtype=torch.float64)
    height = states @ axis
    assert (height - height[0]).abs().max() < 1e-4
    level = torch.stack([law("lorenz", sigma)[1](x) for x in states])
    assert (level - level[0]).abs().max() < 0.1
    assert (states - states[0]).norm(dim=2).amax(0).min() > 0.05


def test_the_panels_flow_is_the_course_s_exact_flow() -> None:
    constant = exact.StreamFunction(PSI["constant"], law("two_peaks", 0.15)[0])
    states = toy_particles("two_peaks", 1.0, 0.0, 0.15).until(0.02)
    step, wanted = (states[1] - states[0]) / 0.02, constant(states[0])
    assert (step - wanted).norm() < 0.15 * wanted.norm()


def test_blurring_twice_is_blurring_once_by_both() -> None:
    mixture = snapshots.world("two_moons").mixture
    twice = scores.MixtureScore(*mixture(0.3)).blurred(0.4)
    once = scores.MixtureScore(*mixture(0.5))
    x = torch.randn(30, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(twice(x), once(x))
    torch.testing.assert_close(twice.log_density(x), once.log_density(x))
