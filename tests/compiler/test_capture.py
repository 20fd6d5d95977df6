"""Whole training steps, compiled, against the same steps in eager: everything a textbook puts in one.

Each case makes two twins from the same seed. They must agree in results, parameters, gradients and buffers after
each of several calls, and the compiled one must really have been compiled.
"""

import pytest

import stickonfire as torch
from stickonfire import nn

F = nn.functional
pytestmark = pytest.mark.llvm
pytest.importorskip("llvmlite")


def data(i, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(i))


def labels(i, n, classes):
    return torch.randint(classes, (n,), generator=torch.Generator().manual_seed(i))


def state(parts):
    """Everything that modules and tensors hold, gradients too."""
    found = []
    for part in parts:
        tensors = [part] if torch.is_tensor(part) else [*part.parameters(), *part.buffers()]
        for t in tensors:
            found.append(t.detach().clone())
            if t.grad is not None:
                found.append(t.grad.clone())
    return found


def agree(make, calls=6, programs=1, close=None, between=None):
    """`make()` gives a step, a function call number -> arguments, and what to compare. Returns the compiled step."""
    outcomes = []
    for compiled in (False, True):
        torch.manual_seed(0)
        step, arguments, parts = make()
        run = torch.compile(step) if compiled else step
        seen = []
        torch.manual_seed(1)
        for i in range(calls):
            if between is not None:
                between(i, parts)
            result = run(*arguments(i))
            result = [
                r.detach().clone()
                for r in (result if isinstance(result, (tuple, list)) else [result])
                if torch.is_tensor(r)
            ]
            seen.append(result + state(p for p in parts if not isinstance(p, (torch.optim.Optimizer, dict, list))))
        outcomes.append(seen)
    for i, (a, b) in enumerate(zip(*outcomes)):
        assert len(a) == len(b), f"call {i}"
        for k, (x, y) in enumerate(zip(a, b)):
            torch.testing.assert_close(
                y, x, **(close or {"rtol": 2e-4, "atol": 2e-5}), msg=lambda m, at=(i, k): f"call, value {at}: {m}"
            )
    assert len(run.programs()) == programs, run.reasons
    assert_healthy(parts)
    return run


def assert_healthy(parts):
    """No tensor is left with an array of the compiler's."""
    for part in parts:
        if isinstance(part, (torch.optim.Optimizer, dict, list)):
            continue
        for t in [part] if torch.is_tensor(part) else [*part.parameters(), *part.buffers()]:
            assert type(t._array).__name__ == "ndarray"
            assert t.grad is None or type(t.grad._array).__name__ == "ndarray"


def training(model, optimizer, loss, shape=(16, 8), classes=4):
    def step(x, y):
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value.detach()

    return step, lambda i: (data(i, *shape), labels(i, shape[0], classes)), [model, optimizer]


def mlp(*extra):
    return nn.Sequential(nn.Linear(8, 17), nn.ReLU(), *extra, nn.Linear(17, 4))


# -- layers ----------------------------------------------------------------------------------------------------------

LAYERS = {
    "relu": lambda: mlp(),
    "dropout": lambda: mlp(nn.Dropout(0.3)),
    "batch norm": lambda: mlp(nn.BatchNorm1d(17)),
    "layer norm": lambda: mlp(nn.LayerNorm(17)),
    "rms norm": lambda: mlp(nn.RMSNorm(17)),
    "gelu": lambda: mlp(nn.GELU()),
    "silu": lambda: mlp(nn.SiLU()),
    "leaky": lambda: mlp(nn.LeakyReLU(0.1)),
    "elu": lambda: mlp(nn.ELU()),
    "softplus": lambda: mlp(nn.Softplus()),
    "tanh": lambda: mlp(nn.Tanh(), nn.Hardtanh()),
    "selu": lambda: mlp(nn.SELU()),
    "two dropouts": lambda: mlp(nn.Dropout(0.2), nn.Linear(17, 17), nn.Dropout(0.5)),
    "prelu": lambda: mlp(nn.PReLU()),
    "dropout and batch norm": lambda: mlp(nn.BatchNorm1d(17), nn.Dropout(0.5)),
    "group norm": lambda: nn.Sequential(nn.Linear(8, 18), nn.GroupNorm(3, 18), nn.Linear(18, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    def make():
        model = LAYERS[name]()
        return training(model, torch.optim.SGD(model.parameters(), lr=0.1), F.cross_entropy)

    agree(make)


def test_dropout_takes_the_same_random_numbers():
    def make():
        def step(x):
            return F.dropout(x, 0.5), torch.rand(3) + x[0, 0], torch.randn_like(x)

        return step, lambda i: (data(i, 5, 6),), []

    agree(make, close={"rtol": 0, "atol": 0})


def test_convolutions():
    def make():
        model = nn.Sequential(
            nn.Conv2d(1, 3, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(3),
            nn.Flatten(),
            nn.Linear(48, 4),
        )
        return training(
            model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), F.cross_entropy, (6, 1, 8, 8)
        )

    agree(make)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_recurrent(kind):
    def make():
        model = nn.ModuleDict({"rnn": getattr(nn, kind)(8, 9, batch_first=True), "out": nn.Linear(9, 4)})

        def forward(x):
            return model["out"](model["rnn"](x)[0][:, -1])

        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        step, arguments, _ = training(forward, optimizer, F.cross_entropy, (5, 6, 8))
        return step, arguments, [model, optimizer]

    agree(make)


def test_attention():
    def make():
        torch.manual_seed(0)
        model = nn.ModuleDict(
            {
                "embed": nn.Embedding(11, 16),
                "place": nn.Embedding(7, 16),
                "norm": nn.LayerNorm(16),
                "qkv": nn.Linear(16, 48),
                "out": nn.Linear(16, 11),
            }
        )

        def step(tokens):
            optimizer.zero_grad()
            x = model["embed"](tokens[:, :-1])
            x = x + model["place"](torch.arange(x.shape[1]))
            q, k, v = (t.reshape(3, 7, 4, 4).transpose(1, 2) for t in model["qkv"](model["norm"](x)).chunk(3, -1))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(3, 7, 16)
            loss = F.cross_entropy(model["out"](x + y).flatten(0, 1), tokens[:, 1:].flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            return loss.detach()

        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, eps=1e-3)  # some gradients are but rounding
        return step, lambda i: (labels(i, 24, 11).reshape(3, 8),), [model, optimizer]

    agree(make)


def test_tied_weights():
    def make():
        embed, out = nn.Embedding(9, 6), nn.Linear(6, 9, bias=False)
        out.weight = embed.weight
        model = nn.ModuleList([embed, out])
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def step(tokens):
            optimizer.zero_grad()
            loss = F.cross_entropy(out(embed(tokens)).flatten(0, 1), tokens.flatten())
            loss.backward()
            optimizer.step()
            return loss.detach()

        return step, lambda i: (labels(i, 12, 9).reshape(3, 4),), [model, optimizer]

    agree(make)


def test_variational_autoencoder():
    def make():
        model = nn.ModuleDict({"down": nn.Linear(8, 6), "up": nn.Linear(3, 8)})
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

        def step(x):
            optimizer.zero_grad()
            mean, log_var = model["down"](x).chunk(2, 1)
            z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
            found = F.binary_cross_entropy_with_logits(model["up"](z), torch.sigmoid(x), reduction="sum")
            loss = found - 0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())
            loss.backward()
            optimizer.step()
            return loss.detach()

        return step, lambda i: (data(i, 12, 8),), [model, optimizer]

    agree(make)


def test_two_models_and_two_optimizers():
    def make():
        maker, judge = (
            nn.Sequential(nn.Linear(3, 8), nn.Tanh()),
            nn.Sequential(nn.Linear(8, 6), nn.LeakyReLU(0.2), nn.Linear(6, 1)),
        )
        first = torch.optim.Adam(maker.parameters(), lr=0.01)
        second = torch.optim.SGD(judge.parameters(), lr=0.1, momentum=0.9)
        loss_of = nn.BCEWithLogitsLoss()

        def step(real, noise):
            fake = maker(noise)
            second.zero_grad()
            bad = loss_of(judge(real), torch.ones(10, 1)) + loss_of(judge(fake.detach()), torch.zeros(10, 1))
            bad.backward()
            second.step()
            first.zero_grad()
            good = loss_of(judge(fake), torch.ones(10, 1))
            good.backward()
            first.step()
            return bad.detach(), good.detach()

        return step, lambda i: (data(i, 10, 8), data(i + 99, 10, 3)), [maker, judge, first, second]

    agree(make)


# -- optimizers --------------------------------------------------------------------------------------------------------

OPTIMIZERS = {
    "SGD": {"lr": 0.1},
    "momentum": {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    "Adam": {"lr": 0.01},
    "amsgrad": {"lr": 0.01, "amsgrad": True},
    "AdamW": {"lr": 0.01},
    "Adagrad": {"lr": 0.1},
    "RMSprop": {"lr": 0.01, "momentum": 0.5},
    "Adadelta": {"lr": 1.0},
    "Adamax": {"lr": 0.01},
    "NAdam": {"lr": 0.01},
    "RAdam": {"lr": 0.01},
    "ASGD": {"lr": 0.1},
    "Rprop": {"lr": 0.01},
    "maximize": {"lr": 0.01, "maximize": True},
    "Adafactor": {"lr": 0.01},
}
NAMES = {"momentum": "SGD", "amsgrad": "Adam", "maximize": "Adam"}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    if not hasattr(torch.optim, NAMES.get(name, name)):
        pytest.skip("not there")

    def make():
        model = mlp()
        optimizer = getattr(torch.optim, NAMES.get(name, name))(model.parameters(), **OPTIMIZERS[name])
        return training(model, optimizer, F.cross_entropy)

    torch.manual_seed(0)
    step, arguments, parts = make()
    run = torch.compile(step)
    for i in range(3):
        run(*arguments(i))
    assert run.programs() or run.reasons  # compiled, or a reason why not
    agree(make, calls=8, programs=len(run.programs()))


def test_parameter_groups():
    def make():
        model = mlp()
        optimizer = torch.optim.SGD(
            [{"params": model[0].parameters(), "lr": 0.5}, {"params": model[-1].parameters()}], lr=0.1, momentum=0.9
        )
        return training(model, optimizer, F.cross_entropy)

    agree(make)


def test_the_learning_rate_is_never_stale():
    def between(i, parts):
        parts[1].param_groups[0]["lr"] = 0.1 / (i + 1)

    def make():
        model = mlp()
        return training(model, torch.optim.SGD(model.parameters(), lr=0.1), F.cross_entropy)

    agree(make, between=between)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW"])
@pytest.mark.parametrize("inside", [True, False])
def test_schedulers(inside, optimizer):
    def make():
        model = mlp()
        opt = getattr(torch.optim, optimizer)(model.parameters(), lr=0.1)
        schedule = torch.optim.lr_scheduler.ExponentialLR(opt, 0.7)
        inner, arguments, parts = training(model, opt, F.cross_entropy)

        def step(x, y):
            loss = inner(x, y)
            schedule.step()
            return loss

        return step if inside else inner, arguments, [*parts, [schedule]]

    def between(i, parts):
        if not inside and i:
            parts[2][0].step()

    agree(make, between=between)


@pytest.mark.parametrize(
    "clip", [lambda p: nn.utils.clip_grad_norm_(p, 0.05), lambda p: nn.utils.clip_grad_value_(p, 0.01)]
)
def test_clipping(clip):
    def make():
        model = mlp()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)

        def step(x, y):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            clip(list(model.parameters()))
            optimizer.step()

        return step, lambda i: (data(i, 16, 8), labels(i, 16, 4)), [model, optimizer]

    agree(make)


def test_accumulation_over_micro_batches():
    def make():
        model = mlp()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)

        def step(x, y):
            optimizer.zero_grad()
            total = torch.zeros(())
            for k in range(4):
                loss = F.cross_entropy(model(x[4 * k : 4 * k + 4]), y[4 * k : 4 * k + 4]) / 4
                loss.backward()
                total += loss.detach()
            optimizer.step()
            return total

        return step, lambda i: (data(i, 16, 8), labels(i, 16, 4)), [model, optimizer]

    agree(make)


def test_accumulation_between_calls():
    """Gradients that are there already are added to; zero_grad and step come every third call, outside."""

    def make():
        model = mlp()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)

        def step(x, y):
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss.detach()

        return step, lambda i: (data(i, 16, 8), labels(i, 16, 4)), [model, optimizer]

    def between(i, parts):
        if i % 3 == 0 and i:
            parts[1].step()
            parts[1].zero_grad()

    agree(make, calls=13, programs=5, between=between)  # one for each gradient tensor that is added to


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad(set_to_none):
    def make():
        model = mlp()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)

        def step(x, y):
            optimizer.zero_grad(set_to_none=set_to_none)
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss.detach()

        return step, lambda i: (data(i, 16, 8), labels(i, 16, 4)), [model, optimizer]

    agree(make)


def test_frozen_parameters():
    def make():
        model = mlp()
        model[0].weight.requires_grad_(False)
        return training(model, torch.optim.SGD(model.parameters(), lr=0.1), F.cross_entropy)

    agree(make)


def test_gradients_of_arguments():
    """Leaves that are new in each call are not compiled; the answers are right."""

    def make():
        w = torch.randn(4, 3, requires_grad=True)

        def step(x):
            (x @ w).tanh().sum().backward()
            return x.grad

        return step, lambda i: (data(i, 5, 4).requires_grad_(),), []

    agree(make, programs=0)


def test_a_manual_update_under_no_grad():
    def make():
        w, b = torch.randn(4, 1).requires_grad_(), torch.zeros(1).requires_grad_()

        def step(x, y):
            loss = ((x @ w + b - y) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                for p in (w, b):
                    p -= 0.1 * p.grad
                    p.grad.zero_()
            return loss.detach()

        return step, lambda i: (data(i, 9, 4), data(i + 7, 9, 1)), [w, b]

    agree(make, calls=6)


def test_inference():
    def make():
        model = nn.Sequential(mlp(), nn.Dropout(0.5), nn.Softmax(1)).eval()

        def step(x):
            with torch.no_grad():
                return model(x)

        return step, lambda i: (data(i, 5, 8),), [model]

    agree(make)


def test_module():
    def make():
        model = mlp(nn.Dropout(0.2), nn.BatchNorm1d(17))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        return model, optimizer

    outcomes = []
    for compiled in (False, True):
        torch.manual_seed(0)
        model, optimizer = make()
        run = torch.compile(model) if compiled else model
        torch.manual_seed(1)
        losses = []
        for i in range(8):
            if i == 5:
                run.eval()
            if i == 7:
                run.train()
            optimizer.zero_grad()
            loss = F.cross_entropy(run(data(i, 6, 8)), labels(i, 6, 4))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        outcomes.append((losses, state([model])))
    assert outcomes[0][0] == pytest.approx(outcomes[1][0], rel=1e-4)
    for a, b in zip(outcomes[0][1], outcomes[1][1]):
        torch.testing.assert_close(a, b, rtol=2e-4, atol=2e-5)
