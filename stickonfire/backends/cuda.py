"""PyTorch's spelling `torch.backends.cuda`: switches that scripts set. There is no CUDA, they are only remembered."""
from __future__ import annotations

from types import SimpleNamespace

matmul = SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=True,
                         allow_bf16_reduced_precision_reduction=True)


def is_built() -> bool:
    """Whether CUDA is built in: no."""
    return False
