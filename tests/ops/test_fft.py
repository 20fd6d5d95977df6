"""Fourier transforms: values against NumPy, gradients of both orders, dtypes, `out=`, errors, lazy loading."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import stickonfire as sof
from tests.helpers.numeric import check_gradients

RNG = np.random.default_rng(7)
REAL = RNG.standard_normal((3, 4, 5))
COMPLEX = REAL + 1j * RNG.standard_normal((3, 4, 5))
ONE_DIM = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
TAKE_REAL = ("rfft", "ihfft", "rfft2", "ihfft2", "rfftn", "ihfftn")


@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
@pytest.mark.parametrize("n, dim", [(None, -1), (3, 1), (8, 0)])
@pytest.mark.parametrize("name", ONE_DIM)
def test_one_dim(name, n, dim, norm):
    for data in (REAL,) if name in TAKE_REAL else (REAL, COMPLEX):
        got = getattr(sof.fft, name)(sof.from_numpy(data.copy()), n, dim, norm).numpy()
        np.testing.assert_allclose(got, getattr(np.fft, name)(data, n, dim, norm), atol=1e-12)


@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
@pytest.mark.parametrize("s, dim", [(None, None), (None, (0, -1)), ((2, 6), (2, 0)), ((4, -1), (0, 1)), ((5, 3), None)])
@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
def test_several_dims(name, s, dim, norm):
    data = REAL if name in TAKE_REAL else COMPLEX
    got = getattr(sof.fft, name)(sof.from_numpy(data.copy()), s, dim, norm).numpy()
    axes = dim if dim is not None else None if s is None else tuple(range(3 - len(s), 3))
    sizes = s
    if s is not None and axes is not None:
        inverse = -1 in s and name == "irfftn" and s[-1] == -1
        last = {axes[-1]: 2 * (data.shape[axes[-1]] - 1)} if inverse else {}
        sizes = [last.get(a, data.shape[a]) if n == -1 else n for n, a in zip(s, axes, strict=True)]
    np.testing.assert_allclose(got, getattr(np.fft, name)(data, sizes, axes, norm), atol=1e-12)


def test_hermitian_of_several_dims():
    x = sof.from_numpy(REAL.copy())
    for norm in ("backward", "ortho", "forward"):
        half = sof.fft.ihfftn(x, norm=norm)
        whole = sof.fft.ifftn(x, norm=norm)
        np.testing.assert_allclose(half.numpy(), whole[..., :3].numpy(), atol=1e-12)
        np.testing.assert_allclose(sof.fft.hfftn(half, s=x.shape, norm=norm).numpy(), REAL, atol=1e-12)
    np.testing.assert_allclose(sof.fft.hfft2(sof.fft.ihfft2(x), s=(4, 5)).numpy(), REAL, atol=1e-12)
    np.testing.assert_allclose(sof.fft.irfft2(sof.fft.rfft2(x), s=(4, 5)).numpy(), REAL, atol=1e-12)
    np.testing.assert_allclose(sof.fft.ifft2(sof.fft.fft2(x)).real.numpy(), REAL, atol=1e-12)


@pytest.mark.parametrize("norm", ["backward", "ortho"])
@pytest.mark.parametrize("n", [None, 3, 6])
@pytest.mark.parametrize("name", ONE_DIM)
def test_gradients_one_dim(name, n, norm):
    data = REAL[0, :2] if name in TAKE_REAL else COMPLEX[0, :2]
    check_gradients(lambda x: getattr(sof.fft, name)(x, n, -1, norm), data)
    if name not in TAKE_REAL:
        check_gradients(lambda x: getattr(sof.fft, name)(x, n, 0, norm), REAL[0, :2])


@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn", "hfftn", "ihfftn"])
def test_gradients_of_several_dims(name):
    data = (REAL if name in TAKE_REAL else COMPLEX)[:2, :3, :2]
    check_gradients(lambda x: getattr(sof.fft, name)(x, (3, 4), (0, 1)), data)


@pytest.mark.parametrize("name", ["fftn", "ifftn"])
def test_several_dims_of_real_points(name):
    for dims in ((1,), (0, 1), (2, 0), (0, 2, 1), ()):
        for norm in ("backward", "ortho"):
            got = getattr(sof.fft, name)(sof.from_numpy(REAL.copy()), dim=dims, norm=norm).numpy()
            wanted = getattr(np.fft, name)(REAL, axes=dims, norm=norm) if dims else REAL
            np.testing.assert_allclose(got, wanted, atol=1e-12)
    check_gradients(lambda x: getattr(sof.fft, name)(x, (3, 2), (0, 1)), REAL[:2, :3, :2])


def test_gradients_do_not_depend_on_linearity():
    x = sof.from_numpy(REAL[0].copy()).requires_grad_()
    power = (sof.fft.rfft(x, norm="ortho").abs() ** 2)
    weights = sof.ones(3, dtype=sof.float64) * 2
    weights[0] = 1                              # Parseval: all but frequency 0 of five points count twice
    (power * weights).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * REAL[0], atol=1e-12)


def test_dtypes():
    ones = {kind: sof.ones(4, dtype=kind) for kind in (sof.int64, sof.bool, sof.float32, sof.float64, sof.complex64)}
    assert [sof.fft.fft(t).dtype for t in ones.values()] == [
        sof.complex64, sof.complex64, sof.complex64, sof.complex128, sof.complex64]
    assert sof.fft.irfft(ones[sof.int64]).dtype is sof.float32
    assert sof.fft.irfft(ones[sof.float64]).dtype is sof.float64
    assert sof.fft.fftn(sof.tensor(2.0)).item() == 2 + 0j
    assert sof.fft.rfft(sof.ones(0, 4)).shape == (0, 3)
    x = sof.from_numpy(REAL.astype(np.float32))
    np.testing.assert_allclose(sof.fft.fftn(x).numpy(), np.fft.fftn(REAL), rtol=1e-4, atol=1e-5)


def test_frequencies_and_shifts():
    for n in (0, 1, 4, 5):
        np.testing.assert_allclose(sof.fft.fftfreq(n, 0.5).numpy(), np.fft.fftfreq(n, 0.5) if n else np.zeros(0))
        np.testing.assert_allclose(sof.fft.rfftfreq(n, 0.5).numpy(), np.fft.rfftfreq(n, 0.5) if n else np.zeros(1))
    assert sof.fft.fftfreq(4, dtype=sof.float64, requires_grad=True).requires_grad
    for name in ("fftshift", "ifftshift"):
        for dim in (None, 1, (0, 2)):
            got = getattr(sof.fft, name)(sof.from_numpy(REAL.copy()), dim).numpy()
            np.testing.assert_array_equal(got, getattr(np.fft, name)(REAL, dim))


def test_out():
    x, out = sof.arange(4.0), sof.zeros(4, dtype=sof.complex64)
    assert sof.fft.fft(x, out=out) is out and out[0].item() == 6
    assert sof.fft.irfft(x, out=sof.empty(0)).shape == (6,)
    with pytest.raises(RuntimeError, match="fft expects a complex output tensor, but got Float"):
        sof.fft.fft(x, out=sof.zeros(4))
    with pytest.raises(RuntimeError, match="irfft expects a floating point output tensor, but got ComplexFloat"):
        sof.fft.irfft(x, out=out)


@pytest.mark.parametrize("call, error, match", [
    (lambda f, x: f.fft(x.half()), RuntimeError, "Unsupported dtype Half"),
    (lambda f, x: f.rfft(x.to(sof.complex64)), RuntimeError, "rfft expects a real input tensor, but got ComplexFloat"),
    (lambda f, x: f.ihfftn(x.to(sof.complex64)), RuntimeError, "expects a real-valued input"),
    (lambda f, x: f.fft(x, 0), RuntimeError, "Invalid number of data points"),
    (lambda f, x: f.irfft(x[:, :1]), RuntimeError, r"data points \(0\)"),
    (lambda f, x: f.fft(x, norm="abc"), RuntimeError, 'Invalid normalization mode: "abc"'),
    (lambda f, x: f.fftn(x, dim=(0, 0)), RuntimeError, "FFT dims must be unique"),
    (lambda f, x: f.fftn(x, s=(1, 2, 3)), RuntimeError, "Got shape with 3 values but input tensor only has 2"),
    (lambda f, x: f.fftn(x, s=(2, 2), dim=0), RuntimeError, "must have the same length"),
    (lambda f, x: f.rfftn(sof.tensor(1.0)), RuntimeError, "rfftn must transform at least one axis"),
    (lambda f, x: f.irfftn(x, dim=()), RuntimeError, "irfftn must transform at least one axis"),
    (lambda f, x: f.fft(sof.tensor(1.0)), IndexError, "tensor has no dimensions"),
    (lambda f, x: f.fft(x, dim=2), IndexError, "Dimension out of range"),
    (lambda f, x: f.fft(x, 2.5), TypeError, "argument 'n' .* must be int, not float"),
    (lambda f, x: f.fft([1.0]), TypeError, "argument 'input' .* must be Tensor, not list"),
    (lambda f, x: f.fftfreq(4, dtype=sof.int64), RuntimeError, "requires a floating point"),
    (lambda f, x: f.fftfreq(4, dtype=sof.complex64), NotImplementedError, "real dtype"),
    (lambda f, x: f.rfftfreq(-1), RuntimeError, "negative dimension"),
])
def test_errors(call, error, match):
    with pytest.raises(error, match=match):
        call(sof.fft, sof.ones(2, 4))


def test_names_of_nodes():
    x = sof.ones(3, 4, requires_grad=True)
    assert [type(getattr(sof.fft, name)(x).grad_fn).__name__ for name in ("fft", "rfft", "irfft", "fftn", "ifft")] == [
        "FftR2CBackward0", "FftR2CBackward0", "FftC2RBackward0", "FftC2CBackward0", "ConjBackward0"]


def test_loaded_when_asked_for_and_found_under_the_alias():
    code = ("import sys, stickonfire\n"
            "own = [m for m in sys.modules if 'fft' in m or 'signal_windows' in m or 'stft' in m]\n"
            "from stickonfire.compat import install; install()\n"
            "import torch, torch.fft, torch.signal.windows\n"
            "from torch.signal import windows\n"
            "assert torch.fft is stickonfire.fft and windows is stickonfire.signal.windows\n"
            "assert torch.fft.fft(torch.ones(2))[0].item() == 2\n"
            "print(own, len(torch.fft.__all__), len(windows.__all__))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "[] 23 11", done.stderr
