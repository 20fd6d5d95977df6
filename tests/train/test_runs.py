"""train/runs.py: creating, opening, locking, logs, choosing a checkpoint."""

import json

import pytest

import stickonfire as torch
from stickonfire.train import checkpoints
from stickonfire.train.runs import RunError, RunFolder, default_path
from stickonfire.train.settings import TrainSettings

TOKENIZER = {"kind": "char", "characters": "\nabü", "sha256": "0", "source": "a test"}


def make(path, **settings):
    return RunFolder.create(path, TrainSettings(**settings), TOKENIZER)


def save(run, step, best_step=None):
    run.save(step, {"model": {"w": torch.full((2,), float(step))}}, {"best_step": best_step})


def test_create_and_open(tmp_path):
    with make(tmp_path / "deep" / "run", steps=3):
        pass
    with RunFolder.open(tmp_path / "deep" / "run") as run:
        assert run.settings == TrainSettings(steps=3)
        assert run.tokenizer == TOKENIZER


def test_an_empty_folder_will_do_a_full_one_will_not(tmp_path):
    with make(tmp_path):
        pass
    with pytest.raises(RunError, match="exists already and is not empty: go on with --resume"):
        make(tmp_path)
    file = tmp_path / "file"
    file.write_text("precious")
    with pytest.raises(RunError, match="exists already"):
        make(file)
    assert file.read_text() == "precious"


def test_unwritable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write to the run folder .*: Not a directory"):
        make(tmp_path / "file" / "run")


def test_one_writer_at_a_time(tmp_path):
    with make(tmp_path):
        with pytest.raises(RunError, match="another process is training in"):
            RunFolder.open(tmp_path)
        RunFolder.open(tmp_path, read_only=True)
    with RunFolder.open(tmp_path):
        pass


def test_damaged_run(tmp_path):
    with pytest.raises(RunError, match="is not a run folder"):
        RunFolder.open(tmp_path)
    with make(tmp_path / "r"):
        pass
    for content in ("{", "[]"):
        (tmp_path / "r" / "tokenizer.json").write_text(content)
        with pytest.raises(RunError, match=r"tokenizer.json is not as it was written"):
            RunFolder.open(tmp_path / "r")
    (tmp_path / "r" / "tokenizer.json").unlink()
    with pytest.raises(RunError, match="tokenizer.json: No such file"):
        RunFolder.open(tmp_path / "r")
    (tmp_path / "r" / "config.toml").write_text("stepz = 3")
    with pytest.raises(RunError, match="settings of run .* are damaged: unknown option 'stepz'"):
        RunFolder.open(tmp_path / "r")


def test_last_two_and_the_best_are_kept(tmp_path):
    with make(tmp_path) as run:
        for step in range(1, 6):
            save(run, step, best_step=min(step, 2))
        assert checkpoints.steps(tmp_path / "checkpoints") == [2, 4, 5]
        for which, step in (("last", 5), ("best", 2), ("4", 4)):
            parts, state = run.load(which)
            assert state["step"] == step
            assert parts["model"]["w"].tolist() == [step, step]
        for which in ("3", "nonsense"):
            with pytest.raises(RunError, match=f"no checkpoint '{which}': it has those of steps 2, 4, 5"):
                run.load(which)


def test_no_checkpoint_yet(tmp_path):
    with make(tmp_path) as run, pytest.raises(RunError, match="has no checkpoint"):
        run.load()


def test_damaged_checkpoint_names_the_whole_one(tmp_path):
    with make(tmp_path) as run:
        for step in (1, 2):
            save(run, step)
        for step, message in (
            (2, "the one of step 1 is whole: move .*step-000002 away"),
            (1, "no other whole"),
        ):
            (checkpoints.path_of(tmp_path / "checkpoints", step) / "state.json").write_text("")
            with pytest.raises(RunError, match=message):
                run.load("last")


def test_failed_save_is_one_clear_error(tmp_path, monkeypatch):
    with make(tmp_path) as run:
        save(run, 1)

        def full_disk(path):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(checkpoints, "_flush", full_disk)
        with pytest.raises(
            RunError, match="cannot save the checkpoint of step 2 .*: No space left on device"
        ):
            save(run, 2)
        assert run.load()[1]["step"] == 1


def test_log(tmp_path):
    with make(tmp_path) as run:
        assert run.read_log() == []
        for step in (1, 2, 3):
            run.append_log({"step": step, "loss": 0.1 + step})
        with (tmp_path / "log.jsonl").open("a") as log:
            log.write('{"step": 4, "lo')  # killed here
        assert [record["step"] for record in run.read_log()] == [1, 2, 3]
        run.rewind_log(2)
        lines = (tmp_path / "log.jsonl").read_text().splitlines()
        assert [json.loads(line) for line in lines] == [{"step": 1, "loss": 1.1}, {"step": 2, "loss": 2.1}]


def test_damaged_log(tmp_path):
    with make(tmp_path) as run:
        (tmp_path / "log.jsonl").write_text('{"step": 1}\nnonsense\n{"step": 3}\n')
        with pytest.raises(RunError, match="the log .* is damaged"):
            run.read_log()


def test_default_path_is_new(tmp_path, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda form: "20300102-030405")
    first = default_path(tmp_path)
    first.mkdir()
    assert (first.name, default_path(tmp_path).name) == ("20300102-030405", "20300102-030405-2")
