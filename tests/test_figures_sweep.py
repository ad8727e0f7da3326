"""The picture of a sweep says what its values say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eqflow_nb.figures import sweep as figures_sweep


def test_an_ensemble_shows_its_mean_its_count_and_the_papers_figure() -> None:
    values = torch.tensor([0.9, 0.95, torch.nan, 1.0])
    whole, near = figures_sweep.ensemble(values).axes
    assert whole.get_title() == "all: mean 0.9500, sd 0.0500, median 0.9500; 1 not finite"
    assert near.get_title() == "enlarged: 3 models, mean 0.9500, sd 0.0500"
    assert sum(bar.get_height() for bar in near.patches) == 3
    labels = [text.get_text() for text in whole.get_legend().get_texts()]
    assert labels == ["ours, 3 models", "the paper's, 0.257 ± 0.012"]
    assert whole.lines[1].get_xdata()[0] == 0.257
    assert whole.get_xlim() == (0, 1)


def test_models_that_lie_far_off_are_shown_above_and_counted_below() -> None:
    values = np.append(np.linspace(0.98, 0.99, 50), 0.1)
    whole, near = figures_sweep.ensemble(values).axes
    assert len(whole.lines[0].get_xdata()) == 51
    assert near.get_title().endswith("; 1 far off")
    assert near.get_xlim()[0] > 0.97


def test_other_figures_have_no_paper_and_one_value_is_no_ensemble() -> None:
    whole, _ = figures_sweep.ensemble(np.arange(9), paper=None, limits=None).axes
    assert len(whole.lines) == 1
    with pytest.raises(ValueError, match="1 finite number"):
        figures_sweep.ensemble([1.0, np.nan])
