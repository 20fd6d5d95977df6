"""How samples become a batch: tensors are stacked, numbers become tensors, containers are gone into.

Used by fetch.py; users replace it by `collate_fn`, or extend it through `collate(batch, collate_fn_map=...)`.
May import: eager, numpy (people's samples are often NumPy arrays).
"""
import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from ..eager import Tensor, as_tensor, float64, stack, tensor

CollateMap = dict[type | tuple[type, ...], Callable[..., Any]]
UNSUPPORTED = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
TEXT_KINDS = "SUO"          # NumPy arrays of bytes, strings and objects


def default_convert(data: Any) -> Any:
    """Turns NumPy arrays and scalars into tensors, at any depth; what is not known stays as it is.

    Source: PyTorch `default_convert`.

    >>> from stickonfire.utils.data import default_convert
    >>> import numpy
    >>> default_convert([numpy.array([1, 2]), "text"])
    [tensor([1, 2]), 'text']
    """
    if isinstance(data, (Tensor, str, bytes)):
        return data
    if isinstance(data, np.ndarray):
        return data if data.dtype.kind in TEXT_KINDS else as_tensor(data)
    if isinstance(data, np.generic):
        return as_tensor(data)
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple):
        values = [default_convert(value) for value in data]
        return type(data)(*values) if hasattr(data, "_fields") else values
    if isinstance(data, Sequence):
        return _like_sequence(data, [default_convert(value) for value in data])
    return data


def default_collate(batch: Sequence[Any]) -> Any:
    """Puts the samples of a batch together, with a new first dimension.

    Raises: TypeError for samples of another kind; RuntimeError for sequences of different lengths.
    Source: PyTorch `default_collate`.

    >>> from stickonfire.utils.data import default_collate
    >>> default_collate([{"x": 1, "y": 2.0}, {"x": 3, "y": 4.0}])
    {'x': tensor([1, 3]), 'y': tensor([2., 4.], dtype=torch.float64)}
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


def collate(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """The same with functions of one's own for some types of samples."""
    first = batch[0]
    kind = type(first)
    if collate_fn_map is not None:
        function = collate_fn_map.get(kind) or next(
            (f for types, f in collate_fn_map.items() if isinstance(first, types)), None)
        if function is not None:
            return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        return _like_mapping(first,
                             {key: collate([sample[key] for sample in batch], collate_fn_map=collate_fn_map)
                                     for key in first})
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch) and not hasattr(first, "_fields"):
            raise RuntimeError("each element in list of batch should be of equal size, found lengths "
                               f"{sorted({len(sample) for sample in batch})}; give a collate_fn that pads them")
        columns = [collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch, strict=False)]
        if isinstance(first, tuple):
            return kind(*columns) if hasattr(first, "_fields") else columns
        return _like_sequence(first, columns)
    raise TypeError(UNSUPPORTED.format(kind))


def _like_mapping(model: Any, values: dict[Any, Any]) -> Any:
    """The values in a mapping of the model's own type; a plain dict where that cannot be made."""
    try:
        if isinstance(model, MutableMapping):
            clone = copy.copy(model)
            clone.update(values)
            return clone
        return type(model)(values)          # type: ignore[call-arg]
    except TypeError:
        return values


def _like_sequence(model: Any, values: list[Any]) -> Any:
    """The values in a sequence of the model's own type; a plain list where that cannot be made."""
    try:
        if isinstance(model, MutableSequence):
            clone = copy.copy(model)
            for i, value in enumerate(values):
                clone[i] = value
            return clone
        return type(model)(values)          # type: ignore[call-arg]
    except TypeError:
        return values


def _collate_tensors(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Tensor:
    return stack(list(batch), 0)


def _collate_arrays(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    if batch[0].dtype.kind in TEXT_KINDS:
        raise TypeError(UNSUPPORTED.format(batch[0].dtype))
    return collate([as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def _collate_numpy_scalars(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Tensor:
    return as_tensor(np.asarray(batch))


def _collate_floats(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Tensor:
    return tensor(batch, dtype=float64)


def _collate_ints(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Tensor:
    return tensor(batch)


def _collate_text(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    return batch


default_collate_fn_map: CollateMap = {
    Tensor: _collate_tensors, np.ndarray: _collate_arrays,
    (np.bool_, np.number, np.object_): _collate_numpy_scalars, float: _collate_floats, int: _collate_ints,
    str: _collate_text, bytes: _collate_text}
