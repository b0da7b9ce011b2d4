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
    """Whether a part, seen last at `at_s`, belongs to the object.

    That changes after `sure_s` seconds of evidence against it.
    """

    inside: bool
    at_s: float
    sure_s: float = _FRESH_S

    def see(self, share: float, elapsed_s: float) -> None:
        """Take its area over that of a frame's largest part.

        Evidence adds up, and is made up for by as much time without, so that nothing changes twice
        within `CLEAR_S`.
        """
        against = share < GOES if self.inside else share >= COMES
        self.sure_s = min(CLEAR_S, self.sure_s + (-elapsed_s if against else elapsed_s))
        if self.sure_s <= 0:
            self.inside, self.sure_s = not self.inside, CLEAR_S


@dataclass
class Membership:
    """Decides which parts, by their keys, are the object of a shot; `mask` is what it was last."""

    standings: dict[int, Standing] = field(default_factory=dict)
    mask: Rle | None = None
    last_s: float = 0.0

    def choose(
        self,
        parts: Mapping[int, SegmentedObject],
        time_s: float,
        following: Sequence[Mapping[int, SegmentedObject]],
    ) -> list[SegmentedObject]:
        """Return those of a frame's parts, largest first, that are the object, in their order.

        `following` are the parts of the frames after it that are known.
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
        return self.mask is not None and rle.inside(part.mask, self.mask) >= _INSIDE

    def _is_coming(self, following: Sequence[Mapping[int, SegmentedObject]]) -> bool:
        inside = {key for key, standing in self.standings.items() if standing.inside}
        return any(inside & later.keys() for later in following)


def _shares(parts: Mapping[int, SegmentedObject]) -> dict[int, float]:
    largest = max(part.area for part in parts.values())
    return {key: part.area / largest for key, part in parts.items()}
