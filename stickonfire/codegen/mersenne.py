"""The Mersenne Twister (MT19937) as machine code, a vector of words at a time. Room `codegen`; called by backends/cpu.

Words of 32 bits follow one another in one long line x. The first 624 come from the seed, and from there on

    x[k + 624] = x[k + 397] ^ twist(top bit of x[k], other bits of x[k + 1])

The youngest word on the right stands 227 places before the new one, so a vector of 16, 8 or 4 new words can be made at
once. As the line goes on and nothing is overwritten, no vector has to look out for the end of a block. A stretch of the
line, `BLOCKS` blocks of 624, is made at a time and stays in the nearest cache; then its last block moves to the front.

What is handed out are words that `temper` has stirred once more, and mostly numbers made of those. That is done in the
same pass, straight from the stretch into the result: `mersenne_numbers.py` says what a word, or a pair, can become.

`kernel(kind, lanes32)` is the text of a function, `draw_{kind}(key, pos, n, out, block, x, p, yes)`, which returns the
new pos. `key`: the 624 raw words of the block in use, NumPy's own state; `pos`: how many of them have been handed out.
n numbers go to `out`. The tempered words of the block that is then in use go to `block`; a block is begun when its
first word is wanted. `x`: room for STRETCH words. `p` and `yes` are for coins: pairs below p (of 2^53) become the bits
`yes`, the others 0.

Source: Matsumoto and Nishimura, Mersenne Twister (1998); the conversions are PyTorch's.
"""
from __future__ import annotations

from .mersenne_numbers import KINDS, numbers, returned, shifted
from .vector import SHORT, Code, Value

__all__ = ["BLOCK", "KINDS", "STRETCH", "kernel"]

BLOCK, MIDDLE = 624, 397
BLOCKS = 8                              # made at a time: with the one before, 22 KiB
STRETCH = (1 + BLOCKS) * BLOCK + 16     # `convert` may look a vector beyond the end
UPPER, LOWER, MATRIX = -1 << 31, (1 << 31) - 1, 0x9908B0DF - (1 << 32)

TEMPLATE = """\
declare void @llvm.masked.store.v{E}{SHORT}.p0(<{E} x {T}>, ptr, <{E} x i1>)
declare <{E} x i1> @llvm.get.active.lane.mask.v{E}i1.i64(i64, i64)

define internal {V} @temper({V} %w) alwaysinline {{
{TEMPER}
}}

define internal <{E} x {T}> @numbers(ptr %from, i64 %p, i64 %yes) alwaysinline {{
  %raw = load {V}, ptr %from, align 4
  %w = call {V} @temper({V} %raw)
{NUMBERS}
}}

; n more blocks after the first one at x
define internal void @twist(ptr %x, i64 %n) {{
  %words = mul i64 %n, {BLOCK}
  br label %test
test:
  %k = phi i64 [ 0, %0 ], [ %k1, %loop ]
  %more = icmp slt i64 %k, %words
  br i1 %more, label %loop, label %end
loop:
  %a.at = getelementptr i32, ptr %x, i64 %k
  %b.at = getelementptr i32, ptr %a.at, i64 1
  %m.at = getelementptr i32, ptr %a.at, i64 {MIDDLE}
  %new.at = getelementptr i32, ptr %a.at, i64 {BLOCK}
  %a = load {V}, ptr %a.at, align 4
  %b = load {V}, ptr %b.at, align 4
  %m = load {V}, ptr %m.at, align 4
{TWIST}
  %k1 = add i64 %k, {L}
  br label %test
end:
  ret void
}}

; n numbers from the words at %from; the last vector is stored in part
define internal void @convert(ptr %from, ptr %to, i64 %n, i64 %p, i64 %yes) {{
  %last = sub i64 %n, {E}
  br label %test
test:
  %i = phi i64 [ 0, %0 ], [ %i1, %loop ]
  %word = mul i64 %i, {W}
  %source = getelementptr i32, ptr %from, i64 %word
  %target = getelementptr {T}, ptr %to, i64 %i
  %whole = icmp sle i64 %i, %last
  br i1 %whole, label %loop, label %rest
loop:
  %v = call <{E} x {T}> @numbers(ptr %source, i64 %p, i64 %yes)
  store <{E} x {T}> %v, ptr %target, align {SIZE}
  %i1 = add i64 %i, {E}
  br label %test
rest:
  %left = sub i64 %n, %i
  %some = icmp sgt i64 %left, 0
  br i1 %some, label %part, label %end
part:
  %mask = call <{E} x i1> @llvm.get.active.lane.mask.v{E}i1.i64(i64 0, i64 %left)
  %u = call <{E} x {T}> @numbers(ptr %source, i64 %p, i64 %yes)
  call void @llvm.masked.store.v{E}{SHORT}.p0(<{E} x {T}> %u, ptr align {SIZE} %target, <{E} x i1> %mask)
  br label %end
end:
  ret void
}}

; one block, raw or tempered
define internal void @copy(ptr %from, ptr %to, i1 %stirred) alwaysinline {{
  br label %loop
loop:
  %k = phi i64 [ 0, %0 ], [ %k1, %loop ]
  %from.at = getelementptr i32, ptr %from, i64 %k
  %to.at = getelementptr i32, ptr %to, i64 %k
  %raw = load {V}, ptr %from.at, align 4
  %stir = call {V} @temper({V} %raw)
  %w = select i1 %stirred, {V} %stir, {V} %raw
  store {V} %w, ptr %to.at, align 4
  %k1 = add i64 %k, {L}
  %more = icmp slt i64 %k1, {BLOCK}
  br i1 %more, label %loop, label %end
end:
  ret void
}}

define i64 @draw_{KIND}(ptr %key, i64 %pos, i64 %n, ptr %out, ptr %block, ptr %x, i64 %p, i64 %yes) {{
  call void @copy(ptr %key, ptr %x, i1 false)
  br label %hand.out
hand.out:                                       ; numbers from the words between %next and %made
  %next = phi i64 [ %pos, %0 ], [ %next1, %go.on ]
  %made = phi i64 [ {BLOCK}, %0 ], [ %made1, %go.on ]
  %left = phi i64 [ %n, %0 ], [ %left1, %go.on ]
  %to = phi ptr [ %out, %0 ], [ %to1, %go.on ]
  %words = sub i64 %made, %next
  %here = sdiv i64 %words, {W}
  %few = icmp slt i64 %left, %here
  %now = select i1 %few, i64 %left, i64 %here
  %from = getelementptr i32, ptr %x, i64 %next
  call void @convert(ptr %from, ptr %to, i64 %now, i64 %p, i64 %yes)
  %taken = mul i64 %now, {W}
  %after = add i64 %next, %taken
  %left1 = sub i64 %left, %now
  %to1 = getelementptr {T}, ptr %to, i64 %now
  %start = sub i64 %made, {BLOCK}               ; where the youngest block begins
  %young = getelementptr i32, ptr %x, i64 %start
  %next1 = sub i64 %after, %start
  %done = icmp eq i64 %left1, 0
  br i1 %done, label %end, label %go.on
go.on:                                          ; the youngest block moves to the front, and the next ones follow
  call void @copy(ptr %young, ptr %x, i1 false)
  %need = mul i64 %left1, {W}
  %reach = add i64 %need, %next1                ; the words asked for end here
  %beyond = sub i64 %reach, 1
  %blocks = sdiv i64 %beyond, {BLOCK}
  %many = icmp sgt i64 %blocks, {BLOCKS}
  %new = select i1 %many, i64 {BLOCKS}, i64 %blocks
  call void @twist(ptr %x, i64 %new)
  %new.words = mul i64 %new, {BLOCK}
  %made1 = add i64 %new.words, {BLOCK}
  br label %hand.out
end:
  call void @copy(ptr %young, ptr %key, i1 false)
  call void @copy(ptr %young, ptr %block, i1 true)
  ret i64 %next1
}}
"""


def twist(code: Code) -> str:
    """The new words from the older ones %a, %b and %m."""
    a, b, m = [Value(code, name, "i32") for name in ("%a", "%b", "%m")]
    odd = code.constant(0, "i32") - (b & 1)             # all bits where b is odd
    new = m ^ shifted((a & UPPER) | (b & LOWER), 1) ^ (odd & MATRIX)
    return "\n".join([*code.lines, f"  store {new.type} {new.name}, ptr %new.at, align 4"])


def temper(code: Code) -> str:
    """Words as they are handed out, from the raw words %w."""
    w = Value(code, "%w", "i32")
    w = w ^ shifted(w, 11)
    w = w ^ ((w << 7) & (0x9D2C5680 - (1 << 32)))
    w = w ^ ((w << 15) & (0xEFC60000 - (1 << 32)))
    return returned(w ^ shifted(w, 18))


def kernel(kind: str, lanes32: int) -> tuple[str, str]:
    """Name and LLVM IR of the function that draws numbers of this kind, `lanes32` words at a time.

    >>> kernel("float32", 8)[0]
    'draw_float32'
    """
    made, name = KINDS[kind], f"draw_{kind}"
    at_once = lanes32 // made.words
    return name, TEMPLATE.format(
        KIND=kind, L=lanes32, V=f"<{lanes32} x i32>", E=at_once, T=made.element, W=made.words, SIZE=made.size,
        SHORT=SHORT.get(made.element, made.element), BLOCK=BLOCK, MIDDLE=MIDDLE, BLOCKS=BLOCKS,
        TEMPER=temper(Code(lanes32)), TWIST=twist(Code(lanes32)), NUMBERS=numbers(kind, lanes32))
