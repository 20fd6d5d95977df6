"""The short-time Fourier transform and its inverse: values against NumPy, round trips, gradients, errors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import stickonfire as sof
from tests.helpers.numeric import check_gradients

RNG = np.random.default_rng(3)
SIGNAL = RNG.standard_normal((2, 30))
WINDOW = np.hanning(9)[:8]


def tensor(array):
    return sof.from_numpy(np.array(array))


def reference(signal, window, hop):
    frames = [signal[..., i:i + len(window)] * window for i in range(0, signal.shape[-1] - len(window) + 1, hop)]
    return np.moveaxis(np.fft.rfft(np.stack(frames, -2)), -1, -2)


def test_values():
    x, w = tensor(SIGNAL), tensor(WINDOW)
    centred = np.pad(SIGNAL, ((0, 0), (4, 4)), "reflect")
    wanted = reference(centred, WINDOW, 2)
    np.testing.assert_allclose(sof.stft(x, 8, window=w, return_complex=True).numpy(), wanted, atol=1e-12)
    np.testing.assert_allclose(x[0].stft(8, 2, window=w, return_complex=True).numpy(), wanted[0], atol=1e-12)
    np.testing.assert_allclose(sof.stft(x, 8, 3, window=w, center=False, normalized=True, return_complex=True).numpy(),
                               reference(SIGNAL, WINDOW, 3) / np.sqrt(8), atol=1e-12)
    whole = sof.stft(x, 8, window=w, onesided=False, return_complex=True)
    np.testing.assert_allclose(whole.numpy()[:, :5], wanted, atol=1e-12)
    assert whole.shape == (2, 8, 16)
    as_complex = sof.stft(x.to(sof.complex128), 8, window=w)
    np.testing.assert_allclose(as_complex.numpy(), whole.numpy(), atol=1e-12)


def test_short_window():
    x, w = tensor(SIGNAL), tensor([1.0, 2.0, 3.0, 4.0])
    inside = sof.stft(x, 8, 3, 4, w, center=False, return_complex=True)
    np.testing.assert_allclose(inside.numpy(), reference(SIGNAL, [0, 0, 1, 2, 3, 4, 0, 0], 3), atol=1e-12)
    aligned = sof.stft(x, 8, 3, 4, w, center=False, return_complex=True, align_to_window=True)
    longer = np.pad(SIGNAL, ((0, 0), (2, 2)))
    np.testing.assert_allclose(aligned.numpy(), reference(longer, [0, 0, 1, 2, 3, 4, 0, 0], 3), atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"normalized": True}, {"onesided": False}, {"length": 27}])
def test_there_and_back(options):
    x, w = tensor(SIGNAL), tensor(WINDOW)
    there = {key: value for key, value in options.items() if key != "length"}
    back = sof.stft(x, 8, window=w, return_complex=True, **there).istft(8, window=w, **options)
    np.testing.assert_allclose(back.numpy(), SIGNAL[:, :back.shape[1]], atol=1e-12)


def test_complex_there_and_back():
    z = tensor(SIGNAL + 1j * SIGNAL[:, ::-1])
    w = tensor(WINDOW)
    back = sof.istft(sof.stft(z, 8, window=w), 8, window=w, onesided=False, return_complex=True)
    np.testing.assert_allclose(back.numpy(), z[:, :back.shape[1]].numpy(), atol=1e-12)


def test_gradients():
    w = tensor(WINDOW[::2])
    check_gradients(lambda x, w: sof.stft(x, 4, window=w, return_complex=True), SIGNAL[:, :7], WINDOW[::2])
    check_gradients(lambda z: sof.istft(z, 4, window=w), RNG.standard_normal((3, 4)) + 1j)


def test_warnings_are_given_once(monkeypatch):
    monkeypatch.setattr("stickonfire.eager.composite_stft.WARNED", set())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        spectrum = sof.stft(tensor(SIGNAL), 8, return_complex=False)
        sof.stft(tensor(SIGNAL), 8, return_complex=True)
        sof.istft(sof.view_as_complex(spectrum), 8, length=40)
    assert spectrum.shape == (2, 5, 16, 2)
    said = [str(w.message) for w in caught]
    assert len(said) == 4 and all(w.category is UserWarning and w.filename == __file__ for w in caught)
    assert "return_complex=False is deprecated" in said[0] and "shorter than the length" in said[3]


@pytest.mark.parametrize("options, match", [
    ({}, "requires the return_complex parameter"),
    ({"n_fft": 50, "center": False}, "expected 0 < n_fft < 30"),
    ({"hop_length": 0}, "expected hop_length > 0"),
    ({"win_length": 9}, "expected 0 < win_length <= n_fft"),
    ({"win_length": 7}, r"window tensor of size equal to win_length=7, but got window with size \[8\]"),
    ({"align_to_window": True}, "align_to_window should only be set when center"),
    ({"input": sof.ones(2, 30, dtype=sof.int64)}, "floating point or complex values"),
    ({"input": sof.ones(2, 2, 30)}, "expected a 1D or 2D tensor"),
    ({"input": sof.ones(2, 30, dtype=sof.complex64), "onesided": True}, "Cannot have onesided output"),
    ({"input": sof.ones(2, 30, dtype=sof.float16), "window": None}, "Unsupported dtype Half"),
])
def test_errors_of_stft(options, match, monkeypatch):
    monkeypatch.setattr("stickonfire.eager.composite_stft.warn_once", lambda text: None)
    given = {"input": tensor(SIGNAL), "n_fft": 8, "window": tensor(WINDOW)} | options
    if options:
        given["return_complex"] = True
    with pytest.raises(RuntimeError, match=match):
        sof.stft(**given)


@pytest.mark.parametrize("options, match", [
    ({"input": sof.ones(2, 5, 4)}, "requires a complex-valued input"),
    ({"n_fft": 7}, "n_fft / 2 . 1 when onesided=True, but got 5"),
    ({"onesided": False}, "match n_fft when onesided=False"),
    ({"hop_length": 9}, "expected 0 < hop_length <= win_length"),
    ({"win_length": 9}, "expected 0 < win_length <= n_fft"),
    ({"win_length": 7}, "Invalid window shape"),
    ({"return_complex": True}, "Cannot have onesided output"),
    ({"window": sof.ones(8, dtype=sof.complex128)}, "Complex windows are incompatible"),
    ({"center": False}, "window overlap add min"),
    ({"input": sof.ones(2, 5, 0, dtype=sof.complex64)}, "input tensor cannot be empty"),
    ({"input": sof.ones(5, dtype=sof.complex64)}, "2 or 3 dimensions"),
])
def test_errors_of_istft(options, match):
    given = {"input": sof.ones(2, 5, 4, dtype=sof.complex128), "n_fft": 8, "window": tensor(WINDOW)} | options
    with pytest.raises(RuntimeError, match=match):
        sof.istft(**given)
