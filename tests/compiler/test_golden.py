"""Kernels as they were when someone last looked at them: a change in fusion or lowering shows as a change of these
files.

Each file of `golden/` has the program of a case after simplification and its kernels in the loop IR. After a change
that is meant: `python tests/compiler/test_golden.py` writes them anew; read the difference before you commit it.
"""

import re
import sys
from pathlib import Path

import pytest

import stickonfire as torch

F = torch.nn.functional
FOLDER = Path(__file__).parent / "golden"
pytestmark = pytest.mark.llvm


def leaf(*shape):
    return torch.linspace(-1, 1, torch.Size(shape).numel()).reshape(shape).requires_grad_()


def training(loss_of, *leaves, optimizer=None):
    """A step: the loss of an argument, its gradients, an update."""
    optimizer = (optimizer or (lambda p: torch.optim.SGD(p, lr=0.1)))(list(leaves))

    def step(*arguments):
        optimizer.zero_grad()
        loss = loss_of(*arguments, *leaves)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def ones(*shape):
    return torch.ones(shape)


CASES = {
    "elementwise_chain": (lambda x: torch.tanh(x * 2 + 1) / (x.abs() + 1), [ones(40, 33)]),
    "broadcast_bias": (lambda x, b: torch.relu(x + b) * b.sum(), [ones(40, 33), ones(33)]),
    "transposed_operand": (lambda x, y: x.T + y, [ones(33, 40), ones(40, 33)]),
    "strided_slices": (lambda x: x[:, ::2] * x[:, 1::2], [ones(9, 34)]),
    "sum_of_all": (lambda x: (x * x).sum(), [ones(300, 100)]),
    "sum_of_columns": (lambda x: (x * 3).sum(0), [ones(300, 100)]),
    "sum_in_the_middle": (lambda x: x.sum(1), [ones(5, 70, 33)]),
    "softmax": (lambda x: torch.softmax(x, -1), [ones(40, 33)]),
    "layer_norm": (lambda x, w: F.layer_norm(x, (33,), w, w), [ones(40, 33), ones(33)]),
    "layer_norm_training": (
        training(lambda x, w, b: F.layer_norm(x, (33,), w, b).square().mean(), leaf(33), leaf(33)),
        [ones(40, 33)],
    ),
    "cross_entropy_training": (training(lambda y, x: F.cross_entropy(x, y), leaf(16, 10)), [torch.arange(16) % 10]),
    "gelu_training": (training(lambda x, w: F.gelu(x * w).sum(), leaf(64)), [ones(20, 64)]),
    "embedding_training": (training(lambda i, w: F.embedding(i, w).sum(), leaf(7, 16)), [torch.arange(12) % 7]),
    "adam": (
        training(
            lambda x, a, b: (a * x).sum() + (b * 2).sum(),
            leaf(64),
            leaf(5, 3),
            optimizer=lambda p: torch.optim.Adam(p, lr=0.01),
        ),
        [ones(64)],
    ),
    "bool_and_int": (
        lambda x, i: torch.where((x > 0) & (i != 3), x, i.float()).sum(1),
        [ones(8, 40), torch.arange(40)],
    ),
    "in_place": (lambda x: x.mul_(2).add_(1).relu_(), [ones(700)]),
}


def described(name):
    """A case's program and kernels."""
    function, arguments = CASES[name]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        run = torch.compile(function)
        for _ in range(2):
            run(*arguments)
    finally:
        torch.set_num_threads(threads)
    assert run.programs(), run.reasons
    executable = run.programs()[0].executable
    parts = [str(executable.program)]
    for step in executable.steps:
        symbol = getattr(step, "symbol", None)
        parts.append(f"# {step!r}" if symbol is None else executable.describe(symbol))
    numbers = {}                                            # buffers are numbered as they appear
    return re.sub(r"%\d+", lambda m: f"%{numbers.setdefault(m[0], len(numbers))}", "\n\n".join(parts)) + "\n"


@pytest.mark.parametrize("name", CASES)
def test_golden(name):
    pytest.importorskip("llvmlite")
    found, file = described(name), FOLDER / f"{name}.txt"
    assert found == file.read_text(), f"{file} differs; if this is meant: python {Path(__file__).name}"


if __name__ == "__main__":
    for case in sys.argv[1:] or CASES:
        (FOLDER / f"{case}.txt").write_text(described(case))
