"""Derivatives of functions: jacobian, hessian, and their products with vectors.

Public under `stickonfire.autograd.functional`. All are made of `autograd.grad`; `jvp` and `hvp` differentiate
a gradient a second time ("double backward trick").
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import namespace
from .autograd import grad
from .modes import enable_grad
from .tensor import Tensor

Tensors = Tensor | tuple[Tensor, ...]
Function = Callable[..., Any]


def jacobian(func: Function, inputs: Tensors, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
             strategy: str = "reverse-mode") -> Any:
    """The derivatives of each output element of `func` with respect to each input element.

    Shape: for one output and one input, output.shape + input.shape; a tuple for several inputs, of tuples for several
    outputs. vectorize, strategy: accepted; the result is the same.

    Raises: RuntimeError if strict and an output does not depend on an input.
    Source: PyTorch `torch.autograd.functional.jacobian`.

    >>> import stickonfire as torch
    >>> torch.autograd.functional.jacobian(lambda x: x ** 2, torch.tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError('Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your '
                         'function has more '
                         'outputs than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use '
                         f'"reverse-mode". Got {strategy!r}.')
    with enable_grad():
        single, given = as_tuple(inputs, "inputs", "jacobian")
        sources = prepared(given, create_graph)
        single_output, outputs = as_tuple(func(*sources), "outputs of the user-provided function", "jacobian")
        rows = [jacobian_rows(i, out, sources, create_graph, strict) for i, out in enumerate(outputs)]
    result: tuple[Any, ...] = tuple([tuple([finished(part, create_graph) for part in row]) for row in rows])
    if single:
        result = tuple([row[0] for row in result])
    return result[0] if single_output else result


def jacobian_rows(i: int, out: Tensor, sources: tuple[Tensor, ...], create_graph: bool, strict: bool) -> list[Tensor]:
    """The derivatives of output i with respect to each input."""
    parts: list[list[Tensor]] = [[] for _ in sources]
    for j in range(out.numel()):
        row = derivative(out, sources, one_hot(out, j), create_graph, strict, f"Output {i} of the "
                                                                              "user-provided function")
        for part, g in zip(parts, row):
            part.append(g)
    return [namespace.stack(part).reshape((*out.shape, *source.shape)) if part else
            namespace.zeros_like(source, shape=(*out.shape, *source.shape)) for part, source in zip(parts, sources)]


def hessian(func: Function, inputs: Tensors, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
            outer_jacobian_strategy: str = "reverse-mode") -> Any:
    """The second derivatives of a function with one output of one element.

    Shape: for one input, input.shape twice; a tuple of tuples for several.
    Source: PyTorch `torch.autograd.functional.hessian`.

    >>> import stickonfire as torch
    >>> torch.autograd.functional.hessian(lambda x: (x ** 3).sum(), torch.tensor([1., 2.]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    single, given = as_tuple(inputs, "inputs", "hessian")

    def gradient(*sources: Tensor) -> Any:
        out = single_element(func(*sources), "hessian")
        check_dependence(out, strict, "The output of the user-provided function")
        return tuple(derivative(out, sources, None, True, strict, "The output of the user-provided function"))
    result = jacobian(gradient, given, create_graph=create_graph, strict=strict)
    return result[0][0] if single else result


def vjp(func: Function, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:
    """The outputs of `func`, and the product of a vector (one part for each output) with the jacobian.

    Raises: RuntimeError if `v` does not fit the outputs, or strict and an output does not depend on an input.
    Source: PyTorch `torch.autograd.functional.vjp`.

    >>> import stickonfire as torch
    >>> torch.autograd.functional.vjp(lambda x: x ** 2, torch.tensor([1., 2.]), torch.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    with enable_grad():
        single, given = as_tuple(inputs, "inputs", "vjp")
        sources = prepared(given, create_graph)
        single_output, outputs = as_tuple(func(*sources), "outputs of the user-provided function", "vjp")
        for i, out in enumerate(outputs):
            check_dependence(out, strict, f"Output {i} of the user-provided function")
        vectors = fitting(v, outputs, "vjp", "the user-provided function returns")
        found = derivative(outputs, sources, vectors, create_graph, strict, "The output of the user-provided function")
    return restored(outputs, single_output, create_graph), restored(found, single, create_graph)


def jvp(func: Function, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:
    """The outputs of `func`, and the product of the jacobian with a vector (one part for each input).

    Raises: RuntimeError if `v` does not fit the inputs, or strict and an output does not depend on an input.
    Source: PyTorch `torch.autograd.functional.jvp`.

    >>> import stickonfire as torch
    >>> torch.autograd.functional.jvp(lambda x: x ** 2, torch.tensor([1., 2.]), torch.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    with enable_grad():
        _, given = as_tuple(inputs, "inputs", "jvp")
        sources = prepared(given, create_graph)
        vectors = fitting(v, sources, "jvp", "the input to the user-provided function is")
        single_output, outputs = as_tuple(func(*sources), "outputs of the user-provided function", "jvp")
        for i, out in enumerate(outputs):
            check_dependence(out, strict, f"Output {i} of the user-provided function")
        duals = tuple([namespace.zeros_like(out).requires_grad_() for out in outputs])
        first = derivative(outputs, sources, duals, True, strict, "The output of the user-provided function")
        found = derivative(first, duals, vectors, create_graph, strict, "The jacobian")
    return restored(outputs, single_output, create_graph), restored(found, single_output, create_graph)


def vhp(func: Function, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:
    """The output of `func`, and the product of a vector with its hessian.

    Source: PyTorch `torch.autograd.functional.vhp`.
    """
    with enable_grad():
        single, given = as_tuple(inputs, "inputs", "vhp")
        sources = prepared(given, create_graph)
        vectors = fitting(v, sources, "vhp", "the input to the user-provided function is")
        out = single_element(func(*sources), "vhp")
        check_dependence(out, strict, "The output of the user-provided function")
        first = derivative(out, sources, None, True, strict, "The output of the user-provided function")
        found = derivative(first, sources, vectors, create_graph, strict, "The jacobian of the user-provided function")
    return finished(out, create_graph), restored(found, single, create_graph)


def hvp(func: Function, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:
    """The output of `func`, and the product of its hessian with a vector. `vhp` gives the same for less.

    Source: PyTorch `torch.autograd.functional.hvp`.

    >>> import stickonfire as torch
    >>> torch.autograd.functional.hvp(lambda x: (x ** 3).sum(), torch.tensor([1., 2.]), torch.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    with enable_grad():
        single, given = as_tuple(inputs, "inputs", "hvp")
        sources = prepared(given, create_graph)
        vectors = fitting(v, sources, "hvp", "the input to the user-provided function is")
        out = single_element(func(*sources), "hvp")
        check_dependence(out, strict, "The output of the user-provided function")
        first = derivative(out, sources, None, True, strict, "The output of the user-provided function")
        duals = tuple([namespace.zeros_like(g).requires_grad_() for g in first])
        second = derivative(first, sources, duals, True, strict, "The jacobian of the user-provided function")
        found = derivative(second, duals, vectors, create_graph, strict, "The hessian of the user-provided function")
    return finished(out, create_graph), restored(found, single, create_graph)


# -- what they share -----------------------------------------------------------------------------------------------


def as_tuple(value: Any, what: str, caller: str) -> tuple[bool, tuple[Tensor, ...]]:
    """Whether a value is one tensor, and the tensors.

    Raises: TypeError for anything else than a Tensor or a tuple of them.
    """
    values = value if isinstance(value, tuple) else (value,)
    for i, item in enumerate(values):
        if not isinstance(item, Tensor):
            place = f"element {i} of the given {what}" if isinstance(value, tuple) else f"the given {what}"
            raise TypeError(f"The {what} given to {caller} must be either a Tensor or a tuple of Tensors but "
                            f"{place} has type {type(item)}.")
    return not isinstance(value, tuple), values


def prepared(inputs: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    """Stand-ins for the inputs that require gradients, connected to the inputs only if a graph is wanted."""
    return tuple([t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_() for t in inputs])


def derivative(outputs: Any, sources: Sequence[Tensor], vectors: Any, create_graph: bool, strict: bool,
               what: str) -> list[Tensor]:
    """`grad`, with zeros where an output does not depend on a source; under `strict` that raises RuntimeError."""
    outs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
    given = vectors if isinstance(vectors, (tuple, list)) else (vectors,) * len(outs)
    pairs = [(out, v) for out, v in zip(outs, given) if out.requires_grad]
    if not pairs:
        if strict:
            raise RuntimeError(f"{what} is independent of the inputs. This is not allowed in strict mode.")
        return [namespace.zeros_like(t) for t in sources]
    found = grad([out for out, _ in pairs], sources, [v for _, v in pairs], retain_graph=True,
                 create_graph=create_graph, allow_unused=True)
    for i, g in enumerate(found):
        if strict and g is None:
            raise RuntimeError(f"{what} is independent of input {i}. This is not allowed in strict mode.")
    return [namespace.zeros_like(source) if g is None else g for g, source in zip(found, sources)]


def check_dependence(out: Tensor, strict: bool, what: str) -> None:
    if strict and not out.requires_grad:
        raise RuntimeError(f"{what} does not require gradients. The outputs must be computed in a "
                           "differentiable manner from "
                           "the input when running in strict mode.")


def fitting(v: Any, others: tuple[Tensor, ...], caller: str, subject: str) -> tuple[Tensor, ...]:
    """The vector, one part for each of `others`.

    Raises: RuntimeError if it is missing where that is not possible, or a part has another shape.
    """
    if v is None:
        if len(others) != 1 or others[0].numel() != 1:
            raise RuntimeError(f"The vector v can only be None if {subject} a single Tensor with a single element.")
        return (namespace.ones_like(others[0]),)
    _, vectors = as_tuple(v, "v", caller)
    if len(vectors) != len(others):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(others)} but got {len(vectors)}.")
    for i, (part, other) in enumerate(zip(vectors, others)):
        if part.shape != other.shape:
            raise RuntimeError(f"Entry {i} in v has invalid size: should be {other.shape} but got {part.shape}.")
    return vectors


def single_element(out: Any, caller: str) -> Tensor:
    """The output of a function that must give one number."""
    single, outputs = as_tuple(out, "outputs of the user-provided function", caller)
    if not single:
        raise RuntimeError(f"The function given to {caller} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {caller} should contain a single element")
    return outputs[0]


def one_hot(t: Tensor, j: int) -> Tensor:
    """Zeros of a tensor's shape, with a one at flat position j."""
    made = namespace.zeros_like(t)
    made.view(-1)[j] = 1
    return made


def finished(t: Tensor, create_graph: bool) -> Tensor:
    return t if create_graph else t.detach()


def restored(tensors: Sequence[Tensor], single: bool, create_graph: bool) -> Any:
    """Tensors in the form they were given in."""
    done = tuple([finished(t, create_graph) for t in tensors])
    return done[0] if single else done
