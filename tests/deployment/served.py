"""What is served: the packages that training never gets into, by the import contracts."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACT = "Serving never reaches training"
MODEL = "weights/default.onnx"


def served_packages() -> list[str]:
    """Return the packages of the service, as the import contract names them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = (each for each in contracts["contracts"] if each["name"] == CONTRACT)
    packages: list[str] = contract["source_modules"]
    return packages
