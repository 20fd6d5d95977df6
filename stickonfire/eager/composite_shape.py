"""Shapes, composed of ops: splitting, stacking, grids, triangles, and the in-place forms of view ops.

Called by users as functions and methods. What indexes or sorts stands in `composite_index.py`, the
`_copy` forms of view ops in `composite_copies.py`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..backends.base import backend_for
from ..core import shapes
from ..core.dtypes import INTEGER, int64
from ..core.shapes import Size, flatten_sizes, normalize_dim
from ..ops.index import BASIC
from ..ops.op import REGISTRY
from .binding import bind, is_integer
from .creation import into
from .dispatch import dispatch
from .graph import AccumulateGrad
from .publish import function, ready_function
from .tensor import Tensor, bump, make
from .views import check_writable, current_edge

WHOLE = slice(None)
transpose = function(REGISTRY["transpose"])
joined = ready_function(REGISTRY["flatten"])
flip, repeat, diagonal, diag_embed = (function(REGISTRY[name]) for name in ("flip", "repeat", "diagonal", "diag_embed"))


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Two dims swapped.

    Shape: (..., A, ..., B, ...) -> (..., B, ..., A, ...).   Source: PyTorch `swapaxes`.
    """
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dims swapped.

    Shape: (..., A, ..., B, ...) -> (..., B, ..., A, ...).   Source: PyTorch `swapdims`.
    """
    return transpose(input, dim0, dim1)


def basic(input: Tensor, step: str, dim: int, part: Any) -> Tensor:
    """The view at an int or a slice of one dim."""
    return dispatch(BASIC[step], (input,), {"index": (*(WHOLE,) * dim, part, ...)})


def needs_dims(name: str, input: Tensor) -> None:
    if input._array.ndim == 0:
        raise IndexError(f"{name}() cannot be applied to a 0-dim tensor. unsqueeze(0) it first")


def select(input: Tensor, dim: int, index: Any) -> Tensor:
    """One slice of a dim, without it: a view. Shape: (A, *) -> (*) for dim 0.   Source: PyTorch `select`."""
    needs_dims("select", input)
    at, index = normalize_dim(dim, input._array.ndim), int(index)
    size = input._array.shape[at]
    if not -size <= index < size:
        raise IndexError(f"select(): index {index} out of range for tensor of size "
                         f"{list(input._array.shape)} at dimension {dim}")
    return basic(input, "Select", at, index)


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """Part of a dim, from start on: a view. Shape: (A, *) -> (length, *) for dim 0.
    Source: PyTorch `narrow`.

    >>> import stickonfire as torch
    >>> torch.narrow(torch.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    if input._array.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, Tensor) and (start._array.ndim or start.dtype.category != INTEGER):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    at, start = normalize_dim(dim, input._array.ndim), int(start)
    size = input._array.shape[at]
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -size <= start <= size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {start})")
    start += size if start < 0 else 0
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return basic(input, "Slice", at, slice(start, start + length))


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Consecutive parts of a dim, of one size (the last may be smaller) or of the given sizes: views.

    Shape: (A, *) -> n x (a_i, *).   Source: PyTorch `split`.
    """
    if isinstance(split_size_or_sections, (list, tuple)):
        return dispatch(REGISTRY["split_with_sizes"], (tensor,), {"split_sizes": split_size_or_sections, "dim": dim})
    if not is_integer(split_size_or_sections):
        raise TypeError("split(): argument 'split_size' (position 2) must be int or tuple of ints, not "
                        f"{type(split_size_or_sections).__name__}")
    return dispatch(REGISTRY["split"], (tensor,), {"split_size": int(split_size_or_sections), "dim": dim})


def split_method(self: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """`split` as a method."""
    return split(self, split_size, dim)


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` parts of a dim of equal size, the last may be smaller: views.

    Shape: (A, *) -> n x (ceil(A / chunks), *).   Source: PyTorch `chunk`.

    >>> import stickonfire as torch
    >>> torch.chunk(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if input._array.ndim == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input._array.shape[normalize_dim(dim, input._array.ndim)]
    return split(input, -(-size // chunks), dim) if size else split(input, [0] * chunks, dim)


def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """A dim cut at indices, or into sections as equal as possible: views.

    Shape: (A, *) -> n x (a_i, *).   Source: PyTorch `tensor_split`.
    """
    if input._array.ndim == 0:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    at = normalize_dim(dim, input._array.ndim)
    size = input._array.shape[at]
    if isinstance(indices_or_sections, Tensor):
        if indices_or_sections._array.ndim > 1 or indices_or_sections.dtype is not int64:
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                               f"one-dimensional tensor of int64, but got {indices_or_sections._array.ndim} dims of "
                               f"{indices_or_sections.dtype}")
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, int):
        if indices_or_sections <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {indices_or_sections}")
        least, more = divmod(size, indices_or_sections)
        cuts = [least * i + min(i, more) for i in range(1, indices_or_sections)]
    else:
        cuts = list(indices_or_sections)
    return tuple([basic(input, "Slice", at, slice(a, b)) for a, b in zip([0, *cuts], [*cuts, size])])


def splitter(name: str, least: int, dim: int) -> Callable[..., tuple[Tensor, ...]]:
    """`hsplit`, `vsplit` or `dsplit`: tensor_split along a fixed dim, into equal sections only."""
    def made(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
        ndim = input._array.ndim
        if ndim < least:
            raise RuntimeError(f"torch.{name} requires a tensor with at least {least} "
                               f"dimension{'s'[:least > 1]}, but "
                               f"got a tensor with {ndim} dimensions!")
        at = 0 if ndim == 1 else dim
        size = input._array.shape[at]
        if isinstance(indices_or_sections, int) and (not indices_or_sections or size % indices_or_sections):
            raise RuntimeError(f"torch.{name} attempted to split along dimension {at}, but the size of the dimension "
                               f"{size} is not divisible by the split_size {indices_or_sections}!")
        return tensor_split(input, indices_or_sections, at)
    made.__name__ = made.__qualname__ = name
    made.__doc__ = f"`tensor_split` along dim {dim}, into equal sections or at indices.   Source: PyTorch `{name}`."
    return made


hsplit, vsplit, dsplit = splitter("hsplit", 1, 1), splitter("vsplit", 2, 0), splitter("dsplit", 3, 2)


def unsafe_split(input: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`split`.   Source: PyTorch `unsafe_split`."""
    return split(input, split_size, dim)


def unsafe_split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """`split` into given sizes.   Source: PyTorch `unsafe_split_with_sizes`."""
    return split(input, list(split_sizes), dim)


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`chunk`.   Source: PyTorch `unsafe_chunk`."""
    return chunk(input, chunks, dim)


def gathered(tensors: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """The tensors of `f(a, b)` or `f([a, b])`."""
    return tuple(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded to their common shape: views, or the tensors themselves. Shape: n x (*) -> n x broadcast.

    Source: PyTorch `broadcast_tensors`.
    """
    tensors = gathered(tensors)
    shape = shapes.broadcast_shapes(*[t._array.shape for t in tensors])
    return tuple([t if t._array.shape == shape else t.expand(shape) for t in tensors])


def broadcast_shapes(*sizes: Any) -> Size:
    """The shape that all the given shapes expand to.   Source: PyTorch `broadcast_shapes`."""
    given = [(n,) if isinstance(n, int) else tuple(n) for n in sizes]
    for n in [n for shape in given for n in shape]:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension ({n}): ({n})")
    return Size(shapes.broadcast_shapes(*given))


def tile(input: Tensor, *dims: Any) -> Tensor:
    """The tensor repeated along its last dims, as many as given, else along more. Shape: (A, B) -> (A * d0, B * d1).

    Source: PyTorch `tile`.
    """
    if not dims:
        raise TypeError('tile() missing 1 required positional arguments: "dims"')
    if len(dims) == 1 and not isinstance(dims[0], int):
        dims = tuple(dims[0])
    return repeat(input, (1,) * (input._array.ndim - len(dims)) + tuple(dims))


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """The tensor turned by k quarters in the plane of two dims. Shape: (A, B) -> (B, A) for odd k.

    Source: PyTorch `rot90`.
    """
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    ndim = input._array.ndim
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == ndim:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    first, second = (normalize_dim(d, ndim) for d in dims)
    k %= 4
    if k == 0:
        return input.clone()
    if k == 2:
        return flip(input, (first, second))
    turned = flip(input, (second if k == 1 else first,))
    return transpose_(turned, first, second)


def fliplr(input: Tensor) -> Tensor:
    """The columns in reverse order. Shape: (A, B, *) -> (A, B, *).   Source: PyTorch `fliplr`."""
    if input._array.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, (1,))


def flipud(input: Tensor) -> Tensor:
    """The rows in reverse order. Shape: (A, *) -> (A, *).   Source: PyTorch `flipud`."""
    if input._array.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, (0,))


def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The matrix with a vector on a diagonal, or a copy of the diagonal of a matrix. Shape: (N) -> (N, N).

    Source: PyTorch `diag`.
    """
    if input._array.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input._array.ndim}D")
    if input._array.ndim == 1:
        return into(out, diag_embed(input, diagonal))
    return into(out, input.diagonal(diagonal).clone())


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements on a diagonal. Shape: (*) -> (N, N).   Source: PyTorch `diagflat`."""
    return diag_embed(input.reshape(-1), offset)


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy with one slice of a dim replaced. Shape: (A, *), (*) -> (A, *) for dim 0.

    Source: PyTorch `select_scatter`.
    """
    at = normalize_dim(dim, input._array.ndim)
    size = input._array.shape[at]
    if not -size <= index < size:
        raise IndexError(f"select_scatter(): index {index} out of range for tensor of size {list(input._array.shape)} "
                         f"at dimension {dim}")
    return dispatch(REGISTRY["replaced"], (input, src), {"index": (*(WHOLE,) * at, index, ...)})


def slice_scatter(input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None,
                  step: int = 1) -> Tensor:
    """A copy with a slice start:end:step of a dim replaced. Shape: (A, *), (a, *) -> (A, *) for dim 0.

    Source: PyTorch `slice_scatter`.
    """
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    at = normalize_dim(dim, input._array.ndim)
    return dispatch(REGISTRY["replaced"], (input, src), {"index": (*(WHOLE,) * at, slice(start, end, step), ...)})


def triangle(name: str) -> Callable[..., Tensor]:
    """`tril_indices` or `triu_indices`."""
    def made(row: int, col: int, offset: int = 0, *, dtype: Any = None, layout: Any = None, device: Any = None,
             pin_memory: bool = False) -> Tensor:
        if row < 0 or col < 0:
            raise RuntimeError(f"{name}: row and col must be non-negative, got {row} and {col}")
        xp = backend_for(device).xp
        return make(xp.cast(xp.stack(getattr(xp, name)(row, offset, col)), dtype or int64))
    made.__name__ = made.__qualname__ = name
    made.__doc__ = f"Row and column indices of a triangle of a matrix. Shape: (2, n).   Source: PyTorch `{name}`."
    return made


tril_indices, triu_indices = triangle("tril_indices"), triangle("triu_indices")


def sum_to_size(self: Tensor, *size: Any) -> Tensor:
    """The tensor summed over dims until it has a shape that expands to its own. Shape: (*) -> size.

    Source: PyTorch `Tensor.sum_to_size`.
    """
    target, shape = flatten_sizes(size), self._array.shape
    if not target:
        return self.sum()
    extra = len(shape) - len(target)
    if extra < 0 or any(n not in (1, m) for n, m in zip(target, shape[extra:])):
        raise RuntimeError(f"size {{{list(target)}}} is not expandable to size {{{list(shape)}}}.")
    dims = [*range(extra), *[d + extra for d, n in enumerate(target) if n == 1 != shape[d + extra]]]
    return self.sum(dims, keepdim=True).view(target) if dims else self


def adjoint(input: Tensor) -> Tensor:
    """The conjugate transpose of each matrix. Shape: (*, A, B) -> (*, B, A).   Source: PyTorch `adjoint`."""
    return input.adjoint()


def reshaper(name: str) -> Callable[..., Tensor]:
    """`transpose_`, `squeeze_` ...: a view op whose view takes the tensor's place."""
    op = REGISTRY[name]

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        inputs, attrs = bind(op, (self, *args), kwargs)
        edge = current_edge(self)
        view = dispatch(op, inputs, attrs)
        if view._edge is not None:
            check_writable(self, edge)
            self._edge = view._edge
        elif isinstance(edge, AccumulateGrad):          # a leaf under no_grad: it stays one, in its new shape
            edge.shape, edge.array = view._array.shape, view._array
        self._array = view._array
        bump(self)
        if self._base is not None:
            cell = self._alias[0]                       # type: ignore[index]
            self._alias = (cell, self._base, cell[0])
        return self
    method.__name__ = method.__qualname__ = name + "_"
    method.__doc__ = f"`{name}` in place: the tensor itself changes its shape, its memory stays."
    return method


transpose_, squeeze_, unsqueeze_, t_, as_strided_ = (
    reshaper(name) for name in ("transpose", "squeeze", "unsqueeze", "t", "as_strided"))




def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dims start_dim to end_dim as one; the tensor itself if that is a single dim.

    Shape: (A, B, C) -> (A, B * C) for start_dim=1.   Source: PyTorch `flatten`.

    >>> import stickonfire as torch
    >>> torch.ones(2, 3, 4).flatten(1).shape
    torch.Size([2, 12])
    """
    ndim = input._array.ndim
    if ndim and normalize_dim(start_dim, ndim) == normalize_dim(end_dim, ndim):
        return input
    return joined(input, start_dim, end_dim)


FUNCTIONS = (flatten, swapaxes, swapdims, select, narrow, split, chunk, tensor_split, hsplit, vsplit, dsplit,
             unsafe_split,
             unsafe_split_with_sizes, unsafe_chunk, broadcast_tensors, broadcast_shapes, tile, rot90, fliplr, flipud,
             diag, diagflat, select_scatter, slice_scatter, tril_indices, triu_indices, adjoint)
METHODS = {f.__name__: f for f in (flatten, swapaxes, swapdims, select, narrow, chunk, tensor_split, hsplit, vsplit,
                                   dsplit,
                                   unsafe_split, unsafe_split_with_sizes, unsafe_chunk, tile, rot90, fliplr, flipud,
                                   diag, diagflat, select_scatter, slice_scatter, sum_to_size, transpose_, squeeze_,
                                   unsqueeze_, t_, as_strided_)}
METHODS |= {"split": split_method, "swapaxes_": transpose_, "swapdims_": transpose_}
