"""One op, one place: forward, gradient, shape and dtype rule of each op stand together.

One family a file; `op.py` has the decorators. Rules talk to a namespace `xp`, never to an array
library. Importing this package registers every op.
"""
from . import (  # noqa: F401
    activation,
    activation_smooth,
    arith,
    compare,
    complex,
    create,
    embedding,
    extremes,
    index,
    loss,
    math,
    matmul,
    matmul_add,
    norm,
    random,
    rearrange,
    reduce,
    reduce_extremes,
    reduce_norm,
    reduce_spread,
    rounding,
    scan,
    scatter,
    shape,
    softmax,
    sort,
    special,
    special_flat,
    trig,
    vectors,
)
