"""Indexing, composed of ops: scatter's and where's forms, index_put, nonzero, repeat_interleave.

Called by users as functions and methods. What sorts stands in `composite_sort.py`.
"""
from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ..core.dtypes import BOOL, INTEGER, int32, int64
from ..core.shapes import broadcast_shapes, normalize_dim
from ..ops.op import REGISTRY
from .creation import full, into, tensor
from .dispatch import dispatch
from .indexing import WHOLE, check_index
from .inplace import dispatch_inplace
from .publish import function, inplace_method
from .tensor import Tensor, make, namespace_of

WHERE, SCATTER, SCATTER_ADD, SCATTER_REDUCE, INDEX_PUT, POSITIONS = (REGISTRY[name] for name in (
    "where", "scatter_values", "scatter_add", "scatter_reduce", "index_put", "nonzero_positions"))
select_by_index = function(REGISTRY["index_select"])


def where(condition: Tensor, input: Any = None, other: Any = None, *, out: Tensor | None = None) -> Any:
    """input where the condition holds, else other; of a condition alone, the indices where it holds, as a
    tuple.

    Shape: all three broadcast.   Source: PyTorch `where`.

    >>> import stickonfire as torch
    >>> torch.where(torch.tensor([True, False]), torch.tensor([1, 2]), 0)
    tensor([1, 0])
    """
    if not isinstance(condition, Tensor):
        raise TypeError("where(): argument 'condition' (position 1) must be Tensor, not "
                        f"{type(condition).__name__}")
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if input is None or other is None:
        raise TypeError("where() received an invalid combination of arguments: give input and other, or the "
                        "condition alone")
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        input = tensor(input)
    return into(out, dispatch(WHERE, (condition, input, other), {}))


def where_method(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """The tensor where the condition holds, else other."""
    return where(condition, self, other)


def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """The indices of non-zero elements, one a row, or as a tuple of one tensor a dim. Shape: (*) -> (count,
    ndim).

    Source: PyTorch `nonzero`.

    >>> import stickonfire as torch
    >>> torch.nonzero(torch.tensor([0, 5, 7]))
    tensor([[1],
            [2]])
    """
    if as_tuple:
        rows = dispatch(POSITIONS, (input.reshape(1) if input._array.ndim == 0 else input,), {})
        return rows.unbind(1)
    return into(out, dispatch(POSITIONS, (input,), {}))


def argwhere(input: Tensor) -> Tensor:
    """The indices of non-zero elements, one a row.

    Shape: (*) -> (count, ndim).   Source: PyTorch `argwhere`.
    """
    return nonzero(input)


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None) -> Tensor:
    """`nonzero` cut or filled up to a number of rows.

    Shape: (*) -> (size, ndim).   Source: PyTorch `nonzero_static`.
    """
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, got {size}")
    rows = nonzero(input)[:size]
    filled = full((size, input._array.ndim), fill_value, dtype=int64)
    filled[:rows.shape[0]] = rows
    return into(out, filled)


def scatter_call(self: Tensor, dim: int, index: Tensor, src: Any, value: Any, reduce: str | None) -> tuple[Any, ...]:
    """The op, inputs and attributes that a call of scatter stands for."""
    source = src if value is None else value
    if source is None:
        raise TypeError("scatter() received an invalid combination of arguments: src or value is missing")
    if isinstance(source, Tensor) and value is not None:
        source = source.item()
    if reduce is None:
        return SCATTER, (self, index, source), {"dim": dim}
    if reduce not in ("add", "multiply"):
        raise RuntimeError(f"reduce argument must be either add or multiply, got {reduce}.")
    if not isinstance(source, Tensor):
        source = full(index.shape, source, dtype=self.dtype)
    if reduce == "add":
        return SCATTER_ADD, (self, index, source), {"dim": dim}
    return SCATTER_REDUCE, (self, index, source), {"dim": dim, "reduce": "prod", "include_self": True}


def scatter(input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None,
            out: Tensor | None = None) -> Tensor:
    """The input with src[i][j], or a number, put at [index[i][j]][j] for dim 0; reduce="add" or "multiply"
    combines.

    Shape: (*), (#), (#) -> (*).   Source: PyTorch `scatter`.
    """
    return into(out, dispatch(*scatter_call(input, dim, index, src, value, reduce)))


def scatter_(self: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None,
             reduce: str | None = None) -> Tensor:
    """`scatter` in place."""
    return dispatch_inplace(*scatter_call(self, dim, index, src, value, reduce))


def indices_of(self: Tensor, indices: Any) -> tuple[tuple[Any, ...], list[Tensor]]:
    """The spec and the index tensors of PyTorch's tuple of indices."""
    if not isinstance(indices, (list, tuple)):
        raise TypeError(f"index_put_(): argument 'indices' (position 1) must be tuple of Tensors, not "
                        f"{type(indices).__name__}")
    spec: list[Any] = []
    found: list[Tensor] = []
    dim = 0
    for item in indices:
        if item is None:
            spec.append(WHOLE)
            dim += 1
            continue
        item = item.bool() if str(item._array.dtype) == "uint8" else item
        if item.dtype.category > INTEGER:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        if dim >= self._array.ndim:
            raise IndexError(f"too many indices for tensor of dimension {self._array.ndim} (got {len(indices)})")
        check_index(self, item, dim)
        spec.append(True)
        found.append(item)
        dim += item._array.ndim if item.dtype.category == BOOL else 1
    return tuple(spec), found


def index_put_call(self: Tensor, indices: Any, values: Tensor, accumulate: bool) -> tuple[Any, ...]:
    spec, found = indices_of(self, indices)
    if values.dtype is not self.dtype:
        raise RuntimeError(f"Index put requires the source and destination dtypes match, got {self.dtype} for the "
                           f"destination and {values.dtype} for the source.")
    return INDEX_PUT, (self, values, *found), {"spec": spec, "accumulate": accumulate}


def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """The input with the elements at a tuple of indices replaced by, or increased by, values.

    Shape: (*) -> (*); values broadcast.   Source: PyTorch `index_put`.
    """
    return dispatch(*index_put_call(input, indices, values, accumulate))


def index_put_(self: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """`index_put` in place."""
    return dispatch_inplace(*index_put_call(self, indices, values, accumulate))


def index_reduce_call(self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str,
                      include_self: bool) -> tuple[Any, ...]:
    """index_reduce as a scatter_reduce: the index repeated over the other dims."""
    names = {"prod": "prod", "mean": "mean", "amax": "amax", "amin": "amin"}
    if reduce not in names:
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    if index._array.ndim > 1:
        raise IndexError("index_reduce(): Index is supposed to be a vector")
    if source.dtype is not self.dtype:
        raise RuntimeError(f"index_reduce(): self and source expected to have the same dtype, but got (self) "
                           f"{self.dtype} and (source) {source.dtype}")
    at, ndim = normalize_dim(dim, self._array.ndim), self._array.ndim
    length = source._array.shape[at] if source._array.ndim else 1
    if index._array.size != length:
        raise RuntimeError(f"index_reduce(): Number of indices ({index._array.size}) should be equal to "
                           f"self.size(dim) ({length})")
    if ndim:
        index = index.view([-1 if d == at else 1 for d in range(ndim)]).expand(source._array.shape)
    else:
        source, index = source.reshape(()), index.reshape(())
    return SCATTER_REDUCE, (self, index, source), {"dim": dim, "reduce": reduce, "include_self": include_self}


def index_reduce(input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True,
                 out: Tensor | None = None) -> Tensor:
    """The input with slices of source combined with those at places of a dim: prod, mean, amax, amin.

    Shape: (A, *), (M), (M, *) -> (A, *) for dim 0.   Source: PyTorch `index_reduce`.
    """
    return into(out, dispatch(*index_reduce_call(input, dim, index, source, reduce, include_self)))


def index_reduce_(self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *,
                  include_self: bool = True) -> Tensor:
    """`index_reduce` in place."""
    return dispatch_inplace(*index_reduce_call(self, dim, index, source, reduce, include_self))


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """Elements along a dim by indices that broadcast against the input. Shape: (*), (#) -> broadcast but for
    dim.

    Source: PyTorch `take_along_dim`.
    """
    if indices.dtype is not int64:
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {indices.dtype}")
    if dim is None:
        return into(out, input.reshape(-1).gather(0, indices.reshape(-1)))
    if input._array.ndim != indices._array.ndim:
        raise RuntimeError("torch.take_along_dim(): input and indices should have the same number of dimensions, but "
                           f"got {input._array.ndim} dimensions for input, and {indices._array.ndim} dimensions for "
                           "indices")
    at = normalize_dim(dim, input._array.ndim)

    def with_dim(shape: Sequence[int], n: int) -> list[int]:
        return [*shape[:at], n, *shape[at + 1:]]
    indices = where(indices < 0, indices + input._array.shape[at], indices)
    mine, theirs = input._array.shape, indices._array.shape
    both = broadcast_shapes(with_dim(mine, 1), with_dim(theirs, 1))
    return into(out, input.expand(with_dim(both, mine[at])).gather(at, indices.expand(with_dim(both, theirs[at]))))


def repeat_interleave(input: Tensor, repeats: Any = None, dim: int | None = None, *,
                      output_size: int | None = None) -> Tensor:
    """Each element (slice of a dim) repeated, as often as a number or a tensor says; of a tensor of repeats
    alone,
    the index of what to repeat.

    Shape: (A, *) -> (sum of repeats, *) for dim 0.   Source: PyTorch `repeat_interleave`.

    >>> import stickonfire as torch
    >>> torch.repeat_interleave(torch.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    """
    if repeats is None:
        return repeated(input, input._array.size, output_size)
    if dim is None:
        input, dim = input.reshape(-1), 0
    at = normalize_dim(dim, input._array.ndim)
    size = input._array.shape[at] if input._array.ndim else 1
    if not isinstance(repeats, Tensor):
        repeats = tensor(repeats)
    if repeats._array.ndim == 0 or repeats._array.size == 1 != size:
        repeats = repeats.reshape(-1).expand(size)
    if repeats._array.size != size:
        raise RuntimeError("repeats must have the same size as input along dim, but got repeats.size(0) = "
                           f"{repeats._array.size} and input.size({dim}) = {size}")
    return select_by_index(input, at, repeated(repeats, size, output_size))


def repeated(repeats: Tensor, size: int, output_size: int | None) -> Tensor:
    """The index that repeats each of `size` places."""
    if repeats._array.ndim != 1:
        raise NotImplementedError("repeat_interleave only accept 1D vector as repeat")
    if repeats.dtype not in (int32, int64):
        raise NotImplementedError(f'"repeat_interleave_cpu" not implemented for {repeats.dtype}: repeats has to be '
                                  'Long or Int '
                                  "tensor")
    if repeats._array.size and repeats._array.min() < 0:
        raise RuntimeError("repeats can not be negative")
    xp = namespace_of(repeats)
    places = xp.repeat(xp.arange(size), repeats._array)
    if output_size is not None and places.size != output_size:
        raise RuntimeError(f"repeat_interleave: Allocated size does not match required size: output_size is "
                           f"{output_size}, the repeats add up to {places.size}")
    return make(places)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All combinations of r elements of a vector, one a row. Shape: (N) -> (count, r).

    Source: PyTorch `combinations`.

    >>> import stickonfire as torch
    >>> torch.combinations(torch.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    if input._array.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = [i for row in choose(range(input._array.shape[0]), r) for i in row]
    return select_by_index(input, 0, tensor(places, dtype=int64)).reshape(-1, r)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Row-major positions in a shape as one tensor of indices a dim. Shape: (*) -> n x (*).

    Source: PyTorch `unravel_index`.
    """
    if not isinstance(indices, Tensor) or indices.dtype.category != INTEGER:
        raise TypeError("expected 'indices' to be integer dtype, but got "
                         f"{indices.dtype if isinstance(indices, Tensor) else type(indices).__name__}")
    sizes = (int(shape),) if isinstance(shape, (int, Tensor)) and not getattr(shape, "ndim", 0) else tuple(
        [int(n) for n in shape])
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    result: list[Tensor] = []
    for n in reversed(sizes):
        result.append(indices % n)
        indices = indices.div(n, rounding_mode="floor")
    return tuple(reversed(result))


def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Sets the elements whose indices are all equal to a number, in place; with `wrap` a tall matrix has
    several
    diagonals.

    Source: PyTorch `Tensor.fill_diagonal_`.
    """
    shape, ndim = self._array.shape, self._array.ndim
    if ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if ndim > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    step, start, size = sum(self.stride()), self.storage_offset(), min(shape)
    self.as_strided((size,), (step,), start).fill_(fill_value)
    if wrap and ndim == 2 and shape[0] > shape[1] + 1:
        more = -(-self._array.size // (shape[1] + 1)) - size
        self.as_strided((more,), (step,), start + self.stride(0) * (shape[1] + 1)).fill_(fill_value)
    return self


FUNCTIONS = (where, nonzero, argwhere, nonzero_static, scatter, index_put, index_reduce, take_along_dim,
             repeat_interleave, combinations, unravel_index)
ALIASES = {"fill_": inplace_method(REGISTRY["fill"]), "zero_": inplace_method(REGISTRY["zero"])}
METHODS: dict[str, Callable[..., Any]] = {f.__name__: f for f in (
    nonzero, argwhere, nonzero_static, scatter, scatter_, index_put, index_put_, index_reduce, index_reduce_,
    take_along_dim, repeat_interleave)}
METHODS |= {"where": where_method, "fill_diagonal_": fill_diagonal_}
