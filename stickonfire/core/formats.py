"""Layouts and memory formats: the words by which PyTorch's functions name an order of elements in memory.

Only strided tensors exist here; `channels_last` is a strided tensor whose dims lie in another order. Called
by `eager/creation.py` and `eager/attributes.py`; imports nothing.
"""
from __future__ import annotations

from collections.abc import Sequence


class layout:
    """How elements are stored: `strided`, or one of PyTorch's sparse layouts, which no function here accepts.

    Source: PyTorch `torch.layout`.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class memory_format:
    """The order of dims in memory.   Source: PyTorch `torch.memory_format`."""

    __slots__ = ("name", "order")

    def __init__(self, name: str, order: tuple[int, ...] = ()) -> None:
        self.name, self.order = name, order         # order: the dims from slowest to fastest, if it is fixed

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


strided, sparse_coo = layout("strided"), layout("sparse_coo")
sparse_csr, sparse_csc, sparse_bsr, sparse_bsc = (layout(f"sparse_{kind}") for kind in ("csr", "csc", "bsr", "bsc"))
preserve_format, contiguous_format = memory_format("preserve_format"), memory_format("contiguous_format")
channels_last = memory_format("channels_last", (0, 2, 3, 1))
channels_last_3d = memory_format("channels_last_3d", (0, 2, 3, 4, 1))


def check_layout(given: object, name: str) -> None:
    """Raises TypeError for what is no layout, NotImplementedError for a sparse one."""
    if given is None or given is strided:
        return
    if not isinstance(given, layout):
        raise TypeError(f"{name}(): argument 'layout' must be torch.layout, not {type(given).__name__}")
    raise NotImplementedError(f"{name}(): layout {given} is not there: all tensors are dense. Leave the argument out")


def strides_in(form: memory_format, shape: Sequence[int]) -> tuple[int, ...]:
    """The strides, in elements, of a dense tensor in a memory format.

    Raises: RuntimeError if the format is for another number of dims.

    >>> strides_in(channels_last, (2, 3, 4, 5))
    (60, 1, 15, 3)
    """
    order = form.order or tuple(range(len(shape)))
    if len(order) != len(shape):
        raise RuntimeError(f"required rank {len(order)} tensor to use {form.name} format, but the shape is "
                           f"{list(shape)}")
    strides, step = [0] * len(shape), 1
    for dim in reversed(order):
        strides[dim] = step
        step *= max(shape[dim], 1)
    return tuple(strides)
