"""What a script found: a line for each promise, and an exit status that says whether all held."""

from dataclasses import dataclass, field


@dataclass
class Findings:
    """The findings of one run."""

    title: str
    _rows: list[tuple[str, str, bool | None]] = field(default_factory=list)

    def note(self, what: str, found: object) -> None:
        """Add a metric that nothing is promised of."""
        self._rows.append((what, str(found), None))

    def hold(self, what: str, found: object, kept: bool) -> None:
        """Add a promise: what it says, what was found, and whether it was kept."""
        self._rows.append((what, str(found), bool(kept)))

    def finish(self) -> int:
        """Print all of it, and return the exit status: 1 where a promise was broken."""
        told = {True: "kept", False: "BROKEN", None: ""}
        wide = max(len(what) for what, _, _ in self._rows)
        wider = max(len(found) for _, found, _ in self._rows)
        print(f"\n{self.title}")
        for what, found, kept in self._rows:
            print(f"  {what:<{wide}}  {found:<{wider}}  {told[kept]}".rstrip())
        broken = any(kept is False for _, _, kept in self._rows)
        print("BROKEN" if broken else "All promises kept.", flush=True)
        return int(broken)
