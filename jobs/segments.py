"""How a job's frames are cut into segments, the units that are done, lost or resumed as one."""

# A frame that stands alone takes all clips that hold it or one of the two beside it: about ten
# times as many as a frame among its neighbours, for clips of 8.
_ALONE = 10

# Each worker decodes from a start before its segment, unless it has just done the one before. With
# one start and as many workers as segments, the video is decoded twice in all, not once for each.
_RUN_SEGMENTS = 3


def segment_count(frames: int, segment_frames: int, every: int = 1, longest_run: int = 0) -> int:
    """Choose how many segments, each of about the work of `segment_frames` consecutive frames.

    They are cut evenly: a short last one would cost as much seeking and as many clips at its border
    as a full one. Each `every`-th of the video's frames is segmented; decoding can start at least
    every `longest_run`.

    >>> [segment_count(frames, 120) for frames in (1, 132, 181, 1394)]
    [1, 1, 2, 12]
    >>> [segment_count(1394 // every, 120, every) for every in (2, 10, 90)]
    [12, 12, 1]
    >>> [segment_count(3000, 120, longest_run=run) for run in (250, 1000, 3000)]
    [25, 9, 3]
    """
    segment_frames = max(segment_frames, longest_run // _RUN_SEGMENTS)
    return max(1, min(frames, round(frames * min(every, _ALONE) / segment_frames)))


def segment_range(segment: int, segments: int, frames: int) -> range:
    """Return the positions of a segment's frames among all frames of the job.

    >>> [segment_range(segment, 3, 289) for segment in range(3)]
    [range(0, 96), range(96, 192), range(192, 289)]
    """
    return range(frames * segment // segments, frames * (segment + 1) // segments)
