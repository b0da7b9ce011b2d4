"""Which pictures rest on ones that are lost or damaged: FFmpeg shows them, and mostly tells none.

What is lost is known by the packets: one of which no picture comes, one that the container says is
damaged, and in H.264 a number that is left out. From there on, all is damaged up to the next
picture that decoding could start at.

In AVI a chunk without data repeats the picture before it. Whether that was one, or data was lost,
H.264 tells, and MPEG-4 now and then: else what is built on what comes before is called damaged.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from av.packet import Packet
from av.stream import Stream
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from pipeline.media.container import is_key
from pipeline.media.listing import REORDERED
from pipeline.media.nal import HEADERS, CodedPicture
from pipeline.media.vop import VopHeaders
from pipeline.media.vpx import READERS

_BIDIRECTIONAL = {"mpeg1video", "mpeg2video", "mpeg4", "vc1", "wmv3"}  # B: no reference there
# Whose decoders make a picture of any packet, whatever it is built on, also at the start.
_NEVER_FAIL = {
    *("mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4", "wmv1", "wmv2"),
    *("h263", "h263i", "h263p", "flv", "vp6", "vp6a", "vp6f", "vp8"),
}
_TELL_NO_LOSS = {*_NEVER_FAIL, "mpeg1video", "mpeg2video", "vc1", "wmv3", "vp9", "ffv1"}


@dataclass
class _Coded:
    """A packet that is being decoded; `after_told`: the one before is called damaged."""

    time: int | None
    key: bool
    after_told: bool
    discarded: bool
    header: CodedPicture
    whole: bool | None = None


class DamageTracker:
    """Follows a decoder: is told of each packet that goes in, and judges the pictures.

    A picture is held back until it is known what came of all that was decoded before it: where some
    are built on later ones, until these are shown. `time_of` gives, for a packet's `pts`, when its
    picture is shown; None where it shows none.
    """

    def __init__(
        self, stream: VideoStream, time_of: Callable[[int], int | None], *, from_start: bool
    ) -> None:
        context = stream.codec_context
        make = VopHeaders if context.codec.name == "mpeg4" else HEADERS.get(context.codec.name)
        self._read = make(context.extradata or b"") if make else None
        self._hides = context.codec.name in READERS
        self._drops_bidirectional = context.codec.name in _BIDIRECTIONAL
        self._stream = stream
        self._never_fails = context.codec.name in _NEVER_FAIL
        self._tells_no_loss = context.codec.name in _TELL_NO_LOSS
        self._counts = stream.container.format.name == "avi"  # packets: that is all of its clock
        self._splits = stream.container.format.name in {"mpegts", "mpeg"}  # pictures, by a parser
        self._last_dts: int | None = None
        self._out_of_order = False  # since the last key frame that was shown
        self._from_start = from_start
        self._time_of = time_of
        self._coded: deque[_Coded] = deque()  # in the order in which they are decoded
        self._verdicts: dict[int, bool] = {}
        self._damaged = not from_start  # since the last key frame
        self._damaged_before = False  # between the last two
        self._key_time: int | None = None
        self._refreshes = False
        self._told = False

    def fed(self, packet: "Packet[Stream]") -> None:
        header = CodedPicture() if self._read is None else self._read(memoryview(packet))
        time = None if packet.pts is None else self._time_of(packet.pts)
        key = is_key(self._stream, packet)
        if self._may_follow_loss(packet, header):
            header = replace(header, follows_loss=True)
        self._last_dts = packet.dts
        self._coded.append(_Coded(time, key, self._told, packet.is_discard, header))
        self._told = packet.is_corrupt

    def _may_follow_loss(self, packet: "Packet[Stream]", header: CodedPicture) -> bool:
        """Tell whether no key frame comes before a packet, or empty ones that may be lost."""
        if self._last_dts is None or packet.dts is None:
            return self._never_fails and self._from_start and not self._coded
        step = packet.dts - self._last_dts
        if step < 2 or not (self._tells_no_loss and self._counts):
            return False
        counted = header.elapsed_s in {None, step * (self._stream.time_base or 0)}
        return counted and not (header.alternates and step % 2 == 0)

    def failed(self) -> None:
        # That no picture comes of it is known elsewhere. These hide some, and reorder none.
        self._damaged = self._damaged or self._hides

    def judged(
        self, pictures: Iterator[tuple[int, VideoFrame]]
    ) -> Iterator[tuple[int, VideoFrame, bool]]:
        """Yield each picture with its rising time, and whether it is or rests on a damaged one."""
        waiting: deque[tuple[int, VideoFrame]] = deque()
        for time, picture in pictures:
            waiting.append((time, picture))
            self._note(time, picture)
            while len(self._coded) > 1 and self._is_known(self._coded[0], time):
                self._judge_next()
            while waiting and (not self._waits(waiting[0][0]) or len(waiting) > REORDERED):
                yield self._with_verdict(*waiting.popleft())
        if self._told and self._coded and not self._splits:
            self._coded[-1].whole = False  # the file was cut off in it
        while self._coded:
            self._judge_next()
        for time, picture in waiting:
            yield self._with_verdict(time, picture)

    def _note(self, time: int, picture: VideoFrame) -> None:
        coded = next((coded for coded in self._coded if coded.time == time), None)
        if coded is not None:
            coded.whole = not picture.is_corrupt
            if self._drops_bidirectional and picture.pict_type == PictureType.B:
                coded.header = replace(coded.header, reference=False)

    def _is_known(self, coded: _Coded, shown: int) -> bool:
        return coded.time is None or coded.whole is not None or coded.time < shown

    def _waits(self, time: int) -> bool:
        return any(coded.time == time for coded in self._coded)

    def _with_verdict(self, time: int, picture: VideoFrame) -> tuple[int, VideoFrame, bool]:
        while self._waits(time):  # for longer than any codec reorders
            self._judge_next()
        damaged = self._verdicts.pop(time, self._damaged)
        # Where pictures are only counted, a lost one moves those that are reordered around it.
        self._out_of_order = damaged or (self._out_of_order and not picture.key_frame)
        return time, picture, damaged or (self._counts and self._out_of_order)

    def _judge_next(self) -> None:
        """Judge the packet decoded first of those that aren't judged."""
        coded = self._coded.popleft()
        header = coded.header
        if coded.key:
            self._damaged_before = self._damaged or header.follows_loss
            # One that is listed nowhere showed nothing whole, unless it was to be left out.
            self._damaged = coded.time is None and not coded.discarded
            # Some only begin to make the picture whole, piece by piece until the next one.
            self._refreshes = not header.intra
            self._key_time = coded.time
        leads = self._leads(coded)
        if header.follows_loss and not coded.key:
            self._note_damage(leads=leads)
        following = self._coded[0] if self._coded else None
        # FFmpeg's parsers say so of the packet before the one that it is said of, which lacks its
        # end or what follows. At the end of a recording that was joined to another, nothing does.
        lacks_end = coded.after_told and following is not None and not following.key
        before = self._damaged_before and (leads or self._refreshes)
        damaged = lacks_end or self._damaged or before or not coded.whole
        if coded.time is not None:
            if coded.whole is not None:
                self._verdicts[coded.time] = damaged
            if header.reference and not coded.whole:
                self._note_damage(leads=leads)
        if coded.after_told:
            self._note_damage(leads=False)

    def _leads(self, coded: _Coded) -> bool:
        """Tell whether it is shown before the last key frame, so that nothing else rests on it."""
        if coded.time is None or self._key_time is None:
            return False
        return coded.time < self._key_time

    def _note_damage(self, *, leads: bool) -> None:
        if leads:
            self._damaged_before = True
        else:
            self._damaged = True
