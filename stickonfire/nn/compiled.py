"""`torch.compile`: a function, a whole training step or a module, as native code from its second call on.

The compiler listens to one call (`compiler/capture.py`); this file adds what concerns modules: those that are
called are watched, so that `model.eval()` or another dropout rate leads to another program. May import: eager,
compiler.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..compiler.execute import Compiled
from ..compiler.surroundings import of_hooks, of_module
from .global_hooks import register_module_forward_pre_hook
from .hooks import GLOBAL_CALL_HOOKS
from .module import Module


class Watching:
    """A block in which each module that is called tells the recorder its settings."""

    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder
        self.seen: set[int] = set()

    def __enter__(self) -> None:
        self.handle = register_module_forward_pre_hook(self.saw)

    def __exit__(self, *exc: object) -> None:
        self.handle.remove()
        self.recorder.guards += of_hooks(GLOBAL_CALL_HOOKS)

    def saw(self, module: Module, args: Any) -> None:
        """Notes a module's settings, once."""
        if id(module) not in self.seen:
            self.seen.add(id(module))
            self.recorder.guards += of_module(module)
            for hooks in (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks,
                          module._backward_pre_hooks):
                self.recorder.guards += of_hooks(hooks)


def compile(model: Callable[..., Any] | None = None, *, fullgraph: bool = False, dynamic: bool | None = None,
            backend: Any = "native", mode: str | None = None, options: dict[str, Any] | None = None,
            disable: bool = False) -> Any:
    """A function or module that does the same, as native code.

    The first call runs as usual and shows what there is; the second is listened to and compiled; from then on calls
    with the same shapes, dtypes and settings run the program. Whatever a program cannot stand for (Python that
    reads a tensor's value, another shape) runs as usual, and `explain()` of the result says why. A whole training
    step, with `backward()` and `optimizer.step()` in it, becomes one program.

    fullgraph: raise RuntimeError where a call would run as usual because it cannot be captured. disable: return the
    function as it is. dynamic, backend, mode and options are accepted and choose nothing.

    Raises: TypeError for what cannot be called.   Source: PyTorch `torch.compile`.

    >>> import stickonfire as torch
    >>> double = torch.compile(lambda x: (x * 2).sum())
    >>> [double(torch.ones(3)).item() for _ in range(3)]
    [6.0, 6.0, 6.0]
    """
    if model is None:
        return lambda function: compile(function, fullgraph=fullgraph, disable=disable)
    if not callable(model):
        raise TypeError(f"compile() wants a function or a module, not {type(model).__name__}")
    if disable:
        return model
    if isinstance(model, Module):
        return OptimizedModule(model, fullgraph)
    return Compiled(model, Watching, fullgraph)


class OptimizedModule(Module):
    """A module whose calls are compiled. Its attributes are the module's own.

    Source: PyTorch `torch._dynamo.OptimizedModule`.
    """

    def __init__(self, module: Module, fullgraph: bool = False) -> None:
        super().__init__()
        self._orig_mod = module
        self.__dict__["compiled"] = Compiled(module, Watching, fullgraph)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.compiled(*args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("_orig_mod", "training") or "_orig_mod" not in self.__dict__.get("_modules", ()):
            super().__setattr__(name, value)
        else:
            setattr(self._modules["_orig_mod"], name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_modules" not in self.__dict__ or "_orig_mod" not in self._modules:
            raise AttributeError(name)                  # not made yet, or being copied
        return getattr(self._modules["_orig_mod"], name)

    def train(self, mode: bool = True) -> OptimizedModule:
        """Sets training mode here and in the module."""
        super().train(mode)
        return self

    def explain(self) -> str:
        """See `Compiled.explain`."""
        return self.compiled.explain()
