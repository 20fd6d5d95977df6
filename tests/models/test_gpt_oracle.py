"""models/gpt.py is written against the public API only: on PyTorch it is the same model, weight by weight."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

import stickonfire
from stickonfire.models import gpt as ours

pytestmark = pytest.mark.oracle


@pytest.fixture
def theirs(monkeypatch):
    """The source of gpt.py with `import torch` in place of `import stickonfire as torch`."""
    pytest.importorskip("torch")
    source = Path(ours.__file__).read_text(encoding="utf-8")
    source = source.replace("import stickonfire as torch", "import torch").replace(
        "from stickonfire", "from torch"
    )
    module = ModuleType("gpt_on_pytorch")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look it up there
    exec(compile(source, "gpt_on_pytorch.py", "exec"), module.__dict__)
    return module


def train(torch, module, steps):
    torch.manual_seed(7)
    model = module.GPT(
        module.GPTConfig(vocab_size=17, context=8, n_layer=2, n_head=2, n_embd=16, dropout=0.1)
    )
    weights = {name: t.detach().numpy().copy() for name, t in model.state_dict().items()}
    optimizer = torch.optim.AdamW(model.parameter_groups(0.1), lr=1e-2, betas=(0.9, 0.99))
    losses = []
    for _ in range(steps):
        idx = torch.randint(0, 17, (4, 9))
        loss = model(idx[:, :-1], idx[:, 1:])[1]
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    sample = model.generate(torch.zeros(2, 1, dtype=torch.int64), 12, temperature=0.8, top_k=5)
    return weights, losses, sample.tolist()


def test_same_weights_losses_and_samples(theirs):
    import torch

    weights, losses, sample = train(stickonfire, ours, steps=10)
    weights_there, losses_there, sample_there = train(torch, theirs, steps=10)
    assert weights.keys() == weights_there.keys()
    assert all((weights[name] == weights_there[name]).all() for name in weights)
    assert losses == pytest.approx(losses_there, rel=1e-4)
    assert sample == sample_there
