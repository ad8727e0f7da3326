"""A look at a reader's own data: `report(X)` says what they are fit for, and makes them move."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from eqflow_nb import figures
from eqflow_nb.inputs import Field, InputError, count, positive, replace_bytes, replace_text
from eqflow_nb.report import images as report_images
from eqflow_nb.report import points as report_points
from eqflow_nb.scores.noise_level import Choice
from eqflow_nb.user_data import Look, UserData, look, read

WIDTH = 100


@dataclass(frozen=True)
class Report:
    """What was found in a reader's snapshots.

    Attributes
    ----------
    own : UserData
        The snapshots as read.
    look : Look
        What they amount to, and are fit for.
    sigma : float
        The noise level used, in standard deviations.
    choice : Choice
        How one is chosen: the criterion and its curve.
    score, flow : callable
        In scaled coordinates, (B, d) -> (B, d) or (B, C, H, W) -> the same; the flow is None on a
        line, where there is none.
    preservation : dict of str to {time: float}
        Distance to held-out snapshots over its floor, of the "skew" flow and of the controls
        "score" and "random", at each time; of the "law" too, if one was determined.
    law : Law or None
        What identification found, with its `verdict`.
    paragraphs : tuple of str
        The report in words.
    figures : dict of str to Figure
    alts : dict of str to str
        Each figure in words.
    data : dict of str to array
        What is drawn, named "figure.array".
    """

    own: UserData
    look: Look
    sigma: float
    choice: Choice
    score: Field
    flow: Field | None
    preservation: dict[str, dict[float, float]]
    law: Any | None
    paragraphs: tuple[str, ...]
    figures: dict[str, Figure]
    alts: dict[str, str]
    data: dict[str, np.ndarray]

    def __str__(self) -> str:
        lines = [line for paragraph in self.paragraphs for line in paragraph.splitlines()]
        return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in lines)

    def show(self, *names: str) -> None:
        """Display figures, all if none is named, with their descriptions."""
        for name in names or self.figures:
            if name not in self.figures:
                known = ", ".join(self.figures)
                raise InputError(f"the report has no figure {name!r}; it has {known}")
            figures.show(self.figures[name], self.alts[name])

    def save(self, folder: str | Path) -> list[Path]:
        """Write the words, and each figure's data as .npz and picture as .png, into a folder.

        Every file is written under another name first, so that none is ever half there; files of
        an earlier report are replaced.

        Returns
        -------
        list of Path
            What was written.

        Raises
        ------
        InputError
            If the folder cannot be made or written to.
        """
        folder = Path(folder).expanduser()
        written = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            replace_text(folder / "report.txt", f"{self}\n")
            written.append(folder / "report.txt")
            for name, figure in self.figures.items():
                held = io.BytesIO()
                np.savez_compressed(held, **self.arrays(name))  # type: ignore[arg-type]
                for end, content in (("npz", held.getvalue()), ("png", figures.png(figure))):
                    replace_bytes(folder / f"{name}.{end}", content)
                    written.append(folder / f"{name}.{end}")
        except OSError as error:
            raise InputError(
                f"folder {str(folder)!r} can't be written to ({error.strerror}); give another"
            ) from error
        return written

    def arrays(self, figure: str) -> dict[str, np.ndarray]:
        """The arrays that a figure was drawn from, by name."""
        return {
            name.partition(".")[2]: array
            for name, array in self.data.items()
            if name.partition(".")[0] == figure
        }


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
    look like, beside two controls that don't have to.

    Parameters
    ----------
    source : array, Tensor, nested lists, data frame, UserData, or path
        Points (N, d) or images (N, C, H, W); or the path of a .npy, .npz, .csv or .tsv file, of a
        folder of pictures, or of a film.  Order is ignored.
    columns : sequence of str or int, optional
        Which columns or channels to use.
    sigma : float, optional
        The noise level, in standard deviations; by default `scores.noise_level.choose_sigma` picks
        it.
    array : str, optional
        Which array of an .npz file.
    side : int, optional
        Pictures with a longer side than this are made smaller.
    points : int
        The most points a side that a flow is made from and measured on.
    seed : int

    Returns
    -------
    Report
        `print` it for the words, `show()` it for the figures, `save(folder)` it for the data.

    Raises
    ------
    InputError
        If the snapshots cannot be used; the message says where and what would do.
    """
    level = None if sigma is None else positive(sigma, "sigma")
    points = count(points, "points", at_least=10)
    seed = count(seed, "seed", at_least=0)
    own = read(source, columns, array, side)
    seen = look(own, seed)
    if not seen.keep:
        raise InputError(f"source says nothing about motion. {seen}")
    if own.images:
        found = report_images.examine(own, seen, level, seed)
    else:
        found = report_points.examine(own, seen, level, points, seed)
    head = f"Read {own.source}: {len(own.values)} snapshots of {', '.join(own.names)}."
    return Report(
        own=own,
        look=seen,
        sigma=found.choice.sigma if level is None else level,
        choice=found.choice,
        score=found.score,
        flow=found.flow,
        preservation=found.preservation,
        law=found.law,
        paragraphs=(" ".join([head, *own.notes]), str(seen), *found.said),
        figures={name: figure for name, (figure, _) in found.pictures.items()},
        alts={name: alt for name, (_, alt) in found.pictures.items()},
        data=found.data,
    )
