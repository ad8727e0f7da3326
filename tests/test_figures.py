"""Figures show what they were given, labelled, small, in colours everybody can tell apart."""

from __future__ import annotations

import base64
import io
import itertools
import math
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from nbconvert import HTMLExporter
from PIL import Image

from eqflow_nb import figures
from eqflow_nb.figures.axes import draw_arrows, draw_density, draw_streamlines, draw_tracks, lattice
from eqflow_nb.figures.equations import broken
from eqflow_nb.figures.style import MARKERS, PALETTE, colours, grid, kind_of, looks, thin

RNG = np.random.default_rng(0)
CLOUD = torch.randn(3000, 2, generator=torch.Generator().manual_seed(0))
TIMES = np.array([0.0, 1, 10, 100, 1000])
WALK = np.cumsum(RNG.standard_normal((300, 3)), 0)
TEXT = "dx/dt = - 1.0009(14) x + 1 y\ndy/dt = 2.776(12) x - 0.089(6) y - 0.09985(15) x*z"
HITS = np.ones((3, 4), bool)
PAIR = {"a": (1.0, 0.1), "b": (0.1, 0.02)}


def gaussian(x: torch.Tensor) -> torch.Tensor:
    return -x.square().sum(1) / 2 - math.log(2 * math.pi)


def turn(x: torch.Tensor) -> torch.Tensor:
    return torch.stack([-x[:, 1], x[:, 0]], dim=1)


FIGURES = {
    "clouds": lambda: figures.clouds({"data": CLOUD, "learned": CLOUD}),
    "flow_on_density": lambda: figures.flow_on_density(
        {"skew": turn, "score": lambda x: -x}, gaussian
    ),
    "rollout_strip": lambda: figures.rollout_strip({"skew": {0.0: CLOUD, 10.0: CLOUD}}),
    "curves": lambda: figures.curves({"skew": (TIMES, 1 + TIMES)}, levels=figures.FLOOR),
    "scatter": lambda: figures.scatter({"truth": (0, 0), "learned": RNG.random((5, 2))}),
    "bars": lambda: figures.bars({"ring skew": (1.0, 0.1), "ring score": 9.0}, {"aim": 1.5}),
    "grouped_bars": lambda: figures.grouped_bars({"life": PAIR, "waves": PAIR}, "similarity"),
    "images": lambda: figures.images({"a": RNG.random((3, 16, 16)), "b": RNG.random((16, 16))}),
    "recovery_rates": lambda: figures.recovery_rates(
        {"a": ([1, 10, 100], HITS, 0.01 + HITS)}, xscale="log"
    ),
    "gallery": lambda: figures.gallery({"a": (WALK, (0, 1), TEXT, "determined", True)}),
    "verdicts": lambda: figures.verdicts({"a": (WALK[:, :2], np.arange(9), "none", True)}),
}


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[nbformat.NotebookNode]:
    """What the code displays, as a notebook's outputs."""
    outputs: list[nbformat.NotebookNode] = []

    def display(data: dict, raw: bool, metadata: dict | None = None) -> None:
        assert raw
        outputs.append(nbformat.v4.new_output("display_data", data, metadata=metadata or {}))

    monkeypatch.setattr("IPython.display.display", display)
    return outputs


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_small(name: str) -> None:
    figure = FIGURES[name]()
    assert isinstance(figure, Figure)
    assert 2.5 < figure.get_figwidth() <= 10
    assert len(figures.png(figure, 125)) < 80_000


def test_coordinates_are_labelled_with_their_units() -> None:
    left, right = figures.clouds({"a": CLOUD, "b": CLOUD}, ("S", "G2M (log)")).axes
    assert (left.get_xlabel(), left.get_ylabel()) == ("S (sd)", "G2M (log)")
    assert (right.get_xlabel(), right.get_ylabel()) == ("S (sd)", "")


def test_names_keep_their_colours() -> None:
    assert figures.colour("two_peaks.skew") == figures.colour("skew") == PALETTE["skew"]
    assert figures.colour("two_moons: skew") == PALETTE["skew"]
    assert figures.colour("learned 3") == PALETTE["learned"]
    assert figures.colour("true system") == PALETTE["truth"]
    assert kind_of("η = 1") is None
    assert len(set(MARKERS.values())) == len(PALETTE)


def test_no_two_names_look_alike() -> None:
    names = ["learned", "octaves 2", "octaves 4", "plain", "as the paper", "skew 1", "skew 2"]
    assert len(set(colours(names))) == len(names) - 1
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
def test_colours_differ_for_everybody(kind: str) -> None:
    seen = [lab(tint, BLINDNESS[kind]) for tint in PALETTE.values()]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert nearest > 15
    assert min(np.linalg.norm(a - lab("white", BLINDNESS[kind])) for a in seen) > 20


def test_a_picture_is_shown_with_its_words(displayed: list[nbformat.NotebookNode]) -> None:
    words = 'Two clouds, one < the other & "ring"'
    figures.show(figures.clouds({"a": CLOUD}), words)
    picture, folded = displayed
    assert picture.metadata["image/png"]["alt"] == words
    image = Image.open(io.BytesIO(base64.b64decode(picture.data["image/png"])))
    assert image.width > picture.metadata["image/png"]["width"], "sharper than it is wide"
    cell = nbformat.v4.new_code_cell("x", outputs=displayed)
    for template in ("lab", "classic"):
        page, _ = HTMLExporter(template_name=template).from_notebook_node(
            nbformat.v4.new_notebook(cells=[cell])
        )
        assert page.count(picture.data["image/png"][:80]) == 1
        assert "Two clouds, one &lt; the other &amp;" in page
    assert folded.data["text/html"].startswith("<details>")


def test_a_film_moves(displayed: list[nbformat.NotebookNode]) -> None:
    figures.film(
        (figures.clouds({"a": CLOUD + shift}) for shift in (0, 1, 2)), "a cloud that moves"
    )
    content = base64.b64decode(displayed[0].data["image/gif"])
    film = Image.open(io.BytesIO(content))
    assert film.n_frames == 3
    assert len(content) < 3 * 10_000
    assert displayed[0].metadata["image/gif"]["alt"] == "a cloud that moves"


def test_a_small_palette_changes_little() -> None:
    def drawn(colours: int | None) -> bytes:
        figure = figures.flow_on_density({"skew": turn}, gaussian)
        return figures.png(figure, colours=colours)

    exact, small = drawn(None), drawn(128)
    pictures = [Image.open(io.BytesIO(content)).convert("RGB") for content in (exact, small)]
    difference = np.subtract(*(np.asarray(picture, float) for picture in pictures))
    assert np.abs(difference).mean() < 1.5
    assert len(small) < len(exact) / 2


def test_streamlines_follow_the_field() -> None:
    _, (axes,) = grid(1, 1)
    draw_streamlines(axes, turn, 3.0)
    lines, heads = axes.collections
    for line in lines.get_segments():
        radius = np.linalg.norm(line, axis=1)
        assert np.ptp(radius) < 0.02 * max(radius.max(), 0.5) or np.abs(line).max() > 2.9
    tips = torch.from_numpy(heads.get_offsets())
    directions = np.stack([heads.U, heads.V], axis=1)
    wanted = turn(tips).numpy() / np.linalg.norm(tips, axis=1, keepdims=True)
    inside = np.linalg.norm(tips, axis=1) < 2.9
    # The head has the direction of the last step, half a step behind its tip.
    assert (directions * wanted).sum(1)[inside].min() > 0.97


def test_streamlines_of_no_field_and_of_a_broken_one() -> None:
    _, (axes,) = grid(1, 1)
    draw_streamlines(axes, lambda x: 0 * x, 3.0)
    assert not axes.collections
    assert axes.texts[0].get_text() == "no flow"
    with pytest.raises(ValueError, match="not finite"):
        draw_streamlines(axes, lambda x: x / 0, 3.0)


def test_a_density_is_drawn_the_right_way_up() -> None:
    _, (axes,) = grid(1, 1)
    draw_density(axes, lambda x: gaussian(x - torch.tensor([1.0, -2.0])), 3.0, cells=61)
    (image,) = axes.images
    row, column = np.unravel_index(image.get_array().argmax(), (61, 61))
    assert image.origin == "lower"
    assert (column - 30) / 10 == 1.0
    assert (row - 30) / 10 == -2.0


def test_curves_show_members_spreads_levels_and_what_was_chosen() -> None:
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
    assert to_hex(lines["learned"].get_color()) == PALETTE["learned"]
    assert lines["noise floor"].get_ydata()[0] == 0.5
    bands = [band.get_paths()[0].vertices[:, 1] for band in axes.collections]
    assert [(band.min(), band.max()) for band in bands] == [(1, 3), (-2, 1002)]
    said = [text.get_text() for text in axes.get_legend().get_texts()]
    assert said == ["learned", "skew", "chosen", "noise floor"]


def test_a_short_logarithmic_axis_has_plain_numbers() -> None:
    (axes,) = figures.curves({"a": ([0.03, 1], [1, 1e7])}, xscale="log", yscale="log").axes
    axes.figure.draw_without_rendering()
    ticks = {text.get_text() for text in axes.get_xticklabels()}
    assert {"0.05", "0.1", "0.5"} <= ticks
    assert "mathdefault" in axes.get_yticklabels()[1].get_text(), "powers of ten over many decades"


def test_bars_show_values_spreads_and_aims() -> None:
    figure = figures.bars({"ring skew": (2.0, 0.5), "ring score": 4.0}, {"aim": 1.5, "perfect": 1})
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [2.0, 4.0]
    assert {text.get_text() for text in axes.texts} == {"2 ± 0.5", "4", "aim 1.5", "perfect 1"}
    perfect, aim = (text.get_window_extent() for text in axes.texts[-2:])
    assert not perfect.overlaps(aim)
    assert [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"] == [1.5]
    assert axes.yaxis_inverted(), "the first row is on top"


def test_strips_have_a_row_for_each_flow_and_count_those_outside() -> None:
    lost = CLOUD.clone()
    lost[::4] = 50
    figure = figures.rollout_strip(
        {"skew": {0.0: CLOUD[:400] / 2, 1.0: CLOUD[:400] / 2}, "score": {0.0: CLOUD, 1.0: lost}}
    )
    assert len(figure.axes) == 4
    assert [axes.get_title() for axes in figure.axes] == ["t = 0", "t = 1", "", ""]
    share = float(lost.abs().gt(3).any(1).double().mean())
    assert figure.axes[3].texts[0].get_text() == f"{share:.0%} outside"
    assert not figure.axes[0].texts
    assert to_hex(figure.axes[2].collections[0].get_facecolor()[0]) == PALETTE["score"]


def test_points_have_one_name_and_one_mark_a_group() -> None:
    groups = {"truth": (0.0, 0.0), "learned": RNG.random((2, 2)), "as the paper": (1, 1)}
    (axes,) = figures.scatter(groups).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(groups)
    truth, learned, other = axes.lines
    np.testing.assert_allclose(learned.get_xydata(), groups["learned"])
    assert len({line.get_marker() for line in axes.lines}) == 3
    assert truth.get_zorder() < min(learned.get_zorder(), other.get_zorder())


def test_a_track_that_leaves_comes_back_at_the_other_edge() -> None:
    _, (axes,) = grid(1, 1)
    path = np.stack([np.full(21, 3.0), np.linspace(6, 11, 21)], 1)[:, None]
    draw_tracks(axes, path, 8)
    x = axes.lines[0].get_xdata()
    assert np.isnan(x).sum() == 1
    assert np.nanmax(x) < 8
    assert np.nanmax(np.abs(np.diff(x))) < 0.5, "no line across the canvas"


def test_frames_carry_their_time_and_the_tracks_so_far() -> None:
    strip, track = RNG.random((3, 3, 8, 8)), np.full((3, 1, 2), 4.0)
    drawn = list(figures.frames({"a": strip}, ["0", "1", "2"], tracks={"a": track}))
    assert [figure.axes[0].get_xlabel() for figure in drawn] == ["0", "1", "2"]
    assert [len(figure.axes[0].lines[0].get_xdata()) for figure in drawn] == [1, 2, 3]


def test_columns_of_images_have_their_own_colour_maps() -> None:
    pictures = dict(zip("abcd", RNG.random((4, 8, 8)), strict=True))
    figure = figures.images(pictures, 2, maps=(figures.PATTERN, figures.VELOCITY))
    (a,), (b,), (c,), _ = (axes.images for axes in figure.axes)
    assert a.get_cmap().name == c.get_cmap().name == figures.PATTERN
    assert b.get_clim()[0] == -b.get_clim()[1], "white is no velocity"


def test_arrows_follow_the_field_and_the_longest_are_alike() -> None:
    _, (axes,) = grid(1, 1)
    at = lattice(2.0, 6)
    draw_arrows(axes, at, turn(at), 0.3)
    (arrows,) = axes.collections
    drawn = np.stack([arrows.U, arrows.V], 1)
    assert np.abs((drawn * at.numpy()).sum(1)).max() < 1e-6
    assert np.linalg.norm(drawn, axis=1).max() == pytest.approx(0.3)


def test_an_elimination_marks_what_was_chosen() -> None:
    _, (axes,) = grid(1, 1)
    steps = np.arange(30, 0, -1)
    figures.draw_elimination(axes, steps, 1e3 / steps**2 + 50, 50 + 0 * steps, 7)
    assert [text.get_text() for text in axes.texts] == ["7 terms"]
    assert axes.lines[1].get_xdata()[0] == 7


def test_long_equations_are_broken_before_a_sign() -> None:
    long = TEXT.splitlines()[1]
    lines = broken(long, 30)
    assert len(lines) > 1
    assert all(len(line) <= 30 for line in lines)
    assert all(line.strip()[0] in "+-" for line in lines[1:])
    assert " ".join(line.strip() for line in lines) == long


def test_paths_that_leave_are_cut_off() -> None:
    path = torch.linspace(0, 50, 101)[:, None].expand(-1, 3)
    _, (axes,) = grid(1, 1, subplot_kw={"projection": "3d"})
    figures.draw_trajectory(axes, path)
    drawn = np.array(axes.lines[0].get_data_3d())
    assert np.nanmax(drawn) == 3.5
    assert np.isnan(drawn[:, -1]).all()


@pytest.mark.parametrize("n", [1, 9, 10, 11, 999])
def test_thinning_keeps_at_most_so_many(n: int) -> None:
    kept = thin(torch.arange(n)[:, None], 10)
    assert 1 <= len(kept) <= 10
    assert kept[0] == 0
