"""The cell-cycle data, and the measure of the order in which a flow passes through phases."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from laws import normal

from eqflow_nb import flows, scores
from eqflow_nb.inputs import InputError
from eqflow_nb.measures.phases import phase_order
from eqflow_nb.snapshots.cells import PATH, PHASES, annotate, cells

SECTORS = ("first", "second", "third")


def disc(n=400, seed=0):
    """Points of a round Gaussian, labelled by three equal sectors counted anticlockwise."""
    x = normal(n, 2, seed=seed)
    angle = torch.atan2(x[:, 1], x[:, 0]) % (2 * torch.pi)
    return x, [SECTORS[int(a // (2 * torch.pi / 3))] for a in angle]


def anticlockwise(x):
    return torch.stack([-x[:, 1], x[:, 0]], 1)


def test_the_table_is_the_one_described() -> None:
    said = (PATH.parent / "README.md").read_text()
    assert hashlib.sha256(PATH.read_bytes()).hexdigest() in said
    held = cells()
    assert [held.phases.count(p) for p in PHASES] == [501, 182, 17]
    assert len(held.points) == 700


def test_points_are_standardised_and_raw_scores_come_back() -> None:
    held = cells()
    torch.testing.assert_close(held.points.mean(0), torch.zeros(2), rtol=0, atol=1e-5)
    torch.testing.assert_close(held.points.std(0), torch.ones(2))
    assert annotate(held.raw()) == held.phases, "the phases hold nothing that the scores don't"


def test_shuffling_keeps_each_score_and_breaks_their_tie() -> None:
    held, control = cells(), cells().shuffled(3)
    torch.testing.assert_close(control.points.sort(0).values, held.points.sort(0).values)
    tie = [abs(np.corrcoef(c.points.T)[0, 1]) for c in (held, control)]
    assert tie[0] > 0.4 > 0.15 > tie[1]
    assert control.phases == annotate(control.raw())
    assert set(control.phases) == set(PHASES)


def test_a_rotation_passes_sectors_in_order_and_the_other_way_in_the_opposite_one() -> None:
    x, labels = disc()
    there = phase_order(anticlockwise, x, labels, SECTORS, 0.2, shuffles=100)
    back = phase_order(lambda y: -anticlockwise(y), x, labels, SECTORS, 0.2, shuffles=100)
    assert there.order > 0.9 > 0.4 > there.shuffled_order
    assert there.p_value == pytest.approx(1 / 101)
    assert there.current == pytest.approx(-back.current)
    assert there.order == pytest.approx(back.order), "stills hold no arrow of time"
    # In 2 pi units of time everyone goes round once: a border is crossed 1 / (2 pi) a unit.
    assert there.current == pytest.approx(1 / (2 * np.pi), rel=0.2)


def test_a_flow_that_keeps_the_law_has_equal_currents_between_three_phases() -> None:
    x, labels = disc()
    score = scores.KernelDensityScore(x, 0.4)
    flow = flows.skew.constant(flows.skew.from_entries(1.0).double(), score)
    kept = phase_order(flow, x, labels, SECTORS, 0.4, shuffles=10)
    assert np.ptp(kept.between) < 0.1 * abs(kept.current)
    leaking = phase_order(lambda y: y, x, labels, SECTORS, 0.4, shuffles=10)
    assert leaking.order < 0.3
    assert leaking.p_value > 0.01


def test_labels_that_say_nothing_of_place_have_no_order() -> None:
    x, labels = disc()
    p = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        dealt = list(rng.permutation(labels))
        p.append(phase_order(anticlockwise, x, dealt, SECTORS, 0.3, 60, seed).p_value)
    assert np.mean(p) > 0.1
    assert min(p) > 1 / 61


def test_bad_input_is_refused() -> None:
    x, labels = disc(30)
    for call, said in (
        (lambda: phase_order(anticlockwise, x, labels[:5], SECTORS, 0.2), "phases has 5 labels"),
        (lambda: phase_order(anticlockwise, x, labels, SECTORS[:2], 0.2), "cycle is"),
        (lambda: phase_order(anticlockwise, x, ["no"] * 30, SECTORS, 0.2), "phases has 'no'"),
        (lambda: phase_order(anticlockwise, x, ["first"] * 30, SECTORS, 0.2), "no 'second'"),
        (lambda: phase_order(anticlockwise, x, labels, SECTORS, 0), "sigma is 0"),
        (lambda: phase_order(torch.zeros_like, x, labels, SECTORS, 0.2, 5), "stands still"),
        (lambda: annotate(torch.zeros(3)), "raw has shape"),
    ):
        with pytest.raises(InputError, match=said):
            call()
