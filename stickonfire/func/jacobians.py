"""Whole matrices of derivatives: `jacrev` and `jacfwd` map a product over the unit vectors, `hessian` does both.

Room: func. Made of `transforms.py` and `vmap.py`.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..eager import cat, eye, zeros
from .pytree import filled, leaves
from .transforms import Argnums, Linear, recorded
from .vmap import vmap

Function = Callable[..., Any]


def unit_vectors(tensors: list[Any]) -> list[Any]:
    """For each tensor, its part of all unit vectors of the space they span together. Shape: n x (total, *)."""
    counts = [t.numel() for t in tensors]
    parts = []
    for i, t in enumerate(tensors):
        blocks = [eye(n, dtype=t.dtype) if i == j else zeros(n, counts[i], dtype=t.dtype)
                  for j, n in enumerate(counts)]
        parts.append(cat(blocks).reshape(sum(counts), *t.shape))
    return parts


def jacrev(func: Function, argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: int | None = None,
           _preallocate_and_copy: bool = False) -> Function:
    """A function that returns the derivatives of all outputs of `func` with respect to all inputs, output by output.

    Shape: for one output and one input, output.shape + input.shape; else containers of outputs, of inputs.
    chunk_size: how many rows at once.   Source: PyTorch `torch.func.jacrev`.

    >>> import stickonfire as torch
    >>> torch.func.jacrev(lambda x: x ** 2)(torch.tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = recorded(func, args, argnums, "jacrev(f)(*args)", has_aux, kwargs)
        outs = leaves(run.result)

        def row(*cotangents: Any) -> Any:
            weights = [run.exposed(g, "jacrev") for g in cotangents]
            return tuple([run.hidden(g) for g in run.pulled(run.outputs, weights, run.inputs, run.needed)])
        columns = vmap(row, chunk_size=chunk_size)(*unit_vectors(outs))
        per_out = []
        for i, out in enumerate(outs):
            first = sum([t.numel() for t in outs[:i]])
            blocks = iter([g[first:first + out.numel()].reshape(*out.shape, *g.shape[1:]) for g in columns])
            parts = tuple([filled(part, blocks) for part in run.chosen])
            per_out.append(parts[0] if isinstance(argnums, int) else parts)
        result = run.finished(filled(run.result, iter(per_out)))
        return (result, run.finished(run.aux)) if has_aux else result
    return wrapper


def jacfwd(func: Function, argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error") -> Function:
    """The same matrix as `jacrev`, input by input: for functions with more outputs than inputs.

    randomness: accepted; `func` runs once, outside any vmap of ours.   Source: PyTorch `torch.func.jacfwd`.

    >>> import stickonfire as torch
    >>> torch.func.jacfwd(lambda x: x ** 2)(torch.tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        bound = functools.partial(func, **kwargs)
        line = Linear(bound, args, argnums, "jacfwd(f)(*args)", has_aux)
        run = line.run
        ins = [t for part in run.chosen for t in leaves(part)]

        def column(*tangents: Any) -> Any:
            return tuple(leaves(line.push(list(tangents), True)))
        columns = vmap(column, out_dims=-1)(*unit_vectors(ins))
        per_out = []
        for out, found in zip(leaves(run.result), columns):
            starts = [sum([t.numel() for t in ins[:j]]) for j in range(len(ins))]
            blocks = iter([found[..., first:first + t.numel()].reshape(*out.shape, *t.shape)
                           for first, t in zip(starts, ins)])
            parts = tuple([filled(part, blocks) for part in run.chosen])
            per_out.append(parts[0] if isinstance(argnums, int) else parts)
        result = run.finished(filled(run.result, iter(per_out)))
        return (result, run.finished(run.aux)) if has_aux else result
    return wrapper


def hessian(func: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the second derivatives of `func`.

    Shape: output.shape + input.shape twice.   Source: PyTorch `torch.func.hessian`.

    >>> import stickonfire as torch
    >>> torch.func.hessian(lambda x: (x ** 3).sum())(torch.tensor([1., 2.]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


