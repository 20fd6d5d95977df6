"""What the random draws refuse, with PyTorch's words: dtypes, empty or too wide ranges, impossible weights.

Called by `random.py` only. Imports NumPy. Messages give PyTorch's first line, then the call and a way out.
"""
from __future__ import annotations

import functools
import warnings

import numpy as np

DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
FLOATING = tuple(DIGITS)
NUMERIC = ("uint8", "int8", "int16", "int32", "int64", *FLOATING)
TORCH_NAME = {
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
    "float16": "Half", "bfloat16": "BFloat16", "float32": "Float", "float64": "Double",
    "complex64": "ComplexFloat", "complex128": "ComplexDouble",
    "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64"}
C_NAME = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int",
    "int64": "long int", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float",
    "float64": "double", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
    "uint16": "short unsigned int", "uint32": "unsigned int", "uint64": "long unsigned int"}
MAX_FLOAT = {"float16": 65504.0, "bfloat16": 255.0 * 2.0**120, "float32": (2.0 - 2.0**-23) * 2.0**127,
             "float64": float(np.finfo(np.float64).max)}
INT64_MAX = (1 << 63) - 1
WHOLE = {"bool": (0, 1), "uint64": (0, INT64_MAX),         # uint64 too is drawn through int64
         **{name: (int(np.iinfo(name).min), int(np.iinfo(name).max))
            for name in ("uint8", "int8", "int16", "int32", "int64", "uint16", "uint32")}}
PERMUTATION_LIMIT = 0xFFFFFFFF // 20


@functools.cache
def name_of(dtype: np.dtype) -> str:
    """dtype.name, which NumPy builds anew at every call, at some cost."""
    return dtype.name


def refusal(message: str, op: str, shape: tuple[int, ...]) -> RuntimeError:
    """The exception for an impossible parameter: PyTorch's line, then the call."""
    return RuntimeError(f"{message}\n{op}, shape {shape}")


def require(dtype: np.dtype, allowed: tuple[str, ...], kernel: str, op: str, shape: tuple[int, ...]) -> None:
    """Raises: NotImplementedError if the dtype is not among the allowed ones."""
    name = name_of(dtype)
    if name not in allowed:
        raise NotImplementedError(f'"{kernel}" not implemented for \'{TORCH_NAME.get(name, name)}\'\n'
                                  f"{op}: shape {shape}; draw as float32 and convert")


def full_range(dtype: np.dtype) -> None:
    """Raises: RuntimeError if the dtype cannot be drawn over all of int64."""
    if name_of(dtype) not in ("int64", "float64", "float32", "bfloat16"):
        raise RuntimeError("random_full_64_bits_range_kernel_cpu handles only int64, double, float and "
                           f"bfloat16\nrandint: got dtype {name_of(dtype)}; draw as int64")


def require_continuous(dtype: np.dtype, law: str, names: dict[str, str], shape: tuple[int, ...]) -> None:
    """Raises: RuntimeError if the dtype is not a floating one."""
    name = name_of(dtype)
    if name not in FLOATING:
        raise RuntimeError(f"{law} distribution is a continuous probability distribution. dtype must be a "
                           f"floating point but you specified {names.get(name, name)}\n{law}: shape {shape}")


def uniform_bounds(low: float, high: float, name: str) -> None:
    """Raises: RuntimeError unless low <= high and both, and their distance, fit the dtype of that name."""
    limit = MAX_FLOAT[name]
    if -limit <= low <= high <= limit and high - low <= limit:
        return
    for end, bound in (("from", low), ("to", high)):
        if not -limit <= bound <= limit:
            raise RuntimeError(f"{end} is out of bounds for {C_NAME[name]}\nuniform: {end}={bound:g}")
    if not low <= high:
        raise RuntimeError("uniform_ expects to return a [from, to) range, but found "
                           f"from={low:g} > to={high:g}\nuniform: exchange the two")
    raise RuntimeError(f"uniform_ expects to-from <= std::numeric_limits<{TORCH_NAME[name]}>::max(), but "
                       f"found to={high:g} and from={low:g} which result in to-from to exceed the limit")


def integer_range(low: int, high: int | None, dtype: np.dtype) -> tuple[int, int]:
    """The range [low, high) that is drawn from, after float dtypes have rounded its ends inwards.

    Raises: RuntimeError if it is empty or leaves the dtype.
    """
    name = name_of(dtype)
    digits = DIGITS.get(name)
    if high is None:
        high = 1 + (1 << digits if digits else WHOLE[name][1])
        low = _raised(low, dtype, digits) if digits else low
        _not_empty(low, high, "'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype",
                   "to_inc")
    else:
        _not_empty(low, high, "'from' to be less than 'to'", "to")
        if digits:
            low, high = _raised(low, dtype, digits), _lowered(high, dtype, digits)
            _not_empty(low, high, "'from' casted to dtype to be less than 'to' casted to dtype", "to")
    least, most = (-MAX_FLOAT[name], MAX_FLOAT[name]) if digits else WHOLE[name]
    for which, end in (("from", low), ("to - 1", high - 1)):
        if not least <= end <= most:
            raise RuntimeError(f"{which} is out of bounds for {C_NAME[name]}"
                               f"\nrandint: {which} = {end}; use a wider dtype")
        if digits and abs(end) > 1 << digits:
            warnings.warn(
                f"{which} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision limitations "
                f"{C_NAME[name]} can support discrete uniform distribution only within this range. This "
                "warning will become an error in version 1.7 release, please fix the code in advance",
                stacklevel=3)
    return low, high


def _not_empty(low: int, high: int, rule: str, upper: str) -> None:
    if low >= high:
        shown = high - 1 if upper == "to_inc" else high
        raise RuntimeError(f"random_ expects {rule}, but got from={low} >= {upper}={shown}"
                           "\nrandint: the upper end is excluded, so it has to be above the lower one")


def _raised(low: int, dtype: np.dtype, digits: int) -> int:
    after = _rounded(low + 1, dtype)
    return after + (1 << (abs(low + 1).bit_length() - digits)) if after < low else low


def _lowered(high: int, dtype: np.dtype, digits: int) -> int:
    before = _rounded(high - 1, dtype)
    return before - (1 << (abs(high - 1).bit_length() - digits)) if before >= high else high


def _rounded(value: int, dtype: np.dtype) -> int:
    """The whole number a float dtype makes of another; beyond its range, the number itself."""
    if abs(value) > MAX_FLOAT[name_of(dtype)]:
        return value
    return int(float(np.array([value], np.float64).astype(dtype)[0]))


def permutation_fits(n: int, dtype: np.dtype) -> None:
    """Raises: RuntimeError if n is negative or the dtype cannot count to it, NotImplementedError if huge."""
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]\nrandperm: n >= 0")
    name = name_of(dtype)
    most = (1 << DIGITS[name]) + 1 if name in DIGITS else WHOLE[name][1]
    if n > most and name in ("float16", "float32", "float64"):
        raise RuntimeError(f"n cannot be greater than {most} for {TORCH_NAME[name]} type."
                           f"\nrandperm: n = {n}; leave the dtype out to get int64")
    if n > most and name != "bfloat16":
        raise RuntimeError(f"value cannot be converted to type {name}_t without overflow"
                           f"\nrandperm: n = {n}; leave the dtype out to get int64")
    if n >= PERMUTATION_LIMIT:
        raise NotImplementedError(f"randperm of n={n}: from n = {PERMUTATION_LIMIT} on PyTorch draws another "
                                  "way, which is not reproduced here; permute in parts")


def multinomial_call(weights: np.ndarray, num_samples: int, replacement: bool) -> None:
    """Raises: RuntimeError for a wrong rank, dtype or number of samples."""
    problem = None
    if weights.ndim not in (1, 2):
        problem = "prob_dist must be 1 or 2 dim"
    elif name_of(weights.dtype) not in FLOATING:
        problem = ("multinomial only supports floating-point dtypes for input, got: "
                   f"{TORCH_NAME.get(name_of(weights.dtype), name_of(weights.dtype))}")
    elif num_samples <= 0:
        problem = "cannot sample n_sample <= 0 samples"
    elif not replacement and num_samples > weights.shape[-1]:
        problem = "cannot sample n_sample > prob_dist.size(-1) samples without replacement"
    elif weights.shape[-1] > 1 << 24:
        problem = "number of categories cannot exceed 2^24"
    if problem:
        raise RuntimeError(f"{problem}\nmultinomial: weights of shape {weights.shape}, "
                           f"num_samples={num_samples}, replacement={replacement}")


def race_weights(weights: np.ndarray) -> None:
    """Raises: RuntimeError if weights are negative, not finite, or all zero in a row."""
    if not ((weights >= 0) & (weights < np.inf)).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0"
                           f"\nmultinomial: weights of shape {weights.shape}")
    if (weights.sum(-1) == 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)"
                           f"\nmultinomial: weights of shape {weights.shape}")


def ladder_weights(rows: np.ndarray) -> None:
    """The same rules where PyTorch checks them one by one, with its other words."""
    problem = None
    if not (rows >= 0).all():
        problem = "encountering probability entry < 0"
    elif not np.isfinite(rows).all():
        problem = "encountering probability entry = infinity or NaN"
    elif not rows.any(axis=-1).all():
        problem = "sum of probabilities <= 0"
    if problem:
        raise RuntimeError(f"invalid multinomial distribution ({problem})\nmultinomial: rows {rows.shape}")
