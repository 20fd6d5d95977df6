"""One direction of a recurrent layer over a whole sequence: RNN, GRU, LSTM, each with its gradient through time.

Rows are packed: those of step 0, then those of step 1, ...; `sizes` says how many each step has, never more than the
one before. Input projections come in ready (one product for all steps, made outside), so only the recurrent product
is left in the loops. The gradients compute the gates of all steps at once, walk back through time with one product a
step, and end with one product for the weight. Called by `eager/functional/recurrent.py`, which loads this file; `op` is
all it imports. Sources: Hochreiter & Schmidhuber 1997; Cho et al. 2014; PyTorch `rnn_tanh`, `gru`, `lstm`.
"""
from __future__ import annotations

from collections.abc import Sequence

from .op import op


def steps(sizes, reverse):
    """First row and end of each time step, in the order in which the layer walks over them."""
    spans, start = [], 0
    for size in sizes:
        spans.append((start, start + size))
        start += size
    return spans[::-1] if reverse else spans


def state_for(xp, state, first, rows):
    """A state cut to so many rows, or lengthened by rows of the first state where sequences join in."""
    have = state.shape[0]
    if have == rows:
        return state
    return state[:rows] if have > rows else xp.concatenate((state, first[have:rows]), axis=0)


def before(xp, out, first, sizes, reverse):
    """For each row the state it came from."""
    spans, n = steps(sizes, False), sizes[0]
    if sizes[-1] == n:                                              # all sequences are equally long
        parts = [out[n:], first] if reverse else [first, out[:-n]]
    elif reverse:
        parts = []
        for (_, end), rows, left in zip(spans, sizes, (*sizes[1:], 0)):
            parts += [out[end:end + left]] if left == rows else [out[end:end + left], first[left:rows]]
    else:
        parts = [first, *[out[start:start + rows] for (start, _), rows in zip(spans, sizes[1:])]]
    return xp.concatenate(tuple(parts), axis=0)


class Walk:
    """The way back through time: gradients of the states, carried from step to step."""

    def __init__(self, xp, like, sizes, reverse):
        self.xp, self.order, self.ascending = xp, steps(sizes, reverse)[::-1], reverse
        start, end = self.order[0]
        self.like, self.rows, self.spilled = like, end - start, {}

    def zeros(self, rows, columns):
        return self.xp.zeros_like(self.like, shape=(rows, columns))

    def start(self, columns):
        """Nothing has arrived yet at the step that ran last."""
        return self.zeros(self.rows, columns)

    def carried(self, name, g, rows):
        """The gradient that arrives at a step of so many rows; what is beyond belongs to the first state."""
        have = g.shape[0]
        if have > rows:
            self.spilled.setdefault(name, []).append(g[rows:])
            return g[:rows]
        return g if have == rows else self.xp.concatenate((g, self.zeros(rows - have, g.shape[1])), axis=0)

    def first(self, name, g):
        """The gradient of the first state, from what was left at the end and what was spilled on the way."""
        spilled = self.spilled.get(name)
        return self.xp.concatenate((g, *spilled[::-1]), axis=0) if spilled else g

    def gathered(self, parts):
        """What each step gave, in the order of the rows."""
        return self.xp.concatenate(tuple(parts if self.ascending else parts[::-1]), axis=0)


# -- Elman ----------------------------------------------------------------------------------------------

@op(promote="match", opmath=True, grad_name="RnnBackward0")
def rnn_scan(xp, x, h0, w_hh, sizes: Sequence[int], reverse: bool = False, relu: bool = False):
    """h' = tanh(x + h w_hh^T), or relu, step by step.

    Shape: (N, H), (B, H), (H, H) -> (N, H).   Source: Elman 1990; PyTorch `rnn_tanh`, `rnn_relu`.
    """
    out, h, turned = xp.empty(x.shape, x.dtype), h0, w_hh.T
    for start, end in steps(sizes, reverse):
        h = x[start:end] + xp.product(state_for(xp, h, h0, end - start), turned)
        h = xp.maximum(h, 0) if relu else xp.tanh(h)
        out[start:end] = h
    return out


@rnn_scan.gradient()
def _(xp, g, h0, w_hh, out, sizes, reverse, relu, needs):
    slope = xp.cast(out > 0, xp.dtype_of(out)) if relu else 1 - out * out
    walk, parts = Walk(xp, out, sizes, reverse), []
    dh = walk.start(out.shape[1])
    for start, end in walk.order:
        d = (g[start:end] + walk.carried("h", dh, end - start)) * slope[start:end]
        parts.append(d)
        dh = xp.product(d, w_hh)
    d = walk.gathered(parts)
    of_w = xp.product(d.T, before(xp, out, h0, sizes, reverse)) if needs[2] else None
    return d, walk.first("h", dh), of_w


# -- GRU ------------------------------------------------------------------------------------------------

def gru_gates(xp, x, hh):
    """Reset and update gate, the candidate, and the candidate's part of the recurrent product."""
    n = x.shape[1] // 3
    r = xp.sigmoid(x[:, :n] + hh[:, :n])
    z = xp.sigmoid(x[:, n:2 * n] + hh[:, n:2 * n])
    return r, z, xp.tanh(x[:, 2 * n:] + r * hh[:, 2 * n:]), hh[:, 2 * n:]


@op(promote="match", grad_name="GruBackward0")
def gru_scan(xp, x, h0, w_hh, b_hh=None, *, sizes: Sequence[int], reverse: bool = False):
    """h' = (1 - z) n + z h with the gates r, z and the candidate n = tanh(x_n + r (h w_hn^T + b_hn)), step by step.

    Shape: (N, 3 H), (B, H), (3 H, H), (3 H) -> (N, H).   Source: Cho et al. 2014; PyTorch `gru`.
    """
    out, h, turned = xp.empty((x.shape[0], h0.shape[1]), x.dtype), h0, w_hh.T
    for start, end in steps(sizes, reverse):
        h = state_for(xp, h, h0, end - start)
        hh = xp.product(h, turned)
        _, z, n, _ = gru_gates(xp, x[start:end], hh if b_hh is None else hh + b_hh)
        h = n + z * (h - n)
        out[start:end] = h
    return out


@gru_scan.gradient()
def _(xp, g, x, h0, w_hh, b_hh, out, sizes, reverse, needs):
    last = before(xp, out, h0, sizes, reverse)
    hh = xp.product(last, w_hh.T)
    r, z, n, hn = gru_gates(xp, x, hh if b_hh is None else hh + b_hh)
    of_n = (1 - z) * (1 - n * n)                                    # dh times these: the gates' gradients
    of_r, of_z = of_n * hn * r * (1 - r), (last - n) * z * (1 - z)
    factors = xp.concatenate((of_r, of_z, of_n * r), axis=1)        # (N, 3 H), of the recurrent product
    walk, parts, width = Walk(xp, out, sizes, reverse), [], out.shape[1]
    dh = walk.start(width)
    for start, end in walk.order:
        d = g[start:end] + walk.carried("h", dh, end - start)
        parts.append(d)
        dh = xp.product(xp.concatenate((d, d, d), axis=1) * factors[start:end], w_hh) + d * z[start:end]
    d = walk.gathered(parts)
    of_hh = xp.concatenate((d, d, d), axis=1) * factors
    of_x = xp.concatenate((of_hh[:, :2 * width], d * of_n), axis=1)
    of_w = xp.product(of_hh.T, last) if needs[2] else None
    return of_x, walk.first("h", dh), of_w, of_hh if needs[3] else None


# -- LSTM -----------------------------------------------------------------------------------------------

def lstm_gates(xp, gates):
    """Input and forget gate, the candidate, the output gate."""
    n = gates.shape[1] // 4
    both = xp.sigmoid(gates[:, :2 * n])
    return both[:, :n], both[:, n:], xp.tanh(gates[:, 2 * n:3 * n]), xp.sigmoid(gates[:, 3 * n:])


@op(promote="match", grad_name="LstmBackward0")
def lstm_scan(xp, x, h0, c0, w_hh, w_hr=None, *, sizes: Sequence[int], reverse: bool = False):
    """c' = f c + i g, h' = o tanh(c') (times w_hr^T, if given), with gates of x + h w_hh^T, step by step.

    Shape: (N, 4 H), (B, P), (B, H), (4 H, P), (P, H) -> (N, P), (N, H).
    Source: Hochreiter & Schmidhuber 1997; Sak et al. 2014 (projections); PyTorch `lstm`.
    """
    hs, cs = xp.empty((x.shape[0], h0.shape[1]), x.dtype), xp.empty((x.shape[0], c0.shape[1]), x.dtype)
    h, c, turned = h0, c0, w_hh.T
    for start, end in steps(sizes, reverse):
        h, c = state_for(xp, h, h0, end - start), state_for(xp, c, c0, end - start)
        i, f, candidate, o = lstm_gates(xp, x[start:end] + xp.product(h, turned))
        c = f * c + i * candidate
        h = o * xp.tanh(c)
        if w_hr is not None:
            h = xp.product(h, w_hr.T)
        hs[start:end], cs[start:end] = h, c
    return hs, cs


@lstm_scan.gradient()
def _(xp, g, x, h0, c0, w_hh, w_hr, outs, sizes, reverse, needs):
    hs, cs = outs
    last_h, last_c = before(xp, hs, h0, sizes, reverse), before(xp, cs, c0, sizes, reverse)
    i, f, candidate, o = lstm_gates(xp, x + xp.product(last_h, w_hh.T))
    squashed = xp.tanh(cs)
    to_c, of_o = o * (1 - squashed * squashed), squashed * o * (1 - o)
    of_c = xp.concatenate((candidate * i * (1 - i), last_c * f * (1 - f), i * (1 - candidate * candidate)), axis=1)
    walk, parts, projected = Walk(xp, hs, sizes, reverse), [], []
    dh, dc = walk.start(hs.shape[1]), walk.start(cs.shape[1])
    for start, end in walk.order:
        d = g[0][start:end] + walk.carried("h", dh, end - start)
        if w_hr is not None:
            projected.append(d)
            d = xp.product(d, w_hr)
        dc = g[1][start:end] + walk.carried("c", dc, end - start) + d * to_c[start:end]
        gates = xp.concatenate((xp.concatenate((dc, dc, dc), axis=1) * of_c[start:end], d * of_o[start:end]), axis=1)
        parts.append(gates)
        dh, dc = xp.product(gates, w_hh), dc * f[start:end]
    d = walk.gathered(parts)
    of_w = xp.product(d.T, last_h) if needs[3] else None
    of_r = xp.product(walk.gathered(projected).T, o * squashed) if needs[4] else None
    return d, walk.first("h", dh), walk.first("c", dc), of_w, of_r
