"""How a job's frames are cut into segments, the units that are done, lost or resumed as one."""


def segment_count(frames: int, segment_frames: int) -> int:
    """Choose the number of segments so that they hold about `segment_frames` frames each.

    Evenly cut ones, rather than full ones and a rest: a short last segment would cost as much
    seeking and as many clips at its border as a full one.

    Args:
        frames: of the whole job, at least 1.
        segment_frames: frames wanted in a segment.

    >>> [segment_count(frames, 120) for frames in (1, 132, 181, 1394)]
    [1, 1, 2, 12]
    """
    return max(1, round(frames / segment_frames))


def segment_range(segment: int, segments: int, frames: int) -> range:
    """Return the positions of a segment's frames among all frames of the job.

    >>> [segment_range(segment, 3, 289) for segment in range(3)]
    [range(0, 96), range(96, 192), range(192, 289)]
    """
    return range(frames * segment // segments, frames * (segment + 1) // segments)
