"""The checks of input: what they accept comes through unchanged, what they refuse is named."""

import math
from pathlib import Path

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
    writable_folder,
)

finite = st.floats(-1e6, 1e6)
clouds = hnp.arrays(np.float64, st.tuples(st.integers(2, 6), st.integers(1, 4)), elements=finite)


@given(clouds)
def test_samples_come_through_unchanged(cloud):
    for form in (cloud, torch.from_numpy(cloud), cloud.tolist()):
        assert np.array_equal(as_samples(form).numpy(), cloud)


def test_every_broken_value_is_counted_and_the_first_row_named():
    cloud = torch.zeros(5, 2)
    cloud[3] = math.nan
    cloud[2, 1] = math.inf
    refused(lambda: as_samples(cloud), "samples has 3 value(s)", "row 2;")


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_dims=4), elements=finite))
def test_anything_but_a_table_is_refused(array):
    if array.ndim != 2:
        refused(lambda: as_samples(array), str(tuple(array.shape)), "(n, d)")


def test_shapes_are_refused_with_what_would_do():
    refused(lambda: as_samples([1.0, 2.0], "x"), "x[:, None]")
    refused(lambda: as_samples([[1.0, 2.0]]), "1 row(s)", "at least 2")
    refused(lambda: as_samples(np.zeros((3, 0))), "no columns")
    refused(lambda: as_samples(np.zeros((3, 2)), "y", dim=3), "y has 2 column(s)", "must have 3")
    assert len(as_samples([[1.0, 2.0]], at_least=1)) == 1


@pytest.mark.parametrize(
    "value", [[["a", "b"], ["c", "d"]], [[1.0], [1.0, 2.0]], [[1j], [2.0]], [[{}], [{}]], [[None]]]
)
def test_what_is_not_an_array_of_real_numbers_is_refused(value):
    refused(lambda: as_samples(value, "data"), "data")


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


def test_dtypes_are_kept_and_integers_become_floats():
    assert as_samples(torch.zeros(2, 2, dtype=torch.float64)).dtype == torch.float64
    assert as_samples(np.zeros((2, 2), np.float32)).dtype == torch.float32
    assert as_samples(np.zeros((2, 2), np.int64)).dtype == torch.get_default_dtype()


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


@pytest.mark.parametrize("check", [positive, count, lambda v, n: between(v, n, 0, 1)])
@pytest.mark.parametrize("value", ["half", None, [1, 2], torch.zeros(2)])
def test_numbers_must_be_numbers(check, value):
    refused(lambda: check(value, "eta"), "eta is", "must be a number")


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


@pytest.mark.parametrize("shape", [(2, 3), (2,), (0, 0), (2, 2, 2)])
def test_a_matrix_that_is_not_square_is_refused(shape):
    refused(lambda: skew_matrix(np.zeros(shape)), "square matrix")
    refused(lambda: skew_matrix(np.zeros((3, 3)), dim=2), "(3, 3)", "(2, 2)")


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


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "scorecard.json"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        replace_text(path, "new \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path):
    writable_folder(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").write_text("in the way")
    for place in ("file", "file/out"):
        refused(lambda place=place: writable_folder(tmp_path / place), "can't write to", "another")
