"""models/gpt.py: shapes, causality, initialisation, parameter groups, sampling."""

import math

import pytest

import stickonfire as torch
from stickonfire.models import GPT, GPTConfig

SMALL = GPTConfig(vocab_size=11, context=8, n_layer=2, n_head=2, n_embd=16)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return GPT(SMALL)


def test_logits_and_loss(model):
    idx = torch.randint(0, 11, (3, 8))
    logits, loss = model(idx)
    assert logits.shape == (3, 8, 11)
    assert loss is None
    _, loss = model(idx, idx)
    assert loss.shape == ()
    assert abs(loss.item() - math.log(11)) < 0.2  # an untrained model knows nothing


def test_a_token_does_not_see_the_future(model):
    idx = torch.randint(0, 11, (1, 8))
    changed = idx.clone()
    changed[0, 5] = (changed[0, 5] + 1) % 11
    before, after = model(idx)[0], model(changed)[0]
    assert torch.equal(before[:, :5], after[:, :5])
    assert not torch.equal(before[:, 5:], after[:, 5:])


def test_all_parameters_get_gradients(model):
    idx = torch.randint(0, 11, (2, 8))
    model(idx, idx)[1].backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in model.parameters())


def test_head_is_tied_to_the_embedding(model):
    assert model.num_parameters() == 11 * 16 + 8 * 16 + 2 * (12 * 16 * 16 + 2 * 16) + 16
    assert model.num_parameters(embeddings=False) == model.num_parameters() - 8 * 16
    assert len(model.state_dict()) == len(list(model.parameters()))


def test_initialisation():
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=65, bias=True))
    assert abs(model.token_embedding.weight.std().item() - 0.02) < 0.001
    assert abs(model.blocks[0].mlp.proj.weight.std().item() - 0.02 / math.sqrt(8)) < 0.0005
    assert bool((model.blocks[0].mlp.proj.bias == 0).all())
    assert bool((model.norm.weight == 1).all())


def test_only_matrices_decay(model):
    decay, rest = model.parameter_groups(0.1)
    assert (decay["weight_decay"], rest["weight_decay"]) == (0.1, 0.0)
    assert all(p.dim() >= 2 for p in decay["params"])
    assert all(p.dim() < 2 for p in rest["params"])
    assert len(decay["params"]) + len(rest["params"]) == len(list(model.parameters()))


def test_generate(model):
    idx = torch.zeros(2, 3, dtype=torch.int64)
    g = torch.Generator().manual_seed(5)
    out = model.generate(idx, 12, generator=g)  # more than fits into the context
    assert out.shape == (2, 15)
    assert torch.equal(out[:, :3], idx)
    assert torch.equal(out, model.generate(idx, 12, generator=torch.Generator().manual_seed(5)))
    assert model.training


def test_generate_greedily(model):
    idx = torch.zeros(1, 1, dtype=torch.int64)
    greedy = model.generate(idx, 6, temperature=0)
    assert torch.equal(greedy, model.generate(idx, 6, temperature=1.0, top_k=1))
    assert greedy[0, 1].item() == model(idx)[0][0, -1].argmax().item()


def test_crop_context(model):
    idx = torch.randint(0, 11, (1, 4))
    model.eval()
    before = model(idx)[0]
    model.crop_context(4)
    assert model.config.context == 4
    assert torch.equal(model(idx)[0], before)
    with pytest.raises(ValueError, match="5 tokens do not fit into a context of 4"):
        model(torch.zeros(1, 5, dtype=torch.int64))
    with pytest.raises(ValueError, match="crop_context: 9 is not between 1 and 4"):
        model.crop_context(9)


def test_impossible_shapes():
    with pytest.raises(ValueError, match="n_embd must be divisible by n_head, got 16 and 3"):
        GPTConfig(vocab_size=5, n_embd=16, n_head=3)
    with pytest.raises(ValueError, match="n_layer must be at least 1, got 0"):
        GPTConfig(vocab_size=5, n_layer=0)


def test_negative_temperature(model):
    with pytest.raises(ValueError, match="temperature and top_k must not be negative"):
        model.generate(torch.zeros(1, 1, dtype=torch.int64), 1, temperature=-1.0)


def test_learns_a_repeating_text(model):
    idx = torch.arange(64) % 4
    x, y = idx[:-1].view(-1, 7)[:, :7], idx[1:].view(-1, 7)[:, :7]
    optimizer = torch.optim.AdamW(model.parameter_groups(0.0), lr=1e-2)
    for _ in range(120):
        optimizer.zero_grad()
        loss = model(x, y)[1]
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    assert model.generate(torch.tensor([[0, 1, 2]]), 4, temperature=0)[0].tolist() == [0, 1, 2, 3, 0, 1, 2]
