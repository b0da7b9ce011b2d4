"""What belongs to the one object of a shot, decided over time so that it stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.objects import rle
from pipeline.values import Rle, SegmentedObject

# A part comes to the object if it is this large beside the largest one, and goes if it is smaller
# than that.
COMES = 0.5
GOES = 0.3
# Seconds for which that has to be so, once it is sure how a part stands; and when it has just come.
CLEAR_S = 3.0
_FRESH_S = 0.3
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
        at_s: when it was seen last.
        sure_s: seconds of evidence against `inside` after which that changes.
    """

    inside: bool
    at_s: float
    sure_s: float = _FRESH_S

    def see(self, share: float, elapsed_s: float) -> None:
        """Take its area over that of the largest part in a frame, some time after the last one.

        Evidence adds up, and is made up for by as much time without: what crosses a border to and
        fro doesn't change, nor does anything a second time within `CLEAR_S`.
        """
        against = share < GOES if self.inside else share >= COMES
        self.sure_s = min(CLEAR_S, self.sure_s + (-elapsed_s if against else elapsed_s))
        if self.sure_s <= 0:
            self.inside, self.sure_s = not self.inside, CLEAR_S


@dataclass
class Membership:
    """Decides which parts of a shot's frames are its object.

    Attributes:
        standings: by the parts' keys.
        mask: what the object was last; None before it is seen.
        last_s: time of the last frame.
    """

    standings: dict[int, Standing] = field(default_factory=dict)
    mask: Rle | None = None
    last_s: float = 0.0

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
        elapsed_s, self.last_s = time_s - self.last_s, time_s
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
                self.standings[key].at_s = time_s
                self.standings[key].see(shares[key], elapsed_s)
            else:
                seen = [shares[key], *(_shares(later)[key] for later in following if key in later)]
                share = sum(seen) / len(seen)
                inside = share >= COMES or (share >= _SPLIT and self._was_inside(part))
                self.standings[key] = Standing(inside, time_s)
        chosen = [part for key, part in parts.items() if self.standings[key].inside]
        if not chosen and not self._is_coming(following):
            # Who is left is the object, as long as nobody else is.
            for key, part in parts.items():
                if shares[key] >= COMES:
                    self.standings[key] = Standing(True, time_s, CLEAR_S)
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
