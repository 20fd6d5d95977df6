"""Tensors from nothing, from Python data, from NumPy: `tensor`, `zeros`, `arange`, `from_numpy` and kin.

Numbers are made by ops of `ops/create.py` through `dispatch`; here the arguments are sorted out: dtype,
device, `requires_grad`. Random tensors are in `random.py`.
"""
from __future__ import annotations

import numbers
import warnings
from typing import Any

from ..backends.base import BY_ARRAY, backend_for
from ..core import dtypes, state
from ..core.config import switches
from ..core.dtypes import dtype as dtype_type
from ..core.formats import check_layout, preserve_format, strides_in
from ..core.shapes import contiguous_strides, flatten_sizes
from ..core.state import modes
from ..ops.op import REGISTRY
from .dispatch import NUMBERS, dispatch
from .tensor import Tensor, backend_of, make


def options(name: str, dtype: Any, device: Any, layout: Any = None, pin_memory: bool = False,
            requires_grad: bool = False) -> dict[str, Any]:
    """The checked keyword arguments that all creation functions share: the dtype (or None) and the device.

    Raises: TypeError for what is no dtype, layout or bool; RuntimeError or AssertionError for an absent device.
    """
    if dtype is not None and not isinstance(dtype, dtype_type):
        if not isinstance(dtype, type) or dtype not in dtypes.BUILTIN:
            raise TypeError(f"{name}(): argument 'dtype' must be torch.dtype, not {type(dtype).__name__}. Dtypes are "
                            "objects, such as torch.float32")
        dtype = dtypes.BUILTIN[dtype]
    if layout is not None:
        check_layout(layout, name)
    if requires_grad.__class__ is not bool:
        raise TypeError(f"{name}(): argument 'requires_grad' must be bool, not {type(requires_grad).__name__}")
    if device is None and switches.default_devices:
        device = switches.default_devices[-1]
    if device is not None:
        backend_for(device)
    if pin_memory:
        raise RuntimeError("pin_memory: Need to provide pin_memory allocator to use pin memory. There is no "
                           "accelerator")
    return {"dtype": dtype, "device": device}


def create(name: str, requires_grad: bool, **attrs: Any) -> Tensor:
    """Executes a creating op."""
    result = dispatch(REGISTRY[name], (), attrs)
    return result.requires_grad_(True) if requires_grad else result


def sizes(name: str, size: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[int, ...]:
    """The size of `f(2, 3)`, `f((2, 3))` or `f(size=(2, 3))`.

    Raises: RuntimeError for a negative size, TypeError for anything but ints, or no size at all.
    """
    if "size" in keywords:
        if size:
            raise TypeError(f"{name}() got multiple values for argument 'size'")
        size = (keywords.pop("size"),)
        if isinstance(size[0], int):
            raise wrong_size(name, size)
    elif not size:
        raise TypeError(f'{name}() missing 1 required positional arguments: "size"')
    keywords.pop("names", None)
    if keywords:
        raise TypeError(f"{name}() got an unexpected keyword argument '{next(iter(keywords))}'")
    try:
        result = flatten_sizes(size)
    except (TypeError, AttributeError):
        raise wrong_size(name, size) from None
    given = size[0] if size and not hasattr(size[0], "__index__") else size
    if any(n is True or n is False for n in given):
        raise wrong_size(name, size)
    if min(result, default=0) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(result)}: {list(result)}")
    return result


def wrong_size(name: str, size: tuple[Any, ...]) -> TypeError:
    """The error for sizes that are no ints."""
    given = size[0] if len(size) == 1 else size
    return TypeError(f"{name}(): argument 'size' (position 1) must be tuple of ints, not {type(given).__name__}: got "
                     f"{given!r}")


def zeros(*size: Any, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
          pin_memory: bool = False, requires_grad: bool = False, **keywords: Any) -> Tensor:
    """A tensor of zeros. Shape: size.   Source: PyTorch `torch.zeros`.

    >>> import stickonfire as torch
    >>> torch.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    attrs = options("zeros", dtype, device, layout, pin_memory, requires_grad)
    return filled(sizes("zeros", size, keywords), 0.0, out, attrs, requires_grad)


def ones(*size: Any, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
         pin_memory: bool = False, requires_grad: bool = False, **keywords: Any) -> Tensor:
    """A tensor of ones. Shape: size.   Source: PyTorch `torch.ones`."""
    attrs = options("ones", dtype, device, layout, pin_memory, requires_grad)
    return filled(sizes("ones", size, keywords), 1.0, out, attrs, requires_grad)


def empty(*size: Any, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
          pin_memory: bool = False, requires_grad: bool = False, memory_format: Any = None, **keywords: Any) -> Tensor:
    """A tensor whose elements are whatever memory held. Shape: size.   Source: PyTorch `torch.empty`."""
    attrs = options("empty", dtype, device, layout, pin_memory, requires_grad)
    shape = sizes("empty", size, keywords)
    if memory_format is None or not memory_format.order:
        return filled(shape, None, out, attrs, requires_grad)
    strides = strides_in(memory_format, shape)
    return empty_strided(shape, strides, dtype=dtype, device=device, requires_grad=requires_grad)


def full(size: Any, fill_value: Any, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None,
         device: Any = None, pin_memory: bool = False, requires_grad: bool = False, names: Any = None) -> Tensor:
    """A tensor filled with one value, whose type gives the dtype. Shape: size.   Source: PyTorch `torch.full`.

    >>> import stickonfire as torch
    >>> torch.full((2,), 7)
    tensor([7, 7])
    """
    attrs = options("full", dtype, device, layout, pin_memory, requires_grad)
    value = number("full", "fill_value", 2, fill_value)
    if attrs["dtype"] is None:
        attrs["dtype"] = dtypes.scalar_dtype(value, state.default_dtype())
    return filled(sizes("full", (), {"size": size}), value, out, attrs, requires_grad)


def filled(size: tuple[int, ...], value: Any, out: Tensor | None, attrs: dict[str, Any], requires_grad: bool) -> Tensor:
    """What `zeros`, `ones`, `empty` (no value) and `full` have in common."""
    if out is not None:
        out.resize_(size)
        return out if value is None else out.fill_(value)
    attrs["dtype"] = attrs["dtype"] or state.default_dtype()
    if value is None:
        return create("empty", requires_grad, size=size, **attrs)
    return create("full", requires_grad, size=size, value=value, **attrs)


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
           pin_memory: bool = False) -> Tensor:
    """A new tensor with a copy of the data: numbers, nested sequences, NumPy arrays, tensors.

    Python floats become the default dtype, ints int64, bools bool.

    Raises: ValueError for ragged sequences, TypeError or RuntimeError for what is no number.
    Source: PyTorch `torch.tensor`.

    >>> import stickonfire as torch
    >>> torch.tensor([[1, 2], [3, 4.5]])
    tensor([[1.0000, 2.0000],
            [3.0000, 4.5000]])
    """
    attrs = options("tensor", dtype, device, None, pin_memory, requires_grad)
    chosen, backend = attrs["dtype"], backend_for(attrs["device"])
    xp = backend.xp
    if isinstance(data, Tensor):
        kind = chosen or data.dtype
        array = xp.copy(xp.cast(data._array, kind)) if BY_ARRAY[data._array.__class__] is backend else \
            backend.from_numpy(backend_of(data).to_numpy(data._array).copy())
    else:
        array = xp.from_data(data, chosen, state.default_dtype())
    result = make(array)
    return result.requires_grad_(True) if requires_grad else result


def as_tensor(data: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """The data as a tensor, sharing memory (and graph) where possible.   Source: PyTorch `torch.as_tensor`."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if hasattr(data, "__array_interface__") and bool(getattr(data, "ndim", 0)):
        shared = from_numpy(data)
        return shared if dtype is None else shared.to(dtype)
    return tensor(data, dtype=dtype, device=device)


def asarray(obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None,
            requires_grad: bool = False) -> Tensor:
    """The object as a tensor, sharing memory if it can, unless `copy`.   Source: PyTorch `torch.asarray`."""
    result = as_tensor(obj, dtype=dtype, device=device)
    if copy:
        result = result.clone()
    if requires_grad and not result.requires_grad:
        result = result.detach().requires_grad_(True)
    return result.detach() if not requires_grad and isinstance(obj, Tensor) and obj.requires_grad else result


def frombuffer(buffer: Any, *, dtype: dtype_type, count: int = -1, offset: int = 0,
               requires_grad: bool = False) -> Tensor:
    """A 1-d tensor over the memory of an object with Python's buffer protocol. Shape: (count).

    Raises: ValueError if the buffer is empty, too short, or no multiple of the element size.
    Source: PyTorch `torch.frombuffer`.
    """
    attrs = options("frombuffer", dtype, None, requires_grad=requires_grad)
    xp = backend_for(attrs["device"]).xp
    length, size = memoryview(buffer).nbytes, dtype.itemsize
    if length == 0 or count == 0:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({length} "
                         "bytes) - 1")
    if count < 0 and (length - offset) % size:
        raise ValueError(f"buffer length ({length - offset} bytes) after offset ({offset} bytes) must be a multiple "
                         f"of element size ({size})")
    if count > 0 and offset + count * size > length:
        raise ValueError(f"requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must not "
                         f"be greater than actual buffer length ({length} bytes)")
    result = make(xp.frombuffer(buffer, xp.native_dtype(dtype), count, offset))
    return result.requires_grad_(True) if requires_grad else result


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor over a NumPy array's memory: writes to either are seen by both.

    Raises: TypeError for what is no array or has a dtype without counterpart; ValueError for negative strides.
    Source: PyTorch `torch.from_numpy`.

    >>> import numpy, stickonfire as torch
    >>> a = numpy.zeros(2); t = torch.from_numpy(a); a[0] = 1; t
    tensor([1., 0.], dtype=torch.float64)
    """
    backend = backend_for(None)
    if ndarray.__class__ not in BY_ARRAY:
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if any(s < 0 for s in ndarray.strides):
        raise ValueError("At least one stride in the given numpy array is negative, and tensors with negative "
                         "strides are "
                         "not currently supported. (You can probably work around this by making a copy of your array "
                         "with array.copy().)")
    array = backend.from_numpy(ndarray)
    backend.xp.dtype_of(array)
    return make(array)


def from_dlpack(ext_tensor: Any, **unused: Any) -> Tensor:
    """A tensor over the memory of another library's.   Source: PyTorch `torch.from_dlpack`."""
    backend = backend_for(None)
    return make(backend.from_numpy(backend.xp.from_dlpack(ext_tensor)))


def arange(start: Any = None, end: Any = None, step: Any = 1, *, out: Tensor | None = None, dtype: Any = None,
           layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Numbers from start (inclusive) to end (exclusive). Shape: (ceil((end - start) / step)).

    Raises: RuntimeError for a step of zero or of the wrong sign.   Source: PyTorch `torch.arange`.

    >>> import stickonfire as torch
    >>> torch.arange(1, 7, 2)
    tensor([1, 3, 5])
    """
    if start is None and end is None:
        raise TypeError('arange() missing 1 required positional arguments: "end"')
    if end is None:
        start, end = 0, start
    start, end, step = bounds("arange", 0 if start is None else start, end, step)
    attrs = options("arange", dtype, device, layout, pin_memory, requires_grad)
    if attrs["dtype"] is None:
        integral = all(isinstance(n, int) for n in (start, end, step))
        attrs["dtype"] = dtypes.int64 if integral else state.default_dtype() if out is None else out.dtype
    result = create("arange", requires_grad, start=start, end=end, step=step, **attrs)
    if out is not None and out.numel() not in (0, result.numel()):
        warnings.warn(f"The number of elements in the out tensor of shape {list(out.shape)} is {out.numel()} which "
                      f"does not match the computed number of elements {result.numel()}. Note that this may occur as a "
                      "result of rounding error. The out tensor will be resized to a tensor of shape "
                      f"({result.numel()},).", stacklevel=2)
    return into(out, result)


def bounds(name: str, start: Any, end: Any, step: Any) -> tuple[Any, Any, Any]:
    """Start, end and step as real Python numbers."""
    given = tuple([number(name, *argument) for argument in (("start", 1, start), ("end", 2, end), ("step", 3, step))])
    for n in given:
        if isinstance(n, complex):
            raise RuntimeError(f"value cannot be converted to type double without overflow: {name}() takes real "
                               "numbers")
    return given                                                                # type: ignore[return-value]


def into(out: Tensor | None, result: Tensor) -> Tensor:
    """The result, written into `out` if one was given."""
    if out is None:
        return result
    out.resize_(result.shape)
    return out.copy_(result)


def number(name: str, argument: str, position: int, value: Any) -> Any:
    """A number, or a tensor's or NumPy's only element, as a Python number.

    Raises: TypeError for anything else.
    """
    if value.__class__ in NUMBERS:
        return value
    if hasattr(value, "item") and not getattr(value, "ndim", 0):
        return value.item()
    if isinstance(value, numbers.Number):
        return value
    shape = f" of shape {list(value.shape)}" if hasattr(value, "shape") else ""
    raise TypeError(f"{name}(): argument '{argument}' (position {position}) must be Number, not "
                    f"{type(value).__name__}{shape}")


def plain(n: Any) -> Any:
    """A number that may be given as a 0-d tensor."""
    return n.item() if isinstance(n, Tensor) or hasattr(n, "item") else n


def linspace(start: Any, end: Any, steps: int, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None,
             device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """`steps` numbers evenly from start to end, both included. Shape: (steps).   Source: PyTorch `torch.linspace`."""
    attrs = options("linspace", dtype, device, layout, pin_memory, requires_grad)
    start, end = ends("linspace", start, end, steps)
    attrs["dtype"] = attrs["dtype"] or floating(start, end)
    return into(out, create("linspace", requires_grad, start=start, end=end, steps=int(steps), **attrs))


def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, out: Tensor | None = None, dtype: Any = None,
             layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """`base` to the powers of `linspace(start, end, steps)`. Shape: (steps).   Source: PyTorch `torch.logspace`."""
    attrs = options("logspace", dtype, device, layout, pin_memory, requires_grad)
    start, end = ends("logspace", start, end, steps)
    attrs["dtype"] = attrs["dtype"] or floating(start, end)
    return into(out, create("logspace", requires_grad, start=start, end=end, steps=int(steps), base=base, **attrs))


def ends(name: str, start: Any, end: Any, steps: Any) -> tuple[Any, Any]:
    """Both ends as Python numbers.

    Raises: TypeError unless `steps` is an int, RuntimeError for tensors with dims.
    """
    if isinstance(steps, bool) or not hasattr(steps, "__index__"):
        raise TypeError(f"{name}() received an invalid combination of arguments: 'steps' must be int, not "
                        f"{type(steps).__name__}")
    if any(getattr(n, "ndim", 0) for n in (start, end)):
        raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors, but got start with "
                           f"{getattr(start, 'ndim', 0)} dimension(s) and end with {getattr(end, 'ndim', 0)} "
                           "dimension(s).")
    return number(name, "start", 1, start), number(name, "end", 2, end)


def floating(*numbers: Any) -> dtype_type:
    """The default dtype, complex if a number is."""
    default = state.default_dtype()
    return default.to_complex() if any(isinstance(n, complex) for n in numbers) else default


def eye(n: int, m: int | None = None, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None,
        device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere. Shape: (n, m).   Source: PyTorch `torch.eye`."""
    attrs = options("eye", dtype, device, layout, pin_memory, requires_grad)
    attrs["dtype"] = attrs["dtype"] or state.default_dtype()
    for size in (n, n if m is None else m):
        if size < 0:
            raise RuntimeError(f"n must be greater or equal to 0, got {size}")
    return into(out, create("eye", requires_grad, n=n, m=n if m is None else m, **attrs))


def like(name: str, input: Tensor, value: Any, dtype: Any, device: Any, requires_grad: bool, *, layout: Any = None,
         size: Any = None, memory_format: Any = None) -> Tensor:
    """What the `_like` functions and `new_` methods have in common; no value: unwritten memory."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    attrs = options(name, dtype, device or input.device, layout, False, requires_grad)
    attrs["dtype"] = attrs["dtype"] or input.dtype
    shape = tuple(input.shape) if size is None else size
    result = create("empty", False, size=shape, **attrs) if value is None else create(
        "full", False, size=shape, value=value, **attrs)
    strides = None
    if memory_format is not None and memory_format is not preserve_format:
        strides = strides_in(memory_format, shape)
    elif size is None:
        strides = dense_strides(input)
    if strides is not None and strides != contiguous_strides(shape):
        result = result.as_strided(shape, strides).detach()
    if not state.plain and modes.handler is not None:
        result = modes.handler.like(result, input)
    return result.requires_grad_(True) if requires_grad else result


def dense_strides(t: Tensor) -> tuple[int, ...] | None:
    """Strides of a dense tensor with the same order of dims; None if `t` is not dense in some order."""
    order = [d for d, _ in sorted(enumerate(t.stride()), key=lambda pair: (pair[1], -pair[0]))]
    strides, step = [0] * t.ndim, 1
    for d in order:
        if t.shape[d] != 1 and t.stride(d) != step:
            return None
        strides[d] = step
        step *= t.shape[d]
    return tuple(strides)


def zeros_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
               memory_format: Any = None, pin_memory: bool = False) -> Tensor:
    """Zeros in the shape and dtype of `input`.   Source: PyTorch `torch.zeros_like`."""
    return like("zeros_like", input, 0, dtype, device, requires_grad, layout=layout,
                memory_format=memory_format)


def ones_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
              memory_format: Any = None, pin_memory: bool = False) -> Tensor:
    """Ones in the shape and dtype of `input`.   Source: PyTorch `torch.ones_like`."""
    return like("ones_like", input, 1, dtype, device, requires_grad, layout=layout,
                memory_format=memory_format)


def empty_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
               memory_format: Any = None, pin_memory: bool = False) -> Tensor:
    """Unwritten memory in the shape and dtype of `input`.   Source: PyTorch `torch.empty_like`."""
    return like("empty_like", input, None, dtype, device, requires_grad, layout=layout,
                memory_format=memory_format)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
              requires_grad: bool = False, memory_format: Any = None, pin_memory: bool = False) -> Tensor:
    """One value in the shape and dtype of `input`.   Source: PyTorch `torch.full_like`."""
    value = number("full_like", "fill_value", 2, fill_value)
    return like("full_like", input, value, dtype, device, requires_grad, layout=layout, memory_format=memory_format)


def empty_strided(size: Any, stride: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
                  requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """Unwritten memory with the given strides, in elements. Shape: size.   Source: PyTorch `torch.empty_strided`."""
    size, stride = tuple(size), tuple(stride)
    if len(size) != len(stride):
        raise RuntimeError(f"dimensionality of sizes ({len(size)}) must match dimensionality of strides "
                           f"({len(stride)})")
    reach = 1 + sum((n - 1) * s for n, s in zip(size, stride)) if all(size) else 0
    flat = empty(reach, dtype=dtype, device=device, pin_memory=pin_memory)
    return flat.as_strided(size, stride).detach().requires_grad_(requires_grad)


def scalar_tensor(s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False,
                  requires_grad: bool = False) -> Tensor:
    """A 0-d tensor of the default dtype.   Source: PyTorch `torch.scalar_tensor`."""
    if isinstance(s, Tensor):
        raise TypeError("scalar_tensor(): argument 's' (position 1) must be Number, not Tensor")
    return tensor(s, dtype=dtype or floating(s), device=device, requires_grad=requires_grad)


def new_zeros(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False,
              layout: Any = None, pin_memory: bool = False, **keywords: Any) -> Tensor:
    """Zeros in this tensor's dtype. Shape: size."""
    return like("new_zeros", self, 0, dtype, device, requires_grad, layout=layout,
                size=sizes("new_zeros", size, keywords))


def new_ones(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False,
             layout: Any = None, pin_memory: bool = False, **keywords: Any) -> Tensor:
    """Ones in this tensor's dtype. Shape: size."""
    return like("new_ones", self, 1, dtype, device, requires_grad, layout=layout,
                size=sizes("new_ones", size, keywords))


def new_empty(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False,
              layout: Any = None, pin_memory: bool = False, **keywords: Any) -> Tensor:
    """Unwritten memory in this tensor's dtype. Shape: size."""
    return like("new_empty", self, None, dtype, device, requires_grad, layout=layout,
                size=sizes("new_empty", size, keywords))


def new_full(self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
             requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:
    """One value in this tensor's dtype. Shape: size."""
    value = number("new_full", "fill_value", 2, fill_value)
    return like("new_full", self, value, dtype, device, requires_grad, layout=layout,
                size=sizes("new_full", (size,), {}))


def new_empty_strided(self: Tensor, size: Any, stride: Any, *, dtype: Any = None, device: Any = None,
                      requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:
    """Unwritten memory with the given strides in this tensor's dtype. Shape: size."""
    return empty_strided(size, stride, dtype=dtype or self.dtype, device=device or self.device,
                         requires_grad=requires_grad)


def new_tensor(self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
               layout: Any = None, pin_memory: bool = False) -> Tensor:
    """A tensor with a copy of the data in this tensor's dtype."""
    return tensor(data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)


METHODS = {"new_zeros": new_zeros, "new_ones": new_ones, "new_empty": new_empty, "new_full": new_full,
           "new_tensor": new_tensor, "new_empty_strided": new_empty_strided}

FUNCTIONS = (zeros, ones, empty, full, frombuffer, tensor, as_tensor, asarray, from_numpy, from_dlpack, arange,
             linspace, logspace, eye, zeros_like, ones_like, empty_like, full_like, empty_strided, scalar_tensor)
