"""PyTorch's spelling `torch.backends.mkl`: the BLAS is NumPy's, whichever that is."""
from __future__ import annotations


def is_available() -> bool:
    """Whether MKL is used by name: no."""
    return False
