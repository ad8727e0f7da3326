"""Snapshots kept on disk, so that a simulation is run once."""

from __future__ import annotations

import hashlib
import io
import json
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from eqflow_nb.inputs import replace_bytes


def folder() -> Path:
    """Where snapshots are kept: $EQFLOW_CACHE, or eqflow_nb in the user's cache folder."""
    named = os.environ.get("EQFLOW_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(named) if named else Path(home) / "eqflow_nb"


def cached(settings: Mapping[str, Any], make: Callable[[], np.ndarray]) -> np.ndarray:
    """The array made with some settings, from disk if it has been made before.

    Parameters
    ----------
    settings : mapping
        All that the array depends on, in values that JSON can hold; their order does not matter.
    make : callable () -> array
        Makes it, of numbers.  A file that is damaged or of other settings is made again, with a
        warning; where nothing can be written nothing is kept.
    """
    said = json.dumps(dict(settings), sort_keys=True)
    path = folder() / f"{hashlib.sha256(said.encode()).hexdigest()[:20]}.npz"
    try:
        return _read(path, said)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except Exception as error:  # a damaged archive raises nearly anything
        warnings.warn(f"cached {path} is damaged ({error}); it is made again", stacklevel=2)
    array = make()
    if array.dtype.hasobject:
        raise TypeError("an array of objects would be kept as a pickle; make one of numbers")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()
        np.savez(content, array=array, settings=np.array(said), checksum=np.array(_checksum(array)))
        replace_bytes(path, content.getvalue())
    except OSError as error:
        warnings.warn(f"snapshots are not kept in {path.parent}: {error}", stacklevel=2)
    return array


def _read(path: Path, said: str) -> np.ndarray:
    with np.load(path, allow_pickle=False) as file:
        array, settings, checksum = (file[key] for key in ("array", "settings", "checksum"))
    if str(settings) != said:
        raise ValueError("it is of other settings")
    if str(checksum) != _checksum(array):
        raise ValueError("its content does not match its checksum")
    return array


def _checksum(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
