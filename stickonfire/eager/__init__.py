"""What a user holds: the Tensor, the functions published from the ops, autograd, creation, printing.

The layers below know no Tensor; the layers above import everything from here. `dispatch.py` is the one
choke point that every op goes through; `publish.py` makes functions and methods of the declarations.
"""
from ..backends import cpu  # noqa: F401  (registers the CPU)
from ..core.device import device
from ..core.dtypes import dtype, promote_types
from ..core.limits import finfo, iinfo
from ..core.shapes import Size
from ..core.state import set_default_dtype
from . import attributes, autograd, compose, conversion, creation, indexing, publish
from .modes import (enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad,
                    set_grad_enabled)
from .tensor import Tensor
