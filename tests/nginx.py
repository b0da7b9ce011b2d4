"""The system's nginx, before a service, as docs/deployment.md sets it up."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.service.processes import free_port

DEPLOYMENT = Path(__file__).parent.parent / "docs" / "deployment.md"
MAIN = """\
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    {server}
}}
"""


def installed() -> str | None:
    """Return the path of an nginx that this system has."""
    return shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")


def documented() -> str:
    """Return the server that the documentation shows, without TLS."""
    (server,) = re.findall(r"^```nginx\n(.*?)^```$", DEPLOYMENT.read_text(), re.DOTALL | re.M)
    return re.sub(r"^ *ssl_certificate.*\n", "", str(server), flags=re.M).replace(" ssl;", ";")


@contextmanager
def running(executable: str, server: str, folder: Path) -> Iterator[str]:
    """Start nginx with one server, which listens at 443 in its text, and yield its URL."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    path = folder / "nginx.conf"
    listening = server.replace("listen 443;", f"listen 127.0.0.1:{port};")
    path.write_text(MAIN.format(folder=folder, server=listening))
    process = subprocess.Popen([executable, "-p", folder, "-c", path, "-e", folder / "error.log"])
    try:
        deadline = time.monotonic() + 30
        while True:
            with suppress(httpx.TransportError):
                httpx.get(url)
                break
            assert process.poll() is None, (folder / "error.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)
