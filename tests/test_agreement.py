import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import pdist, squareform

from eqflow_nb.inputs import InputError
from eqflow_nb.measures import embed, rms, signed_similarity, similarity, similarity_matrix

values = st.floats(-1e3, 1e3).filter(lambda a: a == 0 or abs(a) > 1e-3)
pairs = hnp.arrays(
    np.float64, st.tuples(st.just(2), st.integers(1, 8), st.integers(1, 3)), elements=values
)
factors = st.floats(1e-200, 1e200)


def both_move(v, w):
    assume(v.any() and w.any())


@given(pairs)
def test_signed_similarity_is_the_cosine(pair):
    v, w = pair
    both_move(v, w)
    cosine = (v * w).sum() / math.sqrt((v**2).sum() * (w**2).sum())
    assert signed_similarity(v, w) == pytest.approx(cosine, abs=1e-12)


@given(pairs, factors, factors, st.sampled_from([1, -1]))
def test_similarity_ignores_speed_and_the_arrow_of_time(pair, a, b, sign):
    v, w = pair
    both_move(v, w)
    assert similarity(a * v, sign * b * w) == pytest.approx(similarity(v, w), abs=1e-12)
    assert signed_similarity(v, sign * w) == pytest.approx(sign * signed_similarity(v, w))


@given(pairs)
def test_similarity_is_symmetric_bounded_and_one_with_itself(pair):
    v, w = pair
    both_move(v, w)
    assert similarity(v, w) == pytest.approx(similarity(w, v))
    assert 0 <= similarity(v, w) <= 1
    assert signed_similarity(v, v) == pytest.approx(1)
    assert signed_similarity(v, -v) == pytest.approx(-1)


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 8), st.just(2)), elements=values))
def test_a_field_turned_by_a_right_angle_everywhere_has_similarity_zero(v):
    assume(v.any())
    assert similarity(v, np.stack([-v[:, 1], v[:, 0]], axis=1)) == pytest.approx(0, abs=1e-12)


def test_one_sign_holds_for_the_whole_set_of_states():
    # Agreement on one half of the states and reversal on the other cancel.
    v = torch.ones(4, 3)
    w = v * torch.tensor([1.0, 1.0, -1.0, -1.0])[:, None]
    assert similarity(v, w) == 0


@given(st.integers(1, 6), st.integers(0, 1000))
def test_the_matrix_holds_the_similarities_of_all_pairs(m, seed):
    fields = np.random.default_rng(seed).standard_normal((m, 5, 3))
    matrix = similarity_matrix(list(fields))
    expected = [[similarity(v, w) for w in fields] for v in fields]
    assert torch.allclose(matrix, torch.tensor(expected, dtype=torch.float64))
    assert torch.equal(matrix.diagonal(), torch.ones(m).double())


@given(st.integers(3, 8), st.integers(1, 3), st.integers(0, 1000))
def test_embed_recovers_the_distances_of_a_configuration(m, dim, seed):
    points = np.random.default_rng(seed).uniform(0, 0.5, (m, dim))
    distances = squareform(pdist(points))
    assume(m > dim)
    found = embed(1 - distances, dim=dim)
    assert found.shape == (m, dim)
    assert np.allclose(squareform(pdist(found.numpy())), distances, atol=1e-6)
    assert torch.allclose(found.mean(dim=0), torch.zeros(dim).double(), atol=1e-9)


def test_embed_puts_equal_fields_together_and_orthogonal_ones_one_apart():
    fields = [torch.tensor([[1.0, 0.0]]), torch.tensor([[-3.0, 0.0]]), torch.tensor([[0.0, 2.0]])]
    a, b, c = embed(similarity_matrix(fields))
    assert torch.allclose(a, b, atol=1e-6)
    assert (a - c).norm() == pytest.approx(1)


def test_embed_has_a_fixed_orientation():
    matrix = similarity_matrix(
        list(torch.randn(6, 10, 2, generator=torch.Generator().manual_seed(0)))
    )
    points = embed(matrix)
    assert (points.max(dim=0).values >= -points.min(dim=0).values).all()
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    assert torch.allclose(embed(matrix[order][:, order]), points[order])


def test_rms_is_the_root_mean_square_length():
    assert rms(torch.tensor([[3.0, 4.0], [0.0, 0.0]])) == pytest.approx(5 / math.sqrt(2))
    assert rms(torch.ones(2, 3, 4, 4)) == pytest.approx(math.sqrt(48))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_broken_velocities_are_refused_by_name(value):
    v, w = torch.ones(3, 2), torch.full((3, 2), value)
    with pytest.raises(InputError, match="w has NaN"):
        similarity(v, w)
    with pytest.raises(InputError, match=r"velocities\[1\] has NaN"):
        similarity_matrix([v, w])


def test_a_field_at_rest_and_fields_at_other_states_are_refused():
    v = torch.ones(3, 2)
    with pytest.raises(InputError, match="v is zero everywhere"):
        similarity(0 * v, v)
    with pytest.raises(InputError, match=r"w has shape \(4, 2\).*\(3, 2\)"):
        similarity(v, torch.ones(4, 2))
    with pytest.raises(InputError, match=r"velocities\[1\] has shape"):
        similarity_matrix([v, torch.ones(4, 2)])
    with pytest.raises(InputError, match="velocities is empty"):
        similarity_matrix([])


@pytest.mark.parametrize("matrix", [np.ones((2, 3)), [[1, 0.5], [0.2, 1]], [[1, math.nan]] * 2])
def test_embed_refuses_what_is_not_a_similarity_matrix(matrix):
    with pytest.raises(InputError, match="matrix"):
        embed(matrix)
