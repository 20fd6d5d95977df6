"""eager/composite_rare.py: histogramdd, hash_tensor, segment_reduce, lobpcg, from_file."""
import struct

import pytest

import stickonfire as torch


def test_histogramdd_counts_points_in_cells():
    points = torch.tensor([[0., 0.], [1., 1.], [.9, .2], [5., 5.]])
    hist, edges = torch.histogramdd(points, [2, 2], range=[0., 1., 0., 1.])
    assert hist.tolist() == [[1, 0], [1, 1]]
    assert [e.tolist() for e in edges] == [[0, .5, 1], [0, .5, 1]]
    weighted = torch.histogramdd(points, 2, range=[0., 1., 0., 1.], weight=torch.tensor([1., 2., 3., 4.]))
    assert weighted.hist.tolist() == [[1, 0], [3, 2]]
    density = torch.histogramdd(points, 2, range=[0., 1., 0., 1.], density=True).hist
    torch.testing.assert_close(density.sum() * .25, torch.tensor(1.))


def test_histogramdd_takes_edges_and_refuses_other_sizes():
    edges = [torch.tensor([0., 1., 2.]), torch.tensor([0., 2.])]
    assert torch.histogramdd(torch.tensor([[1.5, 1.]]), edges).hist.tolist() == [[0], [1]]
    with pytest.raises(RuntimeError, match="innermost dimension"):
        torch.histogramdd(torch.ones(2, 3), [1, 1])
    with pytest.raises(RuntimeError, match="at least 2 dimensions"):
        torch.histogramdd(torch.ones(2), [1])


def test_hash_is_the_exclusive_or_of_64_bits():
    def bits(x):
        return struct.unpack("<Q", struct.pack("<d", x))[0]
    assert torch.hash_tensor(torch.tensor([1.5, -2.])).item() == bits(1.5) ^ bits(-2.)
    rows = torch.hash_tensor(torch.tensor([[3, 5], [1, 1]]), dim=1, keepdim=True)
    assert rows.dtype is torch.uint64 and rows.tolist() == [[6], [0]]
    assert torch.tensor([3, 5]).hash_tensor().item() == torch.tensor([1, 2]).hash_tensor().item() * 2
    with pytest.raises(RuntimeError, match="mode=0"):
        torch.hash_tensor(torch.ones(1), mode=1)
    with pytest.raises(IndexError, match="non-zero size"):
        torch.hash_tensor(torch.ones(2, 0), dim=1)


DATA = [1., 2., 3., 4., 5.]


@pytest.mark.parametrize("how, expected", [("sum", [3, 0, 12]), ("mean", [1.5, float("nan"), 4]), ("prod", [2, 1, 60]),
                                           ("max", [2, -float("inf"), 5]), ("min", [1, float("inf"), 3])])
def test_segments_by_lengths_and_by_offsets(how, expected):
    expected = torch.tensor(expected, dtype=torch.float32)
    for given in ({"lengths": torch.tensor([2, 0, 3])}, {"offsets": torch.tensor([0, 2, 2, 5])}):
        torch.testing.assert_close(torch.segment_reduce(torch.tensor(DATA), how, **given), expected, equal_nan=True)


@pytest.mark.oracle
@pytest.mark.parametrize("how", ["sum", "mean", "prod", "max", "min"])
def test_segments_with_a_start_as_pytorch(how):
    real = pytest.importorskip("torch")
    lengths = [[2, 3], [4, 1]]
    theirs = real.segment_reduce(real.tensor([DATA, DATA]), how, lengths=real.tensor(lengths), axis=1, initial=2.5)
    x = torch.tensor([DATA, DATA], requires_grad=True)
    ours = torch.segment_reduce(x, how, lengths=torch.tensor(lengths), axis=1, initial=2.5)
    torch.testing.assert_close(ours.detach(), torch.tensor(theirs.tolist()))
    ours.sum().backward()
    assert x.grad.shape == x.shape


def test_segments_that_do_not_add_up_are_refused():
    with pytest.raises(RuntimeError, match="sum to data.size"):
        torch.segment_reduce(torch.ones(3), "sum", lengths=torch.tensor([1, 1]))
    with pytest.raises(RuntimeError, match="Either lengths or offsets"):
        torch.segment_reduce(torch.ones(3), "sum")


def test_lobpcg_solves_both_eigenproblems():
    a = torch.diag(torch.arange(1., 8.))
    values, vectors = torch.lobpcg(a, k=2)
    torch.testing.assert_close(values, torch.tensor([7., 6.]))
    torch.testing.assert_close(a @ vectors, vectors * values)
    b = torch.eye(7) * 2 + torch.ones(7, 7) * .1
    values, vectors = torch.lobpcg(a, k=2, B=b, largest=False)
    torch.testing.assert_close(a @ vectors, b @ vectors * values, rtol=1e-4, atol=1e-4)
    assert values[0] < values[1]
    with pytest.raises(ValueError, match="smaller than 3 x"):
        torch.lobpcg(a, k=3)


def test_from_file_reads_and_shares(tmp_path):
    path = tmp_path / "numbers"
    path.write_bytes(struct.pack("<4f", 1, 2, 3, 4))
    private = torch.from_file(str(path), size=4)
    private[0] = 9
    assert private.tolist() == [9, 2, 3, 4] and path.read_bytes()[:4] == struct.pack("<f", 1)
    shared = torch.from_file(path, shared=True, size=5)
    shared[4] = 7
    assert struct.unpack("<5f", path.read_bytes()) == (1, 2, 3, 4, 7)
    with pytest.raises(RuntimeError, match="too short"):
        torch.from_file(path, size=100)


def test_segments_unchecked_and_not_from_the_start():
    x = torch.tensor([0., 1., 2., 3., 4.])
    assert torch.segment_reduce(x, "sum", lengths=torch.tensor([2, 1]), unsafe=True).tolist() == [1, 2]
    assert torch.segment_reduce(x, "mean", lengths=torch.tensor([2, 3]), unsafe=True).tolist() == [0.5, 3]
    for unsafe in (True, False):
        assert torch.segment_reduce(x, "sum", offsets=torch.tensor([1, 2, 4]), unsafe=unsafe).tolist() == [1, 5]
