"""Batching rules: what an op on samples is as ops on the whole batch. Here: elementwise ops and those that lead dims.

A rule gets a `Call` and returns physical tensors, the batch in dim 0. Most ops fall into a few families, each with one
rule and a list of names; the others have a rule of their own. Rules run ops only, so they are differentiable, and an
outer vmap batches them in turn. Called by `handler.py`; `rules_*.py` register more. Room: func.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core import dtypes, state
from ..core.shapes import normalize_dim, normalize_dims
from ..eager.dispatch import dispatch
from ..eager.tensor import Tensor
from ..ops.op import REGISTRY, Op

Rule = Callable[["Call"], Any]
RULES: dict[str, Rule] = {}
DATA_DEPENDENT = frozenset(("masked_select", "nonzero_positions", "distinct", "runs", "distinct_slices", "bincount"))


class Call:
    """An op called on samples: physical tensors where `flags` says so, other inputs as they are."""

    def __init__(self, op: Op, inputs: tuple[Any, ...], flags: tuple[bool, ...], attrs: dict[str, Any],
                 size: int) -> None:
        self.op, self.inputs, self.flags, self.attrs, self.size = op, inputs, flags, attrs, size

    def again(self, *inputs: Any, **changes: Any) -> Any:
        """The same op on other inputs, with some attributes changed."""
        return dispatch(self.op, inputs, {**self.attrs, **changes})

    def rank(self, i: int) -> int:
        """The number of dims of input i as the user sees it; 0 for a number."""
        t = self.inputs[i]
        return t.ndim - self.flags[i] if isinstance(t, Tensor) else 0

    @property
    def ranks(self) -> list[int]:
        return [self.rank(i) for i in range(len(self.inputs))]

    def full(self, i: int) -> Any:
        """Input i with a batch dim in any case."""
        t: Any = self.inputs[i]
        if self.flags[i] or not isinstance(t, Tensor):
            return t
        return t.unsqueeze(0).expand(self.size, *t.shape)       # type: ignore[attr-defined]

    def led(self, i: int, rank: int) -> Any:
        """Input i with as many dims (beside the batch) as `rank` says: new ones of size 1 come first."""
        t = self.inputs[i]
        missing = rank - self.rank(i)
        if not isinstance(t, Tensor) or missing <= 0:
            return t
        start = (t.shape[0],) if self.flags[i] else ()
        return run("reshape", t, shape=(*start, *[1] * missing, *t.shape[len(start):]))

    def dim(self, name: str, rank: int) -> int:
        """A dim attribute, counted from the front of a physical tensor."""
        return normalize_dim(self.attrs[name], rank) + 1


def run(name: str, *inputs: Any, **attrs: Any) -> Any:
    """Executes an op by name, with its defaults for what is not given."""
    op = REGISTRY[name]
    return dispatch(op, inputs, op.attribute_defaults | attrs)


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Registers a rule for some ops."""
    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function
    return register


def ops_of(*modules: str) -> list[str]:
    """The names of all ops declared in some files of ops/."""
    return [op.name for op in REGISTRY.values() if op.module.rpartition(".")[2] in modules]


# -- element by element: batch dims in front, broadcasting does the rest ----------------------------------------------


@rule(*ops_of("trig", "special", "special_flat", "math", "rounding", "compare", "arith", "activation",
              "activation_smooth", "extremes"), "real", "imag", "conj", "conj_physical", "resolve_conj", "resolve_neg",
      "angle", "complex", "polar", "where", "_standard_gamma_grad",
      "_dirichlet_grad")
def elementwise(c: Call) -> Any:
    """Samples of different ranks are brought to one, so that their batch dims meet."""
    rank = max(c.ranks)
    c.inputs = promoted(c)
    return c.again(*[c.led(i, rank) for i in range(len(c.inputs))])


def promoted(c: Call) -> tuple[Any, ...]:
    """The inputs in their common dtype, where it depends on which of them are 0-d: with a batch dim none is."""
    counted = [i for i, t in enumerate(c.inputs) if isinstance(t, Tensor) and i not in c.op.exempt]
    kinds = {c.inputs[i].dtype for i in counted}
    if c.op.promote not in ("same", "float") or len(kinds) < 2 or all(c.rank(i) for i in counted):
        return c.inputs
    numbers = [t for t in c.inputs if t is not None and not isinstance(t, Tensor)]
    common = dtypes.result_type([(c.inputs[i].dtype, c.rank(i)) for i in counted], numbers, state.default_dtype())
    return tuple([run("cast", t, dtype=common) if i in counted else t for i, t in enumerate(c.inputs)])


def reduced(c: Call, loss: Any, reduction: str) -> Any:
    """What a loss makes of its elements, sample by sample."""
    rest = tuple(range(1, loss.ndim))
    if reduction == "none" or not rest:
        return loss
    return run("mean" if reduction == "mean" else "sum", loss, dim=rest)


@rule("mse_loss", "smooth_l1_loss", "huber_loss", "kl_div", "binary_cross_entropy", "binary_cross_entropy_with_logits")
def elementwise_loss(c: Call) -> Any:
    reduction = c.attrs["reduction"]
    c.attrs = {**c.attrs, "reduction": "none"}
    return reduced(c, elementwise(c), reduction)


# -- ops that look at the last dims alone -----------------------------------------------------------------------------


@rule(*ops_of("linalg_spectral"), "inverse_info", "cholesky_info", "lu_packed", "row_order", "det", "slogdet",
      "matrix_exp", "ldl_packed", "tril", "triu", "constant_pad_nd", "cast", "zero", "view_as_real",
      "view_as_complex", "view_dtype", "max_pool", "spread_planes", "gather_planes", "avg_pool", "avg_pool_back",
      "resample", "resample_back")
def leading(c: Call) -> Any:
    """Dims in front are a batch to these ops already."""
    return c.again(*[c.full(i) for i in range(len(c.inputs))])


@rule("clone", "contiguous")
def copied(c: Call) -> Any:
    """A memory format orders the dims of a sample; it is not kept."""
    return c.again(c.inputs[0], memory_format=None)


@rule("copy")
def copy(c: Call) -> Any:
    return c.again(c.full(0), c.led(1, c.rank(0)))


@rule("fill", "fill_with")
def fill(c: Call) -> Any:
    value = c.inputs[1]
    return run("copy", c.full(0), c.led(1, c.rank(0))) if isinstance(value, Tensor) else c.again(c.inputs[0], value)


@rule("masked_fill")
def masked_fill(c: Call) -> Any:
    """`where`, if each sample has its own value."""
    if not c.flags[2]:
        rank = max(c.rank(0), c.rank(1))
        return c.again(c.led(0, rank), c.led(1, rank), c.inputs[2])
    rank = max(c.ranks)
    value = run("cast", c.led(2, rank), dtype=c.inputs[0].dtype)
    return run("where", c.led(1, rank), value, c.led(0, rank))


@rule("glu")
def halves(c: Call) -> Any:
    return c.again(c.inputs[0], dim=c.dim("dim", c.rank(0)))


@rule("fft_c2c", "fft_r2c", "fft_c2r")
def fourier(c: Call) -> Any:
    return c.again(c.inputs[0], dim=shifted(c.attrs["dim"], c.rank(0)))


def all_full(c: Call) -> Call:
    """The call with all tensors batched."""
    return Call(c.op, tuple([c.full(i) for i in range(len(c.inputs))]),
                tuple([isinstance(t, Tensor) for t in c.inputs]), c.attrs, c.size)


@rule("cdist", "solve_triangular")
def two_matrices(c: Call) -> Any:
    rank, c = max(c.ranks), all_full(c)
    return c.again(*[c.led(i, rank) for i in range(2)])


@rule("ldl_solve")
def ldl_solve(c: Call) -> Any:
    rank, c = max(c.rank(0), c.rank(2)), all_full(c)
    return c.again(c.led(0, rank), c.led(1, rank - 1), c.led(2, rank))


@rule("solve_info")
def solve_info(c: Call) -> Any:
    rank = max(c.rank(0), c.rank(1) + bool(c.attrs["vector"]))
    c = all_full(c)
    return c.again(c.led(0, rank), c.led(1, rank - bool(c.attrs["vector"])))


@rule("cross")
def cross(c: Call) -> Any:
    rank, c = max(c.ranks), all_full(c)
    return c.again(c.led(0, rank), c.led(1, rank), dim=normalize_dim(c.attrs["dim"], rank) - rank)


@rule("layer_norm", "rms_norm")
def trailing_norm(c: Call) -> Any:
    """Normalised without the weights, which follow one by one."""
    normal = c.again(c.inputs[0], *[None] * (len(c.inputs) - 1))
    normal = normal if c.flags[0] else normal.unsqueeze(0)
    return scaled(c, normal, c.rank(0))


@rule("standardize")
def standardize(c: Call) -> Any:
    dims = tuple([d + 1 for d in normalize_dims(c.attrs["dims"], c.rank(0))])
    return scaled(c, c.again(c.full(0), None, None, dims=dims), c.rank(0))


def scaled(c: Call, normal: Any, rank: int) -> Any:
    """Something normalised times the weight plus the bias, where these are given."""
    for i, name in ((1, "mul"), (2, "add")):
        if i < len(c.inputs) and c.inputs[i] is not None:
            normal = run(name, normal, c.led(i, rank))
    return normal


# -- ops along dims: all dims move up by one --------------------------------------------------------------------------


def as_vector(c: Call) -> tuple[Any, int]:
    """The input, and its rank; a 0-d sample as a vector of one element, since dims 0 and -1 are allowed for it."""
    x, rank = c.inputs[0], c.rank(0)
    return (x, rank) if rank else (run("unsqueeze", x, dim=1), 0)


def as_scalar(out: Any) -> Any:
    """What came of such a vector, without its dim if it still has it."""
    if isinstance(out, (tuple, list)):
        return tuple([as_scalar(t) for t in out])
    return run("squeeze", out, dim=1) if out.ndim > 1 else out


@rule("sum", "nansum", "mean", "all", "any", "count_nonzero", "amax", "amin", "vector_norm", "logsumexp", "variance",
      "deviation", "variance_and_mean", "deviation_and_mean")
def reduction(c: Call) -> Any:
    """Along some dims, or all of the sample's."""
    x, rank = as_vector(c)
    if not rank:
        normalize_dims(c.attrs["dim"], 0)
        return as_scalar(c.again(x, dim=(1,)))
    return c.again(x, dim=tuple([d + 1 for d in normalize_dims(c.attrs["dim"], rank)]))


@rule("prod", "argmax", "argmin")
def reduction_of_one(c: Call) -> Any:
    """Along one dim, or over all elements."""
    x, rank = as_vector(c)
    if not rank:
        return as_scalar(c.again(x, dim=1))
    if c.attrs["dim"] is not None:
        return c.again(x, dim=c.dim("dim", rank))
    out = c.again(run("flatten", x, start_dim=1), dim=1, keepdim=False)
    return run("reshape", out, shape=(c.size, *[1] * rank)) if c.attrs["keepdim"] else out


@rule("max_all", "min_all")
def extreme_of_all(c: Call) -> Any:
    return run({"max_all": "amax", "min_all": "amin"}[c.op.name], as_vector(c)[0],
               dim=tuple(range(1, 1 + max(c.rank(0), 1))))


@rule("median_all", "nanmedian_all")
def median_of_all(c: Call) -> Any:
    x = run("flatten", as_vector(c)[0], start_dim=1)
    return run(c.op.name.replace("_all", "_dim"), x, dim=1)[0]


@rule("trace")
def trace(c: Call) -> Any:
    return run("sum", run("diagonal", c.inputs[0], dim1=1, dim2=2), dim=(1,))


@rule("softmax", "log_softmax", "cumsum", "cumprod", "cummax", "cummin", "logcumsumexp", "sorted_along", "topk",
      "kthvalue", "mode", "median_dim", "nanmedian_dim", "max_dim", "min_dim", "unbind", "split", "split_with_sizes",
      "unflatten")
def along_dim(c: Call) -> Any:
    """Along one dim."""
    x, rank = as_vector(c)
    out = c.again(x, dim=c.dim("dim", rank))
    return out if rank else as_scalar(out)


def shifted(dims: Any, rank: int) -> tuple[int, ...]:
    """Dims, counted from the front of a physical tensor."""
    given: Sequence[int] = (dims,) if hasattr(dims, "__index__") else dims
    return tuple([normalize_dim(d, rank) + 1 for d in given])
