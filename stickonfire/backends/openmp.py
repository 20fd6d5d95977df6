"""PyTorch's spelling `torch.backends.openmp`: threads are the BLAS library's business."""
from __future__ import annotations


def is_available() -> bool:
    """Whether kernels use OpenMP: no."""
    return False
