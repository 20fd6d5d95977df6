"""Complex numbers: parts as views, conjugates, angles, making them, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest

import stickonfire as sof
from tests.helpers.numeric import check_gradients

Z = np.array([0.3 + 0.4j, -0.5 - 0.2j, 2.0 + 0j])


@pytest.mark.parametrize("name", ["real", "imag", "conj", "conj_physical", "angle", "abs", "sgn",
                                  "view_as_real"])
def test_gradients(name):
    check_gradients(getattr(sof, name), Z[:2])


@pytest.mark.parametrize("name", ["complex", "polar"])
def test_gradients_of_parts(name):
    check_gradients(getattr(sof, name), [0.5, 1.5], [2.0, -0.3])


def test_values():
    z = sof.from_numpy(Z.copy())
    for name in ("real", "imag", "conj", "angle", "abs"):
        np.testing.assert_allclose(getattr(sof, name)(z).numpy(), getattr(np, name)(Z))
    np.testing.assert_allclose(sof.complex(z.real, z.imag).numpy(), Z)
    np.testing.assert_allclose(sof.polar(z.abs(), z.angle()).numpy(), Z)
    assert sof.angle(sof.tensor([-1.0, 2.0])).tolist() == pytest.approx([np.pi, 0])


def test_parts_are_views():
    z = sof.from_numpy(Z.copy())
    z.real[0] = 9
    z.imag = sof.zeros(3, dtype=sof.float64)
    assert z.tolist() == [9 + 0j, -0.5 + 0j, 2 + 0j]
    pairs = sof.view_as_real(z)
    pairs[1, 1] = 7
    assert z[1].item() == -0.5 + 7j
    assert sof.view_as_complex(pairs).data_ptr() == z.data_ptr()


def test_errors():
    with pytest.raises(RuntimeError, match="imag is not implemented"):
        sof.imag(sof.ones(2))
    with pytest.raises(RuntimeError, match="last dimension of size 2"):
        sof.view_as_complex(sof.ones(3))
    with pytest.raises(RuntimeError, match="only supported for complex"):
        sof.view_as_real(sof.ones(3))
    with pytest.raises(RuntimeError, match="Expected both inputs"):
        sof.complex(sof.tensor([1]), sof.tensor([1]))
