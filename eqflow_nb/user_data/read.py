"""A reader's own snapshots: read from memory or from a file, and refused in plain words.

Order is not used, and nothing is scaled: values stay in the units they came in.  `own_images` reads
pictures, `own_look` says what the snapshots are fit for.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from eqflow_nb.inputs import InputError, count
from eqflow_nb.user_data import images as own_images
from eqflow_nb.user_data import tables as own_tables
from eqflow_nb.user_data.tables import places

LEAST_POINTS, LEAST_IMAGES = 10, 2
MOST_BYTES = 4_000_000_000  # of an array unpacked
ENDS = {".npy": b"\x93NUMPY", ".npz": b"PK"}
TABLES = (".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class Own:
    """Snapshots that a reader brought.

    Attributes
    ----------
    values : array (N, d) or (N, C, H, W), float64
        Points or images, in the units they came in; pictures lie in [0, 1].
    names : tuple of str
        What each column or channel is called.
    source : str
        Where they come from, in words.
    notes : tuple of str
        What was done to them on the way, in sentences.
    """

    values: np.ndarray
    names: tuple[str, ...]
    source: str
    notes: tuple[str, ...] = ()

    @property
    def images(self) -> bool:
        """Whether they are images, not points."""
        return self.values.ndim == 4


def read(
    source: Any,
    columns: Sequence[str | int] | None = None,
    array: str | None = None,
    side: int | None = None,
) -> Own:
    """Read a reader's own snapshots; their order does not matter.

    Parameters
    ----------
    source : array, Tensor, nested lists, data frame, Own, or path
        Points (N, d) or images (N, C, H, W); or the path of a .npy, .npz, .csv or .tsv file, of a
        folder of PNG or JPEG pictures, or of a film: an animated GIF, PNG or WebP (others, such as
        .mp4, where imageio is installed).
    columns : sequence of str or int, optional
        Which columns (or channels) to keep, by name or by number from 0; all if not given.  The
        others may hold text.
    array : str, optional
        Which array of an .npz file to read, if it holds several.
    side : int, optional
        Pictures with a longer side than this are made smaller, by a whole factor.

    Raises
    ------
    InputError
        If it cannot be read, holds what is not a finite number, has another shape, or too few rows;
        the message says where and what would do.

    Examples
    --------
    >>> own = read([[0.1 * i, (-1.0) ** i] for i in range(20)])
    >>> own.values.shape, own.names
    ((20, 2), ('x0', 'x1'))
    """
    if isinstance(source, Own):
        own = _chosen(source, columns)
    elif isinstance(source, str | Path):
        own = _read_path(Path(source).expanduser(), columns, array, side)
    elif hasattr(source, "columns") and hasattr(source, "to_numpy"):
        own = _read_frame(source, columns)
    else:
        own = _chosen(_read_memory(source), columns)
    return _checked(own)


def _read_path(
    path: Path, columns: Sequence[str | int] | None, array: str | None, side: int | None
) -> Own:
    side = None if side is None else count(side, "side", at_least=8)
    if not path.exists():
        raise InputError(
            f"source {str(path)!r} is not there; give the path of a .npy, .npz or .csv file, of a "
            "folder of PNG pictures or of a film"
        )
    end = path.suffix.lower()
    if path.is_dir():
        return _chosen(Own(*own_images.read_folder(path, side)), columns)
    if end in ENDS:
        values, notes = _load(path, end, array)
        return _chosen(Own(values, _numbered(values), path.name, notes), columns)
    if end in TABLES:
        values, names, notes = own_tables.read_table(path, columns)
        return Own(values, names, path.name, notes)
    if end in own_images.FILMS or end in own_images.VIDEOS:
        return _chosen(Own(*own_images.read_film(path, side)), columns)
    if end in (".jpg", ".jpeg", ".png"):
        raise InputError(f"source {path.name!r} is one picture; give a folder that holds several")
    raise InputError(
        f"source {path.name!r} is of a kind that is not read; save it as .npy, .npz or .csv, or as "
        "a folder of PNG pictures"
    )


def _read_frame(source: Any, columns: Sequence[str | int] | None) -> Own:
    """Snapshots from a data frame of pandas or polars; columns not asked for may hold text."""
    names = tuple(str(name) for name in source.columns)
    kept = list(range(len(names))) if columns is None else places(columns, names)
    chosen = tuple(names[i] for i in kept)
    values = _numeric(source.to_numpy()[:, kept], "source", chosen)
    return Own(values, chosen, f"a {type(source).__name__} with {len(names)} columns")


def _read_memory(source: Any) -> Own:
    """Snapshots from an array, a tensor or nested lists."""
    kind = type(source).__name__
    if isinstance(source, np.ma.MaskedArray) and np.ma.is_masked(source):
        raise InputError(
            f"source has {int(np.ma.count_masked(source))} masked value(s); leave out those rows"
        )
    if isinstance(source, Tensor):
        plain = source.detach().cpu()
        # NumPy lacks some of torch's floating types.
        plain = plain.double() if plain.is_floating_point() else plain
        values = _numeric(plain.numpy(), "source")
        return Own(values, _numbered(values), f"a tensor of shape {values.shape}")
    try:
        values = np.asarray(source)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"source of type {kind} is not an array of numbers; give an array, nested lists of "
            "equal length, or a path"
        ) from error
    values = _numeric(values, "source")
    return Own(values, _numbered(values), f"a {kind} of shape {values.shape}")


def _load(path: Path, end: str, array: str | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """The array of a NumPy file.  Pickled objects can run programs, so they are never read."""
    name = f"source {path.name!r}"
    try:
        with path.open("rb") as file:
            right = file.read(6).startswith(ENDS[end])
        if not right:
            raise InputError(
                f"{name} is not what its name says; make it with numpy.save"
                f"{'z' if end == '.npz' else ''}, or give its true ending"
            )
        if end == ".npy":
            # Mapped, not read: a header that promises more than the file holds is then refused.
            return _numeric(np.load(path, mmap_mode="r", allow_pickle=False), name), ()
        with zipfile.ZipFile(path) as archive:
            sizes = {Path(i.filename).stem: i.file_size for i in archive.infolist()}
        with np.load(path, allow_pickle=False) as arrays:
            key = _key(list(arrays.files), array, name)
            if sizes.get(key, 0) > MOST_BYTES:
                raise InputError(
                    f"{name} unpacks to {sizes[key] / 1e9:.3g} GB; at most 4 are read: keep fewer"
                )
            return _numeric(arrays[key], name), (f"Array {key!r} was read.",)
    except InputError:
        raise
    except ValueError as error:
        if "pickle" in str(error) or "bject" in str(error):
            raise InputError(
                f"{name} holds pickled objects, which could run programs and are never read; save "
                "plain numbers: numpy.save(path, numpy.asarray(x, dtype=float))"
            ) from error
        raise InputError(f"{name} is damaged ({error}); save it again") from error
    except Exception as error:  # a damaged archive raises nearly anything
        raise InputError(f"{name} cannot be read ({error}); save it again") from error


def _key(held: list[str], array: str | None, name: str) -> str:
    """Which array of an archive is meant."""
    if array is None and len(held) == 1:
        return held[0]
    if array in held:
        return str(array)
    listed = ", ".join(held)
    if not held:
        raise InputError(f"{name} holds no arrays; save one with numpy.savez(path, x=x)")
    if array is None:
        raise InputError(f"{name} holds several arrays ({listed}); say which: array={held[0]!r}")
    raise InputError(f"array {array!r} is not in {name}, which holds {listed}; give one of those")


def _numeric(values: Any, name: str, columns: Sequence[str] | None = None) -> np.ndarray:
    """Real numbers as float64, or an error that points at the first that is none."""
    kind = values.dtype.kind
    if kind in "biuf":
        return np.array(values, dtype=np.float64)
    if kind == "c":
        raise InputError(f"{name} is complex; give real numbers, such as real and imaginary parts")
    if kind == "V":
        raise InputError(
            f"{name} is a table of records; give plain columns: "
            "numpy.lib.recfunctions.structured_to_unstructured(x)"
        )
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        pass
    if values.ndim == 0:
        raise InputError(f"{name} is {str(values)[:40]!r}; give an array of numbers, or a path")
    for place in np.ndindex(values.shape[:2]):
        try:
            float(values[place])
        except (TypeError, ValueError) as error:
            at = columns[place[1]] if columns and len(place) > 1 else str(place[-1])
            raise InputError(
                f"{name} has {str(values[place])[:40]!r} in row {place[0]}, column {at}, which is "
                "no number; leave that column out with columns=[...], or put numbers in it"
            ) from error
    raise InputError(f"{name} is an array of {values.dtype}; give one of numbers")


def _numbered(values: np.ndarray) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(values.shape[1])) if values.ndim > 1 else ()


def _checked(own: Own) -> Own:
    """Refuse what is neither points nor images, is too little of it, or is not finite."""
    shape = own.values.shape
    if len(shape) not in (2, 4) or 0 in shape[1:]:
        ways = {
            1: "; for one coordinate use source[:, None]",
            3: "; for images of one channel use source[:, None], for one image source[None]",
        }
        raise InputError(
            f"source has shape {shape}; it must be points (N, d) or images (N, C, H, W)"
            f"{ways.get(len(shape), '')}"
        )
    what, least = ("image", LEAST_IMAGES) if own.images else ("row", LEAST_POINTS)
    if shape[0] < least:
        raise InputError(f"source has {shape[0]} {what}(s); at least {least} are needed")
    bad = ~np.isfinite(own.values)
    if bad.any():
        first = np.unravel_index(int(bad.argmax()), shape)
        rows = int(bad.reshape(len(bad), -1).any(axis=1).sum())
        raise InputError(
            f"source has NaN or infinite values in {rows} {what}(s), first in {what} {first[0]}, "
            f"column {own.names[first[1]]!r}; remove those {what}s or fill them in"
        )
    return own


def _chosen(own: Own, columns: Sequence[str | int] | None) -> Own:
    """Only the columns asked for, in that order."""
    if columns is None or not own.names:
        return own
    kept = places(columns, own.names)
    return Own(own.values[:, kept], tuple(own.names[i] for i in kept), own.source, own.notes)
