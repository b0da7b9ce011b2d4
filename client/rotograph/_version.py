"""The version of this distribution, as its `pyproject.toml` has it."""

__version__ = "0.1.0"
