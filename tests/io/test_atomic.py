"""Atomic writing: all or nothing, through failures and kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

import stickonfire as sof
from stickonfire.io.atomic import atomic_write


def test_a_failure_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(path) as f:
        f.write(b"half")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a"]


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    sof.save({"w": sof.ones(2)}, path)

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        sof.save({"w": sof.zeros(2)}, path)
    assert sof.load(path)["w"].tolist() == [1, 1] and os.listdir(tmp_path) == ["model.pt"]


def test_permissions_and_links_are_kept(tmp_path):
    plain, target, link = tmp_path / "plain", tmp_path / "target", tmp_path / "link"
    plain.write_text("")
    target.write_text("")
    target.chmod(0o640)
    link.symlink_to(target)
    with atomic_write(link) as f:
        f.write(b"new")
    assert link.is_symlink() and target.read_text() == "new" and target.stat().st_mode & 0o777 == 0o640
    with atomic_write(tmp_path / "fresh") as f:
        f.write(b"new")
    assert (tmp_path / "fresh").stat().st_mode == plain.stat().st_mode


KILLED = """
import os, sys, signal
import stickonfire as sof
from stickonfire.io import archive
add = archive.ArchiveWriter.add
def dying(self, name, data):
    add(self, name, data)
    if name == "data/0":
        self.f.flush()
        os.kill(os.getpid(), signal.SIGKILL)
archive.ArchiveWriter.add = dying
sof.save({"w": sof.zeros(1000)}, sys.argv[1])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_kill_in_the_middle_leaves_the_last_checkpoint_whole(tmp_path):
    path = tmp_path / "model.pt"
    sof.save({"w": sof.ones(1000)}, path)
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert sof.load(path)["w"].sum().item() == 1000
