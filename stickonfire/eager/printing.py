"""How a tensor looks: PyTorch's `repr`, to the letter.

`Tensor.__repr__` calls `format_tensor`; users reach `set_printoptions` as `stickonfire.set_printoptions`.
The tensor is duck-typed (`shape`, `dtype`, `device`, `tolist`, slicing, `detach`, `grad_fn`): this file
imports core/ alone, and the tests feed it PyTorch's own tensors and compare with PyTorch's own `repr`.

The steps: keep the edges (`summarise`), choose one number format for all elements kept (`choose_format`),
lay out rows and brackets (`_render`), append `dtype=`, `grad_fn=` and the like (`_suffixes`,
`_join_suffixes`). Only the elements that will be seen are ever read, so printing a large tensor costs no more
than a small one.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..core import state


@dataclass(frozen=True)
class PrintOptions:
    """What `set_printoptions` sets. `sci_mode` None means: decide from the values."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}
_options = PROFILES["default"]


def get_printoptions() -> dict[str, Any]:
    """The options in force, as the keywords that `set_printoptions` takes.

    >>> sorted(get_printoptions())
    ['edgeitems', 'linewidth', 'precision', 'sci_mode', 'threshold']
    """
    return dict(vars(_options))


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print; what is left out stays, save `sci_mode`, which then is chosen from the values
    again.

    Args: digits after the point; element count above which a tensor is summarised; elements kept at each edge
    of a dimension; columns of a line; a profile ("default", "short" or "full") to start from; scientific
    notation or not.
    Source: PyTorch `set_printoptions`.

    >>> set_printoptions(precision=2); get_printoptions()["precision"]
    2
    >>> set_printoptions(profile="default")
    """
    global _options
    chosen = PROFILES.get(profile.lower(), _options) if profile is not None else _options
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    _options = replace(chosen, sci_mode=sci_mode, **changes)


@contextlib.contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """`set_printoptions` for the length of a `with` block.

    >>> with printoptions(precision=1): get_printoptions()["precision"]
    1
    """
    global _options
    before = _options
    set_printoptions(**options)
    try:
        yield
    finally:
        _options = before


def format_tensor(
    t: Any, *, default_dtype: Any = None, default_device: str = "cpu", contents: str | None = None
) -> str:
    """The text of `repr(t)`.

    `default_dtype` (None: the one in force) and `default_device` are not spelled out, nor are int64 and bool.
    `contents` replaces the numbers (a subclass may bring its own).
    Source: PyTorch `Tensor.__repr__`.
    """
    name = type(t).__name__
    prefix = "tensor(" if name in ("Tensor", "Parameter") else f"{name}("
    indent = len(prefix)
    suffixes = _suffixes(t, str(default_dtype or state.default_dtype()), default_device, contents is not None)
    if contents is None:
        contents = _contents(t.detach(), indent)
    return _join_suffixes(prefix + contents, suffixes, indent)


# -- the numbers ---------------------------------------------------------------------------------------------


class _Gap:
    """Stands in a summarised list where elements were left out."""


_GAP = _Gap()


def _contents(t: Any, indent: int) -> str:
    if str(t.device) == "meta":
        return "..."
    count = t.numel()
    if count == 0:
        return "[]"
    if _is_all_gap(count):
        return "[...]"
    if str(t.dtype) in _PRINTED_AS_FLOAT:
        t = t.float()
    if t.dtype.is_complex and hasattr(t, "resolve_conj"):
        t = t.resolve_conj()
    values = summarise(t, _options.edgeitems) if count > _options.threshold else t.tolist()
    show, width = choose_format(list(_flat(values)), t.dtype)
    return _render(values, t.dim(), indent, show, width)


def _is_all_gap(count: int) -> bool:
    """Summarised to nothing (`edgeitems=0`): then the shape is printed instead."""
    return _options.edgeitems == 0 and count > _options.threshold


# Python has no such floats, and their own `tolist` may round: they print as the float32 they stand for.
_PRINTED_AS_FLOAT = frozenset({"torch.float16", "torch.bfloat16"})


def summarise(t: Any, edge: int) -> Any:
    """Nested lists of the first and last `edge` elements of each dimension, a gap between them."""
    if t.dim() == 0:
        return t.item()
    size = t.shape[0]
    cut = size > 2 * edge
    if t.dim() == 1:
        if not cut:
            return t.tolist()
        return [*t[:edge].tolist(), _GAP, *(t[size - edge :].tolist())]
    if not cut:
        return [summarise(t[i], edge) for i in range(size)]
    head = [summarise(t[i], edge) for i in range(edge)]
    return [*head, _GAP, *(summarise(t[i], edge) for i in range(size - edge, size))]


def _flat(values: Any) -> Iterator[Any]:
    """The elements of nested lists in order, gaps left out."""
    if not isinstance(values, list):
        yield values
    elif values and not isinstance(values[0], list) and not isinstance(values[-1], list):
        yield from (v for v in values if v is not _GAP)
    else:
        for part in values:
            if part is not _GAP:
                yield from _flat(part)


# -- the format of one element -------------------------------------------------------------------------------

Show = Callable[[Any], str]


def choose_format(values: list[Any], dtype: Any) -> tuple[Show, int]:
    """A function from element to text, the same width for all, and that width.

    >>> class FloatDtype: is_complex, is_floating_point = False, True
    >>> show, width = choose_format([1.0, 10.0], FloatDtype)
    >>> show(1.0), width
    (' 1.', 3)
    """
    if dtype.is_complex:
        return _complex_format(values)
    if dtype.is_floating_point:
        return _float_format(values)
    width = max((len(str(v)) for v in values), default=1)
    return (lambda v: str(v).rjust(width)), width


def _complex_format(values: list[complex]) -> tuple[Show, int]:
    show_real, real_width = _float_format([v.real for v in values])
    show_imag, imag_width = _float_format([v.imag for v in values])

    def show(v: complex) -> str:
        imag = show_imag(v.imag).lstrip() + "j"
        sign = "" if imag[0] in "+-" else "+"
        return show_real(v.real) + sign + imag

    return show, real_width + imag_width + 1


def _float_format(values: list[float]) -> tuple[Show, int]:
    """Whole numbers print as `3.`, others with `precision` digits; wide spreads print as `1.0000e+05`."""
    counted = [v for v in values if v != 0 and math.isfinite(v)]
    whole = all(v == math.floor(v) for v in counted)
    scientific = bool(counted) and _is_scientific(counted, whole)
    width = max((len(_float_text(v, whole, scientific)) for v in counted), default=1)
    return (lambda v: _float_text(v, whole, scientific).rjust(width)), width


def _is_scientific(counted: list[float], whole: bool) -> bool:
    if _options.sci_mode is not None:
        return _options.sci_mode
    low, high = min(map(abs, counted)), max(map(abs, counted))
    # low > 0, but the quotient of a huge and a subnormal number may still overflow to infinity, which is >
    # 1000 too.
    return high > 1.0e8 or high / low > 1000.0 or (not whole and low < 1.0e-4)


def _float_text(v: float, whole: bool, scientific: bool) -> str:
    if scientific:
        return f"{v:.{_options.precision}e}"
    if not whole:
        return f"{v:.{_options.precision}f}"
    return f"{v:.0f}." if math.isfinite(v) else f"{v:.0f}"


# -- rows and brackets ---------------------------------------------------------------------------------------


def _render(values: Any, dim: int, indent: int, show: Show, width: int) -> str:
    if dim == 0:
        return show(values)
    if dim == 1:
        return _render_row(values, indent, show, width)
    rows = ["..." if v is _GAP else _render(v, dim - 1, indent + 1, show, width) for v in values]
    return "[" + ("," + "\n" * (dim - 1) + " " * (indent + 1)).join(rows) + "]"


def _render_row(values: list[Any], indent: int, show: Show, width: int) -> str:
    """One row, broken after as many elements as fit between the indent and the line width."""
    texts = [" ..." if v is _GAP else show(v) for v in values]
    per_line = max(1, (_options.linewidth - indent) // (width + 2))
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


# -- what follows the numbers --------------------------------------------------------------------------------


def _suffixes(t: Any, default_dtype: str, default_device: str, own_contents: bool) -> list[str]:
    found = []
    device, dtype, shape = str(t.device), str(t.dtype), tuple(t.shape)
    on_meta, empty = device == "meta", t.numel() == 0
    if device != default_device and device.split(":")[0] != default_device:
        found.append(f"device='{device}'")
    # With edgeitems=0 elements may be left out altogether: then the shape always stands there.
    unseen = len(shape) != 1 if empty else _options.edgeitems == 0
    if on_meta or (unseen and not own_contents):
        found.append(f"size={shape}")
    if dtype != default_dtype and (on_meta or empty or dtype not in _implied_dtypes(default_dtype)):
        found.append(f"dtype={dtype}")
    grad_fn = t.grad_fn
    if grad_fn is not None:
        found.append(f"grad_fn=<{_node_name(grad_fn)}>")
    elif t.requires_grad:
        found.append("requires_grad=True")
    return found


def _implied_dtypes(default_dtype: str) -> tuple[str, ...]:
    """Dtypes that the numbers themselves give away."""
    complex_dtype = "torch.complex128" if default_dtype == "torch.float64" else "torch.complex64"
    return complex_dtype, "torch.int64", "torch.bool"


def _node_name(grad_fn: Any) -> str:
    name = grad_fn.name()
    return name.rsplit("::", 1)[-1]


def _join_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    """Append the suffixes; one that would cross the line width starts a new line."""
    parts = [text]
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if column + len(suffix) + 2 > _options.linewidth:
            parts.append(",\n" + " " * indent + suffix)
            column = indent + len(suffix)
        else:
            parts.append(", " + suffix)
            column += len(suffix) + 2
    return "".join(parts) + ")"
