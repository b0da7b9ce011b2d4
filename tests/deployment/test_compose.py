"""docker-compose.yml is valid, sets what exists, and is careful by default."""

import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from service.settings import PREFIX, Settings
from tests.deployment.served import ROOT

FILE = ROOT / "docker-compose.yml"
SERVICES: dict[str, dict[str, Any]] = YAML(typ="safe").load(FILE.read_text())["services"]
SCRIPTS = Path(sysconfig.get_path("scripts"))


def test_the_file_is_as_the_compose_specification_wants_it() -> None:
    check = SCRIPTS / "check-jsonschema"
    subprocess.run([check, "--builtin-schema", "vendor.compose-spec", FILE], check=True)


@pytest.mark.parametrize("name", ["docker-compose.yml", "Dockerfile", ".env.example"])
def test_every_setting_is_one_of_the_service(name: str) -> None:
    named = set(re.findall(rf"\b{PREFIX}([A-Z_]+)", (ROOT / name).read_text()))
    assert named
    assert named - {setting.upper() for setting in Settings.model_fields} == set()


def test_only_the_default_service_starts_by_itself() -> None:
    assert [name for name, service in SERVICES.items() if "profiles" not in service] == ["segment"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_do_little_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert "mem_limit" in service
    assert not {"privileged", "pid", "ipc"} & set(service)
    for port in service.get("ports", ()):
        assert port.startswith("${PUBLISH:-127.0.0.1:")


def test_no_password_is_written_down() -> None:
    settings = [item for each in SERVICES.values() for item in each.get("environment", {}).items()]
    secrets = [value for name, value in settings if re.search("PASSWORD|SECRET|KEY", name)]
    in_addresses = [m[1] for _, value in settings if (m := re.search("://[^:]*:(.*)@", value))]
    assert secrets
    assert in_addresses
    for value in [*secrets, *in_addresses]:
        assert re.fullmatch(r"\$\{[A-Z_]+:-\}", value)
