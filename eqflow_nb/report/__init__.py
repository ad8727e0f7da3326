"""A look at a reader's own data: `report(X)` says what they are fit for, and makes them move."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from eqflow_nb import figures
from eqflow_nb.figures.style import array as numbers
from eqflow_nb.inputs import Field, InputError, count, positive, replace_bytes, replace_text
from eqflow_nb.scores.noise_level import Choice
from eqflow_nb.user_data import Look, UserData, look, read

WIDTH = 100
Kept = dict[str, dict[float, float]]  # of each flow and time, a distance over its floor


@dataclass(frozen=True)
class Picture:
    """A figure, what there is to see in words, and the arrays that it was drawn from."""

    figure: Figure
    alt: str
    arrays: Mapping[str, Any]


@dataclass(frozen=True)
class Report:
    """What was found in a reader's snapshots.

    Attributes
    ----------
    own, look
        The snapshots as read; what they amount to, and are fit for.
    sigma, choice
        The noise level used, in standard deviations; how one is chosen.
    score, flow : callable
        In scaled coordinates, (B, d) -> (B, d) or (B, C, H, W) -> the same; the flow is None on a
        line, where there is none.
    preservation : dict of str to {time: float}
        Distance to held-out snapshots over its floor, of the "skew" flow, of the controls "score",
        "symmetric" (one channel has none) and "random", and of the "equations" if determined.
    equations
        What identification found, with its `verdict`; None if it could not look.
    paragraphs : tuple of str
    pictures : dict of str to Picture
    """

    own: UserData
    look: Look
    sigma: float
    choice: Choice
    score: Field
    flow: Field | None
    preservation: Kept
    equations: Any | None
    paragraphs: tuple[str, ...]
    pictures: dict[str, Picture]

    def __str__(self) -> str:
        lines = [line for paragraph in self.paragraphs for line in paragraph.splitlines()]
        return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in lines)

    def show(self, *names: str) -> None:
        """Display pictures, all if none is named, with their descriptions."""
        for name in names or self.pictures:
            if name not in self.pictures:
                known = ", ".join(self.pictures)
                raise InputError(f"the report has no picture {name!r}; it has {known}")
            figures.show(self.pictures[name].figure, self.pictures[name].alt)

    def save(self, folder: str | Path) -> list[Path]:
        """Write report.txt, and each picture as .png and its arrays as .npz; return the paths.

        Every file is written under another name first, so that none is ever half there.
        """
        folder = Path(folder).expanduser()
        written = [folder / "report.txt"]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            replace_text(written[0], f"{self}\n")
            for name, picture in self.pictures.items():
                held = io.BytesIO()
                arrays: dict[str, Any] = {n: numbers(x) for n, x in picture.arrays.items()}
                np.savez_compressed(held, **arrays)
                for end, content in (
                    ("npz", held.getvalue()),
                    ("png", figures.png(picture.figure)),
                ):
                    written.append(folder / f"{name}.{end}")
                    replace_bytes(written[-1], content)
        except OSError as error:
            raise InputError(
                f"folder {str(folder)!r} can't be written to ({error.strerror}); give another"
            ) from error
        return written


def report(
    source: Any,
    columns: Sequence[str | int] | None = None,
    *,
    sigma: float | None = None,
    array: str | None = None,
    side: int | None = None,
    points: int = 1000,
    seed: int = 0,
) -> Report:
    """Look at snapshots, say what they are fit for, choose a noise level, and set them in motion.

    Half of them make the score and the flow; the other half says whether the flow keeps what they
    look like, beside three controls that don't have to: the score itself, a symmetric matrix times
    it, and a random field.  `print` the report, `show()` its figures, `save(folder)` all of it.

    Parameters
    ----------
    source : array, Tensor, nested lists, data frame, UserData, or path
        Points (N, d) or images (N, C, H, W); or the path of a .npy, .npz, .csv or .tsv file, of a
        folder of pictures, or of a film.  Order is ignored.
    columns : sequence of str or int, optional
        Which columns or channels to use.
    sigma : float, optional
        The noise level, in standard deviations; by default `choose_sigma` picks it.
    array : str, optional
        Which array of an .npz file.
    side : int, optional
        Pictures with a longer side than this are made smaller.
    points : int
        The most points a side that a flow is made from and measured on.
    seed : int
    """
    from eqflow_nb.report.images import of_images
    from eqflow_nb.report.points import of_points

    level = None if sigma is None else positive(sigma, "sigma")
    points, seed = count(points, "points", at_least=10), count(seed, "seed", at_least=0)
    own = read(source, columns, array, side)
    seen = look(own, seed)
    if not seen.keep:
        raise InputError(f"source says nothing about motion. {seen}")
    if own.images:
        return of_images(own, seen, level, seed)
    return of_points(own, seen, level, points, seed)


def compose(
    own: UserData,
    seen: Look,
    asked: float | None,
    choice: Choice,
    score: Field,
    flow: Field | None,
    said: str,
    pictures: dict[str, Picture],
    kept: Kept | None = None,
    found: tuple[Any, str] = (None, ""),
    of_what: str = "",
    path: str = "in radii of the cloud",
) -> Report:
    """Put a report together, with the words and pictures that points and images share.

    `asked` is the noise level that the reader asked for, `said` is about the flow, `found` are the
    equations and what there is to say of them, `of_what` was the level chosen on, `path` is what
    time counts.
    """
    level = choice.sigma if asked is None else asked
    why = f"{choice.criterion}{of_what}" if asked is None else "as you asked for"
    read_in = f"Read {own.source}: {len(own.values)} snapshots of {', '.join(own.names)}."
    noise = f"Noise level: σ = {level:.3g} standard deviations, {why}."
    paragraphs = [" ".join([read_in, *own.notes]), str(seen), noise, said]
    criterion = figures.curves(
        {"your data": (choice.sigmas, choice.values, choice.errors)},
        levels={f"at most {choice.tolerance:g}": choice.tolerance},
        stars={"your data": (level, float(np.interp(level, choice.sigmas, choice.values)))},
        xlabel="noise level σ (sd)", ylabel="distance of the blurred\nhalf over plain one's",
        xscale="log", ylim=(0.95, 1.5),
    )  # fmt: skip
    alt = (
        "The criterion against the noise level: 1 at small σ, rising steeply at large ones; a star "
        f"marks the level used, {level:.2g}."
    )
    arrays = {"sigmas": choice.sigmas, "values": choice.values, "errors": choice.errors}
    pictures = {"sigma": Picture(criterion, alt, arrays), **pictures}
    if kept:
        lines = (
            f"{kind} {over[t0]:.2f} at t = {t0:g}, {over[t1]:.2f} at t = {t1:g}"
            for kind, over in kept.items()
            for t0, t1 in [(min(over), max(over))]
        )
        verdict = "keeps" if max(kept["skew"].values()) <= 1.5 else "does not quite keep"
        paragraphs += [
            "Distance to the half held out, in units of what two halves differ by: "
            f"{'; '.join(lines)}. The skew flow {verdict} what your data look like.",
            found[1],
        ]
        curves = {kind: (list(over), list(over.values())) for kind, over in kept.items()}
        distances = figures.curves(
            curves, levels=figures.FLOOR, xlabel=f"time (path {path})", yscale="log",
            ylabel="distance to held-out data (floors)",
        )  # fmt: skip
        ends = "; ".join(f"{kind} {over[max(over)]:.2g}" for kind, over in kept.items())
        pictures["preservation"] = Picture(
            distances,
            f"Distance to held-out data over its floor against time. At the end: {ends}.",
            {"times": curves["skew"][0], **{kind: values for kind, (_, values) in curves.items()}},
        )
    return Report(
        own, seen, level, choice, score, flow, kept or {}, found[0], tuple(paragraphs), pictures
    )


def look_for(identify: Callable[..., Any], values: Any, among: str, **how: Any) -> tuple[Any, str]:
    """Equations of motion, if any can be looked for, and what came of it in words."""
    try:
        found = identify(values, **how)
    except InputError as error:
        return None, f"No equations were looked for: {error}."
    return found, f"Equations of motion, among {among} ones: {found}"
