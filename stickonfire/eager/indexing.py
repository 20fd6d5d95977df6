"""`x[...]` and `x[...] = value`: PyTorch's order of things.

Ints, slices, None and `...` are taken first and give a view; index tensors and masks then pick from
that view (this is where PyTorch differs from NumPy, which treats ints as index arrays).
"""
from __future__ import annotations

import numbers
from typing import Any

from ..core import dtypes
from ..core.dtypes import BOOL, INTEGER
from ..core.state import SPECIAL_LEVEL, modes
from ..ops.index import BASIC
from ..ops.op import REGISTRY
from .creation import tensor
from .dispatch import dispatch
from .inplace import dispatch_inplace
from .publish import general
from .specialize import specialized
from .tensor import Tensor, backend_of, bump, make, namespace_of

WHOLE = slice(None)
INDEX, INDEX_PUT, COPY, FILL = (REGISTRY[name] for name in ("index", "index_put", "copy", "fill_with"))
STEPS = {step: specialized(op, general) for step, op in BASIC.items()}
take_rows, insert_dim = (specialized(REGISTRY[name], general) for name in ("index_rows", "unsqueeze"))


def getitem(self: Tensor, index: Any) -> Tensor:
    """Part of a tensor: a view for ints, slices, None and `...`; a copy for index tensors and masks.

    The common kinds are sorted out here; what is unusual or wrong goes to `read`.

    Raises: IndexError for an index out of range, too many indices, or a mask of another shape; ValueError for
    a
    negative step; TypeError for what is no index.
    """
    try:
        kind = index.__class__
        if kind is int:
            if self._array.ndim:
                return STEPS["Select"](self, (index, ...))
        elif index is None:
            return insert_dim(self, 0)
        elif kind is tuple or kind is slice:
            parts = index if kind is tuple else (index,)
            step = simple_step(parts, self._array.shape)
            if step:
                return STEPS[step](self, parts if Ellipsis in parts else (*parts, ...))
        elif kind is Tensor and index.dtype is dtypes.int64 and index._array.ndim and self._array.ndim:
            return take_rows(self, index, 0)
    except IndexError:
        pass                    # the slow way says what is wrong
    return read(self, index)


def simple_step(index: tuple[Any, ...], shape: tuple[int, ...]) -> str:
    """PyTorch's name of the last step of an index of ints, slices, None and `...`; empty for any other index.
    """
    step, dim = "Alias", 0
    for part in index:
        kind = part.__class__
        if kind is int:
            step = "Select"
        elif kind is slice:
            if part != WHOLE:
                for n in (part.start, part.stop, part.step):
                    if n is not None and n.__class__ is not int:
                        return ""
                if part.step is not None and part.step <= 0:
                    return ""
                if not (dim < len(shape) and covers(part, shape[dim])):
                    step = "Slice"
        elif part is None:
            step = "Unsqueeze"
            continue
        elif part is Ellipsis:
            if dim >= FAR:
                return ""
            dim = FAR
            continue
        else:
            return ""
        dim += 1
    return step


FAR = 1000          # past any dim: after `...` a slice's dim is not counted


def read(self: Tensor, index: Any) -> Tensor:
    """`x[index]` for any index."""
    simple, spec, indices, step = parse(self, index)
    view = self if simple is None else basic(self, simple, step)
    if not indices:
        return basic(self, (...,), "Alias") if view is self else view
    return dispatch(INDEX, (view, *indices), {"spec": spec})


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """Writes to part of a tensor, in place. The value is broadcast and cast.

    Raises: as indexing does; RuntimeError if the value's shape does not fit.
    """
    if modes.level == SPECIAL_LEVEL or not written_outright(self, index, value):
        write(self, index, value)


def written_outright(self: Tensor, index: Any, value: Any) -> bool:
    """Writes where nothing is recorded and nothing can go wrong; False if it has to be looked at more
    closely.
    """
    kind = index.__class__
    if kind is Tensor:
        if not index._array.ndim or index.dtype is not dtypes.int64 and index.dtype is not dtypes.bool_:
            return False
        where_ = index._array
    elif kind is int or kind is slice or kind is tuple:
        parts = index if kind is tuple else (index,)
        if not simple_step(parts, self._array.shape):
            return False
        where_ = index
    else:
        return False
    alias, array = self._alias, self._array
    if self._edge is not None or 0 in array.strides:
        return False
    if alias is not None and (alias[0] is None or alias[1] is not None):
        return False
    if value.__class__ is Tensor:
        source = value._array
        if value._edge is not None or source.dtype != array.dtype:
            return False
    elif value.__class__ in (int, bool) or value.__class__ is float and -3e38 < value < 3e38:
        source = value
    else:
        return False
    try:
        array[where_] = source
    except (IndexError, ValueError, OverflowError):
        return False
    bump(self)
    return True


def write(self: Tensor, index: Any, value: Any) -> None:
    """`x[index] = value` for any index and value."""
    simple, spec, indices, step = parse(self, index)
    source = as_value(self, value)
    if source._array.ndim == 0 and isinstance(index, Tensor) and index.dtype is dtypes.uint8:
        raise RuntimeError("masked_fill_ only supports boolean masks, but got mask with dtype unsigned char. "
                           "Convert it with .bool()")
    view = self if simple is None else basic(self, simple, step)
    if not indices:
        if source._array.ndim:
            dispatch_inplace(COPY, (view, trimmed(source, view._array.ndim)), {"non_blocking": False})
        else:
            dispatch_inplace(FILL, (view, source), {})
        return
    if index is False:
        return
    put = {"spec": spec, "accumulate": False}
    picked = view._array[tuple([next_array(i) for i in filled(spec, indices)])].shape if source._array.ndim > 1 else ()
    if source._array.ndim > len(picked) > 0:
        source = trimmed(source, len(picked))
    dispatch_inplace(INDEX_PUT, (view, source, *indices), put)


def next_array(i: Any) -> Any:
    return i._array if isinstance(i, Tensor) else i


def filled(spec: tuple[Any, ...], indices: list[Tensor]) -> list[Any]:
    rest = iter(indices)
    return [next(rest) if part is True else part for part in spec]


def as_value(self: Tensor, value: Any) -> Tensor:
    """What is assigned, as a tensor."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, numbers.Number):
        xp = namespace_of(self)
        if isinstance(value, complex) and not self.dtype.is_complex:
            raise RuntimeError(f"value cannot be converted to type {self.dtype} without overflow")
        return make(xp.cast(xp.asarray(value), self.dtype))
    if hasattr(value, "__array__"):
        return tensor(value)
    raise TypeError(f"can't assign a {type(value).__name__} to a {self.dtype} tensor")


def trimmed(source: Tensor, ndim: int) -> Tensor:
    """The value without leading dims of size 1 beyond the target's."""
    extra = source._array.ndim - ndim
    if extra <= 0 or any(n != 1 for n in source._array.shape[:extra]):
        return source
    return source.reshape(source._array.shape[extra:])


def basic(self: Tensor, index: tuple[Any, ...], step: str) -> Tensor:
    """The view at ints, slices, None and `...`."""
    try:
        return dispatch(BASIC[step], (self,), {"index": (*index, ...) if Ellipsis not in index else index})
    except IndexError:
        raise out_of_range(self, index) from None


def out_of_range(self: Tensor, index: tuple[Any, ...]) -> IndexError:
    """PyTorch's message for a bad index."""
    shape = self._array.shape
    if not shape:
        return IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
                          "`tensor.item<T>()` in C++ to "
                          "convert a 0-dim tensor to a number")
    used = [i for i in index if i is not None and i is not Ellipsis]
    if len(used) > len(shape):
        return IndexError(f"too many indices for tensor of dimension {len(shape)}: got {len(used)} for shape "
                          f"{list(shape)}")
    dim = 0
    for i in index:
        if i is Ellipsis:
            dim = len(shape) - sum(1 for j in index[index.index(Ellipsis) + 1:] if j is not None)
        elif i is not None:
            if not isinstance(i, slice) and not -shape[dim] <= i < shape[dim]:
                return IndexError(f"index {i} is out of bounds for dimension {dim} with size {shape[dim]}. The "
                                  f"tensor has shape {list(shape)}")
            dim += 1
    return IndexError(f"index {index} is out of bounds for shape {list(shape)}")


def parse(self: Tensor, index: Any) -> tuple[tuple[Any, ...] | None, tuple[Any, ...], list[Tensor], str]:
    """Splits an index into a basic one (None if it changes nothing), and index tensors with their places.

    Also returns the name of PyTorch's last basic step.
    """
    items = as_items(index)
    consumed = sum([width(item) for item in items])
    ndim = self._array.ndim
    if consumed > ndim:
        raise out_of_range(self, tuple([0 if not isinstance(i, slice) else i for i in items for _ in range(width(i))]))
    simple: list[Any] = []
    spec: list[Any] = []
    indices: list[Tensor] = []
    step, seen_ellipsis, dim = "Alias", False, 0
    for item in items:
        if item is Ellipsis:
            if seen_ellipsis:
                continue
            seen_ellipsis = True
            rest = ndim - consumed
            simple += [WHOLE] * rest
            spec += [WHOLE] * rest
            dim += rest
        elif item is None:
            simple.append(None)
            spec.append(WHOLE)
            step = "Unsqueeze"
        elif isinstance(item, Tensor):
            check_index(self, item, dim)
            simple += [WHOLE] * item._array.ndim if item.dtype.category == BOOL else [WHOLE]
            if item.dtype.category == BOOL and item._array.ndim == 0:
                simple.append(None)
                item = item.reshape(1)
            spec.append(True)
            indices.append(item)
            dim += width(item)
        elif isinstance(item, slice):
            whole = covers(item, self._array.shape[dim])
            simple.append(WHOLE if whole else item)
            spec.append(WHOLE)
            if not whole:
                step = "Slice"
            dim += 1
        else:
            simple.append(item)
            step = "Select"
            dim += 1
    unchanged = step == "Alias" and all(item == WHOLE for item in simple)
    while spec and spec[-1] is WHOLE:
        spec.pop()
    return None if unchanged else tuple(simple), tuple(spec), indices, step


def as_items(index: Any) -> list[Any]:
    """The parts of an index, each an int, slice, None, `...` or index tensor."""
    if not isinstance(index, tuple):
        index = (index,)
    return [as_item(part) for part in index]


def as_item(part: Any) -> Any:
    if part is None or part is Ellipsis or part.__class__ is int:
        return part
    if isinstance(part, slice):
        return as_slice(part)
    if isinstance(part, bool):
        return tensor(part)
    if isinstance(part, Tensor):
        if part.dtype.category == INTEGER and part._array.ndim == 0 and part.dtype is not dtypes.uint8 and \
                readable(part):
            return int(part.item())
        if part.dtype is dtypes.uint8:
            return part.bool()
        if part.dtype.category > INTEGER:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors, not "
                             f"{part.dtype}. Convert with .long()")
        return part if part.dtype.category == BOOL or part.dtype is dtypes.int64 else part.long()
    if hasattr(part, "__index__") and not (getattr(part, "ndim", 0) or str(getattr(part, "dtype", "")) == "bool"):
        return part.__index__()
    if isinstance(part, str):
        raise TypeError("new(): invalid data type 'str'. Index with ints, slices or tensors")
    if isinstance(part, (list, tuple, range)) or hasattr(part, "__array__"):
        made = tensor(list(part) if isinstance(part, range) else part)
        return as_item(made.long() if made._array.size == 0 else made)
    raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are "
                     f"valid indices (got {type(part).__name__})")


def readable(t: Tensor) -> bool:
    """Whether a tensor has elements of its own to look at; one under vmap stands for many."""
    return backend_of(t).array_type is t._array.__class__


def as_slice(part: slice) -> slice:
    """A slice with plain ints.

    Raises: ValueError for a step that is not positive.
    """
    start, stop, step = [n if n is None else n.__index__() for n in (part.start, part.stop, part.step)]
    if step is not None and step <= 0:
        raise ValueError("step must be greater than zero")
    return slice(start, stop, step)


def covers(item: slice, size: int) -> bool:
    """Whether a slice takes a whole dim."""
    return item.indices(size) == (0, size, 1)


def width(item: Any) -> int:
    """How many dims an index consumes."""
    if item is None or item is Ellipsis:
        return 0
    return item._array.ndim if isinstance(item, Tensor) and item.dtype.category == BOOL else 1


def check_index(self: Tensor, item: Tensor, dim: int) -> None:
    """Raises IndexError for a mask of another shape, or indices out of range."""
    shape, index = self._array.shape, item._array
    if item.dtype.category == BOOL:
        for i, n in enumerate(index.shape):
            if n != shape[dim + i]:
                raise IndexError(f"The shape of the mask {list(index.shape)} at index {i} does not match the "
                                 f"shape of the indexed tensor {list(shape)} at index {dim + i}")
    elif index.size:
        low, high, size = int(index.min()), int(index.max()), shape[dim]
        if low < -size or high >= size:
            raise IndexError(f"index {low if low < -size else high} is out of bounds for dimension {dim} "
                             f"with size {size}")


def delitem(self: Tensor, index: Any) -> None:
    """Raises TypeError: a tensor's elements cannot be deleted."""
    raise TypeError("Tensor does not support deleting items")


METHODS = {"__getitem__": getitem, "__setitem__": setitem, "__delitem__": delitem}
