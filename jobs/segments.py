"""How a job's frames are cut into segments, the units that are done, lost or resumed as one."""

import math

# A frame that stands alone takes all clips that hold it or one of the two beside it: about ten
# times as many as a frame among its neighbours, for clips of 8.
_ALONE = 10

# Over so many segments a worker may decode again what another has: leaving workers idle costs more.
_DECODED_AGAIN = 3


def segment_count(frames: int, segment_frames: int, every: int = 1) -> int:
    """Choose how many segments, each of about the work of `segment_frames` consecutive frames.

    They are cut evenly: a short last one would cost as much seeking and as many clips at its border
    as a full one. Each `every`-th of the video's frames is segmented.

    >>> [segment_count(frames, 120) for frames in (1, 132, 181, 1394)]
    [1, 1, 2, 12]
    >>> [segment_count(1394 // every, 120, every) for every in (2, 10, 90)]
    [12, 12, 1]
    """
    return max(1, min(frames, round(frames * min(every, _ALONE) / segment_frames)))


def segments_in_a_row(segments: int, frames: int, longest_run: float) -> int:
    """Choose how many segments one worker does in a row, so that it decodes their frames once.

    Decoding can start at least every `longest_run` frames of the job.

    >>> [segments_in_a_row(25, 3000, run) for run in (250, 360, 361, 1000, 3000, 9000)]
    [1, 1, 4, 9, 25, 25]
    """
    reached = math.ceil(segments * longest_run / frames)
    return min(reached, segments) if reached > _DECODED_AGAIN else 1


def segment_range(segment: int, segments: int, frames: int) -> range:
    """Return the positions of a segment's frames among all frames of the job.

    >>> [segment_range(segment, 3, 289) for segment in range(3)]
    [range(0, 96), range(96, 192), range(192, 289)]
    """
    return range(frames * segment // segments, frames * (segment + 1) // segments)
