"""AdaptiveLogSoftmaxWithLoss, SyncBatchNorm, DataParallel, LinearCrossEntropyLoss, grouped_mm."""
from __future__ import annotations

import warnings

import pytest

import stickonfire as sf
from stickonfire import nn
from stickonfire.nn import functional as F


def test_adaptive_softmax_is_a_softmax():
    layer = nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3, 7], div_value=2.0, head_bias=True).double()
    x, y = sf.randn(6, 8).double(), sf.tensor([0, 2, 3, 6, 7, 11])
    full = layer.log_prob(x)
    assert sf.allclose(full.exp().sum(1), sf.ones(6).double())
    out, loss = layer(x, y)
    assert sf.allclose(out, full.gather(1, y.unsqueeze(1)).squeeze(1)) and sf.allclose(loss, -out.mean())
    assert layer.predict(x).tolist() == full.argmax(1).tolist()
    assert layer(x[0], y[0]).output.shape == () and layer.tail[1][0].weight.shape == (2, 8)


@pytest.mark.oracle
def test_adaptive_softmax_is_pytorchs():
    torch, found = pytest.importorskip("torch"), []
    for lib in (torch, sf):
        lib.manual_seed(0)
        layer = lib.nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3, 7], div_value=2.0)
        x, y = lib.arange(48.0).sin().reshape(6, 8).requires_grad_(), lib.tensor([0, 2, 3, 6, 7, 2])
        out, loss = layer(x, y)
        loss.backward()
        found.append((repr(layer), list(layer.state_dict()), layer.predict(x).tolist(),
                      [t.detach().flatten().tolist()
                       for t in (out, loss, x.grad, *[p.grad for p in layer.parameters()])]))
    theirs, ours = found
    assert ours[:3] == theirs[:3]
    for a, b in zip(ours[3], theirs[3], strict=True):
        assert a == pytest.approx(b, rel=1e-5, abs=1e-6)


ERRORS = [
    lambda torch: torch.nn.AdaptiveLogSoftmaxWithLoss(4, 5, []),
    lambda torch: torch.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [5]),
    lambda torch: torch.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2, 2]),
    lambda torch: torch.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(torch.ones(3, 4), torch.tensor([0, 1])),
    lambda torch: torch.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(torch.ones(2, 4), torch.tensor([0, 5])),
    lambda torch: torch.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(torch.ones(1, 4), torch.tensor(0)),
    lambda torch: torch.nn.SyncBatchNorm(3)(torch.ones(3)),
    lambda torch: torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(1, 1)),
    lambda torch: torch.nn.LinearCrossEntropyLoss(4, 3, weight=torch.ones(2)),
    lambda torch: torch.nn.LinearCrossEntropyLoss(4, 3, label_smoothing=2),
    lambda torch: torch.nn.LinearCrossEntropyOptions(chunking_method="halves"),
    lambda torch: torch.nn.LinearCrossEntropyOptions(batch_chunk_size=0),
    lambda torch: torch.nn.LinearCrossEntropyOptions(acc_policy="fast"),
    lambda torch: torch.nn.LinearCrossEntropyOptions(acc_dtype=torch.int64),
    lambda torch: torch.nn.functional.linear_cross_entropy(torch.ones(2, 3), torch.ones(4, 5), torch.tensor([0, 1])),
    lambda torch: torch.nn.functional.linear_cross_entropy(torch.ones(3), torch.ones(4, 2, 3), torch.tensor([0, 1])),
    lambda torch: torch.nn.functional.linear_cross_entropy(
        torch.ones(2, 3), torch.ones(4, 3), torch.tensor([0, 1]), linear_bias=torch.ones(3)),
    lambda torch: torch.nn.functional.linear_cross_entropy(
        torch.ones(2, 3), torch.ones(4, 3), torch.ones(2, 4), ignore_index=1),
    lambda torch: torch.nn.functional.grouped_mm(torch.ones(2, 8), torch.ones(2, 8, 8)),
    lambda torch: torch.nn.functional.grouped_mm(torch.ones(2, 2, 8).double(), torch.ones(2, 8, 8).double()),
    lambda torch: torch.nn.functional.grouped_mm(torch.ones(2, 2, 8), torch.ones(2, 4, 8)),
]


@pytest.mark.oracle
@pytest.mark.parametrize("snippet", ERRORS)
def test_errors_are_pytorchs(snippet):
    torch, raised = pytest.importorskip("torch"), []
    for lib in (torch, sf):
        with pytest.raises(Exception) as caught:
            snippet(lib)
        raised.append(caught.value)
    assert type(raised[1]) is type(raised[0])
    assert str(raised[1]).lower().startswith(str(raised[0]).lower()[:20])


def test_sync_batch_norm_is_batch_norm():
    model = nn.Sequential(nn.BatchNorm1d(3, momentum=None), nn.Sequential(nn.BatchNorm2d(2, bias=False)))
    made = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert made is model and isinstance(made[0], nn.SyncBatchNorm) and isinstance(made[1][0], nn.SyncBatchNorm)
    assert made[1][0].bias is None and made[0].momentum is None
    x, plain = sf.randn(4, 3), nn.BatchNorm1d(3)
    sync = nn.SyncBatchNorm(3)
    assert sync(x).tolist() == plain(x).tolist() and sync.running_mean.tolist() == plain.running_mean.tolist()
    assert list(sync.state_dict()) == list(plain.state_dict())
    with pytest.raises(NotImplementedError, match="process groups are not there yet"):
        nn.SyncBatchNorm(3, process_group="world")


def test_data_parallel_calls_the_model():
    model = nn.Linear(2, 1)
    wrapped, x = nn.DataParallel(model, device_ids=[0]), sf.ones(3, 2)
    assert wrapped(x).tolist() == model(x).tolist() and wrapped.module is model and wrapped.device_ids == []
    assert list(wrapped.state_dict()) == ["module.weight", "module.bias"]
    assert nn.parallel.data_parallel(model, x).tolist() == model(x).tolist()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("rows", [1, 3, 8])
def test_pieces_give_the_whole_loss(reduction, rows):
    x, w, y = sf.randn(8, 5).double(), sf.randn(6, 5).double(), sf.tensor([0, 1, 2, 3, 4, 5, 2, 2])
    balance = sf.rand(6).double()
    found = []
    for options in (None, nn.LinearCrossEntropyOptions(batch_chunk_size=rows)):
        leaves = [t.clone().requires_grad_() for t in (x, w)]
        loss = F.linear_cross_entropy(*leaves, y, weight=balance, reduction=reduction, ignore_index=3, options=options)
        grads = sf.autograd.grad(loss.cos().sum(), leaves, create_graph=True)
        found.append([loss, *grads, *sf.autograd.grad(sum((g * g).sum() for g in grads), leaves)])
    for a, b in zip(*found):
        assert sf.allclose(a, b)


@pytest.mark.oracle
def test_piece_sizes_are_pytorchs():
    torch = pytest.importorskip("torch")
    for method in ("auto", None, "aspect_ratio", "aspect_ratio:4"):
        for batch, features, classes in ((8, 5, 4), (100, 8, 1000), (1, 3, 7), (33, 64, 50)):
            theirs = torch.nn.LinearCrossEntropyOptions(chunking_method=method)._adjust(
                batch, features, classes, torch.float32, torch.device("cpu")).batch_chunk_size
            ours = nn.LinearCrossEntropyOptions(chunking_method=method).rows(batch, features, classes, sf.float32)
            assert ours == theirs
    options = nn.LinearCrossEntropyOptions(batch_chunk_size=3, chunking_method="aspect_ratio")
    with pytest.raises(ValueError, match="pass only one"):
        options.rows(8, 5, 4, sf.float32)
    with pytest.warns(UserWarning, match="options`` ignored"):
        F.linear_cross_entropy(sf.ones(2, 3), sf.ones(4, 3), sf.tensor([0, 1]), label_smoothing=0.1, options=options)


@pytest.mark.oracle
@pytest.mark.parametrize(("a", "b", "ends"), [
    ((3, 4, 8), (3, 8, 16), None), ((12, 8), (3, 8, 16), [4, 8, 12]), ((3, 4, 8), (8, 24), [8, 16, 24]),
    ((16, 24), (24, 16), [8, 8, 24])])
def test_grouped_products_are_pytorchs(a, b, ends):
    torch, found = pytest.importorskip("torch"), []
    for lib in (torch, sf):
        x, y = (lib.arange(float(lib.ones(s).numel())).sin().reshape(s).requires_grad_() for s in (a, b))
        offs = None if ends is None else lib.tensor(ends, dtype=lib.int32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out = lib.nn.functional.grouped_mm(x, y, offs=offs)
        (out * out).sum().backward()
        found.append([t.detach().flatten().tolist() for t in (out, x.grad, y.grad)])
    for ours, theirs in zip(found[1], found[0]):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-4)
