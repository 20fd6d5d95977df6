"""Single ops on large tensors, forward and backward, not compiled; and Adam's update of 4 million numbers."""

TARGET = 0.8
SHAPES = ((4096, 1024), (256, 10000))
OPS = {     # of F, the input, a vector, and a class for each row
    "softmax": lambda F, x, v, y: F.softmax(x, -1),
    "log_softmax": lambda F, x, v, y: F.log_softmax(x, -1),
    "layer_norm": lambda F, x, v, y: F.layer_norm(x, v.shape, v, v),
    "gelu": lambda F, x, v, y: F.gelu(x),
    "gelu_tanh": lambda F, x, v, y: F.gelu(x, approximate="tanh"),
    "cross_entropy": lambda F, x, v, y: F.cross_entropy(x, y),
}
CASES = {f"{name}_{rows}x{columns}": (name, rows, columns) for rows, columns in SHAPES for name in OPS}
CASES["adam_4M"] = ("Adam's update", 4096, 1024)


def title(case):
    """What the row of the table is called."""
    name, rows, columns = CASES[case]
    return f"{name.replace('_', ' ')} {rows}x{columns}" + (", forward and backward" if name in OPS else "")


def make(torch, case):
    name, rows, columns = CASES[case]
    torch.manual_seed(0)
    x = torch.randn(rows, columns, requires_grad=True)
    slope = torch.randn(rows, columns)
    if name not in OPS:
        x.grad = slope
        return torch.optim.Adam([x], lr=1e-3).step
    v = torch.rand(columns).requires_grad_(name == "layer_norm")
    y, function = torch.randint(0, columns, (rows,)), OPS[name]

    def step():
        x.grad = v.grad = None
        result = function(torch.nn.functional, x, v, y)
        if result.ndim:
            result.backward(slope)
        else:
            result.backward()
        return result

    return step
