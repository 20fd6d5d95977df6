"""Parity: which dtypes a function of one tensor refuses, and with which exception."""

from __future__ import annotations

import inspect

import pytest

from tests.helpers.oracle import Raised, compare, ours, run, torch

DTYPES = ("bool", "uint8", "int64", "float16", "bfloat16", "float32", "complex64")
# No functions of a tensor, random, or setters.
LEFT_OUT = (
    "set_ get_ is_ rand use_ are_ manual_seed seed initial_seed save load typename fork_rng bernoulli poisson "
    "empty dropout alpha_dropout feature_dropout multinomial normal rrelu swap_tensors svd_lowrank pca_lowrank "
    "from_dlpack to_dlpack frombuffer broadcast_shapes"
).split()
# Last bits of LAPACK, memory order of its results, complex32: see docs/differences.md.
DIFFERENT = {
    "qr",
    "svd",
    "pinverse",
    "geqrf",
    "lu",
    "cholesky_inverse",
    "logdet",
    "t_copy",
    "matrix_exp",
    "pdist",
    "histogram",
}


def names() -> list[str]:
    found = []
    for name in dir(torch):
        mine = ours.__dict__.get(name)
        if callable(mine) and not inspect.isclass(mine) and not name.startswith(("_", *LEFT_OUT)):
            found.append(name)
    return found


@pytest.mark.parametrize("name", names())
def test_refusals(name):
    for dtype in DTYPES:
        data = "[0.5, -2.0, 4.0]" if dtype in ("float16", "bfloat16", "float32", "complex64") else "[1, 2, 4]"
        for shape in ("", ".repeat(3, 1)"):
            snippet = f"torch.{name}(torch.tensor({data}).to(torch.{dtype}){shape})"
            expected, got = run(snippet, torch), run(snippet, ours)
            if name in DIFFERENT and not isinstance(expected, Raised) and not isinstance(got, Raised):
                continue
            if name in DIFFERENT and dtype in ("float16", "bfloat16"):
                continue
            compare(got, expected, snippet, text=False)
