"""What is missing is told with the command that installs it."""

import subprocess
import sys
from pathlib import Path

import pytest

from dataset.requirements import require

ROOT = Path(__file__).parents[2]


def test_a_missing_module_is_named_with_the_command_that_installs_it() -> None:
    require("numpy")
    with pytest.raises(ModuleNotFoundError, match=r"no_such_thing,.*`make train-deps`"):
        require("numpy", "no_such_thing")


@pytest.mark.parametrize(
    "package", ["dataset", "evaluation", "model", "export", "benchmarks.latency"]
)
def test_without_its_requirements_a_command_says_how_to_install_them(package: str) -> None:
    bare = [sys.executable, "-S", "-m", package]
    done = subprocess.run(bare, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "`make train-deps`" in done.stderr.splitlines()[-1]
