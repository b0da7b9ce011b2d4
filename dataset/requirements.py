"""Tells which command installs what is missing, where Python would only name a module."""

from importlib.util import find_spec


def require(*modules: str) -> None:
    """Raise ModuleNotFoundError with the command that installs what training needs."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise ModuleNotFoundError(
            f"Not installed: {', '.join(missing)}, which training and evaluation need. Run "
            "`make train-deps`, then `. .venv/bin/activate`.",
            name=missing[0],
        )
