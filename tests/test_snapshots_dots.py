"""Drawings by hand, and what moves in them for good."""

from __future__ import annotations

import io
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from eqflow_nb.flows import skew
from eqflow_nb.flows.continuity import residual
from eqflow_nb.inputs import InputError
from eqflow_nb.panels.drawn_motion import Motion
from eqflow_nb.snapshots import dots as drawn

TURN = skew.from_entries(1.0)
SYMMETRIC = torch.tensor([[0.0, 1.0], [1.0, 0.0]])


@pytest.fixture(scope="module")
def letter() -> torch.Tensor:
    return drawn.ready("letter S")


def packed(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


# ---- tools ----


def test_a_brush_fills_evenly_and_only_where_it_was() -> None:
    once = drawn.brushed(drawn.blank(), (-1.0, 0.0), (1.0, 0.0), 0.3)
    area = 2 * 0.6 + math.pi * 0.3**2
    assert len(once) == pytest.approx(area / drawn.SPACING**2, rel=0.15)
    assert float(once[:, 1].abs().max()) <= 0.3001
    assert torch.equal(drawn.brushed(once, (-1.0, 0.0), (1.0, 0.0), 0.3), once)


def test_a_spray_is_even_within_its_radius() -> None:
    once = drawn.sprayed(drawn.blank(), (1.0, 1.0), (1.0, 1.0), 0.5, 400, seed=1)
    away = (once - 1).norm(dim=1)
    assert len(once) == 400 and float(away.max()) <= 0.5
    # Evenly over the disc: half of it lies outside radius / sqrt 2.
    assert float((away > 0.5 / math.sqrt(2)).double().mean()) == pytest.approx(0.5, abs=0.08)
    assert float((once - 1).mean(0).norm()) < 0.06


def test_ready_made_drawings_fit_the_sheet() -> None:
    for name in drawn.READY:
        dots = drawn.ready(name)
        assert 100 < len(dots) < 2000, name
        assert float(dots.abs().max()) <= drawn.EXTENT
    ring = drawn.written("O")
    assert len(drawn.erased(ring, (0, 0), (0, 0), 0.5)) == len(ring), "its hole is empty"
    assert float(drawn.erased(ring, (-3, 0), (3, 0), 0.5)[:, 1].abs().min()) > 0.5
    with pytest.raises(InputError, match="drawing 'cat' is unknown; choose one of two moons"):
        drawn.ready("cat")


# ---- files ----


def test_a_drawing_comes_back_exactly(tmp_path: Path) -> None:
    dots = drawn.sprayed(drawn.ready("ring"), (0.1, 0.2), (1.0, -1.0), 0.4, 60, seed=3)
    path = drawn.save(dots, tmp_path / "mine.npz")
    assert torch.equal(drawn.load(path), dots)
    assert torch.equal(drawn.load(path.read_bytes()), dots)
    drawn.save(dots[:5], path)
    assert len(drawn.load(path)) == 5
    assert [each.name for each in tmp_path.iterdir()] == ["mine.npz"], "no draft is left"


def test_what_is_no_drawing_is_not_written_over(tmp_path: Path) -> None:
    other = tmp_path / "results.npz"
    other.write_bytes(packed(weights=np.ones(3)))
    kept = other.read_bytes()
    with pytest.raises(InputError, match=r"'results.npz' exists and is no drawing"):
        drawn.save(drawn.ready("ring"), other)
    assert other.read_bytes() == kept


GOOD = packed(points=np.zeros((200, 2), np.float32))
BAD = {
    "empty": (b"", "can't be read as an .npz"),
    "cut short": (GOOD[:-40], "can't be read as an .npz"),
    "pickled": (packed(points=np.array([{}], dtype=object)), "can't be read as an .npz"),
    "not finite": (packed(points=np.full((4, 2), np.nan)), "NaN or infinite, first in row 0"),
    "too far": (packed(points=np.full((4, 2), 7.5)), "reaches to 7.5; .* between -3 and 3"),
    "too many": (packed(points=np.zeros((drawn.MOST + 1, 2))), "20001 points; at most 20000"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_told_apart(case: str) -> None:
    content, said = BAD[case]
    with pytest.raises(InputError, match=said):
        drawn.load(content)


# ---- score, flow and particles ----


def test_the_score_is_the_slope_of_the_log_density(letter: torch.Tensor) -> None:
    motion = Motion(letter, 0.2)
    x = motion.draw(50, 7).double()
    step = 1e-5
    for axis, shift in enumerate(torch.eye(2).double() * step):
        slope = motion.mixture.log_density(x + shift) - motion.mixture.log_density(x - shift)
        right = motion.score(x)[:, axis]
        assert torch.allclose(slope / (2 * step), right, rtol=1e-5, atol=1e-5)
    density = motion.mixture.log_density(torch.cartesian_prod(*[torch.linspace(-5, 5, 201)] * 2))
    assert float(density.exp().sum()) * 0.05**2 == pytest.approx(1, abs=1e-3)


def test_the_flow_keeps_the_drawing_and_a_symmetric_one_does_not(letter: torch.Tensor) -> None:
    motion = Motion(letter, 0.2)
    x = motion.draw(200, 7).double()
    assert residual(motion.flow(1.0), motion.score, x).relative < 1e-6
    control = skew.Linear(SYMMETRIC, motion.score)
    assert residual(control, motion.score, x).relative > 0.5
    speed = motion.flow(1.0)(motion.draw(2000, 8)).square().sum(1).mean().sqrt()
    assert float(speed) == pytest.approx(1, rel=0.1), "the clock is the same for all drawings"


@pytest.mark.parametrize(
    ("gamma", "eta", "sigma"),
    [
        (1, 0.2, 0.5),
        pytest.param(1, 0, 0.2, marks=pytest.mark.slow),
        pytest.param(-2, 0.5, 0.1, marks=pytest.mark.slow),
    ],
)
def test_particles_stay_in_the_drawing(
    gamma: float, eta: float, sigma: float, letter: torch.Tensor
) -> None:
    motion = Motion(letter, sigma, seed=1)
    start = motion.x
    motion.advance(gamma * TURN, eta, 300)
    assert motion.distance() < 2
    assert float((motion.x - start).norm(dim=1).mean()) > 0.7, "and yet they have moved"
    assert torch.equal(Motion(letter, sigma, seed=1).x, start)


def test_controls_leave_the_drawing(letter: torch.Tensor) -> None:
    motion = Motion(letter, 0.2, seed=1)
    motion.advance(SYMMETRIC, 0.0, 30)
    assert not motion.distance() < 4, "NaN too is far"


def test_standing_still_and_noise_that_is_new_in_every_frame(letter: torch.Tensor) -> None:
    motion = Motion(letter, 0.2)
    start = motion.x
    assert torch.equal(motion.advance(0 * TURN, 0.0, 5), start) and motion.time == 0
    places = [start, *(motion.advance(0 * TURN, 0.5).clone() for _ in range(2))]
    kicks = torch.stack([(y - x).flatten() for x, y in itertools.pairwise(places)])
    assert abs(float(torch.corrcoef(kicks)[0, 1])) < 0.3
