"""The functions and methods that are composed of ops, put beside those published from declarations.

Each module listed here ends with FUNCTIONS, a tuple of what is `torch.<name>`, and METHODS, a dict of what is a
method of Tensor; ALIASES, where there are any, are further names in torch,
SPECIAL a dict of what is in torch.special.
"""
from __future__ import annotations

from . import composite_arith, composite_special
from .publish import NAMESPACES
from .tensor import Tensor

MODULES = (composite_arith, composite_special)

for _module in MODULES:
    NAMESPACES["stickonfire"].update({f.__name__: f for f in _module.FUNCTIONS})
    NAMESPACES["stickonfire"].update(getattr(_module, "ALIASES", {}))
    NAMESPACES["special"].update(getattr(_module, "SPECIAL", {}))
    for _name, _method in _module.METHODS.items():
        setattr(Tensor, _name, _method)
