"""vmap: every family of ops against a loop over the batch, dims in and out, randomness, chunks, what it refuses."""
from __future__ import annotations

import contextlib

import pytest

import stickonfire as torch
from stickonfire.core import state
from stickonfire.func import grad, vmap
from stickonfire.func.pytree import leaves

F = torch.nn.functional
torch.manual_seed(0)
A, B3, ROWS = torch.rand(3, 4, 5), torch.rand(3, 5, 2), torch.randint(0, 4, (3, 2))
MASK, SQUARE = torch.rand(3, 4, 5) > 0.5, torch.rand(3, 4, 4) + 3 * torch.eye(4)
IMAGE, KERNEL, LABELS = torch.rand(3, 2, 4, 5, 5), torch.rand(3, 6, 2, 3, 3), torch.randint(0, 5, (3, 4))

CASES = {       # name: (function, inputs with the batch in dim 0)
    "elementwise": (lambda x, y: x.sin() * y.exp() + 2, A, A),
    "broadcast": (lambda x, y: x + y, A, A[:, 0]),
    "ranks": (lambda x, y: (x / y[0, 0], y - x.sum(), x > y[1]), A, A),
    "where": (lambda x, m: torch.where(m, x, 0.0), A, MASK),
    "clamp": (lambda x, y: x.clamp(min=y[0], max=0.7), A, A),
    "masked_fill": (lambda x, m: (x.masked_fill(m, -1.0), x.masked_fill(m, x.sum())), A, MASK),
    "complex": (lambda x, y: torch.view_as_real(torch.complex(x, y) * 2j).sum(-1), A, A),
    "sum": (lambda x: (x.sum(), x.sum(0), x.sum(-1, keepdim=True), x.mean((0, 1)), x[0, 0].sum()), A),
    "reductions": (lambda x: (x.var(), x.std(0), x.amax(1), x.prod(), x.prod(1), x.logsumexp(0), x.norm()), A),
    "extremes": (lambda x: (x.max(), x.min(0), x.argmax(), x.argmin(1, keepdim=True), x.median(), x.mode(0)), A),
    "bools": (lambda m: (m.all(), m.any(0), m.count_nonzero(), m[0, 0].all()), MASK),
    "scans": (lambda x: (x.cumsum(0), x.cumprod(-1), x.cummax(1)[0], x.logcumsumexp(0), x[0, 0].cumsum(0)), A),
    "sorts": (lambda x: (x.sort(0), x.argsort(-1), x.topk(2, 0), x.kthvalue(2, 1), x.sort(1, descending=True)), A),
    "softmax": (lambda x: (x.softmax(0), x.log_softmax(-1), F.glu(x.t(), 1)), A[:, :, :4]),
    "views": (lambda x: (x.view(-1), x.reshape(2, 10), x.t(), x.permute(1, 0), x.transpose(-1, 0), x.flatten()), A),
    "dims": (lambda x: (x.unsqueeze(-1), x[None].squeeze(0), x[:1].squeeze(), x.unflatten(0, (2, 2)), x.mT), A),
    "expand": (lambda x: (x[0].expand(6, 5), x[0, 0].expand(2), x.repeat(2, 1, 2), x.expand_as(x[None])), A),
    "parts": (lambda x: (*x.unbind(0), *x.split(2, 1), *x.chunk(2), *x.tensor_split(3, 1)), A),
    "joins": (lambda x, y: (torch.cat([x, y], 0), torch.stack([x, y], -1), torch.hstack([x, y])), A, A),
    "flips": (lambda x: (x.flip(0), x.roll(1), x.roll((1, 2), (0, 1)), x.rot90(), x.diff()), A),
    "diagonals": (lambda x: (x.diagonal(), x.diag_embed(), x.tril(), x.triu(1), x[0].diag(), x.trace()), A),
    "windows": (lambda x: (x.unfold(1, 2, 1), F.pad(x, (1, 2)), F.pad(x[None], (1, 1), "reflect")), A),
    "basic index": (lambda x: (x[1], x[:, 2], x[..., 1:3], x[None, 1:, ::2], x[-1, -1]), A),
    "index": (lambda x, i: (x[i], x[:, i], x[i, i], x[i, None, 1], x[i][:, i]), A, ROWS),
    "gather": (lambda x, i: (x.gather(1, i[:, None]), x.index_select(0, i), x.take(i), x[:, 0].gather(0, i)), A, ROWS),
    "scatter": (lambda x, i: (x.scatter(0, i[:, None], 9.0), x.scatter_add(1, i[:, None], x),
                              x.scatter_reduce(0, i[:, None], x, "amax")), A, ROWS),
    "index writes": (lambda x, i: (x.index_add(0, i, x[:2]), x.index_copy(1, i, x[:, :2]), x.index_fill(1, i, 3.0),
                                   x.index_put((i, i), x[0, :2]), x.put(i, x[0, :2])), A, ROWS),
    "masked_scatter": (lambda x, m: x.masked_scatter(m, x), A, MASK),
    "matmul": (lambda a, b: (a @ b, a[0] @ b, a @ b[:, 0], a[0] @ b[:, 0], a.mm(b), a.mv(b[:, 0])), A, B3),
    "products": (lambda a, b: (a[0].dot(b[:, 0]), torch.outer(a[0], b[0]), torch.einsum("ij,jk->ki", a, b),
                               torch.bmm(a[None], b[None]), torch.tensordot(a, b, 1), torch.kron(a, b)), A, B3),
    "added products": (lambda a, b: (torch.addmm(b[0], a, b, beta=2), torch.addmv(a[:, 0], a, b[:, 0]),
                                     torch.baddbmm(b[:1, None], a[None], b[None]), torch.addr(a, a[:, 0], a[0]),
                                     torch.addbmm(b[0], a[None], b[None], beta=0)), A, B3),
    "linear": (lambda x, w: (F.linear(x, w), F.linear(x[0], w, w[:, 0]), F.bilinear(x, x, w.expand(2, 5, 5), w[:2, 0])),
               A, torch.rand(3, 5, 5)),
    "linalg": (lambda a: (torch.linalg.inv(a), torch.linalg.det(a), torch.linalg.solve(a, a[:, 0]), a.matrix_power(3),
                          torch.linalg.slogdet(a), torch.linalg.qr(a), torch.linalg.cholesky(a @ a.mT),
                          torch.linalg.svdvals(a), torch.linalg.eigvalsh(a + a.mT), torch.linalg.matrix_norm(a)),
               SQUARE),
    "distances": (lambda a: (torch.cdist(a, a), F.pairwise_distance(a, a.flip(0)), F.cosine_similarity(a, a[0])), A),
    "conv": (lambda x, w: F.conv2d(x, w, w[:, 0, 0, 0], padding=1), IMAGE.transpose(1, 2), KERNEL),
    "conv transposed": (lambda x, w: F.conv_transpose2d(x, w, stride=2), IMAGE.transpose(1, 2)[:, :, :2, :, :],
                        KERNEL[:, :2]),
    "pools": (lambda x: (F.max_pool2d(x, 2), F.avg_pool2d(x, 2), F.adaptive_avg_pool2d(x, 2),
                         F.interpolate(x, scale_factor=2), F.unfold(x, 2)), IMAGE),
    "norms": (lambda x, w: (F.layer_norm(x, (5,), w[0], w[1]), F.rms_norm(x, (5,), w[0]), F.normalize(x),
                            F.group_norm(x[:, :4], 2, w[:, 0]), F.batch_norm(x, None, None, w[0], w[1], True)), A, A),
    "losses": (lambda x, y: (F.mse_loss(x, y), F.l1_loss(x, y), F.huber_loss(x, y, reduction="sum"),
                             F.kl_div(x, y, reduction="batchmean"), F.binary_cross_entropy(x, y),
                             F.smooth_l1_loss(x, y, reduction="none")), A, A.flip(1)),
    "classes": (lambda x, y: (F.cross_entropy(x, y), F.cross_entropy(x, y, x[0], ignore_index=1),
                              F.nll_loss(x[0], y[0]), F.cross_entropy(x, y, reduction="sum"),
                              F.multi_margin_loss(x, y)), A, LABELS),
    "embedding": (lambda i, w: (F.embedding(i, w), F.embedding(i, w, padding_idx=1), F.one_hot(i, 5)), ROWS, A),
    "attention": (lambda q, m: F.scaled_dot_product_attention(q, q, q, attn_mask=m[:, :4]), A, MASK),
    "creation": (lambda x: (torch.zeros_like(x) + x[0], x.new_ones(2) * x[0, 0], torch.arange(5) + x), A),
    "dtypes": (lambda x, i: (x.double() * 2, i.float().mean(), x[0, 0].double() + x, i + x[0, :2],
                            x.to(torch.float16)), A, ROWS),
    "fft": (lambda x: torch.view_as_real(torch.fft.rfft(x)), A),
    "search": (lambda x, y: torch.searchsorted(x.sort(-1)[0], y), A, A),
}


def assert_same(ours, wanted):
    for a, b in zip(leaves(ours), leaves(wanted), strict=True):
        assert a.shape == b.shape and a.dtype is b.dtype
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def loop(f, inputs, flags):
    rows = [leaves(f(*[x[i] if flag else x[0] for x, flag in zip(inputs, flags)])) for i in range(3)]
    return [torch.stack(column) for column in zip(*rows)]


@pytest.mark.parametrize("name", CASES)
def test_a_family_of_ops_gives_what_a_loop_gives(name):
    f, *inputs = CASES[name]
    ways = [(True,) * len(inputs)] + [tuple(i == j for j in range(len(inputs))) for i in range(len(inputs))]
    for flags in dict.fromkeys(ways):
        given = [x if flag else x[0] for x, flag in zip(inputs, flags)]
        out = vmap(lambda *a, f=f: tuple(leaves(f(*a))), tuple([0 if flag else None for flag in flags]))(*given)
        assert_same(out, loop(f, inputs, flags))


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_of_a_family_of_ops(name):
    f, *inputs = CASES[name]
    real = tuple([i for i, x in enumerate(inputs) if x.is_floating_point()])
    if not real:
        return

    def total(*args):
        return sum([(t.float() * torch.arange(1, t.numel() + 1).view(t.shape)).sum() for t in leaves(f(*args))
                    if t.is_floating_point() and t.numel()], torch.zeros(()))
    out = vmap(grad(total, real))(*inputs)
    assert_same(out, loop(grad(total, real), inputs, (True,) * len(inputs)))


def test_dims_in_and_out():
    x, y = torch.rand(2, 3, 4), torch.rand(4)
    assert torch.equal(vmap(torch.sin, 1, 1)(x), x.sin())
    assert torch.equal(vmap(torch.sin, -1, 0)(x), x.sin().movedim(-1, 0))
    assert torch.equal(vmap(lambda a, b: a * b, (2, 0), -1)(x, y), x * y)
    assert torch.equal(vmap(lambda a, b: a * b, (0, None))(x, y), x * y)
    both = vmap(lambda a: (a.sum(), {"a": a}), out_dims=(0, {"a": 1}))(x)
    assert both[0].shape == (2,) and torch.equal(both[1]["a"], x.transpose(0, 1))
    assert torch.equal(vmap(lambda d, b: d["k"][0] * b, ({"k": [0]}, None))({"k": [x]}, y), x * y)
    assert torch.equal(vmap(lambda a, *, b: a * b, 0)(x, b=x), x * x)               # keywords are mapped over dim 0
    assert vmap(lambda a: y, out_dims=0)(x).shape == (2, 4)                         # what does not depend is repeated
    assert vmap(lambda a: (a, y), out_dims=(0, None))(x)[1] is y


def test_nested():
    x, y = torch.rand(3), torch.rand(4)
    assert torch.equal(vmap(vmap(torch.mul, (None, 0)), (0, None))(x, y), torch.outer(x, y))
    a, b = torch.rand(3, 4, 5), torch.rand(3, 6, 5)
    pairs = vmap(vmap(vmap(torch.dot, (None, 0)), (0, None)))(a, b)
    torch.testing.assert_close(pairs, a @ b.mT)
    deep = vmap(lambda r: vmap(lambda e: e * r.sum() + x.sum())(r))(a[0])
    torch.testing.assert_close(deep, a[0] * a[0].sum(1, keepdim=True) + x.sum())


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 7])
def test_chunks_change_nothing(chunk_size):
    x = torch.rand(5, 3)
    out = vmap(lambda a: (a.sum(), a * 2), (0,), (0, 1), chunk_size=chunk_size)(x)
    assert_same(out, (x.sum(1), (x * 2).t()))


def test_writes_in_place():
    def f(x, i):
        y = torch.zeros_like(x)
        y[0] = x[1]
        y[i] += 1
        y[:, 1].mul_(2)
        return y.add_(x)
    x, i = torch.rand(3, 4, 5), torch.tensor([0, 1, 3])
    assert torch.equal(vmap(f, (0, None))(x, i), torch.stack([f(row, i) for row in x]))
    seen = x.clone()
    assert torch.equal(vmap(lambda a: a.mul_(2))(seen), seen) and torch.equal(seen, x * 2)
    with pytest.raises(RuntimeError, match="vmapped over but `self` not"):
        vmap(lambda a: torch.zeros(4, 5).add_(a))(x)


def test_randomness():
    x = torch.zeros(3, 2)
    with pytest.raises(RuntimeError, match="randomness error mode"):
        vmap(lambda a: torch.rand(2) + a)(x)
    torch.manual_seed(1)
    expected = torch.rand(3, 2)
    torch.manual_seed(1)
    assert torch.equal(vmap(lambda a: torch.rand(2) + a, randomness="different")(x), expected)
    torch.manual_seed(1)
    same = vmap(lambda a: torch.randn_like(a), randomness="same")(x)
    torch.manual_seed(1)
    assert torch.equal(same, torch.randn(2).expand(3, 2))
    dropped = vmap(lambda a: F.dropout(a, 0.5), randomness="different")(torch.ones(8, 64))
    assert len({tuple(row.tolist()) for row in dropped}) == 8
    for f in (torch.bernoulli, lambda a: torch.multinomial(a, 1), torch.poisson, lambda a: a.clone().normal_(),
              lambda a: torch.randperm(4), lambda a: torch.randint(9, (2,)), lambda a: a.new_empty(2).exponential_()):
        assert vmap(f, randomness="different")(torch.full((3, 2), 0.5)).shape[0] == 3
    with pytest.raises(RuntimeError, match="same randomness with a batched tensor"):
        vmap(torch.bernoulli, randomness="same")(torch.rand(3, 2))
    levels = vmap(lambda a: vmap(lambda b: torch.rand(()) + b, randomness="different")(a), randomness="same")(x)
    assert torch.equal(levels[0], levels[1]) and levels[0, 0] != levels[0, 1]


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda x: vmap(torch.sin, randomness="often"), RuntimeError, "Only allowed values for randomness"),
    (lambda x: vmap(torch.sin, chunk_size=0), ValueError, "chunk_size should be None or greater than 0"),
    (lambda x: vmap(torch.sin, 2)(x), ValueError, "expected in_dim to satisfy -2 <= in_dim < 2"),
    (lambda x: vmap(torch.sin, "0")(x), ValueError, "expected `in_dims` to be int"),
    (lambda x: vmap(torch.sin, (0, 0))(x), ValueError, "in_dims is not compatible with the structure of inputs"),
    (lambda x: vmap(lambda a, b: a, (0, 0))(x, 2.0), ValueError, "Got in_dim=0 for an input but the input is of type"),
    (lambda x: vmap(torch.mul)(x, x[:1]), ValueError, "Expected all tensors to have the same size in the mapped dim"),
    (lambda x: vmap(torch.sin, (None,))(x), ValueError, "at least one input must be mapped"),
    (lambda x: vmap(lambda: 1)(), ValueError, "got no inputs"),
    (lambda x: vmap(lambda a: 1.0)(x), ValueError, "must only return Tensors"),
    (lambda x: vmap(torch.sin, out_dims=(0, 1))(x), ValueError, "out_dims is not compatible"),
    (lambda x: vmap(torch.sin, out_dims=3)(x), IndexError, "Dimension out of range"),
    (lambda x: vmap(torch.sin, out_dims=None)(x), ValueError, "can not return a BatchedTensor when out_dim is None"),
    (lambda x: vmap(lambda a: a if a.sum() > 0 else -a)(x), RuntimeError, r"calling .item\(\) on a Tensor"),
    (lambda x: vmap(lambda a: a * a.sum().item())(x), RuntimeError, r"calling .item\(\) on a Tensor"),
    (lambda x: vmap(lambda a: a[a > 0])(x), RuntimeError, "data-dependent control flow"),
    (lambda x: vmap(lambda a: a.nonzero())(x), RuntimeError, "output dynamic shape"),
    (lambda x: vmap(lambda a: a.histc())(x), NotImplementedError, "Batching rule not implemented for aten::histc"),
    (lambda x: vmap(lambda a: a.requires_grad_())(x), RuntimeError, "use torch.func.grad"),
    (lambda x: vmap(lambda a: a.sum().backward())(x), RuntimeError, "inside a functorch transform"),
])
def test_what_it_refuses(call, error, text):
    with pytest.raises(error, match=text):
        call(torch.ones(2, 3))


def test_a_tensor_that_escapes_says_so():
    kept = []
    vmap(lambda a: kept.append(a) or a)(torch.ones(2, 3))
    with pytest.raises(RuntimeError, match="a vmap that has ended"):
        vmap(lambda b: kept[0] + b)(torch.ones(2, 3))


def test_what_is_seen_inside():
    seen = []

    def f(x):
        seen.append((x.shape, x.ndim, len(x), x.dtype, x.numel(), x.stride(), x.is_contiguous(), str(x.device),
                     repr(x)))
        return x.to("cpu").contiguous()
    vmap(f)(torch.ones(2, 3, 4))
    assert seen[0][:8] == ((3, 4), 2, 3, torch.float32, 12, (4, 1), True, "cpu")
    assert seen[0][8].startswith("BatchedTensor(lvl=1, bdim=0, value=\n    tensor([[[1.")


def test_gradients_flow_through():
    x, w = torch.rand(5, 3, requires_grad=True), torch.rand(3, requires_grad=True)
    layer = torch.nn.Linear(3, 2)
    (vmap(lambda a: layer(a * w).sum())(x) * torch.arange(5)).sum().backward()
    ours = [x.grad, w.grad, layer.weight.grad]
    x.grad = w.grad = layer.weight.grad = None
    (layer(x * w).sum(1) * torch.arange(5)).sum().backward()
    assert_same(ours, [x.grad, w.grad, layer.weight.grad])
    y = x.sin()
    rows = vmap(lambda v: torch.autograd.grad(y, x, v, create_graph=True)[0])(torch.eye(15).view(15, 5, 3))
    assert_same([rows.diagonal(0, 0, 1)] if rows.ndim == 2 else [rows.sum(0)], [x.cos()])


class Scaled(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x, w):
        return x.exp() * w

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g * x.exp() * w, (g * x.exp()).sum()


def test_functions_written_by_users():
    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def vmap(info, in_dims, x):
            assert info.batch_size == 3 and in_dims == (0,)
            return x * 3, 0
    x, w = torch.rand(3, 4), torch.tensor(2.0)
    assert torch.equal(vmap(Own.apply)(x), x * 3)
    assert_same(vmap(Scaled.apply, (0, None))(x, w), x.exp() * 2)
    assert_same(vmap(grad(lambda a: Scaled.apply(a, w).sum()))(x), x.exp() * 2)
    assert_same(grad(lambda v: vmap(Scaled.apply, (0, None))(x, v).sum())(w), x.exp().sum())
    assert_same(vmap(grad(lambda v, a: Scaled.apply(a, v).sum()), (None, 0))(w, x), x.exp().sum(1))
    Own.vmap = None
    with pytest.raises(RuntimeError, match="does not have vmap support"):
        vmap(Own.apply)(x)


def test_an_index_for_each_sample():
    x, j = torch.rand(3, 4, 5), torch.tensor([0, 3, 1])

    def f(a, j):
        b = a.clone()
        b[j] = 0
        b[:, j] += 1
        return a[j], a[:, j], a[j, 1:], a[j, j], b
    assert_same(vmap(f)(x, j), loop(f, (x, j), (True, True)))
    assert_same(vmap(lambda a, j: f(a.clone() + j * 0, j), (None, 0))(x[0], j), loop(f, (x, j), (False, True)))


def test_nothing_is_left_switched_on():
    for f in (torch.sin, lambda a: a.nonzero(), lambda a: torch.rand(2)):
        with contextlib.suppress(RuntimeError):
            vmap(f)(torch.ones(2, 3))
    assert state.plain and state.modes.handler is None


INPLACE = {
    "mul_": lambda x: x.clone().mul_(x), "mul_ by itself": lambda x: (lambda y: y.mul_(y))(x.clone()),
    "by a view": lambda x: (lambda y: y[:2].mul_(y[1:]))(x.clone()), "pow_": lambda x: x.clone().pow_(3),
    "abs_": lambda x: x.clone().abs_(), "clamp_": lambda x: x.clone().clamp_(-1, 1.5), "sin_": lambda x: (x * 2).sin_(),
    **{name: lambda x, name=name: getattr(torch.nn.functional, name)(x * 2, inplace=True)
       for name in ("relu", "leaky_relu", "elu", "selu", "celu", "hardtanh", "silu", "mish", "hardswish")}}


@pytest.mark.parametrize("name", INPLACE)
def test_writes_in_place_are_differentiated(name):
    x = torch.tensor([[1.0, 2.0, -3.0], [0.5, -1.0, 2.0]])
    found = torch.vmap(torch.func.grad(lambda t: INPLACE[name](t).sum()))(x)
    for row, got in zip(x, found):
        row = row.clone().requires_grad_()
        INPLACE[name](row).sum().backward()
        torch.testing.assert_close(got, row.grad)


def test_elements_cannot_leave():
    import numpy

    for leave in (lambda t: t.numpy(), lambda t: t.detach().numpy(force=True), torch.tensor, numpy.asarray,
                  lambda t: torch.tensor([t, t]), numpy.from_dlpack, lambda t: t.tolist()):
        with pytest.raises(RuntimeError, match="vmap"):
            torch.vmap(leave)(torch.ones(2))
