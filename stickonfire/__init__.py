"""PyStickOnFire."""
from .eager import *
from .eager import publish as _p, creation as _c
globals().update(_p.published("stickonfire"))
globals().update({f.__name__: f for f in _c.FUNCTIONS})
