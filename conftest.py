"""What every test gets: seeds, a temporary working folder, no writing elsewhere, and an honest summary.

Tests are stricter than users: warnings are errors (pyproject.toml), and a write outside a temporary folder
fails. Tests marked `oracle` compare with PyTorch; where it is missing they are left out and the summary
says how many. This file lies at the top so that the package's doctests get all that too.
"""
import ast
import importlib.util
import os
import random
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
TORCH_MISSING = importlib.util.find_spec("torch") is None
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Doctests of these modules need a library that is not always there.
DOCTEST_NEEDS = {
    "io/safetensors.py": "safetensors", "train/progress.py": "rich", "viz/curves.py": "matplotlib",
    "amp/autocast_mode.py": "ml_dtypes",
}

try:
    import hypothesis
except ImportError:         # property tests skip themselves then
    hypothesis = None


class WriteGuard:
    """Raises when a test opens a file for writing, or makes a folder, outside the temporary folders."""

    def __init__(self):
        self.active = False
        self.allowed = ["/dev/", "/proc/"]

    def add(self, folder):
        self.allowed.append(os.path.realpath(folder) + os.sep)

    def permits(self, path) -> bool:
        if isinstance(path, int):               # an open file descriptor
            return True
        real = os.path.realpath(os.fsdecode(path))
        return real.startswith(tuple(self.allowed)) or "__pycache__" in real

    def hook(self, event, arguments):
        if not self.active:
            return
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING:
            path = arguments[0]
        elif event == "os.mkdir":
            path = arguments[0]
        else:
            return
        if path is not None and not self.permits(path):
            raise PermissionError(f"a test wrote outside its temporary folder: {path!r}")


guard = WriteGuard()


@pytest.fixture(autouse=True)
def _in_a_temporary_folder(_session_folder, monkeypatch):
    monkeypatch.chdir(_session_folder)
    guard.active = True
    yield
    guard.active = False


@pytest.fixture(scope="session")
def _session_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cwd")


@pytest.fixture(autouse=True)
def _same_seeds():
    random.seed(0)
    for name in ("numpy.random", "torch", "stickonfire"):
        module = sys.modules.get(name)      # only what is imported already: seeding must not import
        seed = getattr(module, "manual_seed", None) or getattr(module, "seed", None)
        if seed is not None:
            seed(0)


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace):
    package = sys.modules.get("stickonfire")
    if package is not None:
        doctest_namespace.update(stickonfire=package, torch=package)


def pytest_configure(config):
    config.pluginmanager.register(left_out, "stickonfire-left-out")
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)       # for tests that start Python
    os.environ.setdefault("MPLBACKEND", "Agg")
    os.environ.setdefault("MPLCONFIGDIR", os.path.join(tempfile.gettempdir(), "stickonfire-matplotlib"))
    guard.add(tempfile.gettempdir())
    if config.option.basetemp:
        guard.add(config.option.basetemp)
    sys.addaudithook(guard.hook)
    if hypothesis is not None:
        profiles(config)


def profiles(config):
    """`same` gives the same examples each time; `fuzz` looks for new ones at length (`make fuzz`)."""
    from hypothesis import HealthCheck, configuration, settings

    configuration.set_hypothesis_home_dir(config.rootpath / ".hypothesis")
    guard.add(config.rootpath / ".hypothesis")
    slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
    common = {"deadline": None, "suppress_health_check": slow}
    settings.register_profile("same", derandomize=True, max_examples=50, **common)
    settings.register_profile("fuzz", max_examples=2000, **common)
    settings.load_profile(config.getoption("--hypothesis-profile", None) or "same")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if TORCH_MISSING and item.get_closest_marker("oracle"):
            item.add_marker(pytest.mark.skip(reason="PyTorch is not installed"))
        doctest = isinstance(item, pytest.DoctestItem)
        needed = DOCTEST_NEEDS.get("/".join(item.path.parts[-2:])) if doctest else None
        if needed and importlib.util.find_spec(needed) is None:
            item.add_marker(pytest.mark.skip(reason=f"the example needs {needed}"))


def lacks_torch(report) -> bool:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return TORCH_MISSING and report.skipped and ("PyTorch is not installed" in reason or "'torch'" in reason)


class LeftOut:
    """Counts parity tests that could not run; a file that skips itself, with its test functions."""

    def __init__(self):
        self.count = 0

    def pytest_collectreport(self, report):
        if report.skipped and lacks_torch(report):
            path = ROOT / report.nodeid
            tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
            self.count += sum(isinstance(node, ast.FunctionDef) and node.name.startswith("test")
                              for node in ast.walk(tree))

    def pytest_runtest_logreport(self, report):
        self.count += bool(report.skipped and lacks_torch(report))


left_out = LeftOut()


def pytest_terminal_summary(terminalreporter):
    if TORCH_MISSING:
        terminalreporter.write_line(f"{left_out.count} parity tests left out: PyTorch is not installed")
