"""The loop IR as data and as text."""

from stickonfire.codegen.rows import Access, Line, RowKernel, Stage, Sum, text


def kernel(**more):
    x, y = Access("x", "f32", (400,), 4), Access("y", "f32", (4,), 0)
    along = Stage(
        True,
        [
            Line(0, "load", (0,), "f32"),
            Line(1, "const", (2.0,), "f32"),
            Line(2, "multiply", (0, 1), "f32", "f32"),
            Line(3, "reduce", ("sum", 2), "f32"),
        ],
    )
    return RowKernel((7,), 100, 0, [x, y], 0, [along, Stage(False, [Line(-1, "store", (1, 3), "f32")])], **more)


def test_text():
    assert (
        text(kernel())
        == """for row in parallel(7):        # 7
    for c in lanes(100):
        v0: f32 = x[row, c]
        v1: f32 = 2.0
        v2: f32 = v0 * v1
        v3: f32 = reduce sum v2
    y[row] = v3"""
    )


def test_rows_and_widths():
    assert (kernel().rows, kernel().width) == (7, 100)
    flat = RowKernel((), 10000, 4096, [], 0, [])
    assert (flat.rows, flat.width) == (3, 4096)
    assert RowKernel((2, 3), 5, 0, [], 0, []).rows == 6


def test_scratch():
    sums = kernel(columns=[Sum("sum", "f32", 1), Sum("sum", "f64", 1)], totals=[Sum("max", "f32", 1)], pieces=2)
    assert sums.column_pad() == 112
    assert sums.scratch_bytes() == 2 * (8 + 112 * 4 + 112 * 8)
