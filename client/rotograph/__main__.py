"""The command line as a module: `python -m rotograph`."""

import sys

from rotograph.commands import main

sys.exit(main())
