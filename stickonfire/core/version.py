"""The package's version, as in pyproject.toml. `stickonfire.__version__` and `stickonfire.version` show it."""
__version__ = "0.1.0"
