"""Snapshots of a reader's own, read from memory or from a file, and refused in plain words.

Order is not used, and nothing is scaled: values stay in the units they came in.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eqflow_nb.inputs import InputError, count
from eqflow_nb.user_data.tables import places, read_table

LEAST_POINTS, LEAST_IMAGES = 10, 2
MOST_BYTES = 4_000_000_000  # of an array unpacked
ARRAYS = {".npy": b"\x93NUMPY", ".npz": b"PK"}
TABLES = (".csv", ".tsv", ".txt")
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
ANIMATIONS = (".gif", ".webp", ".apng", ".png", ".tif", ".tiff")
VIDEOS = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v", ".wmv")


@dataclass(frozen=True)
class UserData:
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
) -> UserData:
    """Read a reader's own snapshots; their order does not matter.

    Parameters
    ----------
    source : array, Tensor, nested lists, data frame, UserData, or path
        Points (N, d) or images (N, C, H, W); or the path of a .npy, .npz, .csv or .tsv file, of a
        folder of PNG, JPEG or TIFF pictures, or of a film: an animated GIF, PNG or WebP, a TIFF
        stack, or a video such as .mp4 where imageio has a reader for it.
    columns : sequence of str or int, optional
        Which columns (or channels) to keep, by name or by number from 0; all if not given.  The
        others may hold text.
    array : str, optional
        Which array of an .npz file to read, if it holds several.
    side : int, optional
        Pictures with a longer side than this are made smaller, by a whole factor.

    Examples
    --------
    >>> data = read([[0.1 * i, (-1.0) ** i] for i in range(20)])
    >>> data.values.shape, data.names
    ((20, 2), ('x0', 'x1'))
    """
    if isinstance(source, UserData):
        return _checked(_chosen(source, columns))
    if isinstance(source, str | Path):
        side = None if side is None else count(side, "side", at_least=8)
        return _checked(_read_path(Path(source).expanduser(), columns, array, side))
    if hasattr(source, "columns") and hasattr(source, "to_numpy"):  # a data frame
        names = [str(name) for name in source.columns]
        kept = list(range(len(names))) if columns is None else places(columns, names)
        chosen = tuple(names[i] for i in kept)
        values = _numeric(source.to_numpy()[:, kept], "source", chosen)
        about = f"a {type(source).__name__} with {len(names)} columns"
        return _checked(UserData(values, chosen, about))
    return _checked(_chosen(_read_memory(source), columns))


def _chosen(data: UserData, columns: Sequence[str | int] | None) -> UserData:
    """Only the columns asked for, in that order."""
    if columns is None or not data.names:
        return data
    kept = places(columns, data.names)
    return replace(data, values=data.values[:, kept], names=tuple(data.names[i] for i in kept))


def _read_path(
    path: Path, columns: Sequence[str | int] | None, array: str | None, side: int | None
) -> UserData:
    end, name = path.suffix.lower(), f"source {path.name!r}"
    if not path.exists():
        raise InputError(
            f"source {str(path)!r} is not there; give the path of a .npy, .npz or .csv file, of a "
            "folder of PNG pictures or of a film"
        )
    if path.is_dir() or end in (*ANIMATIONS, *VIDEOS):
        from eqflow_nb.user_data import pictures  # Pillow is loaded for pictures only

        read_images = pictures.read_folder if path.is_dir() else pictures.read_film
        values, names, notes = read_images(path, side)
        about = f"the {'folder' if path.is_dir() else 'frames of'} {path.name}"
        return _chosen(UserData(values, names, about, notes), columns)
    if end in TABLES:
        values, names, notes = read_table(path, columns)
        return UserData(values, names, path.name, notes)
    if end in ARRAYS:
        values, notes = _load(path, end, array, name)
        return _chosen(UserData(values, _numbered(values), path.name, notes), columns)
    if end in PICTURES:
        raise InputError(f"{name} is one picture; give a folder that holds several")
    raise InputError(
        f"{name} is of a kind that is not read; save it as .npy, .npz or .csv, or as a folder of "
        "PNG pictures"
    )


def _read_memory(source: Any) -> UserData:
    """Snapshots from an array, a tensor or nested lists."""
    kind = type(source).__name__
    if isinstance(source, np.ma.MaskedArray) and np.ma.is_masked(source):
        raise InputError(
            f"source has {int(np.ma.count_masked(source))} masked value(s); leave out those rows"
        )
    if hasattr(source, "detach"):  # a tensor of torch, which has floats that NumPy lacks
        kind, plain = "tensor", source.detach().cpu()
        source = (plain.double() if plain.is_floating_point() else plain).numpy()
    try:
        values = np.asarray(source)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"source of type {kind} is not an array of numbers; give an array, nested lists of "
            "equal length, or a path"
        ) from error
    values = _numeric(values, "source")
    return UserData(values, _numbered(values), f"a {kind} of shape {values.shape}")


def _load(path: Path, end: str, array: str | None, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The array of a NumPy file.  Pickled objects can run programs, so they are never read."""
    try:
        with path.open("rb") as file:
            if not file.read(6).startswith(ARRAYS[end]):
                raise InputError(f"{name} is not what its name says; give its true ending")
        # Mapped, not read: a header that promises more than the file holds is then refused.
        held = np.load(path, mmap_mode="r", allow_pickle=False)
        if end == ".npy":
            return _numeric(held, name), ()
        with held, zipfile.ZipFile(path) as archive:
            if not held.files:
                raise InputError(f"{name} holds no arrays; save one with numpy.savez(path, x=x)")
            key, listed = array or held.files[0], ", ".join(held.files)
            if array is None and len(held.files) > 1:
                raise InputError(
                    f"{name} holds several arrays ({listed}); say which: array={key!r}"
                )
            if key not in held.files:
                raise InputError(
                    f"array {key!r} is not in {name}, which holds {listed}; give one of those"
                )
            size = archive.getinfo(f"{key}.npy").file_size
            if size > MOST_BYTES:
                raise InputError(
                    f"{name} unpacks to {size / 1e9:.3g} GB; at most 4 are read: keep fewer"
                )
            return _numeric(held[key], name), (f"Array {key!r} was read.",)
    except InputError:
        raise
    except Exception as error:  # a damaged archive raises nearly anything
        if "pickle" in str(error) or "bject" in str(error):
            raise InputError(
                f"{name} holds pickled objects, which could run programs and are never read; save "
                "plain numbers: numpy.save(path, numpy.asarray(x, dtype=float))"
            ) from error
        raise InputError(f"{name} is damaged ({error}); save it again") from error


def _numeric(values: Any, name: str, columns: Sequence[str] = ()) -> np.ndarray:
    """Real numbers as float64, or an error that points at the first that is none."""
    if values.dtype.kind == "c":
        raise InputError(f"{name} is complex; give real numbers, such as real and imaginary parts")
    if values.dtype.kind == "V":
        raise InputError(f"{name} is a table of records; give plain columns, or a data frame of it")
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        pass
    for place in np.ndindex(values.shape[:2] if values.ndim else (0,)):
        try:
            float(values[place])
        except (TypeError, ValueError) as error:
            at = columns[place[1]] if columns else str(place[-1])
            raise InputError(
                f"{name} has {str(values[place])[:40]!r} in row {place[0]}, column {at}, which is "
                "no number; leave that column out with columns=[...], or put numbers in it"
            ) from error
    raise InputError(f"{name} is {str(values)[:40]!r}; give an array of numbers, or a path")


def _numbered(values: np.ndarray) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(values.shape[1])) if values.ndim > 1 else ()


def _checked(data: UserData) -> UserData:
    """Refuse what is neither points nor images, is too little of it, or is not finite."""
    shape = data.values.shape
    if len(shape) not in (2, 4) or 0 in shape[1:]:
        ways = {
            1: "; for one coordinate use source[:, None]",
            3: "; for images of one channel use source[:, None], for one image source[None]",
        }
        raise InputError(
            f"source has shape {shape}; it must be points (N, d) or images (N, C, H, W)"
            f"{ways.get(len(shape), '')}"
        )
    what, least = ("image", LEAST_IMAGES) if data.images else ("row", LEAST_POINTS)
    if shape[0] < least:
        raise InputError(f"source has {shape[0]} {what}(s); at least {least} are needed")
    bad = ~np.isfinite(data.values)
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0][:2])
        rows = int(bad.reshape(len(bad), -1).any(axis=1).sum())
        raise InputError(
            f"source has NaN or infinite values in {rows} {what}(s), first in {what} {row}, "
            f"column {data.names[column]!r}; remove those {what}s or fill them in"
        )
    return data
