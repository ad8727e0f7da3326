"""Figures show what they were given, labelled, small, in colours everybody can tell apart."""

import base64
import io
import itertools
import math
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from PIL import Image

from eqflow_nb import figures
from eqflow_nb.figures.axes import draw_density, draw_streamlines
from eqflow_nb.figures.style import PALETTE, colours, grid, looks

RNG = np.random.default_rng(0)
CLOUD = torch.randn(3000, 2, generator=torch.Generator().manual_seed(0))
TIMES = np.array([0.0, 1, 10, 100, 1000])


def gaussian(x: torch.Tensor) -> torch.Tensor:
    return -x.square().sum(1) / 2 - math.log(2 * math.pi)


def turn(x: torch.Tensor) -> torch.Tensor:
    return torch.stack([-x[:, 1], x[:, 0]], dim=1)


@pytest.fixture
def displayed(monkeypatch):
    """What the code displays, as a notebook's outputs."""
    outputs: list[nbformat.NotebookNode] = []

    def display(data, raw, metadata=None):
        assert raw
        outputs.append(nbformat.v4.new_output("display_data", data, metadata=metadata or {}))

    monkeypatch.setattr("IPython.display.display", display)
    return outputs


def test_names_keep_their_colours():
    assert figures.colour("two_peaks.skew") == figures.colour("skew") == PALETTE["skew"]
    assert figures.colour("two_moons: skew") == PALETTE["skew"]
    assert figures.colour("learned 3") == PALETTE["learned"]
    assert figures.colour("true system") == PALETTE["truth"]


def test_no_two_names_look_alike():
    names = ["learned", "wide", "deep", "plain", "as the paper", "skew 1", "skew 2", "octaves 2"]
    assert len(set(colours(names))) == len(names) - 2, "variants differ in their dashes"
    assert colours(names)[:4:3] == [PALETTE["learned"], PALETTE["plain"]]
    assert colours(["a", "b", "a"])[0] == colours(["a", "b", "a"])[2]
    assert len({tuple(look.values()) for look in looks(names)}) == len(names)


# Machado, Oliveira & Fernandes, IEEE Trans. Vis. Comput. Graph. 15, 1291 (2009), severity 1.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def lab(colour: str, blindness: Any) -> np.ndarray:
    """CIELAB coordinates of a colour as somebody with this matrix sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb < 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(blindness) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    t = np.array(to_xyz) @ seen / [0.9505, 1, 1.089]
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colours_differ_for_everybody(kind):
    seen = [lab(tint, BLINDNESS[kind]) for tint in PALETTE.values()]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert nearest > 15
    assert min(np.linalg.norm(a - lab("white", BLINDNESS[kind])) for a in seen) > 20


def test_a_picture_is_shown_with_its_words(displayed):
    words = 'Two clouds, one < the other & "ring"'
    figures.show(figures.clouds({"a": CLOUD}), words)
    picture, folded = displayed
    assert picture.metadata["image/png"]["alt"] == words
    image = Image.open(io.BytesIO(base64.b64decode(picture.data["image/png"])))
    assert image.width > picture.metadata["image/png"]["width"], "sharper than it is wide"
    assert folded.data["text/html"].startswith("<details>")


def test_a_film_moves(displayed):
    figures.film(
        (figures.clouds({"a": CLOUD + shift}) for shift in (0, 1, 2)), "a cloud that moves"
    )
    content = base64.b64decode(displayed[0].data["image/gif"])
    film = Image.open(io.BytesIO(content))
    assert film.n_frames == 3
    assert len(content) < 3 * 10_000
    assert displayed[0].metadata["image/gif"]["alt"] == "a cloud that moves"


def test_a_film_of_points_keeps_their_colours_and_is_small(displayed):
    path = torch.stack([CLOUD @ torch.tensor([[c, s], [-s, c]]) for c, s in
                        [(math.cos(k / 10), math.sin(k / 10)) for k in range(20)]])  # fmt: skip
    figures.points_film({"a": path, "b": path}, "two clouds that turn", times=range(20))
    content = base64.b64decode(displayed[0].data["image/gif"])
    film = Image.open(io.BytesIO(content))
    assert (film.n_frames, film.info["loop"]) == (20, 0)
    assert film.width >= 640
    assert len(content) < 20 * 15_000
    blue = np.array([13, 8, 135])  # of the points that started farthest to the left
    middles = []
    for number in (0, 16):  # 1.6 is about a quarter of a turn
        film.seek(number)
        near = np.abs(np.array(film.convert("RGB")).astype(int) - blue).sum(2) < 30
        middles.append(np.argwhere(near[:, : film.width // 2])[:, 1].mean() / film.width)
    assert middles[0] < 0.19 < 0.22 < middles[1] < 0.28


def test_fish_swim_through_the_border_and_come_back_on_the_other_side(displayed):
    ahead = torch.linspace(20, 90, 15)[:, None] * torch.tensor([1.0, 0, 0])
    path = (ahead + torch.tensor([0, 32.0, 0]))[:, None, None]  # one fish, to the right
    figures.poses_film({"alone": dict(enumerate(path))}, "a fish", trail=0, width=400)
    film = Image.open(io.BytesIO(base64.b64decode(displayed[0].data["image/gif"])))
    assert film.n_frames == 15
    places = []
    for number in (0, 4, 12):  # x is 20, 40 and 80, which is 16
        film.seek(number)
        dark = np.abs(np.array(film.convert("RGB")).astype(int) - [13, 8, 135]).sum(2) < 30
        places.append(np.argwhere(dark)[:, 1].mean() / film.width * 64)
    assert places == pytest.approx([20, 40, 16], abs=1)
    axes = grid(1, 1)[1][0]
    drawn = figures.draw_poses(axes, torch.tensor([[63.0, 32.0, 0.0], [30.0, 30.0, math.pi / 2]]))
    outlines = [path.vertices for path in drawn.get_paths()]
    outlines = [each for each in outlines if ((each > 0) & (each < 64)).all(1).any()]
    assert len(outlines) == 3, "the one on the border shows on both sides"
    (upright,) = (each for each in outlines if 25 < each[:, 0].mean() < 35)
    assert upright[:, 1].max() == pytest.approx(33.2, abs=0.01), "up is up, and ahead is the nose"


def test_a_neighbour_is_drawn_where_it_is_seen():
    # All have one ahead of them on their left, who looks the other way; whatever their own heading.
    theta = torch.linspace(0, 6, 40)
    one = torch.stack([32 + 0 * theta, 32 + 0 * theta, theta], 1)
    left = theta + math.pi / 4
    other = one + torch.stack([10 * left.cos(), 10 * left.sin(), math.pi + 0 * theta], 1)
    figure = figures.neighbourhoods({"pairs": torch.stack([one, other], 1)})
    (image,) = figure.axes[0].images
    seen = np.argwhere(np.asarray(image.get_array()) > 0)
    middle = 24 * (seen + 0.5) / 16 - 24
    assert middle.min() > 5, "the other sees this one ahead on its left, too"
    (arrows,) = (each for each in figure.axes[0].collections if hasattr(each, "U"))
    np.testing.assert_allclose(np.stack([arrows.U, arrows.V]), [[-1], [0]], atol=1e-5)


def test_streamlines_follow_the_field():
    _, (axes,) = grid(1, 1)
    draw_streamlines(axes, turn, 3.0)
    (lines,) = axes.collections
    ends = torch.from_numpy(np.stack(lines.get_segments()))
    middle, way = ends.mean(1), ends[:, 1] - ends[:, 0]
    some = (middle.norm(dim=1) > 0.5) & (way.norm(dim=1) > 0.02)
    assert some.sum() > 200 and torch.cosine_similarity(way, turn(middle))[some].min() > 0.99


def test_streamlines_of_no_field_and_of_a_broken_one():
    _, (axes,) = grid(1, 1)
    draw_streamlines(axes, lambda x: 0 * x, 3.0)
    assert not axes.collections
    assert axes.texts[0].get_text() == "no flow"
    with pytest.raises(ValueError, match="not finite"):
        draw_streamlines(axes, lambda x: x / 0, 3.0)


def test_a_density_is_drawn_the_right_way_up():
    _, (axes,) = grid(1, 1)
    draw_density(axes, lambda x: gaussian(x - torch.tensor([1.0, -2.0])), 3.0, cells=61)
    (image,) = axes.images
    row, column = np.unravel_index(image.get_array().argmax(), (61, 61))
    assert image.origin == "lower"
    assert (column - 30) / 10 == 1.0
    assert (row - 30) / 10 == -2.0


def test_curves_show_members_spreads_levels_and_what_was_chosen():
    members = np.array([[1.0, 3.0]] * 5)
    figure = figures.curves(
        {"learned": (TIMES, members), "skew": (TIMES, TIMES, 0 * TIMES + 2)},
        levels={"noise floor": 0.5},
        stars={"skew": (10, 10)},
        xscale="log",
    )
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines["learned"].get_ydata()) == [2.0] * 5
    assert lines["noise floor"].get_ydata()[0] == 0.5
    bands = [band.get_paths()[0].vertices[:, 1] for band in axes.collections]
    assert [(band.min(), band.max()) for band in bands] == [(1, 3), (-2, 1002)]


def test_a_frame_shows_each_pixel_by_as_many_of_its_own():
    image = RNG.random((32, 32))
    (frame,) = figures.frames({"a": [image]}, ["0"], size=0.64, limits=(0, 1), bar="v")
    drawn = np.asarray(Image.open(io.BytesIO(figures.png(frame, 100, None))))
    box = frame.axes[0].get_window_extent()
    top, left = round(drawn.shape[0] - box.y1), round(box.x0)
    shown = drawn[top : top + 64, left : left + 64]
    assert (shown == shown[::2, ::2].repeat(2, 0).repeat(2, 1)).all()
