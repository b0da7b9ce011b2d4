"""Podman with images, containers and settings of its own, in a folder."""

import os
import shutil
import socket
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What works as root in a machine without systemd, where limits may not be raised.
_CONTAINERS = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
"""
_STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""


class Podman:
    """Runs podman, buildah and podman-compose, with images and everything else in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        containers, storage = folder / "containers.conf", folder / "storage.conf"
        containers.write_text(_CONTAINERS)
        storage.write_text(_STORAGE.format(folder=self.folder))
        self._environment = os.environ | {
            "CONTAINERS_CONF": str(containers.resolve()),
            "CONTAINERS_STORAGE_CONF": str(storage.resolve()),
            "BUILDAH_ISOLATION": "chroot",
        }

    def run(self, *command: str | Path, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command, such as `podman ps`; what it says goes to the log in the folder."""
        with (self.folder / "log").open("a") as log:
            return subprocess.run(
                command,
                env=self._environment,
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                check=check,
            )

    def has_image(self, name: str) -> bool:
        """Say whether there is an image of this name."""
        return self.run("podman", "image", "exists", name, check=False).returncode == 0

    def build(self, name: str, context: Path, base: str, *options: str | Path) -> None:
        """Build an image from a Dockerfile, and say how large it is."""
        # pip in the build trusts whom this machine trusts.
        certificates = "/etc/ssl/certs:/etc/ssl/certs:ro"
        settings = ("--format", "docker", "--network", "host", "--volume", certificates)
        self.run(
            *("buildah", "bud", *settings, "--build-arg", f"BASE_IMAGE={base}"),
            *(*options, "--tag", name, context),
        )
        size = int(self.run("podman", "image", "inspect", "--format", "{{.Size}}", name).stdout)
        print(f"built {name}: {size / 1e6:.0f} MB", flush=True)

    @contextmanager
    def compose(
        self,
        settings: Mapping[str, str],
        *services: str,
        profile: str | None = None,
        options: Sequence[str] = (),
    ) -> Iterator[str]:
        """Bring docker-compose.yml up; yield the URL; take it down with all its data.

        It runs from a copy beside a `.env` of its own, so that one of yours has no part in it.
        """
        with socket.create_server(("127.0.0.1", 0)) as free:
            published = f"127.0.0.1:{free.getsockname()[1]}"
        folder = self.folder / "compose"
        folder.mkdir(exist_ok=True)
        shutil.copy(ROOT / "docker-compose.yml", folder)
        lines = [f"{name}={value}\n" for name, value in settings.items()]
        (folder / ".env").write_text("".join([f"PUBLISH={published}\n", *lines]))
        program = Path(sysconfig.get_path("scripts")) / "podman-compose"
        profiles = ("--profile", profile) if profile else ()
        compose = (program, "--file", folder / "docker-compose.yml", *profiles)
        self._take_down(compose)  # what a trial that was killed has left
        try:
            self.run(*compose, "up", "--detach", "--no-build", *options, *services)
            yield f"http://{published}"
        finally:
            self._take_down(compose)

    def _take_down(self, compose: Sequence[str | Path]) -> None:
        """End everything of docker-compose.yml, and remove its data."""
        # `down` by itself would leave the second of two workers.
        pod = ("podman", "pod", "rm", "--force", "--time", "30", "pod_rotograph")
        self.run(*pod, check=False)
        self.run(*compose, "down", "--volumes", check=False)
        self.run("podman", "volume", "prune", "--force")

    def process_of(self, container: str) -> int:
        """Return the id of a container's first process."""
        return int(self.run("podman", "inspect", "-f", "{{.State.Pid}}", container).stdout)

    def log_of(self, container: str) -> str:
        """Return what a container has written so far."""
        merged: Sequence[str] = ("sh", "-c", f"podman logs {container} 2>&1")
        return self.run(*merged, check=False).stdout
