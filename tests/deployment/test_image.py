"""The Dockerfile holds what is served, all of it and nothing else."""

import re
import subprocess
import sysconfig
from pathlib import Path

from service import VERSION
from tests.deployment.served import MODEL, ROOT, served_packages

DOCKERFILE = (ROOT / "Dockerfile").read_text()
SCRIPTS = Path(sysconfig.get_path("scripts"))


def test_the_linter_has_nothing_to_say() -> None:
    subprocess.run([SCRIPTS / "hadolint", ROOT / "Dockerfile"], check=True)


def test_the_image_gets_every_served_package_and_nothing_of_training() -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+) \S+$", DOCKERFILE, re.MULTILINE)
    assert len(copied) == len(re.findall(r"^(?:COPY (?!--from)|ADD)", DOCKERFILE, re.MULTILINE))
    packages = [f"{package}/" for package in served_packages()]
    requirements = ["requirements/serving-cpu.txt", "requirements/serving-gpu.txt"]
    assert sorted(copied) == sorted([*packages, *requirements, "LICENSE", "weights/*.onnx"])
    assert Path(MODEL).match("weights/*.onnx")


def test_the_build_sees_nothing_but_what_it_copies() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    seen = {line.removeprefix("!") for line in lines if line.startswith("!")}
    packages = {f"{package}/" for package in served_packages()}
    assert seen == packages | {"LICENSE", "requirements/serving-*.txt", "weights/*.onnx"}


def test_the_label_has_the_version() -> None:
    assert f'org.opencontainers.image.version="{VERSION}"' in DOCKERFILE
