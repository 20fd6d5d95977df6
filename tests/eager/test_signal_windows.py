"""Windows: known values, both families, periodic and symmetric forms, errors."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import stickonfire as sof
from stickonfire.signal import windows

FAMILY = {"hann": np.hanning, "hamming": np.hamming, "bartlett": np.bartlett, "blackman": np.blackman,
          "kaiser": lambda n: np.kaiser(n, 12.0)}
NEEDED = {"general_cosine": {"a": [0.5, 0.3, 0.2]}}


@pytest.mark.parametrize("n", [2, 3, 6])
@pytest.mark.parametrize("name", FAMILY)
def test_values(name, n):
    known = FAMILY[name]
    modern, classic = getattr(windows, name), getattr(sof, name + "_window")
    for periodic in (False, True):
        wanted = known(n + periodic)[:n]
        np.testing.assert_allclose(modern(n, sym=not periodic, dtype=sof.float64).numpy(), wanted, atol=1e-12)
        np.testing.assert_allclose(classic(n, periodic, dtype=sof.float64).numpy(), wanted, atol=1e-12)
        assert classic(n, periodic).dtype is modern(n).dtype is sof.float32


def test_values_of_the_others():
    n = np.arange(7) - 3
    wanted = {
        "gaussian": (np.exp(-(n / 1.5) ** 2 / 2), {"std": 1.5}),
        "exponential": (np.exp(-abs(n) / 2.0), {"tau": 2.0}),
        "cosine": (np.sin(np.pi * (n + 3.5) / 7), {}),
        "general_hamming": (0.7 - 0.3 * np.cos(np.pi * (n + 3) / 3), {"alpha": 0.7}),
        "general_cosine": (0.5 - 0.3 * np.cos(np.pi * (n + 3) / 3) + 0.2 * np.cos(2 * np.pi * (n + 3) / 3),
                           NEEDED["general_cosine"]),
        "nuttall": (0.3635819 - 0.4891775 * np.cos(np.pi * (n + 3) / 3) + 0.1365995 * np.cos(2 * np.pi * (n + 3) / 3)
                    - 0.0106411 * np.cos(np.pi * (n + 3)), {}),
    }
    for name, (values, options) in wanted.items():
        got = getattr(windows, name)(7, dtype=sof.float64, **options).numpy()
        np.testing.assert_allclose(got, values, atol=1e-12, err_msg=name)
    off = windows.exponential(4, center=1.0, sym=False, dtype=sof.float64).numpy()
    np.testing.assert_allclose(off, np.exp(-abs(np.arange(4) - 1.0)), atol=1e-12)


@pytest.mark.parametrize("name", windows.__all__)
def test_small_and_refused(name):
    make, needed = getattr(windows, name), NEEDED.get(name, {})
    assert make(0, **needed).shape == (0,) and make(1, **needed).tolist() == [1.0]
    assert make(4, requires_grad=True, **needed).requires_grad
    assert list(inspect.signature(make).parameters)[0] == "M"
    with pytest.raises(ValueError, match="non-negative window length, got M=-1"):
        make(-1, **needed)
    with pytest.raises(ValueError, match="float32 or float64 dtypes, got: torch.int64"):
        make(4, dtype=sof.int64, **needed)
    with pytest.raises(ValueError, match="strided tensors only"):
        make(4, layout=sof.sparse_coo, **needed)
    with pytest.raises(TypeError, match="argument 'M' .* must be int"):
        make(4.5, **needed)


@pytest.mark.parametrize("name", FAMILY)
def test_small_and_refused_classic(name):
    make = getattr(sof, name + "_window")
    assert make(0).shape == (0,) and make(1).tolist() == [1.0]
    assert make(4, requires_grad=True).is_leaf and make(4, requires_grad=True).requires_grad
    with pytest.raises(RuntimeError, match="requires non-negative window_length"):
        make(-1)
    with pytest.raises(RuntimeError, match="expects floating point dtypes, got: Long"):
        make(4, dtype=sof.int64)
    with pytest.raises(NotImplementedError, match="ComplexFloat"):
        make(4, dtype=sof.complex64)
    with pytest.raises(RuntimeError, match="sparse"):
        make(4, layout=sof.sparse_coo)
    with pytest.raises(TypeError, match="window_length"):
        make(4.5)


@pytest.mark.parametrize("call, error, match", [
    (lambda: windows.gaussian(4, std=0), ValueError, "Standard deviation must be positive"),
    (lambda: windows.exponential(4, tau=-1), ValueError, "Tau must be positive"),
    (lambda: windows.exponential(4, center=1.0), ValueError, "Center must be None for symmetric windows"),
    (lambda: windows.kaiser(4, beta=-1), ValueError, "beta must be non-negative"),
    (lambda: windows.general_cosine(4, a=[]), ValueError, "Coefficients cannot be empty"),
    (lambda: windows.general_cosine(4, a=3), TypeError, "Coefficients must be a list/tuple"),
    (lambda: windows.general_cosine(4), TypeError, "'a'"),
    (lambda: windows.hann(4, True), TypeError, "positional"),
])
def test_errors_of_parameters(call, error, match):
    with pytest.raises(error, match=match):
        call()
