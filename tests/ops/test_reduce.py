"""Reductions, statistics and norms: values against NumPy, gradients against differences, errors, PyTorch as oracle."""

from __future__ import annotations

import math

import numpy as np
import pytest

import stickonfire as sof
from tests.helpers.numeric import check_gradients

A = np.random.RandomState(0).randn(3, 4, 2)
Z = A + 1j * np.random.RandomState(1).randn(3, 4, 2)
WITH_ZEROS = np.array([[1.0, 0.0, 3.0, 2.0], [0.0, 2.0, 0.0, 1.0]])
DIMS = (None, 0, -1, (0, 2))

AS_NUMPY = {        # functions of (a, axis, keepdims)
    "sum": np.sum, "mean": np.mean, "amax": np.max, "amin": np.min, "nansum": np.nansum, "nanmean": np.nanmean,
    "logsumexp": lambda a, axis, keepdims: np.log(np.sum(np.exp(a), axis=axis, keepdims=keepdims)),
    "var": lambda a, axis, keepdims: np.var(a, axis=axis, keepdims=keepdims, ddof=1),
    "std": lambda a, axis, keepdims: np.std(a, axis=axis, keepdims=keepdims, ddof=1),
}


@pytest.mark.parametrize("name", AS_NUMPY)
@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("keepdim", [False, True])
def test_values(name, dim, keepdim):
    if dim is None and (keepdim or name == "logsumexp"):
        dim = (0, 1, 2)
    for a in (A, np.asfortranarray(A), A[:, ::-1]):
        out = getattr(sof, name)(sof.from_numpy(a.copy(order="K")), dim, keepdim=keepdim)
        np.testing.assert_allclose(out.numpy(), AS_NUMPY[name](a, axis=dim, keepdims=keepdim), rtol=1e-12)


@pytest.mark.parametrize("shape", [(70000,), (9, 9000), (40, 3, 700), (2, 40000)])
def test_variance_of_large_arrays(shape):
    a = np.random.RandomState(3).rand(*shape).astype(np.float32) + 3
    x = sof.from_numpy(a)
    assert x.var().item() == pytest.approx(a.astype(float).var(ddof=1), rel=1e-5)
    np.testing.assert_allclose(x.std(-1).numpy(), a.astype(float).std(-1, ddof=1), rtol=1e-5)
    assert x.norm().item() == pytest.approx(np.linalg.norm(a.astype(float)), rel=1e-5)


GRADIENTS = {
    "sum": lambda x: x.sum((0, 2)), "mean": lambda x: x.mean(1, keepdim=True), "mean all": lambda x: x.mean(),
    "prod": lambda x: x.prod(1), "prod all": lambda x: x.prod(), "amax": lambda x: x.amax((0, 1)),
    "max": lambda x: x.max(), "max dim": lambda x: x.max(1)[0], "min dim": lambda x: x.min(-1, True).values,
    "var": lambda x: x.var((0, 2)), "std": lambda x: x.std(1, correction=0), "std all": lambda x: x.std(),
    "cumsum": lambda x: x.cumsum(1), "cumprod": lambda x: x.cumprod(1), "logsumexp": lambda x: x.logsumexp((0, 1)),
    "norm": lambda x: x.norm(), "norm 3": lambda x: x.norm(3, 1), "norm 1.5": lambda x: x.norm(1.5, (0, 1)),
    "norm inf": lambda x: x.norm(math.inf, 2), "norm 1": lambda x: x.norm(1), "norm .5": lambda x: x.norm(0.5, 0),
    "renorm": lambda x: x.renorm(2, 1, 0.7), "nansum": lambda x: x.nansum(1), "nanmean": lambda x: x.nanmean(0),
    "var_mean": lambda x: sum(sof.var_mean(x, 1)), "std_mean": lambda x: sum(sof.std_mean(x, 1)),
    "aminmax": lambda x: sum(sof.aminmax(x, dim=0)), "dist": lambda x: sof.dist(x, x.flip(0)),
    "quantile": lambda x: x.quantile(sof.tensor([0.2, 0.7], dtype=sof.float64), 1),
}
COMPLEX = ("sum", "mean", "prod", "var", "std", "cumsum", "cumprod", "logsumexp", "norm", "norm 3", "norm 1", "dist")


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name):
    check_gradients(GRADIENTS[name], A[:, :3])


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_gradients(name):
    check_gradients(GRADIENTS[name], Z[:2, :2], second=False)


@pytest.mark.parametrize("function", [lambda x: x.cumprod(1), lambda x: x.prod(1), lambda x: x.prod()])
def test_gradients_of_products_with_zeros(function):
    check_gradients(function, WITH_ZEROS)


def test_covariance():
    x = sof.from_numpy(A[:, :, 0].copy())
    np.testing.assert_allclose(x.cov().numpy(), np.cov(A[:, :, 0]))
    counts, weights = np.array([1, 2, 0, 3]), np.array([0.5, 1.0, 2.0, 0.3])
    out = sof.cov(x, correction=0, fweights=sof.from_numpy(counts), aweights=sof.from_numpy(weights))
    np.testing.assert_allclose(out.numpy(), np.cov(A[:, :, 0], ddof=0, fweights=counts, aweights=weights))
    np.testing.assert_allclose(x.corrcoef().numpy(), np.corrcoef(A[:, :, 0]))
    check_gradients(sof.cov, A[:, :, 0], second=False)


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantile(interpolation):
    q = np.array([0.0, 0.3, 0.55, 1.0])
    out = sof.quantile(sof.from_numpy(A), sof.from_numpy(q), 1, interpolation=interpolation)
    np.testing.assert_allclose(out.numpy(), np.quantile(A, q, 1, method=interpolation))
    holes = A[:, :, 0].copy()
    holes[1, 2] = np.nan
    x = sof.from_numpy(holes)
    assert x.quantile(0.5, 1).isnan().tolist() == [False, True, False]
    np.testing.assert_allclose(x.nanquantile(0.4, 1).numpy(), np.nanquantile(holes, 0.4, 1))


def test_dtypes():
    ints = sof.tensor([[1, 2], [3, 4]], dtype=sof.int32)
    assert ints.sum().dtype is ints.prod(0).dtype is ints.cumsum(0).dtype is sof.int64
    assert (ints > 1).sum().item() == sof.count_nonzero(ints > 1).item() == 3
    assert ints.sum(dtype=sof.float32).dtype is sof.float32
    assert sof.logsumexp(ints, 0).dtype is sof.float32
    assert sof.linalg.vector_norm(sof.ones(2, dtype=sof.complex64)).dtype is sof.float32
    with pytest.raises(RuntimeError, match="could not infer output dtype"):
        ints.mean()
    with pytest.raises(RuntimeError, match="only support floating point"):
        ints.var()


def test_reduced_precision_is_rounded_once():
    pytest.importorskip("ml_dtypes")
    x = sof.ones(1000, dtype=sof.bfloat16) + 2 ** -7
    assert x.sum().item() == float(sof.tensor(1000 * (1 + 2 ** -7)).bfloat16())
    assert x.sum(dtype=sof.float32).item() == 1000 * (1 + 2 ** -7)


def test_named_results():
    out = sof.tensor([[1.0, 5.0], [7.0, 2.0]]).max(1)
    assert type(out).__module__ == "torch.return_types" and type(out).__name__ == "max"
    assert out.values.tolist() == [5, 7] and out.indices.tolist() == [1, 0]
    assert sof.max(sof.tensor([1, 5]), sof.tensor([3, 3])).tolist() == [3, 5]
    assert sof.tensor([1.0, math.nan, 3.0]).max().isnan() and sof.tensor([1.0, math.nan]).argmax().item() == 1


def test_out():
    values, indices = sof.empty(0), sof.empty(0, dtype=sof.int64)
    sof.max(sof.tensor([[1.0, 5.0]]), 1, out=(values, indices))
    assert values.tolist() == [5] and indices.tolist() == [1]


@pytest.mark.parametrize(("function", "error", "text"), [
    (lambda: sof.empty(0).max(), RuntimeError, "input.numel\\(\\) == 0"),
    (lambda: sof.empty(2, 0).max(1), IndexError, "non-zero size"),
    (lambda: sof.ones(2).sum(3), IndexError, "Dimension out of range"),
    (lambda: sof.ones(2, 2).sum((0, 0)), RuntimeError, "appears multiple times"),
    (lambda: sof.ones(2, dtype=sof.complex64).max(), RuntimeError, "(?i)complex"),
    (lambda: sof.ones(2).norm("nine"), RuntimeError, "only valid string values"),
    (lambda: sof.ones(2).quantile(2.0), RuntimeError, "range \\[0, 1\\]"),
    (lambda: sof.ones(2).renorm(2, 0, 1.0), RuntimeError, "at least 2 dimensions"),
    (lambda: sof.ones(2, dtype=sof.int64).norm(), RuntimeError, "floating point or complex"),
])
def test_errors(function, error, text):
    with pytest.raises(error, match=text):
        function()


def test_too_few_elements_for_a_variance():
    with pytest.warns(UserWarning, match="degrees of freedom"):
        assert sof.ones(1).var().isnan()


@pytest.mark.oracle
@pytest.mark.parametrize("snippet", [
    "torch.arange(12.).view(3, 4).max(1)", "torch.tensor([3, 1, 3]).max(0)", "torch.tensor([[True, False]]).all(1)",
    "torch.arange(12.).view(3, 4).std(0, keepdim=True)", "torch.arange(4.).var(False)",
    "torch.std_mean(torch.arange(6.).view(2, 3), dim=1, correction=0)", "torch.ones(2, 3).prod(1, keepdim=True)",
    "torch.aminmax(torch.arange(6).view(2, 3), dim=1)", "torch.norm(torch.arange(6.).view(2, 3), p='fro', dim=1)",
    "torch.arange(6.).view(2, 3).norm(p='nuc')", "torch.arange(6.).view(2, 3).mean(axis=0, keepdims=True)",
    "torch.tensor([1., float('nan')]).nanmean()", "torch.ones(2, 0).sum(1)", "torch.ones(2, 0).amax(1)",
    "torch.tensor(3.).max(0)", "torch.tensor([2., 2.]).logsumexp(dim=0)", "torch.ones(2, 3).sum(dim=())",
])
def test_like_pytorch(snippet):
    pytest.importorskip("torch")
    from tests.helpers.oracle import same
    same(snippet)
