"""Writes down what the package publishes: stub files for editors and type checkers.

Functions and methods are made from the op declarations by a loop (`eager/publish.py`), which no editor can follow.
`python scripts/make_stubs.py` writes the result into `stickonfire/__init__.pyi` and `stickonfire/eager/tensor.pyi`;
with `--check` it only says whether they are up to date (tests/test_scripts.py does the same).
"""
from __future__ import annotations

import argparse
import inspect
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import stickonfire  # noqa: E402
from stickonfire.eager.elsewhere import Absent  # noqa: E402
from stickonfire.eager.tensor import Tensor  # noqa: E402

# Tensor's comparisons return tensors, its in-place operators take less than the others.
UNLIKE_OBJECT = {"__eq__": "override", "__ne__": "override", "__iadd__": "misc", "__isub__": "misc"}
PLAIN = {"int", "float", "bool", "str"}
HEADER = '"""Written by scripts/make_stubs.py from the op declarations. Do not edit."""\n'
IMPORTS = ("from __future__ import annotations\n\nimport builtins\nfrom collections.abc import Iterator\n"
           "from typing import Any\n\n")


def annotation(name: str, op: Any, declared: Any) -> str:
    """The type of a parameter, as far as it is a plain one."""
    if op is not None and name in op.tensors:
        if op.variadic:
            return "Any"
        optional = " | None" if name in op.defaults else ""
        return ("Tensor | builtins.complex" if op.scalars else "Tensor") + optional
    text = declared if isinstance(declared, str) else getattr(declared, "__name__", "")
    return f"builtins.{text}" if text in PLAIN else "Any"


def parameters(function: Any, op: Any) -> list[str]:
    """The parameters of a function, as a stub spells them."""
    signature = op_signature(op) if op is not None else inspect.signature(function)
    parts: list[str] = []
    star = False
    for p in signature.parameters.values():
        if p.kind is p.KEYWORD_ONLY and not star:
            parts.append("*")
        star = star or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        mark = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        default = " = ..." if p.default is not p.empty else ""
        parts.append(f"{mark}{p.name}: {annotation(p.name, op, p.annotation)}{default}")
    return parts


def op_signature(op: Any) -> inspect.Signature:
    """The signature users see of an op: its forward's without `xp`."""
    whole = inspect.signature(op.forward)
    kept = list(whole.parameters.values())[1:]
    if op.varargs:
        kept = [p.replace(kind=p.VAR_POSITIONAL, default=p.empty) if p.name == op.varargs else
                p if p.kind is p.KEYWORD_ONLY or op.params.index(p.name) < op.params.index(op.varargs) else
                p.replace(kind=p.KEYWORD_ONLY) for p in kept]
    return whole.replace(parameters=kept)


def returns(name: str, op: Any, function: Any) -> str:
    if op is not None:
        return "Any" if op.returns or op.variadic and op.name != "cat" else "Tensor"
    declared = getattr(function, "__annotations__", {}).get("return", "Any")
    return declared if declared in ("Tensor", "None") else f"builtins.{declared}" if declared in PLAIN else "Any"


def definition(name: str, function: Any, indent: str, method: bool) -> str:
    """One line of stub for a function or method."""
    op = getattr(function, "op", None)
    try:
        given = parameters(function, op)
    except (TypeError, ValueError):
        given = ["*args: Any", "**kwargs: Any"]
    if method:
        given = ["self", *given[1:]] if given and not given[0].startswith("*") else ["self", *given]
    ignored = f"    # type: ignore[{UNLIKE_OBJECT[name]}]" if method and name in UNLIKE_OBJECT else ""
    return f"{indent}def {name}({', '.join(given)}) -> {returns(name, op, function)}: ...{ignored}\n"


def tensor_stub() -> str:
    """The stub of class Tensor and of the functions in its file."""
    lines = [HEADER, IMPORTS, "class Tensor:\n", "    _array: Any\n    _edge: Any\n    _alias: Any\n",
             "    def __init__(self, *args: Any, **kwargs: Any) -> None: ...\n"]
    for name, value in sorted(Tensor.__dict__.items()):
        if isinstance(value, Absent):
            continue
        if name in ("__new__", "__init__", "__dict__", "__weakref__", "__doc__", "__module__", "__slots__",
                    "__annotations__",
                    "_array", "_edge", "_alias"):
            continue
        if isinstance(value, property):
            lines.append(f"    @property\n    def {name}(self) -> Any: ...\n")
            if value.fset is not None:
                lines.append(f"    @{name}.setter\n    def {name}(self, value: Any) -> None: ...\n")
        elif name == "__iter__":
            lines.append("    def __iter__(self) -> Iterator[Tensor]: ...\n")
        elif callable(value) and inspect.isfunction(value):
            lines.append(definition(name, value, "    ", method=True))
        else:
            lines.append(f"    {name}: Any\n")
    module = sys.modules[Tensor.__module__]
    lines += [definition(name, value, "", method=False) for name, value in sorted(vars(module).items())
              if inspect.isfunction(value) and value.__module__ == Tensor.__module__]
    return "".join([*lines, "INFERENCE: Any\nnew: Any\n"])


def package_stub() -> str:
    """The stub of the package: every public name."""
    lines = [HEADER, IMPORTS, "from .eager.tensor import Tensor as Tensor\n\n"]
    for name in sorted(set(stickonfire.__all__) - {"Tensor"}):
        value = None if name in stickonfire.SUBMODULES else getattr(stickonfire, name, None)
        if inspect.isfunction(value):
            lines.append(definition(name, value, "", method=False))
        elif inspect.isclass(value):
            where = value.__module__.removeprefix("stickonfire")
            spelled = value.__name__ if value.__name__ == name else f"{value.__name__}"
            lines.append(f"from {where} import {spelled} as {name}\n" if where.startswith(".") else f"{name}: Any\n")
        elif not inspect.ismodule(value):
            lines.append(f"{name}: Any\n")
    lines += [f"from . import {name} as {name}\n" for name in stickonfire.SUBMODULES
              if (ROOT / "stickonfire" / name).exists() or (ROOT / "stickonfire" / f"{name}.py").exists()]
    return "".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a stub is out of date")
    check = parser.parse_args().check
    stale = 0
    for path, text in ((ROOT / "stickonfire/eager/tensor.pyi", tensor_stub()),
                       (ROOT / "stickonfire/__init__.pyi", package_stub())):
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale = 1
            print(f"{path.relative_to(ROOT)} is {'out of date' if check else 'written'}")
            if not check:
                path.write_text(text, encoding="utf-8")
    return stale if check else 0


if __name__ == "__main__":
    sys.exit(main())
