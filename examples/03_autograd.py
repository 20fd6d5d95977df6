"""Automatic differentiation: backward, accumulation, detaching, Python control flow."""
import torch

print("-- a simple function")
x = torch.arange(4.0)
x.requires_grad_(True)
print(x, x.grad)
y = 2 * torch.dot(x, x)
print(y)
y.backward()
print(x.grad, x.grad == 4 * x)

print("-- gradients add up until they are cleared")
x.sum().backward()
print(x.grad)
x.grad.zero_()
y = x.sum()
y.backward()
print(x.grad)

print("-- backward of something that is no scalar")
x.grad.zero_()
y = x * x
print(y)
y.backward(gradient=torch.ones(len(y)))
print(x.grad)
try:
    (x * x).backward()
except RuntimeError as error:
    print(type(error).__name__, str(error).splitlines()[0])

print("-- detaching")
x.grad.zero_()
y = x * x
u = y.detach()
z = u * x
z.sum().backward()
print(x.grad == u, u.requires_grad)
x.grad.zero_()
y.sum().backward()
print(x.grad == 2 * x)
with torch.no_grad():
    print((x * 2).requires_grad)

print("-- control flow")


def f(a):
    b = a * 2
    while b.norm() < 1000:
        b = b * 2
    if b.sum() > 0:
        c = b
    else:
        c = 100 * b
    return c


torch.manual_seed(0)
for _ in range(3):
    a = torch.randn(size=(), requires_grad=True)
    d = f(a)
    d.backward()
    print(a, d, a.grad, a.grad == d / a)

print("-- second derivatives")
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
(first,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
print(first)
(second,) = torch.autograd.grad(first.sum(), x)
print(second)
print(torch.autograd.functional.jacobian(lambda t: t**2, torch.tensor([1.0, 2.0])))
print(torch.autograd.functional.hessian(lambda t: (t**3).sum(), torch.tensor([1.0, 2.0])))

print("-- the graph")
a = torch.ones(2, requires_grad=True)
b = (a * 3).exp().mean()
print(b, type(b.grad_fn).__name__, a.is_leaf, b.is_leaf)
print(b.grad_fn.next_functions[0][0].name())
a.register_hook(lambda g: 10 * g)
b.backward()
print(a.grad)
try:
    b.backward()
except RuntimeError as error:
    print(type(error).__name__, str(error)[:56])

print("-- a function with its own backward")


class Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, limit):
        ctx.save_for_backward(input)
        ctx.limit = limit
        return input.clamp(-limit, limit)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * (input.abs() <= ctx.limit), None


x = torch.tensor([-3.0, 0.5, 2.0], requires_grad=True)
y = Clip.apply(x, 1.0)
print(y)
y.sum().backward()
print(x.grad)
