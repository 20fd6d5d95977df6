"""Gradient modes: `no_grad`, `enable_grad`, `set_grad_enabled`, `inference_mode`, anomaly detection.

Each is a context manager and a decorator. The modes themselves are in `core/state.py`.
"""
from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from ..core import state
from ..core.state import modes, set_mode, set_recording

F = TypeVar("F", bound=Callable[..., Any])


def capturing() -> Any:
    """The compiler's recorder, if it is listening in this thread."""
    return None if state.plain else modes.recorder


def as_effect(method: F) -> F:
    """A method that changes Python's own state alone (a schedule's step): a compiled step calls it again in each
    run.
    """
    @functools.wraps(method)
    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        recorder = capturing()
        if recorder is None:
            return method(self, *args, **kwargs)
        if args or kwargs:
            recorder.stop(f"{type(self).__name__}.{method.__name__}() was called with arguments")
            return method(self, *args, **kwargs)
        return recorder.effect(functools.partial(method, self), f"{type(self).__name__}.{method.__name__}")
    return step                                                 # type: ignore[return-value]


class Handler:
    """What stands between a call of an op and its execution (`modes.handler`): `vmap`, `autocast`.

    It has `dispatch(op, inputs, attrs)` and `inplace(op, inputs, attrs)`, and passes on what is not its own to the
    handler that was there before, by `lowered`.
    """

    def __init__(self, below: Any) -> None:
        self.below = below

    def like(self, made: Any, input: Any) -> Any:
        """What was made in the image of a tensor, as the handler wants it."""
        return made if self.below is None else self.below.like(made, input)

    def function(self, cls: Any, args: tuple[Any, ...]) -> Any:
        """Applies a user-written Function; NotImplemented if that is nothing special here."""
        return NotImplemented if self.below is None else self.below.function(cls, args)

    def lowered(self, run: Any, op: Any, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
        """Executes an op by `run` (dispatch, dispatch_inplace) as if this handler were not there."""
        before, modes.handler = modes.handler, self.below
        try:
            return run(op, inputs, attrs)
        finally:
            modes.handler = before


class Mode:
    """A context manager and decorator that sets modes of the thread, and restores them."""

    changes: dict[str, bool] = {}

    def __enter__(self) -> Any:
        self.__dict__.setdefault("before", []).append({name: set_mode(name, v) for name, v in self.changes.items()})
        return self

    def __exit__(self, *exc: object) -> None:
        for name, value in self.__dict__["before"].pop().items():
            set_mode(name, value)

    def clone(self) -> Mode:
        """The mode to enter for a call of a decorated function, which may run in several threads."""
        return self.__class__()

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return generator_under(self, function)              # type: ignore[return-value]

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)
        return wrapper                                          # type: ignore[return-value]


def generator_under(mode: Mode, function: Callable[..., Any]) -> Callable[..., Any]:
    """A generator function whose body, not its consumer, runs in the mode."""
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        try:
            sent = None
            while True:
                with mode.clone():
                    item = generator.send(sent)
                sent = yield item
        except StopIteration as stop:
            return stop.value
        finally:
            generator.close()
    return wrapper


class Switch(Mode):
    """A mode that may be used as `@no_grad` as well as `@no_grad()`."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        mode = super().__new__(cls)
        return mode if function is None else mode(function)


class Recording(Mode):
    """A mode that changes the recording of graphs and nothing else."""

    recording: bool

    def __enter__(self) -> Any:
        self.__dict__.setdefault("before", []).append(set_recording(self.recording))
        return self

    def __exit__(self, *exc: object) -> None:
        set_recording(self.__dict__["before"].pop())


class no_grad(Recording, Switch):
    """Ops record no graph inside. Source: PyTorch `torch.no_grad`.

    >>> import stickonfire as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    recording = False


class enable_grad(Recording, Switch):
    """Ops record their graph inside, even within `no_grad`. Source: PyTorch `torch.enable_grad`."""

    recording = True


class set_grad(Recording):
    """Recording on or off inside; the framework's own form of `set_grad_enabled`."""

    def __init__(self, mode: bool) -> None:
        self.recording = bool(mode)

    def clone(self) -> Mode:
        return set_grad(self.recording)


class set_grad_enabled(set_grad):
    """Sets recording on or off: at once when called, until the block's end when used with `with`.

    Source: PyTorch `torch.set_grad_enabled`.
    """

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)
        self.start = set_recording(self.recording)

    def __enter__(self) -> Any:
        set_recording(self.recording)
        return self

    def __exit__(self, *exc: object) -> None:
        set_recording(self.start)

    def __call__(self, function: F) -> F:
        set_recording(self.start)
        return super().__call__(function)


class inference_mode(Mode):
    """No graph inside, and tensors made inside can never enter one. Source: PyTorch `torch.inference_mode`."""

    def __new__(cls, mode: Any = True) -> Any:
        made = super().__new__(cls)
        if callable(mode):
            made.__init__()                                     # type: ignore[misc]
            return made(mode)
        return made

    def __init__(self, mode: bool = True) -> None:
        self.changes = {"grad": False, "inference": True} if mode else {"grad": True, "inference": False}

    def clone(self) -> Mode:
        return inference_mode(self.changes["inference"])


class detect_anomaly(Mode):
    """Backward errors name the forward line; gradients that turn NaN raise.

    Source: PyTorch `autograd.detect_anomaly`.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.changes = {"anomaly": True, "anomaly_nan": check_nan}
        warnings.warn("Anomaly Detection has been enabled. This mode will increase the runtime and should "
                      "only be enabled for debugging.", stacklevel=2)

    def clone(self) -> Mode:
        return self


class set_detect_anomaly(Mode):
    """Sets anomaly detection at once, and back at a block's end. Source: PyTorch `autograd.set_detect_anomaly`."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.changes = {"anomaly": mode, "anomaly_nan": check_nan}
        self.__dict__["before"] = [{name: set_mode(name, value) for name, value in self.changes.items()}]

    def __enter__(self) -> Any:
        return self


def switch_grad(mode: bool) -> bool:
    """Sets recording on or off and returns what it was: for code that runs at every step and restores it itself."""
    return bool(set_mode("grad", mode))


def is_grad_enabled() -> bool:
    """Whether ops record a graph in this thread."""
    return modes.grad


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in inference mode."""
    return modes.inference


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on in this thread."""
    return modes.anomaly


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly detection also looks for NaN gradients."""
    return modes.anomaly_nan
