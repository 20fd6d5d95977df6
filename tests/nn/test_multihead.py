"""Multi-head attention and transformers: masks, forms of input, errors, and every option against PyTorch."""
from __future__ import annotations

import math
import warnings

import pytest

import stickonfire as sf
from stickonfire import nn


def numbers(lib, *shape, phase=0.0):
    """The same numbers on both sides, leaves that require gradients."""
    count = math.prod(shape)
    return (lib.arange(count, dtype=lib.float64) * 0.7 + phase).sin().reshape(shape).clone().requires_grad_()


def test_masks_of_bools_and_floats_do_the_same():
    attention, x = nn.MultiheadAttention(4, 2), sf.randn(3, 2, 4)
    causal = sf.ones(3, 3).triu(1).bool()
    padding = sf.tensor([[False, False, True], [False, True, True]])
    for options in ({"attn_mask": causal}, {"key_padding_mask": padding},
                    {"attn_mask": causal, "key_padding_mask": padding}):
        floats = {k: sf.zeros(m.shape).masked_fill(m, -math.inf) for k, m in options.items()}
        out, weights = attention(x, x, x, **options)
        again, same = attention(x, x, x, **floats)
        fused, nothing = attention(x, x, x, need_weights=False, **options)
        assert sf.allclose(out, again) and sf.allclose(weights, same)
        assert sf.allclose(out, fused, atol=1e-6) and nothing is None
    assert weights[0, 2].tolist()[2] == 0.0 and sf.allclose(weights.sum(-1), sf.ones(2, 3))


def test_shapes():
    query, key, value = sf.randn(5, 2, 4), sf.randn(6, 2, 3), sf.randn(6, 2, 7)
    attention = nn.MultiheadAttention(4, 2, kdim=3, vdim=7, add_bias_kv=True, add_zero_attn=True)
    out, weights = attention(query, key, value, average_attn_weights=False)
    assert out.shape == (5, 2, 4) and weights.shape == (2, 2, 5, 8)
    out, weights = attention(query[:, 0], key[:, 0], value[:, 0])
    assert out.shape == (5, 4) and weights.shape == (5, 8)
    assert repr(nn.MultiheadAttention(2, 1)) == (
        "MultiheadAttention(\n"
        "  (out_proj): NonDynamicallyQuantizableLinear(in_features=2, out_features=2, bias=True)\n)")
    assert attention.merge_masks(None, None, query) == (None, None)


def test_subsequent_mask_and_causal_hint():
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    assert mask.tolist() == [[0, -math.inf, -math.inf], [0, 0, -math.inf], [0, 0, 0]]
    layer, x = nn.TransformerEncoderLayer(4, 2, 8, 0.0), sf.randn(3, 2, 4)
    assert sf.allclose(layer(x, src_mask=mask), layer(x, src_mask=mask, is_causal=True), atol=1e-6)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    assert sf.allclose(encoder(x, mask=mask)[0], encoder(x[:1])[0], atol=1e-6)      # position 0 sees itself only


def test_the_choice_of_kernels_changes_nothing():
    from stickonfire.nn.attention import SDPBackend, sdpa_kernel
    x = sf.randn(1, 2, 3, 4)
    with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION], set_priority=True):
        out = nn.functional.scaled_dot_product_attention(x, x, x)
    assert sf.equal(out, nn.functional.scaled_dot_product_attention(x, x, x))
    with pytest.raises(AssertionError, match="must be an instance of SDPBackend"), sdpa_kernel("math"):
        pass


def test_pytorchs_names_for_files():
    from stickonfire.nn import modules
    assert modules.rnn.LSTM is nn.LSTM is modules.LSTM and modules.transformer.Transformer is nn.Transformer
    assert modules.activation.MultiheadAttention is nn.MultiheadAttention and modules.adaptive and nn.RNNCellBase
    for owner in (nn, modules, modules.activation, nn.functional, nn.utils):
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            owner.nothing
    assert "LSTM" in dir(nn)


ERRORS = [
    lambda torch: torch.nn.MultiheadAttention(0, 1),
    lambda torch: torch.nn.MultiheadAttention(5, 2),
    lambda torch: torch.nn.MultiheadAttention(4, 2)(*[torch.ones(2)] * 3),
    lambda torch: torch.nn.MultiheadAttention(4, 2)(torch.ones(2, 1, 4), torch.ones(2, 4), torch.ones(2, 4)),
    lambda torch: torch.nn.MultiheadAttention(4, 2)(*[torch.ones(2, 1, 3)] * 3),
    lambda torch: torch.nn.MultiheadAttention(4, 2)(*[torch.ones(2, 1, 4)] * 3, attn_mask=torch.ones(3, 3)),
    lambda torch: torch.nn.MultiheadAttention(4, 2)(*[torch.ones(2, 1, 4)] * 3, attn_mask=torch.ones(3, 2, 2)),
    lambda torch: torch.nn.MultiheadAttention(4, 2)(*[torch.ones(2, 1, 4)] * 3, attn_mask=torch.ones(2, 2).int()),
    lambda torch: torch.nn.MultiheadAttention(4, 2)(*[torch.ones(2, 1, 4)] * 3, key_padding_mask=torch.ones(2)),
    lambda torch: torch.nn.MultiheadAttention(4, 2)(*[torch.ones(2, 1, 4)] * 3, key_padding_mask=torch.ones(1, 3)),
    lambda torch: torch.nn.MultiheadAttention(4, 2)(*[torch.ones(2, 1, 4)] * 3, is_causal=True),
    lambda torch: torch.nn.TransformerEncoderLayer(4, 2, activation="tanh"),
    lambda torch: torch.nn.Transformer(4, 2, 1, 1, 8)(torch.ones(3, 2, 4), torch.ones(3, 1, 4)),
    lambda torch: torch.nn.Transformer(4, 2, 1, 1, 8)(torch.ones(3, 2, 5), torch.ones(3, 2, 5)),
]


@pytest.mark.oracle
@pytest.mark.parametrize("snippet", ERRORS)
def test_errors_are_pytorchs(snippet):
    torch, raised = pytest.importorskip("torch"), []
    for lib in (torch, sf):
        with warnings.catch_warnings(), pytest.raises(Exception) as caught:
            warnings.simplefilter("ignore")
            snippet(lib)
        raised.append(caught.value)
    theirs, ours = raised
    assert type(ours) is type(theirs)
    assert str(ours).replace("torch.", "").startswith(str(theirs).split("\n")[0].rstrip(".")[:60].replace("torch.", ""))


def compared(build, once=False):
    """Builds on both sides from one seed, compares repr, state, results and gradients of two orders."""
    torch, found = pytest.importorskip("torch"), []
    for lib in (torch, sf):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lib.manual_seed(5)
            module, outs, leaves = build(lib)
        outs = [t for t in outs if t is not None]
        leaves = [*leaves, *module.parameters()]
        loss = sum((t * t.detach().cos()).sum() for t in outs)
        grads = lib.autograd.grad(loss, leaves, create_graph=True, allow_unused=True)
        grads = [g for g in grads if g is not None]
        found.append((repr(module), list(module.state_dict()), [*outs, *module.parameters(), *grads]))
        if once:                # PyTorch's fused attention on the CPU has no second derivative
            continue
        second = lib.autograd.grad(sum((g * g).sum() for g in grads), leaves, allow_unused=True)
        found[-1][2].extend(g for g in second if g is not None)
    (text, keys, wanted), (our_text, our_keys, ours) = found
    assert our_text == text and our_keys == keys
    for a, b in zip(ours, wanted, strict=True):
        assert tuple(a.shape) == tuple(b.shape)
        assert a.detach().flatten().tolist() == pytest.approx(b.detach().flatten().tolist(), rel=1e-8, abs=1e-8)


ATTENTION = [
    ({}, {}, "self"),
    ({"bias": False}, {"average_attn_weights": False}, "memory"),
    ({"batch_first": True}, {"need_weights": False}, "self"),
    ({"add_bias_kv": True, "add_zero_attn": True}, {"mask": "3d"}, "self"),
    ({"add_bias_kv": True}, {"mask": "2d", "padding": True}, "memory"),
    ({"kdim": 3, "vdim": 5}, {"padding": True, "need_weights": False}, "apart"),
    ({"dropout": 0.4}, {"mask": "2d"}, "memory"),
    ({"add_zero_attn": True, "dropout": 0.4}, {"need_weights": False, "padding": True}, "self"),
    ({}, {"mask": "causal", "is_causal": True, "need_weights": False}, "self"),
    ({}, {"unbatched": True, "mask": "2d"}, "memory"),
]


@pytest.mark.oracle
@pytest.mark.parametrize(("made", "called", "form"), ATTENTION)
def test_attention_is_pytorchs(made, called, form):
    def build(lib):
        options = dict(called)
        module = lib.nn.MultiheadAttention(4, 2, **made).to(lib.float64)
        source = 3 if form == "self" else 5
        q = numbers(lib, 3, 2, 4)
        k = q if form == "self" else numbers(lib, source, 2, made.get("kdim", 4), phase=1)
        v = k if form != "apart" else numbers(lib, source, 2, made["vdim"], phase=2)
        leaves = list({id(t): t for t in (q, k, v)}.values())
        mask = options.pop("mask", None)
        if mask == "3d":
            options["attn_mask"] = numbers(lib, 4, 3, source).detach()
        elif mask is not None:
            options["attn_mask"] = lib.ones(3, source, dtype=lib.float64).triu(1).bool()
        if options.pop("padding", False):
            options["key_padding_mask"] = lib.tensor([[False] * source, [False] * (source - 1) + [True]])
        if options.pop("unbatched", False):
            q, k, v = q[:, 0], k[:, 0], v[:, 0]
        if made.get("batch_first"):
            q = k = v = q.transpose(0, 1)
        lib.manual_seed(7)
        return module, module(q, k, v, **options), leaves
    compared(build, once=not called.get("need_weights", True))


@pytest.mark.oracle
@pytest.mark.parametrize("options", [
    {}, {"norm_first": True, "activation": "gelu"}, {"batch_first": True, "bias": False, "dropout": 0.3}])
def test_transformers_are_pytorchs(options):
    def build(lib):
        module = lib.nn.Transformer(4, 2, 2, 1, 6, **{"dropout": 0.0, **options}).to(lib.float64)
        src, tgt = numbers(lib, 5, 2, 4), numbers(lib, 3, 2, 4, phase=1)
        given = [t.transpose(0, 1) for t in (src, tgt)] if options.get("batch_first") else [src, tgt]
        mask = lib.nn.Transformer.generate_square_subsequent_mask(3, dtype=lib.float64)
        padding = lib.zeros(2, 5, dtype=lib.float64)
        lib.manual_seed(7)
        return module, [module(*given, tgt_mask=mask, src_key_padding_mask=padding)], [src, tgt]
    compared(build, once=True)


@pytest.mark.oracle
@pytest.mark.parametrize("norm", [False, True])
def test_padded_positions_in_evaluation_are_pytorchs(norm):
    torch, found = pytest.importorskip("torch"), []
    for lib in (torch, sf):
        lib.manual_seed(0)
        layer = lib.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        model = lib.nn.TransformerEncoder(layer, 2, lib.nn.LayerNorm(4) if norm else None).eval()
        padding = lib.tensor([[False, False, True], [False, False, False]])
        with lib.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            x = numbers(lib, 2, 3, 4).float()
            found += [model(x, src_key_padding_mask=padding).flatten().tolist(), model(x).flatten().tolist(),
                      model(x, src_key_padding_mask=~padding.flip(1)).flatten().tolist()[12:]]
    for a, b in zip(found[:2], found[3:5]):
        assert b == pytest.approx(a, rel=1e-4, abs=1e-5)
