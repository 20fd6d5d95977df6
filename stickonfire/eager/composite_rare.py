"""What few programs use: histogramdd, hash_tensor, segment_reduce, lobpcg, from_file.

Room: eager, loaded when one of these is first used (LAZY in `stickonfire/__init__.py`). Made of ops, so that gradients
come by themselves where there are any. May import: core, backends, eager.
"""
from __future__ import annotations

import math
import mmap
import os
from collections.abc import Sequence
from typing import Any

from ..backends.base import backend_for
from ..core import dtypes, state
from ..core.shapes import normalize_dims
from .creation import linspace
from .publish import NAMESPACES
from .results import result_class
from .tensor import Tensor, make, namespace_of


def histogramdd(input: Tensor, bins: Any, *, range: Sequence[float] | None = None, weight: Tensor | None = None,
                density: bool = False) -> Any:
    """How many points fall into each cell of a grid (or the sum of their weights), and the grid's edges.

    Shape: (*, N) points -> (n1, ..., nN), a tuple of N edges (n + 1).   Raises: RuntimeError for other sizes of `bins`.
    Source: PyTorch `histogramdd`.

    >>> import stickonfire as torch
    >>> torch.histogramdd(torch.tensor([[0., 1.], [1., 0.], [1., 1.]]), bins=[2, 2]).hist
    tensor([[0., 1.],
            [1., 1.]])
    """
    if input.dim() < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions, but got "
                           f"{input.dim()}")
    n = input.shape[-1]
    points = input.detach().reshape(-1, n)
    bins = [bins] * n if isinstance(bins, int) else list(bins)
    if len(bins) != n:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the input. Got "
                           f"{len(bins)} for points of {n} numbers")
    edges = [axis_edges(points[:, d], bins[d], None if range is None else range[2 * d:2 * d + 2])
             for d in _indices(n)]
    sizes = [e.numel() - 1 for e in edges]
    inside = points.new_ones(points.shape[0]).bool()
    flat = points.new_zeros(points.shape[0]).long()
    for d in _indices(n):
        column = points[:, d].contiguous()
        inside &= (column >= edges[d][0]) & (column <= edges[d][-1])
        place = NAMESPACES["stickonfire"]["searchsorted"](edges[d], column, right=True) - 1
        flat = flat * sizes[d] + place.clamp(0, sizes[d] - 1)
    shares = points.new_ones(points.shape[0]) if weight is None else weight.detach().reshape(-1)
    hist = points.new_zeros(math.prod(sizes)).index_add(0, flat[inside], shares[inside]).reshape(sizes)
    if density:
        hist = hist / hist.sum()
        for d, e in enumerate(edges):
            hist = hist / e.diff().reshape([-1 if k == d else 1 for k in _indices(n)])
    return result_class("histogramdd", "hist bin_edges")(hist, tuple(edges))


_indices = range        # the name is an argument of histogramdd


def axis_edges(column: Tensor, bins: Any, bounds: Sequence[float] | None) -> Tensor:
    """The edges of one axis: those given, or evenly from the smallest to the largest number."""
    if isinstance(bins, Tensor):
        return bins
    if bins < 1:
        raise RuntimeError(f"torch.histogramdd(): bins must be > 0, but got {bins}")
    low, high = (0.0, 1.0) if not column.numel() else (column.min().item(), column.max().item())
    if bounds is not None:
        low, high = bounds
    low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
    return linspace(low, high, bins + 1, dtype=column.dtype)


def hash_tensor(input: Tensor, dim: Any = (), keepdim: bool = False, *, mode: int = 0) -> Tensor:
    """The exclusive or of all elements' bits, after widening to 64 bits: a checksum.

    Shape: (*) -> (* without dims).   Dtype: uint64.   Raises: RuntimeError for complex numbers or another `mode`.
    Source: PyTorch `hash_tensor`.

    >>> import stickonfire as torch
    >>> torch.hash_tensor(torch.tensor([3, 5]))
    tensor(6, dtype=torch.uint64)
    """
    if mode != 0:
        raise RuntimeError(f"hash_tensor: Only mode=0 (xor) is supported, got mode={mode}")
    if input.is_complex():
        raise NotImplementedError('"hash_tensor" not implemented for complex numbers. Hash view_as_real() instead')
    axis = normalize_dims(dim, input.ndim)
    for d in axis:
        if input.ndim and input.shape[d] == 0 and dim != ():
            raise IndexError(f"hash_tensor: Expected reduction dim {d} to have non-zero size.")
    wide = input.detach().to(dtypes.float64 if input.is_floating_point() else dtypes.int64)
    xp = namespace_of(wide)
    bits = wide._array.view(xp.native_dtype(dtypes.uint64))
    return make(xp.asarray(xp.bitwise_xor.reduce(bits, axis=axis, keepdims=keepdim)))


NEUTRAL = {"sum": 0.0, "mean": math.nan, "prod": 1.0, "max": -math.inf, "min": math.inf}


def segment_reduce(data: Tensor, reduce: str, *, lengths: Tensor | None = None, indices: Tensor | None = None,
                   offsets: Tensor | None = None, axis: int = 0, unsafe: bool = False,
                   initial: float | None = None) -> Tensor:
    """sum, mean, max, min or prod of runs of elements along a dim, one run after the other.

    `lengths` says how long the runs are, or `offsets` where they begin and the last one ends. unsafe: lengths are not
    checked; elements behind the last run are left out.
    Shape: (*B, N, *), (*B, S) -> (*B, S, *).   Raises: RuntimeError if the lengths do not add up to N.
    Source: PyTorch `segment_reduce`.

    >>> import stickonfire as torch
    >>> torch.segment_reduce(torch.tensor([1., 2., 3.]), "sum", lengths=torch.tensor([1, 2]))
    tensor([1., 5.])
    """
    if reduce not in NEUTRAL:
        raise RuntimeError(f"segment_reduce(): reduce must be one of {', '.join(NEUTRAL)}, got '{reduce}'")
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet. Give lengths")
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined")
    starts = None
    if lengths is None:
        lengths, starts = offsets.diff(dim=-1), offsets                                 # type: ignore[union-attr]
    if lengths.dim() != axis + 1:
        raise RuntimeError(f"segment_reduce(): Expected axis to be the last dimension of lengths but got {axis}.")
    batch, rest = data.shape[:axis], data.shape[axis + 1:]
    rows = data.reshape(-1, data.shape[axis], *rest)
    counts = lengths.reshape(rows.shape[0], -1).tolist()
    firsts = [0] * len(counts) if starts is None else starts.reshape(rows.shape[0], -1)[:, 0].tolist()
    if starts is None and not unsafe and any([sum(n) != data.shape[axis] or min(n, default=0) < 0 for n in counts]):
        raise RuntimeError("segment_reduce(): Expected all rows of lengths along axis to sum to "
                           f"data.size(lengths.dim()-1) when !unsafe. That is {data.shape[axis]}, lengths are "
                           f"{lengths.tolist()}")
    each = [reduced_runs(row[first:], reduce, n, initial) for row, n, first in zip(rows, counts, firsts)]
    return NAMESPACES["stickonfire"]["stack"](each).reshape(*batch, lengths.shape[-1], *rest)


def reduced_runs(row: Tensor, reduce: str, lengths: list[int], initial: float | None) -> Tensor:
    """One row's runs along its first dim; what is behind the last one is left out."""
    runs = row[:sum(lengths)].split(lengths)
    start = NEUTRAL[reduce] if initial is None else initial
    out = []
    for run in runs:
        if run.shape[0] == 0:
            out.append(row.new_full(row.shape[1:], start))
        elif reduce == "mean":
            out.append(run.mean(0) if initial is None else (run.sum(0) + initial) / run.shape[0])
        elif reduce in ("sum", "prod"):
            value = run.sum(0) if reduce == "sum" else run.prod(0)
            out.append(value if initial is None else value + initial if reduce == "sum" else value * initial)
        else:
            value = run.amax(0) if reduce == "max" else run.amin(0)
            out.append(value if initial is None else value.clamp(*((initial, None) if reduce == "max" else
                                                                   (None, initial))))
    return NAMESPACES["stickonfire"]["stack"](out)


def lobpcg(A: Tensor, k: int | None = None, B: Tensor | None = None, X: Tensor | None = None, n: int | None = None,
           iK: Tensor | None = None, niter: int | None = None, tol: float | None = None, largest: bool | None = None,
           method: str | None = None, tracker: Any = None, ortho_iparams: Any = None, ortho_fparams: Any = None,
           ortho_bparams: Any = None) -> tuple[Tensor, Tensor]:
    """The k largest (or smallest) eigenvalues of A x = e B x, and their vectors, for symmetric A and positive B.

    Computed exactly, by a dense decomposition: start vectors, preconditioner and numbers of iterations have no effect.
    Shape: (*, M, M) -> (*, k), (*, M, k).   Raises: ValueError for more eigenvalues than rows allow.
    Source: PyTorch `lobpcg`; Golub & Van Loan, Matrix Computations, section 8.7.
    """
    count = k if k is not None else 1 if X is None else X.shape[-1]
    rows = A.shape[-1]
    if A.shape[-2] != rows:
        raise RuntimeError(f"lobpcg: A must be square, got shape {list(A.shape)}")
    if rows < 3 * count:
        raise ValueError(f"LPBPCG algorithm is not applicable when the number of A rows (={rows}) is smaller than 3 x "
                         f"the number of requested eigenpairs (={count})")
    linalg = NAMESPACES["linalg"]
    if B is None:
        values, vectors = linalg["eigh"](A)
    else:
        lower = linalg["cholesky"](B)
        half = linalg["solve_triangular"](lower, A, upper=False)
        similar = linalg["solve_triangular"](lower, half.mH, upper=False).mH
        values, vectors = linalg["eigh"]((similar + similar.mH) / 2)
        vectors = linalg["solve_triangular"](lower.mH, vectors, upper=True)
    if largest is None or largest:
        return values[..., -count:].flip(-1), vectors[..., -count:].flip(-1)
    return values[..., :count], vectors[..., :count]


def from_file(filename: Any, shared: bool | None = None, size: int | None = 0, *, dtype: Any = None, layout: Any = None,
              device: Any = None, pin_memory: bool = False) -> Tensor:
    """A tensor over a file's bytes; written through to the file if `shared`, which then is made long enough.

    Shape: (size).   Raises: RuntimeError for a file that is too short.   Source: PyTorch `torch.from_file`.
    """
    kind = state.default_dtype() if dtype is None else dtype
    count = int(size or 0)
    length = count * kind.itemsize
    with open(filename, "r+b" if shared else "rb") as file:
        there = os.fstat(file.fileno()).st_size
        if there < length:
            if not shared:
                raise RuntimeError(f"file <{filename}> is too short: {count} numbers of {kind} need {length} bytes, it "
                                   f"has {there}")
            file.truncate(length)
        memory = mmap.mmap(file.fileno(), length, access=mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY)
    xp = backend_for(device).xp
    return make(xp.frombuffer(memory, dtype=xp.native_dtype(kind), count=count))
