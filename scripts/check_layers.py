#!/usr/bin/env python3
"""Checks that imports inside the package only point down, as docs/design.md lays out.

Reads the source with `ast` and imports nothing. Late imports (inside functions) and `import_module("...")`
with a literal name count like any other. Five rules: rooms import only the rooms listed for them; no cycle
of files; no import of our own inside a function (lazily loaded public submodules excepted); NumPy only
where arrays are made or handed in by users; optional libraries are imported late or under try, PyTorch
never.

    python scripts/check_layers.py [FOLDER_OF_THE_PACKAGE]
"""
from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Rooms from the ground up, each with the rooms it may import; "public" is what a user may import (PUBLIC).
ROOMS: dict[str, set[str]] = {
    "core": set(),
    "codegen": {"core"},
    "backends": {"core", "codegen"},
    "ops": {"core"},
    "tape": {"core"},
    "eager": {"core", "backends", "ops", "tape"},
    "compiler": {"core", "codegen", "backends", "ops", "tape", "eager"},
    "nn": {"eager"},
    "optim": {"eager"},
    "data": {"eager"},
    "distributions": {"eager", "linalg", "special"},
    "io": {"eager", "nn"},
    "distributed": {"eager", "nn", "optim"},
    "func": {"eager", "backends", "core", "ops", "tape", "nn"},
    "viz": {"public", "tape", "compiler"},
    "models": {"public"},
    "vision": {"public"},
    "text": {"public", "models"},
    "train": {"public", "viz"},
    "compat": {"anything"},
}
# Single files that need one room more, each with its reason.
ALSO = {
    "io/onnx.py": {"compiler"},             # exports the recorded program
    "nn/compiled.py": {"compiler"},         # torch.compile takes modules, too
    "optim/swa_utils.py": {"nn"},           # PyTorch's AveragedModel is a Module
}
FLOOR_3 = {"viz", "models", "vision", "text", "train", "compat", "cli", "__main__"}
BUILDING_BLOCKS = {"nn", "optim", "data", "distributions", "io", "distributed", "func"}
# Single files beside the rooms. Spellings are lists of names, so they may look at everything up to floor 2.
SPELLINGS = {"autograd", "linalg", "fft", "signal", "special", "random", "cuda", "utils", "amp",
             "serialization", "testing", "multiprocessing", "types", "version", "masked", "accelerator", "cpu", "mps",
             "xpu"}
UP_TO_FLOOR_2 = set(ROOMS) - FLOOR_3
PUBLIC = {"__init__"} | SPELLINGS | BUILDING_BLOCKS
FILES: dict[str, set[str]] = {
    **{name: UP_TO_FLOOR_2 | SPELLINGS | {"__init__"} for name in SPELLINGS},
    "__init__": UP_TO_FLOOR_2 | SPELLINGS,
    "cli": {"anything"},
    "__main__": {"anything"},
}
NUMPY_ROOMS = {"backends", "codegen", "compiler", "data", "io", *FLOOR_3}
FORBIDDEN = {"torch", "jax", "tensorflow"}
OPTIONAL = {"ml_dtypes", "safetensors", "rich", "matplotlib", "llvmlite", "cupy", "PIL", "pandas",
            "tokenizers", "mpi4py"}
OPTIONAL_AT_HOME = {"llvmlite": "codegen", "cupy": "backends/cuda"}     # rooms loaded only when it is there


@dataclass(frozen=True)
class Import:
    """One imported module, as written: absolute dotted name, line, and where the statement stands."""
    name: str
    line: int
    late: bool          # inside a function
    guarded: bool       # under `try:` or `if TYPE_CHECKING:`
    typing: bool        # under `if TYPE_CHECKING:`
    lazy: bool          # inside a module-level __getattr__, or import_module(...)


class Collector(ast.NodeVisitor):
    """Walks one file and lists its imports with relative names resolved."""

    def __init__(self, module: str, is_package: bool, modules: set[str]):
        self.base = module if is_package else module.rpartition(".")[0]
        self.modules, self.found = modules, []
        self.functions: list[str] = []
        self.tries = self.typing = 0

    def add(self, node: ast.AST, name: str, lazy: bool = False) -> None:
        self.found.append(Import(name, node.lineno, bool(self.functions), bool(self.tries or self.typing),
                                 bool(self.typing), lazy or "__getattr__" in self.functions))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.add(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            parts = self.base.split(".")
            base = ".".join(parts[:len(parts) - node.level + 1] + ([node.module] if node.module else []))
        for alias in node.names:        # `from .a import b` imports module a.b where there is one, else a
            whole = f"{base}.{alias.name}"
            self.add(node, whole if whole in self.modules else base)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("import_module", "__import__") and node.args and isinstance(node.args[0], ast.Constant):
            name = str(node.args[0].value)
            self.add(node, self.base + name if name.startswith(".") else name, lazy=True)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.functions.append(node.name)
        self.generic_visit(node)
        self.functions.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Try(self, node: ast.Try) -> None:
        self.tries += 1
        self.generic_visit(node)
        self.tries -= 1

    def visit_If(self, node: ast.If) -> None:
        test = node.test
        named = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
        self.typing += named == "TYPE_CHECKING"
        for child in node.body:
            self.visit(child)
        self.typing -= named == "TYPE_CHECKING"
        for child in [node.test, *node.orelse]:
            self.visit(child)


def module_names(package: Path) -> dict[str, Path]:
    """Dotted name -> file, for every file of the package."""
    names = {}
    for path in sorted(package.rglob("*.py")):
        parts = (package.name, *path.relative_to(package).with_suffix("").parts)
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def room_of(name: str) -> str:
    """`stickonfire.nn.linear` -> `nn`; the package itself -> `__init__`."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def allowed(room: str, where: str) -> set[str]:
    """The rooms and single files that a file of `room` may import, the room itself included."""
    rooms = (ROOMS.get(room) or FILES.get(room) or set()) | ALSO.get(where, set())
    return rooms | {room} | (PUBLIC if "public" in rooms else set())


def room_problem(room: str, where: str, entry: Import) -> str | None:
    target = room_of(entry.name)
    may = allowed(room, where)
    if target in may or ("anything" in may):
        return None
    if target == "__init__" and room not in FLOOR_3:
        return f"{room} imports the whole package; import the room that has the name"
    return f"{room} may not import {target} (may: {', '.join(sorted(may - {room})) or 'nothing of ours'})"


def library_problem(room: str, where: str, entry: Import) -> str | None:
    library = entry.name.partition(".")[0]
    if library in FORBIDDEN:
        return f"{library} is never imported by the package"
    if library == "numpy" and room not in NUMPY_ROOMS and not entry.typing:
        return f"{room} may not import numpy; use `xp` or the tensor functions"
    at_home = library in OPTIONAL_AT_HOME and where.startswith(OPTIONAL_AT_HOME[library])
    if library in OPTIONAL and not (entry.late or entry.guarded or entry.lazy or at_home):
        return f"{library} is optional: import it where it is used"
    return None


def cycles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Yields each group of files that import one another (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(node: str) -> Iterator[list[str]]:
        index[node] = low[node] = len(index)
        stack.append(node)
        for after in sorted(graph[node]):
            if after not in index:
                yield from visit(after)
                low[node] = min(low[node], low[after])
            elif after in stack:
                low[node] = min(low[node], index[after])
        if low[node] == index[node]:
            group = [stack.pop()]
            while group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                yield sorted(group)

    for node in sorted(graph):
        if node not in index:
            yield from visit(node)


def check(package: Path) -> list[str]:
    """All violations in the package, one line each."""
    modules = module_names(package)
    problems: list[str] = []
    graph: dict[str, set[str]] = {name: set() for name in modules}
    for name, path in modules.items():
        room, where = room_of(name), path.relative_to(package).as_posix()
        if room not in ROOMS and room not in FILES:
            problems.append(f"{where}:1: {room} is no room of the layout (docs/design.md)")
        collector = Collector(name, path.name == "__init__.py", set(modules))
        collector.visit(ast.parse(path.read_text(encoding="utf-8"), str(path)))
        for entry in collector.found:
            if entry.name.partition(".")[0] == package.name:
                problem = room_problem(room, where, entry)
                if problem is None and entry.late and not entry.lazy and room not in FLOOR_3:
                    problem = f"late import of {entry.name}: a cycle in hiding; move the import or the code"
                if not entry.late and not entry.lazy and not entry.typing and entry.name in graph:
                    graph[name].add(entry.name)
            else:
                problem = library_problem(room, where, entry)
            if problem:
                problems.append(f"{where}:{entry.line}: {problem}")
    problems += [f"cycle of imports: {' <-> '.join(group)}" for group in cycles(graph)]
    return sorted(set(problems))


def main() -> int:
    package = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[1] / "stickonfire")
    problems = check(package)
    print("\n".join(problems) or f"layers: {len(module_names(package))} files, every import points down")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
