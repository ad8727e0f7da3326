"""Recordings put in order: the data, the measure and its controls."""

import hashlib

import numpy as np
import pytest
import torch

from eqflow_nb.course import recordings as records

RING = np.cos(0.6 * np.arange(240)) + 0.1 * np.random.default_rng(0).standard_normal(240)


@pytest.mark.parametrize("name", ["sunspots", "pacific", "lynx"])
def test_the_records_are_those_described(name):
    content = (records.DATA / f"{name}.csv").read_bytes()
    assert hashlib.sha256(content).hexdigest() in (records.DATA / "README.md").read_text()
    assert np.isfinite(records.recording(name)).all()


def test_an_oscillation_is_put_in_order_and_noise_is_not():
    cycle = records.put_in_order(RING, 19)
    assert cycle.share > 0.95 and cycle.p_value("shuffled columns") == 1 / 20
    assert cycle.controls["phases randomised"].mean() > 0.8, "linear, so its surrogates do as well"
    noise = records.put_in_order(np.random.default_rng(1).standard_normal(200), 19)
    assert noise.share < 0.65 and noise.p_value("shuffled columns") > 0.05


def test_the_arrow_is_free_and_a_hole_takes_more_noise_than_a_hill():
    x = records.delay_states(RING, records.first_zero(RING))
    turn = lambda y: torch.stack([y[:, 1], -y[:, 0]], 1)  # noqa: E731
    there, back = (records.with_flow(turn, y).double().mean() for y in (x, x.flip(0)))
    assert there == back > 0.95
    assert records.one_hill(x) > 1.5 * records.one_hill(torch.randn(240, 2).double())


def test_surrogates_keep_the_spectrum():
    other = records.phase_randomised(RING, np.random.default_rng(2))
    both = (abs(np.fft.rfft(y - y.mean())) for y in (RING, other))
    np.testing.assert_allclose(*(y[1:-1] for y in both), rtol=1e-6)
    assert abs(np.corrcoef(RING, other)[0, 1]) < 0.99
