"""The writer of LLVM IR: text in, text out; nothing is compiled here."""
import math

from stickonfire.codegen.vector import Code, Value, bits_of, fma, polynomial, rounded, select, spell


def written(lanes, element, body):
    code = Code(lanes)
    body(Value(code, "%x", element))
    return [line.strip() for line in code.lines]


def test_operators_become_instructions():
    assert written(4, "float", lambda x: x * 2.0 + x) == [
        "%v1 = fmul <4 x float> %x, splat (float 0x4000000000000000)", "%v2 = fadd <4 x float> %v1, %x"]
    assert written(1, "double", lambda x: 1.0 / x - x) == [
        "%v1 = fdiv double 0x3FF0000000000000, %x", "%v2 = fsub double %v1, %x"]
    assert written(1, "i32", lambda x: (x >> 3 & 1) << 2) == [
        "%v1 = ashr i32 %x, 3", "%v2 = and i32 %v1, 1", "%v3 = shl i32 %v2, 2"]


def test_comparisons_choose_by_type():
    assert written(1, "float", lambda x: x < 1.0)[0].startswith("%v1 = fcmp olt float")
    assert written(1, "i64", lambda x: x < 1) == ["%v1 = icmp slt i64 %x, 1"]
    assert written(2, "float", lambda x: select(x > 0.0, x, 0.0))[1] == (
        "%v2 = select <2 x i1> %v1, <2 x float> %x, <2 x float> splat (float 0x0000000000000000)")


def test_horner():
    lines = written(1, "double", lambda x: polynomial(x, (1.0, 2.0, 3.0)))
    assert len(lines) == 2 and all("llvm.fma.f64" in line for line in lines)


def test_intrinsics_carry_their_type():
    assert written(16, "float", lambda x: fma(x, x, x)) == [
        "%v1 = call <16 x float> @llvm.fma.v16f32(<16 x float> %x, <16 x float> %x, <16 x float> %x)"]


def test_constants():
    assert spell(0.1, "double") == "0x3FB999999999999A"
    assert spell(0.1, "float") == "0x3FB99999A0000000"         # float32's 0.1, in the bits of a double
    assert spell(math.inf, "float") == "0x7FF0000000000000" and spell(math.nan, "float") == "0x7FF8000000000000"
    assert rounded(0.1, "float") != 0.1 and rounded(0.1, "double") == 0.1
    assert bits_of(1.0, "float") == 0x3F800000 and bits_of(-0.0, "double") == -(2 ** 63)
