"""nn.utils: batch norm folded into the layer before it, memory formats, calls with other parameters."""
from __future__ import annotations

import pytest

import stickonfire as sf
from stickonfire import nn
from stickonfire.nn import utils


def normed(norm):
    """A batch norm with statistics and parameters that do something."""
    with sf.no_grad():
        for t in (norm.running_mean, norm.weight, norm.bias):
            t.copy_(sf.rand(t.shape) + 0.5)
        norm.running_var.copy_(sf.rand(norm.running_var.shape) + 0.5)
    return norm.eval()


@pytest.mark.parametrize(("layer", "norm", "x"), [
    (nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4), (2, 2, 5)),
    (nn.Conv2d(4, 4, 3, bias=False, groups=2), nn.BatchNorm2d(4), (2, 4, 5, 5)),
    (nn.ConvTranspose2d(2, 4, 3), nn.BatchNorm2d(4), (2, 2, 5, 5)),
    (nn.Linear(3, 4), nn.BatchNorm1d(4), (5, 3)),
    (nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), (5, 3)),
])
def test_fused_layers_do_both(layer, norm, x):
    layer, norm, x = layer.eval(), normed(norm), sf.randn(*x)
    if isinstance(layer, nn.Linear):
        fused = utils.fuse_linear_bn_eval(layer, norm)
    else:
        fused = utils.fuse_conv_bn_eval(layer, norm, transpose=isinstance(layer, nn.ConvTranspose2d))
    assert sf.allclose(fused(x), norm(layer(x)), atol=1e-5) and type(fused) is type(layer) and fused is not layer


def test_fusion_refuses():
    with pytest.raises(AssertionError, match="Fusion only for eval!"):
        utils.fuse_conv_bn_eval(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    with pytest.raises(AssertionError, match="must not be None"):
        utils.fuse_conv_bn_eval(nn.Conv2d(1, 1, 1).eval(), nn.BatchNorm2d(1, track_running_stats=False).eval())
    with pytest.raises(AssertionError, match="To fuse, linear.out_features == bn.num_features"):
        utils.fuse_linear_bn_eval(nn.Linear(1, 2).eval(), nn.BatchNorm1d(3).eval())


@pytest.mark.oracle
def test_fused_weights_are_pytorchs():
    torch, found = pytest.importorskip("torch"), []
    for lib in (torch, sf):
        v = [lib.arange(3.0) + i for i in range(1, 6)]
        w = lib.arange(6.0).reshape(3, 2, 1)
        for made in (lib.nn.utils.fuse_conv_bn_weights(w, v[0], v[1], v[2], 1e-3, v[3], v[4]),
                     lib.nn.utils.fuse_conv_bn_weights(w, None, v[1], v[2], 1e-3, None, None),
                     lib.nn.utils.fuse_linear_bn_weights(w[:, :, 0], None, v[1], v[2], 1e-3, v[3], v[4])):
            found.append([(type(p).__name__, p.requires_grad, p.tolist()) for p in made])
    for theirs, ours in zip(found[:3], found[3:]):
        for a, b in zip(ours, theirs):
            assert a[:2] == b[:2] and sf.allclose(sf.tensor(a[2]), sf.tensor(b[2]))


def test_memory_formats():
    model = nn.Sequential(nn.Conv2d(3, 2, 2), nn.Conv3d(3, 2, 2), nn.Linear(2, 2))
    x = sf.randn(1, 3, 4, 4)
    before = model[0](x)
    assert utils.convert_conv2d_weight_memory_format(model, sf.channels_last) is model
    utils.convert_conv3d_weight_memory_format(model, sf.channels_last_3d)
    assert model[0].weight.stride() == (12, 1, 6, 3) and model[1].weight.stride() == (24, 1, 12, 6, 3)
    assert sf.allclose(model[0](x), before, atol=1e-6)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 2, bias=False)
        self.b = nn.Linear(2, 2, bias=False)
        self.b.weight = self.a.weight
        self.register_buffer("count", sf.zeros(()))

    def forward(self, x, scale=1.0):
        self.count.add_(1)
        return self.b(self.a(x)) * scale


def test_functional_call():
    model, w, x = Tied(), 2 * sf.eye(2), sf.ones(2)
    w.requires_grad_()
    with pytest.warns(FutureWarning, match="torch.func.functional_call"):
        out = utils.stateless.functional_call(model, {"a.weight": w}, x, {"scale": 3.0})
    assert out.tolist() == [12.0, 12.0] and model.a.weight is model.b.weight is not w
    out.sum().backward()
    assert w.grad is not None and model.a.weight.grad is None
    call, count = utils.stateless.call_with, sf.tensor(5.0)
    call(model, [{"a.weight": w}, {"count": count}], (x,))
    assert count.item() == 6.0 and model.count.item() == 1.0
    assert call(model, {"a.weight": w}, x, tie_weights=False).tolist() == (2 * model.b.weight.sum(1)).tolist()
    for given, options, kind in (({"a.weight": w, "b.weight": sf.eye(2)}, {}, ValueError),
                                 ({"a.weight": w}, {"strict": True}, RuntimeError),
                                 ({"c.d": w}, {}, AttributeError), ([{"count": w}, {"count": w}], {}, ValueError)):
        with pytest.raises(kind):
            call(model, given, x, **options)
    with pytest.raises(RuntimeError, match="DataParallel"):
        call(nn.DataParallel(model), {}, x)
