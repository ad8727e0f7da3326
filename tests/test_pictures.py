"""Pictures that readers bring: what becomes of them, and which are refused."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from torch import Tensor

from eqflow_nb.inputs import InputError
from eqflow_nb.snapshots import icons
from eqflow_nb.user_data.pictures import read_picture

RED, BLUE = (214, 40, 32), (13, 77, 191)


def fish(scale: float = 1, at: tuple[int, int] = (20, 30), size: tuple[int, int] = (150, 120)):
    """Red to the left, blue to the right, twice as wide as high."""
    picture = Image.new("RGBA", size)
    pen = ImageDraw.Draw(picture)
    left, top = at
    pen.rectangle((left, top, left + 30 * scale - 1, top + 30 * scale - 1), fill=RED)
    pen.rectangle((left + 30 * scale, top, left + 60 * scale - 1, top + 30 * scale - 1), fill=BLUE)
    return picture


def png(picture: Image.Image, form: str = "png") -> bytes:
    kept = io.BytesIO()
    picture = picture.convert("RGB") if form == "jpeg" else picture
    picture.save(kept, form, quality=95)
    return kept.getvalue()


def extent(rgba: Tensor) -> tuple[float, float]:
    """Height and width of what is seen, pixels."""
    cover = rgba[3] > 0.5
    return float(cover.any(1).sum()), float(cover.any(0).sum())


@pytest.mark.parametrize("side", [48, 96])
def test_a_drawing_fills_the_circle_and_keeps_its_proportions(side: int) -> None:
    rgba = read_picture(png(fish()), side)
    assert rgba.shape == (4, side, side)
    assert rgba.dtype == torch.float32
    assert rgba.min() >= 0
    assert rgba.max() <= 1
    high, wide = extent(rgba)
    assert wide == pytest.approx(2 * high, abs=2)
    # Its corners lie on the circle: (w/2)^2 + (w/4)^2 = (side/2)^2.
    assert wide == pytest.approx(0.98 * side * 2 / 5**0.5, abs=2)
    rows, columns = (rgba[3] > 0.5).nonzero().double().mean(0).tolist()
    assert abs(rows - (side - 1) / 2) < 0.6, "it sits in the middle"
    assert abs(columns - (side - 1) / 2) < 0.6
    quarter = side // 4
    for column, colour in ((side // 2 - quarter, RED), (side // 2 + quarter, BLUE)):
        seen = rgba[:3, side // 2, column]
        torch.testing.assert_close(seen, torch.tensor(colour) / 255, atol=0.01, rtol=0)


@settings(max_examples=10)
@given(st.integers(0, 60), st.integers(0, 60))
def test_it_does_not_matter_where_on_the_sheet_it_was_drawn(left: int, top: int) -> None:
    here, there = (read_picture(np.asarray(fish(at=at)), 32) for at in ((20, 30), (left, top)))
    torch.testing.assert_close(here, there)


def test_nor_how_large() -> None:
    small = read_picture(png(fish()), 48)
    large = read_picture(png(fish(30, (500, 300), (3000, 2400))), 48)
    assert float((small[3] - large[3]).abs().mean()) < 0.02


def test_path_bytes_and_canvas_are_read_alike(tmp_path: Path) -> None:
    drawn = np.asarray(fish()).copy()
    before = drawn.copy()
    (tmp_path / "fish.png").write_bytes(png(fish()))
    ways = [drawn, png(fish()), bytearray(png(fish())), tmp_path / "fish.png"]
    first, *others = [read_picture(way) for way in [*ways, str(tmp_path / "fish.png")]]
    for other in others:
        assert torch.equal(first, other)
    assert np.array_equal(drawn, before), "the painted canvas is left as it was"


@pytest.mark.parametrize("form", ["png", "jpeg"])
@pytest.mark.parametrize("background", ["white", (236, 230, 218), "black"])
def test_an_opaque_background_is_cut_away(background: object, form: str) -> None:
    sheet = Image.new("RGB", (150, 120), background)  # type: ignore[arg-type]
    sheet.paste(fish(), (0, 0), fish())
    free, cut = read_picture(png(fish()), 48), read_picture(png(sheet, form), 48)
    assert float((free[3] - cut[3]).abs().mean()) < (0.01 if form == "png" else 0.06)


def test_edges_are_smooth_and_take_no_colour_from_what_is_not_seen() -> None:
    hidden = np.zeros((200, 200, 4), np.uint8)
    hidden[..., 1] = 255  # transparent green all over
    y, x = np.mgrid[:200, :200] - 99.5
    hidden[np.hypot(x, y) < 80] = (*RED, 255)
    rgba = read_picture(hidden, 32)
    half = (rgba[3] > 0.2) & (rgba[3] < 0.8)
    assert half.sum() > 20
    edge = rgba[:3, half].T
    assert float((edge - torch.tensor(RED) / 255).abs().max()) < 0.06
    assert float(rgba[3].sum()) == pytest.approx(np.pi * (0.98 * 16) ** 2, rel=0.03)


def test_greys_of_16_bits_keep_their_shades() -> None:
    y, x = np.mgrid[:60, :60] - 29.5
    greys = np.where(np.hypot(x, y) < 20, 20_000, 60_000).astype(np.uint16)
    rgba = read_picture(png(Image.fromarray(greys)), 32)
    assert float(rgba[0, 16, 16]) == pytest.approx(20_000 / 65_536, abs=0.01)


def animated() -> bytes:
    kept = io.BytesIO()
    later = [fish(at=(20, 60)), fish(at=(60, 60))]
    fish().save(kept, "png", save_all=True, append_images=later, duration=100)
    return kept.getvalue()


def few_colours() -> bytes:
    """A palette of which one entry is transparent, as drawing programs write it."""
    kept, flat = io.BytesIO(), Image.new("P", fish().size)
    flat.putpalette([0, 255, 0, *RED, *BLUE])
    flat.paste(1, (20, 30, 50, 60))
    flat.paste(2, (50, 30, 80, 60))
    flat.save(kept, "png", transparency=0)
    return kept.getvalue()


@pytest.mark.parametrize("content", [animated(), few_colours()], ids=["animated", "palette"])
def test_other_kinds_of_png_are_read_alike(content: bytes) -> None:
    torch.testing.assert_close(read_picture(content, 48), read_picture(png(fish()), 48))


def test_a_stencil_of_alpha_alone_is_a_black_creature() -> None:
    stencil = Image.merge("LA", [Image.new("L", fish().size), fish().getchannel("A")])
    rgba = read_picture(png(stencil), 48)
    torch.testing.assert_close(rgba[3], read_picture(png(fish()), 48)[3])
    assert rgba[:3].max() == 0


def test_a_picture_can_be_a_creature() -> None:
    world = icons.icons(read_picture(png(fish())), 32)
    assert float(world.sample(400, 0).square().mean()) == pytest.approx(1, rel=0.1)


def bomb(side: int) -> bytes:
    """A PNG of some hundred bytes that says it has side^2 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    pixels = zlib.compress(bytes(100))
    body = chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (png(Image.new("RGBA", (9, 7))), "9 by 7 pixels is transparent all over; draw"),
        (png(Image.new("RGBA", (9, 7), (9, 9, 9, 20))), "transparent all over; draw"),
        (png(Image.new("RGB", (9, 7), "blue")), "one colour all over; draw"),
        (png(Image.new("RGB", (1, 1), "blue")), "1 by 1 pixels has one colour all over; draw"),
        (np.full((5, 5, 4), 255, np.uint8), "one colour all over; draw"),
        (b"", "no image that can be read.*give a PNG file"),
        (b"GIF89a" + bytes(40), "no image that can be read"),
        (png(fish(), "gif"), "no image that can be read"),
        (png(fish())[:-40], "no image that can be read"),
        (bomb(5_000), "5000 by 5000 pixels; at most 16 million.*make it smaller"),
        (bomb(11_000), "far more pixels than are read|11000 by 11000 pixels"),
        (bomb(60_000), "far more pixels than are read"),
        (bytes(20_000_001), "20 MB, over 20 MB; give a smaller one"),
        (np.zeros((4, 4, 4)), "array of float64 with shape .*; it must be bytes"),
        (np.zeros((4, 4), np.uint8), r"with shape \(4, 4\); it must be bytes"),
        (np.zeros((0, 0, 4), np.uint8), r"with shape \(0, 0, 4\)"),
        (np.broadcast_to(np.uint8(1), (4001, 4001, 4)), "4001 by 4001 pixels; at most"),
        ("nowhere.png", "'nowhere.png' is not there; give the path"),
        (Path("."), "cannot be opened .*; give the path"),
        ("x" * 5000, "cannot be opened"),
        (None, "type NoneType; give a path"),
    ],
)
def test_bad_input_pictures(source: object, says: str) -> None:
    with pytest.raises(InputError, match=f"^picture .*({says})"):
        read_picture(source)  # type: ignore[arg-type]


def test_bad_input_sides_and_long_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="side is 0; it must be a whole number, at least 8"):
        read_picture(png(fish()), 0)
    (tmp_path / "long.png").write_bytes(bytes(20_000_001))
    with pytest.raises(InputError, match="over 20 MB; give a smaller one"):
        read_picture(tmp_path / "long.png")


@settings(max_examples=100)
@given(st.data())
def test_damaged_files_are_read_or_refused_in_plain_words(data: st.DataObject) -> None:
    kept = bytearray(png(fish(), data.draw(st.sampled_from(["png", "jpeg"]))))
    for _ in range(data.draw(st.integers(1, 4))):
        kept[data.draw(st.integers(0, len(kept) - 1))] = data.draw(st.integers(0, 255))
    kept = kept[: data.draw(st.integers(0, len(kept)))]
    try:
        rgba = read_picture(bytes(kept), 16)
    except InputError as error:
        assert str(error).startswith("picture")
    else:
        assert rgba.shape == (4, 16, 16)
