"""Softmax regression on small synthetic images: from scratch, then with nn."""
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
num_classes, side = 5, 8
patterns = torch.randn(num_classes, side, side)


def images(n):
    labels = torch.randint(0, num_classes, (n,))
    return patterns[labels] + 1.5 * torch.randn(n, side, side), labels


train_images, train_labels = images(512)
test_images, test_labels = images(256)
print(train_images.shape, train_labels[:10], torch.bincount(train_labels))

print("-- the softmax operation")


def softmax(X):
    X_exp = torch.exp(X)
    partition = X_exp.sum(1, keepdim=True)
    return X_exp / partition


X = torch.normal(0, 1, (2, 5))
print(softmax(X), softmax(X).sum(1))
print(torch.allclose(softmax(X), F.softmax(X, dim=1)))


def cross_entropy(y_hat, y):
    return -torch.log(y_hat[range(len(y_hat)), y])


y = torch.tensor([0, 2])
y_hat = torch.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]])
print(y_hat[[0, 1], y], cross_entropy(y_hat, y))

print("-- from scratch")
W = torch.normal(0, 0.01, size=(side * side, num_classes), requires_grad=True)
b = torch.zeros(num_classes, requires_grad=True)


def net(X):
    return softmax(torch.matmul(X.reshape((-1, W.shape[0])), W) + b)


def accuracy(y_hat, y):
    if len(y_hat.shape) > 1 and y_hat.shape[1] > 1:
        y_hat = y_hat.argmax(axis=1)
    return float((y_hat.type(y.dtype) == y).type(y.dtype).sum())


batches = DataLoader(TensorDataset(train_images, train_labels), batch_size=64, shuffle=True)
for epoch in range(5):
    total, correct = 0.0, 0.0
    for X, y in batches:
        y_hat = net(X)
        l = cross_entropy(y_hat, y)
        l.sum().backward()
        with torch.no_grad():
            for param in (W, b):
                param -= 0.1 * param.grad / len(y)
                param.grad.zero_()
        total += l.sum().item()
        correct += accuracy(y_hat, y)
    print(f"epoch {epoch + 1}, loss {total / 512:.4f}, accuracy {correct / 512:.3f}")
print(f"test accuracy {accuracy(net(test_images), test_labels) / 256:.3f}")

print("-- with nn")
model = nn.Sequential(nn.Flatten(), nn.Linear(side * side, num_classes))
print(model)


def init_weights(m):
    if type(m) is nn.Linear:
        nn.init.normal_(m.weight, std=0.01)


model.apply(init_weights)
loss = nn.CrossEntropyLoss(reduction="none")
trainer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(5):
    total = 0.0
    for X, y in batches:
        l = loss(model(X), y)
        trainer.zero_grad()
        l.mean().backward()
        trainer.step()
        total += l.sum().item()
    print(f"epoch {epoch + 1}, loss {total / 512:.4f}")
predictions = model(test_images).argmax(dim=1)
print(f"test accuracy {(predictions == test_labels).float().mean():.3f}")
print(predictions[:12], test_labels[:12])
print(F.log_softmax(model(test_images[:1]), dim=1))
print(F.softmax(model(test_images[:2]), dim=-1))
