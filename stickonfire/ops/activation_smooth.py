"""Smooth activations: sigmoid, elu and its kin, silu, gelu, mish, softplus.

Straight ones are in `activation.py`. `nn.functional` gives these ops their `inplace` argument.
"""
from __future__ import annotations

from typing import Any

from .common import EVERYWHERE, floating, refuse
from .op import op

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@floating(publish=(*EVERYWHERE, "special.expit"), fused=True)
def sigmoid(xp, input):
    """1 / (1 + exp(-input)).

    Shape: (*) -> (*).   Source: PyTorch `sigmoid`.
    """
    return xp.sigmoid(input)


@sigmoid.gradient("input")
def _(xp, g, out):
    slope = 1 - out
    slope = slope * out
    return g * xp.conj(slope)


@op(promote="same", fused=True)
def silu(xp, input):
    """input * sigmoid(input).

    Shape: (*) -> (*).   Source: Hendrycks & Gimpel 2016; PyTorch `silu`.
    """
    return xp.silu(input)


@silu.gradient("input")
def _(xp, g, input):
    return g * xp.conj(xp.silu_grad(input))


@op(promote="same")
def silu_grad(xp, input):
    """The derivative of silu: an op, so that it has a derivative in turn.

    Shape: (*) -> (*).   Source: PyTorch `silu_backward`.
    """
    return xp.silu_grad(input)


@silu_grad.gradient("input")
def _(xp, g, input):
    s = xp.sigmoid(input)
    return g * xp.conj(s * (1 - s) * (2 + input * (1 - 2 * s)))


@op(promote="same")
def mish(xp, input):
    """input * tanh(softplus(input)).

    Shape: (*) -> (*).   Source: Misra 2019; PyTorch `mish`.
    """
    return xp.mish(input)


refuse(mish, "bic")


@mish.gradient("input")
def _(xp, g, input):
    s = xp.sigmoid(input)
    t = xp.tanh(xp.softplus(input))
    return g * (t + input * s * (1 - t * t))


@op(promote="same")
def softplus(xp, input, beta: float = 1.0, threshold: float = 20.0):
    """log(1 + exp(beta * input)) / beta, and input itself where beta * input is above the threshold.

    Shape: (*) -> (*).   Source: Dugas et al. 2001; PyTorch `softplus`.
    """
    return xp.softplus(input, beta, threshold)


refuse(softplus, "bic")


@softplus.gradient("input")
def _(xp, g, input, beta, threshold):
    scaled = input * beta
    return xp.where(scaled > threshold, g, g * xp.sigmoid(scaled))


@op(promote="same", grad_name="LogSigmoidBackward0")
def logsigmoid(xp, input):
    """log(sigmoid(input)).

    Shape: (*) -> (*).   Source: PyTorch `logsigmoid`.
    """
    return xp.log_sigmoid(input)


refuse(logsigmoid, "bic")


@logsigmoid.gradient("input")
def _(xp, g, input):
    return g * xp.sigmoid(-input)


@op(promote="same", fused=True)
def gelu(xp, input, *, approximate: str = "none"):
    """input * P(X <= input) for normal X; "tanh": its approximation by a tanh.

    Shape: (*) -> (*).   Raises: RuntimeError for another `approximate`.
    Source: Hendrycks & Gimpel 2016; PyTorch `gelu`.
    """
    if approximate == "none":
        return xp.gelu(input)
    if approximate != "tanh":
        raise RuntimeError("approximate argument must be either none or tanh.")
    return xp.gelu_tanh(input)


refuse(gelu, "bic")


@gelu.gradient("input")
def _(xp, g, input, approximate):
    return g * (xp.gelu_grad(input) if approximate == "none" else xp.gelu_tanh_grad(input))


@op(promote="same")
def gelu_grad(xp, input):
    """The derivative of gelu: an op, so that it has a derivative in turn.

    Shape: (*) -> (*).   Source: PyTorch `gelu_backward`.
    """
    return xp.gelu_grad(input)


@gelu_grad.gradient("input")
def _(xp, g, input):
    density = xp.exp(input * input * -0.5) * 0.3989422804014327
    return g * density * (2 - input * input)


@op(promote="same")
def gelu_tanh_grad(xp, input):
    """The derivative of gelu's approximation by a tanh.

    Shape: (*) -> (*).   Source: PyTorch `gelu_backward`.
    """
    return xp.gelu_tanh_grad(input)


@gelu_tanh_grad.gradient("input")
def _(xp, g, input):
    scale = 0.7978845608028654
    cubic = 0.044715
    square = input * input
    t = xp.tanh(input * (1 + cubic * square) * scale)
    inner = (1 + 3 * cubic * square) * scale
    sech = 1 - t * t
    return g * sech * (inner + 3 * cubic * scale * square - input * t * inner * inner)


@op(promote="same")
def elu(xp, input, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0):
    """input above 0, alpha * (exp(input) - 1) below.

    Shape: (*) -> (*).   Source: Clevert et al. 2015; PyTorch `elu`.
    """
    return xp.elu(input, alpha, scale, input_scale)


refuse(elu, "bic")


@elu.gradient("input")
def _(xp, g, input, alpha, scale, input_scale):
    return g * xp.elu_grad(input, alpha, scale, input_scale)


@op(promote="same")
def elu_grad(xp, input, alpha: float, scale: float, input_scale: float):
    """The derivative of elu (and, with other constants, of selu and celu).

    Shape: (*) -> (*).   Source: PyTorch `elu_backward`.
    """
    return xp.elu_grad(input, alpha, scale, input_scale)


@elu_grad.gradient("input")
def _(xp, g, input, out, input_scale):
    return xp.keep(g * out * input_scale, input <= 0)


@op(publish=("stickonfire",), promote="same", grad_name="EluBackward0")
def selu(xp, input):
    """scale * (input above 0, alpha * (exp(input) - 1) below),
    with constants that keep mean 0 and variance 1.

    Shape: (*) -> (*).   Source: Klambauer et al. 2017; PyTorch `selu`.
    """
    return xp.elu(input, SELU_ALPHA, SELU_SCALE, 1.0)


refuse(selu, "bic")


@selu.gradient("input")
def _(xp, g, input):
    return g * xp.elu_grad(input, SELU_ALPHA, SELU_SCALE, 1.0)


@op(publish=("stickonfire",), promote="same")
def celu(xp, input, alpha: float = 1.0):
    """input above 0, alpha * (exp(input / alpha) - 1) below.

    Shape: (*) -> (*).   Raises: RuntimeError for alpha 0.   Source: Barron 2017; PyTorch `celu`.
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return xp.elu(input, alpha, 1.0, 1 / alpha)


refuse(celu, "bic")


@celu.gradient("input")
def _(xp, g, input, alpha):
    return g * xp.elu_grad(input, alpha, 1.0, 1 / alpha)


def halves(input: Any, dim: int) -> tuple[Any, Any]:
    """The first and the second half along a dim."""
    cut = input.shape[dim] // 2
    before = (slice(None),) * (dim % input.ndim)
    return input[(*before, slice(0, cut))], input[(*before, slice(cut, None))]


@op(promote="same")
def glu(xp, input, dim: int = -1):
    """a * sigmoid(b), a and b being the halves of the input along `dim`.

    Shape: (*, 2 n, *) -> (*, n, *).   Raises: RuntimeError for an odd size.
    Source: Dauphin et al. 2017; PyTorch `glu`.
    """
    if input.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    if not -input.ndim <= dim < input.ndim:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-input.ndim}, {input.ndim - 1}], but "
                         f"got {dim})")
    if input.shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim % input.ndim} is size "
                           f"{input.shape[dim]}")
    a, b = halves(input, dim)
    return a * xp.sigmoid(b)


@glu.gradient("input")
def _(xp, g, input, dim):
    a, b = halves(input, dim)
    s = xp.sigmoid(b)
    return xp.concatenate([g * s, g * a * s * (1 - s)], axis=dim)
