"""Changing what a tree of modules holds: dtype, device, requires_grad, gradients, any function of one's own.

Room: nn. A mixin of Module (module.py). May import: eager.
"""
from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ..eager import Tensor, empty_like, no_grad
from ..eager.attributes import parse_to
from .parameter import Parameter, is_lazy

Self = TypeVar("Self", bound="Conversion")


class Conversion:
    """apply, to, float, double, half, bfloat16, cpu, cuda, type, requires_grad_, zero_grad."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    children: Callable[[], Iterator[Any]]
    parameters: Callable[[], Iterator[Parameter]]

    def apply(self: Self, fn: Callable[[Any], None]) -> Self:
        """Calls `fn` on every module below this one and then on this one (children first)."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self: Self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replaces every parameter's data, its gradient, and every buffer by `fn` of it."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for parameter in self._parameters.values():
            if parameter is None:
                continue
            with no_grad():
                parameter.data = fn(parameter.data if is_lazy(parameter) else parameter)
                if parameter.grad is not None:
                    tracked = parameter.grad.requires_grad
                    parameter.grad = fn(parameter.grad).requires_grad_(tracked)
        for name, buffer in self._buffers.items():
            if buffer is None:
                continue
            if is_lazy(buffer):
                buffer.data = fn(buffer.data)
            else:
                self._buffers[name] = fn(buffer)
        return self

    def to(self: Self, *args: Any, **kwargs: Any) -> Self:
        """Converts in place: to(device), to(dtype), to(device, dtype), to(tensor). Integers keep their dtype.

        Raises: TypeError for a dtype that is neither floating point nor complex.
        """
        if "tensor" in kwargs:
            args = (kwargs.pop("tensor"), *args)
        kind, where, _ = parse_to(args, kwargs)
        if kind is not None:
            if not (kind.is_floating_point or kind.is_complex):
                raise TypeError("nn.Module.to only accepts floating point or complex dtypes, "
                                f"but got desired dtype={kind}")
            if kind.is_complex:
                warnings.warn("Complex modules are a new feature under active development whose design may "
                              "change, and some modules might not work as expected when using complex "
                              "tensors as parameters or buffers.", stacklevel=2)

        def convert(t: Tensor) -> Tensor:
            wanted = kind if t.is_floating_point() or t.is_complex() else None
            return t.to(where, t.dtype if wanted is None else wanted)

        return self._apply(convert)

    def to_empty(self: Self, *, device: Any, recurse: bool = True) -> Self:
        """Moves to a device without copying the values."""
        return self._apply(lambda t: empty_like(t, device=device), recurse=recurse)

    def type(self: Self, dst_type: Any) -> Self:
        """Casts all parameters and buffers, integers included."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self: Self) -> Self:
        """Casts floating point parameters and buffers to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self: Self) -> Self:
        """Casts floating point parameters and buffers to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self: Self) -> Self:
        """Casts floating point parameters and buffers to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self: Self) -> Self:
        """Casts floating point parameters and buffers to bfloat16."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def cpu(self: Self) -> Self:
        """Moves to the CPU."""
        return self._apply(lambda t: t.cpu())

    def cuda(self: Self, device: Any = None) -> Self:
        """Moves to a CUDA device.

        Raises: what the tensor's own `cuda` raises where there is none.
        """
        return self._apply(lambda t: t.cuda(device))

    def share_memory(self: Self) -> Self:
        """Puts parameters and buffers into memory that processes share."""
        return self._apply(lambda t: t.share_memory_())

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Freezes (False) or unfreezes all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drops the gradients of all parameters, or fills them with zeros."""
        for parameter in self.parameters():
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
            else:
                if parameter.grad.grad_fn is not None:
                    parameter.grad.detach_()
                else:
                    parameter.grad.requires_grad_(False)
                parameter.grad.zero_()
