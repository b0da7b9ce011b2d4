"""Starts the service: `python -m service` for all of it, or `api` or `worker` for a part."""

import sys

if __name__ == "__main__":
    # Only here, since the children that look at uploads load this file under another name.
    from service.command import main

    sys.exit(main())
