"""What computes a job: workers of the same runtime give the same result, others may not."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from pipeline.network.infer import Session
from pipeline.network.spec import actions_file, features_file

# Raise it when this code gives other results for the same model and request, or couldn't go on
# with a job that the code before it began.
_CODE = 5


def runtime_of(session: Session, model: Path) -> str:
    """Hash what decides a result: the files of the model, the device and this code."""
    what = json.dumps([_CODE, session.device, session.provider, digests_of(model)])
    return hashlib.sha256(what.encode()).hexdigest()[:16]


def digests_of(model: Path) -> Sequence[str]:
    """Return the SHA-256 of each of a model's files: `.onnx`, features and actions."""
    files = [path for path in (model, features_file(model), actions_file(model)) if path.exists()]
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
