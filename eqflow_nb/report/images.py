"""A reader's pictures, examined: a noise level, a spectral score, a flow, what it keeps, a law."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb import figures, flows, scores
from eqflow_nb.equations import identify_fields
from eqflow_nb.figures import report as figures_report
from eqflow_nb.flows import kernels, spectral_kernel
from eqflow_nb.inputs import InputError, seeded
from eqflow_nb.measures import mean_distance, patterns, random_halves
from eqflow_nb.report.plane import kept_picture
from eqflow_nb.report.points import SPLITS, Examined, say_kept, say_sigma, sigma_picture
from eqflow_nb.scores.noise_level import choose_sigma
from eqflow_nb.snapshots.base import blur
from eqflow_nb.user_data import Look, UserData

LEAST, MOST = 4, 256  # pictures
TIMES = (0.0, 1.0, 2.5, 10.0)  # path of a pixel, in standard deviations
SIDE = 5  # of a patch


def examine(own: UserData, seen: Look, sigma: float | None, seed: int) -> Examined:
    """Examine images; see `report.report`."""
    if len(own.values) < LEAST:
        raise InputError(f"source has {len(own.values)} images; a report takes at least {LEAST}")
    order = np.random.default_rng(seed).permutation(len(own.values))[:MOST]
    raw = torch.from_numpy(own.values[order][:, seen.keep]).float()
    names = [own.names[c] for c in seen.keep]
    centre, scale = raw.mean((0, 2, 3), keepdim=True), raw.std((0, 2, 3), keepdim=True)
    x = (raw - centre) / scale
    choice = choose_sigma(patterns.patches(x, SIDE, seed=seed), seed=seed)
    level = choice.sigma if sigma is None else sigma
    half = len(x) // 2
    train, held = x[:half], x[half : 2 * half]
    score = scores.fit_gaussian_field(train, level)
    symbols = rules(score, seed)
    start = blur(train, level, seed)
    paces = {kind: _pace(score, symbol, start) for kind, symbol in symbols.items()}
    flow = kernels.Convolution(paces["skew"] * symbols["skew"], score)
    states, kept = _follow(score, {k: paces[k] * symbols[k] for k in symbols}, start, held, seed)
    law, about = _law(raw, names)
    data = {
        "sigma.sigmas": choice.sigmas,
        "sigma.values": choice.values,
        "sigma.errors": choice.errors,
        "score.mean": score.mean.numpy(),
        "score.covariance": score.covariance.numpy(),
        "score.centre": centre.flatten().numpy(),
        "score.scale": scale.flatten().numpy(),
        "flow.stills": held[:2].numpy(),
        "flow.velocity": flow(held[:2]).numpy(),
        "preservation.times": np.array(TIMES),
        **{f"preservation.{kind}": np.array(list(over.values())) for kind, over in kept.items()},
        **{f"pictures.{kind}": state.numpy() for kind, state in states.items()},
    }
    said = [
        say_sigma(choice, sigma, f", applied to patches of {SIDE} by {SIDE} pixels"),
        _say_flow(len(names)),
        say_kept(kept),
        about,
    ]
    pictures = {"sigma": sigma_picture(choice, level)}
    pictures |= _pictures(x, held, names, flow, kept, states, level)
    return Examined(choice, score, flow, kept, law, tuple(said), pictures, data)


def rules(score: scores.GaussianFieldScore, seed: int) -> dict[str, Tensor]:
    """K(k) of a skew rule and its controls, "score", "random", "symmetric": one low pass a(k).

    a is the C-th root of det(C(k) + sigma^2 I): of two channels every wavelength then turns at one
    rate.  One channel has no turn; a random skew kernel of 3 by 3 pixels moves it sideways.
    """
    channels = len(score.mean)
    a = torch.linalg.det(score.precision) ** (-1 / channels)
    low = (a / a.max())[..., None, None]
    if channels == 1:
        skew = kernels.symbol(kernels.random_kernel(1, 3, seed), score.size)
    elif channels == 2:
        skew = torch.tensor(spectral_kernel.QUARTER_TURN)
    else:
        skew = flows.skew.random(channels, seed)
    generator = seeded(seed)
    random = torch.randn(channels, channels, generator=generator)
    found = {"skew": skew, "score": torch.eye(channels), "random": random}
    if channels > 1:
        found["symmetric"] = torch.eye(channels).flip(0)
    return {
        kind: low * rule.to(torch.complex128 if rule.is_complex() else low.dtype)
        for kind, rule in found.items()
    }


def _say_flow(channels: int) -> str:
    how = {
        1: "a random skew kernel of 3 by 3 pixels (one channel has no other to turn into)",
        2: "the quarter turn J of the two channels",
    }.get(channels, f"a random skew matrix of the {channels} channels")
    return (
        "Flow: v = K * s, with the score s of a Gaussian field of the same spectrum (nothing is "
        f"trained), and K(k) = a(k) times {how}. It keeps the spectrum exactly, and nothing "
        "finer. Time counts the path of a pixel in standard deviations."
    )


def _pace(score: scores.GaussianFieldScore, symbol: Tensor, x: Tensor) -> float:
    """What makes a pixel's rms speed 1."""
    return float(1 / kernels.Convolution(symbol, score)(x).square().mean().sqrt())


def _follow(
    score: scores.GaussianFieldScore,
    symbols: Mapping[str, Tensor],
    start: Tensor,
    held: Tensor,
    seed: int,
) -> tuple[dict[str, Tensor], dict[str, dict[float, float]]]:
    """Where images end, and their patches' distances to held-out ones, in floors.

    The distance is between D(x) and D of held-out images, and of both signs of K the worse.
    """
    fresh = score.denoise(blur(held, score.sigma, seed + 1))
    both = torch.cat([score.denoise(start), fresh])
    seeds = itertools.count()
    floor, _ = mean_distance(
        lambda x, y: patterns.patch_distance(x, y, SIDE, seed=next(seeds)),
        random_halves(both, SPLITS, seed),
    )
    begun = patterns.patch_distance(both[: len(fresh)], fresh, SIDE, seed=seed) / floor
    kept: dict[str, dict[float, float]] = {}
    ends = {"start": score.denoise(start[:1])}
    for kind, symbol in symbols.items():
        signs = (1, -1) if kind == "skew" else (1,)
        kept[kind] = {TIMES[0]: begun}
        for t in TIMES[1:]:
            moved = [spectral_kernel.exact_state(score, c * symbol, start, t) for c in signs]
            moved = [score.denoise(_near(x)) for x in moved]
            far = max(patterns.patch_distance(x, fresh, SIDE, seed=seed) for x in moved)
            kept[kind][t], ends[kind] = far / floor, moved[0][:1]
    return ends, kept


def _near(x: Tensor) -> Tensor:
    """Images with what ran away held at 50 deviations."""
    return x.nan_to_num(nan=50.0).clamp(-50, 50)


def _law(raw: Tensor, names: list[str]) -> tuple[Any | None, str]:
    """A law of reaction and diffusion, if one can be looked for, and what came of it."""
    try:
        law = identify_fields(raw.double().numpy(), names=names)
    except InputError as error:
        return None, f"No law was looked for: {error}."
    return law, f"Law of motion, among those of reaction and diffusion: {law}"


def _pictures(
    x: Tensor,
    held: Tensor,
    names: list[str],
    flow: Any,
    kept: Mapping[str, Mapping[float, float]],
    states: Mapping[str, Tensor],
    level: float,
) -> dict[str, tuple[Figure, str]]:
    k, power = patterns.spectrum(x)
    k, power = k[power[0] > 0], power[:, power[0] > 0]
    powers = dict(zip(names, power, strict=True))
    v = flow(held[:2])
    rows = {
        name: {
            "still": held[0, c],
            "velocity": v[0, c],
            "another": held[1, c],
            "its velocity": v[1, c],
        }
        for c, name in enumerate(names)
    }
    said = "; ".join(f"{kind} {over[max(over)]:.2g}" for kind, over in kept.items())
    ends = {kind: state[0, -1] for kind, state in states.items()}
    return {
        "score": (
            figures_report.spectra(k, powers, level**2),
            "Power against wave number for each channel, falling towards fine detail, and the flat "
            f"power of noise at σ = {level:.2g}.",
        ),
        "flow": (
            figures.motion(rows),
            "Two pictures not used for the score, and how the flow moves each of their channels.",
        ),
        "preservation": (
            kept_picture(kept, "path of a pixel in sd"),
            f"Distance of patches over its floor against time. At the end: {said}.",
        ),
        "pictures": (
            figures.images(ends, columns=5, size=1.8, limits=(-2.5, 2.5)),
            f"Channel {names[-1]} of one picture, denoised: at the start, and where the flow and "
            "its controls have brought it.",
        ),
    }
