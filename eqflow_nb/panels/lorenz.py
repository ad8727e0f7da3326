"""The panel on Lorenz: four flows in space, from the same blurred snapshots."""

import math
from functools import lru_cache

import torch
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb import figures, flows, rollout, scores, snapshots
from eqflow_nb.figures.axes import draw_cloud, square
from eqflow_nb.figures.points import by_place
from eqflow_nb.figures.style import FAINT
from eqflow_nb.flows.networks import FlowNetworks
from eqflow_nb.inputs import Field
from eqflow_nb.panels.engine import network_spec, packed
from eqflow_nb.panels.live import Live, knob, pick
from eqflow_nb.scores import weights
from eqflow_nb.snapshots.base import blur
from eqflow_nb.snapshots.lorenz import CENTRE, SCALE, LorenzField

FLOW = weights.FOLDER / "flows" / "lorenz.safetensors"
SHOWN = ("truth", "learned", "skew", "exact")
CLEAN, SIGMA = 0.05, 0.31  # noise levels: of the fit, and at the start
MOVING, FEW, BEHIND = 500, 250, 700  # points: that move, in each of four views, at rest
SKEW = {"xy": 0.3, "xz": 1.0, "yz": 0.5}
POTENTIAL = 0  # seed of the exact flow's


def lorenz_panel(learned: FlowNetworks | None = None) -> Live:
    """Points in space under the truth, a learned network, K s with your K, and an exact flow.

    The network is one of an ensemble, such as `networks.member(0)`; by default the shipped one.
    """
    net, samples = learned or shipped_flow(), snapshots.world("lorenz").sample(MOVING + BEHIND, 1)
    mixture, waves = _mixture(), flows.exact.Waves(3, 3, seed=POTENTIAL)
    sharp = mixture.covariances - CLEAN**2 * torch.eye(3)
    speed = float(LorenzField()(samples).square().sum(1).mean().sqrt())
    spec = {
        "name": "lorenz", "kind": "lorenz", "title": "Four flows on the Lorenz attractor",
        "caption": "Faint dots: the cloud. Colour: where a point started. Crossed: now on the "
        "other wing. Drag a picture, or press arrow keys, to turn it. All flows have one speed, "
        "so of K only the ratio of its entries counts. The truth takes no noise; the network was "
        "made for σ = .31.",
        "alt": "Points of the Lorenz attractor, moved by four flows and coloured by where they "
        "started. By the truth and the learned network they circle in both wings; constant skew "
        "turns them on closed loops in parallel planes; the exact flow takes them on other ways.",
        "controls": [
            pick("show", "show", "all four", ("all four", *SHOWN)),
            knob("xy", "K[x,y]", SKEW["xy"], -1, 1, 0.1, 1),
            knob("xz", "K[x,z]", SKEW["xz"], -1, 1, 0.1, 1),
            knob("yz", "K[y,z]", SKEW["yz"], -1, 1, 0.1, 1),
            knob("eta", "diffusion η", 0, 0, 1, 0.05),
            knob("sigma", "noise level σ", SIGMA, 0.15, 0.6, 0.01),
        ],
        "moving": MOVING, "few": FEW, "samples": packed(samples), "network": network_spec(net),
        "mixture": {"weights": packed(mixture.weights), "means": packed(mixture.means)}
        | {"covariances": packed(sharp)},
        "centre": CENTRE, "scale": SCALE, "speed": speed,
        "potential": {k: packed(getattr(waves, k)) for k in ("waves", "phases", "weights")},
    }  # fmt: skip
    return Live(spec, lambda: _twin(net, samples, waves))


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


def _twin(net: FlowNetworks, samples: Tensor, potential: flows.exact.Waves) -> Figure:
    """Points of each flow at t = 4, in x and z, coloured by where they started, with trails."""
    score, x = _mixture().blurred(math.sqrt(SIGMA**2 - CLEAN**2)), blur(samples, SIGMA, 1)
    fields: tuple[Field, ...] = (
        LorenzField(),
        net,
        flows.skew.constant(flows.skew.from_entries(*SKEW.values()), score),
        flows.exact.VectorPotential(potential, score),
    )
    figure, panes = figures.grid(4, 4, (2.3, 2.4))
    start = x[:MOVING]
    tints = by_place(start[:, 0].numpy())
    for pane, name, field in zip(panes, SHOWN, fields, strict=True):
        even = flows.at_common_speed(field, x)
        path = torch.stack([y for _, y in rollout.rk4(even, start, 0.05, 80)])[-12:, :, [0, 2]]
        draw_cloud(pane, x[:, [0, 2]], FAINT, size=1)
        trails = list(path.transpose(0, 1).numpy())
        pane.add_collection(LineCollection(trails, colors=tints, linewidths=0.7, alpha=0.6))
        pane.scatter(path[-1, :, 0], path[-1, :, 1], s=4, c=tints, linewidths=0)
        square(pane, 3, ("x", "z"), inner=pane is panes[0])
        pane.set_title(name)
    return figure
