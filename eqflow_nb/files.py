"""Writing files so that no reader ever sees half of one."""

from __future__ import annotations

import os
import threading
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, like `replace_bytes`."""
    replace_bytes(path, text.encode("utf-8"))


def replace_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` under a temporary name beside it, then rename it into place.

    Raises
    ------
    OSError
        If the folder cannot be written to; the old file, if any, is then untouched.
    """
    # Two threads that write the same file must not share a draft.
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        draft.write_bytes(content)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
