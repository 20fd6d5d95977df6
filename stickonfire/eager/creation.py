"""Tensors from nothing, from Python data, from NumPy: `tensor`, `zeros`, `arange`, `from_numpy` and kin.

Numbers are made by ops of `ops/create.py` through `dispatch`; here the arguments are sorted out: dtype,
device, `requires_grad`. Random tensors are in `random.py`.
"""
from __future__ import annotations

from typing import Any

from ..backends.base import BY_ARRAY, backend_for
from ..core import dtypes, state
from ..core.dtypes import dtype as dtype_type
from ..core.shapes import contiguous_strides, flatten_sizes
from ..ops.op import REGISTRY
from .dispatch import dispatch
from .tensor import Tensor, backend_of, make


def options(dtype: Any, device: Any, layout: Any = None, pin_memory: bool = False,
            memory_format: Any = None) -> dict[str, Any]:
    """The checked keyword arguments that all creation functions share.

    Raises: TypeError for a dtype that is none, RuntimeError or AssertionError for a device that isn't there.
    """
    if dtype is not None and not isinstance(dtype, dtype_type):
        builtin = {float: state.default_dtype(), int: dtypes.int64, bool: dtypes.bool_, complex: dtypes.complex64}
        if dtype not in builtin:
            raise TypeError(f"argument 'dtype' must be torch.dtype, not {type(dtype).__name__}")
        dtype = builtin[dtype]
    if device is not None:
        backend_for(device)
    if pin_memory:
        raise RuntimeError("pin_memory: Need to provide pin_memory allocator to use pin memory. There is no accelerator")
    return {"dtype": dtype, "device": device}


def create(name: str, requires_grad: bool, **attrs: Any) -> Tensor:
    """Executes a creating op."""
    result = dispatch(REGISTRY[name], (), attrs)
    return result.requires_grad_(True) if requires_grad else result


def sizes(size: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[int, ...]:
    """The size of `f(2, 3)`, `f((2, 3))` or `f(size=(2, 3))`.

    Raises: RuntimeError for a negative size, TypeError for anything but ints.
    """
    given = keywords.pop("size", None)
    try:
        result = flatten_sizes(size if given is None else (given,))
    except (TypeError, AttributeError):
        raise TypeError(f"size must be a tuple of ints, but got {size!r}") from None
    for n in result:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(result)}")
    return result


def zeros(*size: Any, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
          pin_memory: bool = False, requires_grad: bool = False, **keywords: Any) -> Tensor:
    """A tensor of zeros. Shape: size.   Source: PyTorch `torch.zeros`.

    >>> import stickonfire as torch
    >>> torch.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return filled("full", sizes(size, keywords), 0.0, out, dtype, device, requires_grad, pin_memory, keywords)


def ones(*size: Any, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
         pin_memory: bool = False, requires_grad: bool = False, **keywords: Any) -> Tensor:
    """A tensor of ones. Shape: size.   Source: PyTorch `torch.ones`."""
    return filled("full", sizes(size, keywords), 1.0, out, dtype, device, requires_grad, pin_memory, keywords)


def empty(*size: Any, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
          pin_memory: bool = False, requires_grad: bool = False, memory_format: Any = None, **keywords: Any) -> Tensor:
    """A tensor whose elements are whatever memory held. Shape: size.   Source: PyTorch `torch.empty`."""
    return filled("empty", sizes(size, keywords), None, out, dtype, device, requires_grad, pin_memory, keywords)


def full(size: Any, fill_value: Any, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None,
         device: Any = None, pin_memory: bool = False, requires_grad: bool = False, **keywords: Any) -> Tensor:
    """A tensor filled with one value, whose type gives the dtype. Shape: size.   Source: PyTorch `torch.full`.

    >>> import stickonfire as torch
    >>> torch.full((2,), 7)
    tensor([7, 7])
    """
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    dtype = dtypes.scalar_dtype(value, state.default_dtype()) if dtype is None else dtype
    return filled("full", sizes((size,), {}), value, out, dtype, device, requires_grad, pin_memory, keywords)


def filled(op: str, size: tuple[int, ...], value: Any, out: Tensor | None, dtype: Any, device: Any,
           requires_grad: bool, pin_memory: bool, unknown: dict[str, Any]) -> Tensor:
    """What `zeros`, `ones`, `empty` and `full` have in common."""
    unknown.pop("names", None)
    if unknown:
        raise TypeError(f"{op}() got an unexpected keyword argument '{next(iter(unknown))}'")
    if out is not None:
        out.resize_(size)
        return out if value is None else out.fill_(value)
    attrs = options(dtype, device, pin_memory=pin_memory)
    attrs["dtype"] = attrs["dtype"] or state.default_dtype()
    if op == "full":
        attrs["value"] = value
    return create(op, requires_grad, size=size, **attrs)


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
    chosen = options(dtype, device, pin_memory=pin_memory)["dtype"]
    backend = backend_for(device)
    xp = backend.xp
    if isinstance(data, Tensor):
        kind = chosen or data.dtype
        array = xp.copy(xp.cast(data._array, kind)) if BY_ARRAY[data._array.__class__] is backend else \
            backend.from_numpy(backend_of(data).to_numpy(data._array).copy())
    else:
        array = xp.from_data(data, chosen, state.default_dtype())
    result = make(array)
    return result.requires_grad_(True) if requires_grad else result


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """The data as a tensor, sharing memory (and graph) where possible.   Source: PyTorch `torch.as_tensor`."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if hasattr(data, "__array_interface__") and getattr(data, "ndim", 0):
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


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor over a NumPy array's memory: writes to either are seen by both.

    Raises: TypeError for what is no array or has a dtype without counterpart; ValueError for negative strides.
    Source: PyTorch `torch.from_numpy`.

    >>> import numpy, stickonfire as torch
    >>> a = numpy.zeros(2); t = torch.from_numpy(a); a[0] = 1; t
    tensor([1., 0.], dtype=torch.float64)
    """
    backend = backend_for(None)
    if not hasattr(ndarray, "__array_interface__") or not hasattr(ndarray, "strides"):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if any(s < 0 for s in ndarray.strides):
        raise ValueError("At least one stride in the given numpy array is negative, and tensors with negative strides are "
                         "not currently supported. (You can probably work around this by making a copy of your array with "
                         "array.copy().)")
    array = backend.from_numpy(ndarray)
    backend.xp.dtype_of(array)
    return make(array)


def from_dlpack(ext_tensor: Any, **unused: Any) -> Tensor:
    """A tensor over the memory of another library's.   Source: PyTorch `torch.from_dlpack`."""
    backend = backend_for(None)
    return make(backend.from_numpy(backend.xp.from_dlpack(ext_tensor)))


def arange(start: Any, end: Any = None, step: Any = 1, *, out: Tensor | None = None, dtype: Any = None,
           layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Numbers from start (inclusive) to end (exclusive). Shape: (ceil((end - start) / step)).

    Raises: RuntimeError for a step of zero or of the wrong sign.   Source: PyTorch `torch.arange`.

    >>> import stickonfire as torch
    >>> torch.arange(1, 7, 2)
    tensor([1, 3, 5])
    """
    if end is None:
        start, end = 0, start
    start, end, step = plain(start), plain(end), plain(step)
    attrs = options(dtype, device, pin_memory=pin_memory)
    if attrs["dtype"] is None:
        integral = all(isinstance(n, int) for n in (start, end, step))
        attrs["dtype"] = dtypes.int64 if integral else state.default_dtype()
    return into(out, create("arange", requires_grad, start=start, end=end, step=step, **attrs))


def into(out: Tensor | None, result: Tensor) -> Tensor:
    """The result, written into `out` if one was given."""
    if out is None:
        return result
    out.resize_(result.shape)
    return out.copy_(result)


def plain(n: Any) -> Any:
    """A number that may be given as a 0-d tensor."""
    return n.item() if isinstance(n, Tensor) or hasattr(n, "item") else n


def linspace(start: Any, end: Any, steps: int, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None,
             device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """`steps` numbers evenly from start to end, both included. Shape: (steps).   Source: PyTorch `torch.linspace`."""
    attrs = options(dtype, device, pin_memory=pin_memory)
    start, end = plain(start), plain(end)
    attrs["dtype"] = attrs["dtype"] or floating(start, end)
    return into(out, create("linspace", requires_grad, start=start, end=end, steps=int(steps), **attrs))


def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, out: Tensor | None = None, dtype: Any = None,
             layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """`base` to the powers of `linspace(start, end, steps)`. Shape: (steps).   Source: PyTorch `torch.logspace`."""
    attrs = options(dtype, device, pin_memory=pin_memory)
    start, end = plain(start), plain(end)
    attrs["dtype"] = attrs["dtype"] or floating(start, end)
    return into(out, create("logspace", requires_grad, start=start, end=end, steps=int(steps), base=base, **attrs))


def floating(*numbers: Any) -> dtype_type:
    """The default dtype, complex if a number is."""
    default = state.default_dtype()
    return default.to_complex() if any(isinstance(n, complex) for n in numbers) else default


def eye(n: int, m: int | None = None, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None,
        device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere. Shape: (n, m).   Source: PyTorch `torch.eye`."""
    attrs = options(dtype, device, pin_memory=pin_memory)
    attrs["dtype"] = attrs["dtype"] or state.default_dtype()
    for size in (n, n if m is None else m):
        if size < 0:
            raise RuntimeError(f"n must be greater or equal to 0, got {size}")
    return into(out, create("eye", requires_grad, n=n, m=n if m is None else m, **attrs))


def like(input: Tensor, op: str, value: Any, dtype: Any, device: Any, requires_grad: bool, size: Any = None) -> Tensor:
    """What the `_like` functions and `new_` methods have in common."""
    attrs = options(dtype, device)
    attrs["dtype"] = attrs["dtype"] or input.dtype
    attrs["device"] = attrs["device"] or input.device
    shape = tuple(input.shape) if size is None else size
    result = create(op, False, size=shape, **({"value": value} if op == "full" else {}), **attrs)
    strides = None if size is not None else dense_strides(input)
    if strides is not None and strides != contiguous_strides(shape):
        result = result.as_strided(shape, strides)
    return result.requires_grad_(True) if requires_grad else result


def dense_strides(t: Tensor) -> tuple[int, ...] | None:
    """Strides of a dense tensor with the same order of dims; None if `t` is not dense in some order."""
    order = sorted(range(t.ndim), key=lambda d: (t.stride(d), -d))
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
    return like(input, "full", 0, dtype, device, requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
              memory_format: Any = None, pin_memory: bool = False) -> Tensor:
    """Ones in the shape and dtype of `input`.   Source: PyTorch `torch.ones_like`."""
    return like(input, "full", 1, dtype, device, requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
               memory_format: Any = None, pin_memory: bool = False) -> Tensor:
    """Unwritten memory in the shape and dtype of `input`.   Source: PyTorch `torch.empty_like`."""
    return like(input, "empty", None, dtype, device, requires_grad)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
              requires_grad: bool = False, memory_format: Any = None, pin_memory: bool = False) -> Tensor:
    """One value in the shape and dtype of `input`.   Source: PyTorch `torch.full_like`."""
    return like(input, "full", plain(fill_value), dtype, device, requires_grad)


def empty_strided(size: Any, stride: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
                  requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """Unwritten memory with the given strides, in elements. Shape: size.   Source: PyTorch `torch.empty_strided`."""
    size, stride = tuple(size), tuple(stride)
    if len(size) != len(stride):
        raise RuntimeError(f"dimensionality of sizes ({len(size)}) must match dimensionality of strides ({len(stride)})")
    reach = 1 + sum((n - 1) * s for n, s in zip(size, stride)) if all(size) else 0
    flat = empty(reach, dtype=dtype, device=device, pin_memory=pin_memory)
    return flat.as_strided(size, stride).detach().requires_grad_(requires_grad)


def scalar_tensor(s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False,
                  requires_grad: bool = False) -> Tensor:
    """A 0-d tensor of the default dtype.   Source: PyTorch `torch.scalar_tensor`."""
    return tensor(s, dtype=dtype or floating(s), device=device, requires_grad=requires_grad)


def new_zeros(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False,
              layout: Any = None, pin_memory: bool = False, **keywords: Any) -> Tensor:
    """Zeros in this tensor's dtype. Shape: size."""
    return like(self, "full", 0, dtype, device, requires_grad, sizes(size, keywords))


def new_ones(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False,
             layout: Any = None, pin_memory: bool = False, **keywords: Any) -> Tensor:
    """Ones in this tensor's dtype. Shape: size."""
    return like(self, "full", 1, dtype, device, requires_grad, sizes(size, keywords))


def new_empty(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False,
              layout: Any = None, pin_memory: bool = False, **keywords: Any) -> Tensor:
    """Unwritten memory in this tensor's dtype. Shape: size."""
    return like(self, "empty", None, dtype, device, requires_grad, sizes(size, keywords))


def new_full(self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
             requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:
    """One value in this tensor's dtype. Shape: size."""
    return like(self, "full", plain(fill_value), dtype, device, requires_grad, sizes((size,), {}))


def new_empty_strided(self: Tensor, size: Any, stride: Any, *, dtype: Any = None, device: Any = None,
                      requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:
    """Unwritten memory with the given strides in this tensor's dtype. Shape: size."""
    return empty_strided(size, stride, dtype=dtype or self.dtype, device=device or self.device,
                         requires_grad=requires_grad)


def new_tensor(self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
               layout: Any = None, pin_memory: bool = False) -> Tensor:
    """A tensor with a copy of the data in this tensor's dtype."""
    return tensor(data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)


def construct(cls: type[Tensor], *args: Any, device: Any = None) -> Tensor:
    """`torch.Tensor(...)`: sizes give unwritten memory, data is copied in the default dtype.

    Source: PyTorch `torch.Tensor`.
    """
    backend_for(device)
    if len(args) == 1 and isinstance(args[0], Tensor):
        made = make(args[0]._array)
    elif len(args) == 1 and not isinstance(args[0], (int, tuple)) or args and isinstance(args[0], tuple) and not (
            type(args[0]).__name__ == "Size"):
        made = tensor(args[0], dtype=state.default_dtype())
    else:
        made = empty(*args) if args else empty(0)
    made.__class__ = cls
    return made


METHODS = {"new_zeros": new_zeros, "new_ones": new_ones, "new_empty": new_empty, "new_full": new_full,
           "new_tensor": new_tensor, "new_empty_strided": new_empty_strided, "__new__": construct}

FUNCTIONS = (zeros, ones, empty, full, tensor, as_tensor, asarray, from_numpy, from_dlpack, arange, linspace, logspace, eye,
             zeros_like, ones_like, empty_like, full_like, empty_strided, scalar_tensor)
