"""A look at a reader's own data: `report(X)` says what they are fit for, and makes them move."""

import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb import figures
from eqflow_nb.figures.style import array as numbers
from eqflow_nb.inputs import Field, InputError, count, positive, replace_bytes
from eqflow_nb.measures import patterns
from eqflow_nb.scores.noise_level import Choice, choose_sigma
from eqflow_nb.snapshots.base import blur
from eqflow_nb.user_data import Look, UserData, look, read

PATCH = 5  # pixels a side of the patches that images are judged by
MOST = 256  # images
Kept = dict[str, dict[float, float]]  # of each flow and time, a distance over its floor


class Picture(NamedTuple):
    """A figure, what there is to see in words, and the arrays that it was drawn from."""

    figure: Figure
    alt: str
    arrays: Mapping[str, Any]


class Report(NamedTuple):
    """What was found in a reader's snapshots `own`.

    `score` and `flow` are in scaled coordinates.  `preservation` {flow: {time: floors}} is the
    distance to held-out snapshots of the "skew" flow, of the controls "score", "symmetric" and
    "random", and of `equations` (None if they were not looked for) if determined.
    """

    own: UserData
    look: Look
    sigma: float  # in standard deviations
    choice: Choice
    score: Field
    flow: Field
    preservation: Kept
    equations: Any | None
    paragraphs: tuple[str, ...]
    pictures: dict[str, Picture]

    def __str__(self) -> str:
        lines = "\n".join(self.paragraphs).splitlines()
        return "\n".join(textwrap.fill(line, 100, subsequent_indent="  ") for line in lines)

    def show(self, *names: str) -> None:
        """Display pictures, all if none is named, with their descriptions."""
        for name in names or self.pictures:
            if name not in self.pictures:
                known = ", ".join(self.pictures)
                raise InputError(f"the report has no picture {name!r}; it has {known}")
            figures.show(*self.pictures[name][:2])

    def save(self, folder: str | Path) -> list[Path]:
        """Write report.txt, and each picture as .png and its arrays as .npz; return the paths."""
        folder = Path(folder).expanduser()
        files = {folder / "report.txt": f"{self}\n".encode()}
        for name, picture in self.pictures.items():
            held = io.BytesIO()
            arrays: dict[str, Any] = {n: numbers(x) for n, x in picture.arrays.items()}
            np.savez_compressed(held, **arrays)
            files[folder / f"{name}.npz"] = held.getvalue()
            files[folder / f"{name}.png"] = figures.png(picture.figure)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path, content in files.items():
                replace_bytes(path, content)
        except OSError as error:
            said = f"folder {str(folder)!r} can't be written to ({error.strerror}); give another"
            raise InputError(said) from error
        return list(files)


class Halves(NamedTuple):
    """Scaled snapshots x = (raw - centre) / scale, shuffled; a half to learn from, one held out."""

    names: list[str]
    raw: Tensor
    x: Tensor
    scaling: dict[str, Tensor]  # the centre and scale of each column or channel
    sigma: float
    train: Tensor
    held: Tensor
    start: Tensor  # the first half blurred by sigma: where rollouts begin
    seed: int


class Findings(NamedTuple):
    """What is found in points or images: fields of `Report`, and words about flow and equations."""

    score: Field
    flow: Field
    said: str
    pictures: dict[str, Picture]
    kept: Kept
    equations: tuple[Any, str]


def report(
    source: Any,
    columns: Sequence[str | int] | None = None,
    *,
    sigma: float | None = None,
    points: int = 1000,
    seed: int = 0,
    **how: Any,
) -> Report:
    """Look at snapshots, say what they are fit for, choose a noise level, and set them in motion.

    Half of them make the score and the flow; the other half says whether the flow keeps what they
    look like, beside three controls that don't have to: the score itself, a symmetric matrix times
    it, and a random field.  `print` the report, `show()` its figures, `save(folder)` all of it.

    `source` are points (N, d) or images (N, C, H, W), an array or a path, and `columns` and more
    options are those of `user_data.read`.  `sigma` is in standard deviations, by default that of
    `choose_sigma`; at most `points` a side make the flow and test it.
    """
    from eqflow_nb.report.images import of_images
    from eqflow_nb.report.points import of_points

    asked = None if sigma is None else positive(sigma, "sigma")
    points, seed = count(points, "points", at_least=10), count(seed, "seed", at_least=0)
    own = read(source, columns, **how)
    seen = look(own, seed)
    if len(seen.keep) < (1 if own.images else 2):
        raise InputError(f"source says nothing about motion. {seen}")
    choice, halves = _halves(own, seen, asked, points, seed)
    found = of_images(halves) if own.images else of_points(halves)
    why = choice.criterion if asked is None else "as you asked for"
    if own.images and asked is None:
        why += f", applied to patches of {PATCH} by {PATCH} pixels"
    read_in = f"Read {own.source}: {len(own.values)} snapshots of {', '.join(own.names)}."
    noise = f"Noise level: σ = {halves.sigma:.3g} standard deviations, {why}."
    path = "of a pixel in sd" if own.images else "in radii of the cloud"
    (equations, told), (kept, drawn) = found.equations, _preservation(found.kept, path)
    paragraphs = (" ".join([read_in, *own.notes]), str(seen), noise, found.said, kept, told)
    pictures = {"sigma": _criterion(choice, halves.sigma), **found.pictures, "preservation": drawn}
    return Report(
        own, seen, halves.sigma, choice, found.score, found.flow, found.kept, equations,
        paragraphs, pictures,
    )  # fmt: skip


def _halves(
    own: UserData, seen: Look, asked: float | None, points: int, seed: int
) -> tuple[Choice, Halves]:
    """Scale and shuffle the snapshots, choose the noise level, and split them in two."""
    keep, rng = seen.keep, np.random.default_rng(seed)
    rows = own.values if own.images else np.unique(own.values[:, keep], axis=0)
    least, what = (4, "images") if own.images else (20, f"different row(s) of {len(own.values)}")
    if len(rows) < least:
        raise InputError(f"source has {len(rows)} {what}; a report takes at least {least}")
    if own.images:
        raw = torch.from_numpy(rows[rng.permutation(len(rows))[:MOST]][:, keep]).float()
        centre, scale = raw.mean((0, 2, 3), keepdim=True), raw.std((0, 2, 3), keepdim=True)
    else:
        rows = rng.permutation(rows)
        raw, centre, scale = (torch.from_numpy(z) for z in (rows, rows.mean(0), rows.std(0)))
    x = ((raw - centre) / scale).float()
    choice = choose_sigma(patterns.patches(x, PATCH, seed=seed) if own.images else x, seed=seed)
    sigma = choice.sigma if asked is None else asked
    half = len(x) // 2 if own.images else min(points, len(x) // 2)
    train, held, names = x[:half], x[half : 2 * half], [own.names[c] for c in keep]
    scaling, start = {"centre": centre, "scale": scale}, blur(train, sigma, seed)
    return choice, Halves(names, raw, x, scaling, sigma, train, held, start, seed)


def _criterion(choice: Choice, level: float) -> Picture:
    """The curve that the noise level was chosen on."""
    figure = figures.curves(
        {"your data": (choice.sigmas, choice.values, choice.errors)},
        levels={f"at most {choice.tolerance:g}": choice.tolerance},
        stars={"your data": (level, float(np.interp(level, choice.sigmas, choice.values)))},
        xlabel="noise level σ (sd)", ylabel="distance of the blurred\nhalf over plain one's",
        xscale="log", ylim=(0.95, 1.5),
    )  # fmt: skip
    alt = f"The criterion: 1 at small σ, steep at large; a star at the level used, {level:.2g}."
    arrays = {"sigmas": choice.sigmas, "values": choice.values, "errors": choice.errors}
    return Picture(figure, alt, arrays)


def _preservation(kept: Kept, path: str) -> tuple[str, Picture]:
    """How well the flow and its controls keep the data, in words and drawn."""
    t0, t1 = min(kept["skew"]), max(kept["skew"])
    lines = (f"{k} {x[t0]:.2f} at t = {t0:g}, {x[t1]:.2f} at t = {t1:g}" for k, x in kept.items())
    verdict = "keeps" if max(kept["skew"].values()) <= 1.5 else "does not quite keep"
    said = "Distance to the half held out, in units of what two halves differ by: "
    said += f"{'; '.join(lines)}. The skew flow {verdict} what your data look like."
    curves = {kind: (list(over), list(over.values())) for kind, over in kept.items()}
    figure = figures.curves(
        curves, levels=figures.FLOOR, xlabel=f"time (path {path})", yscale="log",
        ylabel="distance to held-out data (floors)",
    )  # fmt: skip
    ends = "; ".join(f"{kind} {over[t1]:.2g}" for kind, over in kept.items())
    alt = f"Distance to held-out data over its floor against time. At the end: {ends}."
    arrays = {"times": curves["skew"][0], **{kind: values for kind, (_, values) in curves.items()}}
    return said, Picture(figure, alt, arrays)


def look_for(identify: Callable[..., Any], values: Any, among: str, **how: Any) -> tuple[Any, str]:
    """Equations of motion, if any can be looked for, and what came of it in words."""
    try:
        found = identify(values, **how)
    except InputError as error:
        return None, f"No equations were looked for: {error}."
    return found, f"Equations of motion, among {among} ones: {found}"
