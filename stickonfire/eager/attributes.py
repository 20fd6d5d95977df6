"""Small facts and conversions of a tensor: sizes, strides, `to`, `float`, `T`, storage, `copy_`."""
from __future__ import annotations

from typing import Any

from ..backends.base import backend_for
from ..core import dtypes, state
from ..core.device import device as device_type
from ..core.dtypes import SCALAR_NAMES
from ..core.dtypes import dtype as dtype_type
from ..core.formats import memory_format as memory_format_type
from ..core.formats import strided, strides_in
from ..core.shapes import contiguous_strides, normalize_dim
from ..ops.op import REGISTRY
from .binding import is_integer
from .creation import tensor
from .dispatch import NUMBERS, dispatch
from .graph import tensor_kind
from .inplace import dispatch_inplace
from .publish import general
from .specialize import specialized
from .tensor import INFERENCE, Tensor, backend_of, make, namespace_of

view_sizes = specialized(REGISTRY["view"], general)


def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or the size of one dim."""
    return self.shape if dim is None else self._array.shape[check_dim(self, dim)]


def check_dim(self: Tensor, dim: int) -> int:
    if self._array.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return normalize_dim(dim, self._array.ndim)


def stride(self: Tensor, dim: int | None = None) -> Any:
    """Strides in elements: of all dims, or of one."""
    array = self._array
    steps = namespace_of(self).strides_as_promised(array)
    return steps if dim is None else steps[check_dim(self, dim)]


def numel(self: Tensor) -> int:
    """The number of elements."""
    return self._array.size


def dim(self: Tensor) -> int:
    """The number of dims."""
    return self._array.ndim


def element_size(self: Tensor) -> int:
    """Bytes an element."""
    return self._array.itemsize


def storage_offset(self: Tensor) -> int:
    """Position of the first element in the storage, in elements."""
    return namespace_of(self).offset(self._array)


def data_ptr(self: Tensor) -> int:
    """The memory address of the first element."""
    return namespace_of(self).address(self._array) if self._array.size else 0


def is_contiguous(self: Tensor, memory_format: Any = None) -> bool:
    """Whether the elements lie row-major and dense in memory, or in the order of a memory format."""
    if memory_format is None or not check_format("is_contiguous", memory_format).order:
        return namespace_of(self).is_contiguous(self._array)
    shape = self._array.shape
    return len(shape) == len(memory_format.order) and stride(self) == strides_in(memory_format, shape)


def check_format(name: str, given: Any) -> memory_format_type:
    """The memory format, if it is one; else TypeError."""
    if not isinstance(given, memory_format_type):
        raise TypeError(f"{name}(): argument 'memory_format' must be torch.memory_format, not {type(given).__name__}")
    return given


def dim_order(self: Tensor) -> tuple[int, ...]:
    """The dims from slowest to fastest in memory.   Source: PyTorch `Tensor.dim_order`."""
    return tuple(namespace_of(self).dense_order(self._array.shape, stride(self)))


def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor with another dtype or device; itself if it has them already.

    `to(dtype)`, `to(device)`, `to(device, dtype)`, `to(other)`; `non_blocking`, `copy`, `memory_format` as in
    PyTorch.
    """
    form = kwargs.pop("memory_format", None)
    if form is not None and check_format("to", form).order:
        copy = kwargs.get("copy", False)
        return to(self, *args, **kwargs).contiguous(memory_format=form).clone() if copy else contiguous(
            to(self, *args, **kwargs), form)
    dtype, device, copy = parse_to(args, kwargs)
    backend = backend_of(self) if device is None else backend_for(device)
    if backend.device.type != backend_of(self).device.type:
        return make(backend.from_numpy(backend_of(self).to_numpy(self._array)))
    if dtype is None or dtype is self.dtype:
        return self.clone() if copy else self
    return dispatch(REGISTRY["cast"], (self,), {"dtype": dtype})


def parse_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dtype_type | None, Any, bool]:
    """The dtype, device and copy flag of a call of `to`.

    Raises: TypeError for anything that is neither.
    """
    dtype, device, copy = kwargs.pop("dtype", None), kwargs.pop("device", None), kwargs.pop("copy", False)
    kwargs.pop("non_blocking", None)
    if kwargs:
        raise TypeError("to() received an invalid combination of arguments: unexpected keyword "
                        f"'{next(iter(kwargs))}'. It takes a dtype, a device or a tensor, non_blocking, copy, "
                        "memory_format")
    if args and isinstance(args[0], type):
        args = (builtin_dtype("to", args[0]), *args[1:])
    if len([arg for arg in (*args, dtype) if isinstance(arg, dtype_type)]) > 1:
        raise TypeError("to() received an invalid combination of arguments - got two dtypes")
    flags = []
    for arg in args:
        if isinstance(arg, Tensor):
            dtype, device = arg.dtype, arg.device
        elif isinstance(arg, dtype_type):
            dtype = arg
        elif arg is True or arg is False:
            flags.append(arg)
        elif isinstance(arg, (str, device_type, int)):
            device = arg
        elif arg is not None:
            raise TypeError("to() received an invalid combination of arguments - got "
                            f"({type(arg).__name__}), but expected a "
                            "torch.dtype, a torch.device or a Tensor")
    return dtype, device, copy or len(flags) > 1 and flags[1]


def builtin_dtype(name: str, kind: type) -> dtype_type:
    """The dtype that a Python type of numbers stands for: float is float64."""
    if kind not in dtypes.BUILTIN:
        raise TypeError(f"{name}() received an invalid combination of arguments - got (type {kind.__name__}), but "
                        "expected a torch.dtype, a torch.device or a Tensor")
    return dtypes.BUILTIN[kind]


def caster(dtype: dtype_type) -> Any:
    def method(self: Tensor, memory_format: Any = None) -> Tensor:
        return to(self, dtype) if memory_format is None else to(self, dtype, memory_format=memory_format)
    method.__doc__ = f"The tensor as {dtype}."
    method.__name__ = dtype.name
    return method


def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """The tensor on a CUDA device.

    Raises: AssertionError where there is none.
    """
    return to(self, "cuda" if device is None else device_type(device))


def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor on the CPU."""
    return to(self, "cpu")


def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the tensor's type, as 'torch.FloatTensor'; given a dtype or such a name, the tensor in it.
    """
    if dtype is None:
        return "torch." + tensor_kind(self).removeprefix("torch.")
    if hasattr(dtype, "dtype") and isinstance(dtype, type):
        dtype = dtype.dtype                             # torch.FloatTensor and its kin
    if isinstance(dtype, type):
        dtype = builtin_dtype("type", dtype)
    if isinstance(dtype, str):
        from_name = {f"torch.{SCALAR_NAMES[d.name]}Tensor": d for d in dtypes.BY_NAME.values()}
        if dtype not in from_name:
            raise ValueError(f"invalid type: '{dtype}'")
        dtype = from_name[dtype]
    return to(self, dtype)


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in another's dtype."""
    if not isinstance(other, Tensor):
        raise TypeError(f"type_as(): argument 'other' (position 1) must be Tensor, not {type(other).__name__}")
    return to(self, other.dtype)


def view(self: Tensor, *shape: Any, **sizes: Any) -> Tensor:
    """The same memory under another shape, or read as another dtype.

    Raises: RuntimeError where only a copy could have that shape.
    """
    if shape and shape[0].__class__ is dtype_type:
        return dispatch(REGISTRY["view_dtype"], (self,), {"dtype": shape[0]})
    return view_sizes(self, *shape, **sizes)


def view_as(self: Tensor, other: Tensor) -> Tensor:
    """The same memory under another tensor's shape."""
    return view(self, other._array.shape)


def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """The elements under another tensor's shape."""
    return self.reshape(other._array.shape)


def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor expanded to another's shape."""
    return self.expand(other._array.shape)


def transposed(self: Tensor) -> Tensor:
    """The tensor with its dims reversed."""
    return self.permute(tuple(reversed(range(self._array.ndim))))


def matrix_transposed(self: Tensor) -> Tensor:
    """The tensor with its last two dims swapped.

    Raises: RuntimeError with fewer than two dims.
    """
    if self._array.ndim == 0:
        return self
    if self._array.ndim < 2:
        raise RuntimeError("tensor.mT is only supported on matrices or batches of matrices. Got "
                           f"{self._array.ndim}-D tensor.")
    return self.transpose(-2, -1)


def adjoint(self: Tensor) -> Tensor:
    """The conjugate of the transposed matrix."""
    return matrix_transposed(self).conj() if self.is_complex() else matrix_transposed(self)


def hermitian(self: Tensor) -> Tensor:
    """The conjugate transpose of a matrix (0-d or 2-d)."""
    if self._array.ndim not in (0, 2):
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self._array.ndim}-D tensor.")
    flipped = self if self._array.ndim == 0 else self.t()
    return flipped.conj() if self.is_complex() else flipped


def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Overwrites the tensor with `src`, broadcast and cast."""
    if src.__class__ in NUMBERS:
        src = tensor(src)
    if not isinstance(src, Tensor):
        raise TypeError(f"copy_(): argument 'other' (position 1) must be Tensor, not {type(src).__name__}")
    return dispatch_inplace(REGISTRY["copy"], (self, src), {"non_blocking": False})


def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself if row-major and dense, else such a copy.   Source: PyTorch `Tensor.contiguous`."""
    if memory_format is not None and check_format("contiguous", memory_format).order:
        if is_contiguous(self, memory_format):
            return self
    elif namespace_of(self).is_contiguous(self._array):
        return self
    return dispatch(REGISTRY["contiguous"], (self,), {"memory_format": memory_format})


def resize_(self: Tensor, *size: Any, memory_format: Any = None) -> Tensor:
    """Another shape in place; elements kept in row-major order, new ones unwritten.

    Raises: RuntimeError if gradients flow through the tensor.
    """
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    shape = tuple([int(n) for n in (size if all(is_integer(n) for n in size) else tuple(size[0]))])
    if min(shape, default=0) < 0:
        raise RuntimeError(f"resize_(): sizes must not be negative, got {list(shape)}")
    if shape == self._array.shape:
        return self
    xp = namespace_of(self)
    self._array = xp.resized(self._array, shape)
    return self


def resize_as_(self: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """The shape of another tensor, in place."""
    return resize_(self, the_template._array.shape)


def set_(self: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
    """Makes this tensor share the memory of another one, or of a storage, under its shape or the one given."""
    if source is None:
        self._array = namespace_of(self).empty(0, self._array.dtype)
        return self
    if hasattr(source, "as_tensor"):                    # a storage
        source = source.as_tensor(self.dtype)
    if size is not None:
        sizes = tuple(size)
        steps = contiguous_strides(sizes) if stride is None else tuple(stride)
        source = source.as_strided(sizes, steps, storage_offset)
    if source.dtype is not self.dtype:
        raise RuntimeError(f"Could not set tensor of type {source.dtype} to a tensor of type {self.dtype}")
    self._array = source._array
    return self


def is_inference(self: Tensor) -> bool:
    """Whether the tensor was made in inference mode."""
    return self._alias is INFERENCE


def is_view(self: Tensor) -> bool:
    """Whether the tensor is a view of another one."""
    return self._base is not None


def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both are the same memory under the same shape and strides."""
    return data_ptr(self) == data_ptr(tensor) and stride(self) == stride(tensor) and self.shape == tensor.shape


def get_device(self: Tensor) -> int:
    """The index of the device; -1 on the CPU."""
    return -1 if self.device.index is None else self.device.index


def apply_(self: Tensor, function: Any) -> Tensor:
    """Applies a Python function to each element, in place. Slow."""
    xp = namespace_of(self)
    xp.copyto(self._array, xp.from_data([function(x) for x in self._array.reshape(-1).tolist()], self.dtype, self.dtype
                                        ).reshape(self._array.shape))
    return self


def map_(self: Tensor, tensor: Tensor, function: Any) -> Tensor:
    """Replaces each element by a Python function of it and of another tensor's, in place. Slow."""
    pairs = zip(self.reshape(-1).tolist(), tensor.expand(self._array.shape).reshape(-1).tolist())
    values = iter([function(a, b) for a, b in pairs])
    return apply_(self, lambda _: next(values))


def check_tensor(name: str, input: Any) -> Tensor:
    """The argument, if it is a tensor; else TypeError."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    return input


def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is a floating-point one."""
    return check_tensor("is_floating_point", input).dtype.is_floating_point


def is_complex(input: Tensor) -> bool:
    """Whether the dtype is a complex one."""
    return check_tensor("is_complex", input).dtype.is_complex


def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    return check_tensor("is_signed", input).dtype.is_signed


def positive(input: Tensor) -> Tensor:
    """The tensor itself: what `+x` gives.

    Raises: RuntimeError for bools.   Source: PyTorch `torch.positive`.
    """
    if check_tensor("positive", input).dtype is dtypes.bool_:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported. Convert it with .int() first")
    return input


def invert(self: Tensor) -> Tensor:
    """~x: all bits changed, of a bool its contrary.

    Raises: TypeError for floats.
    """
    if self.dtype.category > dtypes.INTEGER:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors, not on "
                        f"{self.dtype}. Use logical_not()")
    return self.bitwise_not()


def is_tensor(obj: Any) -> bool:
    """Whether the object is a Tensor.   Source: PyTorch `torch.is_tensor`."""
    return isinstance(obj, Tensor)


def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero."""
    return bool(check_tensor("is_nonzero", input))


def swap_tensors(t1: Tensor, t2: Tensor) -> None:
    """Exchanges what two tensors hold.   Source: PyTorch `torch.utils.swap_tensors`."""
    for slot in ("_array", "_edge", "_alias"):
        a, b = getattr(t1, slot), getattr(t2, slot)
        setattr(t1, slot, b)
        setattr(t2, slot, a)


def never(name: str, meaning: str) -> Any:
    """A method that answers False: PyTorch has tensors that are so, here there are none."""
    def method(self: Tensor, device: Any = None) -> bool:
        return False
    method.__name__, method.__doc__ = name, f"Whether the tensor {meaning}: never."
    return method


def is_same_size(self: Tensor, other: Tensor) -> bool:
    """Whether both have one shape."""
    return self._array.shape == other._array.shape


def result_type(tensor1: Any, tensor2: Any) -> dtype_type:
    """The dtype that an op of the two, tensors or numbers, would compute in.   Source: PyTorch `torch.result_type`.

    >>> import stickonfire as torch
    >>> torch.result_type(torch.tensor([1, 2], dtype=torch.int32), 1.0)
    torch.float32
    """
    given = (tensor1, tensor2)
    for value in given:
        if not isinstance(value, (Tensor, *NUMBERS)):
            raise TypeError("result_type() received an invalid combination of arguments - got "
                            f"({', '.join(type(v).__name__ for v in given)}), but expected tensors and numbers")
    return dtypes.result_type([(t.dtype, t._array.ndim) for t in given if isinstance(t, Tensor)],
                              [n for n in given if not isinstance(n, Tensor)], state.default_dtype())


def share_memory_(self: Tensor) -> Tensor:
    """Memory that worker processes see; with fork every tensor's is, so nothing moves."""
    return self


METHODS: dict[str, Any] = {
    "size": size, "stride": stride, "numel": numel, "nelement": numel, "dim": dim, "ndimension": dim,
    "element_size": element_size, "storage_offset": storage_offset, "data_ptr": data_ptr,
    "is_contiguous": is_contiguous, "contiguous": contiguous, "to": to, "cuda": cuda, "cpu": cpu,
    "type": type_, "type_as": type_as, "view": view,
    "view_as": view_as, "reshape_as": reshape_as, "expand_as": expand_as, "copy_": copy_, "resize_": resize_,
    "resize_as_": resize_as_, "set_": set_, "is_inference": is_inference, "_is_view": is_view,
    "is_set_to": is_set_to, "get_device": get_device, "apply_": apply_, "adjoint": adjoint,
    "share_memory_": share_memory_,
    "is_floating_point": is_floating_point, "is_complex": is_complex, "is_signed": is_signed, "is_nonzero": is_nonzero,
    "is_cuda": False, "is_sparse": False, "is_quantized": False, "is_mkldnn": False, "is_meta": False,
    "is_nested": False,
    "is_cpu": True, "is_mps": False, "is_xpu": False, "is_sparse_csr": False, "name": None, "layout": strided,
    "is_pinned": never("is_pinned", "lies in pinned memory"), "is_shared": never("is_shared", "lies in shared memory"),
    "is_distributed": never("is_distributed", "is one of several parts"), "is_same_size": is_same_size,
    "dim_order": dim_order, "map_": map_, "positive": positive, "__pos__": positive, "__invert__": invert,
    "itemsize": property(element_size), "nbytes": property(lambda self: self._array.size * self._array.itemsize),
    "T": property(transposed), "mT": property(matrix_transposed), "H": property(hermitian),
    "mH": property(lambda self: adjoint(self) if self.ndim >= 2 else matrix_transposed(self)),
    "float": caster(dtypes.float32), "double": caster(dtypes.float64), "half": caster(dtypes.float16),
    "bfloat16": caster(dtypes.bfloat16), "int": caster(dtypes.int32), "long": caster(dtypes.int64),
    "short": caster(dtypes.int16), "char": caster(dtypes.int8), "byte": caster(dtypes.uint8),
    "bool": caster(dtypes.bool_), "cfloat": caster(dtypes.complex64), "cdouble": caster(dtypes.complex128),
}

FUNCTIONS = (is_floating_point, is_complex, is_signed, is_tensor, is_nonzero, numel, positive, resize_as_, result_type)
