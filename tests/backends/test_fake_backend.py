"""The op table on a fake third backend: nothing above `backends/` touches NumPy.

The table is the parity suite's own: every text snippet of `tests/parity/` runs on NumPy's backend and on one whose
arrays refuse to be taken for NumPy's, and must give the same, exceptions included. No PyTorch is needed.
"""
from __future__ import annotations

import ast
import warnings
from pathlib import Path

import numpy as np
import pytest

import stickonfire as torch
from tests.helpers import fake_backend

PARITY = Path(__file__).parents[1] / "parity"
# snippets whose subject is NumPy's memory itself, and those that leave switches behind
ABOUT_NUMPY = ("numpy", "dlpack", "data_ptr", "__array")


def snippets() -> list[str]:
    """The texts in the parity files' lists, read without importing them (that would need PyTorch)."""
    found = []
    for path in sorted(PARITY.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.List, ast.Tuple)):
                texts = [e.value for e in node.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]
                found += [text for text in texts if "torch." in text and not any(word in text for word in ABOUT_NUMPY)]
    return list(dict.fromkeys(found))


def result(text: str) -> str:
    """What a snippet gives, in words: the value's repr, or the exception's type."""
    torch.manual_seed(0)
    names = {"torch": torch, "nan": float("nan"), "inf": float("inf"), "math": __import__("math")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(text.strip())
            last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, "<snippet>", "exec"), names)
            return repr(eval(compile(ast.Expression(last.value), "<snippet>", "eval"), names)) if last else ""
        except Exception as error:
            return f"{type(error).__name__}: {error}" if "NumPy" in str(error) else type(error).__name__
        finally:            # a snippet may be about a switch
            torch.set_default_device(None)
            torch.set_default_dtype(torch.float32)
            torch.set_printoptions(profile="default")
            torch.set_grad_enabled(True)


ALL = snippets()


def test_the_table_is_found() -> None:
    assert len(ALL) > 500


@pytest.mark.parametrize("part", range(20))
def test_same_on_the_fake_backend(part: int) -> None:
    mine = ALL[part::20]
    expected = [result(text) for text in mine]
    with fake_backend.installed():
        found = [result(text) for text in mine]
    wrong = [f"{text!r}: {got} instead of {want}" for text, got, want in zip(mine, found, expected)
             if got != want and " object at 0x" not in want]
    assert not wrong, f"{len(wrong)} of {len(mine)}:\n" + "\n".join(wrong)


def test_the_fake_refuses_numpy() -> None:
    with fake_backend.installed():
        t = torch.ones(2)
        with pytest.raises(TypeError):
            np.add(t._array, 1)
        with pytest.raises(TypeError):
            np.asarray(t._array)


def test_training_on_the_fake_backend() -> None:
    def losses() -> list[float]:
        torch.manual_seed(0)
        nn = torch.nn
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 3))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        inputs, targets = torch.randn(16, 4), torch.randint(0, 3, (16,))
        history = []
        for _ in range(5):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            history.append(loss.item())
        return history

    expected = losses()
    with fake_backend.installed():
        assert losses() == expected
