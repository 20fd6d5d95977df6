"""Arithmetic: values, promotion, operators, in-place kernels, errors, gradients."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import stickonfire as sof
from tests.helpers.numeric import check_gradients

A, B = [[0.5, -1.6, 2.2]], [[1.0], [-2.5]]
BINARY = ("add", "sub", "mul", "div", "rsub", "fmod", "remainder", "true_divide")
OPERATORS = (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod,
             operator.floordiv)


@pytest.mark.parametrize("name", BINARY)
def test_gradients(name):
    check_gradients(getattr(sof, name), A, B)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow"])
def test_complex_gradients(name):
    other = np.array([1.2 - 0.4j, 0.5 + 0.9j])
    check_gradients(getattr(sof, name), np.array([0.3 + 0.4j, -0.5 + 0.2j]), other)
    check_gradients(getattr(sof, name), [0.5, 1.5], other)


@pytest.mark.parametrize("compute", OPERATORS)
@pytest.mark.parametrize("values", [[1, 5, 7], [1.5, 2.5, 7.0]])
def test_operators(compute, values):
    x, array = sof.tensor(values), np.array(values)
    for number in (2, 2.5):
        np.testing.assert_allclose(compute(x, number).numpy(), compute(array, number), rtol=1e-6)
        np.testing.assert_allclose(compute(number, x).numpy(), compute(number, array), rtol=1e-6)
    np.testing.assert_allclose(compute(x, x).numpy(), compute(array, array), rtol=1e-6)


def test_unary_operators():
    x = sof.tensor([1.0, -2.0])
    assert (-x).tolist() == [-1, 2] and abs(x).tolist() == [1, 2] and (+x).tolist() == [1, -2]
    assert (~sof.tensor([True, False])).tolist() == [False, True]
    assert (x == None) is False and (x != "a") is True                  # noqa: E711


def test_promotion():
    ints, floats = sof.tensor([1, 2]), sof.tensor([1.0, 2.0])
    assert (ints / 2).dtype is sof.float32 and (ints * 2.0).dtype is sof.float32
    assert (ints + True).dtype is sof.int64 and (floats * 2).dtype is sof.float32
    assert (floats.double() * floats).dtype is sof.float64
    assert (floats * sof.tensor(2.0, dtype=sof.float64)).dtype is sof.float32
    assert (floats * 1j).dtype is sof.complex64
    assert (sof.tensor([True]) + sof.tensor([True])).tolist() == [True]
    assert (sof.tensor([200], dtype=sof.uint8) + 100).tolist() == [44]


def test_rounding_modes():
    x = sof.tensor([-7, 7])
    assert sof.div(x, 2, rounding_mode="trunc").tolist() == [-3, 3]
    assert sof.div(x, 2, rounding_mode="floor").tolist() == [-4, 3]
    assert x.float().div_(2, rounding_mode="floor").tolist() == [-4, 3]
    with pytest.raises(RuntimeError, match="rounding_mode"):
        sof.div(x, 2, rounding_mode="up")


@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod"])
def test_ints_divided_by_zero(name):
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        getattr(sof, name)(sof.tensor([1]), sof.tensor([0]))
    getattr(sof, name)(sof.tensor([1.0]), sof.tensor([0.0]))


def test_bools_are_not_subtracted():
    t = sof.tensor([True])
    with pytest.raises(RuntimeError, match="Subtraction"):
        t - t
    with pytest.raises(RuntimeError, match="Subtraction"):
        1 - t
    with pytest.raises(RuntimeError, match="Negation"):
        -t
    with pytest.raises(RuntimeError, match="alpha"):
        sof.add(sof.tensor([1]), sof.tensor([1]), alpha=0.5)


# name: arguments after the target
INPLACE = {
    "add_": (("other",), {}), "sub_": (("other",), {"alpha": 0.3}), "mul_": (("other",), {}),
    "div_": (("other",), {}),
    "addcmul_": (("other", "third"), {"value": 0.5}), "addcdiv_": (("other", "third"), {"value": -0.5}),
    "lerp_": (("other", 0.25), {}), "neg_": ((), {}), "sqrt_": ((), {}), "clamp_": ((0.2, 0.6), {}),
}


@pytest.mark.parametrize("name", INPLACE)
@pytest.mark.parametrize("size", [5, 40_000])
def test_in_place_kernels_agree_with_the_ops(name, size):
    rng = np.random.default_rng(0)
    pool = {k: sof.from_numpy(rng.uniform(0.1, 1, size).astype(np.float32))
            for k in ("target", "other", "third")}
    names, options = INPLACE[name]
    arguments = [pool[n] if isinstance(n, str) else n for n in names]
    for target in (pool["target"], sof.from_numpy(np.repeat(pool["target"].numpy(), 2))[::2]):
        expected = getattr(target, name[:-1])(*arguments, **options)
        memory = target.clone() if target.is_contiguous() else target
        assert getattr(memory, name)(*arguments, **options) is memory
        np.testing.assert_allclose(memory.numpy(), expected.numpy(), rtol=2e-6)


def test_in_place_is_differentiable():
    def function(x, y):
        z = x * 1
        z.mul_(y).add_(x, alpha=2).addcmul_(x, y, value=3).div_(y).lerp_(x, 0.3)
        return z
    check_gradients(function, [0.5, 1.5], [2.0, -1.0])


def test_lerp_addcmul_addcdiv():
    check_gradients(sof.lerp, [0.5, 1.5], [2.0, -1.0], [0.3, 0.8])
    check_gradients(lambda a, b: sof.lerp(a, b, 0.7), [0.5, 1.5], [2.0, -1.0])
    check_gradients(lambda a, b, c: sof.addcmul(a, b, c, value=2), [0.5], [2.0], [3.0])
    check_gradients(lambda a, b, c: sof.addcdiv(a, b, c, value=2), [0.5], [2.0], [3.0])
    with pytest.raises(RuntimeError, match="Integer division"):
        sof.addcdiv(sof.tensor([1]), sof.tensor([1]), sof.tensor([1]))


def test_close_and_equal():
    x = sof.tensor([1.0, float("nan")])
    assert not sof.allclose(x, x) and sof.allclose(x, x, equal_nan=True)
    assert sof.isclose(sof.tensor([1, 2]), sof.tensor([1, 3])).tolist() == [True, False]
    assert sof.equal(sof.tensor([1]), sof.tensor([1])) and not sof.equal(sof.tensor([1]), sof.tensor([[1]]))
    with pytest.raises(RuntimeError, match="did not match"):
        sof.isclose(sof.tensor([1]), sof.tensor([1.0]))


@pytest.mark.oracle
@pytest.mark.parametrize("text", [
    "torch.tensor([1., 2.]) * 2", "2 - torch.tensor([1., 2.])", "torch.tensor([5, -5]) // 3",
    "torch.tensor([5, -5]) % -3",
    "torch.add(torch.ones(2), torch.ones(2), alpha=2)", "torch.tensor([True]) * 2.5",
    "torch.tensor([3]) / torch.tensor([2])",
    "torch.tensor([1.5, -1.5]).fmod(1)", "torch.tensor([1.]).bfloat16() * 1.1",
    "torch.lerp(torch.zeros(2), torch.ones(2), .3)",
])
def test_against_pytorch(text):
    pytest.importorskip("torch")
    from tests.helpers.oracle import same
    same(text)
