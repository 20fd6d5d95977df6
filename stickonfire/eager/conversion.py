"""From tensors to Python numbers, lists and NumPy arrays, and the protocols around them."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..backends.base import BY_ARRAY
from ..core import dtypes
from . import printing
from .modes import capturing
from .tensor import Tensor, make


def value_read(how: str) -> None:
    """Tells the compiler, if it is listening, that Python gets to know a value."""
    recorder = capturing()
    if recorder is not None:
        recorder.stop(f"a tensor's value was read ({how})")


def item(self: Tensor) -> Any:
    """The one element as a Python number.

    Raises: RuntimeError unless there is exactly one.
    """
    if self._array.size != 1:
        raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar. This one has "
                           f"shape {list(self._array.shape)}: reduce or index it first")
    value_read("item")
    value = self._array.item()
    return value if value.__class__ in (float, int, bool, complex) else float(value)        # bfloat16


def tolist(self: Tensor) -> Any:
    """The elements as nested lists of Python numbers."""
    value_read("tolist")
    return (self.float() if self.dtype is dtypes.bfloat16 else self)._array.tolist()


def to_bool(self: Tensor) -> bool:
    if self._array.size != 1:
        raise RuntimeError("Boolean value of Tensor with " + ("no values" if self._array.size == 0 else
                           "more than one value") + " is ambiguous. Use .any() or .all()")
    value_read("bool")
    return bool(self._array.item())


def to_float(self: Tensor) -> float:
    return float(number(self, "double"))


def to_int(self: Tensor) -> int:
    value = number(self, "int64_t")
    if value - value != 0:
        raise (ValueError("cannot convert float NaN to integer") if value != value else
               OverflowError("cannot convert float infinity to integer"))
    return int(value)


def to_complex(self: Tensor) -> complex:
    only_one(self)
    return complex(item(self))


def only_one(self: Tensor) -> None:
    """Raises ValueError unless there is exactly one element."""
    if self._array.size != 1:
        raise ValueError("only one element tensors can be converted to Python scalars: this one has shape "
                         f"{list(self._array.shape)}. Reduce or index it first, or use tolist()")


def number(self: Tensor, kind: str) -> Any:
    only_one(self)
    value = item(self)
    if isinstance(value, complex):
        if value.imag:
            raise RuntimeError(f"value cannot be converted to type {kind} without overflow")
        return value.real
    return value


def to_index(self: Tensor) -> int:
    if self._array.size != 1 or self.dtype.category > dtypes.INTEGER:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    value_read("index")
    return int(self._array.item())


def length(self: Tensor) -> int:
    if self._array.ndim == 0:
        raise TypeError("len() of a 0-d tensor")
    return len(self._array)


def iterate(self: Tensor) -> Iterator[Tensor]:
    if self._array.ndim == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))


def contains(self: Tensor, value: Any) -> bool:
    if isinstance(value, (Tensor, int, float, complex, bool)):
        return bool((self == value).any().item())
    raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(value)}.")


def numpy(self: Tensor, *, force: bool = False) -> Any:
    """A NumPy array over the same memory.

    Raises: RuntimeError if gradients flow through the tensor, unless `force`; TypeError for bfloat16.
    """
    value_read("numpy")
    if force:
        return BY_ARRAY[self._array.__class__].to_numpy(self._array)
    if self.requires_grad:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
    if self.dtype is dtypes.bfloat16:
        raise TypeError("Got unsupported ScalarType BFloat16. Convert with .float() first")
    return BY_ARRAY[self._array.__class__].to_numpy(self._array)


def to_array(self: Tensor, dtype: Any = None, copy: bool | None = None) -> Any:
    """NumPy's protocol: `numpy.asarray(tensor)`."""
    array = numpy(self)
    wanted = array if dtype is None or array.dtype == dtype else array.astype(dtype)
    return wanted.copy() if copy and wanted is array else wanted


def to_dlpack(self: Tensor, **options: Any) -> Any:
    """DLPack's protocol: another library's view of the same memory."""
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    return numpy(self).__dlpack__(**options)


def dlpack_device(self: Tensor) -> tuple[int, int]:
    return numpy(self.detach()).__dlpack_device__()


def format_(self: Tensor, spec: str) -> str:
    if self._array.ndim == 0:
        return item(self).__format__(spec)
    return object.__format__(self, spec)


def to_string(self: Tensor) -> str:
    return printing.format_tensor(self)


def deepcopy(self: Tensor, memo: dict[int, Any]) -> Tensor:
    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol "
                           "at the moment.  If you were attempting to deepcopy a module, this may be because of a "
                           "torch.nn.utils.weight_norm usage, see https://github.com/pytorch/pytorch/pull/103001")
    copied = make(self._array.copy(order="K"))
    copied.__class__ = self.__class__
    memo[id(self)] = copied
    if self.requires_grad:
        copied.requires_grad_(True)
    if self.grad is not None:
        copied.grad = deepcopy(self.grad, memo)
    return copied


def reduce(self: Tensor, protocol: Any) -> tuple[Any, ...]:
    if not self.is_leaf:
        raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) can be pickled: detach() first")
    array = numpy(self.detach().view(dtypes.int16) if self.dtype is dtypes.bfloat16 else self.detach())
    return rebuild, (array, self.dtype, self.requires_grad, self.__class__)


def rebuild(array: Any, dtype: dtypes.dtype, requires_grad: bool, kind: type) -> Tensor:
    """A tensor from its pickled parts."""
    t = make(array)
    if dtype is dtypes.bfloat16:
        t = t.view(dtype)
    t.__class__ = kind
    return t.requires_grad_(True) if requires_grad else t


METHODS: dict[str, Any] = {
    "item": item, "tolist": tolist, "numpy": numpy, "__bool__": to_bool, "__float__": to_float, "__int__": to_int,
    "__complex__": to_complex, "__index__": to_index, "__len__": length, "__iter__": iterate, "__contains__": contains,
    "__array__": to_array, "__dlpack__": to_dlpack, "__dlpack_device__": dlpack_device, "__format__": format_,
    "__repr__": to_string, "__deepcopy__": deepcopy, "__reduce_ex__": reduce, "__hash__": object.__hash__,
    "__array_priority__": 1000,
}
