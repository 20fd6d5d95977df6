"""PyStickOnFire: deep learning with PyTorch's API, in Python down to its kernels.

`import stickonfire as torch` is enough for a chapter of a PyTorch textbook. Here stands the public list:
the functions come from `eager` (published from the op declarations), submodules load when first used.
"""
from __future__ import annotations

import importlib
from math import e, inf, nan, pi
from typing import Any

from . import eager
from .core.version import __version__ as __version__
from .eager import *  # noqa: F403  (the list is eager.__all__)
from .eager.fused import MAKERS
from .eager.publish import HOLDERS

HOLDERS.append(globals())
MAKERS.append(lambda: importlib.import_module("stickonfire.compiler.eager_kernels"))
newaxis = None
SUBMODULES = ("accelerator", "amp", "autograd", "backends", "compat", "compiler", "cpu", "cuda", "data",
              "distributions", "fft", "func", "io", "linalg", "masked", "models", "mps", "multiprocessing", "nn",
              "optim", "random", "serialization", "signal", "special", "testing", "text", "train", "types", "utils",
              "version", "viz", "xpu")
NOT_YET = {     # what scripts ask for, and the way out
    "jit": "leave torch.jit out: there is nothing to script here", "fx": "hooks show what a model does",
    "profiler": "Python's cProfile sees all of the package", "onnx": "save with safetensors",
    "distributed": "run on one machine", "complex32": "use complex64",
    **dict.fromkeys(("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"), "use float16 or bfloat16"),
    **dict.fromkeys(("sparse", "sparse_coo_tensor", "sparse_csr_tensor", "sparse_csc_tensor", "sparse_bsr_tensor",
                     "sparse_bsc_tensor", "sparse_compressed_tensor", "spmm", "smm", "hspmm", "sspaddmm"),
                    "use dense tensors"),
    **dict.fromkeys(("quantize_per_tensor", "quantize_per_channel"), "use round() and integers")}
LAZY = {"compile": "nn.compiled", "save": "io.checkpoint", "load": "io.checkpoint",       # name -> where it is
        **dict.fromkeys(("compiled_with_cxx11_abi", "cond", "dropout", "grid_sampler", "grid_sampler_2d",
                         "grid_sampler_3d", "native_batch_norm", "native_channel_shuffle", "native_dropout",
                         "native_group_norm", "native_layer_norm", "while_loop"), "eager.composite_native"),
        **dict.fromkeys(("from_file", "hash_tensor", "histogramdd", "lobpcg", "segment_reduce"),
                        "eager.composite_rare"),
        **dict.fromkeys(("gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh",
                         "rnn_tanh_cell"), "eager.functional.recurrent"),
        "stft": "eager.composite_stft", "istft": "eager.composite_stft",
        "vmap": "func.vmap", "autocast": "amp.autocast_mode", "GradScaler": "amp.grad_scaler",
        **dict.fromkeys(("clear_autocast_cache", "get_autocast_dtype", "is_autocast_cache_enabled",
                         "is_autocast_enabled", "set_autocast_cache_enabled", "set_autocast_dtype"),
                        "amp.autocast_mode"),
        **dict.fromkeys(("autocast_decrement_nesting", "autocast_increment_nesting", "get_autocast_cpu_dtype",
                         "is_autocast_cpu_enabled", "set_autocast_cpu_dtype", "set_autocast_cpu_enabled",
                         "set_autocast_enabled"), "amp.handler"),
        **dict.fromkeys(("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"),
                        "eager.classic_windows")}

__all__ = [*eager.__all__, *LAZY, *SUBMODULES, "e", "inf", "nan", "newaxis", "pi"]


def __getattr__(name: str) -> Any:
    if name in SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in LAZY:
        found = globals()[name] = getattr(importlib.import_module(f"{__name__}.{LAZY[name]}"), name)
        return found
    way_out = f": not there yet; {NOT_YET[name]} (see docs/differences.md)" if name in NOT_YET else ""
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'{way_out}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
