"""Parity: torch.fft, stft, istft, windows."""

from __future__ import annotations

import pytest

from tests.helpers.oracle import same, same_gradients

X = "x = (torch.arange(24.).reshape(2, 3, 4) * 7 % 11 - 5) / 4; "
NAMES = ["fft", "ifft", "hfft", "irfft", "rfft", "ihfft"]
CALLS = ["", ", 3", ", 6, 1", ", dim=0, norm='ortho'", ", norm='forward'", ", 0", ", norm='x'", ", dim=5"]
CALLS_N = ["", ", (3, 2)", ", (3, 2), (0, 1)", ", dim=(0, 2), norm='ortho'", ", dim=(1, 1)", ", (1, 2, 3, 4)",
           ", s=(-1, 4)", ", s=(4, -1), dim=(0, 1)"]


@pytest.mark.parametrize("name", NAMES)
def test_one_dim(name):
    for call in CALLS:
        same(f"{X}torch.fft.{name}(x{call})", text=False, strides=False)
        same(f"{X}torch.fft.{name}(x.to(torch.complex128){call})", text=False, strides=False)
        same(f"{X}torch.fft.{name}((x * 9).long(){call})", text=False, strides=False)


@pytest.mark.parametrize("name", [n + which for n in NAMES for which in "2n"])
def test_several_dims(name):
    for call in CALLS_N:
        same(f"{X}torch.fft.{name}(x{call})", text=False, strides=False)
        same(f"{X}torch.fft.{name}(x.to(torch.complex128){call})", text=False, strides=False)


@pytest.mark.parametrize("name", ["rfft", "ihfft", "irfft", "rfft2", "irfft2"])
def test_gradients(name):
    same_gradients(lambda torch, x: torch.fft.ifft(getattr(torch.fft, name)(x)).abs(),
                   [[1.0, 2.0, 5.0], [0.5, -1.0, 3.0]], text=False, strides=False)


@pytest.mark.parametrize("snippet", [
    "torch.fft.fftfreq(5, 0.1)", "torch.fft.rfftfreq(5, 0.1)", "torch.fft.fftfreq(4, dtype=torch.float64)",
    "torch.fft.fftshift(torch.arange(12).reshape(3, 4))", "torch.fft.ifftshift(torch.arange(5))",
    "torch.fft.fftfreq(4, dtype=torch.int64)", "torch.fft.fft(torch.ones(4), out=torch.empty(4))",
    "x = torch.arange(20.).sin(); w = torch.hann_window(8); s = torch.stft(x, 8, window=w, return_complex=True); "
    "s, torch.istft(s, 8, window=w), torch.istft(s, 8, window=w, length=30)",
    "x = torch.ones(2, 20); torch.stft(x, 8)",
    "x = torch.arange(20.).sin(); torch.stft(x, 8, 3, 4, torch.ones(4), False, return_complex=True)",
    "x = torch.arange(20.).sin(); x.stft(8, pad_mode='constant', return_complex=False)",
    "torch.istft(torch.ones(8, 5) * 1j, 8)", "torch.istft(torch.ones(5, 5) * 1j, 8, window=torch.zeros(8))",
])
def test_the_rest(snippet):
    same(snippet, text=False, strides=False)


@pytest.mark.parametrize("name", ["hann", "hamming", "bartlett", "blackman", "kaiser"])
def test_windows(name):
    for arguments in ("5", "6, False", "9, dtype=torch.float64", "0", "1", "-1", "4, dtype=torch.int32"):
        same(f"torch.{name}_window({arguments})", text=False)
    for arguments in ("5", "6, sym=False", "7, dtype=torch.float64", "0", "1", "-1", "4, dtype=torch.int32"):
        same(f"torch.signal.windows.{name}({arguments})", text=False)
