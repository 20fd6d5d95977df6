"""Errors that users meet most: the exception type, PyTorch's words, the op with its operands, and the way out.

`tests/parity/test_errors.py` compares the types with PyTorch's; here stands what our messages promise.
"""

from __future__ import annotations

import re

import pytest

import stickonfire as torch

F = torch.nn.functional

SHAPES = [
    (
        lambda: torch.ones(2) + torch.ones(3),
        r"size of tensor a \(2\) must match the size of tensor b \(3\)",
        r"add\(float32\[2\], float32\[3\]\)",
        "broadcast from the last dim",
    ),
    (
        lambda: torch.ones(2, 3).mul_(torch.ones(4)),
        "must match",
        r"mul\(float32\[2, 3\], float32\[4\]\)",
        "unsqueeze",
    ),
    (
        lambda: torch.ones(3).add_(torch.ones(2, 3)),
        r"output with shape \[3\] doesn't match the broadcast shape \[2, 3\]",
        r"add_\(\)",
        "out-of-place",
    ),
    (
        lambda: torch.ones(2, 3) @ torch.ones(2, 3),
        r"cannot be multiplied \(2x3 and 2x3\)",
        r"matmul\(\)",
        "Transpose",
    ),
    (
        lambda: torch.mm(torch.ones(2, 3), torch.ones(4, 2)),
        r"\(2x3 and 4x2\)",
        r"mm\(\)",
        r"last size of \[2, 3\] must equal",
    ),
    (
        lambda: torch.bmm(torch.ones(2, 3, 4), torch.ones(3, 4, 5)),
        "Expected size for first two dimensions",
        r"bmm\(float32\[2, 3, 4\], float32\[3, 4, 5\]\)",
        "batches must be equal",
    ),
    (
        lambda: torch.nn.Linear(3, 4)(torch.ones(2, 5)),
        r"\(2x5 and 3x4\)",
        r"linear\(input \[2, 5\], weight \[4, 3\]\)",
        "in_features",
    ),
    (
        lambda: torch.ones(2, 3).view(5),
        r"shape '\[5\]' is invalid for input of size 6",
        r"view\(float32\[2, 3\]\)",
        "may be -1",
    ),
    (
        lambda: torch.ones(2, 3).reshape(4, -1),
        r"shape '\[4, -1\]'",
        r"reshape\(float32\[2, 3\]\)",
        "must multiply",
    ),
    (
        lambda: torch.ones(2, 3).t().view(6),
        "view size is not compatible",
        r"view\(float32\[3, 2\]\)",
        r"Use .reshape",
    ),
    (
        lambda: torch.ones(2, 3).expand(4, 3),
        "expanded size of the tensor",
        r"expand\(float32\[2, 3\]\)",
        "repeat",
    ),
    (
        lambda: torch.cat([torch.ones(2, 2), torch.ones(2, 3)]),
        "Sizes of tensors must match",
        r"\[2, 3\]",
        "dimension 0",
    ),
    (
        lambda: torch.stack([torch.ones(2), torch.ones(3)]),
        "stack expects each tensor to be equal size",
        r"\[2\]",
        r"\[3\]",
    ),
    (
        lambda: torch.where(torch.ones(2).bool(), torch.ones(3), torch.ones(3)),
        "must match",
        r"where\(bool\[2\], float32\[3\], float32\[3\]\)",
        "broadcast",
    ),
    (
        lambda: torch.zeros(3)[:2].copy_(torch.ones(3)),
        "must match",
        r"copy.*\(float32\[2\], float32\[3\]\)",
        "broadcast",
    ),
    (
        lambda: F.layer_norm(torch.ones(2, 3), (2,)),
        r"normalized_shape=\[2\]",
        r"layer_norm\(float32\[2, 3\]",
        "last dims",
    ),
]


@pytest.mark.parametrize("case", SHAPES)
def test_a_shape_mismatch(case):
    call, *words = case
    with pytest.raises(RuntimeError, match=words[0]) as caught:
        call()
    for word in words:
        assert re.search(word, str(caught.value)), f"{word!r} is not in {caught.value}"


def test_a_batch_of_another_size_is_a_value_error():
    with pytest.raises(ValueError, match=r"batch_size \(2\) to match target batch_size \(1\). In nll_loss"):
        F.cross_entropy(torch.ones(2, 3), torch.tensor([0]))


DTYPES = [
    (
        RuntimeError,
        lambda: torch.ones(2, 3) @ torch.ones(3, 2, dtype=torch.float64),
        r"expected m1 and m2 to have the same dtype, but got: float != double. In matmul\(float32\[2, 3\], float64"
        r".*cast one of them",
    ),
    (
        RuntimeError,
        lambda: torch.nn.Linear(2, 3)(torch.ones(4, 2).double()),
        r"mat1 and mat2 must have the same dtype, but got Double and Float. In linear\(float64\[4, 2\], .*; cast one",
    ),
    (RuntimeError, lambda: torch.arange(3).mean(), r"Got: .*Convert with .float\(\) first"),
    (
        RuntimeError,
        lambda: torch.arange(3).add_(1.5),
        r"result type Float can't be cast to the desired output type Long. In add_.*cast the tensor",
    ),
    (RuntimeError, lambda: torch.ones(2).bool() - torch.ones(2).bool(), r"Use the `\^` or `logical_xor\(\)`"),
    (
        RuntimeError,
        lambda: torch.tensor([1], requires_grad=True),
        r"floating point and complex dtype.*\.float\(\)",
    ),
    (
        NotImplementedError,
        lambda: torch.ones(2) & torch.ones(2),
        r"\"bitwise_and_cpu\" not implemented for 'Float'. Cast the tensor first: bitwise_and\(\) takes bools, ints",
    ),
    (NotImplementedError, lambda: torch.arange(3).softmax(0), r"not implemented for 'Long'.*\.float\(\)"),
    (TypeError, lambda: ~torch.ones(2), r"only implemented on integer and Boolean-type.*logical_not"),
    (IndexError, lambda: torch.ones(2)[torch.tensor([0.5])], r"must be long, int, byte or bool.*\.long\(\)"),
    (
        RuntimeError,
        lambda: F.cross_entropy(torch.ones(2, 3), torch.tensor([0, 1], dtype=torch.int32)),
        r"\.long\(\)",
    ),
]


@pytest.mark.parametrize("kind, call, message", DTYPES)
def test_a_dtype_mismatch(kind, call, message):
    with pytest.raises(kind, match=message):
        call()


INDICES = [
    (IndexError, lambda x: x[5], r"index 5 is out of bounds for dimension 0 with size 2.*shape \[2, 3\]"),
    (IndexError, lambda x: x[0, -4], r"index -4 is out of bounds for dimension 1 with size 3"),
    (
        IndexError,
        lambda x: x[0, 0, 0],
        r"too many indices for tensor of dimension 2: got 3 for shape \[2, 3\]",
    ),
    (IndexError, lambda x: x[torch.tensor([2])], "index 2 is out of bounds for dimension 0 with size 2"),
    (IndexError, lambda x: x[torch.ones(3, 3).bool()], r"mask \[3, 3\].*indexed tensor \[2, 3\]"),
    (IndexError, lambda x: x[1.0], r"only integers, slices .* are valid indices \(got float\)"),
    (TypeError, lambda x: x["a"], "Index with ints, slices or tensors"),
    (ValueError, lambda x: x[::-1], "step must be greater than zero"),
    (IndexError, lambda x: x[0, 0][0], r"invalid index of a 0-dim tensor. Use `tensor.item\(\)`"),
    (
        IndexError,
        lambda x: x.sum(2),
        r"range of \[-2, 1\], but got 2\). In sum\(float32\[2, 3\]\); dims count from 0",
    ),
    (IndexError, lambda x: x.transpose(0, 2), r"Dimension out of range.*In transpose\(float32\[2, 3\]\)"),
    (
        RuntimeError,
        lambda x: x.gather(1, torch.tensor([[3]])),
        r"index 3 is out of bounds for dimension 1 with size 3. In gather\(float32\[2, 3\], int64\[1, 1\]\)",
    ),
    (
        IndexError,
        lambda x: x.index_select(0, torch.tensor([2])),
        r"index 2 .*In index_select\(float32\[2, 3\], int64\[1\]\)",
    ),
    (
        IndexError,
        lambda x: F.embedding(torch.tensor([5]), x),
        r"index out of range in self: embedding has 2 rows",
    ),
    (
        IndexError,
        lambda x: F.cross_entropy(x, torch.tensor([0, 5])),
        "Target 5 is out of bounds. In nll_loss",
    ),
]


@pytest.mark.parametrize("kind, call, message", INDICES)
def test_a_wrong_index(kind, call, message):
    with pytest.raises(kind, match=message):
        call(torch.ones(2, 3))


KEYWORDS = [
    (lambda: torch.zeros(2, foo=1), r"zeros\(\) got an unexpected keyword argument 'foo'"),
    (
        lambda: torch.exp(torch.ones(2), nosuch=1),
        r"exp\(\) got an unexpected keyword argument 'nosuch'. It takes: input",
    ),
    (
        lambda: torch.ones(2).sum(axes=0),
        r"sum\(\) got an unexpected keyword argument 'axes'. It takes: input, dim, keepdim",
    ),
    (lambda: torch.cat([torch.ones(2)], foo=1), r"cat\(\) got an unexpected keyword argument 'foo'"),
    (lambda: torch.tensor([1], foo=1), r"tensor\(\) got an unexpected keyword argument 'foo'"),
    (lambda: torch.randn(2, foo=1), r"randn\(\) got an unexpected keyword argument 'foo'"),
    (lambda: F.relu(torch.ones(2), foo=1), r"relu\(\) got an unexpected keyword argument 'foo'"),
    (lambda: torch.nn.Linear(2, 3, foo=1), "unexpected keyword argument 'foo'"),
    (
        lambda: torch.ones(2).to(foo=1),
        r"to\(\) received an invalid combination of arguments.*'foo'.*It takes",
    ),
    (lambda: torch.ones(2).backward(foo=1), r"Tensor.backward\(\) got an unexpected keyword argument 'foo'"),
    (lambda: torch.ones(2).sum("a"), r"sum\(\): argument 'dim' .* must be tuple of ints, not str: got 'a'"),
    (lambda: torch.ones(2, 2).topk("a"), r"topk\(\): argument 'k' .* must be int, not str"),
    (
        lambda: torch.kron(torch.ones(2), 3),
        r"kron\(\): argument 'other' \(position 2\) must be Tensor, not int: got 3",
    ),
    (lambda: torch.ones(2).reshape("a"), r"reshape\(\): argument 'shape' .* must be tuple of ints, not str"),
    (lambda: torch.meshgrid(torch.ones(2), 3), "expected Tensor as element 1 in argument 0, but got int"),
]


@pytest.mark.parametrize("call, message", KEYWORDS)
def test_an_unknown_keyword_or_an_argument_of_the_wrong_kind(call, message):
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: torch.ones(2, device="cuda"),
        lambda: torch.ones(2).to("cuda:1"),
        lambda: torch.ones(2).cuda(),
        lambda: torch.nn.Linear(2, 3).to("cuda"),
        lambda: torch.tensor([1], device="cuda"),
        lambda: torch.rand(2, device="cuda"),
    ],
)
def test_a_device_that_is_not_there(call):
    with pytest.raises(
        AssertionError, match=r"Torch not compiled with CUDA enabled.*available: cpu; pass device='cpu'"
    ):
        call()


def test_a_device_that_nobody_knows():
    with pytest.raises(
        RuntimeError, match="Expected one of cpu, cuda, .* device type at start of device string: gpu"
    ):
        torch.ones(2, device="gpu")
    with pytest.raises(RuntimeError, match="not linked with support for mps.*available: cpu"):
        torch.ones(2, device="mps")
    with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is available"):
        torch.ones(2, device=0)


BACKWARD = [
    (
        lambda x: (x * 2).backward(),
        r"implicitly created only for scalar outputs[\s\S]*shape \[2\]: reduce it with .sum\(\)",
    ),
    (lambda x: torch.autograd.grad(x * 2, x), "implicitly created only for scalar outputs"),
    (
        lambda x: x.detach().sum().backward(),
        "does not require grad and does not have a grad_fn.*requires_grad=True",
    ),
    (
        lambda x: (x * 2).backward(torch.ones(3)),
        r"shape of torch.Size\(\[3\]\) and output\[0\] has a shape of torch.Size\(\[2\]\)",
    ),
    (
        lambda x: [y.backward() for y in [x.exp().sum()] * 2],
        "backward through the graph a second time.*retain_graph=True",
    ),
    (lambda x: x.add_(1), "leaf Variable that requires grad.*no_grad"),
    (lambda x: x.numpy(), r"Use tensor.detach\(\).numpy\(\) instead"),
]


@pytest.mark.parametrize("call, message", BACKWARD)
def test_backward_that_cannot_be(call, message):
    with pytest.raises(RuntimeError, match=message):
        call(torch.ones(2, requires_grad=True))


def test_a_tensor_changed_in_place_since_it_was_saved():
    x = torch.ones(2, requires_grad=True)
    y = x.exp()
    y.add_(1)
    with pytest.raises(
        RuntimeError,
        match=r"modified by an inplace operation: .*ExpBackward0 .*version 1; expected version 0",
    ):
        y.sum().backward()


def test_the_error_is_the_same_in_the_fast_and_in_the_general_way():
    x = torch.ones(2, 3)
    with pytest.raises(IndexError) as first:
        x.sum(5)
    with torch.inference_mode(), pytest.raises(IndexError) as second:
        x.sum(5)
    assert str(first.value) == str(second.value)
