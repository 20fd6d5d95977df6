"""Compiled products on the matrix unit, and what they do where it is of no use."""
from __future__ import annotations

import dataclasses

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import stickonfire as torch
from stickonfire.codegen import llvm

pytestmark = pytest.mark.llvm


def kernels(compiled):
    return {step.symbol for variants in compiled.variants.values() for variant in variants
            for step in variant.executable.steps if hasattr(step, "symbol")}


def product():
    compiled = torch.compile(lambda a, b: a @ b)
    a, b = torch.randn(300, 200), torch.randn(200, 260)
    for _ in range(3):
        compiled(a, b)
    return compiled, a, b


@pytest.mark.skipif(not llvm.host().unit, reason="this processor has no matrix unit (AMX)")
def test_numbers_that_cannot_be_split():
    """The same program goes back and forth between its two kernels."""
    compiled, a, b = product()
    assert "unit_float32" in kernels(compiled)
    for value in (1.0, float("inf"), 2.0, float("nan"), 3e38, 1e-40, 3.0):
        a[7, 5] = value
        np.testing.assert_allclose(compiled(a, b).numpy(), (a.double() @ b.double()).float().numpy(), rtol=1e-4,
                                   atol=1e-4)
    p = torch.softmax(25 * torch.randn(300, 200), 1)
    np.testing.assert_allclose(compiled(p, b).numpy(), (p.double() @ b.double()).numpy(), rtol=1e-4, atol=1e-5)


def test_a_matrix_times_its_transpose_is_symmetric():
    compiled, a = torch.compile(lambda a: (a @ a.mT, a.mT @ a)), torch.randn(300, 256)
    for _ in range(3):
        for product in compiled(a):
            assert torch.equal(product, product.mT)


def test_without_a_unit(monkeypatch):
    host = llvm.host()
    monkeypatch.setattr(llvm, "host", lambda: dataclasses.replace(host, unit=False))
    compiled, a, b = product()
    assert "gemm_float32" in kernels(compiled) and "unit_float32" not in kernels(compiled)
    np.testing.assert_allclose(compiled(a, b).numpy(), (a @ b).numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("system, answer", [("Darwin", 0), ("Linux", -1)])
def test_a_unit_that_is_not_granted(monkeypatch, system, answer):
    """Other systems than Linux, and a Linux that refuses."""
    class Library:
        def __init__(self, name):
            self.syscall = lambda *args: answer
    monkeypatch.setattr(llvm.platform, "system", lambda: system)
    monkeypatch.setattr(llvm.ctypes, "CDLL", Library)
    assert llvm._unit_granted() is False
