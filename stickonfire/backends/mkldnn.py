"""PyTorch's spelling `torch.backends.mkldnn`: its kernels are not used, the switches are only remembered."""
from __future__ import annotations

enabled = True
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Whether oneDNN is there: no."""
    return False
