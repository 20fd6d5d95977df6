"""torch.masked: each function against the plain one on the unmasked elements, neutral values, gradients, errors."""

from __future__ import annotations

import numpy as np
import pytest

import stickonfire as sof
from stickonfire import masked
from tests.helpers.numeric import check_gradients

DATA = np.array([[1.0, -5.0, 2.0, 0.5], [4.0, 3.0, -6.0, 2.5], [0.5, 1.5, 2.0, -1.0]])
MASK = np.array([[True, False, True, True], [False, True, True, False], [True, True, True, True]])
ROWS = [row[keep] for row, keep in zip(DATA, MASK, strict=True)]
REDUCTIONS = {
    "sum": np.sum, "prod": np.prod, "amax": np.max, "amin": np.min, "mean": np.mean,
    "logsumexp": lambda row: np.log(np.exp(row).sum()), "var": lambda row: row.var(ddof=1),
    "std": lambda row: row.std(ddof=1), "norm": np.linalg.norm, "median": lambda row: np.sort(row)[(len(row) - 1) // 2]}
ALONG = {
    "cumsum": np.cumsum, "cumprod": np.cumprod, "softmax": lambda row: np.exp(row) / np.exp(row).sum(),
    "softmin": lambda row: np.exp(-row) / np.exp(-row).sum(),
    "log_softmax": lambda row: row - np.log(np.exp(row).sum())}


def tensors():
    return sof.from_numpy(DATA.copy()), sof.from_numpy(MASK.copy())


def by_name(name, t, dim=None, **options):
    """The function's result, with the dim where it takes one."""
    given = {} if dim is None else {"dim": dim}
    return getattr(masked, name)(t, **given, **options)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name):
    x, mask = tensors()
    plain = REDUCTIONS[name]
    np.testing.assert_allclose(by_name(name, x, 1, mask=mask).numpy(), [plain(row) for row in ROWS])
    assert by_name(name, x, -1, mask=mask, keepdim=True).shape == (3, 1)
    np.testing.assert_allclose(by_name(name, x, 1).numpy(), [plain(row) for row in DATA])
    np.testing.assert_allclose(by_name(name, x, 1, mask=mask[1]).numpy(), [plain(row[MASK[1]]) for row in DATA])
    if name != "median":
        np.testing.assert_allclose(by_name(name, x, mask=mask).numpy(), plain(DATA[MASK]))
        np.testing.assert_allclose(by_name(name, x, (0, 1), mask=mask).numpy(), plain(DATA[MASK]))
    assert by_name(name, x.float(), 1, mask=mask, dtype=sof.float64).dtype is sof.float64


@pytest.mark.parametrize("name", ALONG)
def test_along_a_dim(name):
    x, mask = tensors()
    got = getattr(masked, name)(x, 1, mask=mask).numpy()
    for row, keep, values in zip(got, MASK, ROWS, strict=True):
        np.testing.assert_allclose(row[keep], ALONG[name](values))


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_places(name):
    x, mask = tensors()
    wanted = [np.flatnonzero(keep)[getattr(np, name)(row)] for row, keep in zip(ROWS, MASK, strict=True)]
    got = getattr(masked, name)(x, 1, mask=mask)
    assert got.tolist() == wanted and got.dtype is sof.float64
    assert getattr(masked, name)(x.long(), mask=mask).dtype is sof.int64


def test_nothing_left():
    x, none = sof.ones(2, 3), sof.zeros(2, 3, dtype=sof.bool)
    for name, neutral in {"sum": 0.0, "prod": 1.0, "amax": -np.inf, "amin": np.inf, "logsumexp": -np.inf, "norm": 0.0,
                          "mean": np.nan, "median": np.nan, "var": np.nan}.items():
        np.testing.assert_array_equal(by_name(name, x, 1, mask=none).numpy(), [neutral] * 2, err_msg=name)
    assert masked.amin(x.to(sof.int8), 1, mask=none).tolist() == [127, 127]
    assert masked.norm(x, -np.inf, 1, mask=none).tolist() == [np.inf, np.inf]
    assert masked.normalize(x, 2.0, 1, mask=none).tolist() == sof.zeros(2, 3).tolist()


def test_dtypes():
    x = sof.ones(3, dtype=sof.int8)
    assert [masked.sum(x).dtype, masked.prod(x).dtype, masked.cumsum(x, 0).dtype, masked.var(x).dtype] == [
        sof.int64, sof.int64, sof.int8, sof.float32]
    assert masked.sum(sof.ones(3, dtype=sof.bool)).item() == 3
    z = sof.tensor([1 + 1j, 2, 3j])
    keep = sof.tensor([True, False, True])
    assert masked.sum(z, mask=keep).item() == 1 + 4j
    assert masked.var(z, mask=keep).item() == pytest.approx(2.5)


def test_the_others():
    x, mask = tensors()
    wanted = np.where(MASK, DATA, 0)
    wanted = wanted / np.linalg.norm(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(masked.normalize(x, 2.0, 1, mask=mask).numpy(), wanted)
    np.testing.assert_allclose(masked.var(x, 1, False, mask=mask).numpy(), [row.var() for row in ROWS])
    np.testing.assert_allclose(masked.std(x, 1, correction=0, mask=mask).numpy(), [row.std() for row in ROWS])
    both = masked.logaddexp(x, x, input_mask=mask, other_mask=~mask)
    np.testing.assert_allclose(both.numpy(), DATA)
    assert not masked.is_masked_tensor(x)


@pytest.mark.parametrize("name", [*REDUCTIONS, *ALONG])
def test_gradients(name):
    mask = sof.from_numpy(MASK.copy())

    def value(x):
        out = getattr(masked, name)(x, dim=1, mask=mask)
        return sof.where(mask, out, sof.zeros_like(out)) if name in ALONG else out
    check_gradients(value, DATA + np.arange(12).reshape(3, 4) / 7, second=name not in ("amax", "amin", "median"))


def test_nan_under_the_mask_does_no_harm():
    x = sof.tensor([1.0, float("nan"), 3.0], requires_grad=True)
    masked.sum(x, mask=sof.tensor([True, False, True])).backward()
    assert x.grad.tolist() == [1, 0, 1]


@pytest.mark.parametrize("call, error, match", [
    (lambda x, m: masked.mean(x.long()), ValueError, "Could not infer output dtype"),
    (lambda x, m: masked.median(x.long(), mask=m & False), ValueError, "no fully masked out rows"),
    (lambda x, m: masked.amax(x > 0, 1, mask=m), NotImplementedError, "identity of amax on torch.bool"),
    (lambda x, m: masked.var(x, 1, True, correction=0), AssertionError, "Only one of unbiased and correction"),
    (lambda x, m: masked.sum(x, mask=m[None]), IndexError, "mask dimensionality higher than of the input"),
    (lambda x, m: masked.sum(x, mask=m[:, :2]), RuntimeError, "must match"),
    (lambda x, m: masked.sum(x, (0, 0), mask=m), RuntimeError, "appears multiple times"),
    (lambda x, m: masked.softmax(x, mask=m), TypeError, "dim"),
    (lambda x, m: masked.sum([1.0]), TypeError, "argument 'input' .* must be Tensor"),
    (lambda x, m: masked.masked_tensor(x, m), AttributeError, "give it as mask="),
    (lambda x, m: masked.nothing, AttributeError, "no attribute 'nothing'$"),
])
def test_errors(call, error, match):
    with pytest.raises(error, match=match):
        call(*tensors())
