"""Compiled kernels of these tests go to a folder of this run, where the write guard lets them."""
import pytest


@pytest.fixture(scope="session")
def _kernels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kernels")
    folder.chmod(0o700)
    return folder


@pytest.fixture(autouse=True)
def _kernel_cache(_kernels, monkeypatch):
    monkeypatch.setenv("STICKONFIRE_CACHE", str(_kernels))
