"""PyTorch's spelling `torch.autograd.gradcheck`: a list of names."""
from ..eager.gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]
