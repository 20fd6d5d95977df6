"""From a user's call to an op's inputs and attributes: positions, keywords, defaults, PyTorch's spellings.

Called by the functions that `publish.py` makes. Errors are PyTorch's TypeErrors.
"""
from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

from ..backends.base import BY_ARRAY
from ..core.dtypes import BUILTIN
from ..core.dtypes import dtype as dtype_type
from ..ops.op import Op
from .tensor import Tensor, make

SPELLINGS = {"axis": "dim", "keepdims": "keepdim", "self": "input", "x": "input"}   # NumPy's, which PyTorch accepts


def bind(op: Op, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The inputs and attributes of a call `op(*args, **kwargs)`."""
    if op.varargs:
        args = gather_varargs(op, args)
    if not kwargs and not op.variadic and op.tensors_first and op.least <= len(args) <= op.positional:
        n = len(op.tensors)
        inputs = args[:n] if len(args) >= n else (*args, *[None] * (n - len(args)))
        for i, value in enumerate(inputs):
            if not isinstance(value, Tensor):
                inputs = (*inputs[:i], operand(op, value, i), *inputs[i + 1:])
        if op.scalars == "some":
            check_some(op, inputs)
        if len(args) <= n:
            return inputs, op.attribute_defaults
        return inputs, with_dtype(op, {**op.attribute_defaults, **dict(zip(op.attributes, args[n:]))})
    if len(args) > op.positional:
        raise TypeError(f"{op.name}() takes {op.positional} positional arguments but {len(args)} were given")
    given = dict(zip(op.params, args))
    for name, value in kwargs.items():
        key = name if name in op.params else SPELLINGS.get(name, name)
        if key not in op.params:
            raise TypeError(f"{op.name}() got an unexpected keyword argument '{name}'. It takes: "
                            f"{', '.join(op.params)}")
        if key in given:
            raise TypeError(f"{op.name}() got multiple values for argument '{name}'")
        given[key] = value
    lacking = [name for name in op.required if name not in given]
    if lacking:
        raise TypeError(f'{op.name}() missing {len(lacking)} required positional arguments: "{lacking[0]}"')
    if op.variadic:
        inputs = tensor_list(op, given[op.tensors[0]])
    else:
        inputs = tuple([operand(op, given.get(name, op.defaults.get(name)), i) for i, name in enumerate(op.tensors)])
        if op.scalars == "some":
            check_some(op, inputs)
    attrs = op.attribute_defaults | {name: given[name] for name in op.attributes if name in given}
    return inputs, with_dtype(op, attrs)


def with_dtype(op: Op, attrs: dict[str, Any]) -> dict[str, Any]:
    """The attributes, with a Python type given as `dtype=` replaced by the dtype it stands for.

    Raises: TypeError for what is no dtype.
    """
    kind = attrs.get("dtype")
    if kind is None or isinstance(kind, dtype_type):
        return attrs
    if not isinstance(kind, type) or kind not in BUILTIN:
        raise TypeError(f"{op.name}() received an invalid combination of arguments - dtype must be torch.dtype, not "
                        f"{type(kind).__name__}. Dtypes are objects, such as torch.float32")
    return {**attrs, "dtype": BUILTIN[kind]}


def gather_varargs(op: Op, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """`(input, 2, 3)` as `(input, (2, 3))`, where the op takes its sizes or dims spread out."""
    at = op.params.index(op.varargs)
    if len(args) <= at or args[at].__class__ is tuple:
        return args
    rest = args[at:]
    if len(rest) == 1 and isinstance(rest[0], (tuple, list)):
        rest = tuple(rest[0])
    for i, n in enumerate(rest):
        if n.__class__ is not int and not is_integer(n):
            raise TypeError(f"{op.name}(): argument '{op.varargs}' (position {i + 1}) must be tuple of ints, not "
                            f"{type(n).__name__}: got {n!r}")
    return (*args[:at], tuple([int(n) for n in rest]))


def is_integer(n: Any) -> bool:
    """Whether PyTorch takes it for a size or a dim."""
    return n.__class__ is int or (hasattr(n, "__index__") and not isinstance(n, (bool, Tensor))) or (
        isinstance(n, Tensor) and n.ndim == 0 and n.dtype.category == 1)


def operand(op: Op, value: Any, position: int = 1) -> Any:
    """An input as `dispatch` takes it: a Tensor, None where that is the default, a Python number if the op allows."""
    if isinstance(value, Tensor):
        return value
    name = op.tensors[position]
    if value is None and name in op.defaults:
        return None
    if op.scalars and isinstance(value, numbers.Number) and (position or op.scalars != "rest"):
        return value if value.__class__ in (bool, int, float, complex) else plain_number(value)
    if op.scalars and value.__class__ in BY_ARRAY and position > 0:
        return make(value)
    raise TypeError(f"{op.name}(): argument '{name}' (position {position + 1}) must be Tensor, not "
                    f"{type(value).__name__}")


def check_some(op: Op, inputs: tuple[Any, ...]) -> None:
    """Refuses a call with numbers only, where PyTorch wants a tensor among them."""
    if not any([isinstance(value, Tensor) for value in inputs]):
        raise TypeError(f"{op.name}() received an invalid combination of arguments - got "
                        f"({', '.join(type(value).__name__ for value in inputs)}), but one of them has to be a Tensor")


def plain_number(value: Any) -> Any:
    """A NumPy number as the Python number PyTorch takes it for."""
    return value.item() if hasattr(value, "item") else value


def tensor_list(op: Op, values: Any) -> tuple[Any, ...]:
    """The tensors of a sequence argument."""
    if isinstance(values, Tensor) or not hasattr(values, "__iter__"):
        raise TypeError(f"{op.name}(): argument '{op.tensors[0]}' (position 1) must be tuple of Tensors, not "
                        f"{type(values).__name__}")
    values = tuple(values)
    for i, value in enumerate(values):
        if not isinstance(value, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(value).__name__}")
    if not values and "empty" not in op.name:
        raise (ValueError if op.name == "cat" else RuntimeError)(f"torch.{op.name}(): expected a non-empty list of "
                                                                 "Tensors")
    return values


