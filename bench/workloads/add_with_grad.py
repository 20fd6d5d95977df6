"""`a + b` on 8 floats that require a gradient: the cost of one operation, nothing else."""

TITLE = "`a + b`, 8 floats, with grad"
TARGET = 0.6


def make(torch):
    torch.manual_seed(0)
    a = torch.randn(8, requires_grad=True)
    b = torch.randn(8, requires_grad=True)

    def step():
        return a + b

    return step
