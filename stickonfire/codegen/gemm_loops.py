"""The loops around the register tile: cache blocks, packing, tasks for threads. Room `codegen`.

A task computes a rectangle of one product of the batch:

    for columns in steps of `breadth`:                  the block of B, depth x breadth, stays in the L2 cache
        for k in steps of `depth`:
            pack the block of B                         (unless it is read in place)
            for rows in nearly equal steps:             the panel of A, rows x depth, stays in L1
                copy the panel of A                     (unless it is read in place)
                for columns in steps of a tile:
                    C tile += A panel @ B panel         `gemm_tile.py`; the last k also applies the epilogue

All sizes come from cells that `gemm_plan.py` fills in, so the machine code decides nothing and serves every shape.
"""
from __future__ import annotations

from .gemm_ir import Function
from .gemm_tile import BIAS, FORMS, HOW, READ, RELU, RESIDUAL, VECTORS, Machine, has, tile_name

# The cells of a call, in order: addresses, sizes in elements, two doubles, and the plan.
CELLS = ("a", "b", "c", "bias", "residual", "scratch",
         "m", "n", "k", "lda", "ldb", "ldc", "ldr", "batch", "stride_a", "stride_b", "stride_c", "stride_r",
         "alpha", "beta",
         "flags", "split_m", "split_n", "depth", "breadth", "panel", "share", "grain")
OFFSET = {name: 8 * i for i, name in enumerate(CELLS)}
POINTERS = ("a", "b", "c", "bias", "residual", "scratch")

# More bits of `flags`, above those of the epilogue.
EPILOGUE = BIAS | RELU | RESIDUAL
TURN_A, TURN_B, PACK_A, PACK_B = 16, 32, 64, 128


def packed_step(m: Machine, depth: int) -> int:
    """Bytes from row to row of a copied panel of A: whole cache lines, an odd number of them to spread over the sets."""
    return (-(-depth * m.bytes // 64) | 1) * 64


def panel_bytes(m: Machine, depth: int, turned: bool) -> int:
    """Scratch for a panel of A: rows of `depth` numbers, or `depth` runs of as many numbers as there are rows."""
    size = depth * turned_step(m) if turned else m.rows * packed_step(m, depth)
    return -(-size // 64) * 64


def turned_step(m: Machine) -> int:
    """Bytes from k to k in a copied panel of a transposed A."""
    return -(-m.rows * m.bytes // 16) * 16


def table(m: Machine) -> str:
    """The addresses of all tiles by form, vectors and rows (row 0 stands for itself to keep the sums simple)."""
    names = [tile_name(form, vectors, max(1, rows)) for form in FORMS for vectors in range(1, VECTORS + 1)
             for rows in range(m.rows + 1)]
    return f"@tiles = internal constant [{len(names)} x ptr] [{', '.join('ptr @' + name for name in names)}]"


def entry(name: str) -> str:
    """The kernel itself: nothing to do, one task, or many."""
    f = Function(name, "ptr %args", public=True)
    cell = {key: f.load("i64", f.at("%args", OFFSET[key]))
            for key in ("m", "n", "batch", "split_m", "split_n", "grain")}
    tasks = f.mul(cell["batch"], f.mul(cell["split_m"], cell["split_n"]))
    some = f.compare("sgt", f.minimum(f.minimum(cell["m"], cell["n"]), tasks), 0)
    with f.when(some):
        single = f.compare("eq", tasks, 1)
        with f.when(single):
            f.do("call void @gemm_tasks(ptr %args, i64 0, i64 1)")
        with f.otherwise(single):
            f.do(f"call void @sof_parallel(ptr @gemm_tasks, ptr %args, i64 {tasks}, i64 {cell['grain']})")
    return f.text()


class Tasks:
    """Writes `gemm_tasks(args, begin, end)`."""

    def __init__(self, m: Machine) -> None:
        self.m = m
        self.f = Function("gemm_tasks", "ptr %args, i64 %begin, i64 %end")
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
        with f.loop("%begin", "%end") as task:
            self.task(task)
        return f.text()

    def bytes(self, count: str) -> str:
        return self.f.mul(count, self.m.bytes)

    def own_scratch(self) -> None:
        """This thread's share: the panel of A, then the block of B."""
        f = self.f
        thread = f.let("call i64 @sof_thread()")
        self.copy_a = f.at(self.cell["scratch"], f.mul(thread, self.cell["share"]))
        lines = f.let(f"lshr i64 {f.add(self.bytes(self.cell['depth']), 63)}, 6")
        self.copy_step = f.let(f"shl i64 {f.let(f'or i64 {lines}, 1')}, 6")
        self.copy_b = f.at(self.copy_a, self.cell["panel"])

    def task(self, task: str) -> None:
        """Which product of the batch, which part of its rows and columns; then the blocks of it."""
        f, cell = self.f, self.cell
        down, across = cell["split_m"], cell["split_n"]
        parts = f.mul(down, across)
        item = f.div(task, parts)
        part = f.sub(task, f.mul(item, parts))
        i = f.div(part, across)
        j = f.sub(part, f.mul(i, across))
        self.start = {name: f.at(cell[key], self.bytes(f.mul(item, cell["stride_" + name])))
                      for name, key in (("a", "a"), ("b", "b"), ("c", "c"), ("r", "residual"))}
        rows = f.div(f.mul(cell["m"], i), down), f.div(f.mul(cell["m"], f.add(i, 1)), down)
        columns = self.share_of_columns(j, across), self.share_of_columns(f.add(j, 1), across)
        with f.when(f.compare("slt", *rows)), f.loop(*columns, cell["breadth"]) as column:
            count = f.minimum(cell["breadth"], f.sub(columns[1], column))
            self.block_column(rows, column, count)

    def share_of_columns(self, j: str, across: str) -> str:
        """Where part `j` begins: at a whole vector, or N."""
        f, lanes = self.f, self.m.lanes
        vectors = f.div(f.add(self.cell["n"], lanes - 1), lanes)
        return f.minimum(f.mul(f.div(f.mul(vectors, j), across), lanes), self.cell["n"])

    def block_column(self, rows: tuple[str, str], column: str, count: str) -> None:
        """All of k, block by block; at least one block, for C has to be written even if K is 0."""
        f, cell = self.f, self.cell
        end = f.let(f"call i64 @llvm.smax.i64(i64 {cell['k']}, i64 1)")
        with f.loop(0, end, cell["depth"]) as k:
            depth = f.minimum(cell["depth"], f.sub(cell["k"], k))
            self.describe(k, depth)
            self.pack_b(column, count, k, depth)
            self.row_panels(rows, column, count, k, depth)

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

    def pack_b(self, column: str, count: str, k: str, depth: str) -> None:
        """Packs the block, or at least an incomplete vector of columns at its end: tiles read whole vectors."""
        f, m = self.f, self.m
        with f.loop(0, count, m.width) as j:
            width = f.minimum(f.sub(count, j), m.width)
            with f.when(self.is_packed(width)):
                n, step, target = f.add(column, j), self.tile_bytes(width), self.packed_panel(j, depth)
                with f.when(self.turned_b):
                    source = f.at(self.start["b"], f.add(f.mul(n, self.step["b"]), self.bytes(k)))
                    self.call_pack("pack_transposed", source, depth, width, target, step)
                with f.otherwise(self.turned_b):
                    source = f.at(self.start["b"], f.add(f.mul(k, self.step["b"]), self.bytes(n)))
                    self.call_pack("pack_straight", source, depth, width, target, step)

    def is_packed(self, width: str) -> str:
        """Whether the panel with so many columns is read from the scratch."""
        f = self.f
        incomplete = f.compare("ne", f.let(f"and i64 {width}, {self.m.lanes - 1}"), 0)
        return f.let(f"or i1 {self.packs_b}, {incomplete}")

    def packed_panel(self, j: str, depth: str) -> str:
        """Where the panel of the block's column `j` is in the scratch; alone there if only the last one is packed."""
        f, m = self.f, self.m
        place = f.mul(f.mul(j, depth), m.bytes)
        return f.at(self.copy_b, f.select(self.packs_b, "i64", place, 0))

    def call_pack(self, name: str, source: str, depth: str, width: str, target: str, step: str) -> None:
        self.f.do(f"call void @{name}(ptr {source}, i64 {self.step['b']}, i64 {depth}, i64 {width}, ptr {target}, "
                  f"i64 {step})")

    def tile_bytes(self, columns: str) -> str:
        """The bytes of a row of a tile that has so many columns: one vector's or two."""
        f, one = self.f, self.m.lanes * self.m.bytes
        return f.select(f.compare("sgt", columns, self.m.lanes), "i64", 2 * one, one)

    def row_panels(self, rows: tuple[str, str], column: str, count: str, k: str, depth: str) -> None:
        """Rows in nearly equal steps: `panels` of them, the first `longer` with a row more."""
        f = self.f
        total = f.sub(rows[1], rows[0])
        panels = f.div(f.add(total, self.m.rows - 1), self.m.rows)
        base = f.div(total, panels)
        longer = f.sub(total, f.mul(base, panels))
        row = f.variable("i64", rows[0])
        in_place = f.at(self.start["b"], f.add(f.mul(k, self.step["b"]), self.bytes(column)))
        with f.loop(0, panels) as i:
            height = f.add(base, f.let(f"zext i1 {f.compare('slt', i, longer)} to i64"))
            a = self.panel_of_a(row.get(), height, k, depth)
            self.tiles(row.get(), column, count, depth, a, in_place)
            row.set(f.add(row.get(), height))

    def panel_of_a(self, row: str, height: str, k: str, depth: str) -> tuple[str, str, str]:
        """Where the panel is, its stride in bytes, and the tiles that fit it (one vector; two come `rows + 1` later)."""
        f, m = self.f, self.m
        i, j = f.select(self.turned_a, "i64", k, row), f.select(self.turned_a, "i64", row, k)
        source = f.at(self.start["a"], f.add(f.mul(i, self.step["a"]), self.bytes(j)))
        with f.when(self.packs_a):
            runs = f.select(self.turned_a, "i64", depth, height)
            length = f.select(self.turned_a, "i64", height, depth)
            step = self.copied_step()
            f.do(f"call void @copy_rows(ptr {source}, i64 {self.step['a']}, i64 {runs}, i64 {length}, "
                 f"ptr {self.copy_a}, i64 {step})")
        a = f.select(self.packs_a, "ptr", self.copy_a, source)
        stride = f.select(self.packs_a, "i64", self.copied_step(), self.step["a"])
        form = f.select(self.turned_a, "i64", VECTORS * (m.rows + 1) * 8, 0)
        tiles = f.at("@tiles", f.add(form, f.mul(height, 8)))
        return a, stride, tiles

    def copied_step(self) -> str:
        """Bytes from run to run of a copied panel: along k, or across the rows."""
        return self.f.select(self.turned_a, "i64", turned_step(self.m), self.copy_step)

    def tiles(self, row: str, column: str, count: str, depth: str, a: tuple[str, str, str], in_place: str) -> None:
        """One panel of A against all panels of B."""
        f, m = self.f, self.m
        c = f.at(self.start["c"], f.add(f.mul(row, self.step["c"]), self.bytes(column)))
        r = f.at(self.start["r"], f.add(f.mul(row, self.step["r"]), self.bytes(column)))
        bias = f.at(self.cell["bias"], self.bytes(column))
        with f.loop(0, count, m.width) as j:
            along = self.bytes(j)
            width = f.minimum(f.sub(count, j), m.width)
            packed = self.is_packed(width)
            b = f.select(packed, "ptr", self.packed_panel(j, depth), f.at(in_place, along))
            b_step = f.select(packed, "i64", self.tile_bytes(width), self.step["b"])
            wide = f.select(f.compare("sgt", width, m.lanes), "i64", (m.rows + 1) * 8, 0)
            tile = f.load("ptr", f.at(a[2], wide))
            f.do(f"call void {tile}(ptr {a[0]}, i64 {a[1]}, ptr {b}, i64 {b_step}, "
                 f"ptr {f.at(c, along)}, i64 {self.step['c']}, i64 {depth}, i64 {width}, ptr {self.how}, "
                 f"ptr {f.at(bias, along)}, ptr {f.at(r, along)})")
