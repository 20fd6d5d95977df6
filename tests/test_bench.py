"""The benchmark: its rows, its table, and one measurement in a process of its own."""
from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import stickonfire as torch
from stickonfire.compat import alias

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / "bench"


@pytest.fixture
def bench(monkeypatch):
    """Imports a module of bench/."""
    monkeypatch.syspath_prepend(BENCH)
    return importlib.import_module


@pytest.fixture
def as_torch(monkeypatch):
    """`import torch` means ours, for as long as a test runs."""
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "torch"}
    for name in before:
        monkeypatch.delitem(sys.modules, name)
    alias.install()
    yield torch
    alias.uninstall()


def test_rows_have_names_titles_and_targets(bench):
    rows = bench("rows")
    assert len(rows.BY_NAME) == len(rows.ROWS)
    titles = [row.title for row in rows.ROWS]
    assert len(set(titles)) == len(titles)
    assert all(0 < row.target <= 1 for row in rows.ROWS)
    targets = {name: rows.BY_NAME[f"compiled:{name}"].target for name in rows.COMPILED}
    assert targets == {"logistic_regression": 0.03, "house_prices": 0.02, "softmax_regression": 0.35, "mlp": 0.5,
                       "mlp_dropout": 0.5, "gpt_small": 0.6, "gpt_large": 0.8}


def test_rows_are_chosen_by_name_or_by_kind(bench):
    rows = bench("rows")
    assert [row.name for row in rows.chosen("mlp,memory,compiled:mlp")] == ["mlp", "memory:gpt_large", "compiled:mlp"]
    assert len(rows.chosen("large")) == len(rows.LARGE)
    with pytest.raises(KeyError, match="cnn"):
        rows.chosen("mlp,cnn")


@pytest.mark.parametrize("name", ["logistic_regression", "house_prices", "softmax_regression", "mlp_dropout",
                                  "gpt_small"])
def test_workloads_learn(bench, as_torch, name):
    step = bench("rows").BY_NAME[name].make(as_torch)
    losses = [step().item() for _ in range(3)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("case", ["softmax_256x10000", "layer_norm_256x10000", "cross_entropy_256x10000", "adam_4M"])
def test_large_ops_run(bench, as_torch, case):
    row = bench("rows").BY_NAME[f"large:{case}"]
    row.make(as_torch)()
    assert row.title and row.target == 0.8


def test_the_table_shows_what_was_not_measured(bench):
    tables = bench("tables")
    common = {"title": "a", "target": 0.5, "spreads": [0.1, 0.0], "others": {}}
    compared = {**common, "medians": [1e-3, 2e-3], "ratio": 0.5, "ratios": (0.4, 0.6), "others": {"JAX": 3e-3}}
    alone = {**common, "medians": [2.0, None], "ratio": None, "ratios": (), "limit": 3.0, "of": "compiling"}
    memory = {**common, "medians": [2 ** 30, 2 ** 31], "ratio": 0.5, "ratios": (0.5, 0.5), "of": "memory"}
    text = tables.as_markdown([compared, alone, memory])
    assert "| one step | ours | PyTorch | JAX | ratio | target |" in text
    assert "| a | 1 ms | 2 ms | 3 ms | 0.50x | 0.50x |" in text
    assert "| a | 2 s | - | - | - | 3 s |" in text
    assert "| a | 1024 MB | 2048 MB | - | 0.50x | 0.50x |" in text
    lines = tables.as_text([compared, alone, {**alone, "limit": 1.0}], ["ours", "torch"], others=("JAX",)).splitlines()
    assert [line.endswith("above") for line in lines] == [False, False, False, True]


def test_frameworks_take_turns(bench, monkeypatch):
    run = bench("run")
    asked = []
    monkeypatch.setattr(run, "measure", lambda row, framework, options: asked.append(framework) or len(asked))
    options = argparse.Namespace(frameworks=["stickonfire", "torch"], rounds=2, with_compile=True, jax="", seconds=1)
    line = run.line(bench("rows").BY_NAME["compiled:mlp"], options)
    assert asked == ["stickonfire+compile", "torch", "stickonfire+compile", "torch", "torch+compile"]
    assert (line["medians"], line["ratios"], line["others"]) == ([2, 3], (0.5, 0.75), {"torch.compile": 5})
    line = run.line(bench("rows").BY_NAME["compiling:cold"], options)
    assert line["ratio"] is None and line["medians"][1] is None and line["limit"] == 3.0


def test_a_measurement(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(BENCH)]),
                   "STICKONFIRE_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, BENCH / "worker.py", "compiled:logistic_regression", "stickonfire+compile",
                           "0.01"], capture_output=True, text=True, check=True, env=environment)
    figures = json.loads(done.stdout)
    assert 0 < figures["fastest"] <= figures["step"] < figures["compiling"] and figures["memory"] > 1 << 20
