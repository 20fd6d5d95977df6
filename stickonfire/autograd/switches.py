"""Switches of PyTorch's backward engine that have nothing to switch here: they are remembered and change nothing.

One of PyTorch's spellings, under `torch.autograd`. Imports nothing of ours.
"""
from __future__ import annotations

from types import TracebackType
from typing import Any, ClassVar

from ..eager import Tensor


class _Switch:
    """A setting, changed by calling the class and restored at the end of a `with` block."""

    value: ClassVar[bool] = True

    def __init__(self, mode: bool = True) -> None:
        self.before = type(self).value
        type(self).value = bool(mode)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        type(self).value = self.before


class set_multithreading_enabled(_Switch):
    """Whether backward may use threads of its own: it never does.

    Source: PyTorch `torch.autograd.set_multithreading_enabled`.

    >>> import stickonfire as torch
    >>> with torch.autograd.set_multithreading_enabled(False):
    ...     torch.autograd.is_multithreading_enabled()
    False
    """

    value = True

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)


class enforce_grad_layout_policy(_Switch):
    """Whether gradients get the strides of their leaf: they always do.

    Source: PyTorch `torch.autograd.enforce_grad_layout_policy`.
    """

    value = True

    def __init__(self, enable: bool = True) -> None:
        super().__init__(enable)


def is_multithreading_enabled() -> bool:
    """What `set_multithreading_enabled` was last told."""
    return set_multithreading_enabled.value


def is_view_replay_enabled() -> bool:
    """Whether views are made again after in-place writes by repeating their ops: they are made by region.

    Source: PyTorch `torch.autograd.is_view_replay_enabled`.
    """
    return False


def is_tensor_like(inp: Any) -> bool:
    """Whether it is a Tensor, or its class takes part in PyTorch's protocol `__torch_function__`.

    Source: PyTorch `torch.overrides.is_tensor_like`.

    >>> import stickonfire as torch
    >>> torch.autograd.is_tensor_like(torch.ones(1)), torch.autograd.is_tensor_like(6)
    (True, False)
    """
    return isinstance(inp, Tensor) or hasattr(type(inp), "__torch_function__")


def variable(*args: Any, **kwargs: Any) -> Any:
    """PyTorch's name before version 0.4.

    Raises: RuntimeError, as in PyTorch: `torch.tensor` took its place.
    """
    raise RuntimeError("torch.autograd.variable(...) is deprecated, use torch.tensor(...) instead")
