"""Batching rules of indexing, gathering, scattering: where each sample has its own indices, the batch is indexed too.

Called through `rules.RULES`. Room: func. May import eager and below.
"""
from __future__ import annotations

from typing import Any

from ..core import dtypes
from ..core.shapes import broadcast_shapes, normalize_dim
from ..eager.tensor import Tensor
from .rules import Call, as_scalar, rule, run

WHOLE = slice(None)


def positions(c: Call, rank: int) -> Any:
    """0, 1, ... along the batch, with `rank` dims behind."""
    from_zero = run("arange", start=0, end=c.size, step=1, dtype=dtypes.int64, device=None)
    return run("reshape", from_zero, shape=(c.size, *[1] * rank))


def at_least_1d(c: Call) -> tuple[Call, bool]:
    """The call with all tensors batched and 0-d samples as vectors; and whether the first was 0-d."""
    inputs = [c.full(i) for i in range(len(c.inputs))]
    raised = [run("unsqueeze", t, dim=1) if isinstance(t, Tensor) and t.ndim == 1 else t for t in inputs]
    flags = tuple([isinstance(t, Tensor) for t in raised])
    return Call(c.op, tuple(raised), flags, c.attrs, c.size), c.rank(0) == 0


@rule("gather", "scatter_add", "scatter_values", "scatter_reduce")
def along_dim(c: Call) -> Any:
    """Index and source have the dims of the input, so the batch is one more that matches."""
    rank, result = c.rank(0), c.rank(1) if c.op.name == "gather" else c.rank(0)
    wide, _ = at_least_1d(c)
    out = wide.again(*wide.inputs, dim=normalize_dim(c.attrs["dim"], rank) + 1)
    return out if result else as_scalar(out)


@rule("index_select")
def index_select(c: Call) -> Any:
    rank, dim = c.rank(0), normalize_dim(c.attrs["dim"], c.rank(0))
    if not c.flags[1]:
        return c.again(c.inputs[0], c.inputs[1], dim=dim + 1) if rank else c.inputs[0]
    rows = run("reshape", c.inputs[1], shape=(c.size, -1))
    if not rank:
        return c.full(0)
    return picked(c, c.inputs[0], c.flags[0], rows, dim)


def picked(c: Call, x: Any, batched: bool, rows: Any, dim: int) -> Any:
    """x[..., rows, ...] along a dim, where each sample has its own rows."""
    spec = (WHOLE,) * dim + (True,)
    return index_batch(c, x, batched, [rows], [True], spec)


@rule("index_rows")
def index_rows(c: Call) -> Any:
    x, rows = c.inputs
    if not c.flags[1]:
        return c.again(x, rows, dim=c.attrs["dim"] + 1)
    return picked(c, x, c.flags[0], rows, c.attrs["dim"])


@rule("index")
def index(c: Call) -> Any:
    """x[i, :, j]"""
    return index_batch(c, c.inputs[0], c.flags[0], list(c.inputs[1:]), list(c.flags[1:]), c.attrs["spec"])


def index_batch(c: Call, x: Any, batched: bool, indices: list[Any], flags: list[bool], spec: tuple[Any, ...]) -> Any:
    """`index` of a batch. The dims of the indices stand where PyTorch puts them: in place, or in front if apart."""
    width, place = index_width(indices, flags), index_place(spec)
    if not any(flags):
        out = run("index", x, *indices, spec=(WHOLE, *spec))
        return run("movedim", out, source=width, destination=0) if place is None else out
    refuse_masks(indices, flags)
    led = led_indices(c, indices, flags, width)
    if not batched:
        out = run("index", x, *led, spec=spec)
        return run("movedim", out, source=place or 0, destination=0)
    out = run("index", x, positions(c, width), *led, spec=(True, *spec))
    return behind(out, width, place)


def behind(x: Any, width: int, place: int | None) -> Any:
    """The dims of indices, which come right after the batch, put to where they belong."""
    if not place or not width:
        return x
    return run("movedim", x, source=tuple(range(1, 1 + width)), destination=tuple(range(1 + place, 1 + place + width)))


def index_width(indices: list[Any], flags: list[bool]) -> int:
    """How many dims the indices broadcast to; a mask counts as one list of places for each of its dims."""
    return max([1 if is_mask(t) else t.ndim - flag for t, flag in zip(indices, flags)])


def index_place(spec: tuple[Any, ...]) -> int | None:
    """Where index dims stand in the result: the first index if they are next to one another, else None, in front."""
    at = [i for i, part in enumerate(spec) if part is True]
    return at[0] if at == list(range(at[0], at[0] + len(at))) else None


def is_mask(t: Any) -> bool:
    return t.dtype.category == dtypes.BOOL


def refuse_masks(indices: list[Any], flags: list[bool]) -> None:
    """How many elements a mask picks differs between samples."""
    if any([is_mask(t) for t in indices]):
        raise RuntimeError("vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow: "
                           "a mask that is vmapped over as an index. Use torch.where or masked_fill instead")


def led_indices(c: Call, indices: list[Any], flags: list[bool], width: int) -> list[Any]:
    call = Call(c.op, tuple(indices), tuple(flags), {}, c.size)
    return [call.led(i, width) for i in range(len(indices))]


@rule("index_put")
def index_put(c: Call) -> Any:
    """x[i, :, j] = values"""
    values, indices, flags = c.inputs[1], list(c.inputs[2:]), list(c.flags[2:])
    return put_batch(c, c.full(0), values, c.flags[1], indices, flags, c.attrs["spec"], c.attrs["accumulate"])


def put_batch(c: Call, x: Any, values: Any, batched: bool, indices: list[Any], flags: list[bool],
              spec: tuple[Any, ...], accumulate: bool) -> Any:
    """`index_put` of a batch: the values are laid out as the indexed part of x is."""
    width, place = index_width(indices, flags), index_place(spec)
    rank = x.ndim - 1 - len([part for part in spec if part is True]) + width - sum([t.ndim - 1 for t in indices
                                                                                  if is_mask(t)])
    if batched:
        values = Call(c.op, (values,), (True,), {}, c.size).led(0, rank)
    if not any(flags):
        if place is None and batched:
            values = run("movedim", values, source=0, destination=width)
        return run("index_put", x, values, *indices, spec=(WHOLE, *spec), accumulate=accumulate)
    refuse_masks(indices, flags)
    led = [positions(c, width), *led_indices(c, indices, flags, width)]
    if place and width:
        whole = values if batched else Call(c.op, (values,), (False,), {}, c.size).led(0, rank).unsqueeze(0)
        values = run("movedim", whole, source=tuple(range(1 + place, 1 + place + width)),
                     destination=tuple(range(1, 1 + width)))
    return run("index_put", x, values, *led, spec=(True, *spec), accumulate=accumulate)


@rule("index_add", "index_copy")
def index_add(c: Call) -> Any:
    """Slices of a dim increased by, or replaced by, those of a source."""
    rank, dim = c.rank(0), normalize_dim(c.attrs["dim"], c.rank(0))
    wide, _ = at_least_1d(c)
    x, rows, source = wide.inputs
    if not c.flags[1]:
        rows = run("reshape", c.inputs[1], shape=(-1,))
        out = c.again(x, rows, source, dim=dim + 1)
    else:
        factor = c.attrs.get("alpha", 1)
        source = source if factor == 1 else run("mul", source, factor)
        spec = (WHOLE,) * dim + (True,)
        out = put_batch(c, x, source, True, [rows], [True], spec, c.op.name == "index_add")
    return out if rank else as_scalar(out)


@rule("index_fill")
def index_fill(c: Call) -> Any:
    rank, dim = c.rank(0), normalize_dim(c.attrs["dim"], c.rank(0))
    value = c.inputs[2]
    wide, _ = at_least_1d(Call(c.op, c.inputs[:2], c.flags[:2], c.attrs, c.size))
    x, rows = wide.inputs
    spec = (WHOLE,) * dim + (True,)
    if not isinstance(value, Tensor):
        value = run("full", size=(), value=value, dtype=x.dtype, device=None)
    value = run("cast", value, dtype=x.dtype)
    if not c.flags[1]:
        rows = run("reshape", c.inputs[1], shape=(-1,))
    out = put_batch(c, x, value, c.flags[2], [rows], [c.flags[1]], spec, False)
    return out if rank else as_scalar(out)


# -- by row-major place -----------------------------------------------------------------------------------------------


def flat(t: Any) -> Any:
    """Each sample as a vector."""
    return run("reshape", t, shape=(t.shape[0], -1 if t.numel() else t.numel() // max(t.shape[0], 1)))


def from_front(rows: Any, count: int) -> Any:
    """Places, negative ones counted from the end."""
    return run("where", run("lt", rows, 0), run("add", rows, count), rows)


@rule("take")
def take(c: Call) -> Any:
    x, rows = flat(c.full(0)), c.full(1)
    out = run("gather", x, from_front(flat(rows), x.shape[1]), dim=1)
    return run("reshape", out, shape=tuple(rows.shape))


@rule("put")
def put(c: Call) -> Any:
    x, rows, source = c.full(0), flat(c.full(1)), flat(c.full(2))
    name = "scatter_add" if c.attrs["accumulate"] else "scatter_values"
    out = run(name, flat(x), from_front(rows, flat(x).shape[1]), source, dim=1)
    return run("reshape", out, shape=tuple(x.shape))


@rule("masked_scatter")
def masked_scatter(c: Call) -> Any:
    """The k-th true place of a sample takes the k-th element of its source."""
    rank = max(c.rank(0), c.rank(1))
    source, pair = flat(c.full(2)), Call(c.op, (c.full(0), c.full(1)), (True, True), {}, c.size)
    x, mask = (pair.led(i, rank) for i in range(2))
    shape = broadcast_shapes(tuple(x.shape), tuple(mask.shape))
    x, mask = run("expand", x, size=shape), run("expand", mask, size=shape)
    order = run("cumsum", flat(run("cast", mask, dtype=dtypes.int64)), dim=1)
    chosen = run("gather", source, run("clamp_min", run("sub", order, 1), 0), dim=1)
    return run("where", mask, run("reshape", chosen, shape=tuple(x.shape)), x)


# -- tables -----------------------------------------------------------------------------------------------------------


@rule("embedding")
def embedding(c: Call) -> Any:
    """Each sample's table is a part of one long table."""
    rows, weight = c.inputs
    if not c.flags[1]:
        return c.again(rows, weight)
    length, skipped = c.rank(1) and weight.shape[1], c.attrs["padding_idx"]
    rank = c.rank(0)
    shifted = run("add", c.led(0, rank), run("mul", positions(c, rank), length))
    long = run("reshape", weight, shape=(c.size * length, weight.shape[2]))
    out = run("embedding", shifted, long, padding_idx=-1, scale_grad_by_freq=c.attrs["scale_grad_by_freq"])
    if skipped < 0:
        return out
    padding = run("unsqueeze", run("eq", c.full(0), skipped), dim=rank + 1)
    return run("where", padding, out.detach(), out)


@rule("insertion_places")
def insertion_places(c: Call) -> Any:
    """One list of edges for all takes values of any shape; else each sample's values are a row beside its edges."""
    edges, values = c.inputs
    if not c.flags[0] and c.rank(0) == 1:
        return c.again(edges, values)
    edges, values = c.full(0), c.full(1)
    if c.rank(0) == 1:
        return run("reshape", c.again(edges, flat(values)), shape=tuple(values.shape))
    return c.again(edges, values)
