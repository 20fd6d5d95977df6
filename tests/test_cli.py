"""The command line as a user meets it: runs, resumes, Ctrl-C, and one clear line for what can go wrong."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import stickonfire as torch
from stickonfire import cli
from stickonfire.cli import main

SMALL = """--context 8 --layers 1 --heads 2 --width 16 --batch-size 4 --steps 12 --sample-tokens 20
    --eval-every 4 --eval-batches 2 --log-every 1""".split()


@pytest.fixture(autouse=True)
def _in_a_temporary_folder(tmp_path, monkeypatch):
    """Runs without --out go to `runs/` where one stands."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("the quick brown fox jumps over the lazy dog.\n" * 40)
    return path


@pytest.fixture
def run(tmp_path, text):
    """A finished run of twelve steps."""
    path = tmp_path / "finished"
    assert main(["train", "--data", str(text), "--out", str(path), *SMALL]) == 0
    return path


def environment():
    """That of this process, with the package under test first on the path of a child."""
    path = os.pathsep.join([str(Path(torch.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)}


def losses(path):
    records = map(json.loads, (path / "log.jsonl").read_text().splitlines())
    return [{k: v for k, v in record.items() if k != "tokens_per_second"} for record in records]


def snapshot(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def one_line_error(capsys, *argv):
    """Run a command that must fail with status 2 and one line on stderr; return the line."""
    capsys.readouterr()
    try:
        status = main([str(arg) for arg in argv])
    except SystemExit as exit:
        status = exit.code
    lines = capsys.readouterr().err.splitlines()
    assert status == 2
    assert len(lines) == 1, lines
    return lines[0]


def test_train_leaves_a_run_folder(tmp_path, text, capsys):
    run = tmp_path / "r"
    assert main(["train", "--data", str(text), "--out", str(run), *SMALL]) == 0
    files = {p.name for p in run.iterdir()}
    assert {"config.toml", "tokenizer.json", "checkpoints", "log.jsonl", "samples.txt"} <= files
    out = capsys.readouterr().out
    assert "lowest validation loss" in out
    assert f"stickonfire generate {run}" in out
    assert (run / "samples.txt").read_text().strip() in out
    assert [r["step"] for r in losses(run) if "val_loss" in r] == [0, 4, 8, 12]


def test_default_text_and_folder(tmp_path, capsys):
    assert main(["train", *SMALL, "--steps", "1", "--sample-tokens", "0"]) == 0
    assert "language reference" in capsys.readouterr().out
    (folder,) = (tmp_path / "runs").iterdir()
    assert not (folder / "samples.txt").exists()


def test_train_on_a_folder_with_bytes(tmp_path, text, capsys):
    out = tmp_path / "r"
    assert main(["train", "--data", str(text.parent), "--tokens", "byte", "--out", str(out), *SMALL]) == 0
    assert "256 different ones (byte)" in capsys.readouterr().out
    assert main(["generate", str(out), "--tokens", "5", "--prompt", "é"]) == 0


def test_config_file(tmp_path, text, run, capsys):
    again = tmp_path / "again"
    assert main(["train", "--config", str(run / "config.toml"), "--out", str(again), "--steps", "5"]) == 0
    assert "5 steps" in capsys.readouterr().out
    assert losses(again)[0] == losses(run)[0]  # the untrained model


def test_without_optional_libraries(tmp_path, text, monkeypatch, capsys):
    monkeypatch.setattr(cli, "has_safetensors", lambda: False)
    monkeypatch.setattr("stickonfire.train.checkpoints.has_safetensors", lambda: False)
    monkeypatch.setattr(cli, "save_loss_curve", lambda *args: False)
    path = tmp_path / "r"
    assert main(["train", "--data", str(text), "--out", str(path), *SMALL]) == 0
    out = capsys.readouterr().out
    assert "matplotlib is not installed" in out
    assert "safetensors is not installed" in out
    assert (path / "checkpoints" / "step-000012" / "model.pt").exists()
    assert main(["generate", str(path), "--tokens", "5"]) == 0


def test_resume_longer(run, capsys):
    assert main(["train", "--resume", str(run), "--steps", "16"]) == 0
    assert [r["step"] for r in losses(run) if "loss" in r] == list(range(1, 17))
    assert "from step 12 on" in capsys.readouterr().out
    assert "steps = 16" in (run / "config.toml").read_text()


def test_resume_finished(run, capsys):
    before = losses(run)
    assert main(["train", "--resume", str(run)]) == 0
    assert "nothing left to do" in capsys.readouterr().out
    assert losses(run) == before


def test_resume_after_the_text_moved(tmp_path, run, text):
    moved = tmp_path / "moved.txt"
    text.rename(moved)
    assert main(["train", "--resume", str(run), "--data", str(moved), "--steps", "13"]) == 0


# -- what can go wrong: one line, status 2, nothing lost -----------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"too short", "too short: 9 tokens, but a context of 8 needs about 91"),
        (b"bin\0ary" * 100, "looks binary"),
        (b"latin \xe4" * 100, "is not UTF-8"),
    ],
)
def test_unusable_texts(tmp_path, capsys, content, message):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    out = tmp_path / "r"
    assert message in one_line_error(capsys, "train", "--data", path, "--out", out, *SMALL)
    assert not out.exists()


def test_unusable_folders(tmp_path, capsys, text, run):
    before = snapshot(run)
    train = ["train", "--data", text, *SMALL, "--out"]
    assert "exists already and is not empty" in one_line_error(capsys, *train, run)
    assert "Not a directory" in one_line_error(capsys, *train, text / "r")
    assert "no such file" in one_line_error(capsys, "train", "--data", tmp_path / "none")
    assert snapshot(run) == before


def test_unusable_options(tmp_path, capsys):
    bad = tmp_path / "bad.toml"
    bad.write_text("learningrate = 3\n")
    assert "did you mean 'learning_rate'" in one_line_error(capsys, "train", "--config", bad)
    assert "cannot read the config file" in one_line_error(capsys, "train", "--config", tmp_path / "none")
    assert "invalid int value: 'x'" in one_line_error(capsys, "train", "--steps", "x")
    assert "steps must be at least 1, got 0" in one_line_error(capsys, "train", "--steps", "0")
    assert "unrecognized arguments: --setps" in one_line_error(capsys, "train", "--setps=3")
    assert "not divisible by heads" in one_line_error(capsys, "train", "--heads", "5")
    assert "invalid choice" in one_line_error(capsys, "fly")
    assert "exclude each other" in one_line_error(capsys, "train", "--resume", "a", "--out", "b")
    assert "must be at least 1" in one_line_error(capsys, "generate", "r", "--tokens", "0")


def test_unusable_resumes(tmp_path, capsys, text, run):
    before = snapshot(run)
    resume = ["train", "--resume", run]
    assert "is not a run folder" in one_line_error(capsys, "train", "--resume", tmp_path / "none")
    assert "--width 32 differs from the run's 16" in one_line_error(capsys, *resume, "--width", "32")
    other = tmp_path / "other.txt"
    other.write_text("OTHER CHARACTERS " * 100)
    line = one_line_error(capsys, *resume, "--data", other)
    assert "the vocabulary of" in line and "is not that of run" in line
    other.write_text(text.read_text()[::-1])
    assert "is not the text that run" in one_line_error(capsys, *resume, "--data", other)
    text.unlink()
    assert "no such file" in one_line_error(capsys, *resume)
    assert snapshot(run) == before


def test_corrupt_and_missing_checkpoints(capsys, run):
    newest = run / "checkpoints" / "step-000012"
    model = next(newest.glob("model.*"))
    model.write_bytes(model.read_bytes()[:-3])
    before = snapshot(run)
    for command in (["train", "--resume", run, "--steps", "20"], ["generate", run]):
        line = one_line_error(capsys, *command)
        assert "is not as it was written; the one of step 8 is whole" in line
    assert snapshot(run) == before
    assert main(["generate", str(run), "--checkpoint", "8", "--tokens", "3"]) == 0
    newest.rename(run / "aside")
    assert main(["train", "--resume", str(run)]) == 0  # from step 8 on, to the same end
    assert "has no checkpoint '99'" in one_line_error(capsys, "generate", run, "--checkpoint", "99")


def test_failing_disk(capsys, tmp_path, text, monkeypatch):
    def full_disk(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stickonfire.train.checkpoints._flush", full_disk)
    line = one_line_error(capsys, "train", "--data", text, "--out", tmp_path / "r", *SMALL)
    assert "cannot save the checkpoint of step 0" in line and "No space left" in line


def test_diverging_run(capsys, tmp_path, text):
    argv = ["train", "--data", str(text), "--out", str(tmp_path / "r"), *SMALL, "--grad-clip", "0"]
    argv += ["--learning-rate", "1e30", "--warmup-steps", "0"]
    assert main(argv) == 1
    assert "try a lower --learning-rate" in capsys.readouterr().err


# -- Ctrl-C --------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_stopped_and_resumed_run_has_the_losses_of_an_uninterrupted_one(tmp_path, text, run, signum):
    path = tmp_path / "stopped"
    command = [sys.executable, "-P", "-m", "stickonfire", "train", "--data", text, "--out", path, *SMALL]
    command += ["--steps", "100000", "--decay-steps", "12"]
    env = environment()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        for line in process.stdout:
            if "validation loss" in line and not line.startswith("step 0/"):
                process.send_signal(signum)
                break
        out = process.stdout.read()
    assert process.returncode == 130
    assert f"go on with:  stickonfire train --resume {path}" in out
    done = losses(path)[-1]["step"]
    whole = tmp_path / "whole"
    steps = ["--steps", str(done + 5), "--decay-steps", "12"]
    assert main(["train", "--data", str(text), "--out", str(whole), *SMALL, *steps]) == 0
    assert main(["train", "--resume", str(path), *steps]) == 0
    assert losses(path) == losses(whole)


# -- generate, run, info -------------------------------------------------------------------------------


def test_generate(run, capsys):
    capsys.readouterr()
    for _ in range(2):
        assert main(["generate", str(run), "--prompt", "the ", "--tokens", "30", "--seed", "3"]) == 0
    out = capsys.readouterr().out
    half = len(out) // 2
    assert out[:half] == out[half:]
    assert out.startswith("the ")
    assert half == 4 + 30 + 1
    assert main(["generate", str(run), "--tokens", "5", "--temperature", "0", "--top-k", "2"]) == 0
    assert main(["generate", str(run), "--tokens", "5", "--checkpoint", "last"]) == 0


def test_generate_with_an_unusable_prompt(run, capsys):
    line = one_line_error(capsys, "generate", run, "--prompt", "naïve Ω")
    assert "not in the vocabulary" in line and "'Ω', 'ï'" not in line and "'ï', 'Ω'" in line
    assert "the prompt is empty" in one_line_error(capsys, "generate", run, "--prompt", "")


SCRIPT = """
import sys
import helper_beside_the_script
import torch
print(__name__, sys.argv, helper_beside_the_script.value, torch.ones(2).sum().item())
raise SystemExit(7)
"""


def test_run_script(tmp_path):
    (tmp_path / "helper_beside_the_script.py").write_text("value = 42")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-P", "-m", "stickonfire", "run", str(script), "--lr", "3", "-x"]
    env = environment()
    result = subprocess.run(command, capture_output=True, text=True, env=env)
    assert result.stdout == f"__main__ {[str(script), '--lr', '3', '-x']} 42 2.0\n", result.stderr
    assert result.returncode == 7


def test_run_missing_script(capsys):
    assert "no such script: none.py" in one_line_error(capsys, "run", "none.py")


def test_info_and_version(capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert "numpy" in out and "core(s)" in out
    with pytest.raises(SystemExit) as exit:
        main(["--version"])
    assert exit.value.code == 0
    assert capsys.readouterr().out == f"stickonfire {torch.__version__}\n"


@pytest.mark.parametrize("command", [[], ["train"], ["generate"], ["run"], ["info"]])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as exit:
        main([*command, "--help"])
    assert exit.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: stickonfire")
    if command == ["train"]:
        assert "(default: 0.004)" in out and "AdamW's weight decay" in out
