"""Tensors: making them, looking at parts of them, computing with them."""
import numpy as np

import torch

print("-- creation")
x = torch.arange(12, dtype=torch.float32)
print(x)
print(x.numel(), x.shape, x.dtype)
X = x.reshape(3, 4)
print(X)
print(torch.zeros((2, 3, 4)))
print(torch.ones(2, 3, dtype=torch.int64))
print(torch.full((2, 2), 7.5), torch.eye(3))
print(torch.linspace(0, 1, 5))
print(torch.tensor([[2, 1, 4, 3], [1, 2, 3, 4], [4, 3, 2, 1]]))
torch.manual_seed(42)
print(torch.randn(3, 4))
print(torch.rand(2, 3))

print("-- indexing and slicing")
print(X[-1], X[1:3])
print(X[:, 1], X[0, 2], X[..., -1:])
X[1, 2] = 17
print(X)
X[:2, :] = 12
print(X)
print(X[X > 10], X[[0, 2], [1, 3]])
print(X[None].shape, X[:, None, ::2].shape)

print("-- element by element")
print(torch.exp(torch.tensor([0.0, 1.0, 2.0])))
a, b = torch.tensor([1.0, 2, 4, 8]), torch.tensor([2, 2, 2, 2])
print(a + b, a - b, a * b, a / b, a ** b)
print(a // 3, a % 3, -a, abs(-a))
print(a > b, a == b, (a > 1) & (a < 8))

print("-- joining")
X = torch.arange(12, dtype=torch.float32).reshape((3, 4))
Y = torch.tensor([[2.0, 1, 4, 3], [1, 2, 3, 4], [4, 3, 2, 1]])
print(torch.cat((X, Y), dim=0))
print(torch.cat((X, Y), dim=1))
print(torch.stack((X, Y)).shape)
print(X == Y)
print(X.sum(), X.mean(dim=0), X.max(dim=1))

print("-- broadcasting")
a = torch.arange(3).reshape((3, 1))
b = torch.arange(2).reshape((1, 2))
print(a, b)
print(a + b)

print("-- saving memory")
before = id(Y)
Y = Y + X
print(id(Y) == before)
Z = torch.zeros_like(Y)
before = id(Z)
Z[:] = X + Y
print(id(Z) == before)
before = id(X)
X += Y
print(id(X) == before)
view = X.view(4, 3)
view[0, 0] = -100
print(X[0, 0], view.data_ptr() == X.data_ptr(), X.t().is_contiguous())

print("-- conversion")
A = X.numpy()
B = torch.from_numpy(A)
print(type(A).__name__, type(B).__name__)
A[0, 1] = 55
print(X[0])
a = torch.tensor([3.5])
print(a, a.item(), float(a), int(a))
print(torch.tensor(np.array([1, 2, 3])), X.int()[2].tolist())
print((torch.tensor([1, 2]) + 1.5).dtype, torch.tensor(True), torch.tensor([1 + 2j]))

print("-- large and small numbers")
print(torch.tensor([1e-6, 1.0, 1e6]))
print(torch.tensor([[1.5, float("nan")], [float("inf"), -2.25]]))
print(torch.arange(10000).reshape(100, 100))
