"""Logistic regression on twelve students: from scratch, then with nn."""
import torch
from torch import nn

torch.manual_seed(0)

# hours of study, hours of sleep -> passed
students = torch.tensor([[1.0, 5.0], [1.5, 8.0], [2.0, 6.5], [2.5, 4.0], [3.0, 7.0], [3.5, 5.5],
                         [4.0, 8.0], [4.5, 6.0], [5.0, 7.5], [5.5, 4.5], [6.0, 8.5], [7.0, 6.0]])
passed = torch.tensor([0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1]).float()
X = (students - students.mean(dim=0)) / students.std(dim=0)
print(X[:3], X.mean(dim=0).abs() < 1e-6)

print("-- from scratch")
w = torch.zeros(2, requires_grad=True)
b = torch.zeros(1, requires_grad=True)


def sigmoid(z):
    return 1 / (1 + torch.exp(-z))


def model(X):
    return sigmoid(X @ w + b)


def binary_cross_entropy(p, y):
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()


for epoch in range(200):
    loss = binary_cross_entropy(model(X), passed)
    loss.backward()
    with torch.no_grad():
        for parameter in (w, b):
            parameter -= 0.5 * parameter.grad
            parameter.grad = None
    if epoch % 40 == 39:
        accuracy = ((model(X) > 0.5) == passed.bool()).float().mean()
        print(f"epoch {epoch + 1}, loss {loss.item():.4f}, accuracy {accuracy:.3f}")
print(w, b)

print("-- with nn")


class LogisticRegression(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 1)

    def forward(self, X):
        return torch.sigmoid(self.linear(X))


net = LogisticRegression()
print(net)
print(net.linear.weight)
loss_function = nn.BCELoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
for epoch in range(200):
    optimizer.zero_grad()
    loss = loss_function(net(X).squeeze(1), passed)
    loss.backward()
    optimizer.step()
    if epoch % 40 == 39:
        print(f"epoch {epoch + 1}, loss {loss.item():.4f}")
print(net.linear.weight, net.linear.bias)

logits = net.linear(X).squeeze(1)
print(nn.BCEWithLogitsLoss()(logits, passed), loss_function(torch.sigmoid(logits), passed))
student = (torch.tensor([[3.8, 7.0]]) - students.mean(dim=0)) / students.std(dim=0)
print(f"chance to pass: {net(student).item():.3f}")
