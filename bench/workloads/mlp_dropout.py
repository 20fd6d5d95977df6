"""A multilayer perceptron with dropout, 784-256-256-10, on a batch of 256 images: one Adam step."""

TITLE = "MLP with dropout 256x784-256-256-10, Adam"
TARGET = 1.0
COMPILED = 0.5


def make(torch):
    from torch import nn

    torch.manual_seed(0)
    images, labels = torch.randn(256, 1, 28, 28), torch.randint(0, 10, (256,))
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 256),
                          nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 10))
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        loss = loss_function(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step
