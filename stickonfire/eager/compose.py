"""The functions and methods that are composed of ops, put beside those published from declarations.

Each module listed here ends with FUNCTIONS, a tuple of what is `torch.<name>`, and METHODS, a dict of what is a
method of Tensor; ALIASES, where there are any, are further names in torch,
SPECIAL and LINALG dicts of what is in torch.special and torch.linalg.
"""
from __future__ import annotations

from types import FunctionType
from typing import Any

from . import (
    attributes,
    autograd,
    composite_arith,
    composite_complex,
    composite_copies,
    composite_functional,
    composite_index,
    composite_join,
    composite_products,
    composite_reduce,
    composite_shape,
    composite_slopes,
    composite_solve,
    composite_sort,
    composite_special,
    composite_spectral,
    composite_statistics,
    composite_windows,
    conversion,
    creation,
    elsewhere,
    indexing,
    later,
    legacy,
    lowrank,
    random,
    random_laws,
    storage,
    switches,
)
from .arguments import guarded
from .autocast import wrap_listed
from .publish import NAMESPACES
from .tensor import Tensor

MODULES: tuple[Any, ...] = (
    attributes, autograd, composite_arith, composite_complex, composite_copies, composite_functional,
    composite_index, composite_join, composite_products, composite_reduce, composite_shape,
    composite_slopes, composite_solve, composite_sort, composite_special, composite_spectral,
    composite_statistics, composite_windows, conversion, creation, elsewhere, indexing, later, legacy, lowrank, random,
    random_laws, storage, switches)

# called often, or with checks of their own
UNGUARDED = (attributes, autograd, conversion, indexing, switches)
QUICK = ("cat", "stack")


def given(module: Any, function: Any) -> Any:
    """The function as users get it: if it fails, a look at its arguments says whether one was of the wrong kind."""
    if not isinstance(function, FunctionType) or module in UNGUARDED or function.__name__ in QUICK:
        return function
    return guarded(function)


def name_method(function: Any, name: str, module: Any) -> None:
    """Lets a method be called in errors what users call it."""
    if isinstance(function, FunctionType) and function.__name__ not in module.METHODS and not name.startswith("__"):
        function.__qualname__ = f"Tensor.{name}"


for _module in MODULES:
    NAMESPACES["stickonfire"].update({f.__name__: given(_module, f) for f in getattr(_module, "FUNCTIONS", ())})
    NAMESPACES["stickonfire"].update(getattr(_module, "ALIASES", {}))
    NAMESPACES["special"].update(getattr(_module, "SPECIAL", {}))
    NAMESPACES["linalg"].update(getattr(_module, "LINALG", {}))
    for _name, _method in _module.METHODS.items():
        name_method(_method, _name, _module)
        setattr(Tensor, _name, _method if _name.startswith("__") else given(_module, _method))
for _place in ("stickonfire", "linalg"):
    wrap_listed(NAMESPACES[_place])
