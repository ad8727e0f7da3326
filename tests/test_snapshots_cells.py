"""The cell-cycle data."""

import hashlib

import numpy as np
import torch

from eqflow_nb.snapshots.cells import PATH, PHASES, annotate, cells


def test_the_table_is_the_one_described():
    said = (PATH.parent / "README.md").read_text()
    assert hashlib.sha256(PATH.read_bytes()).hexdigest() in said
    held = cells()
    assert [held.phases.count(p) for p in PHASES] == [501, 182, 17]
    assert len(held.points) == 700


def test_points_are_standardised_and_raw_scores_come_back():
    held = cells()
    torch.testing.assert_close(held.points.mean(0), torch.zeros(2), rtol=0, atol=1e-5)
    torch.testing.assert_close(held.points.std(0), torch.ones(2))
    assert annotate(held.raw) == held.phases, "the phases hold nothing that the scores don't"


def test_shuffling_keeps_each_score_and_breaks_their_tie():
    held, control = cells(), cells().shuffled(3)
    torch.testing.assert_close(control.points.sort(0).values, held.points.sort(0).values)
    tie = [abs(np.corrcoef(c.points.T)[0, 1]) for c in (held, control)]
    assert tie[0] > 0.4 > 0.15 > tie[1]
    assert control.phases == annotate(control.raw)
    assert set(control.phases) == set(PHASES)
