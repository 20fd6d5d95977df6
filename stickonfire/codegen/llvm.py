"""From LLVM IR text to machine code in memory. Room `codegen`; may import core only; called by whoever has a kernel.

The one file that imports llvmlite, at first use. A text is parsed, verified, optimised for this very processor, and
emitted as an object file: the same bytes a C compiler writes into a `.o`. A loader then copies it into executable
memory and fills in the addresses of what it calls. The object file is what `cache.py` keeps on disk, so the next
process only has that last step to do.
"""
from __future__ import annotations

import ctypes
import functools
import platform
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import cache

EMPTY_MODULE = ""
OLDEST = (0, 45)        # llvmlite with LLVM 20: earlier ones do not read `splat` constants
SETTINGS = "1"          # count up when machine code for the same text changes: pipeline, code model
DECLARED = re.compile(r"^declare .*?@(\w+)\(", re.MULTILINE)


@dataclass(frozen=True)
class Host:
    """The processor this process runs on, as LLVM calls it."""
    name: str
    features: str           # what it can do, in LLVM's spelling: "+avx2,-avx512f,..."
    lanes32: int            # float32 numbers in its widest vector: 16 (AVX-512), 8 (AVX2) or 4 (NEON, SSE)
    unit: bool              # a matrix unit for bfloat16 (AMX), and the system lets this process use it


class Library:
    """Machine code made from one text. It stays in memory for the life of the process: addresses never go stale."""

    def __init__(self, text: str, engine: Any) -> None:
        self.text = text
        self._engine = engine

    def address(self, name: str) -> int:
        """Where the function `name` starts.   Raises: KeyError if the text defines no such function."""
        found = self._engine.get_function_address(name)
        if not found:
            raise KeyError(f"the library defines no function {name!r}")
        return int(found)

    def assembly(self) -> str:
        """The optimised code as assembly text; compiles anew, so it is for reading only."""
        return str(_machine().emit_assembly(_optimised(self.text)))


@functools.cache
def available() -> bool:
    """Whether machine code can be made here: llvmlite is installed, not too old, and this is a 64-bit processor."""
    from importlib import metadata  # takes 10 ms
    try:
        installed = metadata.version("llvmlite")
    except metadata.PackageNotFoundError:
        return False
    return tuple(map(int, installed.split(".")[:2])) >= OLDEST and platform.architecture()[0] == "64bit"


@functools.cache
def _binding() -> Any:
    import llvmlite.binding as binding  # takes 50 ms, hence not before the first kernel
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding


@functools.cache
def host() -> Host:
    """What this processor is and can do."""
    binding = _binding()
    features = dict(binding.get_host_cpu_features())
    lanes = 4
    if features.get("avx2") and features.get("fma"):
        lanes = 8
    if all(features.get(name) for name in ("avx512f", "avx512vl", "avx512dq", "avx512bw")):
        lanes = 16
        features["prefer-256-bit"] = False      # else the loop vectoriser uses half of each register
    spelled = ",".join(("+" if on else "-") + name for name, on in sorted(features.items()))
    unit = lanes == 16 and all(features.get(name) for name in ("amx-tile", "amx-bf16")) and _unit_granted()
    return Host(binding.get_host_cpu_name(), spelled, lanes, unit)


def _unit_granted() -> bool:
    """Asks Linux for the matrix unit, whose registers it saves only for those who asked."""
    if platform.system() != "Linux":
        return False
    arch_prctl, request, tile_data = 158, 0x1023, 18        # asm/prctl.h: ARCH_REQ_XCOMP_PERM
    return ctypes.CDLL(None).syscall(arch_prctl, request, tile_data) == 0


def version() -> str:
    """LLVM's version, as far as machine code depends on it."""
    return ".".join(map(str, _binding().llvm_version_info))


@functools.cache
def _machine() -> Any:
    target = _binding().Target.from_triple(_binding().get_process_triple())
    here = host()
    # Code model "jitdefault" reaches constants and calls by whole addresses: sections may lie anywhere in memory.
    return target.create_target_machine(cpu=here.name, features=here.features, opt=2, codemodel="jitdefault", jit=True)


def _parsed(text: str) -> Any:
    module = _binding().parse_assembly(text)
    module.triple = _machine().triple
    module.data_layout = str(_machine().target_data)
    module.verify()
    return module


def _optimised(text: str) -> Any:
    """The module after LLVM's -O2 pipeline. Texts say what is to be a vector, so LLVM need not search for it.

    Looking costs four times the rest of the work. A loop that wants it asks with `!{!"llvm.loop.vectorize.enable",
    i1 true}` or `!{!"llvm.loop.unroll.enable"}` in its `!llvm.loop` metadata.
    """
    module, binding = _parsed(text), _binding()
    tuning = binding.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization = tuning.slp_vectorization = False
    tuning.loop_interleaving = tuning.loop_unrolling = False
    builder = binding.create_pass_builder(_machine(), tuning)
    builder.getModulePassManager().run(module, builder)
    return module


def _compiled(text: str) -> bytes:
    """The object file made from `text`."""
    return bytes(_machine().emit_object(_optimised(text)))


def _engine(code: bytes) -> Any:
    """Loads an object file into executable memory. Each has an engine of its own, so names never clash."""
    binding = _binding()
    engine = binding.create_mcjit_compiler(_parsed(EMPTY_MODULE), _machine())
    _engines.append(engine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


_lock = threading.RLock()
_libraries: dict[str, Library] = {}
_engines: list[Any] = []        # never freed: they share one machine, and threads may be inside when Python ends
_symbols: dict[str, int] = {}
_providers: dict[tuple[str, ...], Callable[[], None]] = {}


def add_symbol(name: str, address: int) -> None:
    """Makes the function at `address` callable from texts that say `declare ... @name(...)`."""
    _symbols[name] = address
    _binding().add_symbol(name, address)


def provide(names: tuple[str, ...], register: Callable[[], None]) -> None:
    """Calls `register`, once, before the first text that declares one of `names` is loaded: symbols made on demand."""
    _providers[names] = register


def load(text: str) -> Library:
    """Machine code for `text`, from the disk cache where it has been compiled before. The same text is loaded once.

    Raises: RuntimeError, with LLVM's message, when the text does not parse or verify.
    """
    with _lock:
        library = _libraries.get(text)
        if library is None:
            declared = set(DECLARED.findall(text))
            for names in [names for names in _providers if declared.intersection(names)]:
                _providers.pop(names)()
            code = _object_code(text)
            library = _libraries[text] = Library(text, _engine(code))
        return library


def _object_code(text: str) -> bytes:
    key = cache.key(text, host().name, host().features, version(), SETTINGS)
    code = cache.fetch(key)
    if code is None:
        code = _compiled(text)
        cache.store(key, code)
    return code
