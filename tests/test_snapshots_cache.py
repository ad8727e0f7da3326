"""Snapshots on disk: made once, never wrong, never half there."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eqflow_nb.snapshots import cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EQFLOW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def ones() -> np.ndarray:
    return np.ones((3, 4), dtype=np.float32)


def test_an_array_is_made_once_for_each_settings(own_cache):
    calls: list[int] = []
    for settings in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 2}, {"a": 1, "b": 2}):
        assert cache.cached(settings, lambda: calls.append(1) or ones()).sum() == 12
    assert len(calls) == 2, "the order of settings does not matter"
    assert len(list(own_cache.glob("*.npz"))) == 2
    assert not list(own_cache.glob(".*")), "no drafts are left"


@pytest.mark.filterwarnings("ignore:cached .* is damaged")
@pytest.mark.parametrize("flip", [0x01, 0x80])
def test_whichever_byte_is_flipped_the_array_is_right(own_cache, flip):
    cache.cached({"a": 1}, ones)
    (path,) = own_cache.glob("*.npz")
    content = path.read_bytes()
    for place in range(len(content)):
        harmed = bytearray(content)
        harmed[place] ^= flip
        path.write_bytes(harmed)
        found = cache.cached({"a": 1}, ones)
        assert np.array_equal(found, ones()) and found.dtype == np.float32


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("harm", ["cut", "other", "pickled"])
def test_a_damaged_file_is_noticed_and_remade(own_cache, harm):
    cache.cached({"a": 1}, ones)
    (path,) = own_cache.glob("*.npz")
    content, trap = path.read_bytes(), own_cache / "sprung"
    with np.load(path) as file:
        held = dict(file)
    if harm == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif harm == "pickled":
        np.savez(path, **held | {"array": np.array([Trap(trap)])})
    else:
        cache.cached({"a": 2}, ones)
        (other,) = (file for file in own_cache.glob("*.npz") if file != path)
        path.write_bytes(other.read_bytes())
    with pytest.warns(UserWarning, match="is damaged .* it is made again"):
        assert cache.cached({"a": 1}, ones).sum() == 12
    assert path.read_bytes() == content and not trap.exists()


def test_where_nothing_can_be_kept_it_still_works(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EQFLOW_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="snapshots are not kept"):
        assert cache.cached({"a": 1}, ones).sum() == 12


def test_an_interrupted_write_leaves_nothing(own_cache, monkeypatch):
    def stop(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        cache.cached({"a": 1}, ones)
    assert not list(own_cache.iterdir())
