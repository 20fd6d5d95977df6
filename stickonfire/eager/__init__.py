"""What a user holds: the Tensor, the functions published from the ops, autograd, creation, printing.

The layers below know no Tensor; the layers above import everything from here. `dispatch.py` is the one
choke point that every op goes through; `publish.py` makes functions and methods of the declarations,
`compose.py` adds what is made of several ops. The names are written down in `__init__.pyi`.
"""
from ..backends import cpu  # noqa: F401  (registers the CPU)
from ..core.device import device
from ..core.dtypes import (
    bfloat16,
    can_cast,
    cdouble,
    cfloat,
    complex64,
    complex128,
    double,
    dtype,
    float16,
    float32,
    float64,
    half,
    int8,
    int16,
    int32,
    int64,
    long,
    promote_types,
    short,
    uint8,
    uint16,
    uint32,
    uint64,
)
from ..core.dtypes import bool_ as bool
from ..core.dtypes import float32 as float
from ..core.dtypes import int32 as int
from ..core.errors import AcceleratorError, OutOfMemoryError
from ..core.formats import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from ..core.formats import contiguous_format as legacy_contiguous_format
from ..core.limits import finfo, iinfo
from ..core.shapes import Size
from ..core.state import default_dtype as get_default_dtype
from ..core.state import set_default_dtype
from . import compose  # noqa: F401  (gives Tensor its methods)
from .function import Function
from .modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .printing import set_printoptions
from .publish import HOLDERS, published
from .random import Generator, default_generator, fork_rng
from .tensor import Tensor

__all__ = [
    "AcceleratorError", "Function", "Generator", "OutOfMemoryError", "Size", "Tensor", "bfloat16", "bool", "can_cast",
    "cdouble", "cfloat",
    "channels_last", "channels_last_3d", "complex128", "complex64", "contiguous_format",
    "default_generator", "device", "double", "dtype", "enable_grad", "finfo", "float", "float16", "float32", "float64",
    "fork_rng", "get_default_dtype", "half", "iinfo", "inference_mode", "int", "int16", "int32", "int64", "int8",
    "is_grad_enabled", "is_inference_mode_enabled", "layout", "legacy_contiguous_format", "long", "memory_format",
    "no_grad", "preserve_format",
    "promote_types", "set_default_dtype", "set_grad_enabled", "set_printoptions", "short", "sparse_bsc", "sparse_bsr",
    "sparse_coo", "sparse_csc", "sparse_csr", "strided", "uint16", "uint32", "uint64", "uint8",
    *published("stickonfire")]
globals().update(published("stickonfire"))
HOLDERS.append(globals())
