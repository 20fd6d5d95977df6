"""The loops around the register tile: cache blocks, packing, tasks for threads. Room `codegen`.

A task computes a rectangle of one product of the batch:

    for columns in steps of `breadth`:
        for k in steps of `depth`:
            pack the block of B, depth x breadth        (unless it is read in place); it stays in the L2 cache
            for rows in steps of `height`:
                pack the block of A, height x depth     (if it is transposed and large)
                for columns in steps of a tile:
                    for rows of the block in nearly equal steps:
                        C tile += A panel @ B panel     `gemm_tile.py`; the last k also applies the epilogue

All sizes come from cells that `gemm_plan.py` fills in, so the machine code decides nothing and serves every shape.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .gemm_ir import Function
from .gemm_tile import BIAS, FORMS, HOW, READ, RELU, RESIDUAL, VECTORS, Machine, has, tile_name

# The cells of a call, in order: addresses, sizes in elements, two doubles, and the plan.
CELLS = ("a", "b", "c", "bias", "residual", "scratch",
         "m", "n", "k", "lda", "ldb", "ldc", "ldr", "batch", "stride_a", "stride_b", "stride_c", "stride_r",
         "inner", "inner_a", "inner_b", "inner_c", "inner_r",
         "alpha", "beta",
         "flags", "split_m", "split_n", "depth", "breadth", "height", "panel", "share", "grain")
OFFSET = {name: 8 * i for i, name in enumerate(CELLS)}
POINTERS = ("a", "b", "c", "bias", "residual", "scratch")

# More bits of `flags`, above those of the epilogue.
EPILOGUE = BIAS | RELU | RESIDUAL
TURN_A, TURN_B, PACK_A, PACK_B, THIN, SWEEP, STREAM_B = 16, 32, 64, 128, 256, 512, 1024
CHUNK = 8           # steps of k at a time when a transposed A is packed


def turned_step(m: Machine) -> int:
    """Bytes from k to k in a packed panel of a transposed A: the rows of a tile, in whole vectors."""
    return -(-m.rows // m.lanes) * m.lanes * m.bytes


def table(m: Machine) -> str:
    """The addresses of all tiles by form, vectors and rows (row 0 stands for itself to keep the sums simple)."""
    names = [tile_name(form, vectors, max(1, rows)) for form in FORMS for vectors in range(1, VECTORS + 1)
             for rows in range(m.rows + 1)]
    return f"@tiles = internal constant [{len(names)} x ptr] [{', '.join('ptr @' + name for name in names)}]"


def entry(name: str) -> str:
    """The kernel itself."""
    f = Function(name, "ptr %args", public=True)

    def work(flags: str) -> str:
        chosen = f.select(has(f, flags, THIN), "ptr", "@thin_tasks", "@gemm_tasks")
        return f.select(has(f, flags, SWEEP), "ptr", "@sweep_tasks", chosen)
    run_tasks(f, work)
    return f.text()


def run_tasks(f: Function, work: Callable[[str], str]) -> None:
    """Nothing to do, one task, or many: with the function that `work` names, given the flags."""
    cell = {key: f.load("i64", f.at("%args", OFFSET[key]))
            for key in ("m", "n", "batch", "flags", "split_m", "split_n", "grain")}
    function = work(cell["flags"])
    tasks = f.mul(cell["batch"], f.mul(cell["split_m"], cell["split_n"]))
    some = f.compare("sgt", f.minimum(f.minimum(cell["m"], cell["n"]), tasks), 0)
    with f.when(some):
        single = f.compare("eq", tasks, 1)
        with f.when(single):
            f.do(f"call void {function}(ptr %args, i64 0, i64 1)")
        with f.otherwise(single):
            f.do(f"call void @sof_parallel(ptr {function}, ptr %args, i64 {tasks}, i64 {cell['grain']})")


def place_in_batch(f: Function, cell: dict[str, str], name: str, item: str) -> str:
    """Where operand `name` of product `item` begins. Two strides may count a batch, as heads within sequences."""
    outer = f.div(item, cell["inner"])
    within = f.sub(item, f.mul(outer, cell["inner"]))
    return f.add(f.mul(outer, cell["stride_" + name]), f.mul(within, cell["inner_" + name]))


class Tasks:
    """Writes `gemm_tasks(args, begin, end)`."""

    name = "gemm_tasks"

    def __init__(self, m: Machine) -> None:
        self.m = m
        self.f = Function(self.name, "ptr %args, i64 %begin, i64 %end")
        self.cell: dict[str, str] = {}

    def text(self) -> str:
        """The whole function."""
        f = self.f
        kinds = {**dict.fromkeys(POINTERS, "ptr"), "alpha": "double", "beta": "double"}
        self.cell = {name: f.load(kinds.get(name, "i64"), f.at("%args", OFFSET[name])) for name in CELLS}
        self.how = f.variable("[4 x i64]").name
        f.store("double", self.cell["alpha"], f.at(self.how, HOW["alpha"]))
        f.store("i64", self.bytes(self.cell["ldr"]), f.at(self.how, HOW["residual_stride"]))
        self.turned_a, self.turned_b = has(f, self.cell["flags"], TURN_A), has(f, self.cell["flags"], TURN_B)
        self.packs_a, self.packs_b = has(f, self.cell["flags"], PACK_A), has(f, self.cell["flags"], PACK_B)
        # Bytes from one row to the next of A, B, C; and from one k to the next.
        self.step = {name: self.bytes(self.cell["ld" + name]) for name in "abcr"}
        self.own_scratch()
        self.frame()
        return f.text()

    def frame(self) -> None:
        """Its tasks, one after another."""
        with self.f.loop("%begin", "%end") as task:
            self.task(task)

    def bytes(self, count: str) -> str:
        return self.f.mul(count, self.m.bytes)

    def share_of_scratch(self) -> str:
        """Where this thread's begins."""
        thread = self.f.let("call i64 @sof_thread()")
        return self.f.at(self.cell["scratch"], self.f.mul(thread, self.cell["share"]))

    def own_scratch(self) -> None:
        """This thread's share: the block of B, then the block of A."""
        f, m = self.f, self.m
        self.copy_b = self.share_of_scratch()
        self.copy_a = f.at(self.copy_b, self.cell["panel"])
        self.panel_of_a = f.mul(self.cell["depth"], turned_step(m))

    def task(self, task: str) -> None:
        """Which product of the batch, which part of its rows and columns; then the blocks of it."""
        f, cell = self.f, self.cell
        down, across = cell["split_m"], cell["split_n"]
        parts = f.mul(down, across)
        item = f.div(task, parts)
        part = f.sub(task, f.mul(item, parts))
        i = f.div(part, across)
        j = f.sub(part, f.mul(i, across))
        self.start = {name: f.at(cell[key], self.bytes(place_in_batch(f, cell, name, item)))
                      for name, key in (("a", "a"), ("b", "b"), ("c", "c"), ("r", "residual"))}
        rows = f.div(f.mul(cell["m"], i), down), f.div(f.mul(cell["m"], f.add(i, 1)), down)
        self.part(rows, (self.share_of_columns(j, across), self.share_of_columns(f.add(j, 1), across)))

    def part(self, rows: tuple[str, str], columns: tuple[str, str]) -> None:
        """A rectangle of C: the first row and the one after the last, and so with columns."""
        f, breadth = self.f, self.cell["breadth"]
        with f.when(f.compare("slt", *rows)), f.loop(*columns, breadth) as column:
            self.block_column(rows, column, f.minimum(breadth, f.sub(columns[1], column)))

    def share_of_columns(self, j: str, across: str) -> str:
        """Where part `j` begins: at a whole vector, or N."""
        f, lanes = self.f, self.m.lanes
        vectors = f.div(f.add(self.cell["n"], lanes - 1), lanes)
        return f.minimum(f.mul(f.div(f.mul(vectors, j), across), lanes), self.cell["n"])

    def block_column(self, rows: tuple[str, str], column: str, count: str) -> None:
        """All of k, block by block; at least one block, for C has to be written even if K is 0."""
        f, cell = self.f, self.cell
        end = f.maximum(cell["k"], 1)
        with f.loop(0, end, cell["depth"]) as k:
            depth = f.minimum(cell["depth"], f.sub(cell["k"], k))
            self.describe(k, depth)
            with f.loop(0, count, self.m.width) as j:
                self.pack_b(column, j, f.minimum(self.m.width, f.sub(count, j)), (k, depth))
            with f.loop(*rows, cell["height"]) as row:
                cut = self.cut(row, f.minimum(cell["height"], f.sub(rows[1], row)))
                self.pack_a(cut, k, depth)
                with f.loop(0, count, self.m.width) as j:
                    width = f.minimum(self.m.width, f.sub(count, j))
                    with self.row_panels(cut) as (i, first, height):
                        self.tile((i, first, height), (column, j, width), (k, depth))

    def cut(self, row: str, total: str) -> tuple[str, str, str, str]:
        """Rows in nearly equal parts: first row, parts, rows in a part, how many parts have one more."""
        f, m = self.f, self.m
        panels = f.div(f.add(total, m.rows - 1), m.rows)
        base = f.div(total, panels)
        return row, panels, base, f.sub(total, f.mul(base, panels))

    @contextmanager
    def row_panels(self, cut: tuple[str, str, str, str]) -> Iterator[tuple[str, str, str]]:
        """A loop over the panels: number, first row, rows."""
        f = self.f
        start, panels, base, longer = cut
        row = f.variable("i64", start)
        with f.loop(0, panels) as i:
            height = f.add(base, f.let(f"zext i1 {f.compare('slt', i, longer)} to i64"))
            first = row.get()
            yield i, first, height
            row.set(f.add(first, height))

    def describe(self, k: str, depth: str) -> None:
        """beta belongs to the first block of k, the epilogue to the last."""
        f, cell = self.f, self.cell
        first = f.compare("eq", k, 0)
        last = f.compare("sge", f.add(k, depth), cell["k"])
        beta = f.select(first, "double", cell["beta"], "1.0")
        f.store("double", beta, f.at(self.how, HOW["beta"]))
        reads = f.select(f.let(f"fcmp une double {beta}, 0.0"), "i64", READ, 0)
        ends = f.select(last, "i64", f.let(f"and i64 {cell['flags']}, {EPILOGUE}"), 0)
        f.store("i64", f.let(f"or i64 {reads}, {ends}"), f.at(self.how, HOW["flags"]))

    def is_packed(self, width: str) -> str:
        """Whether a panel of B is read from the scratch: if planned, or if its last vector is incomplete.

        (Tiles read whole vectors, and beyond the last column there may be no memory.)
        """
        f = self.f
        incomplete = f.compare("ne", f.let(f"and i64 {width}, {self.m.lanes - 1}"), 0)
        return f.let(f"or i1 {self.packs_b}, {incomplete}")

    def place_of_b(self, column: str, k: str) -> str:
        f = self.f
        i, j = f.select(self.turned_b, "i64", column, k), f.select(self.turned_b, "i64", k, column)
        return f.at(self.start["b"], f.add(f.mul(i, self.step["b"]), self.bytes(j)))

    def packed_place_of_b(self, j: str, depth: str) -> str:
        """Panels lie one after another; an incomplete one that is packed alone lies at the start."""
        f = self.f
        return f.at(self.copy_b, f.select(self.packs_b, "i64", self.bytes(f.mul(j, depth)), 0))

    def pack_b(self, column: str, j: str, width: str, along: tuple[str, str]) -> None:
        """Copies the panel at column `j` of the block to its place in the scratch."""
        f = self.f
        with f.when(self.is_packed(width)):
            pack = f.select(self.turned_b, "ptr", "@pack_transposed", "@pack_straight")
            f.do(f"call void {pack}(ptr {self.place_of_b(f.add(column, j), along[0])}, i64 {self.step['b']}, "
                 f"i64 {along[1]}, i64 {width}, ptr {self.packed_place_of_b(j, along[1])})")

    def tile_bytes(self, columns: str) -> str:
        """The bytes of a row of a tile that has so many columns: one vector's or two."""
        f, one = self.f, self.m.lanes * self.m.bytes
        return f.select(f.compare("sgt", columns, self.m.lanes), "i64", 2 * one, one)

    def place_of_a(self, row: str, k: str) -> str:
        f = self.f
        i, j = f.select(self.turned_a, "i64", k, row), f.select(self.turned_a, "i64", row, k)
        return f.at(self.start["a"], f.add(f.mul(i, self.step["a"]), self.bytes(j)))

    def pack_a(self, cut: tuple[str, str, str, str], k: str, depth: str) -> None:
        """Copies the block of a transposed A, a few k at a time for all panels: they lie side by side."""
        f, step = self.f, turned_step(self.m)
        with f.when(self.packs_a), f.loop(0, depth, CHUNK) as part, self.row_panels(cut) as (i, row, height):
            runs = f.minimum(CHUNK, f.sub(depth, part))
            target = f.at(self.packed_place_of_a(i), f.mul(part, step))
            f.do(f"call void @copy_runs(ptr {self.place_of_a(row, f.add(k, part))}, i64 {self.step['a']}, i64 {runs}, "
                 f"i64 {height}, ptr {target}, i64 {step})")

    def packed_place_of_a(self, i: str) -> str:
        return self.f.at(self.copy_a, self.f.mul(i, self.panel_of_a))

    def tile(self, rows: tuple[str, str, str], columns: tuple[str, str, str], along: tuple[str, str]) -> None:
        """One tile: chooses its function from the table by form, vectors and rows."""
        f, m = self.f, self.m
        i, row, height = rows
        block, j, width = columns
        k, depth = along
        column = f.add(block, j)
        a = f.select(self.packs_a, "ptr", self.packed_place_of_a(i), self.place_of_a(row, k))
        a_step = f.select(self.packs_a, "i64", turned_step(m), self.step["a"])
        packed = self.is_packed(width)
        b = f.select(packed, "ptr", self.packed_place_of_b(j, depth), self.place_of_b(column, k))
        b_step = f.select(packed, "i64", self.tile_bytes(width), self.step["b"])
        form = f.select(self.turned_a, "i64", VECTORS * (m.rows + 1), 0)
        wide = f.select(f.compare("sgt", width, m.lanes), "i64", m.rows + 1, 0)
        tile = f.load("ptr", f.at("@tiles", f.mul(f.add(f.add(form, wide), height), 8)))
        c, r = (f.at(self.start[name], f.add(f.mul(row, self.step[name]), self.bytes(column))) for name in "cr")
        bias = f.at(self.cell["bias"], self.bytes(column))
        f.do(f"call void {tile}(ptr {a}, i64 {a_step}, ptr {b}, i64 {b_step}, ptr {c}, i64 {self.step['c']}, "
             f"i64 {depth}, i64 {width}, ptr {self.how}, ptr {bias}, ptr {r})")
