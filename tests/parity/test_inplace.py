"""Parity: in-place ops, version counters, what autograd refuses."""

from __future__ import annotations

import pytest

from tests.helpers.oracle import same

LEAF = "x = torch.tensor([1., 2., 3.], requires_grad=True); "

SNIPPETS = [
    "x = torch.ones(2); x.add_(1)",
    "x = torch.ones(2); x.add_(1) is x",
    "x = torch.ones(2); x += 1; x",
    "x = torch.ones(2); y = x; y += 1; x",
    "x = torch.ones(2); y = x; y = y + 1; x",
    "x = torch.ones(2); x.sub_(3).mul_(2).div_(4)",
    "x = torch.ones(2); x -= 1; x *= 2; x /= 3; x",
    "x = torch.full((2,), 7.); x //= 2; x",
    "x = torch.full((2,), 7.); x %= 4; x **= 2; x",
    "x = torch.arange(3); x /= 2",
    "x = torch.arange(3); x += 1.5",
    "x = torch.arange(3); x.add_(torch.ones(3))",
    "x = torch.ones(2); x += torch.ones(3)",
    "x = torch.ones(3); x += torch.ones(2, 3)",
    "x = torch.ones(2, 3); x += torch.ones(3); x",
    "x = torch.ones(2); x.zero_(), x.fill_(3)",
    "x = torch.ones(2); x.copy_(torch.tensor([1, 2]))",
    "x = torch.ones(2, 2); x.copy_(torch.tensor([1, 2]))",
    "x = torch.ones(2); x.copy_(torch.ones(3))",
    "x = torch.tensor([4., 9.]); x.sqrt_(), x.exp_(), x.log_(), x.neg_(), x.abs_()",
    "x = torch.tensor([-1., 2.]); x.relu_(), x.clamp_(0, 1), x.sigmoid_(), x.tanh_()",
    "x = torch.tensor([1.5]); x.floor_(), x.round_()",
    "x = torch.ones(2, dtype=torch.int64); x.sqrt_()",
    "x = torch.ones(2); x.addcmul_(torch.ones(2), torch.ones(2), value=3)",
    "x = torch.ones(2); x.lerp_(torch.zeros(2), 0.25)",
    "x = torch.ones(2); x.masked_fill_(torch.tensor([True, False]), 9)",
    "x = torch.zeros(3); x.index_add_(0, torch.tensor([0, 0]), torch.ones(2)); x",
    "x = torch.zeros(3); x.index_fill_(0, torch.tensor([1]), 2)",
    "x = torch.zeros(2, 2); x.triu_(), x.fill_diagonal_(1)",
    "x = torch.arange(4.); x[1:].add_(x[:-1].clone()); x",
    "x = torch.zeros(2); torch.add(torch.ones(2), 1, out=x); x",
    "x = torch.zeros(2); torch.exp(torch.zeros(2), out=x) is x",
    "x = torch.zeros(2, dtype=torch.int64); torch.add(torch.ones(2), 1, out=x)",
    "torch.relu_(torch.tensor([-1.]))",
    "x = torch.ones(2); x.nosuch_()",
    # version counters
    "x = torch.ones(2); a = x._version; x.add_(1); x.mul_(2); a, x._version",
    "x = torch.ones(2); v = x[:1]; v.add_(1); x._version, v._version",
    "x = torch.ones(2); x[0] = 5; x._version",
    "x = torch.ones(2); d = x.detach(); d.add_(1); x._version, d._version",
    "x = torch.ones(2); d = x.data; d.add_(1); x._version, d._version",
    "x = torch.ones(2); c = x.clone(); c.add_(1); x._version, c._version",
    # leaves
    LEAF + "x.add_(1)",
    LEAF + "x[0] = 1",
    LEAF + "x.view(3).add_(1)",
    LEAF + "y = x[:2]; y.mul_(2)",
    LEAF + "with_no = torch.no_grad(); with_no.__enter__(); x.add_(1); with_no.__exit__(None, None, None); x",
    LEAF + "x.data.add_(1); x",
    LEAF + "x.detach().add_(1); x",
    LEAF + "x.requires_grad_(False).add_(1)",
    LEAF + "y = x * 1; y.requires_grad_(False)",
    LEAF + "y = x * 1; y.requires_grad = False",
    "torch.arange(3).requires_grad_()",
    "x = torch.arange(3); x.requires_grad = True",
    # saved tensors changed
    LEAF + "y = x * x; y.sum().backward(); x.grad",
    LEAF + "y = x.exp(); y.add_(1); y.sum().backward()",
    LEAF + "y = x.sin(); y.add_(1); y.sum().backward(); x.grad",
    LEAF + "y = x * 2; z = y * y; y.add_(1); z.sum().backward()",
    LEAF + "y = x * 2; z = y + y; y.add_(1); z.sum().backward(); x.grad",
    LEAF + "y = x * 2; z = y.pow(2); y.zero_(); z.sum().backward()",
    LEAF + "y = x * 2; z = y.sigmoid(); z.mul_(2); z.sum().backward()",
    LEAF + "y = x * 2; z = y.relu(); z.mul_(2); z.sum().backward()",
    LEAF + "w = torch.ones(3); y = x * w; w.add_(1); y.sum().backward()",
    LEAF + "w = torch.ones(3); y = x + w; w.add_(1); y.sum().backward(); x.grad",
    LEAF + "y = x.clone(); y.mul_(3); y.sum().backward(); x.grad",
    LEAF + "y = x.clone(); y[0] = 7; (y * y).sum().backward(); x.grad, y",
    LEAF + "y = x * 2; z = y.exp(); v = z[:1]; v.add_(1); z.sum().backward()",
    # in-place on views
    LEAF + "y = x.clone(); v = y[:2]; v.mul_(5); y.sum().backward(); x.grad, y, v",
    LEAF + "y = x.clone(); v = y.view(3, 1); y.mul_(5); v.sum().backward(); x.grad, v",
    LEAF + "y = x.clone(); v = y[1:]; w = v[:1]; w.fill_(0); (y * y).sum().backward(); x.grad, y, v",
    LEAF + "b = torch.zeros(3); b[:2] = x[:2] * 3; b.sum().backward(); x.grad, b",
    LEAF + "b = torch.zeros(3); v = b[1:]; v.add_(x[:2]); (b * b).sum().backward(); x.grad, b.requires_grad",
    LEAF + "y = x * 2; y += 1; y.grad_fn.name(), y",
    LEAF + "y = x * 2; v = y[:2]; v += 1; y.grad_fn.name(), v.grad_fn.name()",
    LEAF + "y = x * 2; a, b, c = y.unbind(); a.add_(1)",
    LEAF + "y = x * 2; a, b, c = y.split(1); a.add_(1)",
    LEAF + "y = x.expand(2, 3) * 1; y[0].mul_(3); y.sum().backward(); x.grad",
    LEAF + "out = torch.zeros(3); torch.mul(x, 2, out=out)",
    "i = torch.inference_mode(); i.__enter__(); x = torch.ones(2); i.__exit__(None, None, None); x.add_(1)",
    "i = torch.inference_mode(); i.__enter__(); x = torch.ones(2); i.__exit__(None, None, None); x._version",
    "i = torch.inference_mode(); i.__enter__(); x = torch.ones(2); i.__exit__(None, None, None); "
    "(torch.ones(2, requires_grad=True) * x)",
    "i = torch.inference_mode(); i.__enter__(); x = torch.ones(2); i.__exit__(None, None, None); "
    "x.is_inference(), x + 1",
]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_in_place(snippet):
    same(snippet)
