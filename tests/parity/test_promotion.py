"""Parity: what dtype two operands meet in: all pairs, 0-d tensors and Python numbers included."""

from __future__ import annotations

import itertools

import pytest

from tests.helpers.oracle import same

DTYPES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]
SCALARS = ["True", "2", "2.5", "2j"]
OPERATORS = ["+", "*", "/", "//", "%", "-", "**", "<", "==", "&"]


def operands(a: str, b: str) -> str:
    return f"a = torch.tensor([1, 2, 3], dtype=torch.{a}); b = torch.tensor([2, 1, 3], dtype=torch.{b}); "


def needs_complex32(*dtypes: str) -> bool:
    """Whether PyTorch goes to complex32, which does not exist here."""
    return "float16" in dtypes and any(d.startswith("complex") or d == "2j" for d in dtypes)


@pytest.mark.parametrize("a, b", list(itertools.product(DTYPES, DTYPES)))
def test_pairs(a, b):
    same(operands(a, b) + "a * b")
    same(operands(a, b) + "a / b")
    same(operands(a, b) + "torch.result_type(a, b), torch.promote_types(a.dtype, b.dtype)")
    same(operands(a, b) + "torch.can_cast(a.dtype, b.dtype)")
    if not needs_complex32(a, b):
        same(operands(a, b) + "torch.result_type(a, b[0]), torch.result_type(a[0], b)")
        same(operands(a, b) + "a + b[0]")
        same(operands(a, b) + "a[0] + b")
    same(operands(a, b) + "torch.cat([a, b])")
    same(operands(a, b) + "torch.where(torch.tensor([True, False, True]), a, b)")


@pytest.mark.parametrize("a, b", list(itertools.product(DTYPES, DTYPES)))
def test_in_place_keeps_or_refuses(a, b):
    same(operands(a, b) + "a += b; a")
    same(operands(a, b) + "a.copy_(b); a")
    same(operands(a, b) + "a.to(b.dtype)")


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("a", DTYPES)
@pytest.mark.parametrize("scalar", SCALARS)
def test_scalars(a, operator, scalar):
    if needs_complex32(a, scalar):
        pytest.skip("PyTorch goes to complex32, which does not exist here")
    exact = operator != "**" or not (a.startswith("complex") or scalar == "2j")     # NumPy's whole powers are exact
    same(f"torch.tensor([1, 2, 3], dtype=torch.{a}) {operator} {scalar}", text=exact)
    same(f"{scalar} {operator} torch.tensor([1, 2, 3], dtype=torch.{a})", text=exact)


UNARY = [
    "-x",
    "abs(x)",
    "~x",
    "x.sqrt()",
    "x.exp()",
    "x.sum()",
    "x.mean()",
    "x.prod()",
    "x.cumsum(0)",
    "x.max()",
    "x.sin()",
    "x.sigmoid()",
    "x.floor()",
    "x.sign()",
    "x.std()",
    "x.norm()",
    "x.square()",
    "x.reciprocal()",
    "x.float()",
    "x.bool()",
    "x.isnan()",
    "x.logical_not()",
    "x.argmax()",
    "x.sort()",
    "x.clamp(0, 2)",
    "x.relu()",
    "x.softmax(0)",
    "x.pow(2)",
    "x.pow(0.5)",
    "x.any()",
    "x.round()",
    "x.real",
    "x.type_as(torch.ones(1))",
    "x.all()",
    "x.log()",
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("expression", UNARY)
def test_unary(expression, dtype):
    same(f"x = torch.tensor([1, 0, 3], dtype=torch.{dtype}); {expression}")


SNIPPETS = [
    "torch.tensor([5], dtype=torch.int32) + 2**40",
    "torch.tensor([200], dtype=torch.uint8) + 100",
    "torch.tensor([127], dtype=torch.int8) + 1",
    "torch.tensor([1], dtype=torch.int8) + torch.tensor(1000)",
    "torch.tensor([7, -7]) // 2, torch.tensor([7, -7]) % 3",
    "torch.tensor([7., -7.]) // 2, torch.tensor([7., -7.]) % 3",
    "torch.tensor([1, 2]) // 0",
    "torch.tensor([1., -1., 0.]) / 0",
    "torch.tensor([1]) / torch.tensor([3])",
    "torch.tensor(1) / 3",
    "torch.tensor([2]) ** -1",
    "torch.tensor([2.]) ** -1",
    "torch.tensor([2]) ** 0.5",
    "2 ** torch.tensor([1, 2])",
    "torch.true_divide(torch.tensor([3]), 2)",
    "torch.div(torch.tensor([7, -7]), 2, rounding_mode='trunc')",
    "torch.div(torch.tensor([7, -7]), 2, rounding_mode='floor')",
    "torch.div(torch.tensor([7.]), 2, rounding_mode='nosuch')",
    "torch.fmod(torch.tensor([7, -7]), 3), torch.remainder(torch.tensor([7, -7]), 3)",
    "torch.set_default_dtype(torch.float64); r = torch.tensor([1]) / 2; "
    "torch.set_default_dtype(torch.float32); r",
    "torch.set_default_dtype(torch.int64)",
    "torch.add(torch.ones(2), torch.ones(2), alpha=3)",
    "torch.add(torch.ones(2, dtype=torch.int64), torch.ones(2, dtype=torch.int64), alpha=0.5)",
    "torch.sub(torch.ones(2), 1, alpha=2)",
    "torch.tensor([True]) - torch.tensor([True])",
    "torch.tensor([True]) + torch.tensor([True])",
    "-torch.tensor([True])",
    "torch.tensor([True]) ^ torch.tensor([False]), torch.tensor([6]) | 1, torch.tensor([6]) & 3",
    "torch.tensor([1, 2]) << 2, torch.tensor([8, -8]) >> 1",
    "torch.tensor([1.]) & 1",
    "torch.ones(2) @ torch.ones(2, dtype=torch.float64)",
    "torch.tensor([1., 2.]).sum(dtype=torch.float64)",
    "torch.tensor([1, 2], dtype=torch.uint8).sum()",
    "torch.tensor([1, 2]).mean(dtype=torch.float32)",
    "torch.tensor([1.5]).long(), torch.tensor([1.5]).half(), torch.tensor([0.1]).bfloat16()",
    "torch.tensor([1.5]).to('cpu', torch.int64)",
    "torch.tensor([1.5]).type(torch.float64), torch.tensor([1.5]).type()",
    "torch.ones(1).to(torch.ones(1, dtype=torch.int8))",
    "torch.tensor([1+1j]).to(torch.float32)",
    "torch.tensor(float('nan')).to(torch.bool)",
    "torch.maximum(torch.tensor([1]), torch.tensor([1.5]))",
    "torch.atan2(torch.tensor([1]), torch.tensor([2]))",
    "torch.tensor([1]).lt(1.5), torch.tensor([1]) == 1.0, torch.tensor([1]) != None",
    "torch.tensor([1.]) == 'a'",
    "torch.tensor([1.]) + 'a'",
    "torch.tensor([1.]) + None",
    "torch.tensor([1.]) + [1.]",
    "[1.] + torch.tensor([1.])",
    "torch.tensor([1.]) * (2,)",
]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_corner_cases(snippet):
    same(snippet)
