"""The rows of the benchmark: what is run, how, and what the project holds itself to. Read by run.py and worker.py."""
from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

EAGER = ("import_time", "add_with_grad", "logistic_regression", "house_prices", "softmax_regression", "mlp",
         "mlp_dropout", "gpt_small", "gpt_large")
COMPILED = EAGER[2:]
LARGE = ("softmax_4096x1024", "log_softmax_4096x1024", "layer_norm_4096x1024", "gelu_4096x1024", "gelu_tanh_4096x1024",
         "cross_entropy_4096x1024", "softmax_256x10000", "log_softmax_256x10000", "layer_norm_256x10000",
         "gelu_256x10000", "gelu_tanh_256x10000", "cross_entropy_256x10000", "adam_4M")


@dataclass(frozen=True)
class Row:
    """A row. compiled: ours goes through `torch.compile`. of: what is measured: "step", "compiling" or "memory"."""

    name: str
    workload: str
    case: str = ""
    compiled: bool = False
    of: str = "step"
    limit: float = 0            # in the unit of what is measured; 0: the ratio counts

    @property
    def module(self) -> Any:
        return importlib.import_module(f"workloads.{self.workload}")

    @property
    def title(self) -> str:
        if self.case:
            return str(self.module.title(self.case))
        title = str(self.module.TITLE)
        if self.of == "compiling":
            return f"compiling the {title.partition(',')[0]}, {self.name.partition(':')[2]} cache"
        return ("peak memory: " if self.of == "memory" else "") + title + (", compiled" if self.compiled else "")

    @property
    def target(self) -> float:
        if self.of == "memory":
            return 1.0
        return float(self.module.COMPILED if self.compiled else self.module.TARGET)

    def make(self, torch: Any) -> Callable[[], Any]:
        """The step."""
        return self.module.make(torch, self.case) if self.case else self.module.make(torch)     # type: ignore[no-any-return]


ROWS = [*[Row(name, name) for name in EAGER],
        *[Row(f"compiled:{name}", name, compiled=True) for name in COMPILED],
        *[Row(f"large:{case}", "large", case) for case in LARGE],
        Row("compiling:cold", "gpt_small", compiled=True, of="compiling", limit=3.0),
        Row("compiling:warm", "gpt_small", compiled=True, of="compiling", limit=0.5),
        Row("memory:gpt_large", "gpt_large", compiled=True, of="memory")]
BY_NAME = {row.name: row for row in ROWS}


def chosen(names: str) -> list[Row]:
    """The rows called so, separated by commas; the part before a colon stands for all that begin with it.

    Raises: KeyError for a name that is not there.

    >>> [row.name for row in chosen("mlp,compiling")]
    ['mlp', 'compiling:cold', 'compiling:warm']
    """
    found: list[Row] = []
    for name in filter(None, names.split(",")):
        group = [row for row in ROWS if name in (row.name, row.name.partition(":")[0])]
        if not group:
            raise KeyError(name)
        found += group
    return found
