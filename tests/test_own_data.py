"""A reader's own data: what is read is what was written, and what is wrong is said."""

from __future__ import annotations

import math
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from eqflow_nb.inputs import InputError
from eqflow_nb.user_data.look import look, order
from eqflow_nb.user_data.read import Own, read

HERE = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
PICTURES = Path(sys.modules["eqflow_nb"].__file__).parent / "data" / "pictures"


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def refused(source, *fragments, **options):
    with pytest.raises(InputError) as caught:
        read(source, **options)
    for fragment in fragments:
        assert fragment in str(caught.value)


def table(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def picture(path: Path, rgb: np.ndarray) -> None:
    Image.fromarray(rgb).save(path)


# Reading.


@given(
    st.integers(10, 40), st.integers(1, 5), st.integers(0, 99), st.sampled_from([",", ";", "\t"])
)
@HERE
def test_points_come_back_from_every_form(tmp_path, n, d, seed, separator) -> None:
    x = normal(n, d, seed=seed)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x)
    np.savetxt(tmp_path / "x.csv", x, delimiter=separator, fmt="%.17g")
    forms = [
        x,
        x.tolist(),
        torch.from_numpy(x),
        *(tmp_path / f"x.{e}" for e in ("npy", "npz", "csv")),
    ]
    for form in forms:
        if d == 1 and separator != ",":
            continue
        own = read(form)
        assert own.values.dtype == np.float64
        np.testing.assert_array_equal(own.values, x)
        assert own.names == tuple(f"x{i}" for i in range(d))


def test_headers_name_columns_however_they_are_written(tmp_path) -> None:
    rows = "".join(f"{a},{b}\n" for a, b in normal(12, 2))
    for head in (
        "left,right\n",
        "# left,right\n",
        '"left","right"\r\n',
        "\ufeffleft,right\n",
        "\nleft,right\n",
    ):
        assert read(table(tmp_path / "x.csv", head + rows)).names == ("left", "right")


def test_columns_are_chosen_by_name_or_number_and_others_may_hold_text(tmp_path) -> None:
    text = "a,label,b\n" + "".join(f"{i},G1,{i * i}\n" for i in range(12))
    path = table(tmp_path / "x.csv", text)
    own = read(path, columns=["b", "a"])
    assert own.names == ("b", "a")
    np.testing.assert_array_equal(own.values[:, 0], np.arange(12) ** 2)
    np.testing.assert_array_equal(read(path, columns=[2, 0]).values, own.values)
    np.testing.assert_array_equal(read(own, columns=["a"]).values[:, 0], np.arange(12))


def test_data_frames_bring_their_names() -> None:
    class Frame:
        columns = ("a", "label", "b")

        def to_numpy(self):
            return np.array([[i, "G1", i * i] for i in range(12)], dtype=object)

    assert read(Frame(), columns=["b", 0]).names == ("b", "a")
    assert read(Frame(), columns=[2]).values[3, 0] == 9
    refused(Frame(), "'G1' in row 0, column label", "columns=")


def test_images_come_back_as_they_are(tmp_path) -> None:
    x = normal(3, 2, 8, 9)
    np.save(tmp_path / "x.npy", x.astype(np.float32))
    np.testing.assert_array_equal(read(tmp_path / "x.npy").values, x.astype(np.float32))
    assert read(x).images


def test_a_folder_of_pictures_is_read_in_parts_of_one(tmp_path) -> None:
    rng = np.random.default_rng(0)
    stills = rng.integers(0, 256, (5, 8, 12, 3), dtype=np.uint8)
    stills[..., 2] = 7
    for i, still in enumerate(stills):
        picture(tmp_path / f"{i}.png", still)
    (tmp_path / "notes.txt").write_text("not a picture")
    own = read(tmp_path)
    assert own.names == ("red", "green")
    np.testing.assert_allclose(own.values, stills[..., :2].transpose(0, 3, 1, 2) / 255)
    assert any("blue" in note for note in own.notes)
    assert any("1 file(s)" in note for note in own.notes)
    small = read(tmp_path, side=8)
    assert small.values.shape == (5, 2, 4, 6)
    assert small.values.mean() == pytest.approx(own.values.mean())


@pytest.mark.parametrize("end", ["gif", "png", "apng"])
def test_frames_of_a_film_are_its_pictures(tmp_path, end) -> None:
    rng = np.random.default_rng(1)
    frames = [Image.fromarray(rng.integers(0, 256, (16, 16), dtype=np.uint8)) for _ in range(5)]
    form = "gif" if end == "gif" else "png"
    frames[0].save(tmp_path / f"f.{end}", form, save_all=True, append_images=frames[1:])
    own = read(tmp_path / f"f.{end}")
    assert own.values.shape == (5, 1, 16, 16)
    np.testing.assert_allclose(own.values[:, 0], np.stack([np.asarray(f) for f in frames]) / 255)


def test_grey_pictures_of_sixteen_bits_keep_them(tmp_path) -> None:
    for i in range(2):
        Image.fromarray(np.full((8, 8), 1000 + i, dtype=np.uint16)).save(tmp_path / f"{i}.png")
    np.testing.assert_allclose(read(tmp_path).values[:, 0, 0, 0], np.array([1000, 1001]) / 65535)


def test_the_shipped_pictures_are_read() -> None:
    own = read(PICTURES)
    assert own.values.shape == (64, 2, 64, 64)
    assert own.names == ("red", "green")
    assert look(own).about("periodic")


# Refusing.


@given(st.integers(0, 11), st.integers(0, 2), st.sampled_from([math.nan, math.inf]))
@settings(max_examples=20)
def test_what_is_not_finite_is_named_by_row_and_column(row, column, bad) -> None:
    x = normal(12, 3)
    x[row, column] = bad
    refused(x, "source has NaN", f"row {row},", f"'x{column}'", "remove")


@given(st.integers(0, 11), st.integers(0, 1), st.sampled_from(["G1", "", "1,5", "2024-01-01"]))
@HERE
def test_text_in_a_table_is_named_by_line_and_column(tmp_path, row, column, text) -> None:
    cells = [["1", str(i)] for i in range(12)]
    cells[row][column] = f'"{text}"'
    path = table(tmp_path / "x.csv", "a,b\n" + "".join(",".join(c) + "\n" for c in cells))
    kind = repr(text) if text else "an empty cell"
    refused(path, "x.csv", kind, f"line {row + 2},", f"column {'ab'[column]!r}", "columns=")


def test_tables_that_are_none_are_refused(tmp_path) -> None:
    path, good = tmp_path / "x.csv", "a,b\n" + "1,2\n" * 12
    refused(table(path, good + "1,2,3\n"), "3 cell(s) in line 14", "2 columns")
    refused(table(path, good + "1\n"), "1 cell(s) in line 14")
    refused(table(path, ""), "is empty")
    refused(table(path, "a,b\n"), "no rows")
    refused(table(path, "a,a\n1,2\n"), "two columns 'a'")
    refused(table(path, "1 2\n3 4\n"), "no commas")
    refused(table(path, good), "columns has 'z'", "a, b", columns=["z"])
    refused(table(path, good), "columns has 2", columns=[2])
    refused(table(path, good), "each only once", columns=["a", 0])
    refused(table(path, "a,b\n1,2\n"), "1 row(s)", "at least 10")
    path.write_bytes(b"\xff\xfe1\x002\x00")
    refused(path, "UTF-8")
    path.write_bytes(b"PK\x03\x04\x00\x00")
    refused(path, "not what its name says")


def test_pickled_objects_are_never_read(tmp_path) -> None:
    class Trap:
        def __reduce__(self):
            return (print, ("a pickle ran",))

    trap = np.array([Trap()] * 12, dtype=object)
    np.save(tmp_path / "x.npy", trap, allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=trap)
    refused(tmp_path / "x.npy", "pickled objects", "never read")
    refused(tmp_path / "x.npz", "pickled objects", "never read")


def test_files_that_are_not_what_they_say_are_refused(tmp_path) -> None:
    np.savez(tmp_path / "two.npz", a=normal(12, 2), b=normal(12, 2))
    refused(tmp_path / "two.npz", "a, b", "array='a'")
    refused(tmp_path / "two.npz", "array 'c'", array="c")
    assert read(tmp_path / "two.npz", array="b").values.shape == (12, 2)
    np.save(tmp_path / "x.npy", normal(50, 2))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:300])
    refused(tmp_path / "cut.npy", "damaged")
    for name in ("y.npy", "y.npz"):
        refused(table(tmp_path / name, "hello"), name, "not what its name says")
    refused(tmp_path / "none.npy", "not there")
    refused(table(tmp_path / "x.docx", "hello"), "a kind that is not read", ".csv")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (normal(12), "source[:, None]"),
        (normal(12, 8, 8), "images of one channel"),
        (normal(1, 2, 8, 8), "1 image(s)"),
        (normal(12, 2) + 1j, "complex"),
        ([[1, 2], [3]], "equal length"),
        ([["a", 1.0]] * 12, "row 0, column 0"),
        (None, "source"),
        (3, "shape ()"),
        (np.zeros(12, dtype=[("a", float)]), "records"),
        (np.ma.masked_greater(normal(12, 2), 0), "masked"),
    ],
)
def test_arrays_that_will_not_do_are_refused(source, said) -> None:
    refused(source, "source", said)


def test_pictures_that_will_not_do_are_refused(tmp_path) -> None:
    refused(tmp_path, "holds nothing")
    picture(tmp_path / "0.png", np.zeros((8, 8, 3), dtype=np.uint8))
    refused(tmp_path, "1 image(s)")
    refused(tmp_path / "0.png", "one picture", "folder")
    picture(tmp_path / "1.png", np.zeros((9, 8, 3), dtype=np.uint8))
    refused(tmp_path, "different sizes", "0.png is 8 by 8", "1.png 8 by 9")
    (tmp_path / "1.png").write_bytes(b"no picture")
    refused(tmp_path, "'1.png' is damaged")
    Image.new("L", (5000, 5000)).save(tmp_path / "1.png")
    refused(tmp_path, "5000 by 5000", "16 million")
    size = (60000).to_bytes(4, "big") * 2 + b"\x08\0\0\0\0"
    chunks = [(b"IHDR", size), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    parts = [
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        for kind, body in chunks
    ]
    (tmp_path / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    refused(tmp_path, "'1.png'", "far more pixels")


def test_a_film_without_its_reader_says_how_to_make_pictures(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio.v3", None)
    (tmp_path / "f.mp4").write_bytes(b"film")
    refused(tmp_path / "f.mp4", "imageio", "ffmpeg -i f.mp4", "folder")


# Looking.


@pytest.mark.parametrize("memory", [0.8, 0.95])
def test_independent_rows_of_a_time_series_are_counted(memory) -> None:
    """Of an autoregression with factor a, tau = (1 + a) / (1 - a)."""
    n, steps = 20_000, normal(20_000, 2)
    x = np.zeros((n, 2))
    for t in range(1, n):
        x[t] = memory * x[t - 1] + math.sqrt(1 - memory**2) * steps[t]
    seen = look(read(x))
    assert seen.ordered
    assert seen.independent == pytest.approx(n * (1 - memory) / (1 + memory), rel=0.3)
    shuffled = look(read(np.random.default_rng(0).permutation(x)))
    assert not shuffled.ordered
    assert shuffled.independent == n


@given(st.integers(0, 500), st.integers(10, 300))
@settings(max_examples=30)
def test_independent_rows_seldom_look_ordered(seed, n) -> None:
    time, control = order(normal(n, 2, seed=seed), seed)
    assert time < max(2.5, 2 * control)


def test_duplicated_rows_are_counted() -> None:
    seen = look(read(np.concatenate([normal(100, 2), normal(100, 2)[:30]])))
    assert (seen.rows, seen.duplicated, seen.independent) == (130, 30, 100)
    assert seen.about("duplicates")


def test_columns_that_say_nothing_new_are_found_and_left_out() -> None:
    x = normal(300, 3)
    flat, counter = np.full(300, 4.2), np.arange(300) / 7
    mixed = 2 * x[:, 0] - 0.5 * x[:, 2] + 7
    seen = look(read(np.column_stack([x, flat, counter, mixed])))
    assert [f.columns for f in seen.about("constant")] == [(3,)]
    assert [f.columns for f in seen.about("counter")] == [(4,)]
    assert len(seen.keep) == 3
    (found,) = seen.about("collinear")
    assert len({0, 2, 5} & set(seen.keep)) == 2, "one of the three goes"
    assert "x1" not in found.text
    assert not look(read(x)).findings


@pytest.mark.parametrize("low", [0.0, -math.pi])
def test_angles_are_told_from_other_bounded_columns(low) -> None:
    rng = np.random.default_rng(0)
    turn = rng.uniform(low, low + 2 * math.pi, 1000)
    others = [rng.uniform(-3, 3, 1000), rng.uniform(0, 1, 1000), rng.normal(size=1000)]
    seen = look(read(np.column_stack([turn, *others])))
    assert [f.columns for f in seen.about("periodic")] == [(0,)]


def test_labels_scales_and_values_far_out_are_found() -> None:
    x = normal(400, 3)
    x[:, 0] *= 1e5
    x[7, 1] = 1e3
    seen = look(read(np.column_stack([x, np.arange(400) % 3])))
    assert [f.columns for f in seen.about("discrete")] == [(3,)]
    assert "row 7" in seen.about("outliers")[0].text
    assert seen.about("scales")


def test_borders_of_images_that_do_not_meet_are_found() -> None:
    k = 2 * np.pi * np.arange(32) / 32
    phase = normal(20, 1, 1, 1)
    waves = np.sin(k[:, None] + k[None, :] + 3 * phase)
    assert look(read(waves)).about("periodic")
    cut = look(read(waves[:, :, :, :20]))
    assert "left to right" in cut.about("open border")[0].text
    assert "top to bottom:" not in cut.about("open border")[0].text


def test_what_the_data_are_fit_for_grows_with_them() -> None:
    few, many = look(read(normal(50, 3))), look(read(normal(5000, 3)))
    assert any("Few for a score" in line for line in few.fit_for)
    assert any("Fit for a law of motion" in line for line in many.fit_for)
    assert "nothing can flow" in look(read(normal(50, 1))).fit_for[0]
    assert "Fit for nothing" in look(read(np.ones((50, 2)))).fit_for[0]
    assert str(few).endswith(few.fit_for[-1])


def test_own_data_say_what_they_are() -> None:
    own = read(normal(20, 2))
    assert isinstance(own, Own)
    assert "ndarray" in own.source
    assert not own.images
