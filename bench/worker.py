"""One measurement in a process of its own: `python bench/worker.py WORKLOAD FRAMEWORK SECONDS`.

Started by run.py. Prints one line of JSON: the median seconds a step over many timed batches, the fastest
batch, the number of steps, and the framework's version. `FRAMEWORK` is "torch" or "stickonfire"; for the
latter the alias makes the workload's own `import torch` mean ours.
"""
import importlib
import json
import os
import statistics
import subprocess
import sys
import time

WARM_UP_SECONDS = 0.5
BATCH_SECONDS = 0.02        # a timed batch is at least so long, far above the clock's grain


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


def main(name: str, package: str, seconds: str) -> None:
    workload = importlib.import_module(f"workloads.{name}")
    if getattr(workload, "FRESH_PROCESS", False):
        batches, repeat = fresh_import_seconds(package), 1
    else:
        batches, repeat = timed_batches(workload.make(load(package)), float(seconds))
    print(json.dumps({"median": statistics.median(batches), "fastest": min(batches),
                      "steps": repeat * len(batches)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
