"""A result but for its frames: its video, the model that made it, its shots and tracks."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.values import Shot, Track, VideoInfo


def to_summary(
    job_id: str,
    model: Mapping[str, str],
    video: VideoInfo,
    shots: Iterable[Shot],
    tracks: Iterable[Track],
) -> str:
    """Write a result without its frames, as JSON; rounded to microseconds and to four digits."""
    summary = {
        "id": job_id,
        "model": model,
        "video": {
            "width": video.width,
            "height": video.height,
            "frame_count": video.frame_count,
            "fps": f"{video.fps.numerator}/{video.fps.denominator}",
            "duration_s": round(video.duration_s, 6),
            "rotation": video.rotation,
            "mirrored": video.mirrored,
            "pixel_aspect": f"{video.pixel_aspect.numerator}/{video.pixel_aspect.denominator}",
            "timestamps": video.timestamps,
        },
        "shots": [{"start": shot.start, "stop": shot.stop} for shot in shots],
        "tracks": [_track(track) for track in tracks],
    }
    return json.dumps(summary)


def _track(track: Track) -> dict[str, Any]:
    written: dict[str, Any] = {
        "id": track.id,
        "score": round(track.score, 4),
        "start": track.start,
        "stop": track.stop,
    }
    if track.lost:
        written["lost"] = [{"start": start, "stop": stop} for start, stop in track.lost]
    if track.actions:
        written["actions"] = [
            {"label": action.label, "score": round(action.score, 4)} for action in track.actions
        ]
    return written
