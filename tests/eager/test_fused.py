"""Large arrays as native programs: the same numbers as NumPy's way, forward, backward and in optimizers."""
from __future__ import annotations

import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

import stickonfire as torch
from stickonfire.codegen import llvm
from stickonfire.core.config import switches
from stickonfire.eager import fused
from stickonfire.ops.op import REGISTRY

F = torch.nn.functional
native = pytest.mark.skipif(not llvm.available(), reason="programs need llvmlite")
ROWS, COLUMNS = 272, 150                    # just above the limit, and no whole number of vectors in a row
RNG = np.random.default_rng(0)
NUMBERS = RNG.standard_normal((ROWS, COLUMNS))
SLOPES = RNG.standard_normal((ROWS, COLUMNS))
CLASSES = torch.from_numpy(RNG.integers(0, COLUMNS, ROWS))
SOME = torch.where(CLASSES < 20, torch.tensor(-100), CLASSES)          # some rows do not count
ODDS = torch.from_numpy(RNG.random((ROWS, COLUMNS)))

OPS = {     # name -> (function of x and two vectors, how many programs it takes)
    "softmax": (lambda x, w, b: F.softmax(x, -1), 2),
    "softmax over rows": (lambda x, w, b: F.softmax(x, 0), 2),
    "log_softmax": (lambda x, w, b: F.log_softmax(x, 1), 2),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (COLUMNS,), w, b), 2),
    "layer_norm without weights": (lambda x, w, b: F.layer_norm(x, [COLUMNS]), 2),
    "rms_norm": (lambda x, w, b: F.rms_norm(x, (COLUMNS,), w), 2),
    "batch_norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), 2),
    "gelu": (lambda x, w, b: F.gelu(x), 2),
    "gelu by tanh": (lambda x, w, b: F.gelu(x, approximate="tanh"), 2),
    "silu": (lambda x, w, b: F.silu(x), 2),
    "sigmoid": (lambda x, w, b: torch.sigmoid(x), 2),
    "mse_loss": (lambda x, w, b: F.mse_loss(x, ODDS.to(x.dtype)), 2),
    "binary_cross_entropy_with_logits": (
        lambda x, w, b: F.binary_cross_entropy_with_logits(x, ODDS.to(x.dtype)), 2),
    "cross_entropy": (lambda x, w, b: F.cross_entropy(x, CLASSES), 4),
    "cross_entropy with rows left out": (lambda x, w, b: F.cross_entropy(x, SOME), 4),
    "cross_entropy, weighted": (lambda x, w, b: F.cross_entropy(x, CLASSES, w.detach()), 2),
    "cross_entropy for each row": (lambda x, w, b: F.cross_entropy(x, CLASSES, reduction="none"), 4),
}


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Programs are made at the first call, and none is left over."""
    monkeypatch.setattr(fused, "FEW", 1)
    monkeypatch.setattr(fused, "programs", {})
    monkeypatch.setattr(fused, "made", {})
    monkeypatch.setattr(switches, "fused", True)


def programs():
    return [run for run in fused.programs.values() if callable(run)]


def plainly(function, *args):
    """What a function gives without programs."""
    switches.fused = False
    try:
        return function(*args)
    finally:
        switches.fused = True


def laid_out(array, layout):
    if layout == "transposed":
        return torch.from_numpy(array.T.copy()).t()
    if layout == "every other":
        return torch.from_numpy(np.repeat(array, 2, 1))[:, ::2]
    return torch.from_numpy(array)


def gradients(function, dtype, layout="dense"):
    """Result and gradients of a function at NUMBERS."""
    x = laid_out(NUMBERS.astype(dtype), layout).requires_grad_()
    w, b = (torch.from_numpy(values.astype(dtype)).requires_grad_() for values in (SLOPES[0], NUMBERS[1]))
    y = function(x, w, b)
    y.backward(torch.from_numpy(SLOPES.astype(dtype)) if y.ndim == 2 else torch.ones_like(y))
    return [y, *[t.grad for t in (x, w, b)]]


def assert_alike(found, wanted, dtype):
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    for a, b in zip(found, wanted, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            a, b = a.detach().numpy(), b.detach().numpy()
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            assert np.allclose(a, b, rtol=tolerance, atol=tolerance * max(1.0, np.abs(b).max()))


@native
@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_and_gradients_are_numpys(name, dtype):
    function, count = OPS[name]
    wanted = plainly(gradients, function, dtype)
    for _ in range(2):
        assert_alike(gradients(function, dtype), wanted, dtype)
    assert len(programs()) == count


@native
@pytest.mark.parametrize("name", ["softmax", "layer_norm", "gelu", "cross_entropy"])
@pytest.mark.parametrize("layout", ["transposed", "every other"])
def test_other_layouts(name, layout):
    function = OPS[name][0]
    wanted = plainly(gradients, function, "float32", layout)
    for _ in range(2):
        found = gradients(function, "float32", layout)
        assert_alike(found, wanted, "float32")
        assert [t.stride() for t in found if t is not None] == [t.stride() for t in wanted if t is not None]


@native
@pytest.mark.oracle
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "layer_norm", "rms_norm", "gelu", "gelu by tanh", "silu",
                                  "cross_entropy"])
def test_pytorch_agrees(name):
    pytorch = pytest.importorskip("torch")
    of, classes = pytorch.nn.functional, pytorch.from_numpy(CLASSES.numpy())
    theirs = {"softmax": lambda x, w, b: of.softmax(x, -1), "log_softmax": lambda x, w, b: of.log_softmax(x, 1),
              "layer_norm": lambda x, w, b: of.layer_norm(x, (COLUMNS,), w, b),
              "rms_norm": lambda x, w, b: of.rms_norm(x, (COLUMNS,), w), "gelu": lambda x, w, b: of.gelu(x),
              "gelu by tanh": lambda x, w, b: of.gelu(x, approximate="tanh"), "silu": lambda x, w, b: of.silu(x),
              "cross_entropy": lambda x, w, b: of.cross_entropy(x, classes)}[name]
    tensors = [pytorch.from_numpy(a.astype("float32")).requires_grad_() for a in (NUMBERS, SLOPES[0], NUMBERS[1])]
    y = theirs(*tensors)
    y.backward(pytorch.from_numpy(SLOPES.astype("float32")) if y.ndim else None)
    assert_alike(gradients(OPS[name][0], "float32"), [y, *[t.grad for t in tensors]], "float32")


@native
def test_gelu_keeps_its_digits_far_below_zero():
    x = torch.linspace(-9, 9, 1 << 16)
    slow = plainly(F.gelu, x.double())
    for y in (F.gelu(x), F.gelu(x)):
        assert ((y.double() - slow).abs() <= 2e-6 * slow.abs() + 1e-15).all()
    odd = torch.tensor([float("inf"), float("-inf"), float("nan")]).repeat(1 << 14)
    assert np.array_equal(F.gelu(odd).numpy(), plainly(F.gelu, odd).numpy(), equal_nan=True)


@native
def test_small_arrays_and_the_first_calls_are_left_alone(monkeypatch):
    F.softmax(torch.randn(100, 100), 1)
    assert not fused.programs
    monkeypatch.setattr(fused, "FEW", 4)
    x = torch.randn(ROWS, COLUMNS)
    for calls in range(1, 5):
        F.softmax(x, 1)
        assert len(programs()) == (calls == 4)


@native
def test_what_is_saved_is_the_same():
    x = torch.from_numpy(NUMBERS).requires_grad_()
    for _ in range(2):
        y = torch.softmax(x, 1)
        assert y.grad_fn._saved_result is not None and y._array.base is None
        y.mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()


@native
@pytest.mark.parametrize("name", ["softmax", "layer_norm", "gelu"])
def test_second_derivatives(name):
    def second():
        x, w, b = (torch.from_numpy(a).requires_grad_() for a in (NUMBERS, SLOPES[0], NUMBERS[1]))
        g, = torch.autograd.grad((OPS[name][0](x, w, b) ** 2).sum(), x, create_graph=True)
        return torch.autograd.grad((g * torch.from_numpy(SLOPES)).sum(), x)
    wanted = plainly(second)
    for _ in range(2):
        assert_alike(second(), wanted, "float64")


@native
def test_a_class_out_of_range_is_an_error():
    x = torch.from_numpy(NUMBERS)
    for _ in range(2):
        F.nll_loss(x, CLASSES)
    with pytest.raises(IndexError, match="Target 150 is out of bounds"):
        F.nll_loss(x, CLASSES + (CLASSES == CLASSES[0]) * (150 - CLASSES[0]))


@native
@pytest.mark.parametrize("shape", [(1, 40000), (40, 30, 40), (34, 34, 34), (5, 7, 40, 40)])
def test_losses_of_other_shapes(shape):
    def losses():
        x = torch.linspace(-3, 3, ROWS * 300)[:int(np.prod(shape))].reshape(shape).sin().requires_grad_()
        classes = torch.arange(x.numel() // shape[1]).reshape(shape[0], *shape[2:]) * 7 % shape[1]
        loss = F.cross_entropy(x, classes)
        loss.backward()
        return [loss, x.grad]
    wanted = plainly(losses)
    for _ in range(2):
        assert_alike(losses(), wanted, "float32")


@native
def test_results_are_new_arrays():
    x = torch.from_numpy(NUMBERS)
    first, second = F.gelu(x), F.gelu(x)
    third = F.gelu(x + 1)
    assert not np.shares_memory(second.numpy(), third.numpy()) and not torch.equal(second, third)
    assert torch.allclose(first, second)


def optimized(make, steps=3):
    """Parameters after some steps."""
    params = [torch.from_numpy(NUMBERS.astype("float32")).requires_grad_(), torch.ones(5, requires_grad=True)]
    optimizer = make(params)
    for k in range(steps):
        params[0].grad, params[1].grad = torch.from_numpy(SLOPES.astype("float32")) * (k + 1), torch.ones(5)
        optimizer.step()
    return params


@native
@pytest.mark.parametrize("make", [
    lambda p: torch.optim.Adam(p, lr=0.1), lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1),
    lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.1), lambda p: torch.optim.SGD(p, lr=0.1),
    lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), lambda p: torch.optim.RMSprop(p, lr=0.1)])
def test_optimizers(make):
    wanted = plainly(optimized, make)
    assert_alike(optimized(make), wanted, "float32")
    assert programs()


@native
def test_an_update_from_its_own_neighbours_is_left_to_numpy():
    def shifted():
        x = torch.arange(1 << 16).double()
        for _ in range(2):
            x[1:].add_(x[:-1], alpha=0.5)
        return [x]
    assert_alike(shifted(), plainly(shifted), "float64")


@native
def test_programs_keep_no_arrays():
    def alive():
        x, w, b = (torch.from_numpy(a.copy()).requires_grad_() for a in (NUMBERS, SLOPES[0], NUMBERS[1]))
        F.layer_norm(x, (COLUMNS,), w, b).sum().backward()
        torch.optim.SGD([x], lr=0.1).step()
        return [weakref.ref(t._array) for t in (x, w, x.grad)]
    assert [ref() for ref in alive()] == [None] * 3
    assert len(programs()) == 3


@native
def test_only_so_many_kinds_are_remembered(monkeypatch):
    monkeypatch.setattr(fused, "MOST", 3)
    monkeypatch.setattr(fused, "FEW", 100)
    for n in range(10):
        torch.sigmoid(torch.zeros(fused.LARGE + n))
    assert len(fused.programs) == 3


@native
def test_threads_share_programs():
    x = torch.from_numpy(NUMBERS.astype("float32"))
    wanted = plainly(F.cross_entropy, x, CLASSES).item()
    F.cross_entropy(x, CLASSES)
    found: list[float] = []
    workers = [threading.Thread(target=lambda: found.extend(F.cross_entropy(x, CLASSES).item() for _ in range(20)))
               for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 80 and np.allclose(found, wanted, rtol=1e-5)


def test_the_switch(monkeypatch):
    torch.backends.fused.enable(False)
    assert not torch.backends.fused.is_enabled()
    F.softmax(torch.from_numpy(NUMBERS), 1)
    assert not fused.programs
    torch.backends.fused.enable(True)
    code = "import stickonfire as torch; print(torch.backends.fused.is_enabled())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"STICKONFIRE_FUSED": "0", "PATH": "", "PYTHONPATH": ":".join(sys.path)})
    assert done.stdout == "False\n"


def test_without_llvmlite_numpy_goes_on(monkeypatch):
    monkeypatch.setattr(llvm, "available", lambda: False)
    x = torch.from_numpy(NUMBERS)
    assert torch.equal(F.softmax(x, 1), plainly(F.softmax, x, 1))
    assert list(fused.programs.values()) == [None]


def test_flags_stand_at_the_declarations():
    declared = {op.name for op in REGISTRY.values() if op.fused}
    assert {"softmax", "log_softmax", "nll_loss", "layer_norm", "rms_norm", "gelu", "silu"} <= declared
