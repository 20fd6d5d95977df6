"""PyTorch's spelling `torch.backends.mps`, for scripts that ask whether there is an Apple GPU: not for us."""
from __future__ import annotations


def is_available() -> bool:
    """Whether tensors can live on an Apple GPU: no."""
    return False


def is_built() -> bool:
    """Whether support for Apple GPUs is built in: no."""
    return False
