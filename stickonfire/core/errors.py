"""Exception types that PyTorch has besides Python's own. Raised by the ops, re-exported where PyTorch has them."""
from __future__ import annotations


class OutOfMemoryError(RuntimeError):
    """A device has no memory left: for programs that name it in `except`, no op on the CPU raises it.

    Source: PyTorch `torch.OutOfMemoryError`.
    """


class AcceleratorError(RuntimeError):
    """A device other than the CPU failed: for programs that name it in `except`, no op on the CPU raises it.

    Source: PyTorch `torch.AcceleratorError`.
    """


class _LinAlgError(RuntimeError):
    """A matrix is singular, not positive definite, or an algorithm did not converge.

    Source: PyTorch `torch.linalg.LinAlgError`.

    >>> LinAlgError.__name__
    '_LinAlgError'
    """


LinAlgError = _LinAlgError          # PyTorch's public name for it
