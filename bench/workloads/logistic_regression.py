"""Logistic regression on 12 points with 2 features: one SGD step."""

TITLE = "logistic regression 12x2, SGD"
TARGET = 0.4
COMPILED = 0.03


def make(torch):
    from torch import nn

    torch.manual_seed(0)
    features = torch.randn(12, 2)
    labels = (features.sum(dim=1, keepdim=True) > 0).float()
    model = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())
    loss_function = nn.BCELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        optimizer.zero_grad()
        loss = loss_function(model(features), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step
