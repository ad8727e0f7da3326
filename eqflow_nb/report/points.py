"""A report on points: a score, a flow, how well it keeps them, equations, drawn in a plane."""

import torch
from torch import Tensor

from eqflow_nb import figures, flows, rollout, scores
from eqflow_nb.equations import identify
from eqflow_nb.figures.axes import lattice
from eqflow_nb.inputs import Field
from eqflow_nb.measures import mean_distance, random_halves, sliced_wasserstein
from eqflow_nb.report import Findings, Halves, Kept, Picture, look_for
from eqflow_nb.snapshots.base import blur

MOST = 50_000  # rows that equations are looked for in
DIMS = 6  # from here on only linear equations are looked for
TIMES = (0.0, 1.0, 2.5, 5.0, 10.0)  # path in radii of the cloud
SHOWN = (0.0, 2.5, 10.0)
LATTICE = 41  # points a side that fields are saved at
SAMPLES = 4000  # that a mean flow in the plane is read from


def of_points(of: Halves) -> Findings:
    """Report on a table of points; see `report`."""
    d, sigma, start, seed = len(of.names), of.sigma, of.start, of.seed
    score = scores.KernelDensityScore(of.train, sigma)
    random = flows.networks.FlowNetworks(1, d, 48, 48, seed=seed).requires_grad_(False)
    random.set_speed(start)
    moving: dict[str, Field] = {
        "skew": flows.skew.constant(flows.skew.random(d, seed), score),
        "score": score,
        "symmetric": flows.skew.Linear(torch.eye(d).flip(0), score),
    }
    moving = {kind: flows.at_common_speed(v, start) for kind, v in moving.items()}
    moving["random"] = random
    runs = rollout.race({n: (v, min(0.1, sigma / 2), TIMES) for n, v in moving.items()}, start)
    kept = _distances(runs, start, blur(of.held, sigma, seed + 1), seed)
    degree, among = (2, "quadratic") if d < DIMS else (1, "linear")
    found = look_for(identify, of.raw[:MOST].numpy(), among, degree=degree, names=of.names)
    if found[0] is not None and found[0].verdict == "determined":
        centre, scale = of.scaling.values()

        def field(x: Tensor) -> Tensor:
            return (found[0].velocity(centre + scale * x.double()) / scale).to(x)

        # Equations keep the points themselves, without blur.
        runner = (flows.at_common_speed(field, of.train), 0.02, TIMES)
        run = rollout.race({"equations": runner}, of.train)
        kept |= _distances(run, of.train, of.held, seed)
    planes = "the one there is in the plane" if d == 2 else "a random one of many"
    said = (
        "Flow: v = K s, with the score s of a kernel density of one half, and a constant skew "
        f"matrix K, {planes}. Nothing is trained. Snapshots don't tell its speed or its arrow: "
        "time counts path in radii of the cloud."
    )
    flow = moving["skew"]
    return Findings(score, flow, said, _pictures(score, flow, runs, of), kept, found)


def _distances(runs: dict[str, rollout.Rollout], start: Tensor, fresh: Tensor, seed: int) -> Kept:
    """Distances of runs to fresh points, over that of random halves of both before they moved."""
    floor, _ = mean_distance(sliced_wasserstein, random_halves(torch.cat([start, fresh]), 8, seed))
    far = {k: {t: sliced_wasserstein(run.at(t), fresh) for t in TIMES} for k, run in runs.items()}
    return {kind: {t: x / floor for t, x in over.items()} for kind, over in far.items()}


def plane_of(x: Tensor) -> Tensor:
    """Two orthonormal directions (2, d) to draw in: coordinates, or the principal directions."""
    if x.shape[1] == 2:
        return torch.eye(2).to(x)
    return torch.linalg.svd(x - x.mean(0), full_matrices=False)[2][:2]


def marginal(score: scores.KernelDensityScore, plane: Tensor) -> scores.MixtureScore:
    """The marginal of a kernel density in a plane: a kernel density of the projected samples."""
    flat = score.centres @ plane.T
    spread = score.sigma**2 * torch.eye(2).expand(len(flat), 2, 2)
    return scores.MixtureScore(torch.ones(len(flat)), flat, spread)


def mean_flow(flow: Field, start: Tensor, plane: Tensor, sigma: float) -> Field:
    """The flow in the plane, E[P v | P x = y]: it keeps the marginal of p if v keeps p."""
    # In more than two dimensions it is a mean over points near y, with weights of width sigma.
    if start.shape[1] == 2:
        return flow
    x = start[:SAMPLES]
    weights, v = scores.KernelDensityScore(x @ plane.T, sigma), flow(x) @ plane.T
    return lambda y: weights.expect(y, v)


def extent_of(x: Tensor) -> float:
    """How far a picture of points (n, 2) should reach, so that a few far out don't rule it."""
    return float((2 * x.abs().flatten().quantile(0.9)).clamp(2.1, 3.5))


def _pictures(
    score: scores.KernelDensityScore, flow: Field, runs: dict[str, rollout.Rollout], of: Halves
) -> dict[str, Picture]:
    """Streamlines of the score and of the flow, and clouds that moved."""
    plane, about, labels = plane_of(of.x), "", of.names
    if len(labels) > 2:
        about = ", in the plane of the two principal directions"
        labels = ["direction 1", "direction 2"]
    p, moving = marginal(score, plane), mean_flow(flow, of.start, plane, score.sigma)
    flat = score.centres @ plane.T
    extent = extent_of(flat)
    at = lattice(extent, LATTICE)
    figure = figures.flow_on_density({"": p}, p.log_density, labels, extent)
    figures.draw_cloud(figure.axes[0], flat, figures.PALETTE["score"], alpha=0.35, points=700)
    clouds = {(kind, t): run.at(t) @ plane.T for t in SHOWN for kind, run in runs.items()}
    scored = {"samples": of.x, **of.scaling, "directions": plane, "at": at, "score": p(at)}
    read = {"at": at, "log_density": p.log_density(at), "velocity": moving(at)}
    moved = {f"{kind}_t{t:g}": x for (kind, t), x in clouds.items()}
    gone = {key: float((x.abs() > extent).any(1).double().mean()) for key, x in clouds.items()}
    titled = {f"{k}, t = {t:g}\n{gone[k, t]:.0%} outside": x for (k, t), x in clouds.items()}
    slopes = f"Your points on their blurred density{about}; streamlines lead up its slopes."
    lines = f"Streamlines of the skew flow over the density{about}: closed currents."
    later = f"The cloud at the start and later under the skew flow and the controls{about}."
    flowing = figures.flow_on_density({"": moving}, p.log_density, labels, extent)
    return {
        "score": Picture(figure, slopes, scored),
        "flow": Picture(flowing, lines, read),
        "clouds": Picture(figures.clouds(titled, labels, extent, len(runs)), later, moved),
    }
