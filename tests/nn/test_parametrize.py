"""Parametrized tensors, weight norm, spectral norm, orthogonal matrices: by themselves and against PyTorch."""
from __future__ import annotations

import copy
import pickle
import warnings

import pytest

import stickonfire as sf
from stickonfire import nn
from stickonfire.nn import utils
from stickonfire.nn.utils import parametrizations, parametrize


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).mT

    def right_inverse(self, x):
        return x.triu()


class Double(nn.Module):
    def forward(self, x):
        return 2 * x


class Product(nn.Module):
    def forward(self, a, b):
        return a * b

    def right_inverse(self, x):
        return x.abs(), x.sign()


def test_registering_and_removing():
    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert parametrize.is_parametrized(layer) and parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias") and not parametrize.is_parametrized(nn.Linear(1, 1))
    assert sf.equal(layer.weight, layer.weight.T) and type(layer).__name__ == "ParametrizedLinear"
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    layer(sf.ones(3)).sum().backward()
    assert layer.parametrizations.weight.original.grad is not None
    layer.weight = sf.eye(3)
    assert sf.equal(layer.weight, sf.eye(3))
    parametrize.register_parametrization(layer, "weight", Double())
    assert sf.equal(layer.weight, 2 * sf.eye(3))
    with pytest.raises(RuntimeError, match="parametrization Double does not implement right_inverse"):
        layer.weight = sf.eye(3)
    twin = copy.deepcopy(layer)
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear and isinstance(layer.weight, nn.Parameter)
    assert sf.equal(layer.weight, 2 * sf.eye(3)) and sf.equal(twin.parametrizations.weight.original, sf.eye(3))
    with pytest.raises(RuntimeError, match="only supported through state_dict"):
        pickle.dumps(parametrize.register_parametrization(nn.Linear(2, 2), "weight", Symmetric()))


def test_several_originals_buffers_and_transfer():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Product())
    before = layer.weight.tolist()
    assert {"parametrizations.weight.original0", "parametrizations.weight.original1"} < {*layer.state_dict()}
    with pytest.raises(ValueError, match="leave_parametrized=False"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    other = parametrize.transfer_parametrizations_and_params(layer, nn.Linear(2, 2))
    assert other.weight.tolist() == before
    assert other.parametrizations.weight.original0 is layer.parametrizations.weight.original0
    assert parametrize.remove_parametrizations(layer, "weight").weight.tolist() == before
    norm = parametrize.register_parametrization(nn.BatchNorm1d(2), "running_mean", Double())
    assert norm.running_mean.tolist() == [0, 0] and "parametrizations.running_mean.original" in norm.state_dict()


def test_cached_values_are_computed_once():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Double())
    assert layer.weight is not layer.weight
    with parametrize.cached():
        assert layer.weight is layer.weight
    assert not parametrize._cache


@pytest.mark.parametrize(("run", "text"), [
    (lambda: parametrize.register_parametrization(nn.Linear(2, 2), "nothing", Double()), "does not have a parameter"),
    (lambda: parametrize.remove_parametrizations(nn.Linear(2, 2), "weight"), "does not have a parametrization on"),
    (lambda: parametrize.register_parametrization(nn.Linear(2, 3), "weight", nn.Flatten(0)), "may not change the sh"),
    (lambda: parametrize.ParametrizationList([], sf.ones(1)), "requires one or more modules"),
    (lambda: parametrizations.orthogonal(nn.Linear(2, 2), "bias"), "Expected a matrix or batch of matrices"),
    (lambda: parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="x"), "orthogonal_map has to be one of"),
    (lambda: parametrizations.spectral_norm(nn.Linear(2, 2), "x"), "has no parameter or buffer with name 'x'"),
    (lambda: parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0), "to be positive"),
    (lambda: utils.remove_weight_norm(nn.Linear(2, 2)), "weight_norm of 'weight' not found"),
    (lambda: utils.remove_spectral_norm(nn.Linear(2, 2)), "spectral_norm of 'weight' not found"),
    (lambda: utils.spectral_norm(nn.LazyLinear(2)), "can't have uninitialized parameters"),
    (lambda: utils.spectral_norm(nn.Linear(2, 2, bias=False), "bias"), "is None"),
])
def test_errors(run, text):
    with pytest.raises(ValueError) as caught:
        run()
    assert text in str(caught.value)


@pytest.mark.parametrize("form", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
@pytest.mark.parametrize("trivialised", [True, False])
def test_orthogonal_matrices_are_orthogonal(form, shape, trivialised):
    layer = nn.Linear(shape[1], shape[0]).double()
    parametrizations.orthogonal(layer, orthogonal_map=form, use_trivialization=trivialised)

    def gram(w):
        return w @ w.T if shape[0] <= shape[1] else w.T @ w

    identity = sf.eye(min(shape), dtype=sf.float64)
    assert sf.allclose(gram(layer.weight), identity, atol=1e-10)
    layer.weight.cos().sum().backward()
    with sf.no_grad():
        layer.parametrizations.weight.original.sub_(layer.parametrizations.weight.original.grad, alpha=0.3)
    if form != "householder":       # there a step may only move the reflectors, not the signs
        assert sf.allclose(gram(layer.weight), identity, atol=1e-10)
    wanted = nn.init.orthogonal_(sf.empty(*shape, dtype=sf.float64))
    if trivialised or form == "householder":
        layer.weight = wanted
        assert sf.allclose(layer.weight, wanted, atol=1e-10)
    else:
        with pytest.raises(NotImplementedError, match="when use_trivialization=False"):
            layer.weight = wanted


def without_spectral_norm(torch):
    layer = torch.nn.utils.spectral_norm(torch.nn.Linear(3, 2))
    layer(torch.ones(3))        # u and v are near the singular vectors now
    return torch.nn.utils.remove_spectral_norm(layer)


# what is done to which layer; each is run on both sides
NORMS = {
    "weight_norm": lambda torch: torch.nn.utils.weight_norm(torch.nn.Linear(3, 2)),
    "weight_norm of a dim": lambda torch: torch.nn.utils.weight_norm(torch.nn.Conv1d(3, 2, 2), dim=1),
    "weight_norm of all": lambda torch: torch.nn.utils.weight_norm(torch.nn.Linear(3, 2), dim=None),
    "spectral_norm": lambda torch: torch.nn.utils.spectral_norm(torch.nn.Linear(3, 2)),
    "spectral_norm of outputs": lambda torch: torch.nn.utils.spectral_norm(torch.nn.ConvTranspose1d(3, 2, 2), eps=1e-3,
                                                                           n_power_iterations=2),
    "new weight_norm": lambda torch: torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(3, 2)),
    "new weight_norm of a dim": lambda torch: torch.nn.utils.parametrizations.weight_norm(
        torch.nn.Conv1d(3, 2, 2), "bias"),
    "new spectral_norm": lambda torch: torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(3, 2)),
    "new spectral_norm of outputs": lambda torch: torch.nn.utils.parametrizations.spectral_norm(
        torch.nn.ConvTranspose1d(3, 2, 2), n_power_iterations=2),
    "spectral_norm of a vector": lambda torch: torch.nn.utils.parametrizations.spectral_norm(
        torch.nn.Linear(3, 2), "bias"),
    "removed": lambda torch: torch.nn.utils.remove_weight_norm(torch.nn.utils.weight_norm(torch.nn.Linear(3, 2))),
    "removed spectral": lambda torch: without_spectral_norm(torch),
    "orthogonal": lambda torch: torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(3, 3)),
    "orthogonal cayley": lambda torch: torch.nn.utils.parametrizations.orthogonal(
        torch.nn.Linear(3, 3), orthogonal_map="cayley"),
    "orthogonal wide": lambda torch: torch.nn.utils.parametrizations.orthogonal(
        torch.nn.Linear(3, 2), use_trivialization=False),
    "orthogonal tall": lambda torch: torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(3, 5)),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", NORMS)
def test_norms_are_pytorchs(name):
    torch, found = pytest.importorskip("torch"), []
    for lib in (torch, sf):
        lib.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            layer = NORMS[name](lib)
        x = lib.arange(12.0).reshape(2, 3, 2).sin() if "Conv" in repr(layer) else lib.arange(6.0).reshape(2, 3).sin()
        layer(x)
        outs = [layer(x), layer.weight, layer.eval()(x)]
        sum((t * t.detach().cos()).sum() for t in outs).backward()
        found.append((repr(layer), list(layer.state_dict()), [name for name, _ in layer.named_parameters()],
                      [t.detach().flatten().tolist() for t in [*outs, *layer.state_dict().values()]]
                      + [p.grad.flatten().tolist() for p in layer.parameters()]))
    theirs, ours = found
    assert ours[:3] == theirs[:3]
    for a, b in zip(ours[3], theirs[3], strict=True):
        assert a == pytest.approx(b, rel=1e-4, abs=2e-5)


def test_weight_norm_reads_the_older_names_and_versions():
    with pytest.warns(FutureWarning, match="deprecated in favor of"):
        old = utils.weight_norm(nn.Linear(3, 2))
    new = parametrizations.weight_norm(nn.Linear(3, 2))
    new.load_state_dict(old.state_dict())
    assert sf.allclose(new.weight, old.weight)
    normed = utils.spectral_norm(nn.Linear(3, 2))
    normed(sf.ones(3))
    state = normed.state_dict()
    assert state._metadata[""]["spectral_norm"] == {"weight.version": 1}
    old_state = {"bias": state["bias"], "weight_orig": state["weight_orig"], "weight_u": state["weight_u"],
                 "weight": normed.weight.detach()}
    twin = utils.spectral_norm(nn.Linear(3, 2))
    twin.load_state_dict(old_state)
    assert sf.allclose(twin.eval()(sf.ones(3)), normed.eval()(sf.ones(3)), atol=1e-5)
    with pytest.raises(RuntimeError, match="Cannot register two spectral_norm hooks"):
        utils.spectral_norm(twin, "weight")
