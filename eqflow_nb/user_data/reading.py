"""Snapshots of a reader's own, read from memory or from a file, and refused in plain words.

Order is not used, and nothing is scaled: values stay in the units they came in.
"""

import contextlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eqflow_nb.inputs import InputError, as_array, count
from eqflow_nb.user_data.layouts import LEAST_POINTS, arrange, named, places, stacked, states

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".webp", ".apng", ".bmp")
VIDEOS = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v", ".wmv")
Columns = Sequence[str | int] | None


class UserData(NamedTuple):
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
    source: Any, columns: Columns = None, array: str | None = None, side: int | None = None,
    transpose: bool = False, drop_missing: bool = False,
) -> UserData:  # fmt: skip
    """Read a reader's own snapshots; their order does not matter.

    Parameters
    ----------
    source : array, Tensor, list of runs, data frame, UserData, or path
        Points (N, d), runs (runs, times, d) or images (N, C, H, W), channels first or last; or the
        path of a table in text (.csv, .tsv, .txt, .dat; also packed with gzip), of a .npy, .npz
        or .mat file, of a folder of pictures or of such files, a run each, or of a film:
        an animated GIF, PNG or WebP, a TIFF stack, or a video where imageio has a reader for it.
    columns : optional
        Which columns (or channels) to keep, by name or by number from 0; others may hold text.  By
        default all but times and row numbers; see `layouts.states`.
    array, side : optional
        Which array of a file of several to read; and how long the longer side of pictures may be,
        which are made smaller by a whole factor.
    transpose, drop_missing : bool
        Take columns for rows; leave out rows (or images) with values that are NaN or infinite.
    """
    name = "source"
    if isinstance(source, UserData):
        return _checked(_chosen(source, columns), name, drop_missing)
    if isinstance(source, str | Path):
        side = None if side is None else count(side, "side", at_least=8)
        path = Path(source).expanduser()
        name = f"source {path.name!r}"
        if not path.exists():
            raise InputError(f"source {str(path)!r} is not there; give a file or a folder")
        data = _read_path(path, name, columns, array, side, transpose)
    elif hasattr(source, "columns") and hasattr(source, "to_numpy"):
        from eqflow_nb.user_data.tables import numbers, pandas

        table = pandas.DataFrame(source.to_numpy()).infer_objects()
        called = [str(each) for each in source.columns]
        values, names, notes = numbers(table, called, columns, name, "row {}".format)
        about = f"a {type(source).__name__} with {len(called)} columns"
        data = UserData(values, names, about, notes)
    else:
        data = _chosen(_read_array(source, name, transpose), columns)
    if columns is None and data.values.ndim == 2:
        kept, notes = states(data.values, data.names)
        names = tuple(named(data.names)[c] for c in kept)
        data = UserData(data.values[:, kept], names, data.source, (*data.notes, *notes))
    return _checked(data, name, drop_missing)


def _read_path(
    path: Path, name: str, columns: Columns, array: str | None, side: int | None, transpose: bool
) -> UserData:
    end = path.suffix.lower()
    files = sorted(f for f in path.glob("[!.]*") if f.is_file()) if path.is_dir() else []
    if files and not any(f.suffix.lower() in PICTURES for f in files):
        end, _ = Counter(f.suffix for f in files).most_common(1)[0]
        files = [f for f in files if f.suffix == end]  # others are notes, or code
        runs = [_read_path(f, f"source {f.name!r}", columns, array, side, transpose) for f in files]
        if len({run.names for run in runs}) > 1:
            raise InputError(f"{name} holds files whose columns differ; give columns they share")
        values, notes = stacked([run.values for run in runs], name)
        return UserData(values, runs[0].names, f"the folder {path.name}", notes)
    if path.is_dir() or end in (*PICTURES, *VIDEOS):
        from eqflow_nb.user_data import pictures  # Pillow is loaded for pictures only

        about = f"the {'folder' if path.is_dir() else 'picture or film'} {path.name}"
        values, names, notes = pictures.read_pictures(path, side)
        return _chosen(UserData(values, names, about, notes), columns)
    if end in (".npy", ".npz", ".mat"):
        data = _of_several(_load(path, name), array, name, transpose)
        return _chosen(data._replace(source=path.name), columns)
    from eqflow_nb.user_data.tables import read_table  # pandas is loaded for tables only

    values, names, notes = read_table(path, columns, transpose)
    return UserData(values, names, path.name, notes)


def _read_array(source: Any, name: str, transpose: bool) -> UserData:
    """Points or images from what is in memory, in whichever layout."""
    kind = "tensor" if hasattr(source, "detach") else type(source).__name__
    if np.ma.is_masked(source):
        source = source.astype(float).filled(np.nan)
    several = isinstance(source, list | tuple) and any(np.ndim(run) == 2 for run in source[:1])
    if several and len({np.shape(run) for run in source}) > 1:  # runs of unequal lengths
        about = f"a {kind} of {len(source)} runs"
        x, notes = stacked([np.transpose(r) if transpose else r for r in source], name)
    else:
        x = source if isinstance(source, np.ndarray) else as_array(source, name)
        about = f"a {kind} of shape {x.shape}"
        x, notes = arrange(x, name, transpose)
    names = tuple(f"x{i}" for i in range(x.shape[1])) if x.ndim > 1 else ()
    return UserData(as_array(x, name).astype(np.float64), names, about, notes)


def _load(path: Path, name: str) -> dict[str, np.ndarray]:
    """The arrays of a file.  Pickled objects can run programs: none are read."""
    try:
        if path.suffix.lower() == ".mat":
            from scipy.io import loadmat

            return {key: x for key, x in loadmat(path).items() if key[0] != "_"}
        # Mapped, not read: a header that promises more than the file holds is then refused.
        held = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(held, np.ndarray):
            return {key: held[key] for key in held.dtype.names} if held.dtype.names else {"": held}
        arrays = {}
        with held:
            for key in held.files:
                with contextlib.suppress(ValueError):  # pickled ones are left where they are
                    arrays[key] = held[key]
        if arrays:
            return arrays
        raise ValueError("nothing but pickled objects")
    except NotImplementedError as error:
        raise InputError(f"{name} is a MATLAB file of version 7.3; save it with -v7") from error
    except Exception as error:  # a damaged archive raises nearly anything
        why = "damaged, not what its name says, or holds pickled objects, which could run programs"
        hint = "are never read; save numbers, several runs with numpy.savez(path, *runs)"
        raise InputError(f"{name} is {why} and {hint}") from error


def _of_several(
    held: dict[str, np.ndarray], array: str | None, name: str, transpose: bool
) -> UserData:
    """The array asked for, or the only one with rows and columns; or columns; or runs, numbered."""
    tables = {key for key, x in held.items() if x.ndim and x.size > max(x.shape)}
    likely = sorted(held, key=lambda key: (key not in tables, -held[key].size))
    listed = ", ".join(f"{key} {held[key].shape}" for key in likely)
    columns = {key: x.ravel() for key, x in held.items() if x.size >= LEAST_POINTS}
    if array is not None and array not in held:
        raise InputError(f"array {array!r} is not in {name}, which holds {listed}")
    if array is None and len(tables) > 1:
        if tables < set(held) or not all(re.fullmatch(r"arr_\d+", key) for key in held):
            which = f"array={likely[0]!r}"
            raise InputError(f"{name} holds several arrays: {listed}; say which: {which}")
        return _read_array(list(held.values()), name, transpose)
    if array is None and not tables and len(set(map(len, columns.values()))) == 1 < len(columns):
        data = _read_array(np.stack(list(columns.values()), 1), name, transpose)
        return data._replace(names=tuple(columns))
    key = likely[0] if array is None else array
    x = held[key] if held[key].ndim > 1 else held[key].reshape(-1, 1)
    data = _read_array(x, name, transpose)
    said = (f"Array {key!r} was read, of {listed}.",) if len(held) > 1 else ()
    return data._replace(notes=(*said, *data.notes))


def _chosen(data: UserData, columns: Columns) -> UserData:
    """Only the columns asked for, in that order."""
    if columns is None or not data.names:
        return data
    kept = places(columns, data.names)
    names = tuple(data.names[i] for i in kept)
    return data._replace(values=data.values[:, kept], names=names)


def _checked(data: UserData, name: str, drop_missing: bool) -> UserData:
    """Refuse what is neither points nor images, is too little of it, or is not finite."""
    shape = data.values.shape
    if len(shape) not in (2, 4) or 0 in shape[1:]:
        hint = f"; for one coordinate use {name}[:, None]" if len(shape) == 1 else ""
        wanted = "points (N, d), runs (runs, times, d) or images (N, C, H, W)"
        raise InputError(f"{name} has shape {shape}; it must be {wanted}{hint}")
    what = "image" if data.images else "row"
    bad = ~np.isfinite(data.values)
    lost = bad.any(axis=tuple(range(1, bad.ndim)))
    if lost.any() and drop_missing:
        note = f"{lost.sum():,} of {len(bad):,} {what}s with missing values were left out."
        data = data._replace(values=data.values[~lost], notes=(*data.notes, note))
    elif lost.any():
        row, column = np.argwhere(bad)[0][:2]
        found = f"{name} has values that are missing (NaN) or infinite in {lost.sum():,} {what}(s)"
        first = f"{what} {row} (of 0 to {len(bad) - 1}), column {data.names[column]!r}"
        hint = f"fill them in, or leave out those {what}s with drop_missing=True"
        raise InputError(f"{found}, first in {first}; {hint}")
    least = 1 if data.images else LEAST_POINTS
    if len(data.values) < least:
        raise InputError(f"{name} has {len(data.values)} {what}(s); at least {least} are needed")
    return data
