"""The API keys as their operator handles them: made, listed and revoked on the command line."""

import argparse
import sys

from jobs.database import embedded_url, open_database
from jobs.errors import BadKeyName, KeyExists, KeyNotFound
from jobs.keys import KeyRing
from jobs.values import Key
from service.settings import Settings


def run_keys(settings: Settings, arguments: argparse.Namespace) -> int:
    """Do what the arguments say, and return the exit status."""
    url = settings.database_url or embedded_url(settings.data_dir)
    engine = open_database(url)
    ring = KeyRing(engine)
    try:
        if arguments.action == "create":
            print(
                ring.create(
                    arguments.name,
                    max_jobs=arguments.max_jobs,
                    requests_per_minute=arguments.requests_per_minute,
                )
            )
        elif arguments.action == "revoke":
            ring.revoke(arguments.name)
        else:
            for key in ring.list():
                print(_line(key))
    except (BadKeyName, KeyExists, KeyNotFound) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        engine.dispose()
    return 0


def _line(key: Key) -> str:
    state = "revoked" if key.revoked_at else "good"
    jobs = "any" if key.max_jobs is None else key.max_jobs
    rate = "any" if key.requests_per_minute is None else key.requests_per_minute
    made = f"{key.created_at:%Y-%m-%d}"
    return f"{key.name:<24} {state:<8} made {made}  jobs {jobs}  requests a minute {rate}"
