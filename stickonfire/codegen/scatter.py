"""Rows added up by index, as machine code: the gradient of looking rows up. Room `codegen`; called by compiler/.

    for v in range(rows of out): out[v, :] = 0
    for i in range(n):           out[index[i], :] += rows[i, :]

Threads share the columns, so no two of them write to one place and the order of the sum is always the same.
"""
from __future__ import annotations

CELLS = ("rows", "index", "out", "n", "size", "row_step", "index_step", "out_step", "blocks", "width")

TEMPLATE = """\
declare void @sof_parallel(ptr, ptr, i64, i64)
declare <{L} x {T}> @llvm.masked.load.v{L}{S}.p0(ptr, <{L} x i1>, <{L} x {T}>)
declare void @llvm.masked.store.v{L}{S}.p0(<{L} x {T}>, ptr, <{L} x i1>)

define internal <{L} x i1> @mask(i64 %block, i64 %width) alwaysinline {{
  %first = mul i64 %block, {L}
  %left = sub i64 %width, %first
  %one = insertelement <{L} x i64> poison, i64 %left, i64 0
  %all = shufflevector <{L} x i64> %one, <{L} x i64> poison, <{L} x i32> zeroinitializer
  %mask = icmp slt <{L} x i64> <{IOTA}>, %all
  ret <{L} x i1> %mask
}}

define internal void @{NAME}.part(ptr %args, i64 %begin, i64 %end) {{
entry:
{LOADS}
  br label %zero.row
zero.row:
  %v = phi i64 [ 0, %entry ], [ %v1, %zero.next ]
  %more.v = icmp slt i64 %v, %size
  br i1 %more.v, label %zero.start, label %add.row
zero.start:
  %zero.offset = mul i64 %v, %out_step
  %zero.at = getelementptr i8, ptr %out, i64 %zero.offset
  br label %zero
zero:
  %z = phi i64 [ %begin, %zero.start ], [ %z1, %zero ]
  %z.mask = call <{L} x i1> @mask(i64 %z, i64 %width)
  %z.bytes = mul i64 %z, {B}
  %z.at = getelementptr i8, ptr %zero.at, i64 %z.bytes
  call void @llvm.masked.store.v{L}{S}.p0(<{L} x {T}> zeroinitializer, ptr align {E} %z.at, <{L} x i1> %z.mask)
  %z1 = add i64 %z, 1
  %more.z = icmp slt i64 %z1, %end
  br i1 %more.z, label %zero, label %zero.next
zero.next:
  %v1 = add i64 %v, 1
  br label %zero.row

add.row:
  %i = phi i64 [ 0, %zero.row ], [ %i1, %add.next ]
  %more.i = icmp slt i64 %i, %n
  br i1 %more.i, label %add.start, label %done
add.start:
  %index.offset = mul i64 %i, %index_step
  %index.at = getelementptr i8, ptr %index, i64 %index.offset
  %which = load i64, ptr %index.at, align 8
  %from.offset = mul i64 %i, %row_step
  %from = getelementptr i8, ptr %rows, i64 %from.offset
  %to.offset = mul i64 %which, %out_step
  %to = getelementptr i8, ptr %out, i64 %to.offset
  br label %add
add:
  %b = phi i64 [ %begin, %add.start ], [ %b1, %add ]
  %b.mask = call <{L} x i1> @mask(i64 %b, i64 %width)
  %b.bytes = mul i64 %b, {B}
  %from.at = getelementptr i8, ptr %from, i64 %b.bytes
  %to.at = getelementptr i8, ptr %to, i64 %b.bytes
  %x = call {V} @llvm.masked.load.v{L}{S}.p0(ptr align {E} %from.at, <{L} x i1> %b.mask, {V} zeroinitializer)
  %y = call {V} @llvm.masked.load.v{L}{S}.p0(ptr align {E} %to.at, <{L} x i1> %b.mask, {V} zeroinitializer)
  %sum = fadd <{L} x {T}> %x, %y
  call void @llvm.masked.store.v{L}{S}.p0(<{L} x {T}> %sum, ptr align {E} %to.at, <{L} x i1> %b.mask)
  %b1 = add i64 %b, 1
  %more.b = icmp slt i64 %b1, %end
  br i1 %more.b, label %add, label %add.next
add.next:
  %i1 = add i64 %i, 1
  br label %add.row
done:
  ret void
}}

define void @{NAME}(ptr %args) {{
{LOADS}
  %half = sdiv i64 %blocks, 2
  %grain = add i64 %half, 1
  call void @sof_parallel(ptr @{NAME}.part, ptr %args, i64 %blocks, i64 %grain)
  ret void
}}
"""


def kernel(dtype: str, lanes32: int) -> tuple[str, str]:
    """Name and LLVM IR of the kernel for float32 or float64; its cells are `CELLS`, steps in bytes.

    >>> kernel("float32", 8)[0]
    'add_rows_float32'
    """
    short, kind, size = {"float32": ("f32", "float", 4), "float64": ("f64", "double", 8)}[dtype]
    lanes, name = lanes32 * 4 // size, f"add_rows_{dtype}"
    loads = []
    for i, cell in enumerate(CELLS):
        loads += [f"  %{cell}.cell = getelementptr i64, ptr %args, i64 {i}",
                  f"  %{cell} = load {'ptr' if i < 3 else 'i64'}, ptr %{cell}.cell"]
    return name, TEMPLATE.format(V=f"<{lanes} x {kind}>", L=lanes, T=kind, S=short, E=size, B=lanes * size,
                                 NAME=name, LOADS="\n".join(loads), IOTA=", ".join(f"i64 {i}" for i in range(lanes)))
