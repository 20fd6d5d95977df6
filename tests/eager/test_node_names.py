"""`grad_fn` carries PyTorch's name, in its repr, in `name()` and as the name of its class."""
import pytest

import stickonfire as torch

NAMES = {
    "1 - x": "RsubBackward1", "x - 1": "SubBackward0", "2 / x": "MulBackward0", "x / 2": "DivBackward0",
    "x ** 2": "PowBackward0", "x ** x": "PowBackward1", "2 ** x": "PowBackward2",
    "x.sum()": "SumBackward0", "x.sum(0)": "SumBackward1", "x.mean(1)": "MeanBackward1", "x.prod(0)": "ProdBackward1",
    "x[0] @ x[1]": "DotBackward0", "x @ x[0]": "MvBackward0", "x @ x": "MmBackward0",
    "x.unsqueeze(0) @ x": "UnsafeViewBackward0", "x.clamp(0, 1)": "ClampBackward1", "x.squeeze(0)": "SqueezeBackward1",
    "x.squeeze()": "SqueezeBackward0", "x % 2": "RemainderBackward0", "x % x": "RemainderBackward1",
    "torch.nn.functional.linear(x, x)": "MmBackward0", "torch.nn.functional.linear(x, x, x[0])": "AddmmBackward0",
}


def made(expression):
    return eval(expression, {"torch": torch, "x": torch.tensor([[1., 2.], [3., 4.]], requires_grad=True)})


@pytest.mark.parametrize("expression", NAMES)
def test_name(expression):
    y = made(expression)
    name = NAMES[expression]
    assert y.grad_fn.name() == type(y.grad_fn).__name__ == name
    assert f"grad_fn=<{name}>" in repr(y)


@pytest.mark.parametrize("expression", ["1 - x", "2 / x", "2 ** x", "x.sum(0)", "x @ x", "x.prod(0)", "x.mean()"])
def test_name_after_backward(expression):
    y = made(expression)
    y.sum().backward()
    assert f"grad_fn=<{NAMES.get(expression, 'MeanBackward0')}>" in repr(y)


def test_next_functions_are_named_too():
    (node, output), = made("(x * 2).sum()").grad_fn.next_functions
    assert type(node).__name__ == "MulBackward0" and output == 0


def test_nodes_stay_the_same_objects():
    y = made("x * 2")
    assert y.grad_fn is y.grad_fn
    y.sum().backward()
    with pytest.raises(RuntimeError, match="second time"):
        (y * y).sum().backward()
