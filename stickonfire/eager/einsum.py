"""Einstein's summation: an equation over labelled dims becomes permutations and matrix products.

`read` turns an equation (or lists of dim numbers) into labels, `contract` multiplies two labelled tensors and sums
over the labels that nobody needs any more. Operands are taken from left to right. Called as `torch.einsum`.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .tensor import Tensor

# One operand's labels: letters or dim numbers; ("...", k) for the k-th dim, from the right, of an ellipsis.
Labels = list[Any]


def einsum(*args: Any) -> Tensor:
    """The sum of products that an equation such as "bij,bjk->bik" describes; or operands, each followed by its dims.

    Shape: as the equation says.   Raises: RuntimeError if equation and operands do not fit.   Source: PyTorch `einsum`.

    >>> import stickonfire as torch
    >>> torch.einsum("ij,j->i", torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([1., 1.]))
    tensor([3., 7.])
    """
    if len(args) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand, or at least one operand "
                         "and its subscripts list")
    operands, terms, output = read(args)
    spread = expand_ellipses(terms, operands)
    inputs = [labels_of(term, operand, i) for i, (term, operand) in enumerate(zip(terms, operands))]
    wanted = explicit(output, spread, inputs) if output is not None else implicit(spread, inputs)
    check_sizes(inputs, operands)
    labels, value = one_of_each(inputs[0], operands[0])
    for i in range(1, len(operands)):
        later = set(wanted).union(*inputs[i + 1:])
        labels, value = contract(labels, value, *one_of_each(inputs[i], operands[i]), later)
    labels, value = summed(labels, value, set(wanted))
    return value if labels == wanted else value.permute([labels.index(name) for name in wanted])


def read(args: Sequence[Any]) -> tuple[list[Tensor], list[Labels], Labels | None]:
    """Operands, their labels (... standing for an ellipsis) and the output's labels, None if not given."""
    if not isinstance(args[0], str):
        pairs = len(args) // 2
        output = list(args[-1]) if len(args) % 2 else None
        return list(args[:2 * pairs:2]), [list(term) for term in args[1:2 * pairs:2]], output
    operands = list(args[1]) if len(args) == 2 and isinstance(args[1], (list, tuple)) else list(args[1:])
    left, arrow, right = args[0].replace(" ", "").partition("->")
    terms = [letters(term) for term in left.split(",")]
    if len(terms) != len(operands):
        how = "more" if len(terms) < len(operands) else "fewer"
        raise RuntimeError(f"einsum(): {how} operands were provided than specified in the equation: {len(operands)} "
                           f"for '{args[0]}'")
    return operands, terms, letters(right) if arrow else None


def letters(term: str) -> Labels:
    """The labels of one term of an equation."""
    head, dots, tail = term.partition("...")
    for i, c in enumerate(head + tail):
        if not (c.isascii() and c.isalpha()):
            raise RuntimeError(f"einsum(): invalid subscript given at index {i} in the equation string, subscripts "
                               f"must be in [a-zA-Z], found '{c}' in '{term}'")
    return [*head, *([...] if dots else []), *tail]


def expand_ellipses(terms: list[Labels], operands: list[Tensor]) -> int:
    """The most dims an ellipsis stands for."""
    hidden = [operand.ndim - len(term) + 1 for term, operand in zip(terms, operands) if ... in term]
    return max(hidden, default=0)


def labels_of(term: Labels, operand: Tensor, position: int) -> Labels:
    """A label for each dim of an operand."""
    if ... not in term:
        if len(term) != operand.ndim:
            raise RuntimeError(f"einsum(): the number of subscripts in the equation ({len(term)}) does not match the "
                               "number of "
                               f"dimensions ({operand.ndim}) for operand {position} and no ellipsis was given")
        return term
    at, hidden = term.index(...), operand.ndim - len(term) + 1
    if hidden < 0:
        raise RuntimeError(f"einsum(): the number of subscripts in the equation ({len(term) - 1}) is more than the "
                           f"number of dimensions ({operand.ndim}) for operand {position}")
    return [*term[:at], *[("...", k) for k in range(hidden, 0, -1)], *term[at + 1:]]


def implicit(spread: int, inputs: list[Labels]) -> Labels:
    """The output of an equation without an arrow: the ellipsis, then what occurs once, in alphabetical order."""
    every = [name for labels in inputs for name in labels if not isinstance(name, tuple)]
    return [("...", k) for k in range(spread, 0, -1)] + sorted(name for name in set(every) if every.count(name) == 1)


def explicit(output: Labels, spread: int, inputs: list[Labels]) -> Labels:
    """The output's labels as given, its ellipsis written out."""
    known = set().union(*inputs)
    result: Labels = []
    for name in output:
        if name is ...:
            result += [("...", k) for k in range(spread, 0, -1)]
        elif name in result:
            raise RuntimeError(f"einsum(): output subscript {name} appears more than once in the output")
        elif name not in known:
            raise RuntimeError(f"einsum(): output subscript {name} does not appear in the equation for any input "
                               "operand")
        else:
            result.append(name)
    return result


def check_sizes(inputs: list[Labels], operands: list[Tensor]) -> None:
    """Raises unless a label has one size (or 1) everywhere."""
    sizes: dict[Any, int] = {}
    for i, (labels, operand) in enumerate(zip(inputs, operands)):
        for name, n in zip(labels, operand.shape):
            if n != 1 and sizes.setdefault(name, n) != n:
                raise RuntimeError(f"einsum(): subscript {name} has size {n} for operand {i} which does not broadcast "
                                   f"with previously seen size {sizes[name]}")


def one_of_each(labels: Labels, value: Tensor) -> tuple[Labels, Tensor]:
    """A label that occurs twice stands for a diagonal."""
    labels = list(labels)
    while len(set(labels)) < len(labels):
        name = next(name for name in labels if labels.count(name) > 1)
        first = labels.index(name)
        second = labels.index(name, first + 1)
        if value.shape[first] != value.shape[second]:
            raise RuntimeError(f"einsum(): subscript {name} is repeated for operand 0 but the sizes don't match, "
                               f"{value.shape[second]} != {value.shape[first]}")
        value = value.diagonal(0, first, second)
        labels = [n for i, n in enumerate(labels) if i not in (first, second)] + [name]
    return labels, value


def summed(labels: Labels, value: Tensor, wanted: set[Any]) -> tuple[Labels, Tensor]:
    """The sum over labels that nobody wants."""
    away = [i for i, name in enumerate(labels) if name not in wanted]
    if not away:
        return labels, value
    return [name for name in labels if name in wanted], value.sum(dim=away).to(value.dtype)


def contract(a_labels: Labels, a: Tensor, b_labels: Labels, b: Tensor, later: set[Any]) -> tuple[Labels, Tensor]:
    """The product of two labelled tensors, summed over the labels they share that are not needed later."""
    a_labels, a = without_ones(a_labels, a, b_labels, b)
    b_labels, b = without_ones(b_labels, b, a_labels, a)
    a_labels, a = summed(a_labels, a, later | set(b_labels))
    b_labels, b = summed(b_labels, b, later | set(a_labels))
    batch = [name for name in a_labels if name in b_labels and name in later]
    inner = [name for name in a_labels if name in b_labels and name not in later]
    rows = [name for name in a_labels if name not in b_labels]
    columns = [name for name in b_labels if name not in a_labels]
    size = dict(zip(a_labels, a.shape)) | dict(zip(b_labels, b.shape))

    def arranged(labels: Labels, t: Tensor, *groups: Labels) -> Tensor:
        """A tensor with one dim for each group of labels; labels of the batch keep their own."""
        order = [labels.index(name) for group in groups for name in group]
        if order != list(range(len(order))):
            t = t.permute(order)
        if all(len(group) == 1 for group in groups[1:]):
            return t
        return t.reshape([size[name] for name in batch] + [math.prod([size[name] for name in g]) for g in groups[1:]])
    if inner:
        product = arranged(a_labels, a, batch, rows, inner) @ arranged(b_labels, b, batch, inner, columns)
    else:
        product = arranged(a_labels, a, batch, rows).unsqueeze(-1) * arranged(b_labels, b, batch, columns).unsqueeze(-2)
    order = batch + rows + columns
    if len(rows) == len(columns) == 1:
        return order, product
    return order, product.reshape([size[name] for name in order])


def without_ones(labels: Labels, value: Tensor, other_labels: Labels, other: Tensor) -> tuple[Labels, Tensor]:
    """Drops shared labels of size 1 that are larger in the other operand: they broadcast."""
    sizes = dict(zip(other_labels, other.shape))
    ones = [i for i, name in enumerate(labels) if value.shape[i] == 1 and sizes.get(name, 1) != 1]
    if not ones:
        return labels, value
    return [name for i, name in enumerate(labels) if i not in ones], value.squeeze(ones)
