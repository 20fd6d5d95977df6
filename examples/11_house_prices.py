"""House prices: eight houses, four features, sixteen hidden units, Adam, a thousand epochs."""
import torch
from torch import nn

torch.manual_seed(0)

# square metres, rooms, age in years, minutes to the centre; price in thousands
houses = torch.tensor([[50.0, 2, 30, 15], [80, 3, 10, 25], [120, 5, 5, 40], [65, 3, 45, 10],
                       [150, 6, 2, 50], [95, 4, 20, 20], [40, 1, 60, 5], [110, 4, 15, 30]])
prices = torch.tensor([[210.0], [320], [455], [265], [540], [385], [195], [420]])

X = (houses - houses.mean(dim=0)) / houses.std(dim=0)
mean, std = prices.mean(), prices.std()
y = (prices - mean) / std
print(X)
print(y.reshape(-1))


def get_net():
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))


def train(net, X, y, epochs, lr=0.01, weight_decay=0.0, show=False):
    loss_function = nn.MSELoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr, weight_decay=weight_decay)
    for epoch in range(epochs):
        optimizer.zero_grad()
        loss = loss_function(net(X), y)
        loss.backward()
        optimizer.step()
        if show and (epoch + 1) % 100 == 0:
            print(f"epoch {epoch + 1:4d}, loss {loss.item():.6f}")
    return loss.item()


net = get_net()
print(net)
train(net, X, y, 1000, lr=0.001, show=True)
with torch.no_grad():
    print((net(X) * std + mean).reshape(-1))
    print(f"root mean squared error: {((net(X) - y) * std).square().mean().sqrt():.3f} thousand")
new_house = torch.tensor([[70.0, 3, 25, 18]])
predicted = net((new_house - houses.mean(dim=0)) / houses.std(dim=0)) * std + mean
print(f"a new house: {predicted.item():.2f}")

print("-- the logarithm of the price, as relative errors count")


def log_rmse(net, features, labels):
    clipped = torch.clamp(net(features) * std + mean, 1, float("inf"))
    return torch.sqrt(nn.functional.mse_loss(torch.log(clipped), torch.log(labels))).item()


print(f"{log_rmse(net, X, prices):.5f}")

print("-- four-fold cross-validation")
total = 0.0
for i in range(4):
    held_out = torch.zeros(8, dtype=torch.bool)
    held_out[i * 2:(i + 1) * 2] = True
    net = get_net()
    train_loss = train(net, X[~held_out], y[~held_out], 100, weight_decay=0.01)
    valid = log_rmse(net, X[held_out], prices[held_out])
    total += valid
    print(f"fold {i + 1}, train loss {train_loss:.5f}, validation log rmse {valid:.5f}")
print(f"average {total / 4:.5f}")
