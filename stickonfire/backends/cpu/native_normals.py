"""Normal numbers from uniform ones by generated machine code: `distributions.box_muller_blocks`, to the last bit.

The steps and their order are those of the functions there, which explain them; here each is done for the 8 pairs of a
block at once, in registers. `random.py` loads this file at the first large draw. May import core, codegen.
"""
from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence

import numpy as np

from ...codegen import llvm
from ...codegen.vector import Code, Value, fma, select, sqrt
from . import distributions as dist

HALF_BLOCK = 8
GRAIN = 512             # blocks that are worth another thread

# args: data, blocks, std, mean
TEXT = """\
declare void @sof_parallel(ptr, ptr, i64, i64)
declare <8 x double> @llvm.fma.v8f64(<8 x double>, <8 x double>, <8 x double>)
declare <8 x float> @llvm.sqrt.v8f32(<8 x float>)

define internal void @part(ptr %args, i64 %begin, i64 %end) {
  %data = load ptr, ptr %args
  %std.at = getelementptr i64, ptr %args, i64 2
  %std.one = load double, ptr %std.at
  %mean.at = getelementptr i64, ptr %args, i64 3
  %mean.one = load double, ptr %mean.at
  %std.first = insertelement <8 x double> poison, double %std.one, i64 0
  %std = shufflevector <8 x double> %std.first, <8 x double> poison, <8 x i32> zeroinitializer
  %mean.first = insertelement <8 x double> poison, double %mean.one, i64 0
  %mean = shufflevector <8 x double> %mean.first, <8 x double> poison, <8 x i32> zeroinitializer
  br label %loop
loop:
  %i = phi i64 [ %begin, %0 ], [ %i1, %loop ]
  %floats = mul i64 %i, 16
  %first = getelementptr float, ptr %data, i64 %floats
  %second = getelementptr float, ptr %first, i64 8
  %u = load <8 x float>, ptr %first, align 4
  %w = load <8 x float>, ptr %second, align 4
{STEPS}
  %i1 = add i64 %i, 1
  %more = icmp slt i64 %i1, %end
  br i1 %more, label %loop, label %done
done:
  ret void
}

define void @normals(ptr %args) {
  %blocks.at = getelementptr i64, ptr %args, i64 1
  %blocks = load i64, ptr %blocks.at
  call void @sof_parallel(ptr @part, ptr %args, i64 %blocks, i64 {GRAIN})
  ret void
}
"""


def rounded_fma(a: Value, b: Value | float, c: Value | float) -> Value:
    """a * b + c in float64, where the product is exact, then rounded to float32: what NumPy's steps do."""
    return fma(a, b, c).to_single()


def horner(x: Value, coefficients: Sequence[float]) -> Value:
    """(c0 x + c1) x + ... for x in float64, every step rounded to float32."""
    result = x.lift(coefficients[0])
    for c in coefficients[1:-1]:
        result = rounded_fma(result, x, c).to_double()
    return rounded_fma(result, x, coefficients[-1])


def radius(u: Value) -> Value:
    """sqrt(-2 ln(1 - u)): see `distributions._radius_from_uniform`."""
    bits = (1.0 - u).bits()
    exponent = (bits - dist.SQRT_HALF_BITS) >> dist.MANTISSA_BITS
    e = exponent.to_float()
    x = (bits - (exponent << dist.MANTISSA_BITS)).number() - 1.0
    square = x * x
    y = horner(x.to_double(), dist.LOG_POLYNOMIAL) * x
    y = rounded_fma(y.to_double(), square.to_double(), (e * float(dist.LN2_LOW)).to_double())
    y = y - square * float(dist.HALF)
    return sqrt(((x + y) + e * float(dist.LN2_HIGH)) * -2.0)


def cos_and_sin(x: Value) -> tuple[Value, Value]:
    """See `distributions._cos_and_sin`."""
    whole = x * float(dist.FOUR_OVER_PI)
    octant = (x.code.emit("i32", f"fptosi {whole.type} {whole.name} to {x.code.type('i32')}") + 1) & ~1
    eighths = octant.to_float()
    x = (x + eighths * float(dist.PART_1)) + eighths * float(dist.PART_2)
    x = rounded_fma(eighths.to_double(), float(dist.PART_3), x.to_double())
    square = x * x
    x64, square64 = x.to_double(), square.to_double()
    cos_terms, sin_terms = dist.COS_SIN_POLYNOMIALS[:, :, 0].T.tolist()
    cos = rounded_fma((horner(square64, cos_terms) * square).to_double(), square64,
                      (square * -float(dist.HALF)).to_double()) + 1.0
    sin = rounded_fma((horner(square64, sin_terms) * square).to_double(), x64, x64)
    return turned(cos.bits(), sin.bits(), octant)


def turned(cos: Value, sin: Value, octant: Value) -> tuple[Value, Value]:
    """See `distributions._turn`."""
    odd = ((octant >> 1) & 1).equals(1)
    swapped_cos, swapped_sin = select(odd, sin, cos), select(odd, cos, sin)
    return (swapped_cos ^ (((octant + 2) & 4) << 29)).number(), (swapped_sin ^ ((octant & 4) << 29)).number()


def scaled(value: Value, std: Value, mean: Value) -> Value:
    """value * std + mean; see `distributions._scale_and_shift` for why adding 0 is not nothing."""
    moved = rounded_fma(value.to_double(), std, mean)
    return select(mean.equals(0.0), moved + 0.0, moved)


def text() -> str:
    """LLVM IR of `normals(args)`."""
    code = Code(HALF_BLOCK)
    u, w = Value(code, "%u", "float"), Value(code, "%w", "float")
    std, mean = Value(code, "%std", "double"), Value(code, "%mean", "double")
    length = radius(u)
    for place, side in zip(("%first", "%second"), cos_and_sin(w * dist.TWO_PI)):
        result = scaled(side * length, std, mean)
        code.lines.append(f"  store {result.type} {result.name}, ptr {place}, align 4")
    return TEXT.replace("{STEPS}", "\n".join(code.lines)).replace("{GRAIN}", str(GRAIN))


class Arguments(ctypes.Structure):
    """What the function takes."""
    _fields_ = [("data", ctypes.c_void_p), ("blocks", ctypes.c_int64),
                ("std", ctypes.c_double), ("mean", ctypes.c_double)]


@functools.cache
def _function() -> Callable[..., None]:
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(llvm.load(text()).address("normals"))


def box_muller_blocks(uniforms: np.ndarray, mean: float, std: float) -> np.ndarray:
    """`distributions.box_muller_blocks`: normals from float32 uniforms, in blocks of 16.  Shape: (16 n,), in place."""
    arguments = Arguments(uniforms.__array_interface__["data"][0], uniforms.size // 16,
                          float(np.float32(std)), float(np.float32(mean)))
    _function()(ctypes.addressof(arguments))
    return uniforms
