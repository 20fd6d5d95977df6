"""Nothing grows: training loops keep their memory, graphs are freed without the garbage collector."""
import gc
import linecache
import os
import tracemalloc
import weakref
from pathlib import Path

import pytest

import stickonfire as torch
from stickonfire import nn
from stickonfire.ops.op import REGISTRY

MEGABYTE = 2**20
STATM = Path("/proc/self/statm")


def resident() -> int:
    """Bytes of memory the process holds."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def allocated() -> int:
    """Bytes Python has handed out, where the system doesn't tell what the process holds."""
    if not tracemalloc.is_tracing():
        tracemalloc.start()
    return tracemalloc.get_traced_memory()[0]


def trainer(make_optimizer):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 1))
    optimizer = make_optimizer(net.parameters())
    x, y = torch.randn(16, 4), torch.randn(16, 1)

    def train(steps: int) -> None:
        for _ in range(steps):
            loss = nn.functional.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            loss.item()
    return train


def caches() -> dict[str, int]:
    """Sizes of everything that remembers ops and their forms."""
    return {"lines": len(linecache.cache), "plans": sum(len(op.casts) for op in REGISTRY.values()),
            "nodes": torch.eager.graph.class_named.cache_info().currsize}


@pytest.mark.slow
@pytest.mark.parametrize("steps, make_optimizer", [
    (10_000, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)), (2_000, lambda p: torch.optim.Adam(p, lr=0.001))],
    ids=["SGD", "Adam"])
def test_a_training_loop_does_not_grow(steps, make_optimizer):
    measure = resident if STATM.exists() else allocated
    train = trainer(make_optimizer)
    train(500)
    gc.collect()
    before, known = measure(), caches()
    train(steps)
    gc.collect()
    grown = measure() - before
    tracemalloc.stop()
    assert grown < MEGABYTE, f"{steps} steps grew memory by {grown:,} bytes"
    assert caches() == known


def test_changing_shapes_do_not_fill_caches():
    def run(sizes):
        for n in sizes:
            x = torch.ones(n, 3, requires_grad=True)
            ((x * 2).exp().sum(0) @ x[0]).backward()
    run(range(1, 20))
    known = caches()
    run(range(20, 200))
    assert caches() == known


@pytest.fixture
def without_gc():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def watched(array_of):
    """A weak reference to the memory of a tensor."""
    return weakref.ref(array_of._array)


@pytest.mark.usefixtures("without_gc")
class TestGraphsAreFreedAtOnce:
    def test_after_backward(self):
        x = torch.ones(1000, requires_grad=True)
        hidden = x * 2
        reference = watched(hidden)
        loss = (hidden * hidden).sum()
        del hidden
        assert reference() is not None          # saved for backward
        loss.backward()
        assert reference() is None

    def test_without_backward(self):
        x = torch.ones(1000, requires_grad=True)
        hidden = x.exp()
        reference = watched(hidden)
        loss = hidden.sum()
        del hidden
        del loss
        assert reference() is None

    def test_with_create_graph(self):
        x = torch.ones(1000, requires_grad=True)
        (slope,) = torch.autograd.grad((x ** 3).sum(), x, create_graph=True)
        reference = watched(slope)
        del slope
        assert reference() is None

    def test_module_and_optimizer(self):
        net = nn.Linear(3, 3)
        optimizer = torch.optim.Adam(net.parameters())
        net(torch.ones(2, 3)).sum().backward()
        optimizer.step()
        reference = watched(net.weight)
        del net, optimizer
        gc.collect()
        assert reference() is None

    def test_views(self):
        base = torch.ones(1000)
        reference = watched(base)
        part = base[::2]
        del base
        part.add_(1)
        del part
        assert reference() is None
