"""How many random programs are tried: 300 of known seeds, or `--programs=N` from a seed that the date gives."""

import os

import pytest


@pytest.fixture
def seeds(request):
    return request.param


def pytest_generate_tests(metafunc):
    if "seeds" not in metafunc.fixturenames:
        return
    count = int(os.environ.get("STICKONFIRE_FUZZ", "0"))
    first = int(os.environ.get("STICKONFIRE_FUZZ_FROM", "100000")) if count else 0
    numbers = range(first, first + (count or 300))
    batches = [numbers[i : i + 50] for i in range(0, len(numbers), 50)]
    metafunc.parametrize("seeds", batches, ids=[f"{b[0]}-{b[-1]}" for b in batches], indirect=True)


@pytest.fixture(autouse=True)
def failures_of_the_compiler_are_seen(monkeypatch):
    """A user's call goes on uncompiled where the compiler fails; a test is to fail."""
    from stickonfire.compiler import execute

    monkeypatch.setattr(execute, "FORGIVING", False)
