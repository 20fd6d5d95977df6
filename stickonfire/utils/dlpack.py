"""PyTorch's spelling `torch.utils.dlpack`: a list of names."""
from ..eager import from_dlpack, to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]
