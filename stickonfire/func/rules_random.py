"""Random ops under vmap: an error, one draw for all samples, or one for each, as `randomness` says.

Levels are gone through from the innermost to the outermost; what is left then draws as ever. Room: func.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ops.op import Op
from .batched import Level, expose, level_of, wrap
from .rules import ops_of, run

RANDOM = frozenset((*ops_of("random"), "_standard_gamma", "_sample_dirichlet", "binomial_draw"))


def drawn(op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any], levels: tuple[Level, ...],
          beyond: Callable[..., Any]) -> Any:
    """Executes a random op on samples."""
    if not levels:
        return beyond(op, inputs, attrs)
    level, outer = levels[-1], levels[:-1]
    if level.randomness == "error":
        raise RuntimeError(f"vmap: called random operation while in randomness error mode. Please either use the "
                           f"'same' or 'different' randomness flags on vmap or perform the randomness operation out of "
                           f"vmap. In {op.name}")
    batched = any([level_of(t) is level for t in inputs])
    if level.randomness == "same":
        if batched:
            raise RuntimeError("Vmap does not currently support same randomness with a batched tensor input: "
                               f"{op.name} draws by what differs between samples. Use randomness='different'")
        return drawn(op, inputs, attrs, outer, beyond)
    if op.name == "permutation":
        rows = [drawn(op, inputs, attrs, outer, beyond) for _ in range(level.size)]
        return wrap(run("stack", *rows, dim=0), level)
    if "size" in attrs:
        attrs = {**attrs, "size": (level.size, *attrs["size"])}
    rank = max([t.ndim for t in inputs if hasattr(t, "ndim")], default=0)
    physical = tuple([in_front(t, level, rank) for t in inputs])
    if op.name == "multinomial_draw" and rank == 2:
        flat = tuple([run("flatten", t, start_dim=0, end_dim=1) for t in physical])
        out = drawn(op, flat, attrs, outer, beyond)
        return wrap(run("unflatten", out, dim=0, sizes=(level.size, inputs[0].shape[0])), level)
    return wrap(drawn(op, physical, attrs, outer, beyond), level)


def in_front(t: Any, level: Level, rank: int) -> Any:
    """A tensor with the batch of a level in front of `rank` dims; a number as it is."""
    if not hasattr(t, "ndim"):
        return t
    missing = rank - t.ndim
    whole = expose(t, level)
    return run("reshape", whole, shape=(level.size, *[1] * missing, *t.shape)) if missing else whole
