"""The house rules that no linter knows."""

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
README_WORDS = 900


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= README_WORDS


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_has_a_line_in_the_architecture(package: str) -> None:
    assert f"- `{package}/`: " in (ROOT / "docs" / "architecture.md").read_text()


@pytest.mark.parametrize("script", sorted(ROOT.glob("service/**/*.js")), ids=lambda path: path.name)
def test_each_script_opens_with_a_sentence(script: Path) -> None:
    assert script.read_text().startswith("// ")


def test_every_package_is_in_the_import_contracts() -> None:
    contracts = (ROOT / "pyproject.toml").read_text()
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages == set(PACKAGES) - {"client"}  # what it holds is installed by itself
    assert [name for name in packages if f'"{name}"' not in contracts] == []


def test_nothing_tracked_is_large_except_weights() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    large = [name for name in tracked if (ROOT / name).stat().st_size > 1_000_000]
    assert [name for name in large if not name.startswith("weights/")] == []
    assert [name for name in large if (ROOT / name).stat().st_size > 25_000_000] == []
