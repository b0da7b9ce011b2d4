"""What a user would write instead: the model behind LitServe, nothing kept, nothing durable.

`python -m benchmarks.litserve_app PORT MODEL`
"""

import base64
import io
import sys
from typing import Any

import av
import cv2
import litserve
import numpy as np
import onnxruntime
import pycocotools.mask as coco
from fastapi import Request


class Masks(litserve.LitAPI):  # type: ignore[misc] # it has no types
    """Finds the masks of a posted video: no motion, no smoothing, no objects, no tracks."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self.file = model

    def setup(self, device: str) -> None:  # noqa: ARG002 - there is the CPU only
        self.model = onnxruntime.InferenceSession(self.file, providers=["CPUExecutionProvider"])

    def decode_request(self, request: Request) -> Any:
        """Return the video as a file."""
        return io.BytesIO(base64.b64decode(request["video"]))

    def predict(self, file: Any) -> list[dict[str, Any]]:
        with av.open(file) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        height, width, _ = frames[0].shape
        scale = min(256 / min(height, width), 512 / max(height, width))
        inner = (round(width * scale), round(height * scale))
        sides = [-side % 32 for side in inner]
        small = np.stack(
            [
                np.pad(cv2.resize(f, inner), ((0, sides[1]), (0, sides[0]), (0, 0)), "edge")
                for f in frames
            ]
        )
        sums = np.zeros(small.shape[:3], np.float32)
        counts = np.zeros(len(frames), np.float32)
        for start in [*range(0, len(frames) - 8, 8), max(0, len(frames) - 8)]:
            at = np.minimum(np.arange(start, start + 8), len(frames) - 1)
            given = {"clips": small[None, at]}
            if len(self.model.get_inputs()) > 1:
                cues = (1, 8, small.shape[1] // 2, small.shape[2] // 2, 3)
                given["cues"] = np.zeros(cues, np.uint8)
            found = self.model.run(["foreground"], given)[0][0]
            for frame, probability in dict(zip(at.tolist(), found, strict=True)).items():
                sums[frame] += probability
                counts[frame] += 1
        return [
            self._mask(s / n, inner, (width, height)) for s, n in zip(sums, counts, strict=True)
        ]

    def _mask(self, probability: Any, inner: Any, size: Any) -> dict[str, Any]:
        restored = cv2.resize(probability[: inner[1], : inner[0]], size)
        packed = coco.encode(np.asfortranarray(restored >= 0.5, dtype=np.uint8))
        return {"size": packed["size"], "counts": packed["counts"].decode()}

    def encode_response(self, output: list[dict[str, Any]]) -> Any:
        """Return what is sent as JSON."""
        return {"frames": output}


if __name__ == "__main__":
    litserve.LitServer(Masks(sys.argv[2]), accelerator="cpu", timeout=False).run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False
    )
