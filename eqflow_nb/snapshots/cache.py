"""Snapshots kept on disk, so that a simulation is run once."""

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
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(os.environ.get("EQFLOW_CACHE") or Path(home) / "eqflow_nb")


def cached(settings: Mapping[str, Any], make: Callable[[], np.ndarray]) -> np.ndarray:
    """The array made with some settings, from disk if it has been made before."""
    # `settings` is all that the array depends on, in values that JSON can hold.  A file that is
    # damaged is made again, with a warning; where nothing can be written nothing is kept.
    key = json.dumps(dict(settings), sort_keys=True)
    path = folder() / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            array, held = file["array"], str(file["settings"])  # each has a checksum of its own
        if held != key:
            raise ValueError("it holds what was made with other settings")
        return array
    except (FileNotFoundError, NotADirectoryError):
        pass
    except Exception as error:  # a damaged archive raises nearly anything
        warnings.warn(f"cached {path} is damaged ({error}); it is made again", stacklevel=2)
    array = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()
        np.savez(content, array=array, settings=np.array(key))
        replace_bytes(path, content.getvalue())
    except OSError as error:
        warnings.warn(f"snapshots are not kept in {path.parent}: {error}", stacklevel=2)
    return array
