"""Softmax regression on a batch of 256 images of 784 pixels, 10 classes: one SGD step."""

TITLE = "softmax regression 256x784-10"
TARGET = 0.35
COMPILED = 0.35


def make(torch):
    from torch import nn

    torch.manual_seed(0)
    images, labels = torch.randn(256, 1, 28, 28), torch.randint(0, 10, (256,))
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        optimizer.zero_grad()
        loss = loss_function(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step
