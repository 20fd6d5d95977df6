"""Tensors put together: cat and stack, which every training step calls, and what is made of them.

Called by users as functions. `cat` and `stack` have a short way where nothing is recorded.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..backends.base import XP
from ..core import state
from ..ops.op import REGISTRY
from .composite_shape import gathered
from .dispatch import dispatch
from .publish import general
from .tensor import Tensor, make

CAT, STACK, PAD = REGISTRY["cat"], REGISTRY["stack"], REGISTRY["constant_pad_nd"]


def outright(tensors: Any) -> list[Any] | None:
    """The arrays of the tensors, if all have one dtype and nothing is to be recorded."""
    if not state.plain or tensors.__class__ not in (list, tuple) or not tensors:
        return None
    arrays, native = [], None
    for t in tensors:
        if t.__class__ is not Tensor or t._edge is not None or t._alias is not None and t._alias[1] is not None:
            return None
        array = t._array
        if native is None:
            native = array.dtype
        elif array.dtype is not native:
            return None
        arrays.append(array)
    return arrays


def cat(tensors: Any, dim: int = 0, **others: Any) -> Tensor:
    arrays = outright(tensors) if not others and dim.__class__ is int else None
    if arrays is None:
        return general(CAT, (tensors,) if "axis" in others else (tensors, dim), others)
    return make(CAT.forward(XP[arrays[0].__class__], arrays, dim))


def stack(tensors: Any, dim: int = 0, **others: Any) -> Tensor:
    arrays = outright(tensors) if not others and dim.__class__ is int else None
    if arrays is None:
        return general(STACK, (tensors,) if "axis" in others else (tensors, dim), others)
    return make(STACK.forward(XP[arrays[0].__class__], arrays, dim))


cat.__doc__, stack.__doc__ = CAT.__doc__, STACK.__doc__


def concat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None, out: Tensor | None = None) -> Tensor:
    """`cat`.   Source: PyTorch `concat`."""
    return cat(tensors, dim if axis is None else axis, out=out)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The grid of all combinations of vectors' elements, one tensor of coordinates a vector: views.

    Shape: (A), (B) -> 2 x (A, B); with indexing="xy" 2 x (B, A).   Source: PyTorch `meshgrid`.
    """
    vectors = [t.reshape(-1) if t._array.ndim == 0 else t for t in gathered(tensors)]
    if not vectors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for t in vectors:
        if t._array.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {list(t.shape)}")
        if t.dtype is not vectors[0].dtype:
            raise RuntimeError("torch.meshgrid expects all tensors to have the same dtype")
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    swap = indexing == "xy" and len(vectors) > 1
    if swap:
        vectors[:2] = vectors[1::-1]
    shape = [t._array.shape[0] for t in vectors]
    grids = [t.view((1,) * i + (-1,) + (1,) * (len(shape) - i - 1)).expand(shape) for i, t in enumerate(vectors)]
    if swap:
        grids[:2] = grids[1::-1]
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of vectors' elements, one a row. Shape: n x (A_i) -> (A_1 * ... * A_n, n).

    Source: PyTorch `cartesian_prod`.
    """
    for t in tensors:
        if t._array.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(t.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([grid.reshape(-1) for grid in meshgrid(*tensors, indexing="ij")], 1)


def block_diag(*tensors: Tensor) -> Tensor:
    """The matrices along the diagonal of one matrix, zeros elsewhere. Shape: n x (A_i, B_i) -> (sum A, sum
    B).

    Source: PyTorch `block_diag`.
    """
    for t in tensors:
        if t._array.ndim > 2:
            raise RuntimeError(f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Got {t._array.ndim}")
    blocks = [atleast_2d(t) for t in tensors]
    width, left, rows = sum([b._array.shape[1] for b in blocks]), 0, []
    for b in blocks:
        right = width - left - b._array.shape[1]
        rows.append(dispatch(PAD, (b,), {"pad": (left, right), "value": 0}))
        left += b._array.shape[1]
    return cat(rows, 0)


def raised(least: int) -> Callable[..., Any]:
    """`atleast_1d`, `atleast_2d` or `atleast_3d`."""
    def one(t: Tensor) -> Tensor:
        ndim = t._array.ndim
        if ndim >= least:
            return t
        if ndim == 0:
            return t.reshape((1,) * least)
        return t.unsqueeze(0) if least == 2 else t.unsqueeze(0).unsqueeze(-1) if ndim == 1 else t.unsqueeze(-1)

    def made(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], Tensor):
            return one(tensors[0])
        return tuple([one(t) for t in gathered(tensors)])
    made.__name__ = made.__qualname__ = f"atleast_{least}d"
    made.__doc__ = f"Each tensor as a view with at least {least} dims.   Source: PyTorch `{made.__name__}`."
    return made


atleast_1d, atleast_2d, atleast_3d = raised(1), raised(2), raised(3)


def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors side by side: joined along dim 1, vectors along dim 0.   Source: PyTorch `hstack`."""
    raised_ones = listed("hstack", tensors, atleast_1d)
    return cat(raised_ones, 0 if raised_ones[0]._array.ndim == 1 else 1, out=out)


def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors one below the other: joined along dim 0, vectors as rows.   Source: PyTorch `vstack`."""
    return cat(listed("vstack", tensors, atleast_2d), 0, out=out)


def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors one behind the other: joined along dim 2.   Source: PyTorch `dstack`."""
    return cat(listed("dstack", tensors, atleast_3d), 2, out=out)


def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors side by side, vectors as columns.   Source: PyTorch `column_stack`."""
    columns = listed("column_stack", tensors, lambda t: t.reshape(-1, 1) if t._array.ndim <= 1 else t)
    return cat(columns, 1, out=out)


def listed(name: str, tensors: Any, change: Callable[..., Any]) -> list[Tensor]:
    """The tensors to join, changed one by one."""
    if isinstance(tensors, Tensor):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")
    if not tensors:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return [change(t) for t in tensors]


FUNCTIONS = (cat, stack, concat, meshgrid, cartesian_prod, block_diag, atleast_1d, atleast_2d, atleast_3d, hstack,
             vstack, dstack, column_stack)
ALIASES = {"row_stack": vstack, "concatenate": concat}
METHODS: dict[str, Callable[..., Any]] = {}
