"""Something that is done again and again beside the rest, in a thread of its own."""

import threading
from abc import ABC, abstractmethod
from typing import Self


class Periodic(ABC):
    """Runs at once, and `every_s` after the end of each run, for as long as it is entered."""

    def __init__(self, every_s: float, name: str) -> None:
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join()

    def stop(self) -> None:
        self._stop.set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    @abstractmethod
    def run_once(self) -> None:
        """Do it once; an error raised here ends the thread."""

    def _run(self) -> None:
        while True:
            self.run_once()
            if self._stop.wait(self._every_s):
                return
