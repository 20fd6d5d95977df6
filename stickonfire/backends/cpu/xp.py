"""The array namespace of the CPU: NumPy's functions under NumPy's names, and what NumPy lacks.

The rules in `ops/` receive this module as `xp`. It is also the list that any other backend has to
offer. Functions that NumPy lacks stand below; longer ones in `special.py` and `kernels.py`.
"""
from __future__ import annotations

# isort: skip_file
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import (abs, add, all, any, arange, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh,
                   argmax, argmin, argpartition, argsort, array_equal, asarray, bitwise_and, bitwise_count,
                   bitwise_or, bitwise_xor, ceil, concatenate, copysign, copyto, cos, cosh,
                   count_nonzero, diff, divide, divmod, einsum, empty, empty_like, equal, errstate, exp2,
                   expand_dims, expm1, eye, fix, flip, floor, floor_divide, fmax, fmin, fmod, frexp, frombuffer, full,
                   full_like, gcd, greater, greater_equal, heaviside, hypot, invert, isfinite, isinf, isnan,
                   lcm, ldexp, left_shift, less, less_equal, linspace, log1p, log2, log10, logaddexp,
                   logaddexp2, logical_and, logical_not, logical_or, logical_xor, matmul, maximum, minimum,
                   moveaxis, multiply, nan_to_num, negative, nextafter, nonzero, not_equal, ones, ones_like,
                   partition, power, prod, put_along_axis, reciprocal, remainder, repeat, reshape,
                   result_type, right_shift, rint, roll, rot90, searchsorted, signbit, sin, sinh, sort,
                   sqrt, square, squeeze, stack, subtract, swapaxes, take, take_along_axis, tan, tanh,
                   tensordot, tile, transpose, tril, tril_indices, triu, triu_indices, true_divide, trunc,
                   unique, where, zeros, zeros_like)

from ...core.dtypes import dtype
from .conv import col2im, convolution, convolution_input, convolution_weight, im2col
from .convert import cast, conj, from_dlpack, number_like
from .ctc import ctc, ctc_grad
from .fourier import fft_c2c, fft_c2r, fft_r2c
from .gather import (add_rows, checked_index, checked_parts, checked_source, diagonals, gathered, index_add,
                     index_add_at, index_copy, index_fill, index_put_at, index_sum, joined, masked_scattered,
                     out_of_range, padded, place, places, put, put_add, replaced, scatter_add,
                     scatter_combined, scattered, selected, widened_to)
from .kernels import log_softmax, occurrences, softmax
from .kernels_activation import elu, elu_grad, silu, silu_grad
from .kernels_elementwise import (complex_logaddexp, complex_of, complex_over, exp, isneginf, isposinf, isreal, log,
                                  keep, parts_of, sign, step)
from .linalg import (cholesky_info, det, eig, eigh, eigvals, eigvalsh, householder_form, inverse_info, matrix_exp, qr,
                     slogdet, solve_info, svd, svdvals)
from .linalg_ldl import ldl_packed, ldl_solve
from .linalg_lu import lu_packed, row_order, solve_triangular
from .pool import avg_pool, avg_pool_back, gather_planes, max_pool, resample, resample_back, spread_planes
from .products import affine, euclidean, plus_product, product, squared_deviations, squared_size
from .kernels_inplace import adam, add_product, add_quotient, add_scaled, move_towards
from .order import (counted, distinct, distinct_slices, histogram, insertion_places, kth, largest_first,
                    middle, most_frequent, nonzero_rows, order_along, running_extreme, running_logsumexp,
                    runs)
from .pydata import from_data
from .special import *  # noqa: F403
from .strided import (address, as_strided, basic, between, broadcast_to, contiguous, copy, dense_order,
                      diagonal, diagonal_scatter, expanded, fold_windows, geometry, is_contiguous, is_view,
                      is_writable, laid_out, memory, offset, resized, shares_memory, steps, storage,
                      strides_as_promised, unsqueezed, viewed, windows)
from .sums import sum_plain
from .threads import get_threads, set_threads
from .types import from_numpy_dtype, to_numpy_dtype
from .wide import cumprod, cumsum, mean, sum

ndarray = np.ndarray
linalg = np.linalg
inf, nan, pi = math.inf, math.nan, math.pi
amax, amin = np.max, np.min
add_at = np.add.at
logcumsumexp = np.logaddexp.accumulate


def dtype_of(a: Any) -> dtype:
    """The framework's dtype of an array."""
    return from_numpy_dtype(a.dtype)


def dtype_of_native(native: np.dtype) -> dtype:
    """The framework's dtype for one of the array library."""
    return from_numpy_dtype(native)


def native_dtype(d: dtype) -> np.dtype:
    """The array library's dtype that stores the framework's."""
    return to_numpy_dtype(d)


def real(a: Any) -> Any:
    return a.real


def imag(a: Any) -> Any:
    return a.imag


scalar_types = (np.generic,)


def flatnonzero(a: Any) -> Any:
    """Row-major positions of the non-zero elements."""
    return np.flatnonzero(a)


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape all expand to."""
    return np.broadcast_shapes(*shapes)
