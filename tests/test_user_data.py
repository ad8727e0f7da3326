"""A reader's own data: what is read is what was written, and what is wrong is said."""

import ast
import io
import math
import re
import runpy
import shlex
import signal
from pathlib import Path

import numpy as np
import pandas
import pytest
import test_bad_input as bad_input
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from eqflow_nb.inputs import InputError
from eqflow_nb.running import identify as command
from eqflow_nb.running.commands import main
from eqflow_nb.running.identify import spoken
from eqflow_nb.user_data import look, read
from eqflow_nb.user_data.pictures import read_picture

ROOT = Path(__file__).parents[1]
HERE = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
RED, BLUE = (214, 40, 32), (13, 77, 191)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def bytes_of(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def refused(source, *fragments, **options):
    bad_input.refused(lambda: read(source, **options), *fragments)


def table(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


# Reading.


@given(st.integers(10, 40), st.integers(1, 5), st.integers(0, 99), st.sampled_from(",;\t"))
@HERE
def test_points_come_back_from_every_form(tmp_path, n, d, seed, separator):
    x = normal(n, d, seed=seed)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x)
    np.savetxt(tmp_path / "x.csv", x, delimiter=separator, fmt="%.17g")
    paths = [tmp_path / f"x.{end}" for end in ("npy", "npz", "csv")]
    for form in (x, x.tolist(), torch.from_numpy(x), pandas.DataFrame(x), *paths):
        data = read(form)
        assert data.values.dtype == np.float64 and not data.images
        np.testing.assert_allclose(data.values, x, rtol=4e-16)  # pandas 2 is off by a last bit
        if not isinstance(form, pandas.DataFrame):
            assert data.names == tuple(f"x{i}" for i in range(d))


# The table of files is the study's: one list, which is counted there and tested here.
STUDY = runpy.run_path(str(ROOT / "notebooks" / "studies" / "files.py"))


@pytest.mark.parametrize("kind", STUDY["FILES"])
def test_a_file_is_read_as_it_was_meant_or_refused_with_the_reason(kind):
    assert STUDY["faults"].get(kind, "") == ""


def test_frames_and_runs_are_read_as_files_are():
    x, t = normal(30, 2), np.arange(30) / 7
    frame = pandas.DataFrame({"t": t, "p q": x[:, 0], "r": x[:, 1]})
    dated = frame.assign(t=pandas.date_range("2024-01-01", periods=30))
    for source in (frame, dated):
        data = read(source)
        assert data.names == ("p q", "r") and "'t'" in " ".join(data.notes)
        np.testing.assert_array_equal(data.values, x)
    for runs in ([x[:10], x[10:]], (x[:12].tolist(), x[12:])):
        data = read(runs)
        np.testing.assert_array_equal(data.values, x)
        assert "2 runs" in data.notes[0]
    np.testing.assert_array_equal(read([x[:10].T, x[10:].T], transpose=True).values, x)
    refused([x, normal(20, 3)], "(20, 3), (30, 2)", "one d")
    frame.loc[4, "r"] = math.nan
    assert read(frame, ["r"], drop_missing=True).values.shape == (29, 1)


def test_the_command_says_what_it_left_out_and_which_columns_will_do(tmp_path, capfd, monkeypatch):
    x, path = normal(60, 2), tmp_path / "a.csv"
    frame = pandas.DataFrame({"p [mm]": x[:, 0], "q, r": x[:, 1], "sum": x @ [1, 2], "room": 4.0})
    frame.to_csv(path)

    def identify(*options):
        with pytest.raises(SystemExit):
            main(["identify", str(path), *options])
        return capfd.readouterr()

    refused = identify().err
    assert "Column 'room' is constant" in refused and "Column 'sum' is exactly" in refused
    asked = shlex.split(refused.split("columns ")[-1])[0]
    assert asked == "p [mm],`q, r`"
    found = identify("--columns", asked, "--degree", "1", "--library", "sin(`q, r`)")
    assert "column 0" not in found.err and "60 snapshots" in found.out
    monkeypatch.setattr(command, "SEARCH", 10)
    monkeypatch.setattr("eqflow_nb.equations.identify", lambda *_, **__: signal.raise_signal(2))
    stopped = identify("--columns", asked).err
    assert re.search(r"some 1440 s of one core(?s:.*)Stopped after \d s\.", stopped)


@given(st.integers(10, 300), st.integers(0, 99), st.floats(1e-6, 1e6), st.booleans())
@settings(max_examples=50)
def test_states_are_never_taken_for_row_numbers_and_row_numbers_never_for_states(
    n, seed, step, shuffled
):
    x = normal(n, 2, seed=seed)
    counter = step * np.arange(n)
    if shuffled:
        counter = np.random.default_rng(seed).permutation(counter)
    assert read(np.column_stack([x, np.sort(x[:, 0])])).names == ("x0", "x1", "x2")
    assert read(np.column_stack([x[:, :1], counter, x[:, 1:]])).names == ("x0", "x2")
    labels = np.column_stack([x, np.arange(n) % 3])
    assert read(labels).names == ("x0", "x1", "x2")


def test_messages_speak_the_language_of_where_they_are_read():
    """Every text of the rooms that the command calls."""
    python = re.compile(r"\b(columns|array|side|transpose|drop_missing)=|\bsource '|[a-z]=[\['{]")
    package = ROOT / "eqflow_nb"
    paths = [package / "running" / "identify.py"]
    for room in ("user_data", "equations", "report"):
        paths += (package / room).glob("*.py")
    read_so_far = 0
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            pieces = getattr(node, "values", []) if isinstance(node, ast.JoinedStr) else []
            text = "".join(
                str(p.value) if isinstance(p, ast.Constant) else "['a b', 'c']" for p in pieces
            )
            if python.search(text):
                read_so_far += 1
                assert not python.search(spoken(text)), f"{path.name}: {text}"
    assert read_so_far >= 8


def test_columns_are_chosen_by_name_or_number(tmp_path):
    path = table(tmp_path / "x.csv", "a,label,b\n" + "".join(f"{i},G,{i * i}\n" for i in range(12)))
    for source in (path, pandas.read_csv(path)):
        data = read(source, columns=["b", "a"])
        assert data.names == ("b", "a")
        np.testing.assert_array_equal(data.values[:, 0], np.arange(12) ** 2)
        np.testing.assert_array_equal(read(source, columns=[2, 0]).values, data.values)
        np.testing.assert_array_equal(read(data, columns=["a"]).values[:, 0], np.arange(12))


ENDS = [".csv", "", ".npy", ".npz", ".mat", ".gz", ".png", ".tif"]
CHARACTERS = st.text("0123456789.,;\t \n#%eE-+\"'abxNA|²", max_size=200)


@given(CHARACTERS.map(str.encode) | st.binary(max_size=99), st.sampled_from(ENDS), st.booleans())
@HERE
def test_whatever_a_file_holds_it_is_read_or_refused_in_words(tmp_path, content, end, turn):
    path = tmp_path / f"a{end}"
    path.write_bytes(content)
    try:
        assert np.isfinite(read(path, transpose=turn).values).all()
    except InputError as error:
        assert str(error).startswith("source") and "\n" not in str(error)


def test_a_folder_of_pictures_is_read_in_parts_of_one(tmp_path):
    stills = bytes_of(5, 8, 12, 3)
    stills[..., 2] = 7
    for i, still in enumerate(stills):
        Image.fromarray(still).save(tmp_path / f"{i}.png")
    table(tmp_path / "notes.txt", "not a picture")
    data = read(tmp_path)
    assert data.names == ("red", "green")
    np.testing.assert_allclose(data.values, stills[..., :2].transpose(0, 3, 1, 2) / 255)
    assert any("blue" in note for note in data.notes)
    assert any("1 file(s)" in note for note in data.notes)
    small = read(tmp_path, side=8)
    assert small.values.shape == (5, 2, 4, 6)
    assert small.values.mean() == pytest.approx(data.values.mean())


@pytest.mark.parametrize("end", ["gif", "png", "apng", "tiff"])
def test_frames_of_a_film_are_its_pictures(tmp_path, end):
    frames = bytes_of(5, 16, 16)
    first, *others = map(Image.fromarray, frames)
    form = "png" if end == "apng" else end
    first.save(tmp_path / f"f.{end}", form, save_all=True, append_images=others)
    np.testing.assert_allclose(read(tmp_path / f"f.{end}").values[:, 0], frames / 255)


# Refusing.


@given(st.integers(0, 11), st.integers(0, 2), st.sampled_from([math.nan, math.inf]))
@settings(max_examples=20)
def test_what_is_not_finite_is_named_by_row_and_column(row, column, bad):
    x = normal(12, 3)
    x[row, column] = bad
    refused(x, "missing (NaN) or infinite in 1 row", f"row {row} ", f"'x{column}'", "drop_missing")


TEXTS = ["G1", "1,5", "2024-01-01", "True", "1_000", "0x10"]


@given(st.integers(0, 11), st.integers(0, 1), st.sampled_from(TEXTS), st.booleans())
@HERE
def test_text_in_a_table_is_named_by_line_and_column(tmp_path, row, column, text, gaps):
    cells = [["1", str(i)] for i in range(12)]
    cells[row][column] = f'"{text}"'
    gap, lines = ("# a note\n\n", 3) if gaps else ("", 1)
    path = table(tmp_path / "x.csv", "a,b\n" + "".join(f"{gap}{','.join(c)}\n" for c in cells))
    line = f"line {lines * (row + 1) + 1},"
    refused(path, "x.csv", repr(text), line, f"column {'ab'[column]!r}", "columns=")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (normal(12), "source[:, None]"),
        (normal(12, 2) + 1j, "complex"),
        ([[1, 2], [3]], "equal length"),
        (None, "NoneType"),
        (np.ma.masked_greater(normal(12, 2), 0), "NaN"),
    ],
)
def test_arrays_that_will_not_do_are_refused(source, said):
    refused(source, "source", said)


# Looking.


def about(seen, kind):
    return [f for f in seen.findings if f.about == kind]


@pytest.mark.parametrize("memory", [0.8, 0.95])
def test_independent_rows_of_a_time_series_are_counted(memory):
    """Of an autoregression with factor a, tau = (1 + a) / (1 - a)."""
    n, steps = 20_000, normal(20_000, 2)
    x = np.zeros((n, 2))
    for t in range(1, n):
        x[t] = memory * x[t - 1] + math.sqrt(1 - memory**2) * steps[t]
    seen = look(read(x))
    assert seen.independent == pytest.approx(n * (1 - memory) / (1 + memory), rel=0.3)
    shuffled = look(read(np.random.default_rng(0).permutation(x)))
    assert not about(shuffled, "order") and shuffled.independent == n


def test_independent_rows_seldom_look_ordered():
    found = [look(read(normal(10 + 3 * seed, 2, seed=seed)), seed) for seed in range(100)]
    assert np.mean([bool(about(seen, "order")) for seen in found]) <= 0.05


def test_duplicated_rows_are_counted():
    seen = look(read(np.concatenate([normal(100, 2), normal(100, 2)[:30]])))
    assert seen.independent == 100
    assert "30 of 130 rows" in about(seen, "duplicates")[0].text


def test_columns_that_say_nothing_new_are_found_and_left_out():
    x = normal(300, 3)
    flat, counter = np.full(300, 4.2), np.arange(300) ** 1.5
    mixed = 2 * x[:, 0] - 0.5 * x[:, 2] + 7
    seen = look(read(np.column_stack([x, flat, counter, mixed])))
    assert [f.column for f in about(seen, "constant")] == [3]
    assert [f.column for f in about(seen, "counter")] == [4]
    assert len(seen.keep) == 3
    (found,) = about(seen, "dependent")
    assert len({0, 2, 5} & set(seen.keep)) == 2, "one of the three goes"
    assert "x1" not in found.text
    assert not look(read(x)).findings


@pytest.mark.parametrize("low", [0.0, -math.pi])
def test_angles_are_told_from_other_bounded_columns(low):
    rng = np.random.default_rng(0)
    turn = rng.uniform(low, low + 2 * math.pi, 1000)
    others = [rng.uniform(-3, 3, 1000), rng.uniform(0, 1, 1000), rng.normal(size=1000)]
    seen = look(read(np.column_stack([turn, *others])))
    assert [f.column for f in about(seen, "periodic")] == [0]


def test_labels_scales_and_values_far_out_are_found():
    x = normal(400, 3) * (1e5, 1, 1)
    x[7, 1] = 1e3
    seen = look(read(np.column_stack([x, np.arange(400) % 3])))
    assert [f.column for f in about(seen, "discrete")] == [3]
    assert "row 7" in about(seen, "outliers")[0].text and about(seen, "scales")


def test_borders_of_images_that_do_not_meet_are_found():
    k = 2 * np.pi * np.arange(32) / 32
    waves = np.sin(k[:, None] + k[None, :] + 3 * normal(20, 1, 1, 1))
    assert about(look(read(waves)), "periodic")
    cut = look(read(waves[:, :, :, :20]))
    assert "left to right: across" in about(cut, "open border")[0].text


def test_what_the_data_are_fit_for_grows_with_them():
    few, many = look(read(normal(50, 3))), look(read(normal(5000, 3)))
    assert any("Few for a score" in line for line in few.fit_for)
    assert any("Fit for equations" in line for line in many.fit_for)
    assert "nothing can flow" in look(read(normal(50, 1))).fit_for[0]


# A picture as a creature.


def fish(scale: float = 1, at: tuple[int, int] = (20, 30), size: tuple[int, int] = (150, 120)):
    """Red to the left, blue to the right, twice as wide as high."""
    picture = Image.new("RGBA", size)
    pen, (left, top) = ImageDraw.Draw(picture), at
    pen.rectangle((left, top, left + 30 * scale - 1, top + 30 * scale - 1), fill=RED)
    pen.rectangle((left + 30 * scale, top, left + 60 * scale - 1, top + 30 * scale - 1), fill=BLUE)
    return picture


def png(picture: Image.Image, form: str = "png", **options) -> bytes:
    kept = io.BytesIO()
    picture = picture.convert("RGB") if form == "jpeg" else picture
    picture.save(kept, form, quality=95, **options)
    return kept.getvalue()


@pytest.mark.parametrize("side", [48, 96])
def test_a_drawing_fills_the_circle_and_keeps_its_proportions(side):
    rgba = read_picture(png(fish()), side)
    assert rgba.shape == (4, side, side) and rgba.min() >= 0 and rgba.max() <= 1
    cover = rgba[3] > 0.5
    high, wide = cover.any(1).sum(), cover.any(0).sum()
    assert wide == pytest.approx(2 * high, abs=2)
    # Its corners lie on the circle: (w/2)^2 + (w/4)^2 = (side/2)^2.
    assert wide == pytest.approx(0.98 * side * 2 / 5**0.5, abs=2)
    assert np.abs(np.argwhere(cover).mean(0) - (side - 1) / 2).max() < 0.6, "in the middle"
    small = read_picture(png(fish(30, (500, 300), (3000, 2400))), side)
    assert np.abs(small[3] - rgba[3]).mean() < 0.02, "however large it was drawn"


def test_bytes_and_a_canvas_are_read_alike_wherever_it_was_drawn():
    drawn = np.asarray(fish()).copy()
    first = read_picture(drawn)
    for way in (png(fish()), np.asarray(fish(at=(60, 60)))):
        np.testing.assert_allclose(read_picture(way), first)
    assert np.array_equal(drawn, np.asarray(fish())), "the painted canvas is left as it was"


@pytest.mark.parametrize("form", ["png", "jpeg"])
@pytest.mark.parametrize("background", ["white", (236, 230, 218), "black"])
def test_an_opaque_background_is_cut_away(background, form):
    sheet = Image.new("RGB", (150, 120), background)  # type: ignore[arg-type]
    sheet.paste(fish(), (0, 0), fish())
    free, cut = read_picture(png(fish()), 48), read_picture(png(sheet, form), 48)
    assert np.abs(free[3] - cut[3]).mean() < (0.01 if form == "png" else 0.06)


def test_edges_are_smooth_and_take_no_colour_from_what_is_not_seen():
    hidden = np.zeros((200, 200, 4), np.uint8)
    hidden[..., 1] = 255  # transparent green all over
    y, x = np.mgrid[:200, :200] - 99.5
    hidden[np.hypot(x, y) < 80] = (*RED, 255)
    rgba = read_picture(hidden, 32)
    half = (rgba[3] > 0.2) & (rgba[3] < 0.8)
    assert half.sum() > 20
    assert np.abs(rgba[:3, half].T - np.array(RED) / 255).max() < 0.06
    assert rgba[3].sum() == pytest.approx(np.pi * (0.98 * 16) ** 2, rel=0.03)


def test_a_picture_without_ink_is_refused():
    with pytest.raises(InputError, match=r"^picture .*9 by 7 .* transparent all over; draw"):
        read_picture(png(Image.new("RGBA", (9, 7), (9, 9, 9, 20))))


@settings(max_examples=100)
@given(st.data())
def test_damaged_files_are_read_or_refused_in_plain_words(data):
    kept = bytearray(png(fish(), data.draw(st.sampled_from(["png", "jpeg"]))))
    for _ in range(data.draw(st.integers(1, 4))):
        kept[data.draw(st.integers(0, len(kept) - 1))] = data.draw(st.integers(0, 255))
    kept = kept[: data.draw(st.integers(0, len(kept)))]
    try:
        assert read_picture(bytes(kept), 16).shape == (4, 16, 16)
    except InputError as error:
        assert str(error).startswith("picture")
