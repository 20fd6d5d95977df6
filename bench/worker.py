"""One measurement in a process of its own: `python bench/worker.py ROW FRAMEWORK SECONDS`.

Started by run.py. Prints one line of JSON: the median seconds a step over many timed batches, the fastest batch, the
number of steps, the longest of the first three calls (in which a compiler works), and the peak memory in bytes.
`FRAMEWORK` is "torch" or "stickonfire", with "+compile" if the step goes through `torch.compile`; for ours the alias
makes the workload's own `import torch` mean ours.
"""
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time

from rows import BY_NAME

WARM_UP_SECONDS = 0.5
BATCH_SECONDS = 0.02        # a timed batch is at least so long, far above the clock's grain
FIRST_CALLS = 3


def fresh_import_seconds(package: str, rounds: int = 3) -> list[float]:
    """Seconds of `import package` in new interpreters, less the start of an empty one."""
    # compiled bytecode is kept, as for any user; installing PyTorch compiled its own
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run(statement: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True, env=env)
        return time.perf_counter() - began

    run(f"import {package}")
    return [max(run(f"import {package}") - run("pass"), 0.0) for _ in range(rounds)]


def load(package: str):
    """The framework as a module; ours also answers `import torch` from here on."""
    framework = importlib.import_module(package)
    if package != "torch":
        importlib.import_module(f"{package}.compat").install()
    return framework


def seconds_of(step) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def timed_batches(step, seconds: float) -> tuple[list[float], int]:
    """Seconds a step, batch by batch, and the number of steps in a batch."""
    began, steps = time.perf_counter(), 0
    while (warm := time.perf_counter() - began) < WARM_UP_SECONDS or steps < 5:
        step()
        steps += 1
    repeat = max(1, round(BATCH_SECONDS * steps / warm))
    batches, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(batches) < 5:
        began = time.perf_counter()
        for _ in range(repeat):
            step()
        batches.append((time.perf_counter() - began) / repeat)
    return batches, repeat


def peak_memory() -> int:
    """The most memory this process had at a time, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main(name: str, framework: str, seconds: str) -> None:
    row, (package, _, compiles) = BY_NAME[name], framework.partition("+")
    longest = 0.0
    if getattr(row.module, "FRESH_PROCESS", False):
        batches, repeat = fresh_import_seconds(package), 1
    else:
        torch = load(package)
        step = row.make(torch)
        if compiles:
            step = torch.compile(step)
        longest = max(seconds_of(step) for _ in range(FIRST_CALLS))
        batches, repeat = timed_batches(step, float(seconds))
    print(json.dumps({"step": statistics.median(batches), "fastest": min(batches), "steps": repeat * len(batches),
                      "compiling": longest, "memory": peak_memory()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
