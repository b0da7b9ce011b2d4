"""Modules of packages whose other parts ask for more than the tests install."""

import importlib.util
from importlib.metadata import distribution
from types import ModuleType


def load(package: str, path: str) -> ModuleType:
    """Load one module of an installed package, without the package around it."""
    file = distribution(package).locate_file(path)
    spec = importlib.util.spec_from_file_location(f"peer_{package.replace('-', '_')}", str(file))
    assert spec is not None, f"{package} has no {path}"
    assert spec.loader is not None, f"{package} has no {path}"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
