"""The CPU: NumPy arrays, NumPy's namespace, PyTorch's MT19937 streams."""
import numpy

from ..base import Backend, register
from . import xp
from .random import Generator


def _same(array: numpy.ndarray) -> numpy.ndarray:
    return array


BACKEND = Backend("cpu", numpy.ndarray, xp, Generator, from_numpy=_same, to_numpy=_same)
register(BACKEND)
