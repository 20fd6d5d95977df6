"""Multilayer perceptrons: activations, from scratch, with nn, weight decay, dropout."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

print("-- activations and their gradients")
x = torch.arange(-2.0, 2.5, 1.0, requires_grad=True)
for activation in (torch.relu, torch.sigmoid, torch.tanh, nn.functional.gelu):
    y = activation(x)
    y.backward(torch.ones_like(x))
    print(activation.__name__, y, x.grad)
    x.grad = None

torch.manual_seed(0)
X = torch.rand(400, 2) * 4 - 2
y = ((X.square().sum(dim=1) < 1.5) ^ (X[:, 0] > 0.8)).long()
print(torch.bincount(y))

print("-- from scratch")
W1 = nn.Parameter(torch.randn(2, 24) * 0.3)
b1 = nn.Parameter(torch.zeros(24))
W2 = nn.Parameter(torch.randn(24, 2) * 0.3)
b2 = nn.Parameter(torch.zeros(2))
params = [W1, b1, W2, b2]


def relu(X):
    a = torch.zeros_like(X)
    return torch.max(X, a)


def net(X):
    H = relu(X @ W1 + b1)
    return H @ W2 + b2


loss = nn.CrossEntropyLoss()
updater = torch.optim.SGD(params, lr=0.5)
for epoch in range(200):
    l = loss(net(X), y)
    updater.zero_grad()
    l.backward()
    updater.step()
    if epoch % 50 == 49:
        accuracy = (net(X).argmax(1) == y).float().mean()
        print(f"epoch {epoch + 1}, loss {l.item():.4f}, accuracy {accuracy:.4f}")

print("-- with nn")
torch.manual_seed(1)
model = nn.Sequential(nn.Linear(2, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2))
print(model)
print(sum(p.numel() for p in model.parameters()))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
for epoch in range(5):
    for batch, target in DataLoader(TensorDataset(X, y), batch_size=50, shuffle=True):
        optimizer.zero_grad()
        l = loss(model(batch), target)
        l.backward()
        optimizer.step()
    print(f"epoch {epoch + 1}, loss {loss(model(X), y).item():.4f}")

print("-- weight decay")
torch.manual_seed(2)
n_train, num_inputs = 20, 50
true_w, true_b = torch.ones((num_inputs, 1)) * 0.01, 0.05
inputs = torch.randn(n_train + 100, num_inputs)
targets = inputs @ true_w + true_b + 0.01 * torch.randn(n_train + 100, 1)
for decay in (0.0, 3.0):
    torch.manual_seed(3)
    linear = nn.Linear(num_inputs, 1)
    for param in linear.parameters():
        param.data.normal_()
    groups = [{"params": linear.weight, "weight_decay": decay}, {"params": linear.bias}]
    trainer = torch.optim.SGD(groups, lr=0.01)
    mse = nn.MSELoss()
    for epoch in range(100):
        trainer.zero_grad()
        mse(linear(inputs[:n_train]), targets[:n_train]).backward()
        trainer.step()
    print(f"decay {decay}: train {mse(linear(inputs[:n_train]), targets[:n_train]).item():.4f}, "
          f"test {mse(linear(inputs[n_train:]), targets[n_train:]).item():.4f}, "
          f"norm of w {linear.weight.norm().item():.4f}")

print("-- dropout")


def dropout_layer(X, dropout):
    if dropout == 1:
        return torch.zeros_like(X)
    mask = (torch.rand(X.shape) > dropout).float()
    return mask * X / (1.0 - dropout)


torch.manual_seed(4)
A = torch.arange(16, dtype=torch.float32).reshape((2, 8))
print(dropout_layer(A, 0.0))
print(dropout_layer(A, 0.5))
print(nn.functional.dropout(A, 0.5))
model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Dropout(0.2),
                      nn.Linear(32, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(4):
    model.train()
    for batch, target in DataLoader(TensorDataset(X, y), batch_size=40, shuffle=True):
        optimizer.zero_grad()
        l = loss(model(batch), target)
        l.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(f"epoch {epoch + 1}, loss {loss(model(X), y).item():.4f}")
