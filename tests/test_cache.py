"""Snapshots on disk: made once, never wrong, never half there."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from eqflow_nb.inputs import replace_bytes
from eqflow_nb.snapshots import cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EQFLOW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make(value: float = 1.0):
    calls: list[int] = []

    def array() -> np.ndarray:
        calls.append(1)
        return np.full((3, 4), value, dtype=np.float32)

    return calls, array


def test_an_array_is_made_once_for_each_settings(own_cache: Path) -> None:
    calls, array = make()
    for settings in ({"a": 1}, {"a": 1}, {"a": 2}, {"a": 1}):
        assert cache.cached(settings, array).sum() == 12
    assert len(calls) == 2
    assert len(list(own_cache.glob("*.npz"))) == 2
    assert not list(own_cache.glob(".*")), "no drafts are left"


@pytest.mark.parametrize("harm", ["flip", "cut", "foreign", "other", "altered"])
def test_a_damaged_file_is_noticed_and_remade(own_cache: Path, harm: str) -> None:
    _, array = make()
    cache.cached({"a": 1}, array)
    (path,) = own_cache.glob("*.npz")
    content = bytearray(path.read_bytes())
    if harm == "flip":
        content[content.index(b"\x00\x00\x80?")] ^= 1
    elif harm == "cut":
        content = content[: len(content) // 2]
    elif harm == "foreign":
        content = bytearray(b"no archive")
    elif harm == "altered":  # a sound archive, but not of what was made
        with np.load(path) as file:
            np.savez(path, **{**file, "array": file["array"] + 1})
        content = bytearray(path.read_bytes())
    else:
        cache.cached({"a": 2}, array)
        (other,) = (file for file in own_cache.glob("*.npz") if file != path)
        content = bytearray(other.read_bytes())
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="is damaged .* it is made again"):
        assert cache.cached({"a": 1}, array).sum() == 12
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.cached({"a": 1}, array)


def test_where_nothing_can_be_kept_it_still_works(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EQFLOW_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="snapshots are not kept"):
        assert cache.cached({"a": 1}, make()[1]).sum() == 12


@pytest.mark.filterwarnings("ignore:cached .* is damaged")
@pytest.mark.parametrize("flip", [0x01, 0x80])
def test_whichever_byte_is_flipped_the_array_is_right(own_cache: Path, flip: int) -> None:
    cache.cached({"a": 1}, make()[1])
    (path,) = own_cache.glob("*.npz")
    content = path.read_bytes()
    for place in range(len(content)):
        harmed = bytearray(content)
        harmed[place] ^= flip
        path.write_bytes(harmed)
        found = cache.cached({"a": 1}, make()[1])
        assert np.array_equal(found, np.ones((3, 4)))
        assert found.dtype == np.float32


def test_a_file_of_pickles_is_not_loaded(own_cache: Path) -> None:
    cache.cached({"a": 1}, make()[1])
    (path,) = own_cache.glob("*.npz")
    trap = own_cache / "sprung"

    class Trap:
        def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
            return os.mkdir, (trap,)

    np.savez(path, array=np.array([Trap()]), settings=np.array('{"a": 1}'), checksum=np.array(""))
    with pytest.warns(UserWarning, match="is damaged"):
        assert cache.cached({"a": 1}, make()[1]).sum() == 12
    assert not trap.exists()


@pytest.mark.parametrize("at", ["write_bytes", "replace"])
def test_an_interrupted_write_leaves_nothing(own_cache: Path, monkeypatch, at: str) -> None:
    write = Path.write_bytes

    def half(path: Path, content: bytes) -> None:
        write(path, content[: len(content) // 2])
        raise KeyboardInterrupt

    def stop(*paths: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*((Path, at, half) if at == "write_bytes" else (os, at, stop)))
        with pytest.raises(KeyboardInterrupt):
            cache.cached({"a": 1}, make()[1])
    assert not list(own_cache.iterdir())
    assert cache.cached({"a": 1}, make()[1]).sum() == 12


def test_without_a_named_folder_the_users_cache_is_used(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("EQFLOW_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "eqflow_nb"


def test_a_folder_that_may_not_be_read_is_no_obstacle(own_cache: Path, monkeypatch) -> None:
    def closed(*about: object, **more: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(np, "load", closed)
    with pytest.warns(UserWarning, match="not yours"):
        assert cache.cached({"a": 1}, make()[1]).sum() == 12


def test_without_a_home_there_is_still_a_folder(monkeypatch) -> None:
    for name in ("EQFLOW_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as where no home is known
    assert cache.folder().parts[-1] == "eqflow_nb"


def test_objects_are_never_written(own_cache: Path) -> None:
    with pytest.raises(TypeError, match="kept as a pickle"):
        cache.cached({"a": 1}, lambda: np.array([{}], dtype=object))
    assert not own_cache.exists()


def test_the_order_of_settings_does_not_matter(own_cache: Path) -> None:
    calls, array = make()
    cache.cached({"a": 1, "b": 2}, array)
    cache.cached({"b": 2, "a": 1}, array)
    assert len(calls) == 1


def test_threads_that_write_the_same_file_do_not_trip_over_each_other(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    contents = [bytes([n]) * 500_000 for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            list(pool.map(lambda content: replace_bytes(target, content), contents))
            assert target.read_bytes() in contents
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
