"""Linear regression with what the library offers: DataLoader, nn.Linear, MSELoss, SGD."""
import torch
from torch import nn
from torch.utils import data

torch.manual_seed(0)
true_w, true_b = torch.tensor([2, -3.4]), 4.2
features = torch.randn(1000, 2)
labels = (features @ true_w + true_b + 0.01 * torch.randn(1000)).reshape(-1, 1)


def load_array(data_arrays, batch_size, is_train=True):
    dataset = data.TensorDataset(*data_arrays)
    return data.DataLoader(dataset, batch_size, shuffle=is_train)


data_iter = load_array((features, labels), 10)
print(next(iter(data_iter)))

net = nn.Sequential(nn.Linear(2, 1))
print(net)
print(net[0].weight, net[0].bias)
net[0].weight.data.normal_(0, 0.01)
net[0].bias.data.fill_(0)
loss = nn.MSELoss()
trainer = torch.optim.SGD(net.parameters(), lr=0.03)
print(trainer)

for epoch in range(3):
    for X, y in data_iter:
        l = loss(net(X), y)
        trainer.zero_grad()
        l.backward()
        trainer.step()
    l = loss(net(features), labels)
    print(f"epoch {epoch + 1}, loss {l:f}")

w = net[0].weight.data
print("error in estimating w:", true_w - w.reshape(true_w.shape))
b = net[0].bias.data
print("error in estimating b:", true_b - b)
print({name: tuple(value.shape) for name, value in net.state_dict().items()})

print("-- the same as a class, with a validation set and a schedule")


class LinearRegression(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.net = nn.Linear(inputs, 1)

    def forward(self, X):
        return self.net(X)


torch.manual_seed(1)
train, valid = data.random_split(data.TensorDataset(features, labels), [800, 200])
model = LinearRegression(2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
for epoch in range(4):
    model.train()
    for X, y in data.DataLoader(train, batch_size=32, shuffle=True):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(X), y).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        losses = [nn.functional.mse_loss(model(X), y) for X, y in data.DataLoader(valid, batch_size=100)]
    print(f"epoch {epoch + 1}, rate {scheduler.get_last_lr()[0]:g}, loss {torch.stack(losses).mean():.5f}")
    scheduler.step()
