"""Parity: reading and writing through `[]`, and the index functions."""

from __future__ import annotations

import pytest

from tests.helpers.oracle import same

# Each is applied to arange(24.) of shape (2, 3, 4): read, then written to with a scalar, then with a tensor.
INDICES = [
    "0",
    "-1",
    "2",
    "-3",
    "1, 2, 3",
    "1, 2, 4",
    "0, 0, 0, 0",
    ":",
    "...",
    "..., 0",
    "0, ...",
    "..., 0, :",
    "..., ...",
    "None",
    ":, None",
    "..., None",
    "None, 1, None",
    "1:",
    ":-1",
    ":, 1:3",
    ":, ::2",
    ":, :, 1::2",
    ":, 5:",
    "0:0",
    ":, ::-1",
    "True",
    "False",
    "[0, 1]",
    "[1]",
    "[0, 5]",
    "[-1, 0]",
    "[0, 1], [1, 2]",
    "[0, 1], [1, 2], [3, 0]",
    "[0, 1], [0, 1, 2]",
    "[[0], [1]], [[0, 2]]",
    ":, [0, 2]",
    ":, [2, 0, 2]",
    "..., [0, 3]",
    ":, [0, 2], [1, 3]",
    "[0, 1], :, [0, 3]",
    "0, :, [0, 3]",
    "[0, 1], None, [1, 2]",
    "1, [0, 2], 1:3",
    "[0], ..., [1]",
    "torch.tensor(1)",
    "torch.tensor([1, 0])",
    "torch.tensor([[1, 0], [0, 0]])",
    "torch.tensor([], dtype=torch.int64)",
    "torch.tensor([0, 1], dtype=torch.int32)",
    "torch.tensor([0., 1.])",
    "torch.tensor([True, False])",
    "torch.tensor([True, False, True])",
    "torch.tensor([0, 1], dtype=torch.uint8)",
    ":, torch.tensor([True, False, True])",
    "torch.tensor([True, False]), torch.tensor([1])",
    "torch.tensor([True, True]), :, torch.tensor([1, 2])",
    "torch.tensor(True)",
    "torch.tensor(False)",
    "x > 10",
    "x[..., 0] > 5",
    "(x > 5)[0]",
    "0, x[0] > 5",
    "torch.zeros(2, 3, 4, dtype=torch.bool)",
    "torch.tensor(2), torch.tensor(0)",
    "slice(0, 1), slice(None)",
    "torch.tensor(0):torch.tensor(2)",
    "'a'",
    "1.5",
    "None, [0, 1], None, [0, 1]",
    "range(2)",
    "(0, 1), (1, 2)",
]

OTHERS = [
    "torch.tensor(5)[None]",
    "torch.tensor(5)[...]",
    "torch.tensor(5)[()]",
    "torch.tensor(5)[0]",
    "x = torch.arange(4); x[torch.tensor([True, False, True, False])]",
    "x = torch.zeros(3, 3); x[1] = torch.tensor([1., 2., 3.]); x",
    "x = torch.zeros(3, 3); x[:, 1] = 5; x",
    "x = torch.zeros(3, 3); x[[0, 2], [1, 1]] = torch.tensor([1., 2.]); x",
    "x = torch.zeros(3, 3); x[[0, 0], [1, 1]] = 3; x",
    "x = torch.zeros(3, 3); x[x == 0] = torch.arange(9.); x",
    "x = torch.zeros(3, 3); x[x == 0] = torch.arange(8.); x",
    "x = torch.zeros(3, 3); x[0] = torch.arange(2.); x",
    "x = torch.zeros(3, 3); x[0] = torch.ones(1, 3); x",
    "x = torch.zeros(3, 3); x[0] = torch.ones(2, 3); x",
    "x = torch.zeros(3); x[0] = torch.tensor(7); x",
    "x = torch.zeros(3, dtype=torch.int64); x[0] = 2.7; x",
    "x = torch.zeros(3, dtype=torch.int64); x[:] = torch.tensor([1.5, 2.5, 3.5]); x",
    "x = torch.zeros(3); x[0] = [1]; x",
    "x = torch.zeros(3); x[5] = 1; x",
    "x = torch.zeros(3); x[[5]] = 1; x",
    "x = torch.zeros(3); x[...] = 4; x",
    "x = torch.zeros(2, 3); x[None, 0] = 1; x",
    "x = torch.zeros(2, 3); x[:, [True, False, True]] = 9; x",
    "x = torch.zeros(2, 3); x[0][1] = 4; x",
    "x = torch.zeros(2, 3); y = x[:, 1]; y += 1; x",
    "x = torch.zeros(2, 3); y = x[[0, 1]]; y += 1; x",
    "x = torch.arange(6); x[1:4] += 10; x",
    "x = torch.arange(6); x[x > 2] *= -1; x",
    "x = torch.arange(6); x[1:4] = x[0:3].clone(); x",
    "x = torch.zeros(3); x[0] = 1j; x",
    "x = torch.zeros(3, dtype=torch.bool); x[0] = 5; x",
    "x = torch.zeros(3); x[True] = 2; x",
    "x = torch.zeros(3); del x[0]",
    "len(torch.zeros(3, 2))",
    "len(torch.tensor(1))",
    "[t.item() for t in torch.arange(3)]",
    "list(torch.zeros(2, 2))",
    "iter(torch.tensor(1))",
    "2 in torch.arange(3), 5 in torch.arange(3)",
    "a, b = torch.arange(4).view(2, 2); a, b",
    "torch.arange(12).view(3, 4).index_select(1, torch.tensor([0, 2]))",
    "torch.index_select(torch.arange(4), 0, torch.tensor([0, 4]))",
    "torch.index_select(torch.arange(4), 0, torch.tensor([0.]))",
    "torch.arange(12).view(3, 4).gather(1, torch.tensor([[0, 1], [2, 3], [0, 0]]))",
    "torch.arange(4).gather(0, torch.tensor([5]))",
    "torch.arange(12).view(3, 4).take(torch.tensor([0, 5, -1]))",
    "torch.take_along_dim(torch.arange(6).view(2, 3), torch.tensor([[2], [0]]), 1)",
    "torch.zeros(3, 4).scatter(1, torch.tensor([[0], [1], [2]]), 1.)",
    "torch.zeros(3, 4).scatter_(1, torch.tensor([[0, 1]]), torch.tensor([[5., 6.]]))",
    "torch.zeros(2, 3).scatter_add(1, torch.tensor([[0, 0], [1, 2]]), torch.ones(2, 2))",
    "torch.zeros(2, 3).scatter_reduce(1, torch.tensor([[0, 0]]), torch.tensor([[2., 3.]]), reduce='amax')",
    "torch.zeros(2, 3).scatter(1, torch.tensor([[7]]), 1.)",
    "torch.zeros(4).index_add(0, torch.tensor([0, 0, 2]), torch.tensor([1., 2., 3.]))",
    "torch.zeros(4, 2).index_copy(0, torch.tensor([3, 1]), torch.ones(2, 2))",
    "torch.zeros(4).index_fill(0, torch.tensor([1, 3]), 9)",
    "torch.zeros(4).index_put((torch.tensor([1, 1]),), torch.tensor([2., 3.]), accumulate=True)",
    "torch.zeros(4).index_put_((torch.tensor([1]),), torch.tensor(2.))",
    "torch.arange(6).masked_select(torch.tensor([True, False] * 3))",
    "torch.arange(6.).masked_fill(torch.tensor([True, False] * 3), -1)",
    "torch.arange(6.).masked_fill(torch.tensor([1, 0] * 3), -1)",
    "torch.zeros(4).masked_scatter(torch.tensor([True, False, True, True]), torch.arange(3.))",
    "torch.where(torch.tensor([True, False]), torch.tensor([1, 2]), torch.tensor([3., 4.]))",
    "torch.where(torch.tensor([True, False]), 1., 2)",
    "torch.where(torch.tensor([[1, 0], [0, 1]]))",
    "torch.tensor([[1, 0], [0, 1]]).nonzero()",
    "torch.nonzero(torch.tensor([1, 0, 3]), as_tuple=True)",
    "torch.argwhere(torch.tensor([1, 0, 3]))",
    "torch.arange(24).view(2, 3, 4).select(1, 2)",
    "torch.arange(24).view(2, 3, 4).select(1, 3)",
    "torch.arange(6).narrow(0, 1, 3)",
    "torch.arange(6).narrow(0, 4, 3)",
    "torch.zeros(3, 3).fill_diagonal_(2)",
    "torch.select_scatter(torch.zeros(2, 3), torch.ones(3), 0, 1)",
    "torch.slice_scatter(torch.zeros(4), torch.ones(2), 0, 1, 3)",
    "torch.diagonal_scatter(torch.zeros(2, 2), torch.ones(2))",
]


@pytest.mark.parametrize("index", INDICES)
def test_reading(index):
    same(f"x = torch.arange(24.).view(2, 3, 4); x[{index}]")


@pytest.mark.parametrize("index", INDICES)
def test_writing_a_number(index):
    same(f"x = torch.arange(24.).view(2, 3, 4); x[{index}] = -1; x")


@pytest.mark.parametrize("index", INDICES)
def test_writing_a_tensor(index):
    same(f"x = torch.arange(24.).view(2, 3, 4); x[{index}] = 100 + x[{index}].clone(); x")


@pytest.mark.parametrize("index", INDICES)
def test_gradient_of_reading(index):
    same(f"""
x = torch.arange(24.).view(2, 3, 4).requires_grad_()
y = x[{index}]
(y * torch.arange(y.numel()).view(y.shape)).sum().backward()
x.grad""")


@pytest.mark.parametrize("index", INDICES)
def test_gradient_of_writing(index):
    same(f"""
x = torch.arange(24.).view(2, 3, 4).requires_grad_()
v = torch.tensor(2., requires_grad=True)
y = x * 3
y[{index}] = v
(y * torch.arange(24.).view(2, 3, 4)).sum().backward()
y, x.grad, v.grad""")


@pytest.mark.parametrize("snippet", OTHERS)
def test_others(snippet):
    same(snippet)
