"""The examples and the hand-written parts of the OpenAPI document."""

from typing import Any

_ID = "4b3403665fea4d1ab4ec9a1c1cf5d2a0"

VIDEO = {
    "width": 1280,
    "height": 720,
    "frame_count": 300,
    "fps": "30000/1001",
    "duration_s": 10.01,
    "rotation": 0,
}

FRAME = {
    "index": 0,
    "time_s": 0.0,
    "objects": [
        {
            "track": 1,
            "score": 0.94,
            "box": [4, 2, 3, 2],
            "area": 6,
            "segmentation": {"size": [720, 1280], "counts": "bjQ12lf000000N[UYl0"},
        }
    ],
}

RESULT = {
    "job": _ID,
    "model": {"name": "small", "version": "2026.11.1"},
    "video": VIDEO,
    "tracks": [{"id": 1, "score": 0.94, "start": 0, "stop": 300}],
    "frames": [FRAME],
}

RUNNING_JOB = {
    "id": _ID,
    "state": "running",
    "progress": {"frames_done": 120, "frames_total": 300},
    "request": {
        "filename": "dog.mp4",
        "threshold": 0.5,
        "start_s": 0.0,
        "end_s": None,
        "every": 1,
        "instances": "primary",
        "quality": "fast",
        "masks": "rle",
    },
    "video": VIDEO,
    "created_at": "2026-11-20T09:30:00.120000Z",
    "started_at": "2026-11-20T09:30:00.310000Z",
    "finished_at": None,
    "result": f"/jobs/{_ID}/result",
    "problem": None,
}

CANCELED_JOB = RUNNING_JOB | {"state": "canceled", "finished_at": "2026-11-20T09:30:04.500000Z"}

JOB_LIST = {"jobs": [RUNNING_JOB], "next": "/jobs?limit=1&cursor=MTc"}

READY = {
    "status": "ready",
    "queue_depth": 0,
    "workers": [
        {
            "id": "host-1f0c9a7d4c62",
            "device": "cpu",
            "provider": "CPUExecutionProvider",
            "model": "small",
            "model_version": "2026.11.1",
        }
    ],
}

FORMS = {
    "defaults": {"summary": "A video alone", "value": {"file": "(bytes of dog.mp4)"}},
    "options": {
        "summary": "Each object of two seconds, boxes only",
        "value": {
            "file": "(bytes of dog.mp4)",
            "start_s": 1,
            "end_s": 3,
            "instances": "components",
            "quality": "best",
            "masks": "none",
        },
    },
}

PREFER: dict[str, Any] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "RFC 7240. `wait=N`: wait up to N seconds for the result. `respond-async`: "
    "answer 202 at once. The service has a default and a cap.",
    "schema": {"type": "string"},
    "example": "wait=30",
}

ANSWER_HEADERS: dict[str, Any] = {
    "Location": {"description": "The job.", "schema": {"type": "string"}},
    "Preference-Applied": {
        "description": "What was made of Prefer, if there was one.",
        "schema": {"type": "string"},
    },
}

RETRY_HEADER: dict[str, Any] = {
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
}
