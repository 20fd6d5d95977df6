"""PyTorch's spelling `torch.autograd.function`: a list of names."""
from ..eager.function import Function, FunctionCtx, InplaceFunction, once_differentiable

__all__ = ["Function", "FunctionCtx", "InplaceFunction", "once_differentiable"]
