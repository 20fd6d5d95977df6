"""The CPU: NumPy arrays, NumPy's namespace, PyTorch's MT19937 streams."""
import warnings

import numpy

from ..base import Backend, register
from . import fast, xp
from .memory import keep_freed_memory
from .random import Generator

# inf and NaN are answers here, as in PyTorch, not reasons to warn. Saying so around every op (np.errstate) would cost
# as much as a small op itself, so it is said once, for NumPy as a whole; docs/differences.md tells users. NumPy keeps
# this setting per thread: in the others, the warnings of our modules are filtered.
numpy.seterr(all="ignore")
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"stickonfire\.")


def _same(array: numpy.ndarray) -> numpy.ndarray:
    return array


BACKEND = Backend("cpu", numpy.ndarray, xp, Generator, from_numpy=_same, to_numpy=_same, fast=fast)
register(BACKEND)
keep_freed_memory()
