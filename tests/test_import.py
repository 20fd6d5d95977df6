"""`import stickonfire` pulls in NumPy and the standard library only; submodules come when they are asked for."""
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def fresh(code: str):
    """What `code` prints, as JSON, in a new interpreter that has our import path."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def loaded_by(statement: str) -> set[str]:
    """Names of modules that a statement adds to those a bare interpreter has."""
    return set(fresh("import json, sys; before = set(sys.modules)\n" + statement +
                     "\nprint(json.dumps(sorted(set(sys.modules) - before)))"))


def foreign(modules: set[str]) -> set[str]:
    """The modules that are neither ours, nor NumPy's (Cython's are), nor the standard library's."""
    standard = {*sys.stdlib_module_names, "stickonfire", "numpy"}
    tops = {name.partition(".")[0] for name in modules}
    return {top for top in tops - standard if not top.startswith(("_", "cython_"))}


@pytest.mark.parametrize("statement", [
    "import stickonfire",
    "import stickonfire as torch; torch.nn.Linear(1, 1); torch.optim.SGD; torch.utils.data.DataLoader; torch.save",
    "import stickonfire.cli",
    "import stickonfire.compat",
])
def test_nothing_but_numpy(statement):
    assert not foreign(loaded_by(statement))


@pytest.mark.parametrize("lazy", ["nn", "optim", "data", "io", "models", "text", "train", "viz", "compat", "cli"])
def test_submodules_are_loaded_when_asked_for(lazy):
    assert f"stickonfire.{lazy}" not in loaded_by("import stickonfire")


@pytest.mark.parametrize("name", ["nn", "optim", "utils", "autograd", "linalg", "special", "random"])
def test_attribute_access_loads_a_submodule(name):
    assert f"stickonfire.{name}" in loaded_by(f"import stickonfire; stickonfire.{name}")


def test_submodules_can_be_imported_by_name():
    assert fresh("from stickonfire.nn import functional as F\nimport stickonfire.nn as nn\n"
                 "from stickonfire.utils.data import DataLoader, TensorDataset\n"
                 "print('true' if nn.functional is F else 'false')") is True


def test_bfloat16_without_ml_dtypes_names_the_package():
    code = ("import json, sys\nsys.modules['ml_dtypes'] = None\nimport stickonfire as torch\n"
            "try:\n    torch.ones(2, dtype=torch.bfloat16)\n"
            "except ImportError as error:\n    print(json.dumps(str(error)))")
    said = fresh(code)
    assert "ml_dtypes" in said and "pip install" in said
