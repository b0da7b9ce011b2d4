"""The end of a supervised process when its supervisor is gone, however that ended."""

import os
import signal
import threading

FLAG = "--supervised"


def end_with_the_supervisor() -> None:
    """Stop this process as SIGTERM does, once its standard input ends.

    The supervisor holds the other end of that pipe and writes nothing: the pipe ends with the
    supervisor, also where that was killed with SIGKILL and could tell nobody.
    """
    threading.Thread(target=_wait_for_the_end, name="supervised", daemon=True).start()


def _wait_for_the_end() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
