"""The command line: `rotograph COMMAND ...`, and what its exit status says."""

from collections.abc import Sequence

from rotograph import Client, RotographError
from rotograph.commands.arguments import parser
from rotograph.commands.outcome import INTERRUPTED, REFUSED, say


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    try:
        client = Client(given.url, given.key)
        command = given.make(given)
    except ValueError as error:
        given.parser.error(str(error))
    with client:
        try:
            return int(command(client))
        except RotographError as error:
            say(str(error))
            return REFUSED
        except KeyboardInterrupt:
            say("Interrupted.")
            return INTERRUPTED
