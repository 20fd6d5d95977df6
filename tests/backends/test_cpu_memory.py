"""Freed memory is kept for the next op where there is a glibc, and nothing breaks where there is none."""
from __future__ import annotations

import platform
import sys

import pytest

from stickonfire.backends.cpu import memory


def test_glibc_listens() -> None:
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("no glibc here")
    assert memory.keep_freed_memory()


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not memory.keep_freed_memory()
