"""Serving never loads what only training needs."""

import subprocess
import sys

PROGRAM = """
import sys

BLOCKED = {"torch", "torchvision", "onnx", "onnxscript", "model", "export", "dataset"}

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Block())

import tempfile
import threading
import urllib.request
from pathlib import Path

import uvicorn

import jobs.worker
import service.server
from jobs.engine import JobQueue
from jobs.renderings import Renderings
from jobs.folder_store import FolderStore
from pipeline.media.sandbox import Sandbox
from service.app import create_app
from service.settings import Settings

with tempfile.TemporaryDirectory() as folder:
    store = FolderStore(Path(folder))
    queue = JobQueue(f"sqlite:///{folder}/jobs.sqlite", store)
    app = create_app(Settings(data_dir=Path(folder)), queue, Renderings(store), Sandbox())
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    answer = urllib.request.urlopen(f"http://127.0.0.1:{port}/jobs").read()
    server.should_exit = True
    thread.join()
    queue.close()
assert answer == b'{"jobs":[],"total":0,"next":null}', answer
assert not BLOCKED & set(sys.modules), BLOCKED & set(sys.modules)
print("started")
"""


def test_the_service_starts_with_torch_blocked() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "started\n", done.stderr
