"""Snapshots of a reader's own, read from memory or from a file, and refused in plain words.

Order is not used, and nothing is scaled: values stay in the units they came in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eqflow_nb.inputs import InputError, as_array, count
from eqflow_nb.user_data.tables import places, read_table

LEAST_POINTS, LEAST_IMAGES = 10, 2
TABLES = (".csv", ".tsv", ".txt")
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
ANIMATIONS = (".gif", ".webp", ".apng", ".png", ".tif", ".tiff")
VIDEOS = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v", ".wmv")


@dataclass(frozen=True)
class UserData:
    """Snapshots that a reader brought.

    `values` are points (N, d) or images (N, C, H, W), float64, in the units they came in; pictures
    lie in [0, 1].  `names` are those of the columns or channels.  `source` says where they come
    from, `notes` what was done to them on the way.
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
    columns : optional
        Which columns (or channels) to keep, by name or by number from 0.  Others may hold text.
    array, side : optional
        Which array of an .npz file to read; and how long the longer side of pictures may be, which
        are made smaller by a whole factor.
    """
    if isinstance(source, str | Path):
        side = None if side is None else count(side, "side", at_least=8)
        return _checked(_read_path(Path(source).expanduser(), columns, array, side))
    if hasattr(source, "columns") and hasattr(source, "to_numpy"):
        return _checked(_read_frame(source, columns))
    if not isinstance(source, UserData):
        kind = "tensor" if hasattr(source, "detach") else type(source).__name__
        if np.ma.is_masked(source):
            source = source.astype(float).filled(np.nan)
        values = as_array(source, "source").astype(np.float64)
        source = UserData(values, _numbered(values), f"a {kind} of shape {values.shape}")
    return _checked(_chosen(source, columns))


def _read_frame(frame: Any, columns: Sequence[str | int] | None) -> UserData:
    names, table = [str(name) for name in frame.columns], frame.to_numpy()
    kept = list(range(len(names))) if columns is None else places(columns, names)
    values = np.empty((len(table), len(kept)))
    for i, place in enumerate(kept):
        try:
            values[:, i] = table[:, place]
        except (TypeError, ValueError) as error:
            found = f"source has no number somewhere in column {names[place]!r} ({error})"
            raise InputError(f"{found}; put one there, or leave it out: columns=[...]") from error
    about = f"a {type(frame).__name__} with {len(names)} columns"
    return UserData(values, tuple(names[i] for i in kept), about)


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
        raise InputError(f"source {str(path)!r} is not there; give the path of a file or folder")
    if path.is_dir() or end in (*ANIMATIONS, *VIDEOS):
        from eqflow_nb.user_data import pictures  # Pillow is loaded for pictures only

        read_images = pictures.read_folder if path.is_dir() else pictures.read_film
        about = f"the {'folder' if path.is_dir() else 'frames of'} {path.name}"
        values, names, notes = read_images(path, side)
        return _chosen(UserData(values, names, about, notes), columns)
    if end in TABLES:
        values, names, notes = read_table(path, columns)
        return UserData(values, names, path.name, notes)
    if end in (".npy", ".npz"):
        values, notes = _load(path, array, name)
        return _chosen(UserData(values, _numbered(values), path.name, notes), columns)
    raise InputError(
        f"{name} is {'one picture' if end in PICTURES else 'of a kind that is not read'}; save "
        "points as .npy, .npz or .csv, and pictures in a folder that holds several"
    )


def _load(path: Path, array: str | None, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The array of a NumPy file, and notes.  Pickled objects can run programs: none are read."""
    try:
        # Mapped, not read: a header that promises more than the file holds is then refused.
        held = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(held, np.ndarray):
            return as_array(held, name).astype(np.float64), ()
        with held:
            listed = ", ".join(held.files)
            if array is None and len(held.files) > 1:
                which = f"array={held.files[0]!r}"
                raise InputError(f"{name} holds several arrays ({listed}); say which: {which}")
            key = array or held.files[0]
            if key not in held.files:
                raise InputError(f"array {key!r} is not in {name}, which holds {listed}")
            return as_array(held[key], name).astype(np.float64), (f"Array {key!r} was read.",)
    except InputError:
        raise
    except Exception as error:  # a damaged archive raises nearly anything
        raise InputError(
            f"{name} is damaged, not what its name says, or holds pickled objects, which could run "
            "programs and are never read; save plain numbers: numpy.save(path, x.astype(float))"
        ) from error


def _numbered(values: np.ndarray) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(values.shape[1])) if values.ndim > 1 else ()


def _checked(data: UserData) -> UserData:
    """Refuse what is neither points nor images, is too little of it, or is not finite."""
    shape = data.values.shape
    if len(shape) not in (2, 4) or 0 in shape[1:]:
        raise InputError(
            f"source has shape {shape}; it must be points (N, d) or images (N, C, H, W); for one "
            "coordinate, or images of one channel, use source[:, None], for one image source[None]"
        )
    what, least = ("image", LEAST_IMAGES) if data.images else ("row", LEAST_POINTS)
    if shape[0] < least:
        raise InputError(f"source has {shape[0]} {what}(s); at least {least} are needed")
    bad = ~np.isfinite(data.values)
    if bad.any():
        row, column = np.argwhere(bad)[0][:2]
        rows = int(bad.reshape(len(bad), -1).any(axis=1).sum())
        raise InputError(
            f"source has NaN or infinite values in {rows} {what}(s), first in {what} {row}, "
            f"column {data.names[column]!r}; remove those {what}s or fill them in"
        )
    return data
