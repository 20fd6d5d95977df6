"""Gradients checked against finite differences: `gradcheck`, and `gradgradcheck` for second order.

The slow mode compares whole jacobians; the fast one a random projection v.J.u of them, with two calls of the
function an input. A complex number counts as a pair of real ones; gradients follow PyTorch's convention
(d/d real + i d/d imag). Called by users and by the tests of every op; works on Tensors only.
"""
from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.dtypes import complex128, float64
from . import namespace
from .autograd import grad
from .random import Generator, randn
from .tensor import Tensor

Function = Callable[..., Any]


class GradcheckError(RuntimeError):
    """A gradient is wrong, or not reproducible. Source: PyTorch `torch.autograd.gradcheck.GradcheckError`."""


@dataclass(frozen=True)
class Tolerance:
    """How near is near enough, and the step of the finite differences."""

    eps: float
    atol: float
    rtol: float
    nondet: float


def gradcheck(func: Function, inputs: Tensor | Sequence[Any], *, eps: float = 1e-6, atol: float = 1e-5,
              rtol: float = 1e-3, raise_exception: bool = True, nondet_tol: float = 0.0,
              check_undefined_grad: bool = True, check_grad_dtypes: bool = False, check_batched_grad: bool = False,
              check_batched_forward_grad: bool = False, check_forward_ad: bool = False, check_backward_ad: bool = True,
              fast_mode: bool = False, masked: bool | None = None) -> bool:
    """Whether the gradients of `func` agree with finite differences. Inputs should be float64 or complex128.

    fast_mode: checks one random projection of each jacobian. raise_exception: whether disagreement raises,
    or gives False. check_batched_grad, masked: accepted; batched gradients are computed one by one here, and
    nothing is sparse.

    Raises: GradcheckError (a RuntimeError) that shows both jacobians; ValueError if no input requires a gradient.
    Source: PyTorch `torch.autograd.gradcheck`.

    >>> import stickonfire as torch
    >>> x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(lambda x: x.sin(), x)
    True
    """
    if check_forward_ad or check_batched_forward_grad:
        raise NotImplementedError("gradcheck: forward-mode differentiation is not there. Leave check_forward_ad out")
    given = tuple(inputs) if isinstance(inputs, (list, tuple)) else (inputs,)
    tolerance = Tolerance(eps, atol, rtol, nondet_tol)
    try:
        check_inputs(given)
        if check_backward_ad:
            outputs = differentiable(func(*given))
            if not outputs:
                check_zero(func, given, tolerance)
                return True
            (check_projections if fast_mode else check_jacobians)(func, given, outputs, tolerance)
            if check_undefined_grad:
                check_missing_gradients(func, given)
            if check_grad_dtypes:
                check_dtypes(func, given)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(func: Function, inputs: Tensor | Sequence[Any], grad_outputs: Any = None, *, eps: float = 1e-6,
                  atol: float = 1e-5, rtol: float = 1e-3, gen_non_contig_grad_outputs: bool = False,
                  raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
                  check_grad_dtypes: bool = False, check_batched_grad: bool = False, check_fwd_over_rev: bool = False,
                  check_rev_over_rev: bool = True, fast_mode: bool = False, masked: bool = False) -> bool:
    """`gradcheck` of the gradient of `func`, as a function of the inputs and of the outputs' gradients.

    grad_outputs: gradients of the outputs; random ones if not given.

    Raises: as `gradcheck`.   Source: PyTorch `torch.autograd.gradgradcheck`.

    >>> import stickonfire as torch
    >>> x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradgradcheck(lambda x: x ** 3, x)
    True
    """
    if check_fwd_over_rev:
        raise NotImplementedError("gradgradcheck: forward-mode differentiation is not there. Leave "
                                  "check_fwd_over_rev out")
    given = tuple(inputs) if isinstance(inputs, (list, tuple)) else (inputs,)
    if grad_outputs is None:
        cotangents = [random_like(t, gen_non_contig_grad_outputs).requires_grad_()
                      for t in differentiable(func(*given))]
    else:
        cotangents = list(grad_outputs) if isinstance(grad_outputs, (list, tuple)) else [grad_outputs]
    count = len(given)

    def gradient(*args: Any) -> tuple[Tensor, ...]:
        sources = [a for a in args[:count] if wants_gradient(a)]
        outputs = differentiable(func(*args[:count]))
        found = grad(outputs, sources, args[count:], create_graph=True, allow_unused=True)
        return tuple([g for g in found if g is not None])
    return gradcheck(gradient, (*given, *cotangents), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
                     nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad,
                     check_grad_dtypes=check_grad_dtypes,
                     fast_mode=fast_mode)


# -- inputs and outputs --------------------------------------------------------------------------------------------


def wants_gradient(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def check_inputs(inputs: tuple[Any, ...]) -> None:
    """Raises ValueError if no input requires a gradient, RuntimeError for an expanded one; warns of low precision."""
    if not any(map(wants_gradient, inputs)):
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of the them have "
                         "requires_grad=True.")
    for i, t in enumerate(inputs):
        if not wants_gradient(t):
            continue
        if t.dtype not in (float64, complex128):
            warnings.warn(f"Input #{i} requires gradient and is not a double precision floating point or "
                          "complex. This check "
                          "will likely fail if all the inputs are not of double precision floating point or complex. ",
                          stacklevel=3)
        if any(step == 0 and n > 1 for step, n in zip(t.stride(), t.shape)):
            raise RuntimeError(f"The {i}th input has a dimension with stride 0. gradcheck only supports "
                               "inputs that are "
                               "non-overlapping to be able to compute the numerical gradients correctly. You "
                               "should call .contiguous on the input before passing it to gradcheck.")


def differentiable(outputs: Any) -> tuple[Tensor, ...]:
    """The outputs that gradients flow from."""
    many = outputs if isinstance(outputs, (list, tuple)) else (outputs,)
    return tuple([t for t in many if wants_gradient(t)])


def floating(outputs: Any) -> tuple[Tensor, ...]:
    """All outputs that could have a gradient, cut off the graph."""
    many = outputs if isinstance(outputs, (list, tuple)) else (outputs,)
    return tuple([t.detach().clone() for t in many
                  if isinstance(t, Tensor) and (t.is_floating_point() or t.is_complex())])


def random_like(t: Tensor, strided: bool = False) -> Tensor:
    """Random numbers of a tensor's shape and dtype, the same each time; with gaps in memory if wanted."""
    made = randn((*t.shape, *([2] if strided else [])), dtype=t.dtype, generator=Generator().manual_seed(0))
    return made[..., 0] if strided else made


# -- jacobians: number [input element, output element] ---------------------------------------------------------------


def check_jacobians(func: Function, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], tolerance: Tolerance) -> None:
    """Compares the whole jacobians of each output."""
    places = [i for i, t in enumerate(inputs) if wants_gradient(t)]
    numerical = [numerical_jacobians(func, inputs, i, tolerance.eps) for i in places]
    for o, out in enumerate(outputs):
        found = analytical_jacobians(out, [inputs[i] for i in places])
        again = analytical_jacobians(out, [inputs[i] for i in places])
        for k, i in enumerate(places):
            if not near(found[k], numerical[k][o], tolerance):
                raise GradcheckError(mismatch(o, i, numerical[k][o], found[k]))
            if found[k].numel() and (found[k] - again[k]).abs().max().item() > tolerance.nondet:
                raise GradcheckError(not_reproducible(tolerance))


def numerical_jacobians(func: Function, inputs: tuple[Any, ...], i: int, eps: float) -> list[Tensor]:
    """For each differentiable output its jacobian with respect to input i, from central differences."""
    x = inputs[i]
    shapes = differentiable(func(*inputs))
    rows: list[list[Tensor]] = [[] for _ in shapes]
    for index in itertools.product(*map(range, x.shape)):
        steps = [central(func, inputs, x, index, unit, eps) for unit in ((1, 1j) if x.is_complex() else (1,))]
        for o, row in enumerate(rows):
            parts = [as_real(step[o]) for step in steps]
            row.append(parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1])
    return [namespace.stack(row) if row else as_real(out.detach()).new_zeros((0, as_real(out).numel()))
            for row, out in zip(rows, shapes)]


def central(func: Function, inputs: tuple[Any, ...], x: Tensor, where: Any, way: Any, eps: float) -> list[Tensor]:
    """(f(x + eps way) - f(x - eps way)) / (2 eps) for each differentiable output; x is changed and restored."""
    chosen = [k for k, t in enumerate(as_many(func(*inputs))) if wants_gradient(t)]
    array = x._array
    before = array[where].copy()
    results = []
    try:
        for sign in (1, -1):
            array[where] = before + sign * eps * way
            outputs = as_many(func(*inputs))
            results.append([outputs[k].detach().clone() for k in chosen])
    finally:
        array[where] = before
    return [(plus - minus) / (2 * eps) for plus, minus in zip(*results)]


def as_many(outputs: Any) -> Sequence[Any]:
    return outputs if isinstance(outputs, (list, tuple)) else (outputs,)


def as_real(t: Tensor) -> Tensor:
    """The elements in a row; of a complex tensor the real parts, then the imaginary ones."""
    flat = t.reshape(-1)
    return namespace.concatenate([flat.real, flat.imag]) if t.is_complex() else flat


def analytical_jacobians(out: Tensor, sources: list[Tensor]) -> list[Tensor]:
    """The jacobians of one output from backward, with respect to each source."""
    columns: list[list[Tensor]] = [[] for _ in sources]
    for cotangent in unit_cotangents(out):
        found = grad(out, sources, cotangent, retain_graph=True, allow_unused=True)
        for column, g, source in zip(columns, found, sources):
            column.append((namespace.zeros_like(source) if g is None else g).detach().reshape(-1))
    return [namespace.stack(column, 1) if column else source.detach().new_zeros((source.numel(), 0))
            for column, source in zip(columns, sources)]


def unit_cotangents(out: Tensor) -> Iterator[Tensor]:
    """For each real number in an output the cotangent that picks it, in the order of `as_real`."""
    for unit in (1, 1j) if out.is_complex() else (1,):
        for j in range(out.numel()):
            made = namespace.zeros_like(out)
            made.view(-1)[j] = unit
            yield made


def near(a: Tensor, b: Tensor, tolerance: Tolerance) -> bool:
    """Whether two jacobians agree."""
    if not a.numel():
        return True
    wide = complex128 if a.is_complex() or b.is_complex() else float64
    a, b = a.to(wide), b.to(wide)
    close = (a - b).abs() <= tolerance.atol + tolerance.rtol * b.abs()
    return bool((close | (a == b) | ((a != a) & (b != b))).all())


def mismatch(o: int, i: int, numerical: Tensor, analytical: Tensor, note: str = "") -> str:
    """The message for jacobians that disagree."""
    return (f"Jacobian mismatch for output {o} with respect to input "
            f"{i},\nnumerical:{numerical}\nanalytical:{analytical}\n{note}")


def not_reproducible(tolerance: Tolerance) -> str:
    return ("Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
            "gives different "
            "values, although analytical gradient matches numerical gradient.The tolerance for nondeterminism was "
            f"{tolerance.nondet}.")


def check_zero(func: Function, inputs: tuple[Any, ...], tolerance: Tolerance) -> None:
    """A function whose outputs need no gradient must not depend on its inputs."""
    for i, x in enumerate(inputs):
        if not wants_gradient(x):
            continue
        for index in itertools.product(*map(range, x.shape)):
            before = x._array[index].copy()
            base = floating(func(*inputs))
            try:
                x._array[index] = before + tolerance.eps
                moved = floating(func(*inputs))
            finally:
                x._array[index] = before
            for a, b in zip(base, moved):
                if a.numel() and ((a - b).abs().max().item() / tolerance.eps) > tolerance.atol:
                    raise GradcheckError("Numerical gradient for function expected to be zero: an output that does not "
                                         f"require a gradient changes with input {i}")


# -- the fast mode -------------------------------------------------------------------------------------------------


def check_projections(func: Function, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...],
                      tolerance: Tolerance) -> None:
    """Compares v.J.u for one random direction u of each input and v of each output."""
    places = [i for i, t in enumerate(inputs) if wants_gradient(t)]
    sources = [inputs[i] for i in places]
    directions = [unit(random_like(t)) for t in sources]
    cotangents = [unit(random_like(t)) for t in outputs]
    numerical = [central(func, inputs, x, ..., u._array, tolerance.eps) for x, u in zip(sources, directions)]
    for o, (out, v) in enumerate(zip(outputs, cotangents)):
        found = grad(out, sources, v, retain_graph=True, allow_unused=True)
        again = grad(out, sources, v, retain_graph=True, allow_unused=True)
        for k, (i, g, u) in enumerate(zip(places, found, directions)):
            value = 0.0 if g is None else inner(g, u)
            expected = inner(v, numerical[k][o])
            if abs(value - expected) > tolerance.atol + tolerance.rtol * abs(expected):
                slow = numerical_jacobians(func, inputs, i, tolerance.eps)[o], analytical_jacobians(out, [inputs[i]])[0]
                raise GradcheckError(mismatch(o, i, *slow, "The above quantities relating the numerical and analytical "
                                              f"jacobians are computed in fast mode: v.J.u is {expected} and {value}."))
            if g is not None and g.numel() and (g - again[k]).abs().max().item() > tolerance.nondet:
                raise GradcheckError(not_reproducible(tolerance))


def unit(t: Tensor) -> Tensor:
    """A vector of length one in the same direction."""
    length = inner(t, t) ** 0.5
    return t / length if length else t


def inner(a: Tensor, b: Tensor) -> float:
    """The inner product of two tensors as vectors of real numbers."""
    product = (a.conj() * b).sum() if a.is_complex() else a * (b.real if b.is_complex() else b)
    return float((product.real if product.is_complex() else product).sum().item())


# -- other properties of a backward --------------------------------------------------------------------------------


def check_missing_gradients(func: Function, inputs: tuple[Any, ...]) -> None:
    """Backward must do without the gradients of some outputs."""
    sources = [t for t in inputs if wants_gradient(t)]
    count = len(differentiable(func(*inputs)))
    for o in range(count if count > 1 else 0):
        out = differentiable(func(*inputs))[o]
        try:
            grad(out, sources, namespace.ones_like(out), allow_unused=True)
        except Exception as error:
            raise GradcheckError("Expected backward function to handle undefined output grads: only output "
                                 f"{o} had a gradient, and backward raised {error!r}") from error


def check_dtypes(func: Function, inputs: tuple[Any, ...]) -> None:
    """Gradients have the dtypes of their inputs."""
    sources = [t for t in inputs if wants_gradient(t)]
    for out in differentiable(func(*inputs)):
        for i, (g, source) in enumerate(zip(grad(out, sources, namespace.ones_like(out), allow_unused=True), sources)):
            if g is not None and g.dtype is not source.dtype:
                raise GradcheckError(f"grad is incorrect type: input {i} is {source.dtype}, its gradient {g.dtype}")
