"""The errors of the pipeline; they know no HTTP."""


class PipelineError(Exception):
    """The base of every error that the pipeline raises on purpose."""


class VideoError(PipelineError):
    """The video can't be segmented, and never will be."""


class NotAVideo(VideoError):
    """No demuxer that is allowed recognises the file, or it is a list of other files."""


class NoVideoStream(VideoError):
    """The file opens but holds no video stream."""


class BrokenVideo(VideoError):
    """The file is truncated, encrypted or damaged, so that frames can't be decoded."""


class VideoTooLarge(VideoError):
    """The video is past a limit of pixels, frames or duration."""


class DecoderFailed(VideoError):
    """The decoder crashed over the file, hung or ran out of memory."""


class SelectionError(PipelineError):
    """The chosen time range holds no frame of the video."""


class ModelError(PipelineError):
    """The model file can't be read, or its metadata isn't a model spec."""


class ProviderError(PipelineError):
    """The device that was asked for can't be had, isn't the one in use, or computes wrongly."""
