#!/usr/bin/env python3
"""Which operators of PyTorch's own test database `vmap` handles: each sample batched, against a loop over the batch.

Needs PyTorch (for its database of inputs; the results compared are all ours). For each sample three calls are made: all
tensors batched, only the first one, all but the first one. An entry passes if every call equals the stacked results of
the loop, or both raise.

    python scripts/vmap_coverage.py [--only REGEX] [--samples 6] [--dtype float32] [--list] [--at-least 0.8]
"""
from __future__ import annotations

import argparse
import re
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db

import stickonfire as ours
from stickonfire.func.pytree import filled, leaves

BATCH = 3
# data-dependent shapes, other numbers each time, sparse or internal
LEFT_OUT = re.compile(r"^(torch\.ops|_|jiterator|sparse|to_sparse|ops\.|.*cuda|masked_select|nonzero|argwhere|unique|"
                      r"item$|equal$|allclose$|bincount|empty|new_empty|resize|rand|normal|bernoulli|multinomial|"
                      r"nn\.functional\..*dropout|nn\.functional\.rrelu|cauchy|exponential|geometric|log_normal|uniform|"
                      r"poisson|randperm|histogram|svd_lowrank|pca_lowrank|as_strided|nn\.functional\.fractional)")


def function(name: str) -> Any:
    """Our function or method of a name in the database; None if there is none."""
    place: Any = ours
    for part in name.split("."):
        place = getattr(place, part, None)
    if place is None and "." not in name:
        place = getattr(ours.Tensor, name, None)
    return place


def converted(value: Any) -> Any:
    """A value of a sample with our tensors in place of PyTorch's."""
    if isinstance(value, torch.Tensor):
        value = value.detach().resolve_conj().resolve_neg()
        if value.dtype is torch.bfloat16:
            return ours.tensor(value.float().numpy()).bfloat16()
        return ours.tensor(value.numpy())
    if isinstance(value, torch.dtype):
        return getattr(ours, str(value).removeprefix("torch."))
    if isinstance(value, (torch.layout, torch.device, torch.memory_format)):
        return getattr(ours, str(value).removeprefix("torch."), None) if not isinstance(value, torch.device) else "cpu"
    return value


def batched(t: Any) -> Any:
    """A few variants of a tensor, stacked: floats scaled a little, the rest repeated."""
    kind = t.dtype
    factors = [1.0, 0.97, 0.93] if kind.is_floating_point or kind.is_complex else [None] * BATCH
    return ours.stack([t if f is None else t * f for f in factors])


def ways(values: list[Any]) -> Iterator[list[bool]]:
    """Which of the values are batched, in the calls to make."""
    tensors = [i for i, v in enumerate(values) if isinstance(v, ours.Tensor)]
    chosen = [set(tensors)]
    if len(tensors) > 1:
        chosen += [{tensors[0]}, set(tensors[1:])]
    for those in chosen:
        yield [i in those for i in range(len(values))]


def outcome(call: Any) -> tuple[Any, Exception | None]:
    try:
        return call(), None
    except Exception as error:
        return None, error


def scalar(outputs: Any) -> Any:
    """A number that depends on all real outputs, unevenly."""
    total = ours.zeros(())
    for t in outputs:
        if t.is_complex():
            t = ours.view_as_real(t)
        if t.is_floating_point() and t.numel():
            total = total + (t.float().reshape(-1) * ours.linspace(0.5, 1.5, t.numel())).sum()
    return total


def compare(f: Any, args: Any, kwargs: Any, gradients: bool) -> str | None:
    """None if there is nothing to map over, empty if vmap does what the loop does, else what is wrong."""
    values = leaves((args, kwargs))
    if not any(isinstance(v, ours.Tensor) for v in values):
        return None

    def apply(*given: Any) -> Any:
        a, k = filled((args, kwargs), iter(given))
        return tuple([t for t in leaves(f(*a, **k)) if isinstance(t, ours.Tensor)])
    function = apply
    if gradients:
        real = tuple([i for i, v in enumerate(values) if isinstance(v, ours.Tensor) and v.is_floating_point()])
        if not real:
            return None
        function = ours.func.grad(lambda *given: scalar(apply(*given)), real)
    problems = (one_way(function, values, flags) for flags in ways(values))
    return next((problem for problem in problems if problem), "")


def one_way(function: Any, values: list[Any], flags: list[bool]) -> str:
    """What is wrong with one call."""
    wide = [batched(v) if flag else v for v, flag in zip(values, flags)]
    loop, wrong = outcome(lambda: [function(*[w[i] if flag else w for w, flag in zip(wide, flags)])
                                   for i in range(BATCH)])
    dims = tuple([0 if flag else None for flag in flags])
    at_once, error = outcome(lambda: ours.vmap(lambda *given: function(*given), dims)(*wide))
    if wrong is not None or error is not None and "randomness error mode" in str(error):
        return ""                                                       # not a call to compare
    if error is not None:
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    problems = (different(at_once[i], ours.stack(list(column))) for i, column in enumerate(zip(*loop)))
    return next((f"{problem} (batched: {flags})" for problem in problems if problem), "")


def different(a: Any, b: Any) -> str:
    if a.shape != b.shape:
        return f"shape {tuple(a.shape)} instead of {tuple(b.shape)}"
    if a.dtype is not b.dtype:
        return f"dtype {a.dtype} instead of {b.dtype}"
    x, y = (np.asarray((t.float() if t.dtype is ours.bfloat16 else t).detach().numpy()) for t in (a, b))
    return "" if np.allclose(x, y, rtol=1e-3, atol=1e-4, equal_nan=True) else "other values"


def checked(op: Any, dtype: torch.dtype, count: int, gradients: bool) -> str | None:
    """The first thing wrong with an operator; None if there is nothing to compare."""
    f = function(op.name)
    if f is None or LEFT_OUT.match(op.name) or dtype not in op.supported_dtypes("cpu"):
        return None
    samples = list(op.sample_inputs("cpu", dtype, requires_grad=False))
    step, seen = max(len(samples) // count, 1), False
    for sample in samples[::step][:count]:
        args = tuple(filled((sample.input, *sample.args), iter([converted(v) for v in leaves((sample.input,
                                                                                              *sample.args))])))
        kwargs = filled(sample.kwargs, iter([converted(v) for v in leaves(sample.kwargs)]))
        problem = compare(f, args, kwargs, gradients)
        seen = seen or problem is not None
        if problem:
            return problem
    return "" if seen else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--samples", type=int, default=6)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--grad", action="store_true", help="compare gradients: vmap of func.grad")
    parser.add_argument("--list", action="store_true", help="print what fails")
    parser.add_argument("--at-least", type=float, default=0.0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found: Counter[str] = Counter()
    signal.signal(signal.SIGALRM, lambda *unused: (_ for _ in ()).throw(TimeoutError("took too long")))
    for op in op_db:
        label = op.name + (f".{op.variant_test_name}" if op.variant_test_name else "")
        if not re.search(options.only, label):
            continue
        signal.alarm(20)
        problem, error = outcome(lambda op=op: checked(op, getattr(torch, options.dtype), options.samples,
                                                      options.grad))
        signal.alarm(0)
        if error is not None:
            problem = f"{type(error).__name__}: {error}"
        if problem is None:
            continue
        found["pass" if not problem else "fail"] += 1
        if problem and options.list:
            print(f"{label:50} {problem[:150]}")
    total = sum(found.values())
    share = found["pass"] / max(total, 1)
    print(f"{found['pass']} of {total} operators of the database ({share:.1%}) give under vmap what a loop gives")
    return int(share < options.at_least)


if __name__ == "__main__":
    sys.exit(main())
