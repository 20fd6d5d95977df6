"""PyTorch's old constructors: `torch.Tensor(2, 3)`, `torch.FloatTensor([1, 2])`, `t.new(3)`, `torch.range(1, 4)`.

Sizes give unwritten memory, data is copied. New programs write `torch.empty` and `torch.tensor`.
"""
from __future__ import annotations

import math
import warnings
from typing import Any

from ..backends.base import backend_for
from ..core import dtypes, state
from ..core.config import switches
from ..core.device import device as device_type
from ..core.dtypes import SCALAR_NAMES
from ..core.dtypes import dtype as dtype_type
from ..core.formats import strided
from ..core.shapes import Size
from .creation import bounds, create, empty, into, options, tensor
from .tensor import Tensor, make


def construct(cls: type[Tensor], *args: Any, device: Any = None, **keywords: Any) -> Tensor:
    """`torch.Tensor(...)`: sizes give unwritten memory, data is copied in the default dtype.

    Raises: TypeError for anything else.   Source: PyTorch `torch.Tensor`.
    """
    made = legacy("new", state.default_dtype(), args, device, keywords)
    made.__class__ = cls
    return made


def legacy(name: str, kind: dtype_type, args: tuple[Any, ...], device: Any, keywords: dict[str, Any]) -> Tensor:
    """A tensor of a dtype from sizes, data, or a storage; a tensor gives a tensor over the same memory."""
    where = device or (switches.default_devices[-1] if switches.default_devices else None)
    if device is not None and device_type(device).type != "cpu":
        raise RuntimeError(f"legacy constructor expects device type: cpu but device type: {device_type(device).type} "
                           "was passed")
    backend_for(where)
    if "data" in keywords:
        args = (keywords.pop("data"),)
    elif "size" in keywords:
        args = (Size(keywords.pop("size")),)
    if keywords:
        raise TypeError(f"{name}() got an unexpected keyword argument '{next(iter(keywords))}'. Use "
                        "torch.tensor(data, dtype=...)")
    if not args:
        return empty(0, dtype=kind)
    first = args[0]
    if len(args) > 1 or isinstance(first, (int, Size)) and not isinstance(first, bool):
        if not isinstance(first, Size) and not all(hasattr(n, "__index__") and not isinstance(n, bool) for n in args):
            raise TypeError(f"{name}() received an invalid combination of arguments - got "
                            f"({', '.join(type(n).__name__ for n in args)}); sizes are ints, data is one sequence")
        return empty(*args, dtype=kind)
    if isinstance(first, Tensor):
        if name != "new" and first.dtype is not kind:
            raise TypeError(f"expected a tensor of {kind} (got {first.dtype}). Use .to({kind})")
        return make(first._array)
    if hasattr(first, "as_tensor"):                     # a storage
        return first.as_tensor(kind)
    if isinstance(first, str):
        raise TypeError(f"{name}(): invalid data type 'str'")
    if not hasattr(first, "__len__"):
        raise TypeError(f"{name}(): data must be a sequence (got {type(first).__name__})")
    return tensor(first, dtype=None if kind.category < dtypes.FLOATING else kind).to(kind)


def new(self: Tensor, *args: Any, device: Any = None, **keywords: Any) -> Tensor:
    """The old constructor in this tensor's dtype. Use `new_empty` or `new_tensor`.   Source: PyTorch `Tensor.new`."""
    return legacy("new", self.dtype, args, device, keywords)


class tensortype(type):
    """The class of `FloatTensor` and its kin: calling one gives a Tensor, `isinstance` asks for its dtype."""

    dtype: dtype_type
    layout = strided
    is_cuda = is_sparse = False

    def __call__(cls, *args: Any, device: Any = None, **keywords: Any) -> Tensor:
        return legacy("new" if not args else cls.__name__, cls.dtype, args, device, keywords)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype


def typed(kind: dtype_type) -> tensortype:
    """The old class of tensors of a dtype.

    >>> import stickonfire as torch
    >>> torch.LongTensor([1, 2]), isinstance(torch.ones(2), torch.LongTensor)
    (tensor([1, 2]), False)
    """
    return tensortype(f"{SCALAR_NAMES[kind.name]}Tensor", (), {"dtype": kind, "__module__": "torch"})


TYPES = {made.__name__: made for made in map(typed, dtypes.DTYPES) if not made.dtype.is_complex}


def set_default_tensor_type(t: Any) -> None:
    """Sets the default dtype by an old class or its name.   Source: PyTorch `torch.set_default_tensor_type`.

    Raises: TypeError for what is none, or one of integers.
    """
    if isinstance(t, str):
        found = TYPES.get(t.removeprefix("torch."))
        if found is None:
            raise TypeError(f"invalid type object: '{t}' is no tensor type")
        t = found
    if not isinstance(t, tensortype):
        raise TypeError("invalid type object: a tensor type such as torch.DoubleTensor is expected")
    state.set_default_dtype(t.dtype)


def range(start: Any = 0, end: Any = None, step: Any = 1, *, out: Tensor | None = None, dtype: Any = None,
          layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Numbers from start to end, both included. Deprecated: use `arange`.   Source: PyTorch `torch.range`."""
    warnings.warn("torch.range is deprecated and will be removed in a future release because its behavior is "
                  "inconsistent "
                  "with Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
                  UserWarning, stacklevel=2)
    if end is None:
        raise TypeError('range() missing 1 required positional arguments: "end"')
    start, end, step = bounds("range", start, end, step)
    attrs = options("range", dtype, device, layout, pin_memory, requires_grad)
    attrs["dtype"] = attrs["dtype"] or state.default_dtype()
    if step == 0 or (step > 0) != (end >= start) and start != end:
        raise RuntimeError("step must be nonzero" if step == 0 else "upper bound and lower bound inconsistent with "
                                                                    "step sign")
    if attrs["dtype"].category <= dtypes.INTEGER:       # PyTorch cuts the bounds off first
        start, end, step = int(start), int(end) + (1 if step > 0 else -1), int(step)
        return into(out, create("arange", requires_grad, start=start, end=end, step=step, **attrs))
    steps = int((end - start) / step) + 0.5             # half a step beyond the last number, so that it is included
    end = start + steps * step
    return into(out, create("arange", requires_grad, start=float(start), end=end, step=float(step), **attrs))


def resize(self: Tensor, *sizes: Any) -> Tensor:
    """The elements in another shape. Deprecated: use `reshape`.   Source: PyTorch `Tensor.resize`.

    Raises: RuntimeError for another number of elements.
    """
    warnings.warn("non-inplace resize is deprecated", stacklevel=2)
    shape = sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
    if math.prod(shape) != self.numel():
        raise RuntimeError(f"requested resize to {list(shape)} ({math.prod(shape)} elements in total), but the given "
                           f"tensor has a size of {list(self.shape)} ({self.numel()} elements). autograd's resize can "
                           "only change the shape of a given tensor, while preserving the number of elements. ")
    return self.reshape(shape)


def resize_as(self: Tensor, tensor: Tensor) -> Tensor:
    """`resize` to the shape of another tensor. Deprecated: use `reshape`.   Source: PyTorch `Tensor.resize_as`."""
    return resize(self, *tensor.shape)


METHODS: dict[str, Any] = {"__new__": construct, "new": new, "resize": resize, "resize_as": resize_as}
FUNCTIONS = (set_default_tensor_type, range)
ALIASES = TYPES
