"""Server-sent events, read line by line as the HTML standard has it (9.2.6)."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """An event; without a name it is a `message`."""

    name: str
    data: str


@dataclass
class EventReader:
    """Puts events together from their lines."""

    _name: str = ""
    _data: list[str] = field(default_factory=list)

    def read(self, line: str) -> Event | None:
        r"""Take the next line, without its end; return the event that it ends, if any.

        >>> reader = EventReader()
        >>> [reader.read(line) for line in (": hello", "event: progress", "data:1", "data: 2", "")]
        [None, None, None, None, Event(name='progress', data='1\n2')]
        """
        if not line:
            event = Event(self._name or "message", "\n".join(self._data)) if self._data else None
            self._name, self._data = "", []
            return event
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        return None
