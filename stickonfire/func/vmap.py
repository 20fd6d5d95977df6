"""`vmap`: a function of one sample becomes one of a batch, without a loop.

Inputs are wrapped so that the function sees samples (`batched.py`); each op it calls is executed once, on the whole
batch (`handler.py`, `rules.py`). Here: dims in and out, containers of tensors, chunks. Room: func.
"""
from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from ..eager import Tensor, cat
from .batched import expose, level_of, wrap
from .handler import new_level
from .pytree import filled, leaves, mapped, spread

Dims = Any          # an int, None, or containers of them


def vmap(func: Callable[..., Any], in_dims: Dims = 0, out_dims: Dims = 0, randomness: str = "error", *,
         chunk_size: int | None = None) -> Callable[..., Any]:
    """`func`, applied to each slice of its inputs along `in_dims`; the results are stacked along `out_dims`.

    in_dims: for each argument the dim to map over (an int, also negative), or None to hand it over whole; containers
    may have the same structure as the arguments. out_dims: likewise for the outputs. randomness: whether random ops
    raise ("error"), draw once ("same") or for each sample ("different"). chunk_size: how many samples at once.

    Raises: ValueError for dims that do not fit, RuntimeError for random ops and for control flow on values.
    Source: PyTorch `torch.vmap`, `torch.func.vmap`.

    >>> import stickonfire as torch
    >>> torch.vmap(torch.dot)(torch.ones(3, 2), torch.tensor([[1., 2.], [3., 4.], [5., 6.]]))
    tensor([ 3.,  7., 11.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        given, dims = mapped_inputs(func, in_dims, args)
        named = leaves(kwargs)
        named_dims = [0 if isinstance(t, Tensor) else None for t in named]
        size = batch_size(func, in_dims, [*given, *named], [*dims, *named_dims])

        def some(first: int, count: int) -> tuple[list[Any], Any]:
            parts = [part(t, d, first, count, size) for t, d in zip(given, dims)]
            named_parts = [part(t, d, first, count, size) for t, d in zip(named, named_dims)]
            with new_level(count, randomness) as level:
                inside = [t if d is None else wrap(moved(t, d, 0), level)
                          for t, d in zip([*parts, *named_parts], [*dims, *named_dims])]
                values = iter(inside)
                out = func(*filled(args, values), **filled(kwargs, values))
                return [unwrapped(t, d, level, func) for t, d in placed(func, out, out_dims)], out
        if chunk_size is None or chunk_size >= size:
            flat, out = some(0, size)
            return filled(out, iter(flat))
        chunks = [some(first, min(chunk_size, size - first)) for first in range(0, size, chunk_size)]
        out = chunks[0][1]
        return filled(out, iter(joined([flat for flat, _ in chunks], placed(func, out, out_dims))))
    return wrapped


def mapped_inputs(func: Callable[..., Any], in_dims: Dims, args: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    """The values among the arguments, and for each the dim to map over, counted from the front; or None."""
    def wrong(text: str) -> ValueError:
        return ValueError(f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>): {text}")
    if not isinstance(in_dims, (int, tuple, list)):
        raise wrong("expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, "
                    f"got: {type(in_dims)}.")
    given = leaves(args)
    dims = spread(tuple(in_dims) if isinstance(in_dims, list) else in_dims, args)
    if dims is None:
        raise wrong(f"in_dims is not compatible with the structure of inputs. in_dims has structure "
                    f"{mapped(lambda leaf: '*', in_dims)} but inputs has structure {mapped(lambda leaf: '*', args)}.")
    for i, (value, dim) in enumerate(zip(given, dims)):
        if dim is None:
            continue
        if not isinstance(dim, int):
            raise wrong(f"Got in_dim={dim} for an input but in_dim must be either an integer dimension or None.")
        if not isinstance(value, Tensor):
            raise wrong(f"Got in_dim={dim} for an input but the input is of type {type(value)}. We cannot vmap over "
                        "non-Tensor arguments, please use None as the respective in_dim")
        if not -value.ndim <= dim < value.ndim:
            raise wrong(f"Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {value.ndim} "
                        f"so expected in_dim to satisfy -{value.ndim} <= in_dim < {value.ndim}.")
        dims[i] = dim % value.ndim
    return given, dims


def batch_size(func: Callable[..., Any], in_dims: Dims, given: list[Any], dims: list[Any]) -> int:
    """How many samples there are.

    Raises: ValueError if inputs disagree, or none is mapped over.
    """
    sizes = [t.shape[d] for t, d in zip(given, dims) if d is not None]
    if not given:
        raise ValueError(f"vmap({name_of(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are "
                         "trying to vmap over a function with no inputs. The latter is unsupported.")
    if not sizes:
        raise ValueError(f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>): at least one input must be mapped "
                         "over: all in_dims are None")
    if len(set(sizes)) > 1:
        raise ValueError(f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} "
                         "for the mapped dimension")
    return sizes[0]


def part(t: Any, dim: Any, first: int, count: int, size: int) -> Any:
    """A chunk of an input."""
    if dim is None or count == size:
        return t
    return t[(slice(None),) * dim + (slice(first, first + count),)]


def moved(t: Any, source: int, destination: int) -> Any:
    return t if source == destination else t.movedim(source, destination)


def placed(func: Callable[..., Any], out: Any, out_dims: Dims) -> Iterator[tuple[Any, Any]]:
    """The values a function returned, and for each the dim its batch goes to.

    Raises: ValueError for what is no tensor, or dims of another structure.
    """
    found = leaves(out)
    for value in found:
        if not isinstance(value, Tensor):
            raise ValueError(f"vmap({name_of(func)}, ...): `{name_of(func)}` must only return Tensors, got type "
                             f"{type(value)} as a return.")
    if isinstance(out_dims, int) or out_dims is None:
        dims: list[Any] | None = [out_dims] * len(found)
    elif isinstance(out, Tensor) and isinstance(out_dims, tuple) and len(out_dims) == 1:
        dims = [out_dims[0]]
    else:
        dims = spread(tuple(out_dims) if isinstance(out, tuple) and isinstance(out_dims, list) else out_dims, out)
    if dims is None or not all(d is None or isinstance(d, int) for d in dims):
        raise ValueError(f"vmap({name_of(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with "
                         "the structure of `outputs`. Use one int for all, or the outputs' structure")
    return zip(found, dims)


def unwrapped(t: Any, dim: Any, level: Any, func: Callable[..., Any]) -> Any:
    """An output with the batch in dim `dim`; None for one that is the same for all samples."""
    if dim is None:
        if level_of(t) is level:
            raise ValueError(f"vmap({name_of(func)}, ...): `{name_of(func)}` can not return a BatchedTensor when "
                             "out_dim is None")
        return t
    rank = t.ndim + 1
    if not -rank <= dim < rank:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {dim})")
    return moved(expose(t, level), 0, dim % rank)


def joined(chunks: list[list[Any]], places: Iterator[tuple[Any, Any]]) -> list[Any]:
    """The chunks' outputs, put together along the dims of their batches."""
    return [column[0] if dim is None else cat(column, dim) for column, (_, dim) in zip(zip(*chunks), places)]


def name_of(func: Callable[..., Any]) -> str:
    return getattr(func, "__name__", repr(func))

