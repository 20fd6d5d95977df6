"""The recurrent scans: against a plain loop, their gradients of both orders, packed rows in both directions."""
from __future__ import annotations

import itertools

import numpy as np
import pytest

import stickonfire as sf
from stickonfire.eager.functional import recurrent as kernels

SIZES = [(3, 3, 3), (3, 2, 2, 1), (1,), (2, 1)]
CASES = [(kind, sizes, reverse) for kind, sizes, reverse in itertools.product(
    ("tanh", "relu", "gru", "lstm", "projected"), SIZES, (False, True))]
GATES = {"tanh": 1, "relu": 1, "gru": 3, "lstm": 4, "projected": 4}
H, P = 3, 2


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(kind, x, h, c, w, extra):
    """One step for one sequence, as the textbooks write it."""
    r = w @ h
    if kind == "tanh":
        return np.tanh(x + r), c
    if kind == "relu":
        return np.maximum(x + r, 0), c
    if kind == "gru":
        r = r + extra
        reset, update = sigmoid(x[:H] + r[:H]), sigmoid(x[H:2 * H] + r[H:2 * H])
        return (1 - update) * np.tanh(x[2 * H:] + reset * r[2 * H:]) + update * h, c
    i, f, g, o = np.split(x + r, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return (extra @ h if kind == "projected" else h), c


def reference(kind, sizes, reverse, x, h0, c0, w, extra):
    """Sequence by sequence."""
    starts = np.cumsum([0, *sizes])
    out, cells = np.zeros((len(x), h0.shape[1])), np.zeros((len(x), H))
    for b in range(sizes[0]):
        rows = [starts[t] + b for t in range(len(sizes)) if sizes[t] > b]
        h, c = h0[b], c0[b]
        for row in rows[::-1] if reverse else rows:
            h, c = step(kind, x[row], h, c, w, extra)
            out[row], cells[row] = h, c
    return out, cells


def inputs(kind, sizes):
    draw = np.random.default_rng(len(sizes)).normal
    width = P if kind == "projected" else H
    extra = {"gru": draw(size=3 * H), "projected": draw(size=(P, H))}.get(kind)
    return (draw(size=(sum(sizes), GATES[kind] * H)), draw(size=(sizes[0], width)), draw(size=(sizes[0], H)),
            draw(size=(GATES[kind] * H, width)), extra)


def scan(kind, sizes, reverse, x, h0, c0, w, extra):
    options = {"sizes": sizes, "reverse": reverse}
    if kind in ("tanh", "relu"):
        return kernels.rnn_scan(x, h0, w, relu=kind == "relu", **options), None
    if kind == "gru":
        return kernels.gru_scan(x, h0, w, extra, **options), None
    return kernels.lstm_scan(x, h0, c0, w, extra, **options)


@pytest.mark.parametrize(("kind", "sizes", "reverse"), CASES)
def test_forward_is_the_textbooks(kind, sizes, reverse):
    arrays = inputs(kind, sizes)
    tensors = [None if a is None else sf.tensor(a) for a in arrays]
    out, cells = scan(kind, sizes, reverse, *tensors)
    wanted = reference(kind, sizes, reverse, *arrays)
    np.testing.assert_allclose(out.numpy(), wanted[0], rtol=1e-10, atol=1e-12)
    if cells is not None:
        np.testing.assert_allclose(cells.numpy(), wanted[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("kind", "sizes", "reverse"), [case for case in CASES if len(case[1]) == 2])
def test_gradients_of_both_orders(kind, sizes, reverse):
    given = [sf.tensor(a, requires_grad=True) for a in inputs(kind, sizes)
             if a is not None]
    used = given if kind in ("lstm", "projected") else [t for i, t in enumerate(given) if i != 2]

    def run(*tensors):
        full = list(tensors) if len(tensors) == len(given) else [*tensors[:2], given[2], *tensors[2:]]
        return tuple([t for t in scan(kind, sizes, reverse, *full, *[None] * (5 - len(full))) if t is not None])

    assert sf.autograd.gradcheck(run, used)
    assert sf.autograd.gradgradcheck(run, used)
