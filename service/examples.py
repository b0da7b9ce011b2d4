"""The examples and the hand-written parts of the OpenAPI document."""

import json
from typing import Any

_ID = "4b3403665fea4d1ab4ec9a1c1cf5d2a0"

VIDEO = {
    "width": 1280,
    "height": 720,
    "frame_count": 1,
    "fps": "30000/1001",
    "duration_s": 0.033367,
    "rotation": 0,
    "mirrored": False,
    "pixel_aspect": "1/1",
    "timestamps": "stored",
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
            "action": {"label": "run", "score": 0.71},
            "segmentation": {"size": [720, 1280], "counts": "Rj22^f0000^Rok0"},
        }
    ],
}

RESULT = {
    "id": _ID,
    "model": {"name": "small", "version": "2026.11.1"},
    "video": VIDEO,
    "shots": [{"start": 0, "stop": 1}],
    "tracks": [
        {
            "id": 1,
            "score": 0.94,
            "start": 0,
            "stop": 1,
            "actions": [
                {"label": "run", "score": 0.83},
                {"label": "kick_ball", "score": 0.09},
                {"label": "none", "score": 0.03},
            ],
        }
    ],
    "frames": [FRAME],
}

LINES = f"{json.dumps(FRAME)}\n"

RUNNING_JOB = {
    "id": _ID,
    "state": "running",
    "progress": {"frames_done": 0, "frames_total": 1},
    "request": {
        "filename": "dog.mp4",
        "threshold": 0.5,
        "start_s": 0.0,
        "end_s": None,
        "every": 1,
        "instances": "primary",
        "min_track_s": 0.2,
        "quality": "fast",
        "actions": True,
        "masks": "rle",
        "callback_url": None,
        "priority": "normal",
        "labels": {"project": "dogs"},
    },
    "video": VIDEO,
    "created_at": "2026-11-20T09:30:00.120000Z",
    "started_at": "2026-11-20T09:30:00.310000Z",
    "finished_at": None,
    "result": f"https://example.org/jobs/{_ID}/result",
    "problem": None,
}

CANCELED_JOB = RUNNING_JOB | {"state": "canceled", "finished_at": "2026-11-20T09:30:04.500000Z"}

JOB_LIST = {
    "jobs": [RUNNING_JOB],
    "total": 7,
    "next": "https://example.org/jobs?limit=1&cursor=MTc",
}

EVENTS = f"""event: progress
data: {{"state":"running","frames_done":130,"frames_total":300}}
id: running-130-0

event: frames
data: {{"start":0,"stop":100}}
id: running-130-100

event: succeeded
data: {{"id":"{_ID}","state":"succeeded", ...}}
id: end-300-300

"""

METRICS = """# HELP rotograph_jobs Unfinished jobs.
# TYPE rotograph_jobs gauge
rotograph_jobs{state="queued"} 3.0
rotograph_jobs{state="running"} 1.0
"""

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
            "sandbox_lacks": [],
        }
    ],
    "sandbox_lacks": [],
}

MODEL_CARD = {
    "name": "small",
    "version": "2026.11.1",
    "clip_length": 8,
    "short_side": 256,
    "long_side": 512,
    "multiple": 32,
    "licence": "Research use only.",
    "data": "ImageNet (initial weights); DAVIS-2016 train and J-HMDB split 1 train.",
    "measured": {"davis-held-out J_mean": 0.76, "jhmdb-held-out clip_accuracy": 0.55},
    "git_revision": "77b11b6",
    "labels": ["none", "brush_hair", "catch", "run"],
    "cues": False,
}

MODEL_LIST = {"models": [MODEL_CARD]}

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

URL_BODIES = {
    "defaults": {"summary": "A video elsewhere", "value": {"url": "https://example.org/dog.mp4"}},
    "options": {
        "summary": "Each object of two seconds, boxes only",
        "value": {
            "url": "https://example.org/dog.mp4",
            "start_s": 1,
            "end_s": 3,
            "instances": "components",
            "masks": "none",
        },
    },
}

VIDEO_OPTIONS: dict[str, Any] = {
    "name": "options",
    "in": "query",
    "required": False,
    "description": "Where the body is the video itself: its name and options, a parameter each.",
    "style": "form",
    "explode": True,
    "schema": {"$ref": "#/components/schemas/VideoOptions"},
}

PREFER: dict[str, Any] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "RFC 7240. `wait=N`: wait up to N seconds. `respond-async`: don't wait.",
    "schema": {"type": "string"},
    "example": "wait=30",
}

IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Drawn by the client: the same request with it again is answered with the same "
    "job, as long as that is kept.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
}

CACHE_CONTROL: dict[str, Any] = {
    "name": "Cache-Control",
    "in": "header",
    "required": False,
    "description": "`no-cache`: don't copy the result of the same request before.",
    "schema": {"type": "string"},
    "example": "no-cache",
}

PREFERENCE_HEADER: dict[str, Any] = {
    "Preference-Applied": {
        "description": "What was made of Prefer, if there was one.",
        "schema": {"type": "string"},
    },
}

ANSWER_HEADERS: dict[str, Any] = {
    "Location": {"description": "The job.", "schema": {"type": "string"}},
    **PREFERENCE_HEADER,
}

RETRY_HEADER: dict[str, Any] = {
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
}
