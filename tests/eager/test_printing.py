"""`repr` of tensors: fixed texts that need no PyTorch, and thousands of random tensors against PyTorch's own
`repr`.
"""

from __future__ import annotations

import math
import random
import time

import pytest

import stickonfire as sof
from stickonfire.eager import printing

NAN, INF = float("nan"), float("inf")


@pytest.fixture(autouse=True)
def _default_options():
    printing.set_printoptions(profile="default")
    yield
    printing.set_printoptions(profile="default")


# What PyTorch 2.13 prints.
TEXTS = [
    (lambda: sof.tensor([1.0, 2.0]), "tensor([1., 2.])"),
    (lambda: sof.tensor(3.5), "tensor(3.5000)"),
    (lambda: sof.tensor(7), "tensor(7)"),
    (lambda: sof.tensor(True), "tensor(True)"),
    (lambda: sof.tensor([True, False]), "tensor([ True, False])"),
    (lambda: sof.tensor([1, -20], dtype=sof.int32), "tensor([  1, -20], dtype=torch.int32)"),
    (lambda: sof.tensor([NAN, 0.0, INF, -INF]), "tensor([nan, 0., inf, -inf])"),
    (lambda: sof.tensor([1.0, NAN]), "tensor([1., nan])"),
    (lambda: sof.tensor([1e-5, 1.0]), "tensor([1.0000e-05, 1.0000e+00])"),
    (lambda: sof.tensor([1.0, 2000.0]), "tensor([1.0000e+00, 2.0000e+03])"),
    (lambda: sof.tensor([0.5, 200.0]), "tensor([  0.5000, 200.0000])"),
    (lambda: sof.tensor([1.5], dtype=sof.float64), "tensor([1.5000], dtype=torch.float64)"),
    (lambda: sof.tensor([0.1], dtype=sof.float16), "tensor([0.1000], dtype=torch.float16)"),
    (lambda: sof.tensor([1 + 2j, -0.5j]), "tensor([1.+2.0000j, -0.-0.5000j])"),
    (lambda: sof.zeros(0, 3), "tensor([], size=(0, 3))"),
    (lambda: sof.zeros(0), "tensor([])"),
    (lambda: sof.zeros(0, dtype=sof.int64), "tensor([], dtype=torch.int64)"),
    (lambda: sof.arange(6.0).reshape(2, 3), "tensor([[0., 1., 2.],\n        [3., 4., 5.]])"),
    (lambda: sof.zeros(2, 1, 1), "tensor([[[0.]],\n\n        [[0.]]])"),
    (lambda: sof.arange(2000), "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"),
    (lambda: sof.ones(2, requires_grad=True), "tensor([1., 1.], requires_grad=True)"),
    (lambda: sof.ones(2, requires_grad=True) * 2, "tensor([2., 2.], grad_fn=<MulBackward0>)"),
    (
        lambda: sof.full((8,), 1.25, dtype=sof.float64, requires_grad=True),
        "tensor([1.2500, 1.2500, 1.2500, 1.2500, 1.2500, 1.2500, 1.2500, 1.2500],\n"
        "       dtype=torch.float64, requires_grad=True)",
    ),
]


@pytest.mark.parametrize("make, text", TEXTS, ids=[text.split("\n")[0] for _, text in TEXTS])
def test_fixed_texts(make, text):
    assert repr(make()) == text


def test_long_rows_wrap_at_the_line_width():
    lines = repr(sof.arange(40)).split("\n")
    assert max(map(len, lines)) <= 80
    assert all(line.startswith("        ") for line in lines[1:])


def test_options_change_the_text():
    printing.set_printoptions(precision=2)
    assert repr(sof.tensor([math.pi])) == "tensor([3.14])"
    printing.set_printoptions(sci_mode=True)
    assert repr(sof.tensor([math.pi])) == "tensor([3.14e+00])"
    printing.set_printoptions(profile="default", threshold=5, edgeitems=1)
    assert repr(sof.arange(9)) == "tensor([0,  ..., 8])"
    assert printing.get_printoptions()["edgeitems"] == 1


def test_options_hold_for_a_block_only():
    with printing.printoptions(precision=1):
        assert repr(sof.tensor(0.25)) == "tensor(0.2)"
    assert repr(sof.tensor(0.25)) == "tensor(0.2500)"


def test_default_dtype_is_not_spelled_out():
    sof.set_default_dtype(sof.float64)
    try:
        assert repr(sof.tensor([0.5])) == "tensor([0.5000])"
        assert repr(sof.tensor([0.5], dtype=sof.float32)) == "tensor([0.5000], dtype=torch.float32)"
    finally:
        sof.set_default_dtype(sof.float32)


def test_a_large_tensor_prints_at_once():
    t = sof.zeros(1000, 1000)
    best = INF
    for _ in range(5):
        start = time.perf_counter()
        repr(t)
        best = min(best, time.perf_counter() - start)
    assert best < 0.005


def test_a_long_graph_is_not_grown_by_printing():
    t = sof.ones(3, requires_grad=True) * 2
    before = t.grad_fn
    repr(t)
    assert t.grad_fn is before


# -- against PyTorch: its tensors go through our formatter ---------------------------------------------------


def random_values(torch, rng: random.Random, shape):
    """float64 values of one of eight characters: plain, whole, tiny or huge, wide spread, non-finite,
    zeros.
    """
    x = torch.randn(shape, dtype=torch.float64)
    some = torch.rand(shape) < 0.3
    return rng.choice(
        [
            lambda: x,
            lambda: x.round(),
            lambda: x * 10 ** rng.uniform(-8, 10),
            lambda: (x * 10 ** rng.uniform(0, 10)).round(),
            lambda: torch.exp(x * rng.uniform(1, 10)),
            lambda: torch.where(some, NAN, torch.where(x < 0, -INF, x)),
            lambda: torch.where(some, 0.0, torch.where(x > 1, INF, x.round())),
            lambda: x * 0,
        ]
    )()


def random_shape(rng: random.Random):
    if rng.random() < 0.15:
        return [rng.choice([999, 1000, 1001, 1002, 30, 50, 77])]
    sizes = rng.choice([[0, 1, 2, 3, 4, 7], [1, 2, 5, 6, 7, 8, 13, 40, 120]])
    shape = [rng.choice(sizes) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 3, 4, 5]))]
    while math.prod(shape) > 20_000:
        shape[rng.randrange(len(shape))] = 2
    return shape


def random_tensor(torch, rng: random.Random):
    names = "float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex64 complex128"
    dtype = getattr(torch, rng.choice(names.split()))
    values = random_values(torch, rng, random_shape(rng))
    if dtype.is_complex:
        t = torch.complex(values, values.flip(0) if values.dim() else values).to(dtype)
    elif dtype.is_floating_point:
        t = values.to(dtype)
    else:
        t = torch.nan_to_num(values, 0, 5, -5).to(dtype)
    if t.dim() > 1 and rng.random() < 0.3:
        t = t.transpose(0, -1)
    if (dtype.is_floating_point or dtype.is_complex) and rng.random() < 0.4:
        t = t.detach().requires_grad_(True)
        t = rng.choice([lambda: t, lambda: t * 1, lambda: t.clone(), lambda: t.exp()])()
    return t


def random_options(rng: random.Random):
    if rng.random() < 0.6:
        return {}
    return {
        "precision": rng.choice([0, 1, 2, 3, 4, 8]),
        "threshold": rng.choice([5, 50, 1000]),
        "edgeitems": rng.choice([0, 1, 2, 3, 5]),
        "linewidth": rng.choice([10, 40, 80, 120]),
        "profile": rng.choice([None, "short", "default"]),
        "sci_mode": rng.choice([None, True, False]),
    }


@pytest.mark.oracle
@pytest.mark.parametrize("seed", range(8))
def test_random_tensors_print_as_in_pytorch(seed):
    torch = pytest.importorskip("torch")
    rng = random.Random(seed)
    torch.manual_seed(seed)
    try:
        for _ in range(150):
            torch.set_printoptions(profile="default")
            printing.set_printoptions(profile="default")
            t, options = random_tensor(torch, rng), random_options(rng)
            torch.set_printoptions(**options)
            printing.set_printoptions(**options)
            default = rng.choice([torch.float32, torch.float64])
            torch.set_default_dtype(default)
            assert printing.format_tensor(t, default_dtype=default) == repr(t), (options, t.dtype, t.shape)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_printoptions(profile="default")


@pytest.mark.oracle
def test_meta_tensors_print_as_in_pytorch():
    torch = pytest.importorskip("torch")
    for dtype in (torch.float32, torch.int64, torch.float16):
        t = torch.empty(2, 3, device="meta", dtype=dtype)
        assert printing.format_tensor(t) == repr(t)


@pytest.mark.oracle
def test_our_tensors_print_as_pytorch_s():
    torch = pytest.importorskip("torch")
    rng = random.Random(99)
    for _ in range(150):
        theirs = random_tensor(torch, rng).detach()
        dtype = getattr(sof, str(theirs.dtype).removeprefix("torch."))
        through = theirs.float() if theirs.dtype is torch.bfloat16 else theirs
        ours = sof.from_numpy(through.contiguous().numpy().copy()).to(dtype)
        assert repr(ours) == repr(theirs)
