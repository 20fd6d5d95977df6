"""What a program cannot stand for runs as usual, and nothing is ever stale: guards, values read by Python, errors,
threads."""

import threading
import warnings

import pytest

import stickonfire as torch
from stickonfire import nn

F = nn.functional
pytestmark = pytest.mark.llvm
pytest.importorskip("llvmlite")


def data(i, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(i))


def check(function, arguments, calls=5):
    """The compiled function agrees with the function in each call; returns it."""
    run = torch.compile(function)
    for i in range(calls):
        given = arguments(i)
        wanted = function(*[a.clone() if torch.is_tensor(a) else a for a in given])
        torch.testing.assert_close(run(*given), wanted)
    return run


# -- values that Python reads ----------------------------------------------------------------------------------------

READERS = {
    "item": lambda x: x * x.sum().item(),
    "float": lambda x: x + float(x[0, 0]),
    "bool": lambda x: x + 1 if x.sum() > 0 else x - 1,
    "int": lambda x: x[: int(x.abs().sum()) % 3],
    "tolist": lambda x: x + sum(x[0].tolist()),
    "numpy": lambda x: x + float(x.numpy().sum()),
    "print": lambda x: (str(x), x + 1)[1],
    "nonzero": lambda x: x[x > 0],
    "loop": lambda x: sum((v for v in x if v.sum() > 0), x[0]),
    "allclose": lambda x: x + (1.0 if torch.allclose(x, x.abs()) else 2.0),
    "unique": lambda x: torch.unique((x * 2).long()),
    "len": lambda x: x * len(x),
    "size": lambda x: x.reshape(x.size(0) * x.numel() // x.shape[0]),
}
COMPILED = {"len", "size"}


@pytest.mark.parametrize("name", READERS)
def test_values_read_by_python_are_never_stale(name):
    run = check(READERS[name], lambda i: (data(i, 4, 3),))
    if name in COMPILED:
        assert run.programs()
    else:
        assert not run.programs() and run.reasons, name


def test_fullgraph_says_why_not():
    run = torch.compile(lambda x: x * x.sum().item(), fullgraph=True)
    with pytest.raises(RuntimeError, match="read"):
        for i in range(3):
            run(data(i, 3))


# -- other arguments, other settings ---------------------------------------------------------------------------


def test_shapes_dtypes_and_strides():
    kinds = [
        lambda i: data(i, 3, 4),
        lambda i: data(i, 4, 3),
        lambda i: data(i, 3, 4).double(),
        lambda i: data(i, 4, 3).T,
        lambda i: data(i, 12),
        lambda i: data(i, 6, 8)[::2, ::2],
        lambda i: (data(i, 3, 4) * 9).long(),
    ]
    run = torch.compile(lambda x: (x * 2 + x.sum()) * 0.5)
    for i in range(40):
        x = kinds[i % len(kinds)](i)
        torch.testing.assert_close(run(x), (x * 2 + x.sum()) * 0.5)
    assert len(run.programs()) == len(kinds)


def test_more_variants_than_there_may_be_run_as_usual():
    run = torch.compile(lambda x: x.sum() * 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in [*range(1, 14)] * 4:
            x = data(n, n)
            torch.testing.assert_close(run(x), x.sum() * 2)
    assert len(run.programs()) <= 8


def test_numbers_among_the_arguments():
    run = check(
        lambda x, k, flag=True: x * k if flag else x + k, lambda i: (data(i, 3), i % 3, bool(i % 2)), calls=30
    )
    assert len(run.programs()) >= 3


def test_closures_and_globals_are_guarded():
    scale, box = 2.0, {"depth": 1}

    class Settings:
        on = True

    settings = Settings()
    settings.factor = 1.5

    def step(x):
        y = x * scale * settings.factor
        for _ in range(box["depth"]):
            y = y + OFFSET
        return y

    run = torch.compile(step)
    for i in range(24):
        if i == 5:
            scale = 3.0
        if i == 10:
            settings.factor = 0.25
        if i == 15:
            globals()["OFFSET"] = 7.0
        if i == 20:
            box["depth"] = 3
        torch.testing.assert_close(run(data(i, 3)), step(data(i, 3)))
    globals()["OFFSET"] = 1.0


OFFSET = 1.0


def test_python_values_that_the_function_changes_are_not_stale():
    calls, log, nothing = {"n": 0}, [], float("nan")

    def step(x):
        calls["n"] += 1
        log.append(1)
        return x * calls["n"] + len(log)
    run = torch.compile(step)
    for i in range(1, 9):
        torch.testing.assert_close(run(torch.ones(2)), torch.full((2,), 2.0 * i))
    assert not run.programs() and run.reasons
    again = torch.compile(lambda x: x * nothing)
    for _ in range(4):
        assert again(torch.ones(2)).isnan().all()
    assert len(again.programs()) == 1


def test_train_and_eval_of_a_module_in_a_function():
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.BatchNorm1d(3))
    run = torch.compile(lambda x: model(x).detach())
    twin = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.BatchNorm1d(3))
    twin.load_state_dict(model.state_dict())
    for i in range(14):
        model.train(i % 7 < 4), twin.train(i % 7 < 4)
        if i == 12:
            model[1].p = twin[1].p = 0.1
        torch.manual_seed(i)
        found = run(data(i, 6, 3))
        torch.manual_seed(i)
        torch.testing.assert_close(found, twin(data(i, 6, 3)).detach(), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(model.state_dict(), twin.state_dict())


def test_gradient_modes():
    w = torch.ones(3, requires_grad=True)
    run = torch.compile(lambda x: (x * w).sum())
    for i in range(12):
        if i % 2:
            with torch.no_grad():
                y = run(data(i, 3))
            assert not y.requires_grad
        else:
            y = run(data(i, 3))
            assert y.requires_grad
            w.grad = None
            y.backward()
            torch.testing.assert_close(w.grad, data(i, 3))


def test_inference_mode():
    run = torch.compile(lambda x: x * 2 + 1)
    for i in range(6):
        with torch.inference_mode():
            torch.testing.assert_close(run(data(i, 3)), data(i, 3) * 2 + 1)


@pytest.mark.parametrize("how", ["replace", "data", "load", "in place", "requires_grad", "dtype"])
def test_parameters_that_change_outside(how):
    model = nn.Linear(3, 2)
    run = torch.compile(lambda x: model(x).detach())
    for i in range(10):
        if i == 5:
            other = data(99, 2, 3)
            if how == "replace":
                model.weight = nn.Parameter(other)
            elif how == "data":
                model.weight.data = other
            elif how == "load":
                model.load_state_dict({"weight": other, "bias": model.bias.detach() + 1})
            elif how == "in place":
                with torch.no_grad():
                    model.weight.copy_(other)
            elif how == "requires_grad":
                model.weight.requires_grad_(False)
        x = data(i, 4, 3)
        if how == "dtype" and i >= 5:
            model.double()
            x = x.double()
        torch.testing.assert_close(run(x), model(x).detach())


# -- memory ----------------------------------------------------------------------------------------------------


def test_results_are_not_overwritten():
    run = torch.compile(lambda x: (x * 2, x.sum(), [x + 1, x[1:]], x.T))
    kept = [(data(i, 3, 2), run(data(i, 3, 2))) for i in range(8)]
    for x, (double, total, (more, part), turned) in kept:
        for found, wanted in ((double, x * 2), (total, x.sum()), (more, x + 1), (part, x[1:]), (turned, x.T)):
            torch.testing.assert_close(found, wanted)


def test_gradients_that_are_kept_are_not_overwritten():
    w = torch.ones(3, requires_grad=True)

    def step(x):
        w.grad = None
        (w * x).sum().backward()

    run, kept = torch.compile(step), []
    for i in range(9):
        run(data(i, 3))
        kept.append(w.grad if i % 3 else w.grad.detach())
    for i, g in enumerate(kept):
        torch.testing.assert_close(g, data(i, 3))
    arrays = []
    for i in range(9):
        run(data(i, 3))
        arrays.append(w.grad.numpy())
    for i, g in enumerate(arrays):
        torch.testing.assert_close(torch.tensor(g), data(i, 3))


def test_results_that_are_arguments():
    run = torch.compile(lambda x, y: (x, y.add_(1), x.view(-1), x.detach()))
    for i in range(6):
        x, y = data(i, 3), data(i + 50, 3)
        a, b, c, d = run(x, y)
        assert a is x and b is y
        torch.testing.assert_close(y, data(i + 50, 3) + 1)
        x.fill_(4)
        assert c.tolist() == d.tolist() == [4, 4, 4]


def test_arguments_that_share_memory():
    def step(x, y):
        x.mul_(2)
        y.add_(x.sum())
        return x + y

    run = torch.compile(step)
    for i in range(16):
        base, twin = data(i, 8), data(i, 8)
        pairs = [
            (base[:4], base[4:], twin[:4], twin[4:]),
            (base[:4], base[:4], twin[:4], twin[:4]),
            (base[:4], base[2:6], twin[:4], twin[2:6]),
            (base[:4].clone(), base[4:].clone(), twin[:4].clone(), twin[4:].clone()),
        ]
        x, y, p, q = pairs[i % 4]
        torch.testing.assert_close(run(x, y), step(p, q))
        torch.testing.assert_close(base, twin)


def test_an_argument_that_is_also_a_parameter():
    w = torch.ones(4, requires_grad=True)

    def step(x):
        w.grad = None
        (x * w).sum().backward()
        with torch.no_grad():
            w.sub_(w.grad, alpha=0.1)
        return x.detach().clone()

    run = torch.compile(step)
    for i in range(8):
        before = w.detach().clone()
        if i % 2:
            run(w)
            torch.testing.assert_close(w.detach(), before - 0.2 * before)
        else:
            run(data(i, 4))
            torch.testing.assert_close(w.detach(), before - 0.1 * data(i, 4))


def test_the_version_of_what_is_written_counts_up():
    w = torch.ones(3, requires_grad=True)

    def step(x):
        with torch.no_grad():
            w.add_(x)

    run = torch.compile(step)
    for i in range(4):
        y = (w * w).sum()
        run(data(i, 3))
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.backward()


# -- errors ----------------------------------------------------------------------------------------------------


def test_an_exception_in_the_step_leaves_tensors_healthy():
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(x, fail):
        optimizer.zero_grad()
        loss = model(x).sum()
        loss.backward()
        if fail:
            raise ValueError("enough")
        optimizer.step()
        return loss.detach()

    for at in range(4):
        run = torch.compile(step)
        for i in range(6):
            if i == at:
                with pytest.raises(ValueError, match="enough"):
                    run(data(i, 4, 3), True)
            else:
                run(data(i, 4, 3), False)
            for p in model.parameters():
                assert type(p._array).__name__ == "ndarray" and type(p.grad._array).__name__ == "ndarray"
            assert type(optimizer.param_groups[0]["lr"]) is float
            model(data(0, 2, 3)).sum().backward()


def test_errors_of_shapes_are_eagers():
    run = torch.compile(lambda x, y: x @ y)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
            run(data(0, 2, 3), data(1, 2, 3))
    for i in range(3):
        torch.testing.assert_close(run(data(i, 2, 3), data(1, 3, 2)), data(i, 2, 3) @ data(1, 3, 2))


BAD = {
    "embedding": (lambda w, i: F.embedding(i, w), "out of range"),
    "cross_entropy": (lambda w, i: F.cross_entropy(w[:4], i), "out of bounds"),
    "index": (lambda w, i: w[i], "out of bounds"),
    "index_select": (lambda w, i: w.index_select(0, i), "out of range"),
    "gather": (lambda w, i: w.gather(1, i[:, None]), "out of"),
    "one_hot": (lambda w, i: F.one_hot(i, 3), "Class values"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("bad", [10**12, 5, -(10**12)])
def test_bad_indices_raise_and_touch_nothing(name, bad):
    function, message = BAD[name]
    weights = torch.zeros(1, requires_grad=True)

    def step(w, i):
        y = function(w, i) + weights
        weights.grad = None
        y.sum().backward()
        with torch.no_grad():
            weights.add_(1)
        return y.detach()

    run = torch.compile(step)
    table = data(0, 5, 3)
    for i in range(4):
        run(table, torch.tensor([0, 1, 2, i % 3]))
    assert run.programs(), run.reasons
    before = weights.detach().clone()
    for _ in range(2):
        with pytest.raises((IndexError, RuntimeError), match=message):
            run(table, torch.tensor([0, bad, 2, 1]))
        torch.testing.assert_close(weights.detach(), before)
    torch.testing.assert_close(
        run(table, torch.tensor([0, 1, 2, 2])), function(table, torch.tensor([0, 1, 2, 2])) + before
    )


# -- threads ---------------------------------------------------------------------------------------------------


def test_threads_call_the_same_function_at_once():
    def function(x, y):
        z = torch.softmax(x @ y, 1)
        return z * 2, z.sum(0), torch.tanh(x).mean()

    run, wrong = torch.compile(function), []

    def work(k):
        for i in range(40):
            x, y = data(100 * k + i, 37, 19), data(i, 19, 70)
            for found, wanted in zip(run(x, y), function(x, y)):
                if not torch.allclose(found, wanted, rtol=1e-4, atol=1e-5):
                    wrong.append((k, i))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and run.programs()


def test_large_arrays_by_several_threads():
    def function(x):
        return torch.log_softmax(x, 1), x.sum(0), (x * x).sum(), x.exp().mean(1), x.amax(0)

    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        run = torch.compile(function)
        for i in range(4):
            x = data(i, 300, 517)
            for found, wanted in zip(run(x), function(x)):
                torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
        again = run(x)
        assert all(torch.equal(a, b) for a, b in zip(run(x), again))  # sums in a fixed order
    finally:
        torch.set_num_threads(threads)


# -- dtypes that no kernel computes in: Python's steps between the kernels ---------------------------------------

FEW = {
    "arithmetic": lambda x: x * 2 + x, "in place": lambda x: x.add_(1).mul_(x), "sum": lambda x: x.sum(),
    "product": lambda x: x @ x.mT, "copy": lambda x: x.T.contiguous() - x[0, 0],
}


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("kind", ["float16", "bfloat16", "complex64", "int32", "uint8", "float64"])
def test_other_dtypes(name, kind):
    run = check(FEW[name], lambda i: ((torch.arange(9).reshape(3, 3) + i).to(getattr(torch, kind)),))
    assert run.programs(), run.reasons


def test_long_rows_do_not_fill_the_stack():
    def function(x):
        return sum(torch.exp(x * k) / torch.exp(x * k).sum(1, keepdim=True) for k in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    run, x = torch.compile(function), data(0, 3, 32768).double()
    for _ in range(3):
        found = run(x)
    torch.testing.assert_close(found, function(x))
    again = []
    thread = threading.Thread(target=lambda: again.append(run(x)))
    thread.start()
    thread.join()
    assert torch.equal(again[0], found)
