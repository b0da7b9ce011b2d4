"""What belongs to the one object of a shot, decided over time so that it stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.objects import rle
from pipeline.values import Rle, SegmentedObject

# A part comes to the object if it is this large beside the largest one, and goes if it is smaller
# than that.
COMES = 0.5
GOES = 0.3
# Seconds for which that has to be so.
CLEAR_S = 3.0
# Seconds over which areas are averaged, as an exponential moving average.
_AVERAGED_S = 0.5
# Seconds after which a part that isn't seen any more is forgotten.
_FORGOTTEN_S = 10.0
# A part that splits off from the object belongs to it at first if it is no smaller.
_SPLIT = 0.25
_INSIDE = 0.5


@dataclass
class Standing:
    """How a part stands to the object.

    Attributes:
        inside: whether it belongs to it.
        share: its area over that of the largest part, averaged.
        at_s: when it was seen last.
        against_s: since when its share speaks against `inside`; None if it doesn't.
    """

    inside: bool
    share: float
    at_s: float
    against_s: float | None = None

    def see(self, share: float, time_s: float) -> None:
        """Take its area in the next frame that it is in."""
        kept = 0.5 ** ((time_s - self.at_s) / _AVERAGED_S)
        self.share = kept * self.share + (1 - kept) * share
        self.at_s = time_s
        against = self.share < GOES if self.inside else self.share >= COMES
        if not against:
            self.against_s = None
        elif self.against_s is None:
            self.against_s = time_s
        elif time_s - self.against_s >= CLEAR_S:
            self.inside, self.against_s = not self.inside, None


@dataclass
class Membership:
    """Decides which parts of a shot's frames are its object.

    Attributes:
        standings: by the parts' keys.
        mask: what the object was last; None before it is seen.
    """

    standings: dict[int, Standing] = field(default_factory=dict)
    mask: Rle | None = None

    def choose(
        self,
        parts: Mapping[int, SegmentedObject],
        time_s: float,
        following: Sequence[Mapping[int, SegmentedObject]],
    ) -> list[SegmentedObject]:
        """Return those of a frame's parts that are the object, in their order.

        Args:
            parts: of the frame, by key, largest first.
            time_s: of the frame.
            following: the parts of the frames after it that are known.
        """
        if not parts:
            return []
        shares = _shares(parts)
        self.standings = {
            key: standing
            for key, standing in self.standings.items()
            if key in parts or time_s - standing.at_s <= _FORGOTTEN_S
        }
        for key, part in parts.items():
            if key in self.standings:
                self.standings[key].see(shares[key], time_s)
            else:
                seen = [shares[key], *(_shares(later)[key] for later in following if key in later)]
                share = sum(seen) / len(seen)
                inside = share >= COMES or (share >= _SPLIT and self._was_inside(part))
                self.standings[key] = Standing(inside, share, time_s)
        chosen = [part for key, part in parts.items() if self.standings[key].inside]
        if not chosen and not self._is_coming(following):
            # Who is left is the object, as long as nobody else is.
            for key, part in parts.items():
                if shares[key] >= COMES:
                    self.standings[key] = Standing(True, shares[key], time_s)
                    chosen.append(part)
        if chosen:
            self.mask = rle.union([part.mask for part in chosen])
        return chosen

    def _was_inside(self, part: SegmentedObject) -> bool:
        """Tell whether a part is where the object was."""
        return self.mask is not None and rle.inside(part.mask, self.mask) >= _INSIDE

    def _is_coming(self, following: Sequence[Mapping[int, SegmentedObject]]) -> bool:
        """Tell whether one that belongs to the object is seen in the next frames."""
        inside = {key for key, standing in self.standings.items() if standing.inside}
        return any(inside & later.keys() for later in following)


def _shares(parts: Mapping[int, SegmentedObject]) -> dict[int, float]:
    largest = max(part.area for part in parts.values())
    return {key: part.area / largest for key, part in parts.items()}
