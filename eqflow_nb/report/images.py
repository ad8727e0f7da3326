"""A report on images: a Gaussian field's score, a flow, what it keeps, equations."""

import itertools
from functools import partial

import torch
from torch import Tensor

from eqflow_nb import figures, flows, scores
from eqflow_nb.equations import identify_fields
from eqflow_nb.flows import kernels, spectral_kernel
from eqflow_nb.inputs import seeded
from eqflow_nb.measures import mean_distance, patterns, random_halves
from eqflow_nb.report import PATCH, Findings, Halves, Kept, Picture, look_for
from eqflow_nb.snapshots.base import blur

TIMES = (0.0, 1.0, 2.5, 10.0)  # path of a pixel, in standard deviations


def of_images(of: Halves) -> Findings:
    """Report on images; see `report`."""
    score = scores.fit_gaussian_field(of.train, of.sigma)
    symbols = {}
    for kind, K in rules(score, of.seed).items():
        rms = kernels.convolution(K, score)(of.start).square().mean().sqrt()
        symbols[kind] = float(1 / rms) * K
    flow = kernels.convolution(symbols["skew"], score)
    ends, kept = _follow(score, symbols, of)
    raw = of.raw.double().numpy()
    equations = look_for(identify_fields, raw, "reaction-diffusion", names=of.names)
    k, power = patterns.spectrum(of.x)
    k, power = k[power[0] > 0], power[:, power[0] > 0]
    spectrum = figures.curves(
        {name: (k, channel) for name, channel in zip(of.names, power, strict=True)},
        levels={"noise of level σ": of.sigma**2},
        xlabel="|k| (cycles a pixel)",
        ylabel="power (sd² a mode)",
        xscale="log",
        yscale="log",
    )
    v = flow(of.held[:2])
    shown: dict[str, Tensor] = {}
    for c, name in enumerate(of.names):
        shown |= {f"{name}": of.held[0, c], f"{name}: velocity": v[0, c]}
        shown |= {f"{name}, another": of.held[1, c], f"{name}: its velocity": v[1, c]}
    noise = f"Power against wave number for each channel, and that of noise at σ = {of.sigma:.2g}."
    moves = "Two images not used for the score, and how the flow moves each of their channels."
    ended = f"Channel {of.names[-1]} of one image, denoised, at the start and after each flow."
    fitted = {"mean": score.mean, "covariance": score.covariance, **of.scaling}
    several = figures.images(shown, size=1.9, maps=(figures.PATTERN, figures.VELOCITY))
    after = figures.images({n: z[0, -1] for n, z in ends.items()}, 5, 1.8, (-2.5, 2.5))
    pictures = {
        "score": Picture(spectrum, noise, fitted),
        "flow": Picture(several, moves, {"snapshots": of.held[:2], "velocity": v}),
        "pictures": Picture(after, ended, ends),
    }
    said = (
        "Flow: v = K * s, with the score s of a Gaussian field of the same spectrum (nothing is "
        "trained), and K(k) = a(k) times a skew matrix of the channels: of two the quarter turn J, "
        "of more a random one; one channel gets a random skew kernel of 3 by 3 pixels. It keeps "
        "the spectrum exactly, and nothing finer. Time counts the path of a pixel in standard "
        "deviations."
    )
    return Findings(score, flow, said, pictures, kept, equations)


def rules(score: scores.GaussianFieldScore, seed: int) -> dict[str, Tensor]:
    """K(k) of a skew rule and its controls, "score", "random", "symmetric": one low pass a(k)."""
    # Of two channels every wavelength then turns at one rate.  One channel has no turn; a random
    # skew kernel of 3 by 3 pixels moves it sideways.
    channels, low = len(score.mean), spectral_kernel.low_pass(score)[..., None, None]
    random = torch.randn(channels, channels, generator=seeded(seed)).to(low)
    controls = {"score": low * torch.eye(channels), "random": low * random}
    if channels == 1:
        skew = kernels.symbol(kernels.random_kernel(1, 3, seed), score.size)
        return {"skew": low * skew, **controls}
    turn = torch.tensor(spectral_kernel.QUARTER_TURN)
    skew = turn if channels == 2 else flows.skew.random(channels, seed)
    return {"skew": low * skew, **controls, "symmetric": low * torch.eye(channels).flip(0)}


def _follow(
    score: scores.GaussianFieldScore, symbols: dict[str, Tensor], of: Halves
) -> tuple[dict[str, Tensor], Kept]:
    """Where an image ends; the distance of D(x) to D of held-out ones, of both signs the worse."""
    clean, fresh = score.denoise(of.start), score.denoise(blur(of.held, of.sigma, of.seed + 1))
    distance, seeds = partial(patterns.patch_distance, size=PATCH), itertools.count()
    halves = random_halves(torch.cat([clean, fresh]), 8, of.seed)
    floor, _ = mean_distance(lambda x, y: distance(x, y, seed=next(seeds)), halves)
    ends, kept = {"start": clean[:1]}, {}
    for kind, symbol in symbols.items():
        kept[kind] = {TIMES[0]: distance(clean, fresh, seed=of.seed) / floor}
        for t in TIMES[1:]:
            moved = []
            for sign in (1, -1) if kind == "skew" else (1,):
                x = spectral_kernel.exact_state(score, sign * symbol, of.start, t)
                # What ran away is held at 50 deviations.
                moved.append(score.denoise(x.nan_to_num(nan=50.0).clamp(-50, 50)))
            far = max(distance(x, fresh, seed=of.seed) for x in moved)
            kept[kind][t], ends[kind] = far / floor, moved[0][:1]
    return ends, kept
