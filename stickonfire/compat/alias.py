"""Answers `import torch` with this package, so that a program written for PyTorch runs unchanged.

`install()` puts a finder in front of Python's own: `torch` and every `torch.x.y` become the very modules
`stickonfire` and `stickonfire.x.y` (the same objects, imported when first asked for). `stickonfire run
script.py` does this before it runs a script. May import: anything; nothing of ours imports it but the command
line.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

PACKAGE = __name__.partition(".")[0]
ALIAS = "torch"


class _AliasLoader(importlib.abc.Loader):
    """Hands out the package's own module in place of a new one."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def exec_module(self, module: ModuleType) -> None:
        """Put ours where the import system expects the one it made; it then returns what stands there."""
        sys.modules[module.__name__] = self.module


class AliasFinder(importlib.abc.MetaPathFinder):
    """Finds `torch` and what lies below it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Where to get `name`: from us if it is PyTorch's, else None (ask the next finder)."""
        if name != ALIAS and not name.startswith(f"{ALIAS}."):
            return None
        module = _our_module(name)
        is_package = hasattr(module, "__path__")
        return importlib.machinery.ModuleSpec(
            name, _AliasLoader(module), origin=PACKAGE, is_package=is_package
        )


def _our_module(name: str) -> ModuleType:
    """The module that stands for `name`.

    Raises: ModuleNotFoundError if there is none.
    """
    ours = PACKAGE + name[len(ALIAS) :]
    try:
        return importlib.import_module(ours)
    except ModuleNotFoundError as error:
        if error.name is None or not (ours == error.name or ours.startswith(f"{error.name}.")):
            raise  # the module is there, but something it needs is not
    parent, _, last = ours.rpartition(".")
    found = getattr(sys.modules.get(parent), last, None)
    if isinstance(found, ModuleType):
        return found  # published under its PyTorch name, though its file lies elsewhere
    raise ModuleNotFoundError(
        f"No module named '{name}': PyTorch has such a submodule or may have, {PACKAGE} does not.\n"
        f"docs/differences.md lists what is left out; `import {PACKAGE}; dir({PACKAGE})` shows what there is.",
        name=name,
    )


def install() -> None:
    """Make `import torch` mean this package, for the rest of the process. Installing twice is fine.

    Raises: ImportError if the real PyTorch has been imported already.

    >>> with installed():                                       # doctest: +SKIP
    ...     import torch.nn.functional as F
    ...     sys.modules["torch.nn.functional"] is sys.modules["stickonfire.nn.functional"]
    True
    """
    if is_installed():
        return
    present = sys.modules.get(ALIAS)
    if present is not None and present is not sys.modules[PACKAGE]:
        where = getattr(present, "__file__", None) or "an unknown place"
        raise ImportError(
            f"{PACKAGE}.compat.install(): the real torch is already imported (from {where}).\n"
            "One process cannot have both under one name: call install() before the first `import torch`, or use "
            f"`import {PACKAGE} as torch`.",
            name=ALIAS,
        )
    sys.meta_path.insert(0, AliasFinder())
    importlib.import_module(ALIAS)


def uninstall() -> None:
    """Undo `install`: later imports of `torch` find PyTorch again, if it is there."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, AliasFinder)]
    for name in [n for n in sys.modules if n == ALIAS or n.startswith(f"{ALIAS}.")]:
        if _is_ours(name, sys.modules[name]):
            del sys.modules[name]


def _is_ours(name: str, module: ModuleType) -> bool:
    return (
        sys.modules.get(PACKAGE + name[len(ALIAS) :]) is module
        or module.__name__.partition(".")[0] == PACKAGE
    )


def is_installed() -> bool:
    """Whether `import torch` means this package now."""
    return any(isinstance(finder, AliasFinder) for finder in sys.meta_path)


@contextlib.contextmanager
def installed() -> Iterator[ModuleType]:
    """`install` for the length of a `with` block; gives the module that stands for `torch`."""
    before = is_installed()
    install()
    try:
        yield sys.modules[ALIAS]
    finally:
        if not before:
            uninstall()
