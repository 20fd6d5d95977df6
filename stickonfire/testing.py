"""PyTorch's `torch.testing`: `assert_close`, which compares with tolerances that suit the dtype, and `make_tensor`.

Floor 2: called by users' tests. May import: eager.
"""
from __future__ import annotations

import builtins
import math
import numbers
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import eager
from .eager import Tensor

TOLERANCES = {      # dtype -> relative, absolute
    eager.float16: (1e-3, 1e-5), eager.bfloat16: (1.6e-2, 1e-5), eager.float32: (1.3e-6, 1e-5),
    eager.float64: (1e-7, 1e-7), eager.complex64: (1.3e-6, 1e-5), eager.complex128: (1e-7, 1e-7)}
LIMITS = {"bool": (0, 2), "unsigned": (0, 10), "signed": (-9, 10), "floating": (-9.0, 9.0)}


class Comparison:
    """What is compared how; `path` says where in nested containers."""

    def __init__(self, rtol: float | None, atol: float | None, equal_nan: bool, checks: dict[str, bool]) -> None:
        if (rtol is None) != (atol is None):
            raise ValueError("Both 'rtol' and 'atol' must be either specified or omitted, but got no "
                             f"{'rtol' if rtol is None else 'atol'}.")
        self.rtol, self.atol, self.equal_nan, self.checks = rtol, atol, equal_nan, checks

    def compare(self, actual: Any, expected: Any, path: str) -> None:
        """Raises AssertionError unless close."""
        if isinstance(actual, Sequence) and isinstance(expected, Sequence) and not isinstance(actual, str):
            if len(actual) != len(expected):
                self.fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path)
            for i, (a, b) in enumerate(zip(actual, expected)):
                self.compare(a, b, f"{path}[{i}]")
        elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
            self.compare_keys(actual, expected, path)
            for key in expected:
                self.compare(actual[key], expected[key], f"{path}[{key!r}]")
        elif actual is None and expected is None:
            return
        elif isinstance(actual, builtins.bool) and isinstance(expected, builtins.bool):
            if actual is not expected:
                self.fail(f"Booleans mismatch: {actual} is not {expected}", path)
        elif isinstance(actual, numbers.Number) and isinstance(expected, numbers.Number):
            self.compare_numbers(actual, expected, path)
        else:
            self.compare_tensors(as_tensor(actual, expected), as_tensor(expected, actual), path)

    def compare_keys(self, actual: Mapping[Any, Any], expected: Mapping[Any, Any], path: str) -> None:
        missing = [key for key in expected if key not in actual]
        additional = [key for key in actual if key not in expected]
        if missing or additional:
            self.fail(f"The keys of the mappings do not match:\nMissing keys in the actual mapping: {missing}\n"
                      f"Additional keys in the actual mapping: {additional}", path)

    def compare_numbers(self, actual: Any, expected: Any, path: str) -> None:
        rtol, atol = self.tolerances(eager.tensor(actual).dtype, eager.tensor(expected).dtype, numbers_only=True)
        difference = abs(actual - expected)
        same_nan = self.equal_nan and actual != actual and expected != expected
        if actual == expected or same_nan or (difference <= atol + rtol * abs(expected) and math.isfinite(difference)):
            return
        relative = difference / abs(expected) if expected else math.inf
        exact = rtol == atol == 0
        self.fail(f"Scalars are not {'equal' if exact else 'close'}!\n\nExpected {expected} but got {actual}.\n"
                  f"Absolute difference: {difference}{'' if exact else f' (up to {atol} allowed)'}\n"
                  f"Relative difference: {relative}{'' if exact else f' (up to {rtol} allowed)'}", path)

    def compare_tensors(self, actual: Tensor, expected: Tensor, path: str) -> None:
        facts = {"shape": True, "dtype": self.checks["dtype"], "device": self.checks["device"]}
        for name, checked in facts.items():
            a, b = getattr(actual, name), getattr(expected, name)
            if checked and a != b:
                self.fail(f"The values for attribute '{name}' do not match: {a} != {b}.", path)
        if self.checks["stride"] and actual.stride() != expected.stride():
            self.fail(f"The values for attribute 'stride()' do not match: {actual.stride()} != "
                      f"{expected.stride()}.", path)
        rtol, atol = self.tolerances(actual.dtype, expected.dtype)
        common = eager.promote_types(actual.dtype, expected.dtype)
        a, b = actual.detach().to(common), expected.detach().to(common)
        close = eager.isclose(a, b, rtol=rtol, atol=atol, equal_nan=self.equal_nan)
        if not close.all():
            self.report(a, b, ~close, rtol, atol, path)

    def report(self, actual: Tensor, expected: Tensor, wrong: Tensor, rtol: float, atol: float, path: str) -> None:
        """Raises with the number of wrong elements and the largest differences."""
        if actual.dim() == 0:
            return self.compare_numbers_of(actual, expected, rtol, atol, path)
        exact = rtol == atol == 0
        if not actual.dtype.is_floating_point and not actual.dtype.is_complex:
            actual, expected = actual.to(eager.int64), expected.to(eager.int64)
        difference = (actual - expected).abs()
        difference = eager.where(wrong, difference, eager.zeros_like(difference))
        relative = eager.where(wrong, difference / expected.abs(), eager.zeros_like(difference / expected.abs()))
        lines = [f"Tensor-likes are not {'equal' if exact else 'close'}!\n",
                 f"Mismatched elements: {int(wrong.sum())} / {wrong.numel()} "
                 f"({100 * int(wrong.sum()) / wrong.numel():.1f}%)"]
        for name, values, allowed in (("absolute", difference, atol), ("relative", relative, rtol)):
            worst = int(values.flatten().argmax())
            index = tuple([int(i) for i in eager.unravel_index(eager.tensor(worst), tuple(values.shape))])
            lines.append(f"Greatest {name} difference: {values.flatten()[worst].item()} at index {index}"
                         + ("" if exact else f" (up to {allowed} allowed)"))
        self.fail("\n".join(lines), path)

    def compare_numbers_of(self, actual: Tensor, expected: Tensor, rtol: float, atol: float, path: str) -> None:
        inner = Comparison(rtol, atol, self.equal_nan, self.checks)
        inner.compare_numbers(actual.item(), expected.item(), path)
        self.fail(f"Scalars are not close!\n\nExpected {expected.item()} but got {actual.item()}.", path)

    def tolerances(self, *dtypes: Any, numbers_only: bool = False) -> tuple[float, float]:
        """The tolerances that were given, else the widest that suits the dtypes."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        exact = {eager.float32: eager.float64, eager.complex64: eager.complex128} if numbers_only else {}
        found = [TOLERANCES.get(exact.get(d, d), (0.0, 0.0)) for d in dtypes]
        return max(r for r, _ in found), max(a for _, a in found)

    def fail(self, message: str, path: str) -> None:
        raise AssertionError(message + (f"\n\nThe failure occurred for item {path}" if path else ""))


def as_tensor(value: Any, other: Any) -> Tensor:
    """A tensor, or the array of another library as one.

    Raises: TypeError for anything else.
    """
    if isinstance(value, Tensor) and (isinstance(other, Tensor) or hasattr(other, "__array_interface__")):
        return value
    if hasattr(value, "__array_interface__") and hasattr(other, "shape"):
        return eager.as_tensor(value)
    raise TypeError(f"No comparison pair was able to handle inputs of type {type(value)} and {type(other)}.")


def assert_close(actual: Any, expected: Any, *, allow_subclasses: builtins.bool = True, rtol: float | None = None,
                 atol: float | None = None, equal_nan: builtins.bool = False, check_device: builtins.bool = True,
                 check_dtype: builtins.bool = True, check_layout: builtins.bool = True,
                 check_stride: builtins.bool = False, msg: str | Callable[[str], str] | None = None) -> None:
    """Asserts that numbers, tensors, or sequences and mappings of such are close: |a - e| <= atol + rtol |e|.

    Raises: AssertionError with the largest differences; ValueError for half of the tolerances; TypeError for what
    cannot be compared.   Source: PyTorch `torch.testing.assert_close`.

    >>> import stickonfire as torch
    >>> torch.testing.assert_close(torch.ones(2) / 3 * 3, torch.ones(2))
    """
    checks = {"device": check_device, "dtype": check_dtype, "stride": check_stride}
    comparison = Comparison(rtol, atol, equal_nan, checks)
    if not allow_subclasses and type(actual) is not type(expected):
        raise TypeError(f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.")
    try:
        comparison.compare(actual, expected, "")
    except AssertionError as error:
        if msg is None:
            raise
        raise AssertionError(msg(str(error)) if callable(msg) else msg) from None


def make_tensor(*shape: Any, dtype: Any, device: Any = "cpu", low: float | None = None, high: float | None = None,
                requires_grad: builtins.bool = False, noncontiguous: builtins.bool = False,
                exclude_zero: builtins.bool = False, memory_format: Any = None) -> Tensor:
    """A tensor with numbers drawn uniformly from [low, high), for tests; the limits suit the dtype.

    Shape: shape.   Raises: ValueError for low >= high.   Source: PyTorch `torch.testing.make_tensor`.

    >>> import stickonfire as torch
    >>> torch.testing.make_tensor(2, 3, dtype=torch.int64, low=0, high=5).shape
    torch.Size([2, 3])
    """
    size = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (list, tuple)) else shape
    if noncontiguous and math.prod(size) > 1:           # every second number of a tensor twice as wide
        wide = make_tensor(*size[:-1], 2 * size[-1], dtype=dtype, device=device, low=low, high=high,
                           exclude_zero=exclude_zero)
        return wide[..., 1::2].requires_grad_(requires_grad)
    floating = dtype.is_floating_point or dtype.is_complex
    kind = "bool" if dtype is eager.bool else "floating" if floating else "signed" if dtype.is_signed else "unsigned"
    low = LIMITS[kind][0] if low is None else low
    high = LIMITS[kind][1] if high is None else high
    if not low < high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    if floating:
        result = eager.empty(size, dtype=dtype, device=device)
        (eager.view_as_real(result) if dtype.is_complex else result).uniform_(low, high)
    else:
        result = eager.randint(math.ceil(low), math.ceil(high), size, dtype=dtype, device=device)
    if memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        smallest = eager.finfo(dtype).tiny if floating else 1
        result[result == 0] = smallest
    return result.requires_grad_(True) if requires_grad else result


def assert_allclose(actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None,
                    equal_nan: builtins.bool = True, msg: str = "") -> None:
    """`assert_close` as it was before PyTorch 1.12: dtypes may differ, NaN equals NaN.

    Raises: AssertionError unless close.   Source: PyTorch `torch.testing.assert_allclose`.
    """
    warnings.warn("`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. "
                  "Please use `torch.testing.assert_close()` instead.", FutureWarning, stacklevel=2)
    if not isinstance(actual, Tensor):
        actual = eager.tensor(actual)
    if not isinstance(expected, Tensor):
        expected = eager.tensor(expected, dtype=actual.dtype)
    if (rtol is None) != (atol is None):
        raise ValueError("rtol and atol must both be specified or both be unspecified")
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)


__all__ = ["assert_allclose", "assert_close", "make_tensor"]
