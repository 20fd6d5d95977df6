"""The oracle: one snippet, run by PyTorch and by the package, must give the same.

`same("torch.arange(6).view(2, 3).t()")` compares value, dtype, shape, strides, repr, `requires_grad`, the
type of an exception, and, through nested containers, everything in them.
`same_gradients(lambda torch, x: x.exp(), [1., 2.])` compares the gradients of the inputs too.
A snippet is a function of the framework, or text: statements separated by newlines or `;`; the last
one, if it is an expression, gives the value.
"""

from __future__ import annotations

import ast
import importlib
import math
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

torch = pytest.importorskip("torch")
# PARITY_PACKAGE=torch runs PyTorch against itself: a check of the snippets.
ours = importlib.import_module(os.environ.get("PARITY_PACKAGE", "stickonfire"))

# Relative and absolute tolerance, those of torch.testing.assert_close.
TOLERANCE = {
    "torch.float16": (1e-3, 1e-5),
    "torch.bfloat16": (1.6e-2, 1e-5),
    "torch.float32": (1.3e-6, 1e-5),
    "torch.float64": (1e-7, 1e-7),
    "torch.complex64": (1.3e-6, 1e-5),
    "torch.complex128": (1e-7, 1e-7),
}
Snippet = str | Callable[..., Any]


@dataclass(frozen=True)
class TensorFacts:
    """What can be seen of a tensor."""

    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    requires_grad: bool
    is_leaf: bool
    values: Any
    text: str


@dataclass(frozen=True)
class Raised:
    """An exception in place of a value."""

    error: Exception


def facts(value: Any, framework: Any) -> Any:
    """A value in terms both frameworks share."""
    if isinstance(value, framework.Tensor):
        return TensorFacts(
            str(value.dtype),
            tuple(value.shape),
            tuple(value.stride()),
            value.requires_grad,
            value.is_leaf,
            value.detach().tolist(),
            repr(value),
        )
    if isinstance(value, (framework.dtype, framework.device, framework.Size)):
        return type(value).__name__, str(value)
    if isinstance(value, dict):
        return {key: facts(item, framework) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        # Named results (`max`, `sort`, ...) compare as the tuples they are.
        return "list" if isinstance(value, list) else "tuple", [facts(item, framework) for item in value]
    if value is None or isinstance(value, (bool, int, float, complex, str, slice)):
        return value
    return type(value).__name__


def run(snippet: Snippet, framework: Any, *args: Any) -> Any:
    """The facts about a snippet's value, or what it raised. The seed is 0."""
    framework.manual_seed(0)
    tree = ast.Module([], []) if callable(snippet) else ast.parse(snippet.strip())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = snippet(framework, *args) if callable(snippet) else evaluate(tree, framework)
            return facts(value, framework)
        except Exception as error:
            return Raised(error)


def evaluate(tree: ast.Module, framework: Any) -> Any:
    """Run statements, give the value of the last one if it is an expression."""
    names = {"torch": framework, "nan": math.nan, "inf": math.inf, "math": math}
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<snippet>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<snippet>", "eval"), names) if last else None


def same(snippet: Snippet, *, text: bool = True, strides: bool = True) -> None:
    """Assert that both frameworks agree; `text=False` leaves the repr out, `strides=False` the strides."""
    expected, got = run(snippet, torch), run(snippet, ours)
    compare(got, expected, "result", text, strides)


def same_gradients(
    function: Callable[..., Any], *inputs: Any, text: bool = True, strides: bool = True
) -> None:
    """`same` for a function of the framework and of float64 tensors made from `inputs`; their gradients too.

    Every floating-point output is weighted by 1, 2, 3 ... and summed to the number that is differentiated.
    """

    def with_gradients(framework: Any) -> Any:
        tensors = [framework.tensor(data, dtype=framework.float64, requires_grad=True) for data in inputs]
        out = function(framework, *tensors)
        outs = [t for t in (out if isinstance(out, (list, tuple)) else [out]) if t.requires_grad]
        total = sum(
            (t * framework.arange(1.0, t.numel() + 1, dtype=t.dtype).reshape(t.shape)).sum() for t in outs
        )
        total.backward()
        return out, [t.grad for t in tensors]

    same(with_gradients, text=text, strides=strides)


def compare(got: Any, expected: Any, where: str, text: bool = True, strides: bool = True) -> None:
    """Assert that facts agree, naming the place where they do not."""
    if isinstance(expected, Raised) or isinstance(got, Raised):
        _compare_raised(got, expected, where)
    elif isinstance(expected, TensorFacts):
        assert isinstance(got, TensorFacts), f"{where}: a tensor is expected, got {got!r}"
        _compare_tensors(got, expected, where, text, strides)
    elif isinstance(expected, dict):
        assert isinstance(got, dict) and list(got) == list(expected), (
            f"{where}: keys {got!r}, expected {expected!r}"
        )
        for key in expected:
            compare(got[key], expected[key], f"{where}[{key!r}]", text, strides)
    elif isinstance(expected, (list, tuple)) and expected and not isinstance(expected, str):
        assert type(got) is type(expected) and len(got) == len(expected), (
            f"{where}: {got!r}, expected {expected!r}"
        )
        for i, (a, b) in enumerate(zip(got, expected, strict=True)):
            compare(a, b, f"{where}[{i}]", text, strides)
    else:
        assert type(got) is type(expected), f"{where}: {got!r}, expected {expected!r}"
        assert _close(got, expected, 1e-6, 1e-7), f"{where}: {got!r}, expected {expected!r}"


def _compare_raised(got: Any, expected: Any, where: str) -> None:
    if not isinstance(expected, Raised):
        raise AssertionError(f"{where}: raised {got.error!r}, expected {expected!r}") from got.error
    theirs = type(expected.error)
    assert isinstance(got, Raised), f"{where}: {theirs.__name__} ({expected.error}) is expected, got {got!r}"
    names = [cls.__name__ for cls in type(got.error).__mro__]
    if theirs.__name__ not in names:
        message = f"{where}: {theirs.__name__} ({expected.error}) is expected, raised {got.error!r}"
        raise AssertionError(message) from got.error
    assert str(got.error), f"{where}: an exception without a message"


def _compare_tensors(got: TensorFacts, expected: TensorFacts, where: str, text: bool, strides: bool) -> None:
    for name in ("dtype", "shape", "requires_grad", "is_leaf"):
        a, b = getattr(got, name), getattr(expected, name)
        assert a == b, f"{where}.{name}: {a!r}, expected {b!r}"
    # Strides of dimensions of one element, and of empty tensors, address nothing.
    seen = [(a, b) for a, b, n in zip(got.strides, expected.strides, expected.shape, strict=True) if n > 1]
    if strides and 0 not in expected.shape:
        assert all(a == b for a, b in seen), f"{where}.strides: {got.strides}, expected {expected.strides}"
    rtol, atol = TOLERANCE.get(expected.dtype, (0.0, 0.0))
    a_values, b_values = list(_flat(got.values)), list(_flat(expected.values))
    close = all(_close(a, b, rtol, atol) for a, b in zip(a_values, b_values, strict=True))
    assert close, f"{where}: values differ\n{got.text}\nexpected\n{expected.text}"
    if text:
        identical = all(_close(a, b, 0, 0) for a, b in zip(a_values, b_values, strict=True))
        a, b = (got.text, expected.text) if identical else (_shape_of(got.text), _shape_of(expected.text))
        assert a == b, f"{where}: repr\n{got.text}\nexpected\n{expected.text}"


def _shape_of(text: str) -> str:
    """A repr up to the last printed digits, which may differ where values do by rounding."""
    return re.sub(r"-(?=0\.0+\b)", " ", re.sub(r"\d(?=[\s,\]\)]|e)", "0", text))


def _flat(values: Any) -> Any:
    if not isinstance(values, list):
        yield values
    else:
        for part in values:
            yield from _flat(part)


def _close(a: Any, b: Any, rtol: float, atol: float) -> bool:
    if isinstance(b, complex):
        return _close(a.real, b.real, rtol, atol) and _close(a.imag, b.imag, rtol, atol)
    if isinstance(b, float) and isinstance(a, float):
        if math.isnan(b) or math.isinf(b) or math.isnan(a):
            return a == b or (math.isnan(a) and math.isnan(b))
        return abs(a - b) <= atol + rtol * abs(b)
    return bool(a == b)
