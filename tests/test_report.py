"""A report on a reader's data: what it says, what it keeps, what it refuses, what it saves."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from eqflow_nb.course import noise_levels as levels
from eqflow_nb.inputs import InputError
from eqflow_nb.panels import own_panel
from eqflow_nb.report import Report, report
from eqflow_nb.report.images import rules
from eqflow_nb.report.points import marginal, mean_flow, plane_of
from eqflow_nb.scores import KernelDensityScore, fit_gaussian_field
from eqflow_nb.snapshots import cells

POINTS = {"sigma", "score", "flow", "preservation", "clouds"}
IMAGES = {"sigma", "score", "flow", "preservation", "pictures"}


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def waves(n: int, channels: int, side: int = 16) -> np.ndarray:
    """Periodic images, smooth, of any number of channels, in [0, 1]."""
    rng = np.random.default_rng(1)
    phase = rng.uniform(0, 2 * np.pi, size=(n, channels, 1, 1))
    y, x = np.mgrid[:side, :side] * 2 * np.pi / side
    return (
        0.5
        + 0.3 * np.sin(x + phase) * np.cos(y + 2 * phase)
        + 0.02 * rng.normal(size=(n, channels, side, side))
    )


def complete(found: Report, names: set[str]) -> None:
    """Every picture is there, in words too, with the arrays that it was drawn from."""
    assert set(found.pictures) == names
    for picture in found.pictures.values():
        assert isinstance(picture.figure, Figure)
        assert len(picture.alt) > 30
        assert picture.alt.endswith(".")
        assert picture.arrays
    assert "Noise level: σ =" in str(found)
    assert max(map(len, str(found).splitlines())) <= 100


@pytest.fixture(scope="module")
def blood():
    return report(cells.PATH, cells.AXES, points=150)


def test_a_table_of_points_is_examined(blood):
    complete(blood, POINTS)
    assert blood.sigma == blood.choice.sigma
    assert set(blood.preservation) >= {"skew", "score", "symmetric", "random"}
    over = {kind: values[10.0] for kind, values in blood.preservation.items()}
    assert max(blood.preservation["skew"].values()) < 1.5
    assert min(over["symmetric"], over["random"]) > 3
    assert "keeps what your data look like" in str(blood)
    assert blood.equations.verdict in str(blood)


def test_it_is_the_same_every_time_and_whatever_the_order(blood):
    again = report(cells.PATH, cells.AXES, points=150)
    assert str(again) == str(blood)
    for name, picture in blood.pictures.items():
        for what, array in picture.arrays.items():
            np.testing.assert_array_equal(again.pictures[name].arrays[what], array)
    backwards = report(blood.own.values[::-1], points=150)
    assert backwards.preservation["skew"] == blood.preservation["skew"]


def test_it_is_saved_whole_and_can_be_saved_again(blood, tmp_path):
    folder = tmp_path / "deep" / "report"
    written = blood.save(folder)
    assert sorted(folder.iterdir()) == sorted(written), "no drafts are left"
    assert {path.stem for path in written} == POINTS | {"report"}
    assert (folder / "report.txt").read_text(encoding="utf-8") == f"{blood}\n"
    with np.load(folder / "score.npz", allow_pickle=False) as kept:
        np.testing.assert_array_equal(kept["samples"], blood.pictures["score"].arrays["samples"])
    assert Image.open(folder / "flow.png").width > 300


@pytest.mark.parametrize(("d", "looks_for"), [(3, "quadratic"), (7, "No equations were")])
def test_points_in_more_dimensions_are_drawn_in_a_plane(d, looks_for):
    found = report(normal(400, d), points=100)
    complete(found, POINTS)
    assert looks_for in str(found)
    assert found.pictures["score"].arrays["directions"].shape == (2, d)
    assert found.pictures["flow"].figure.axes[0].get_xlabel() == "direction 1 (sd)"


def test_duplicates_and_columns_that_say_nothing_are_left_out():
    x = normal(150, 2)
    odd = np.hstack([x, np.ones((150, 1)), np.arange(150)[:, None]])
    found = report(np.vstack([odd[:100], odd]), points=60)
    assert found.look.keep == (0, 1, 3) or found.look.keep == (0, 1)
    assert len(found.pictures["score"].arrays["samples"]) == 150
    assert "repeat an earlier one" in str(found)


@pytest.mark.parametrize(
    ("source", "options", "says"),
    [
        (np.repeat(normal(3, 2), 20, axis=0), {}, "3 different row"),
        (np.ones((30, 2)), {}, "says nothing about motion"),
        (normal(200, 1), {}, "on a line nothing can flow"),
        (normal(30, 2), {"sigma": 0}, "sigma is 0"),
        (normal(3, 2, 16, 16), {}, "at least 4"),
    ],
)
def test_bad_input_says_what_would_do(source, options, says):
    with pytest.raises(InputError, match=says):
        report(source, **options)


@pytest.mark.parametrize("channels", [1, 2])
def test_images_of_any_number_of_channels(channels):
    found = report(waves(16, channels))
    complete(found, IMAGES)
    assert found.flow(torch.randn(2, channels, 16, 16)).shape == (2, channels, 16, 16)
    assert found.preservation["skew"][10.0] < found.preservation["random"][10.0]
    assert "nothing is trained" in str(found)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_the_rule_of_images_is_skew_and_the_controls_are_not(channels):
    score = fit_gaussian_field(torch.from_numpy(waves(16, channels)).float(), 0.1)
    made = rules(score, seed=0)
    for kind, K in made.items():
        # Real maps have K(-k) = conj K(k); then skew means K(k)^H = -K(k).
        skew = float((K + K.mH).abs().max()) < 1e-9
        assert skew == (kind == "skew"), kind


def test_a_mean_flow_keeps_the_shadow_of_a_law():
    x = torch.from_numpy(normal(600, 3)).double() * torch.tensor([1.5, 1.0, 0.5])
    plane, score = plane_of(x), KernelDensityScore(x, 0.4)
    law = marginal(score, plane)
    y = x[:50] @ plane.T
    torch.testing.assert_close(
        KernelDensityScore(x @ plane.T, 0.4)(y), law(y), atol=1e-6, rtol=1e-6
    )
    assert float((plane @ plane.T - torch.eye(2)).abs().max()) < 1e-6

    def field(z):
        return z[:, [1, 0, 2]] * torch.tensor([1.0, -1.0, 0.0])

    assert mean_flow(field, x, plane, 0.4)(y).shape == (50, 2)


def test_levels_are_judged_on_other_draws_than_they_are_picked_on():
    several = levels.trials(levels.halves_of("two_moons", 60), range(3), (0.2, 0.8))
    ratio, error = levels.over_best(several)
    assert 0.5 < ratio < 1.5
    assert error > 0
    assert all(len(trial.costs) == 2 and trial.costs[1] > trial.costs[0] for trial in several)
    best = [levels.Trial(several[0].choice, np.array(c), 2.0) for c in ([1, 9], [3, 1], [1, 9])]
    # The second trial's own best is its second level; that of the others is the first.
    assert levels.over_best(best)[0] == pytest.approx(6 / (1 + 3 + 1))


def test_the_panel_takes_a_readers_points():
    panel = own_panel(normal(200, 2) * [3, 0.1], axes=("p", "q"))
    assert panel.spec["worlds"]["yours"]["means"]["shape"] == [200, 2]
    assert panel.static().axes[0].get_xlabel() == "p (sd)"
