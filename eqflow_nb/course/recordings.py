"""Chapter 06: a recorded oscillation, shuffled, and put in order again by a flow.

Each choice is a rule that was fixed on simulated oscillators, before any recording was tried: the
delay is the first zero of the autocorrelation, sigma the least noise level with one hill.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas
import torch
from torch import Tensor

from eqflow_nb import flows, scores
from eqflow_nb.inputs import Field

DATA = Path(__file__).parents[1] / "data"
QUARTER_TURN = flows.skew.from_entries(1.0)
LEVELS = np.geomspace(0.05, 3.0, 64)  # of noise, in standard deviations


class Order(NamedTuple):
    """States (n, 2) of a recording, the steps between them that go with the flow, and controls."""

    states: Tensor
    delay: int
    sigma: float
    with_flow: Tensor  # (n - 1,) of bool
    turn: float  # the share of a plain turn about the middle: what needs no more than a centre
    controls: dict[str, np.ndarray]  # shares of what went through the same

    @property
    def share(self) -> float:
        """The share of steps in the right sense."""
        return float(self.with_flow.double().mean())

    def p_value(self, control: str) -> float:
        """How often a control does as well, counting the recording itself as one of them."""
        better = int((self.controls[control] >= self.share).sum())
        return (1 + better) / (1 + len(self.controls[control]))


def recording(name: str) -> np.ndarray:
    """Values (n,) of "sunspots", "pacific" or "lynx"; of the lynx the logarithm, as is usual."""
    values = pandas.read_csv(DATA / f"{name}.csv").iloc[:, -1].to_numpy(float)
    return np.log10(values) if name == "lynx" else values


def first_zero(values: np.ndarray) -> int:
    """The delay, in steps, at which the autocorrelation of values (n,) is first closest to 0."""
    # It is at least 2: with 1, successive states (s1, s2) and (s2, s3) share a value, which makes
    # even random numbers turn in one sense, in some 80% of steps.
    z = values - values.mean()
    after = np.correlate(z, z, "full")[len(z) - 1 :]
    k = int((after <= 0).argmax())
    return max(2, k - int(abs(after[k - 1]) < abs(after[k])))


def delay_states(values: np.ndarray, delay: int) -> Tensor:
    """States (n - delay, 2), (value, value a delay later), in order and of unit deviation."""
    x = torch.from_numpy(np.stack([values[:-delay], values[delay:]], axis=1))
    return (x - x.mean(0)) / x.std(0)


def one_hill(x: Tensor) -> float:
    """The least noise level at which all states (n, 2) climb to one top, by bisection."""
    # There the score of each points to the side where the highest state is. With a second hill, or
    # a hole in the middle, the flow J s has currents in opposite senses, and no single order.

    def climbs(level: float) -> bool:
        exponents = -torch.cdist(x, x).square() / (2 * level**2)
        top = x[exponents.logsumexp(1).argmax()]
        return bool((((x - top) * scores.KernelDensityScore(x, level)(x)).sum(1) <= 1e-9).all())

    few, enough = -1, len(LEVELS) - 1
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if climbs(LEVELS[middle]) else (middle, enough)
    return float(LEVELS[enough])


def with_flow(flow: Field, x: Tensor) -> Tensor:
    """Which steps (n - 1,) between successive states (n, 2) go with the flow."""
    # A step from a to b does if (v(a) + v(b)) . (b - a) > 0. The arrow is free, once for all
    # steps: it is taken that more of them follow, so that chance gives little over a half.
    v = flow(x)
    along = ((v[1:] + v[:-1]) * x.diff(dim=0)).sum(1) > 0
    return along if along.double().mean() >= 0.5 else ~along


def phase_randomised(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A surrogate (n,): linear noise with the spectrum of the values (Theiler et al. 1992)."""
    modes = np.fft.rfft(values - values.mean())
    turns = np.exp(2j * np.pi * rng.random(len(modes)))
    return np.fft.irfft(modes * turns, len(values))


def put_in_order(values: np.ndarray, surrogates: int, seed: int = 0) -> Order:
    """Make a flow from states without order, and look whether successive ones follow it."""
    # The controls go through the same: the second column of the states dealt out anew, and
    # phase-randomised surrogates of the values.
    delay, rng = first_zero(values), np.random.default_rng(seed)
    x = delay_states(values, delay)

    def followed(states: Tensor) -> tuple[float, Tensor]:
        sigma = one_hill(states)
        score = scores.KernelDensityScore(states, sigma)
        return sigma, with_flow(flows.skew.constant(QUARTER_TURN, score), states)

    made: dict[str, Callable[[], Tensor]] = {
        "shuffled columns": lambda: torch.stack([x[:, 0], x[rng.permutation(len(x)), 1]], 1),
        "phases randomised": lambda: delay_states(phase_randomised(values, rng), delay),
    }
    controls = {
        kind: np.array([float(followed(one())[1].double().mean()) for _ in range(surrogates)])
        for kind, one in made.items()
    }
    turn = with_flow(lambda y: y @ QUARTER_TURN.to(y).T, x).double().mean()
    return Order(x, delay, *followed(x), float(turn), controls)
