"""The checks of input: what they accept comes through unchanged, what they refuse is named."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from test_bad_input import refused

from eqflow_nb.inputs import (
    BUDGETS,
    as_samples,
    between,
    choice,
    count,
    pick_device,
    positive,
    replace_text,
    skew_matrix,
    split_at_commas,
)

finite = st.floats(-1e6, 1e6)
clouds = hnp.arrays(np.float64, st.tuples(st.integers(2, 6), st.integers(1, 4)), elements=finite)


@given(clouds)
def test_samples_come_through_unchanged(cloud):
    for form in (cloud, torch.from_numpy(cloud), cloud.tolist()):
        assert np.array_equal(as_samples(form).numpy(), cloud)


@given(clouds, finite, st.data())
def test_constant_columns_are_named(cloud, value, data):
    cloud += np.arange(len(cloud))[:, None] * 1e7
    assert as_samples(cloud, vary=True).shape == cloud.shape
    column = data.draw(st.integers(0, cloud.shape[1] - 1))
    cloud[:, column] = value
    refused(lambda: as_samples(cloud, vary=True), f"column(s) {column};")


def test_rounding_is_not_variation_but_small_units_are():
    noisy = torch.full((9, 1), 0.1) * (1 + 1e-7 * torch.arange(9)[:, None] / 9)
    refused(lambda: as_samples(noisy, vary=True), "constant")
    tiny = torch.arange(9.0)[:, None] * 1e-30
    assert as_samples(tiny, vary=True) is tiny


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_numbers_are_accepted_exactly_where_they_will_do(value):
    if 1e-100 <= value <= 1e100:
        assert positive(value, "sigma") == value
    else:
        refused(lambda: positive(value, "sigma"), "sigma")
    if -1 <= value <= 2:
        assert between(value, "t", -1, 2) == value
    else:
        refused(lambda: between(value, "t", -1, 2), "t is")
    if 1 <= value <= 2**62 and value == int(value):
        assert count(value, "n") == value
    else:
        refused(lambda: count(value, "n"), "n is")


def test_unknown_names_are_refused_with_those_known_and_a_near_one():
    refused(lambda: choice("labtop", BUDGETS, "budget"), *BUDGETS, "did you mean 'laptop'?")
    refused(lambda: choice("", BUDGETS, "budget"), *BUDGETS)
    assert choice("quick", BUDGETS, "budget") == "quick"


square = hnp.arrays(np.float64, st.integers(1, 4).map(lambda d: (d, d)), elements=finite)


@given(square, st.data())
def test_skew_matrices_pass_and_one_changed_entry_is_found(matrix, data):
    skew = (matrix - matrix.T) / 2
    assert np.array_equal(skew_matrix(skew).numpy(), skew)
    i, j = (data.draw(st.integers(0, len(skew) - 1)) for _ in "ij")
    skew[i, j] += 1 + abs(skew).max()
    low, high = sorted((i, j))
    refused(lambda: skew_matrix(skew, "A"), f"A[{low},{high}] + A[{high},{low}]", "should be 0")


def test_an_absent_gpu_is_refused_with_a_way_out(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refused(lambda: pick_device("cuda"), "no GPU", "'cpu' or 'auto'")
    assert pick_device("auto").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto").type == pick_device("cuda").type == "cuda"
    assert pick_device("cpu").type == "cpu"
    refused(lambda: pick_device("gpu"), "auto, cpu, cuda")


# ---- text and files ----


def test_lists_are_split_at_commas_outside_of_brackets():
    text = "a, f(x,y) ,[1,(2,3)],{4,5},"
    assert split_at_commas(text) == ["a", "f(x,y)", "[1,(2,3)]", "{4,5}", ""]


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "scorecard.json"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        replace_text(path, "new \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
