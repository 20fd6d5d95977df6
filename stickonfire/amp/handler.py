"""Where ops go while autocast is on: operands are cast as PyTorch's lists for the CPU say, then the op runs as ever.

`eager/dispatch.py` hands every op to the handler of the thread. What autocast is set to stands in `eager/autocast.py`.
Room: amp. May import eager and below.
"""
from __future__ import annotations

from typing import Any

from ..core import dtypes
from ..core.device import device
from ..core.state import modes, set_mode
from ..eager import Tensor
from ..eager.autocast import Autocast, autocasting, cast
from ..eager.dispatch import dispatch
from ..eager.inplace import dispatch_inplace
from ..eager.modes import Handler
from ..ops.op import Op

LOWER = frozenset(("matmul", "mm", "bmm", "addmm", "addbmm", "baddbmm", "linear", "convolution", "convolution_input",
                   "prelu_kernel", "rnn_scan", "lstm_scan"))
FLOAT32 = frozenset((
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "huber_loss", "kl_div", "mse_loss", "nll_loss",
    "smooth_l1_loss", "gru_scan", "prod", "trace", "polar", "view_as_complex", "cdist", "fft_c2c", "fft_r2c", "fft_c2r",
    "solve_info", "inverse_info", "cholesky_info", "qr", "eig", "eigh", "eigvals", "eigvalsh", "svd",
    "svdvals", "pinv", "matrix_rank", "householder_form", "solve_triangular"))
WIDEST = frozenset(("cat", "stack", "index_copy"))
AS_INPUT = frozenset(("layer_norm", "rms_norm"))        # weights may be wider than the input, which decides


class AutocastHandler(Handler):
    """Casts the inputs of listed ops, and passes all ops on to the handler that was there before."""

    def dispatch(self, op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
        """Executes an op on operands of the listed dtype."""
        if autocasting.enabled:
            inputs = prepared(op.name, inputs)
        out = self.lowered(dispatch, op, inputs, attrs)
        if op.name in AS_INPUT and out.dtype is not inputs[0].dtype:
            return out.to(inputs[0].dtype)
        return out

    def inplace(self, op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
        """In-place ops are never cast: their target has a dtype."""
        return self.lowered(dispatch_inplace, op, inputs, attrs)


Autocast.handler = AutocastHandler


def prepared(name: str, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands of an op, cast as the lists say."""
    if name in LOWER:
        return cast(inputs, autocasting.dtype)
    if name in FLOAT32:
        return cast(inputs, dtypes.float32)
    if name in WIDEST:
        floats = [t.dtype for t in inputs if isinstance(t, Tensor) and t.is_floating_point()]
        if len(set(floats)) > 1 and dtypes.float64 not in floats:
            return cast(inputs, dtypes.float32)
    return inputs


def set_autocast_enabled(device_type: Any, enabled: bool | None = None) -> None:
    """Switches autocast on or off in this thread, until it is set again: of the CPU; for others nothing happens.

    Source: PyTorch `torch.set_autocast_enabled`.
    """
    if enabled is not None and device(device_type).type == "cpu":
        set_autocast_cpu_enabled(enabled)


def set_autocast_cpu_enabled(value: bool) -> None:
    """`set_autocast_enabled` for the CPU."""
    autocasting.enabled = value
    on_top = isinstance(modes.handler, AutocastHandler)
    if value and not on_top:
        set_mode("handler", AutocastHandler(modes.handler))
    elif not value and on_top:
        set_mode("handler", modes.handler.below)


def is_autocast_cpu_enabled() -> bool:
    """Whether autocast is on for the CPU in this thread."""
    return autocasting.enabled


def get_autocast_cpu_dtype() -> dtypes.dtype:
    """The dtype that autocast lowers to on the CPU."""
    return autocasting.dtype


def set_autocast_cpu_dtype(dtype: dtypes.dtype) -> None:
    """Sets the dtype that autocast lowers to on the CPU."""
    autocasting.dtype = dtype


def autocast_increment_nesting() -> int:
    """One block more; returns how many there are."""
    autocasting.nesting += 1
    return autocasting.nesting


def autocast_decrement_nesting() -> int:
    """One block less; returns how many there are."""
    autocasting.nesting -= 1
    return autocasting.nesting
