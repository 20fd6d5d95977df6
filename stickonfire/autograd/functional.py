"""PyTorch's spelling `torch.autograd.functional`: a list of names."""
from ..eager.derivatives import hessian, hvp, jacobian, jvp, vhp, vjp

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
