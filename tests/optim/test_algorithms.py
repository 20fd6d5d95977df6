"""Every algorithm: numbers that hold without PyTorch, and every option against PyTorch where there is one."""
import pytest

import stickonfire as torch
from stickonfire import optim

START = [[1.0, -2.0], [0.5, 3.0]]
SLOPE = [[0.1, -0.2], [0.3, -0.04]]
# Seven steps with the gradient SLOPE * (3 - t) + w / 10, in float64.
GOLDEN = [
    ("SGD", {"lr": 0.1}, [0.9347961823, -1.8695923647, 0.4742251772, 2.79510371]),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1},
     [0.4210728351, -0.8421456703, -0.1841510073, 1.7999934033]),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True},
     [0.5975911964, -1.1951823928, -0.0606183272, 2.2815765278]),
    ("SGD", {"lr": 0.1, "momentum": 0.5, "dampening": 0.5, "maximize": True},
     [1.1249865287, -2.2499730573, 0.6959227769, 3.193495449]),
    ("Adam", {"lr": 0.1}, [0.5056385084, -1.4872512351, 0.0916129272, 2.294297193]),
    ("Adam", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1},
     [0.4502454352, -1.4242219715, 0.0798220582, 2.2964477682]),
    ("AdamW", {"lr": 0.1}, [0.500884735, -1.4755616907, 0.0899647589, 2.2754472196]),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.5, "maximize": True},
     [1.1551922972, -1.837969258, 0.7006288358, 2.7033119402]),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1}, [0.8459038137, -1.8397691146, 0.4010427165, 2.622561861]),
    ("RMSprop", {"lr": 0.01}, [0.8550131516, -1.846041587, 0.4328821731, 2.5371506009]),
    ("RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.9},
     [0.1553433606, -1.0991470817, -0.1942069212, 1.3599533899]),
    ("Adadelta", {}, [0.9942699293, -1.9942480979, 0.4994613857, 2.969594244]),
    ("Adamax", {"lr": 0.1, "weight_decay": 0.1}, [0.5718652361, -1.5522717871, 0.167885262, 2.3341993574]),
    ("NAdam", {"lr": 0.1}, [0.8155261495, -1.7999885952, 0.4302135243, 2.3682892292]),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
     [0.7641382835, -1.6813176685, 0.407411628, 2.187182927]),
    ("RAdam", {"lr": 0.1}, [0.8543691744, -1.7107064448, 0.1927674235, 2.8833493943]),
    ("ASGD", {"lr": 0.1, "t0": 2}, [0.9347322588, -1.8694645175, 0.4741944506, 2.7949102595]),
    ("Rprop", {"lr": 0.1}, [0.65328, -1.65328, 0.15328, 1.7084096]),
    ("Adafactor", {"lr": 0.1}, [0.8581449349, -1.6860810603, 0.4943300698, 2.3036488424]),
    ("Adafactor", {"lr": 0.1, "weight_decay": 0.1, "d": 2.0},
     [0.8238545845, -1.6349458959, 0.5151530794, 2.1262076209]),
]
LR = object()           # stands for a learning rate that is a tensor
OPTIONS = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01},
            {"maximize": True}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, {"lr": LR}],
    "Adam": [{}, {"amsgrad": True}, {"weight_decay": 0.1},
             {"maximize": True, "weight_decay": 0.1, "amsgrad": True},
             {"lr": LR, "decoupled_weight_decay": True, "weight_decay": 0.1}],
    "AdamW": [{}, {"amsgrad": True}, {"weight_decay": 0.3, "lr": 0.1}, {"lr": LR}],
    "Adagrad": [{}, {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.3}, {"lr": LR}],
    "RMSprop": [{}, {"centered": True}, {"momentum": 0.9, "weight_decay": 0.1}, {"lr": LR, "maximize": True}],
    "Adadelta": [{}, {"weight_decay": 0.1, "maximize": True}, {"rho": 0.5, "lr": LR}],
    "Adamax": [{}, {"weight_decay": 0.1, "maximize": True}, {"lr": LR}],
    "NAdam": [{}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}, {"lr": LR}],
    "RAdam": [{}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}, {"lr": LR}],
    "ASGD": [{}, {"weight_decay": 0.1, "t0": 3}, {"lambd": 0.1, "t0": 0, "alpha": 0.5}, {"lr": LR}],
    "Rprop": [{}, {"etas": (0.3, 1.5), "step_sizes": (1e-3, 0.1)}, {"lr": LR, "maximize": True}],
    "Adafactor": [{}, {"lr": 1.0, "weight_decay": 0.1, "d": 2.0}, {"eps": (1e-3, 1e-2), "beta2_decay": -0.3},
                  {"lr": LR, "weight_decay": 0.1}],
}


def ids(case):
    return case if isinstance(case, str) else "-".join(case) if isinstance(case, dict) else ""


@pytest.mark.parametrize(("name", "options", "expected"), GOLDEN, ids=ids)
def test_numbers(name, options, expected):
    w = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(optim, name)([w], **options)
    for t in range(7):
        w.grad = torch.tensor(SLOPE, dtype=torch.float64) * (3 - t) + w.detach() * 0.1
        optimizer.step()
    assert w.flatten().tolist() == pytest.approx(expected, abs=1e-9)


def test_muon_makes_steps_of_equal_length_in_all_directions():
    pytest.importorskip("ml_dtypes")            # the iteration runs in bfloat16
    w = torch.tensor(START, requires_grad=True)
    optimizer = optim.Muon([w], lr=0.1)
    for t in range(7):
        w.grad = torch.tensor(SLOPE) * (3 - t) + w.detach() * 0.1
        optimizer.step()
    assert w.flatten().tolist() == pytest.approx([0.7128, -1.3744, 0.0518, 2.4701], abs=2e-2)


@pytest.mark.parametrize(("name", "options", "message"), [
    ("SGD", {"lr": -1}, "Invalid learning rate: -1"), ("SGD", {"momentum": -1}, "Invalid momentum value: -1"),
    ("SGD", {"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ("SGD", {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
    ("Adam", {"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0: 1.0"),
    ("Adam", {"betas": (0.9, -1.0)}, "Invalid beta parameter at index 1: -1.0"),
    ("Adam", {"eps": -1}, "Invalid epsilon value: -1"),
    ("Adam", {"betas": (0, 0.9)}, "both floats or both Tensors"),
    ("Adagrad", {"lr_decay": -1}, "Invalid lr_decay value: -1"),
    ("RMSprop", {"alpha": -1}, "Invalid alpha value"), ("Adadelta", {"rho": 2}, "Invalid rho value: 2"),
    ("NAdam", {"momentum_decay": -1}, "Invalid momentum_decay"),
    ("Rprop", {"etas": (1.0, 0.5)}, "Invalid eta values: 1.0, 0.5"),
    ("Adafactor", {"d": 0.5}, "Clipping threshold d should be >= 1 but is: 0.5"),
    ("Muon", {"adjust_lr_fn": "x"}, "Adjust learning rate function x is not supported"),
    ("LBFGS", {"lr": -1}, "Invalid learning rate: -1"),
], ids=ids)
def test_options_out_of_range(name, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(optim, name)([torch.ones(2, 2, requires_grad=True)], **options)


def test_options_that_exclude_each_other():
    w = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="cannot be `True` together"):
        optim.Adam([w], fused=True, foreach=True)
    with pytest.raises(RuntimeError, match="does not support `differentiable`"):
        optim.SGD([w], fused=True, differentiable=True)
    with pytest.raises(ValueError, match="Tensor lr must be 1-element"):
        optim.SGD([w], lr=torch.ones(2))
    with pytest.raises(ValueError, match="Muon only supports 2D parameters"):
        optim.Muon([w])


def test_capturable_needs_a_device_that_can():
    w = torch.ones(2, requires_grad=True)
    optimizer = optim.Adam([w], capturable=True)
    w.grad = torch.ones(2)
    with pytest.raises(AssertionError, match="If capturable=True"):
        optimizer.step()


def test_float64_as_default_makes_float64_step_counts():
    torch.set_default_dtype(torch.float64)
    try:
        w = torch.ones(2, requires_grad=True)
        optimizer = optim.Adam([w])
        w.grad = torch.ones(2)
        optimizer.step()
        assert optimizer.state[w]["step"].dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_the_gradient_of_a_learning_rate(name):
    lr = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    start = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    w = start.clone()
    optimizer = getattr(optim, name)([w], lr=lr, differentiable=True)
    w.grad = torch.tensor([0.5, -0.25], dtype=torch.float64)
    optimizer.step()
    w.sum().backward()
    assert lr.grad.item() == pytest.approx(-0.25 if name == "SGD" else 0.0, abs=1e-6)
    assert start.grad.tolist() == [1.0, 1.0]


def train(lib, name, options, dtype, steps=9):
    """Parameters and state after steps with gradients of all magnitudes."""
    numbers = iter(range(10_000))

    def values(*shape):
        count = 1
        for size in shape:
            count *= size
        flat = [((next(numbers) * 0.618034) % 1 - 0.5) * 10 ** (next(numbers) % 5 - 3) for _ in range(count)]
        return lib.tensor(flat, dtype=getattr(lib, dtype)).reshape(shape)

    params = [values(*shape).requires_grad_() for shape in ((4, 3), (2, 3), (5,), ())]
    options = {k: lib.tensor(0.05, dtype=getattr(lib, dtype)) if v is LR else v for k, v in options.items()}
    optimizer = getattr(lib.optim, name)(params, **options)
    for _ in range(steps):
        for p in params:
            p.grad = values(*p.shape)
        optimizer.step()
    return params, optimizer.state_dict()["state"]


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "options"), [(n, o) for n, all_of in OPTIONS.items() for o in all_of],
                         ids=ids)
def test_parameters_and_state_equal_the_oracles(name, options, dtype):
    oracle = pytest.importorskip("torch")
    theirs, their_state = train(oracle, name, options, dtype)
    ours, our_state = train(torch, name, options, dtype)
    close = {"rel": 2e-6, "abs": 5e-7} if dtype == "float32" else {"rel": 1e-12, "abs": 1e-12}
    for a, b in zip(ours, theirs):
        assert a.flatten().tolist() == pytest.approx(b.flatten().tolist(), **close)
    assert our_state.keys() == their_state.keys()
    for number, state in their_state.items():
        assert list(our_state[number]) == list(state)
        for key, value in state.items():
            got = our_state[number][key]
            assert str(got.dtype) == str(value.dtype)
            assert got.flatten().tolist() == pytest.approx(value.flatten().tolist(), **close)


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam",
                                  "RAdam"])
def test_complex_parameters_equal_the_oracles(name):
    oracle = pytest.importorskip("torch")

    def final(lib):
        w = lib.tensor([1 + 2j, -0.5j, 3 + 0j], dtype=lib.complex128, requires_grad=True)
        optimizer = getattr(lib.optim, name)([w], lr=0.1, weight_decay=0.1)
        for t in range(5):
            w.grad = lib.tensor([0.1j * t, 1 - 1j, 0.5 + t * 0.01j], dtype=lib.complex128)
            optimizer.step()
        return lib.view_as_real(w.detach()).flatten().tolist()

    assert final(torch) == pytest.approx(final(oracle), rel=1e-11)
