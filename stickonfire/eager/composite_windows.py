"""Convolution, pooling and sampling under their names in torch: most are nn.functional's, some give places as well."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .functional import (
    adaptive_avg_pool1d,
    adaptive_max_pool1d_with_indices,
    avg_pool1d,
    conv1d,
    conv2d,
    conv3d,
    conv_tbc,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    max_pool1d,
    max_pool1d_with_indices,
    max_pool2d,
    max_pool3d,
)

FUNCTIONS = (adaptive_avg_pool1d, avg_pool1d, conv1d, conv2d, conv3d, conv_tbc, conv_transpose1d, conv_transpose2d,
             conv_transpose3d, max_pool1d, max_pool1d_with_indices, max_pool2d, max_pool3d)
ALIASES = {"adaptive_max_pool1d": adaptive_max_pool1d_with_indices}
METHODS: dict[str, Callable[..., Any]] = {}
