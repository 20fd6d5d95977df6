"""`import torch` under the alias: the same module objects, lazily; clear refusals. Each case in a fresh
process.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


def run(program: str) -> str:
    """What a fresh Python prints for a program (the process of the tests may hold the real torch)."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_torch_and_its_submodules_are_ours():
    assert (
        run("""
        import stickonfire, stickonfire.compat, sys
        stickonfire.compat.install()
        stickonfire.compat.install()
        import torch
        import torch.nn.functional as F
        from torch.utils.data import DataLoader
        from torch import nn, optim
        from torch.optim.lr_scheduler import StepLR
        import torch.autograd
        assert torch is stickonfire and sys.modules["torch"] is sys.modules["stickonfire"]
        assert nn is stickonfire.nn and sys.modules["torch.nn"] is sys.modules["stickonfire.nn"]
        assert F is stickonfire.nn.functional
        assert sys.modules["torch.optim.lr_scheduler"] is sys.modules["stickonfire.optim.lr_scheduler"]
        assert stickonfire.nn.__spec__.name == "stickonfire.nn" and stickonfire.__name__ == "stickonfire"
        print(torch.ones(2), DataLoader.__name__, StepLR.__name__)
        """)
        == "tensor([1., 1.]) DataLoader StepLR"
    )


def test_nothing_heavy_is_imported_before_it_is_asked_for():
    assert (
        run("""
        import sys, stickonfire.compat
        stickonfire.compat.install()
        print("stickonfire.optim" in sys.modules)
        """)
        == "False"
    )


def test_a_submodule_that_does_not_exist_is_named():
    assert run("""
        import stickonfire.compat
        stickonfire.compat.install()
        for name in ("torch.nosuch", "torch.nn.nosuch.deeper"):
            try:
                __import__(name)
            except ModuleNotFoundError as error:
                print(error.name, "differences.md" in str(error))
        try:
            from torch.nn import nosuch
        except ImportError as error:
            print("ImportError")
        """).split("\n") == ["torch.nosuch True", "torch.nn.nosuch True", "ImportError"]


def test_a_block_ends_the_alias():
    assert (
        run("""
        import sys, stickonfire
        from stickonfire.compat import installed, is_installed
        with installed() as torch:
            import torch.nn
            assert torch is stickonfire and is_installed()
        left = [name for name in sys.modules if name.partition(".")[0] == "torch"]
        print(is_installed(), left, stickonfire.nn.__name__)
        """)
        == "False [] stickonfire.nn"
    )


def test_the_real_torch_already_imported_is_refused():
    assert (
        run("""
        import sys, types
        sys.modules["torch"] = types.ModuleType("torch")
        import stickonfire.compat
        try:
            stickonfire.compat.install()
        except ImportError as error:
            print("already imported" in str(error), stickonfire.compat.is_installed())
        """)
        == "True False"
    )


@pytest.mark.oracle
def test_the_real_torch_comes_back_after_uninstall():
    pytest.importorskip("torch")
    assert (
        run("""
        import stickonfire.compat
        with stickonfire.compat.installed():
            import torch
            assert torch.__name__ == "stickonfire"
        import torch
        print(torch.__name__)
        """)
        == "torch"
    )
