"""Instructions carried out by NumPy: what a program means, and how it runs where no machine code can be made.

`execute(instr, view, number)` does one instruction; `view(ref)` gives the array of a Ref, `number(symbol)` its
value now.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backends.cpu import xp
from .program import Instr, Ref, Symbol

NAMES = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "not": np.logical_not,
         "sign": xp.sign, "exp": xp.exp, "log": xp.log, "sigmoid": xp.sigmoid, "erf": xp.erf,
         "erfc": xp.erfc, "divide": np.true_divide}
REDUCE = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum, "any": np.logical_or,
          "all": np.logical_and}
View = Callable[[Ref], np.ndarray]


def execute(instr: Instr, view: View, number: Callable[[Symbol], float]) -> None:
    """One instruction."""
    if instr.outs and instr.run is None and not any(ref.size for ref in instr.outs):
        return                                              # nothing to write
    handler = HANDLERS.get(instr.name)
    if handler is not None:
        handler(instr, view)
    elif "of" in instr.settings or instr.name in ("where", "fill", "cast"):
        elementwise(instr, view, number)
    else:
        call(instr, view, number)


def filled_in(value: Any, view: View, number: Callable[[Symbol], float]) -> Any:
    """An operand with arrays in place of Refs."""
    kind = value.__class__
    if kind is Ref:
        return view(value)
    if kind is Symbol:
        return number(value)
    if kind is tuple or kind is list:
        return kind([filled_in(part, view, number) for part in value])
    if kind is dict:
        return {key: filled_in(part, view, number) for key, part in value.items()}
    return value


def call(instr: Instr, view: View, number: Callable[[Symbol], float]) -> None:
    """A function of `xp` as it was recorded: it writes to its arguments, or its results are copied to their place."""
    given = filled_in(instr.operands, view, number)
    settings = filled_in(instr.settings, view, number)
    if instr.name == "effect":
        instr.run()
        return
    written = {id(ref.buffer) for ref in instr.outs} & {id(ref.buffer) for ref in instr.reads()}
    if getattr(instr.run, "into", False):
        instr.run(*given, out=view(instr.out), **settings)
        return
    result = instr.run(*given, **settings)
    if written and result is None or not instr.outs:
        return
    several = result if result.__class__ in (tuple, list) else (result,)
    arrays = [part for part in several if isinstance(part, (np.ndarray, np.generic))]
    for ref, array in zip(instr.outs, arrays):
        target = view(ref)
        if target is not array:
            assert target.shape == array.shape, f"{instr!r} gave an array of shape {array.shape}"
            np.copyto(target, array, casting="unsafe")


def elementwise(instr: Instr, view: View, number: Callable[[Symbol], float]) -> None:
    """What kernels do element by element, computed in the dtype the instruction names."""
    given = filled_in(instr.operands, view, number)
    out = view(instr.out)
    if instr.name in ("fill", "cast"):
        np.copyto(out, given[0], casting="unsafe")
        return
    of = np.dtype(instr.settings["of"])
    if instr.name == "where":
        np.copyto(out, np.where(given[0], *[np.asarray(x).astype(of) for x in given[1:]]), casting="unsafe")
        return
    function = NAMES.get(instr.name) or getattr(np, instr.name)
    np.copyto(out, function(*[np.asarray(x).astype(of, copy=False) for x in given]), casting="unsafe")


def reduce(instr: Instr, view: View) -> None:
    a, out = view(instr.operands[0]), view(instr.out)
    result = REDUCE[instr.settings["kind"]].reduce(a, axis=instr.settings["axes"], keepdims=True)
    np.copyto(out, np.reshape(result, out.shape), casting="unsafe")


def matmul(instr: Instr, view: View) -> None:
    a, b = map(view, instr.operands)
    np.copyto(view(instr.out), xp.product(a, b))


def take_rows(instr: Instr, view: View) -> None:
    source, index = map(view, instr.operands)
    np.copyto(view(instr.out), np.take(source, index, axis=0, mode="clip"))


def add_rows(instr: Instr, view: View) -> None:
    rows, index = map(view, instr.operands)
    out = view(instr.out)
    np.copyto(out, xp.index_sum(rows, 0, index, out.shape))


def pick(instr: Instr, view: View) -> None:
    a, index = map(view, instr.operands)
    np.copyto(view(instr.out), np.take_along_axis(a, np.clip(index, 0, a.shape[-1] - 1)[..., None], -1)[..., 0])


def one_hot(instr: Instr, view: View) -> None:
    index, values = map(view, instr.operands)
    out = view(instr.out)
    np.copyto(out, np.where(np.arange(out.shape[1]) == index[:, None], values[:, None], 0), casting="unsafe")


HANDLERS: dict[str, Callable[[Instr, View], None]] = {
    "reduce": reduce, "matmul": matmul, "take_rows": take_rows, "add_rows": add_rows, "pick": pick, "one_hot": one_hot}
