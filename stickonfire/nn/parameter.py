"""Tensors that a Module registers on assignment: Parameter, Buffer and their forms without a shape yet.

Room: nn. Called by module.py and every layer. May import: eager.
"""
from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ..eager import Tensor, empty


def as_kind(kind: type, data: Tensor, requires_grad: bool) -> Any:
    """A tensor of a subclass over the same memory, outside any graph."""
    t = data.detach()
    t.__class__ = kind
    return t.requires_grad_(requires_grad)


class Parameter(Tensor):
    """A tensor that is trained: assigned to a Module's attribute it appears in `parameters()`.

    Source: PyTorch `nn.Parameter`.

    >>> import stickonfire
    >>> Parameter(stickonfire.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        return as_kind(cls, empty(0) if data is None else data, requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            copied = type(self)(self.data.clone(), self.requires_grad)
            memo[id(self)] = copied
        return memo[id(self)]

    def __repr__(self, *args: Any, **kwargs: Any) -> str:
        return "Parameter containing:\n" + super().__repr__(*args, **kwargs)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return rebuild_parameter, (self.data, self.requires_grad, OrderedDict())


def rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Parameter:
    """Unpickles a Parameter. Source: PyTorch `_rebuild_parameter`; hooks are never pickled."""
    return Parameter(data, requires_grad)


class BufferMeta(type(Tensor)):  # type: ignore[misc]
    """Makes isinstance(t, Buffer) true of tensors that were made by Buffer(...)."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return is_buffer(instance) if cls is Buffer else super().__instancecheck__(instance)


class Buffer(Tensor, metaclass=BufferMeta):
    """Marks a tensor so that assigning it to a Module's attribute registers a buffer.

    Source: PyTorch `nn.Buffer`. The result is an ordinary Tensor over the same memory.

    >>> import stickonfire
    >>> isinstance(Buffer(stickonfire.ones(2)), Buffer)
    True
    """

    persistent: bool

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        data = empty(0) if data is None else data
        buffer = data.detach().requires_grad_(data.requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer


def is_buffer(value: Any) -> bool:
    """Whether a value was made by `Buffer(...)`."""
    return isinstance(value, Tensor) and getattr(value, "_is_buffer", False)


class UninitializedTensor:
    """What UninitializedParameter and UninitializedBuffer share: no shape until `materialize`."""

    cls_to_become: type

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Gives the tensor its shape (values arbitrary) and turns it into an ordinary one."""
        data = self.data  # type: ignore[has-type]
        self.data = empty(shape, device=device or data.device, dtype=dtype or data.dtype)
        self.__class__ = self.cls_to_become

    @property
    def shape(self) -> Any:
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. "
            "Call `forward` to initialize the parameters before accessing their attributes."
        )

    def share_memory_(self) -> Any:
        raise RuntimeError("Can't share memory on an uninitialized parameter or buffer. Call `forward` to "
                           "initialize the parameters before calling `module.share_memory()`.")

    def __repr__(self, *args: Any, **kwargs: Any) -> str:
        return f"<{type(self).__name__}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            data = self.data
            memo[id(self)] = type(self)(self.requires_grad, data.device, data.dtype)  # type: ignore
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return type(self), (self.requires_grad,)  # type: ignore[attr-defined]


class UninitializedParameter(UninitializedTensor, Parameter):   # type: ignore[misc]    # `data` is made at import
    """A parameter whose shape a lazy module finds out in its first forward."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        return as_kind(cls, empty(0, device=device, dtype=dtype), requires_grad)


class UninitializedBuffer(UninitializedTensor, Tensor):         # type: ignore[misc]    # the same
    """A buffer whose shape a lazy module finds out in its first forward."""

    cls_to_become = Tensor
    persistent: bool

    def __new__(cls, requires_grad: bool = False, device: Any = None, dtype: Any = None,
                persistent: bool = True) -> Any:
        buffer = as_kind(cls, empty(0, device=device, dtype=dtype), requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer


def is_lazy(value: Any) -> bool:
    """Whether a parameter or buffer still waits for its shape."""
    return isinstance(value, UninitializedTensor)
