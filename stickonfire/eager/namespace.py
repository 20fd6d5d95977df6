"""`xp` over Tensors: the namespace in which gradient rules run under `create_graph=True`.

Every function has the name and the signature of its counterpart in `backends/cpu/xp.py`, and executes
ops. Elementwise functions are found by name in the registry; those with dims or shapes stand below.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..backends.base import backend_for
from ..core import shapes
from ..core.dtypes import dtype
from ..ops.op import REGISTRY
from .dispatch import dispatch
from .tensor import Tensor, make, namespace_of

# NumPy's names of elementwise functions, where they differ from the ops'
NAMES = {"arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan",
         "arctanh": "atanh", "arctan2": "atan2", "absolute": "abs", "negative": "neg", "multiply": "mul",
         "subtract": "sub", "divide": "div", "true_divide": "div", "power": "pow", "rint": "round",
         "greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le", "equal": "eq", "not_equal": "ne",
         "invert": "bitwise_not", "sign": "sgn", "log_sigmoid": "logsigmoid", "product": "matmul",
         "gathered": "gather", "scattered": "scatter_values", "windows": "unfold", "selected": "index_select",
         "diagonals": "diag_embed"}


def __getattr__(name: str) -> Callable[..., Any]:
    op = REGISTRY.get(NAMES.get(name, name))
    if op is None:
        raise AttributeError(f"no function '{name}' over Tensors: a gradient rule uses it, so eager/namespace.py "
                             "needs it")

    def call(*args: Any, **attrs: Any) -> Any:
        if len(args) <= len(op.tensors):
            return dispatch(op, args, op.attribute_defaults | attrs)
        given = dict(zip(op.params, args)) | attrs
        return dispatch(op, tuple([given.get(n) for n in op.tensors]),
                        op.attribute_defaults | {n: given[n] for n in op.attributes if n in given})
    call.__name__ = name
    globals()[name] = call
    return call


def run(name: str, *inputs: Any, **attrs: Any) -> Any:
    """Executes an op by name, with its defaults for what is not given."""
    op = REGISTRY[name]
    return dispatch(op, inputs, op.attribute_defaults | attrs)


def dims(axis: int | Sequence[int] | None, a: Tensor) -> tuple[int, ...]:
    return shapes.normalize_dims(axis, a.ndim, empty_is_all=False)


def sum(a: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    return run("sum", a, dim=dims(axis, a), keepdim=keepdims) if dims(axis, a) else a


def mean(a: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    return run("mean", a, dim=dims(axis, a), keepdim=keepdims)


def cumsum(a: Tensor, axis: int) -> Tensor:
    return run("cumsum", a, dim=axis)


def cumprod(a: Tensor, axis: int) -> Tensor:
    return run("cumprod", a, dim=axis)


def flip(a: Tensor, axis: Any) -> Tensor:
    return run("flip", a, dims=dims(axis, a))


def reshape(a: Tensor, shape: Any) -> Tensor:
    return run("reshape", a, shape=(shape,) if isinstance(shape, int) else tuple(shape))


def broadcast_to(a: Tensor, shape: Sequence[int]) -> Tensor:
    return run("expand", a, size=tuple(shape))


def transpose(a: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    return run("permute", a, dims=tuple(reversed(range(a.ndim))) if axes is None else tuple(axes))


def swapaxes(a: Tensor, axis1: int, axis2: int) -> Tensor:
    return run("transpose", a, dim0=axis1, dim1=axis2)


def moveaxis(a: Tensor, source: Any, destination: Any) -> Tensor:
    return run("movedim", a, source=source, destination=destination)


def expand_dims(a: Tensor, axis: Any) -> Tensor:
    for dim in sorted((axis,) if isinstance(axis, int) else axis):
        a = run("unsqueeze", a, dim=dim)
    return a


def squeeze(a: Tensor, axis: Any) -> Tensor:
    return run("squeeze", a, dim=dims(axis, a))


def concatenate(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    return run("cat", *tensors, dim=axis)


def stack(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    return run("stack", *tensors, dim=axis)


def take(a: Tensor, positions: Any) -> Tensor:
    return run("take", a, as_tensor(positions, a))


def put(a: Tensor, positions: Any, values: Tensor) -> Tensor:
    return run("put", a, as_tensor(positions, a), values, accumulate=False)


def put_add(a: Tensor, positions: Any, values: Tensor) -> Tensor:
    return run("put", a, as_tensor(positions, a), values, accumulate=True)


def take_along_axis(a: Tensor, indices: Any, axis: int) -> Tensor:
    return run("gather", a, as_tensor(indices, a), dim=axis)


def index_put_at(a: Tensor, spec: Any, indices: Sequence[Tensor], values: Tensor) -> Tensor:
    return run("index_put", a, values, *indices, spec=spec, accumulate=False)


def index_add_at(a: Tensor, spec: Any, indices: Sequence[Tensor], values: Tensor) -> Tensor:
    return run("index_put", a, values, *indices, spec=spec, accumulate=True)


def index_sum(src: Tensor, dim: int, index: Tensor, shape: Sequence[int]) -> Tensor:
    return run("index_add", zeros_like(src, shape), index, src, dim=dim)


def scatter_combined(reduce: str, a: Tensor, dim: int, index: Tensor, src: Tensor, include_self: bool) -> Tensor:
    return run("scatter_reduce", a, index, src, dim=dim, reduce=reduce, include_self=include_self)


def padded(a: Tensor, pads: Sequence[tuple[int, int]], value: Any) -> Tensor:
    return run("constant_pad_nd", a, pad=[n for pair in reversed(pads) for n in pair], value=value)


def running_logsumexp(a: Tensor, axis: int) -> Tensor:
    return run("logcumsumexp", a, dim=axis)


def flatnonzero(mask: Any) -> Tensor:
    return make(namespace_of(mask).flatnonzero(mask._array))


def broadcast_shapes(*sizes: Sequence[int]) -> tuple[int, ...]:
    return shapes.broadcast_shapes(*sizes)


def between(view: Any, base: Any) -> Tensor:
    return make(backend_for(None).xp.between(view, base))


def as_tensor(array: Any, like: Tensor) -> Any:
    """A saved index array as a Tensor."""
    return array if isinstance(array, Tensor) else make(namespace_of(like).asarray(array))


def where(condition: Any, a: Any, b: Any) -> Tensor:
    some = a if isinstance(a, Tensor) else b if isinstance(b, Tensor) else condition
    return run("where", as_tensor(condition, some), a, b)


def keep(a: Any, mask: Any) -> Tensor:
    return where(mask, a, zeros_like(a))


def step(a: Tensor, low: float) -> Tensor:
    xp = namespace_of(a)
    return make(xp.asarray(xp.step(a._array, low)))


def elu_grad(a: Tensor, alpha: float, scale: float, input_scale: float) -> Tensor:
    return run("elu_grad", a, alpha=alpha, scale=scale, input_scale=input_scale)


def conj(a: Any) -> Any:
    return a if isinstance(a, Tensor) and not a.is_complex() else a.conj() if isinstance(a, Tensor) else a.conjugate()


def polygamma(n: int, a: Tensor) -> Tensor:
    return run("polygamma", a, n=n)


def complex_of(real: Tensor, imag: Tensor) -> Tensor:
    return run("complex", real, imag)


def zeros_like(a: Tensor, shape: Sequence[int] | None = None) -> Tensor:
    xp = namespace_of(a)
    return make(xp.zeros(a._array.shape if shape is None else tuple(shape), a._array.dtype))


def ones_like(a: Tensor, shape: Sequence[int] | None = None) -> Tensor:
    xp = namespace_of(a)
    return make(xp.ones(a._array.shape if shape is None else tuple(shape), a._array.dtype))


def full_like(a: Tensor, value: Any, shape: Sequence[int] | None = None) -> Tensor:
    xp = namespace_of(a)
    return make(xp.full(a._array.shape if shape is None else tuple(shape), value, a._array.dtype))


def asarray(value: Any) -> Any:
    return value


def cast(a: Tensor, d: dtype) -> Tensor:
    return a if a.dtype is d else run("cast", a, dtype=d)


def copy(a: Tensor) -> Tensor:
    return run("clone", a)


def dtype_of(a: Tensor) -> dtype:
    return a.dtype


def arange(*args: int) -> Any:
    return make(backend_for(None).xp.arange(*args))
