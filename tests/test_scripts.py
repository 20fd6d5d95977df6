"""The scripts of scripts/ and the tables of bench/: each layer rule is seen firing, and not."""
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module         # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


layers = load(ROOT / "scripts" / "check_layers.py")
sizes = load(ROOT / "scripts" / "sizes.py")
tables = load(ROOT / "bench" / "tables.py")


@pytest.fixture
def package(tmp_path):
    """Writes a package from {path: source} and returns the layer check's complaints."""
    def check(files):
        root = tmp_path / "stickonfire"
        for name, source in {"__init__.py": "", **files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            for folder in (path.parent, *path.parent.parents):
                if folder.is_relative_to(root):
                    (folder / "__init__.py").touch()
            path.write_text(source)
        return layers.check(root)
    return check


FINE = {
    "a room below": {"nn/linear.py": "from ..eager import Tensor", "eager/tensor.py": ""},
    "a neighbour in the room": {"ops/arith.py": "from .op import op", "ops/op.py": "op = 1"},
    "the public package on floor 3": {
        "models/gpt.py": "import stickonfire as torch\nfrom stickonfire import nn", "nn/linear.py": ""},
    "a lazily loaded submodule": {"__init__.py": "def __getattr__(n):\n    from . import nn\n    return nn",
                                  "nn/linear.py": ""},
    "numpy in a backend": {"backends/cpu.py": "import numpy as np"},
    "numpy for type checkers": {"core/a.py": "import typing\nif typing.TYPE_CHECKING:\n    import numpy"},
    "an optional library, late": {"train/bar.py": "def f():\n    import rich"},
    "an optional library, tried": {"backends/b.py": "try:\n    import ml_dtypes\nexcept ImportError: pass"},
    "anything from compat": {"compat/alias.py": "from ..core import dtypes", "core/dtypes.py": ""},
}
WRONG = {
    "upwards": ({"core/a.py": "from ..eager import Tensor", "eager/t.py": ""}, "core may not import eager"),
    "upwards, late": ({"tape/a.py": "def f():\n    from ..eager import t", "eager/t.py": ""}, "tape may not"),
    "upwards, by name": ({"ops/a.py": "import importlib\nimportlib.import_module('stickonfire.nn')"},
                         "ops may not import nn"),
    "sideways": ({"optim/a.py": "from ..nn import Module", "nn/m.py": ""}, "optim may not import nn"),
    "past the public names": ({"models/a.py": "from ..eager import Tensor"}, "models may not import eager"),
    "the whole package": ({"nn/a.py": "import stickonfire"}, "nn imports the whole package"),
    "numpy in ops": ({"ops/a.py": "import numpy as np"}, "ops may not import numpy"),
    "numpy in nn, late": ({"nn/a.py": "def f():\n    import numpy"}, "nn may not import numpy"),
    "an optional library at once": ({"train/a.py": "import rich.progress"}, "rich is optional"),
    "PyTorch": ({"io/a.py": "def f():\n    import torch"}, "torch is never imported"),
    "a late import of ours": ({"eager/a.py": "def f():\n    from . import b", "eager/b.py": ""}, "in hiding"),
    "a cycle": ({"eager/a.py": "from . import b", "eager/b.py": "from . import a"}, "cycle of imports"),
    "an unknown room": ({"misc/a.py": ""}, "misc is no room"),
}


@pytest.mark.parametrize("name", FINE)
def test_layers_accept(name, package):
    assert package(FINE[name]) == []


@pytest.mark.parametrize("name", WRONG)
def test_layers_refuse(name, package):
    files, complaint = WRONG[name]
    found = package(files)
    assert found and all(complaint in line for line in found), found


def test_the_package_keeps_its_layers():
    assert layers.check(ROOT / "stickonfire") == []


def test_sizes_count_code_only():
    source = '"""Doc."""\n\n# comment\ndef f(x):\n    """Doc\n    string."""\n    return x + 1\n'
    assert sizes.count(source) == (2, 10)


def test_sizes_name_giants(tmp_path):
    body = "".join(f"    x{i} = {i}\n" for i in range(61))
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "long.py").write_text(f"def big():\n{body}\ndef small(): pass\n" + "\n" * 500)
    assert [line.split(": ")[1] for line in sizes.giants(tmp_path / "p")] == ["564 lines", "big has 62 lines"]


def test_sizes_report_on_the_package():
    command = [sys.executable, ROOT / "scripts" / "sizes.py"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.startswith("room") and "total" in done.stdout


def test_durations_have_three_digits():
    seconds = [2.314e-6, 8.15e-4, 3.25e-3, 2.4]
    assert [tables.duration(value) for value in seconds] == ["2.31 µs", "815 µs", "3.25 ms", "2.4 s"]


def test_the_table_goes_between_the_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
    row = {"title": "mlp", "target": 0.5, "medians": [1e-3, 2e-3], "spreads": [0.1, 0.2], "ratio": 0.5,
           "ratios": (0.4, 0.6)}
    tables.update(page, tables.as_markdown([row]))
    assert "| mlp | 1 ms | 2 ms | 0.50x | 0.50x |" in page.read_text()
    assert page.read_text().startswith("before\n") and page.read_text().endswith("\nafter\n")
    assert "old" not in page.read_text()
    page.write_text("no markers")
    with pytest.raises(SystemExit, match="markers"):
        tables.update(page, "x")


def test_ci_refuses_a_conformance_folder_that_is_not_there(tmp_path):
    done = subprocess.run(["bash", str(ROOT / ".ci/run")], env={**os.environ, "CONFORMANCE": str(tmp_path / "none")},
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "there is no run.py" in done.stdout
