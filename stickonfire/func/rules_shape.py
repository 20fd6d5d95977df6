"""Batching rules of views and of what moves elements around: shapes get the batch's size in front, dims move up by one.

Called through `rules.RULES`. Room: func. May import eager and below.
"""
from __future__ import annotations

from typing import Any

from ..core.shapes import infer_size, normalize_dim
from .rules import Call, as_scalar, as_vector, rule, run, shifted

WHOLE = slice(None)


def numel(c: Call) -> int:
    count = 1
    for n in c.inputs[0].shape[1:]:
        count *= n
    return count


@rule("reshape", "view")
def reshape(c: Call) -> Any:
    name = "shape" if c.op.name == "reshape" else "size"
    return c.again(c.inputs[0], **{name: (c.size, *infer_size(c.attrs[name], numel(c)))})


@rule("ravel")
def ravel(c: Call) -> Any:
    return run("reshape", c.inputs[0], shape=(c.size, numel(c)))


@rule("flatten")
def flatten(c: Call) -> Any:
    x, rank = as_vector(c)
    return c.again(x, start_dim=c.dim("start_dim", rank), end_dim=c.dim("end_dim", rank)) if rank else x


@rule("transpose")
def transpose(c: Call) -> Any:
    rank = c.rank(0)
    dims = c.dim("dim0", rank), c.dim("dim1", rank)
    return c.again(c.inputs[0], dim0=dims[0], dim1=dims[1]) if rank else c.inputs[0]


@rule("t")
def t(c: Call) -> Any:
    if c.rank(0) > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {c.rank(0)}D")
    return run("transpose", c.inputs[0], dim0=1, dim1=2) if c.rank(0) == 2 else c.inputs[0]


@rule("permute")
def permute(c: Call) -> Any:
    dims = tuple(c.attrs["dims"])
    if len(dims) != c.rank(0):
        raise RuntimeError("permute(sparse_coo): number of dimensions in the tensor input does not match the length "
                           f"of the desired ordering of dimensions i.e. input.dim() = {c.rank(0)} is not equal to "
                           f"len(dims) = {len(dims)}")
    return c.again(c.inputs[0], dims=(0, *shifted(dims, c.rank(0))))


@rule("movedim")
def movedim(c: Call) -> Any:
    source, destination = (shifted(c.attrs[name], c.rank(0)) for name in ("source", "destination"))
    return c.again(c.inputs[0], source=source, destination=destination) if c.rank(0) else c.inputs[0]


@rule("unsqueeze")
def unsqueeze(c: Call) -> Any:
    return c.again(c.inputs[0], dim=c.dim("dim", c.rank(0) + 1))


@rule("squeeze")
def squeeze(c: Call) -> Any:
    x, rank = c.inputs[0], c.rank(0)
    dims = range(1, rank + 1) if c.attrs["dim"] is None else shifted(c.attrs["dim"], rank)
    return c.again(x, dim=tuple([d for d in dims if rank and x.shape[d] == 1]))


@rule("expand", "broadcast_to")
def expand(c: Call) -> Any:
    size = tuple(c.attrs["size"])
    return c.again(c.led(0, len(size)), size=(c.size, *size))


@rule("repeat")
def repeat(c: Call) -> Any:
    repeats = tuple(c.attrs["repeats"])
    return c.again(c.led(0, len(repeats)), repeats=(1, *repeats))


@rule("diagonal")
def diagonal(c: Call) -> Any:
    return c.again(c.inputs[0], dim1=c.dim("dim1", c.rank(0)), dim2=c.dim("dim2", c.rank(0)))


@rule("diag_embed")
def diag_embed(c: Call) -> Any:
    rank = c.rank(0) + 1
    return c.again(c.inputs[0], dim1=c.dim("dim1", rank), dim2=c.dim("dim2", rank))


@rule("diagonal_scatter")
def diagonal_scatter(c: Call) -> Any:
    return c.again(c.full(0), c.full(1), dim1=c.dim("dim1", c.rank(0)), dim2=c.dim("dim2", c.rank(0)))


@rule("as_strided")
def as_strided(c: Call) -> Any:
    """The batch keeps its own stride."""
    x = c.inputs[0]
    return c.again(x, size=(c.size, *c.attrs["size"]), stride=(x.stride(0), *c.attrs["stride"]))


@rule("as_strided_scatter")
def as_strided_scatter(c: Call) -> Any:
    x = c.full(0).clone()
    return c.again(x, c.full(1), size=(c.size, *c.attrs["size"]), stride=(x.stride(0), *c.attrs["stride"]))


@rule("unfold")
def unfold(c: Call) -> Any:
    x, rank = as_vector(c)
    out = c.again(x, dimension=c.dim("dimension", rank))
    return out if rank else as_scalar(out)


@rule("fold_windows")
def fold_windows(c: Call) -> Any:
    shape = tuple(c.attrs["shape"])
    return c.again(c.inputs[0], dim=c.dim("dim", len(shape)), shape=(c.size, *shape))


@rule("basic_select", "basic_slice", "basic_unsqueeze", "basic_alias")
def basic(c: Call) -> Any:
    return c.again(c.inputs[0], index=(WHOLE, *c.attrs["index"]))


@rule("place")
def place(c: Call) -> Any:
    return c.again(c.inputs[0], index=(WHOLE, *c.attrs["index"]), shape=(c.size, *c.attrs["shape"]))


@rule("replaced")
def replaced(c: Call) -> Any:
    return c.again(c.full(0), c.full(1), index=(WHOLE, *c.attrs["index"]))


@rule("widened_to")
def widened_to(c: Call) -> Any:
    return c.again(c.inputs[0], shape=(c.size, *c.attrs["shape"]))


@rule("cat")
def cat(c: Call) -> Any:
    """PyTorch lets empty vectors join anything: they drop out."""
    rank = max(c.ranks)
    parts = [c.full(i) for i, t in enumerate(c.inputs) if c.rank(i) == rank or t.shape[-1:] != (0,)]
    return c.again(*parts, dim=c.dim("dim", rank))


@rule("stack")
def stack(c: Call) -> Any:
    return c.again(*[c.full(i) for i in range(len(c.inputs))], dim=c.dim("dim", c.rank(0) + 1))


@rule("flip")
def flip(c: Call) -> Any:
    x, rank = as_vector(c)
    out = c.again(x, dims=shifted(c.attrs["dims"], rank))
    return out if rank else as_scalar(out)


@rule("roll")
def roll(c: Call) -> Any:
    x, dims = c.inputs[0], c.attrs["dims"]
    if dims is None or (not hasattr(dims, "__index__") and not len(dims)):
        flat = run("reshape", x, shape=(c.size, numel(c)))
        return run("reshape", c.again(flat, dims=(1,)), shape=tuple(x.shape))
    if not c.rank(0):
        normalize_dim(1, 0)
    return c.again(x, dims=shifted(dims, c.rank(0)))
