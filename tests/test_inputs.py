import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from eqflow_nb.inputs import (
    BUDGETS,
    InputError,
    as_samples,
    between,
    choice,
    count,
    pick_device,
    positive,
    skew_matrix,
)
from eqflow_nb.snapshots import NAMES, world

finite = st.floats(-1e6, 1e6)
clouds = hnp.arrays(np.float64, st.tuples(st.integers(2, 6), st.integers(1, 4)), elements=finite)
broken = st.sampled_from([math.nan, math.inf, -math.inf])


def refused(call, *fragments):
    """Assert that `call` raises an InputError whose message has every fragment."""
    with pytest.raises(InputError) as caught:
        call()
    for fragment in fragments:
        assert fragment in str(caught.value)


@given(clouds)
def test_samples_come_through_unchanged(cloud):
    for form in (cloud, torch.from_numpy(cloud), cloud.tolist()):
        assert np.array_equal(as_samples(form).numpy(), cloud)


@given(clouds, broken, st.data())
def test_a_broken_value_anywhere_is_refused_and_its_row_named(cloud, value, data):
    row = data.draw(st.integers(0, cloud.shape[0] - 1))
    column = data.draw(st.integers(0, cloud.shape[1] - 1))
    cloud[row, column] = value
    refused(lambda: as_samples(cloud, "x"), "x has 1 value(s)", "NaN", f"row {row};")


def test_every_broken_value_is_counted_and_the_first_row_named():
    cloud = torch.zeros(5, 2)
    cloud[3] = math.nan
    cloud[2, 1] = math.inf
    refused(lambda: as_samples(cloud), "samples has 3 value(s)", "row 2;")


@given(clouds, st.integers(1, 6))
def test_wrong_dimension_is_refused(cloud, dim):
    if cloud.shape[1] == dim:
        assert as_samples(cloud, dim=dim).shape[1] == dim
    else:
        refused(lambda: as_samples(cloud, "y", dim=dim), "y", f"must have {dim}")


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_dims=4), elements=finite))
def test_anything_but_a_table_is_refused(array):
    if array.ndim != 2:
        refused(lambda: as_samples(array), str(tuple(array.shape)), "(n, d)")


def test_a_row_of_numbers_is_told_how_to_become_a_column():
    refused(lambda: as_samples([1.0, 2.0], "x"), "x[:, None]")


def test_too_few_rows_are_refused():
    refused(lambda: as_samples([[1.0, 2.0]]), "1 row(s)", "at least 2")
    assert len(as_samples([[1.0, 2.0]], at_least=1)) == 1
    refused(lambda: as_samples(np.zeros((3, 0))), "no columns")


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
def test_positive_accepts_exactly_the_numbers_above_zero_that_can_be_squared(value):
    if 1e-100 <= value <= 1e100:
        assert positive(value, "sigma") == value
    elif 0 < value < math.inf:
        refused(lambda: positive(value, "sigma"), "sigma", "square")
    else:
        refused(lambda: positive(value, "sigma"), "sigma", "finite")


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_between_accepts_exactly_its_interval(value):
    if -1 <= value <= 2:
        assert between(value, "t", -1, 2) == value
    else:
        refused(lambda: between(value, "t", -1, 2), "t is")


def test_no_upper_limit_still_means_finite():
    assert between(1e300, "sigma", 0, math.inf) == 1e300
    refused(lambda: between(math.inf, "sigma", 0, math.inf), "finite")


@given(st.floats(-10, 10))
def test_count_accepts_exactly_whole_numbers(value):
    if value >= 1 and value == int(value):
        assert count(value, "n") == value
    else:
        refused(lambda: count(value, "n"), "n is", "whole number")


@pytest.mark.parametrize("check", [positive, count, lambda v, n: between(v, n, 0, 1)])
@pytest.mark.parametrize("value", ["half", None, [1, 2], torch.zeros(2)])
def test_numbers_must_be_numbers(check, value):
    refused(lambda: check(value, "eta"), "eta is", "must be a number")


@given(st.text())
def test_unknown_names_are_refused_with_the_list_of_known_ones(name):
    for options in (BUDGETS, NAMES):
        if name not in options:
            refused(lambda options=options: choice(name, options, "it"), *options)


def test_a_near_miss_gets_a_suggestion():
    refused(lambda: choice("labtop", BUDGETS, "budget"), "budget", "did you mean 'laptop'?")
    refused(lambda: world("lorentz"), "world 'lorentz'", "did you mean 'lorenz'?")
    assert choice("quick", BUDGETS, "budget") == "quick"


square = hnp.arrays(np.float64, st.integers(1, 4).map(lambda d: (d, d)), elements=finite)


@given(square)
def test_the_skew_part_of_any_matrix_is_skew(matrix):
    skew = (matrix - matrix.T) / 2
    assert np.array_equal(skew_matrix(skew).numpy(), skew)


@given(square, st.data())
def test_one_changed_entry_is_found(matrix, data):
    skew = (matrix - matrix.T) / 2
    i, j = (data.draw(st.integers(0, len(skew) - 1)) for _ in "ij")
    skew[i, j] += 1 + abs(skew).max()
    low, high = sorted((i, j))
    refused(lambda: skew_matrix(skew, "A"), f"A[{low},{high}] + A[{high},{low}]", "should be 0")


def test_the_worst_entry_and_the_cure_are_named():
    matrix = [[0, 1.3, 0], [-1, 0, 0.1], [0, 0, 0]]
    refused(lambda: skew_matrix(matrix), "K[0,1] + K[1,0] = 0.3, should be 0", "(K - K.T) / 2")


@pytest.mark.parametrize("shape", [(2, 3), (2,), (0, 0), (2, 2, 2)])
def test_a_matrix_that_is_not_square_is_refused(shape):
    refused(lambda: skew_matrix(np.zeros(shape)), "square matrix")


def test_a_matrix_of_the_wrong_size_or_with_nan_is_refused():
    refused(lambda: skew_matrix(np.zeros((3, 3)), dim=2), "(3, 3)", "(2, 2)")
    refused(lambda: skew_matrix([[0, math.nan], [1, 0]]), "NaN")


def test_an_absent_gpu_is_refused_with_a_way_out(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refused(lambda: pick_device("cuda"), "no GPU", "'cpu' or 'auto'")
    assert pick_device("auto").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto").type == pick_device("cuda").type == "cuda"
    assert pick_device("cpu").type == "cpu"
    refused(lambda: pick_device("gpu"), "auto, cpu, cuda")
