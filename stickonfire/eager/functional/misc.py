"""Functions of nn.functional that belong to no family: one_hot, local response norm.

Room: eager. Compositions of tensor methods.
"""
from __future__ import annotations

from typing import Any

from ...core.dtypes import int64
from ..creation import arange
from ..modes import capturing


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Zeros with a one at the class of each element; num_classes -1 is the largest class + 1.

    Shape: (*) of int64 -> (*, num_classes).   Raises: RuntimeError for classes out of range.
    Source: PyTorch `one_hot`.
    """
    if tensor.dtype != int64:
        raise RuntimeError(f"one_hot is only applicable to index tensor of type LongTensor. Got {tensor.dtype}")
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return tensor.new_empty((*tensor.shape, num_classes))
    recorder = capturing()
    if recorder is not None and num_classes > 0:    # a program checks the classes when it runs
        recorder.lift(tensor)
        recorder.xp.check(tensor._array, 0, num_classes - 1, "Class values must be non-negative and smaller than "
                          "num_classes.", RuntimeError)
        return (tensor.unsqueeze(-1) == arange(num_classes)).long()
    classes = tensor._array                         # under vmap the whole batch's
    if classes.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(classes.max()) + 1
    elif num_classes < 1:
        raise RuntimeError("num_classes should be positive")
    elif classes.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return tensor.new_zeros((*tensor.shape, num_classes)).scatter_(-1, tensor.unsqueeze(-1), 1)


def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75,
                        k: float = 1.0) -> Any:
    """x / (k + alpha * mean of x^2 over `size` neighbouring channels)^beta, zeros beyond the edges.

    Shape: (N, C, *) -> same.   Source: Krizhevsky et al. 2012; PyTorch `local_response_norm`.
    """
    if input.dim() < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.dim()} dimensions)")
    if input.numel() == 0:
        return input
    channels = input.shape[1]
    squares = input * input
    total = squares
    before, after = size // 2, (size - 1) // 2
    for shift in (*range(-before, 0), *range(1, after + 1)):
        total = total + _moved(squares, shift, channels)
    mean = total / size if input.is_floating_point() else total // size
    return input / (mean * alpha + k) ** beta


def _moved(t: Any, shift: int, channels: int) -> Any:
    """t[:, c + shift] at channel c, zero where there is no such channel."""
    moved = t.roll(-shift, 1)
    keep = t.detach().new_ones(channels)
    if shift > 0:
        keep[max(channels - shift, 0):] = 0
    else:
        keep[:-shift] = 0
    return moved * keep.reshape((1, channels, *[1] * (t.dim() - 2)))
