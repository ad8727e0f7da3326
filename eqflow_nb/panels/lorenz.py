"""The panel on Lorenz: four flows in space, from the same blurred snapshots."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb import figures, flows, rollout, scores, snapshots
from eqflow_nb.flows.networks import FlowNetworks
from eqflow_nb.panels.engine import network_spec, packed
from eqflow_nb.panels.live import Live, knob, pick
from eqflow_nb.scores import weights
from eqflow_nb.snapshots.base import blur
from eqflow_nb.snapshots.lorenz import CENTRE, SCALE

FLOW = weights.FOLDER / "flows" / "lorenz.safetensors"
SHOWN = ("truth", "learned network", "constant skew", "exact")
CLEAN, SIGMA = 0.05, 0.31  # noise levels: of the fit, and at the start
MOVING, BEHIND = 500, 700
SKEW = {"xy": 0.3, "xz": 1.0, "yz": 0.5}
POTENTIAL = 0  # seed of the exact flow's


def lorenz_panel(learned: FlowNetworks | None = None) -> Live:
    """Points in space under the truth, a learned network, K s with your K, and an exact flow.

    The network is one of an ensemble, such as `networks.member(0)`; by default the shipped one.
    """
    net, samples = learned or shipped_flow(), snapshots.world("lorenz").sample(MOVING + BEHIND, 1)
    mixture, waves = _mixture(), flows.exact.Waves(3, 3, seed=POTENTIAL)
    truth = snapshots.world("lorenz").velocity
    assert truth is not None
    sharp = mixture.covariances - CLEAN**2 * torch.eye(3)
    spec = {
        "name": "lorenz", "kind": "lorenz", "title": "Four flows on the Lorenz attractor",
        "caption": "Faint dots: the cloud. Colour: where a point started. Crossed: now on the other "
        "wing. Drag a picture, or press arrow keys, to turn it. All flows have one rms speed, so "
        "of K only the ratio of its entries counts. The truth takes no noise; the network was made "
        "for σ = .31.",
        "alt": "Blurred points of the Lorenz attractor, moved by four flows. By the truth and the "
        "learned network they circle in both wings; constant skew turns them in parallel planes, "
        "on closed loops; the exact flow takes them on other ways.",
        "controls": [
            pick("show", "show", "all four", ("all four", *SHOWN)),
            knob("xy", "K[x,y]", SKEW["xy"], -1, 1, 0.1, 1),
            knob("xz", "K[x,z]", SKEW["xz"], -1, 1, 0.1, 1),
            knob("yz", "K[y,z]", SKEW["yz"], -1, 1, 0.1, 1),
            knob("eta", "diffusion η", 0, 0, 1, 0.05),
            knob("sigma", "noise level σ", SIGMA, 0.15, 0.6, 0.01),
        ],
        "moving": MOVING, "samples": packed(samples), "network": network_spec(net),
        "mixture": {"weights": packed(mixture.weights), "means": packed(mixture.means)}
        | {"covariances": packed(sharp)},
        "centre": CENTRE, "scale": SCALE, "speed": float(_rms(truth(samples))),
        "potential": {k: packed(getattr(waves, k)) for k in ("waves", "phases", "weights")},
    }  # fmt: skip
    return Live(spec, lambda: _twin(net))


@lru_cache
def shipped_flow() -> FlowNetworks:
    """The network that comes with the package; `data/make_lorenz_flow.py` trained it."""
    tensors, about = weights.read(FLOW)
    net = FlowNetworks(1, 3, width=0, last=about["units"], signs=tensors["signs"])
    net.load_state_dict(tensors)
    return net.requires_grad_(False)


@lru_cache
def _mixture() -> scores.MixtureScore:
    """A mixture fitted to almost clean samples, which the browser blurs exactly."""
    return scores.fit_mixture(snapshots.world("lorenz").sample(3000, 0), CLEAN, components=48)


def _rms(v: Tensor) -> Tensor:
    return v.square().sum(1).mean().sqrt()


def _twin(net: FlowNetworks) -> Figure:
    """Where two points go by each flow: one of either wing."""
    samples = snapshots.world("lorenz").sample(MOVING, 1)
    score, start = _mixture().blurred(math.sqrt(SIGMA**2 - CLEAN**2)), blur(samples, SIGMA, 1)
    potential = flows.exact.Waves(3, 3, seed=POTENTIAL)
    fields: tuple[Any, ...] = (
        snapshots.world("lorenz").velocity,
        net,
        flows.skew.constant(flows.skew.from_entries(*SKEW.values()), score),
        flows.exact.VectorPotential(potential, score),
    )
    figure, panes = figures.grid(4, 4, (2.3, 2.4), subplot_kw={"projection": "3d"})
    two = start[start[:, 0].argsort()][[100, -100]]
    for pane, name, field in zip(panes, SHOWN, fields, strict=True):
        even = flows.at_common_speed(field, start)
        path = torch.stack([x for _, x in rollout.rk4(even, two, 0.05, 500)])
        for i, behind in enumerate((samples, None)):
            figures.draw_trajectory(pane, path[:, i], behind, ("#0072b2", "#d55e00")[i])
        figures.cube(pane, 2.7, ("x", "y", "z"))
        pane.set_title(name, y=0.97)
    return figure
