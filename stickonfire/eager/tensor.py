"""Tensor: an array, the edge to what made it, what it aliases. Only what every tensor needs stands here.

Its methods are published from the op declarations (`publish.py`) and from the modules that hold the
rest: `autograd.py`, `indexing.py`, `conversion.py`, `attributes.py`. An array's own strides and aliasing are the
tensor's.
"""
from __future__ import annotations

from typing import Any

from ..backends.base import BY_ARRAY, XP, Backend
from ..core.device import device
from ..core.dtypes import dtype
from ..core.shapes import Size
from ..core.state import modes
from ..tape.node import Edge

INFERENCE: Any = (None, None, 0)       # the alias of a tensor that may never enter a graph


class Tensor:
    """A multi-dimensional array that can remember how it was made.

    Slots: `_array`, the backend's array; `_edge`, to the node that made it (a leaf that requires a gradient has an
    `AccumulateGrad`, a tensor that needs none has None); `_alias`, None until needed, else the version (a cell that
    all views share), for a view the tensor it is a view of, and the version at which its edge was right.

    Source: PyTorch `torch.Tensor`.

    >>> import stickonfire as torch
    >>> torch.tensor([1., 2.]) * 3
    tensor([3., 6.])
    """

    __slots__ = ("_array", "_edge", "_alias", "__dict__", "__weakref__")
    _array: Any
    _edge: Edge | None
    _alias: tuple[Any, ...] | None

    @property
    def dtype(self) -> dtype:
        """The type of the elements."""
        array = self._array
        return XP[array.__class__].dtype_of(array)

    @property
    def device(self) -> device:                                 # type: ignore[valid-type]
        """Where the elements live."""
        return BY_ARRAY[self._array.__class__].device

    @property
    def shape(self) -> Size:
        """The number of elements along each dim."""
        return tuple.__new__(Size, self._array.shape)

    @property
    def ndim(self) -> int:
        """The number of dims."""
        return self._array.ndim

    @property
    def _version(self) -> int:
        """How often the memory was written in place."""
        if self._alias is INFERENCE:
            raise RuntimeError("Inference tensors do not track version counter.")
        return 0 if self._alias is None else self._alias[0][0]

    @property
    def _base(self) -> Tensor | None:
        """The tensor that this one is a view of."""
        return None if self._alias is None else self._alias[1]


new = object.__new__


def make(array: Any, edge: Edge | None = None) -> Tensor:
    """A tensor over an array of its own."""
    t = new(Tensor)
    t._array = array
    t._edge = edge
    t._alias = INFERENCE if modes.inference else None
    return t


def make_view(array: Any, source: Tensor) -> Tensor:
    """A tensor over an array that shares the source's memory, and so its version."""
    t = new(Tensor)
    t._array = array
    t._edge = None
    alias = source._alias
    if alias is INFERENCE:
        t._alias = INFERENCE
    else:
        base = source if alias is None or alias[1] is None else alias[1]
        if source._edge is not None and base._edge is None:
            base = source                   # the graph begins at this view: for gradients it is the base
        cell = version_cell(source)
        t._alias = (cell, base, cell[0])
    return t


def version_cell(t: Tensor) -> list[int]:
    """The cell that counts the in-place writes to a tensor's memory, made when first asked for."""
    alias = t._alias
    if alias is None:
        alias = t._alias = ([0], None, 0)
    elif alias is INFERENCE:
        raise RuntimeError("Inference tensors cannot be saved for backward. Please do not use Tensors created in "
                           "inference mode in computation tracked by autograd. To work around this, you can make a "
                           "clone to get a normal tensor and use it in autograd, or use `torch.no_grad()` instead of "
                           "`torch.inference_mode()`.")
    return alias[0]


def bump(t: Tensor) -> None:
    """Counts one in-place write."""
    if t._alias is not INFERENCE:
        version_cell(t)[0] += 1


def backend_of(t: Tensor) -> Backend:
    """The backend that holds a tensor's array."""
    return BY_ARRAY[t._array.__class__]


def namespace_of(t: Tensor) -> Any:
    """The array namespace of a tensor's backend."""
    return XP[t._array.__class__]
