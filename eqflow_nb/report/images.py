"""A report on images: a Gaussian field's score, a flow, what it keeps, equations."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor

from eqflow_nb import figures, flows, scores
from eqflow_nb.equations import identify_fields
from eqflow_nb.flows import kernels, spectral_kernel
from eqflow_nb.inputs import InputError, seeded
from eqflow_nb.measures import mean_distance, patterns, random_halves
from eqflow_nb.report import Kept, Picture, Report, compose, look_for
from eqflow_nb.scores.noise_level import choose_sigma
from eqflow_nb.snapshots.base import blur
from eqflow_nb.user_data import Look, UserData

LEAST, MOST = 4, 256  # images
TIMES = (0.0, 1.0, 2.5, 10.0)  # path of a pixel, in standard deviations
SIDE = 5  # of a patch


def of_images(own: UserData, seen: Look, asked: float | None, seed: int) -> Report:
    """Report on images; see `report`."""
    if len(own.values) < LEAST:
        raise InputError(f"source has {len(own.values)} images; a report takes at least {LEAST}")
    order = np.random.default_rng(seed).permutation(len(own.values))[:MOST]
    raw = torch.from_numpy(own.values[order][:, seen.keep]).float()
    names = [own.names[c] for c in seen.keep]
    centre, scale = raw.mean((0, 2, 3), keepdim=True), raw.std((0, 2, 3), keepdim=True)
    x = (raw - centre) / scale
    choice = choose_sigma(patterns.patches(x, SIDE, seed=seed), seed=seed)
    sigma = choice.sigma if asked is None else asked
    half = len(x) // 2
    train, held = x[:half], x[half : 2 * half]
    score = scores.fit_gaussian_field(train, sigma)
    start = blur(train, sigma, seed)
    symbols = {kind: _at_unit_speed(K, score, start) for kind, K in rules(score, seed).items()}
    flow = kernels.Convolution(symbols["skew"], score)
    ends, kept = _follow(score, symbols, start, held, seed)
    found = look_for(identify_fields, raw.double().numpy(), "reaction-diffusion", names=names)
    k, power = patterns.spectrum(x)
    k, power = k[power[0] > 0], power[:, power[0] > 0]
    spectrum = figures.curves(
        {name: (k, channel) for name, channel in zip(names, power, strict=True)},
        levels={"noise of level σ": sigma**2}, xlabel="|k| (cycles a pixel)",
        ylabel="power (sd² a mode)", xscale="log", yscale="log",
    )  # fmt: skip
    v = flow(held[:2])
    shown: dict[str, Tensor] = {}
    for c, name in enumerate(names):
        shown |= {f"{name}": held[0, c], f"{name}: velocity": v[0, c]}
        shown |= {f"{name}, another": held[1, c], f"{name}: its velocity": v[1, c]}
    pictures = {
        "score": Picture(
            spectrum,
            "Power against wave number for each channel, falling towards fine detail, and the flat "
            f"power of noise at σ = {sigma:.2g}.",
            {"mean": score.mean, "covariance": score.covariance, "centre": centre, "scale": scale},
        ),
        "flow": Picture(
            figures.images(shown, size=1.9, maps=(figures.PATTERN, figures.VELOCITY)),
            "Two images not used for the score, and how the flow moves each of their channels.",
            {"snapshots": held[:2], "velocity": v},
        ),
        "pictures": Picture(
            figures.images({n: z[0, -1] for n, z in ends.items()}, 5, 1.8, (-2.5, 2.5)),
            f"Channel {names[-1]} of one image, denoised: at the start, and where the flow and "
            "its controls have brought it.",
            ends,
        ),
    }
    how = {
        1: "a random skew kernel of 3 by 3 pixels (one channel has no other to turn into)",
        2: "the quarter turn J of the two channels",
    }.get(len(names), f"a random skew matrix of the {len(names)} channels")
    said = (
        "Flow: v = K * s, with the score s of a Gaussian field of the same spectrum (nothing is "
        f"trained), and K(k) = a(k) times {how}. It keeps the spectrum exactly, and nothing "
        "finer. Time counts the path of a pixel in standard deviations."
    )
    of_what = f", applied to patches of {SIDE} by {SIDE} pixels"
    return compose(
        own, seen, asked, choice, score, flow, said, pictures, kept, found, of_what,
        "of a pixel in sd",
    )  # fmt: skip


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
    random = torch.randn(channels, channels, generator=seeded(seed))
    found = {"skew": skew, "score": torch.eye(channels), "random": random}
    if channels > 1:
        found["symmetric"] = torch.eye(channels).flip(0)
    return {
        kind: low * rule.to(torch.complex128 if rule.is_complex() else low.dtype)
        for kind, rule in found.items()
    }


def _at_unit_speed(symbol: Tensor, score: scores.GaussianFieldScore, x: Tensor) -> Tensor:
    """The rule times what makes a pixel's rms speed 1."""
    return float(1 / kernels.Convolution(symbol, score)(x).square().mean().sqrt()) * symbol


def _follow(
    score: scores.GaussianFieldScore,
    symbols: dict[str, Tensor],
    start: Tensor,
    held: Tensor,
    seed: int,
) -> tuple[dict[str, Tensor], Kept]:
    """Where an image ends, and the distances of patches to those of held-out images, in floors.

    The distance is between D(x) and D of held-out images, and of both signs of K the worse.
    """
    clean, fresh = score.denoise(start), score.denoise(blur(held, score.sigma, seed + 1))
    seeds = itertools.count()
    floor, _ = mean_distance(
        lambda x, y: patterns.patch_distance(x, y, SIDE, seed=next(seeds)),
        random_halves(torch.cat([clean, fresh]), 8, seed),
    )
    ends, kept = {"start": clean[:1]}, {}
    for kind, symbol in symbols.items():
        kept[kind] = {TIMES[0]: patterns.patch_distance(clean, fresh, SIDE, seed=seed) / floor}
        for t in TIMES[1:]:
            moved = []
            for sign in (1, -1) if kind == "skew" else (1,):
                x = spectral_kernel.exact_state(score, sign * symbol, start, t)
                # What ran away is held at 50 deviations.
                moved.append(score.denoise(x.nan_to_num(nan=50.0).clamp(-50, 50)))
            far = max(patterns.patch_distance(x, fresh, SIDE, seed=seed) for x in moved)
            kept[kind][t], ends[kind] = far / floor, moved[0][:1]
    return ends, kept
