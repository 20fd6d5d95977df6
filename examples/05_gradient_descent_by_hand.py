"""Gradient descent without autograd: the derivative is written down by hand, then checked by it."""
import torch


def descend(gradient, start, rate, steps):
    x = start
    trace = [x]
    for _ in range(steps):
        x -= rate * gradient(x)
        trace.append(float(x))
    return trace


print("-- f(x) = x^2, four learning rates")
for rate in (0.05, 0.2, 0.9, 1.05):
    trace = descend(lambda x: 2 * x, 10.0, rate, 10)
    print(f"rate {rate}: x after 10 steps {trace[-1]:.6f}")

print("-- f(x) = x cos(c x): a local minimum")
c = torch.tensor(0.15 * torch.pi)


def f(x):
    return x * torch.cos(c * x)


def f_gradient(x):
    return torch.cos(c * x) - c * x * torch.sin(c * x)


x = torch.tensor(10.0)
for step in range(8):
    x = x - 1.0 * f_gradient(x)
    print(f"step {step + 1}: x {x:.4f}, f(x) {f(x):.4f}")

x = torch.tensor(2.5, requires_grad=True)
f(x).backward()
print(f"by hand {f_gradient(x).item():.5f}, by autograd {x.grad:.5f}")

print("-- two variables: f(x) = x1^2 + 2 x2^2")
weights = torch.tensor([1.0, 2.0])
x = torch.tensor([-5.0, -2.0])
for epoch in range(20):
    x -= 0.1 * 2 * weights * x
print(x)

print("-- the same with noise in the gradient, and with momentum")
torch.manual_seed(3)
x = torch.tensor([-5.0, -2.0])
for epoch in range(50):
    x -= 0.1 * (2 * weights * x + torch.randn(2))
print(x)
x, v = torch.tensor([-5.0, -2.0]), torch.zeros(2)
for epoch in range(20):
    v = 0.5 * v + 2 * weights * x
    x -= 0.1 * v
print(x, (weights * x * x).sum())

print("-- Newton's method on cosh(x / 2)")
x = torch.tensor(4.0)
for epoch in range(10):
    first, second = 0.5 * torch.sinh(0.5 * x), 0.25 * torch.cosh(0.5 * x)
    x = x - 0.5 * first / second
print(f"{x:.6f}")
