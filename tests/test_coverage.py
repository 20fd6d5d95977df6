"""scripts/coverage.py: the page it writes, and the names in use, each of which is there or has a reason not to be."""
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SURFACE = ROOT / "../shared/api-surface.tsv"


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


coverage = load(ROOT / "scripts" / "coverage.py")
TEXT = """# Differences

## Names that are not there

| names | why |
|---|---|
| `torch.fx`, `torch.jit.script` | needs a tracer |

## Something else

| `torch.nn` | not a reason |
"""


def row(name, status="pass", ok=2, total=2, variant="", failure=""):
    return {"name": name, "variant": variant, "status": status, "samples_ok": str(ok), "samples_total": str(total),
            "first_failure": failure}


TABLES = {
    "ops": [row("add"), row("mul", "partial", 1, 4, failure="function: values"), row("fft", "missing", 0, 3)],
    "errors": [row("add")], "modules": [row("nn.Linear")], "optimizers": [row("SGD")],
    "names": [row("torch.add", variant="torch"), row("torch.jit", "missing", 0, 1, variant="torch")]}
USED = [{"name": "torch.add", "total_uses": "9"}, {"name": "torch.fx.Node", "total_uses": "1"},
        {"name": "torchvision.io", "total_uses": "5"}]


def test_the_reasons_are_read_from_their_section_alone():
    reasons = coverage.explained(TEXT)
    assert reasons == {"torch.fx": "needs a tracer", "torch.jit.script": "needs a tracer"}
    assert coverage.reason("torch.fx.Node.args", reasons) == "needs a tracer"
    assert coverage.reason("torch.jit", reasons) is None


def test_names_are_looked_up_through_modules_and_on_instances():
    there = ("torch.nn.functional.relu", "torch.Tensor.shape", "torch.utils.data.DataLoader",
             "torch.nn.Module.training", "torch.optim.Optimizer.param_groups", "torch.nn.modules.linear.Linear")
    assert [name for name in there if not coverage.exists(name)] == []
    assert not coverage.exists("torch.nn.functional.nothing")
    assert not coverage.exists("torch.nothing.at.all")


def test_totals_count_missing_entries_apart():
    assert coverage.totals(TABLES["ops"]) == (3, 6, 9)


def test_shortfalls_are_named():
    found = coverage.shortfalls(TABLES)
    assert [line.split(":")[0] for line in found] == ["ops", "ops", "names"]


def test_the_page_names_what_is_missing():
    text = coverage.page(TABLES, USED, ["torch.fx.Node"], coverage.explained(TEXT))
    assert "| ops | calls of operators" in text
    assert "33.33% | 50.00% | 90% |" in text
    assert "| `torch` | 1 | 2 | jit |" in text
    assert "1 of 2 names are there; they stand for 90.0% of 10 uses." in text
    assert "| `fx.Node` | 1 | needs a tracer |" in text
    assert "| `fft` | 0 of 3 |" in text and "| `mul` | 1 of 4 | function: values |" in text


def test_without_the_suite_it_says_so_and_fails(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["coverage.py", "--conformance", str(tmp_path), "--out",
                                      str(tmp_path / "page.md")])
    assert coverage.main() == 1
    assert "is missing: nothing to measure with" in capsys.readouterr().err
    assert not (tmp_path / "page.md").exists()


@pytest.mark.skipif(not SURFACE.exists(), reason="api-surface.tsv is not there: it lies beside the repository")
def test_every_name_in_use_is_there_or_explained():
    reasons = coverage.explained((ROOT / "docs/differences.md").read_text())
    names = [row["name"] for row in coverage.read(SURFACE) if row["name"].startswith("torch.")]
    unexplained = [name for name in names if not coverage.exists(name) and coverage.reason(name, reasons) is None]
    assert unexplained == []


def test_no_reason_is_given_for_what_is_there():
    reasons = coverage.explained((ROOT / "docs/differences.md").read_text())
    assert [name for name in reasons if coverage.exists(name)] == []
