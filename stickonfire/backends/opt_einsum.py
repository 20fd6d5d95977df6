"""PyTorch's spelling `torch.backends.opt_einsum`: einsum contracts from left to right, as without that package."""
from __future__ import annotations

enabled = False
strategy = None


def is_available() -> bool:
    """Whether another package chooses the order of contraction: no."""
    return False
