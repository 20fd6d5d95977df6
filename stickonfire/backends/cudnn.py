"""PyTorch's spelling `torch.backends.cudnn`: switches that scripts set. There is no cuDNN, they are only remembered."""
from __future__ import annotations

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Whether cuDNN is there: never."""
    return False


def version() -> None:
    """The version of cuDNN: none."""
