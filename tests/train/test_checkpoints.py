"""train/checkpoints.py: whole or not there, checked, readable without safetensors; kill -9 in the middle."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import stickonfire as torch
from stickonfire.train import checkpoints
from stickonfire.train.checkpoints import CheckpointError


def some_parts(value=1.0):
    return {
        "model": {"w": torch.full((3, 2), value), "scalar": torch.tensor(value)},
        "optimizer": {},
        "generators": {"default": torch.arange(10, dtype=torch.uint8)},
    }


def same(a, b):
    return a.keys() == b.keys() and all(
        a[k].dtype == b[k].dtype and a[k].shape == b[k].shape and torch.equal(a[k], b[k]) for k in a
    )


@pytest.fixture(params=["safetensors", "pt"])
def kind(request, monkeypatch):
    if request.param == "safetensors":
        pytest.importorskip("safetensors")
    else:
        monkeypatch.setattr(checkpoints, "has_safetensors", lambda: False)
    return request.param


def test_round_trip(tmp_path, kind):
    path = checkpoints.write(tmp_path, 7, some_parts(), {"best": 0.1 + 0.2, "none": None})
    assert sorted(p.suffix for p in path.iterdir()) == sorted([f".{kind}"] * 3 + [".json"])
    parts, state = checkpoints.read(path)
    assert state == {"step": 7, "best": 0.1 + 0.2, "none": None}
    assert all(same(parts[name], part) for name, part in some_parts().items())
    parts["model"]["w"].add_(1)  # what was read can be written to


def test_newest_and_prune(tmp_path):
    assert checkpoints.newest(tmp_path / "none") is None
    for step in (5, 50, 1_000_000):
        checkpoints.write(tmp_path, step, some_parts(), {})
    assert checkpoints.newest(tmp_path).name == "step-1000000"
    checkpoints.prune(tmp_path, {5, 1_000_000})
    assert checkpoints.steps(tmp_path) == [5, 1_000_000]
    assert sorted(os.listdir(tmp_path)) == ["step-000005", "step-1000000"]


def test_a_step_is_never_overwritten(tmp_path):
    checkpoints.write(tmp_path, 5, some_parts(), {})
    with pytest.raises(FileExistsError, match="exists already"):
        checkpoints.write(tmp_path, 5, some_parts(2.0), {})
    assert checkpoints.read(checkpoints.newest(tmp_path))[0]["model"]["scalar"].item() == 1.0


def test_failed_save_leaves_nothing(tmp_path, monkeypatch):
    checkpoints.write(tmp_path, 5, some_parts(), {})

    def full_disk(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "_flush", full_disk)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.write(tmp_path, 6, some_parts(), {})
    assert os.listdir(tmp_path) == ["step-000005"]


def damage_byte(path):
    file = next(path.glob("model.*"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def edit_state(path):
    document = json.loads((path / "state.json").read_text())
    document["state"]["best"] = 0.0
    (path / "state.json").write_text(json.dumps(document))


def damage_format(path):
    document = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(json.dumps({**document, "format": 99}))


DAMAGES = [
    (damage_byte, "model.* is not as it was written"),
    (lambda path: next(path.glob("optimizer.*")).unlink(), "optimizer.* is missing"),
    (lambda path: next(path.glob("model.*")).write_bytes(b""), "model.* is not as it was written"),
    (lambda path: (path / "state.json").unlink(), "state.json: No such file"),
    (lambda path: (path / "state.json").write_text("{"), "state.json is not as it was written"),
    (lambda path: (path / "state.json").write_text("[1]"), "state.json is not as it was written"),
    (lambda path: (path / "state.json").write_bytes(b"\xff"), "state.json is not as it was written"),
    (edit_state, "state.json is not as it was written"),
    (damage_format, "has format 99, this version reads 1"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_damage_is_found(tmp_path, damage, message):
    path = checkpoints.write(tmp_path, 1, some_parts(), {})
    damage(path)
    with pytest.raises(CheckpointError, match=message):
        checkpoints.read(path)


def test_safetensors_file_without_the_library(tmp_path, monkeypatch):
    pytest.importorskip("safetensors")
    path = checkpoints.write(tmp_path, 1, some_parts(), {})
    monkeypatch.setattr(checkpoints, "has_safetensors", lambda: False)
    with pytest.raises(CheckpointError, match="needs the safetensors library: pip install safetensors"):
        checkpoints.read(path)


# Saves steps 1, 2, 3 ...; says when it is half-way through step 3 and hangs there if told to, else goes on.
CHILD = """
    import sys, time
    from pathlib import Path
    import stickonfire as torch
    from stickonfire.train import checkpoints
    folder, hang = Path(sys.argv[1]), sys.argv[2] == "hang"
    write_tensors = checkpoints._write_tensors
    def slow(stem, tensors):
        if hang and stem.name == "optimizer" and step == 3:
            print("half-way", flush=True)
            time.sleep(60)
        return write_tensors(stem, tensors)
    checkpoints._write_tensors = slow
    for step in range(1, 100_000):
        t = torch.full((200, 200), float(step))
        checkpoints.write(folder, step, {"model": {"t": t}, "optimizer": {"t": t}}, {"step_again": step})
        checkpoints.prune(folder, checkpoints.steps(folder)[-2:])
        if step == 2:
            print("two saved", flush=True)
"""


def environment():
    """That of this process, with the package under test first on the path of a child."""
    path = os.pathsep.join([str(Path(torch.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)}


def child(folder, mode):
    command = [sys.executable, "-P", "-c", textwrap.dedent(CHILD), str(folder), mode]
    env = environment()
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)


def assert_newest_is_whole(folder):
    parts, state = checkpoints.read(checkpoints.newest(folder))
    assert state["step_again"] == state["step"]
    assert all(bool((part["t"] == state["step"]).all()) for part in parts.values())
    return state["step"]


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_kill_9_half_way_through_a_save(tmp_path):
    with child(tmp_path, "hang") as process:
        assert process.stdout.readline() == "two saved\n"
        assert process.stdout.readline() == "half-way\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert any(name.startswith(".tmp-step-000003") for name in os.listdir(tmp_path))
    assert assert_newest_is_whole(tmp_path) == 2
    checkpoints.write(tmp_path, 3, some_parts(), {})  # and the next save clears up
    assert sorted(os.listdir(tmp_path)) == ["step-000001", "step-000002", "step-000003"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
@pytest.mark.parametrize("delay", [0.011, 0.037, 0.053])
def test_kill_9_at_any_moment(tmp_path, delay):
    with child(tmp_path, "run") as process:
        assert process.stdout.readline() == "two saved\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(delay)
        process.send_signal(signal.SIGKILL)
    assert assert_newest_is_whole(tmp_path) >= 2
