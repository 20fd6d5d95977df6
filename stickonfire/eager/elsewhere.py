"""What programs ask about devices, layouts and memory that do not exist here: dense CPU tensors answer for themselves.

Called by users as methods and functions. The switches of the process are in `switches.py`.
"""
from __future__ import annotations

import importlib
from typing import Any

from ..backends.base import backend_for
from ..core.device import device as device_type
from ..core.shapes import contiguous_strides
from .attributes import check_tensor, data_ptr
from .conversion import to_dlpack as dlpack_capsule
from .creation import empty_strided
from .tensor import INFERENCE, Tensor, make


def as_subclass(self: Tensor, cls: type) -> Any:
    """The same memory and graph as an instance of a subclass.

    Raises: RuntimeError for what is no subclass of Tensor.   Source: PyTorch `Tensor.as_subclass`.
    """
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise RuntimeError(f"cls must be a subclass of Tensor, got {cls!r}")
    out = make(self._array, self._edge)
    out._alias = self._alias
    out.__class__ = cls
    return out


def dense_dim(self: Tensor) -> int:
    """The number of dense dims: all."""
    return self._array.ndim


def sparse_dim(self: Tensor) -> int:
    """The number of sparse dims: none."""
    return 0


def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool = True) -> Tensor:
    """The tensor itself, which is dense, in a dtype."""
    return self if dtype is None else self.to(dtype)


def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """A copy in pinned memory.

    Raises: RuntimeError, as PyTorch without an accelerator.
    """
    raise RuntimeError("Cannot access accelerator device when none is available: memory is pinned for one. Leave the "
                       "call out")


def grad_dtype(self: Tensor) -> Any:
    """The dtype of the tensor's gradient: its own."""
    return self.dtype


def on_device(kind: str) -> Any:
    """The method that moves a tensor to a kind of device, where it raises as creating one does."""
    def method(self: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
        backend_for(device_type(kind) if device is None else device)
        return self
    method.__name__ = method.__qualname__ = kind
    method.__doc__ = f"The tensor on a device of type {kind}, which is not there: an error."
    return method


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode.   Source: PyTorch `torch.is_inference`."""
    return check_tensor("is_inference", input)._alias is INFERENCE


def detach(input: Tensor) -> Tensor:
    """The same memory outside the graph.   Source: PyTorch `torch.detach`."""
    return check_tensor("detach", input).detach()


def to_dlpack(input: Tensor) -> Any:
    """A capsule for other libraries over the tensor's memory.   Source: PyTorch `torch.to_dlpack`."""
    check_tensor("to_dlpack", input)
    try:
        return dlpack_capsule(input, max_version=(1, 0))        # tells the reader that it may write
    except TypeError:                                           # NumPy before 2.1
        return dlpack_capsule(input)


def empty_permuted(size: Any, physical_layout: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
                   requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """Unwritten memory whose dims lie in a given order, slowest first. Shape: size.

    Raises: RuntimeError unless the order names each dim once.   Source: PyTorch `torch.empty_permuted`.

    >>> import stickonfire as torch
    >>> torch.empty_permuted((2, 3), (1, 0)).stride()
    (1, 2)
    """
    size, order = tuple(size), tuple(physical_layout)
    if sorted(order) != list(range(len(size))):
        raise RuntimeError(f"physical_layout {order} must name each of the {len(size)} dims of size {size} once")
    dense = contiguous_strides([size[d] for d in order])
    strides = [dense[order.index(d)] for d in range(len(size))]
    return empty_strided(size, strides, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def get_device_module(device: Any = None) -> Any:
    """The module that answers for a kind of device, as `torch.cpu`.   Source: PyTorch `torch.get_device_module`.

    Raises: RuntimeError where there is none.
    """
    kind = device_type("cpu" if device is None else device).type
    if kind not in ("cpu", "cuda", "mps", "xpu"):
        raise RuntimeError(f"Invalid device_module: no module answers for '{kind}'")
    return importlib.import_module(f"{__name__.partition('.')[0]}.{kind}")


class Absent:
    """A method of PyTorch's that is not there, as an attribute: looking it up says why."""

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        raise AttributeError(f"'Tensor' object has no attribute '{self.name}': {self.why} (see docs/differences.md)")


DENSE = "there are dense tensors only, so leave the call out or select elements with indexing and index_add"
HALVES = "NumPy has no complex numbers of two float16; use cfloat()"
QUANTISED = "there are no quantised tensors; use round() and integers"
ABSENT = {name: Absent(name, why) for why, names in (
    (DENSE, ("to_sparse", "to_sparse_coo", "to_sparse_csr", "to_sparse_csc", "to_sparse_bsr", "to_sparse_bsc",
             "coalesce", "is_coalesced", "indices", "values", "crow_indices", "col_indices", "sparse_mask", "sspaddmm",
             "smm")),
    (HALVES, ("chalf",)), (QUANTISED, ("int_repr", "q_scale", "q_zero_point", "qscheme"))) for name in names}

METHODS: dict[str, Any] = {
    **ABSENT, "as_subclass": as_subclass, "dense_dim": dense_dim, "sparse_dim": sparse_dim, "to_dense": to_dense,
    "pin_memory": pin_memory, "grad_dtype": property(grad_dtype), "const_data_ptr": data_ptr, "xpu": on_device("xpu"),
    "ipu": on_device("ipu"), "mtia": on_device("mtia"),
}
FUNCTIONS = (is_inference, detach, to_dlpack, empty_permuted, get_device_module)
