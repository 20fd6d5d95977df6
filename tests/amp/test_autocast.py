"""autocast: which ops change dtype, how blocks nest, what is cached, Functions, and PyTorch's own lists."""
from __future__ import annotations

import threading

import pytest

pytest.importorskip("ml_dtypes")        # autocast computes in bfloat16

import stickonfire as torch
from stickonfire.amp import autocast, custom_bwd, custom_fwd, is_autocast_available

F = torch.nn.functional
bf16, f32 = torch.bfloat16, torch.float32
X, W = torch.rand(3, 4), torch.rand(4, 4)


def seen(f, *args, **options):
    with autocast("cpu", **options):
        return f(*args).dtype


@pytest.mark.parametrize(("f", "dtype"), [
    (lambda: X @ W, bf16), (lambda: torch.mm(X, W), bf16), (lambda: F.linear(X, W, W[0]), bf16),
    (lambda: torch.addmm(X, X, W), bf16), (lambda: torch.einsum("ij,jk->ik", X, W), bf16),
    (lambda: F.conv2d(X[None, None], W[None, None, :2]), bf16), (lambda: F.prelu(X - 0.5, W[0]), bf16),
    (lambda: F.conv_transpose1d(X[None], W[:3, :, None]), bf16), (lambda: torch.linalg.vecdot(X, X), bf16),
    (lambda: F.scaled_dot_product_attention(X[None], W[None], W[None], attn_mask=X), bf16),
    (lambda: torch.mv(X, W[0]), f32), (lambda: X * W[0], f32), (lambda: X.softmax(-1), f32), (lambda: X.sum(), f32),
    (lambda: X.double() @ W.double(), torch.float64), (lambda: (X * 9).long() @ (W * 9).long(), torch.int64),
    (lambda: F.mse_loss(X.bfloat16(), X), f32), (lambda: F.l1_loss(X.bfloat16(), X.bfloat16()), f32),
    (lambda: F.cross_entropy(X.bfloat16(), torch.tensor([0, 1, 2])), f32), (lambda: X.bfloat16().prod(), f32),
    (lambda: F.avg_pool3d(X.bfloat16()[None, None], (1, 2, 2)), f32),
    (lambda: F.avg_pool2d(X.bfloat16()[None], 2), bf16),
    (lambda: F.pad(X.bfloat16(), (1, 1), "reflect"), f32), (lambda: F.pad(X.bfloat16(), (1, 1)), bf16),
    (lambda: torch.linalg.svdvals(W.bfloat16()), f32), (lambda: torch.cdist(X.bfloat16(), X.bfloat16()), f32),
    (lambda: torch.quantile(X.bfloat16(), 0.5), f32), (lambda: torch.fft.fft(X.bfloat16()), torch.complex64),
    (lambda: torch.cat([X, X.bfloat16()]), f32), (lambda: torch.stack([X, X.bfloat16()]), f32),
    (lambda: torch.cat([X.bfloat16(), X.bfloat16()]), bf16),
    (lambda: torch.index_copy(X[0], 0, torch.tensor([1]), X[1, :1].bfloat16()), f32),
    (lambda: X + X.bfloat16(), f32), (lambda: X.bfloat16().exp(), bf16),
    (lambda: F.layer_norm(X.bfloat16(), (4,), W[0], W[1]), bf16), (lambda: F.layer_norm(X, (4,), W[0]), f32),
    (lambda: torch.zeros(3, 4).addmm_(X, W), f32),
])
def test_which_ops_change_dtype(f, dtype):
    assert seen(f) is dtype


def test_values_are_those_of_a_cast():
    with autocast("cpu"):
        out = X @ W
    assert torch.equal(out, X.bfloat16() @ W.bfloat16())
    assert seen(torch.matmul, X, W, dtype=torch.float16) is torch.float16


def test_blocks_nest_and_end():
    with autocast("cpu"):
        assert torch.is_autocast_enabled("cpu") and not torch.is_autocast_enabled()
        with autocast("cpu", enabled=False):
            assert (X @ W).dtype is f32 and not torch.is_autocast_enabled("cpu")
            with autocast("cpu", dtype=torch.float16):
                assert (X @ W).dtype is torch.float16 and torch.get_autocast_dtype("cpu") is torch.float16
        assert (X @ W).dtype is bf16
        others = []
        thread = threading.Thread(target=lambda: others.append((X @ W).dtype))
        thread.start()
        thread.join()
        assert others == [f32]
    assert (X @ W).dtype is f32 and torch.get_autocast_dtype("cpu") is bf16
    with pytest.raises(ZeroDivisionError), autocast("cpu"):
        1 / 0
    assert (X @ W).dtype is f32

    @autocast("cpu")
    def decorated(x):
        return x @ W
    assert decorated(X).dtype is bf16 and (X @ W).dtype is f32


def test_training_keeps_parameters_in_float32():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.LayerNorm(8), torch.nn.GELU(), torch.nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        with torch.autocast(device_type="cpu", dtype=torch.bfloat16):
            out = model(X)
            loss = F.cross_entropy(out, torch.tensor([0, 1, 2]))
        assert out.dtype is bf16 and loss.dtype is f32
        loss.backward()
        assert all(p.grad.dtype is f32 for p in model.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_parameters_are_cast_once():
    w = W.clone().requires_grad_()
    with autocast("cpu"):
        first = (X @ w).grad_fn.next_functions[1][0]
        assert (X @ w).grad_fn.next_functions[1][0] is first
        with torch.no_grad():
            assert not (X @ w).requires_grad
        with torch.no_grad():
            w.mul_(2)
        assert torch.equal((X @ w), X.bfloat16() @ w.bfloat16())        # a write is noticed
        torch.clear_autocast_cache()
        assert (X @ w).grad_fn.next_functions[1][0] is not first
    with autocast("cpu", cache_enabled=False):
        assert not torch.is_autocast_cache_enabled()
        assert (X @ w).grad_fn.next_functions[1][0] is not (X @ w).grad_fn.next_functions[1][0]


def test_together_with_vmap_and_grad():
    with autocast("cpu"):
        assert torch.vmap(torch.mv, (0, None))(W.expand(2, 4, 4), X[0]).dtype is bf16   # a batch of mv is a matmul
        assert torch.vmap(lambda x: x @ W)(X).dtype is bf16
        assert torch.func.grad(lambda w: (X @ w).float().sum())(W).dtype is f32
    assert torch.vmap(autocast("cpu")(lambda x: x @ W))(X).dtype is bf16
    inner = torch.vmap(autocast("cpu", enabled=False)(lambda x: x @ W))
    assert autocast("cpu")(inner)(X).dtype is f32


def test_functions_remember_autocast():
    kinds = []

    class Product(torch.autograd.Function):
        @staticmethod
        @custom_fwd(device_type="cpu")
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a @ b

        @staticmethod
        @custom_bwd(device_type="cpu")
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            kinds.append((g.float() @ b.t()).dtype)
            return (g @ b.t()).float(), (a.t() @ g).float()

    class InFloat(torch.autograd.Function):
        @staticmethod
        @custom_fwd(device_type="cpu", cast_inputs=torch.float32)
        def forward(ctx, a):
            kinds.append((a.dtype, torch.is_autocast_enabled("cpu")))
            return a @ a

        @staticmethod
        @custom_bwd(device_type="cpu")
        def backward(ctx, g):
            return g
    a = W.clone().requires_grad_()
    with autocast("cpu"):
        out = Product.apply(a, W)
        InFloat.apply(W.bfloat16())
    assert out.dtype is bf16
    out.float().sum().backward()
    assert kinds == [(f32, False), bf16] and a.grad.dtype is f32


def test_warnings_and_errors():
    with pytest.warns(UserWarning, match="target dtype is not supported"), autocast("cpu", dtype=torch.float32):
        assert (X @ W).dtype is f32
    with pytest.warns(UserWarning, match="CUDA is not available"), torch.autocast("cuda"):
        assert (X @ W).dtype is f32
    with pytest.warns(FutureWarning, match=r"torch.amp.autocast\('cpu'"), torch.cpu.amp.autocast():
        assert (X @ W).dtype is bf16
    with pytest.warns((FutureWarning, UserWarning)), torch.cuda.amp.autocast():
        assert (X @ W).dtype is f32
    with pytest.raises(ValueError, match="device_type"):
        autocast(1)
    with pytest.raises(RuntimeError, match="foo"):
        autocast("foo")
    assert is_autocast_available("cpu") and not is_autocast_available("cuda")
    torch.set_autocast_enabled("cpu", True)
    assert (X @ W).dtype is bf16 and torch.is_autocast_cpu_enabled()
    torch.set_autocast_enabled("cpu", False)
    assert (X @ W).dtype is f32


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "MultiheadAttention",
                                  "TransformerEncoderLayer", "Bilinear"])
def test_layers_give_the_dtypes_of_pytorch(name):
    theirs = pytest.importorskip("torch")
    sizes = {"MultiheadAttention": (4, 2), "TransformerEncoderLayer": (4, 2, 8), "Bilinear": (4, 4, 3)}
    sizes = sizes.get(name, (4, 5))

    def dtypes(m):
        layer, x = getattr(m.nn, name)(*sizes), m.ones(2, 4) if "Cell" in name else m.ones(3, 2, 4)
        args = (x,) * {"MultiheadAttention": 3, "Bilinear": 2}.get(name, 1)
        with m.autocast("cpu", dtype=m.bfloat16):
            out = layer(*args)
        flat = [t for part in (out if isinstance(out, tuple) else (out,))
                for t in (part if isinstance(part, tuple) else (part,))]
        return [str(t.dtype) for t in flat]
    assert dtypes(torch) == dtypes(theirs)


NOT_HERE = {"_addmm_activation", "_native_multi_head_attention", "reflection_pad1d", "nll_loss2d"}     # its own parts
OTHERWISE = {"margin_ranking_loss", "poisson_nll_loss"}         # the lists call a form with other arguments


@pytest.mark.oracle
def test_the_ops_that_pytorch_lists(monkeypatch):
    theirs = pytest.importorskip("torch")
    monkeypatch.setattr(theirs.backends, "disable_global_flags", lambda: None)      # the lists' module would, for good
    from torch.testing._internal.autocast_test_lists import AutocastCPUTestLists

    lists = AutocastCPUTestLists("cpu")
    groups = [(lists.torch_16, bf16, None), (lists.nn_16, bf16, "nn"), (lists.torch_fp32, f32, None),
              (lists.nn_fp32, f32, "nn")]
    absent, checked = set(), 0
    for group, wanted, place in groups:
        for name, args, *rest in group:
            holder = F if place or not hasattr(torch, name) else torch
            if not hasattr(holder, name):
                absent.add(name)
            elif name not in OTHERWISE:
                given = [converted(theirs, a) for a in args]
                with autocast("cpu"):
                    out = getattr(holder, name)(*given, **(rest[0] if rest else {}))
                assert out.dtype is wanted, name
                checked += 1
    assert absent == NOT_HERE and checked == sum(len(group) for group, *_ in groups) - len(NOT_HERE | OTHERWISE)


def converted(theirs, value):
    if not isinstance(value, theirs.Tensor):
        return value
    made = torch.tensor(value.float().numpy() if value.dtype is theirs.bfloat16 else value.numpy())
    return made.to(getattr(torch, str(value.dtype).removeprefix("torch.")))
