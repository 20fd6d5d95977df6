"""Batching rules of recurrent layers: samples join the sequences; with weights of their own they go step by step.

Called through `rules.RULES`. Room: func. May import eager and below.
"""
from __future__ import annotations

from typing import Any

from ..eager import namespace
from ..ops.recurrent import gru_gates, lstm_gates, steps
from .rules import Call, rule, run


def joined(t: Any) -> Any:
    """(V, N, H) -> (N V, H): each row becomes the rows of all samples, so that longer sequences stay in front."""
    count, rows, width = t.shape
    return run("reshape", run("movedim", t, source=0, destination=1), shape=(count * rows, width))


def parted(t: Any, size: int) -> Any:
    """(N V, H) -> (V, N, H)."""
    split = run("reshape", t, shape=(t.shape[0] // max(size, 1), size, t.shape[1]))
    return run("movedim", split, source=1, destination=0)


@rule("rnn_scan", "gru_scan", "lstm_scan")
def scan(c: Call) -> Any:
    states = 3 if c.op.name == "lstm_scan" else 2           # the input and the states come first, then the weights
    if any(c.flags[states:]):
        return stepwise(c, states)
    rows = [joined(c.full(i)) for i in range(states)]
    out = c.again(*rows, *c.inputs[states:], sizes=tuple([n * c.size for n in c.attrs["sizes"]]))
    return tuple([parted(t, c.size) for t in out]) if isinstance(out, tuple) else parted(out, c.size)


def stepwise(c: Call, states: int) -> Any:
    """A scan with weights for each sample: one batch of products a step."""
    x, firsts = c.full(0), [c.full(i) for i in range(1, states)]
    weights = [c.full(i) for i in range(states, len(c.inputs))]
    now, outs = list(firsts), []
    spans = steps(c.attrs["sizes"], c.attrs["reverse"])
    for start, end in spans:
        now = [sized(t, first, end - start) for t, first in zip(now, firsts)]
        now = step(c, x.narrow(1, start, end - start), now, weights)
        outs.append(now)
    if c.attrs["reverse"]:
        outs.reverse()
    results = tuple([run("cat", *parts, dim=1) for parts in zip(*outs)])
    return results if len(results) > 1 else results[0]


def sized(t: Any, first: Any, rows: int) -> Any:
    """A state cut to so many rows, or lengthened by rows of the first state."""
    have = t.shape[1]
    if have >= rows:
        return t.narrow(1, 0, rows)
    return run("cat", t, first.narrow(1, have, rows - have), dim=1)


def times(a: Any, w: Any) -> Any:
    """a w^T, sample by sample."""
    return run("matmul", a, run("transpose", w, dim0=1, dim1=2))


def step(c: Call, x: Any, now: list[Any], weights: list[Any]) -> list[Any]:
    """The states after one step; the gates are those of ops/recurrent.py, on the rows of all samples."""
    def flat(t: Any) -> Any:
        return run("flatten", t, start_dim=0, end_dim=1)

    def back(t: Any) -> Any:
        return run("reshape", t, shape=(c.size, x.shape[1], t.shape[1]))

    product = times(now[0], weights[0])
    if c.op.name == "rnn_scan":
        return [run("relu" if c.attrs["relu"] else "tanh", x + product)]
    if c.op.name == "gru_scan":
        bias = weights[1]
        product = product if bias is None else product + bias.unsqueeze(1)
        _, z, n, _ = gru_gates(namespace, flat(x), flat(product))
        return [back(n + z * (flat(now[0]) - n))]
    i, f, g, o = lstm_gates(namespace, flat(x + product))
    cell = f * flat(now[1]) + i * g
    h = back(o * run("tanh", cell))
    return [h if weights[1] is None else times(h, weights[1]), back(cell)]
