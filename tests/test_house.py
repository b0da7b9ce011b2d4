"""The house rules that no linter knows, such as a sentence for each file in the README."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "pipeline",
    "formats",
    "jobs",
    "service",
    "model",
    "export",
    "dataset",
    "evaluation",
    "benchmarks",
    "client",
)
MODULES = sorted(
    path
    for package in PACKAGES
    for ending in ("*.py", "*.js")
    for path in (ROOT / package).rglob(ending)
)


def first_sentence(module: Path) -> str:
    if module.suffix == ".js":
        first = module.read_text().splitlines()[0]
        assert first.startswith("// "), f"{module.relative_to(ROOT)} has no first sentence"
        return first.removeprefix("// ")
    docstring = ast.get_docstring(ast.parse(module.read_text()))
    assert docstring, f"{module.relative_to(ROOT)} has no docstring"
    return docstring.splitlines()[0]


def readme_tree() -> dict[str, str]:
    """The README's tree as {path: sentence}."""
    block = re.search(r"```tree\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block, "README.md has no ```tree block"
    entries: dict[str, str] = {}
    folder = ""
    for line in block.group(1).splitlines():
        name, _, sentence = line.strip().partition("  ")
        if not line.startswith(" "):
            folder = name if name.endswith("/") else ""
            entries[name] = sentence.strip()
        else:
            entries[folder + name] = sentence.strip()
    return entries


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_module_stands_in_the_readme_with_its_first_sentence(module: Path) -> None:
    relative = str(module.relative_to(ROOT))
    shown = relative.removesuffix("__init__.py")
    assert readme_tree().get(shown) == first_sentence(module)


def test_the_readme_tree_names_nothing_that_is_gone() -> None:
    missing = [name for name in readme_tree() if not (ROOT / name).exists()]
    assert missing == []


def test_every_package_is_in_the_import_contracts() -> None:
    contracts = (ROOT / "pyproject.toml").read_text()
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages == set(PACKAGES)
    assert [name for name in packages if f'"{name}"' not in contracts] == []


def test_nothing_tracked_is_large_except_weights() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    large = [name for name in tracked if (ROOT / name).stat().st_size > 1_000_000]
    assert [name for name in large if not name.startswith("weights/")] == []
    assert [name for name in large if (ROOT / name).stat().st_size > 25_000_000] == []
