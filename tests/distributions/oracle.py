"""Comparison of both frameworks over the table of laws: values, shapes, kinds of exceptions.

`both(text, ask)` makes the law in PyTorch and in the package and asks each the same; `agree` compares.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import stickonfire
from tests.distributions.laws import Made

torch = pytest.importorskip("torch")
SEED = 3


def plain(answer: Any) -> Any:
    """An answer without its framework: tensors as arrays, exceptions as their kind."""
    if isinstance(answer, (torch.Tensor, stickonfire.Tensor)):
        return str(answer.dtype), np.array(answer.detach().tolist(), dtype=float)
    if isinstance(answer, Exception):
        return type(answer).__name__
    if isinstance(answer, (list, tuple)):
        return [plain(part) for part in answer]
    return answer


def agree(got: Any, expected: Any, rtol: float, where: str) -> None:
    """Asserts that plain answers are the same, numbers up to a tolerance."""
    if isinstance(expected, list) and any(not isinstance(part, float) for part in expected):
        assert isinstance(got, list) and len(got) == len(expected), f"{where}: {got}, expected {expected}"
        for i, (a, b) in enumerate(zip(got, expected)):
            agree(a, b, rtol, f"{where}[{i}]")
    elif isinstance(expected, tuple) and isinstance(expected[1], np.ndarray):
        assert isinstance(got, tuple) and got[0] == expected[0], f"{where}: {got}, expected {expected}"
        agree(got[1], expected[1], rtol, where)
    elif isinstance(expected, (np.ndarray, float, list)):
        a, b = np.array(got, dtype=float), np.array(expected, dtype=float)
        assert a.shape == b.shape, f"{where}: shape {a.shape}, expected {b.shape}"
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-9 if rtol < 1e-5 else 1e-5, err_msg=where)
    else:
        assert got == expected, f"{where}: {got!r}, expected {expected!r}"


def answer(ask: Callable[[Any], Any], made: Any) -> Any:
    """What one framework answers from the seed, or what it raises."""
    made.torch.manual_seed(SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ask(made)
        except Exception as error:      # the kind is compared
            return error


def both(text: str, ask: Callable[[Any], Any], rtol: float = 1e-7, where: str = "", dtype: str = "float64") -> Any:
    """Asserts that both frameworks answer alike about the law in a text; returns PyTorch's answer."""
    theirs = answer(ask, Made(text, torch, dtype))
    ours = answer(ask, Made(text, stickonfire, dtype))
    expected, got = plain(theirs), plain(ours)
    if isinstance(ours, Exception) and not isinstance(theirs, Exception):
        raise AssertionError(f"{text}: {where} raised {ours!r}, expected {expected}") from ours
    agree(got, expected, rtol, f"{text}: {where}")
    return theirs
