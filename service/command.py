"""The command line: which process this is, its log and exit status, and the API keys."""

import argparse
import logging
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import anyio

from jobs.errors import SchemaTooNew, StoreAway, StoreRefuses
from pipeline.errors import ModelError, ProviderError
from service.settings import PREFIX, Settings, SettingsError, asked_log_format, load_settings
from service.supervisor import FLAG, REFUSED, end_with_the_supervisor, supervise
from service.telemetry import configure_log, tracing

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider
    from prometheus_client import CollectorRegistry

    from pipeline.media.sandbox import Sandbox

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service, or the named part; return REFUSED where starting again is no use."""
    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="Without an argument: the API and one worker, both kept running.",
    )
    parts = parser.add_subparsers(dest="part", metavar="api | worker | keys")
    for part in ("api", "worker"):
        process = parts.add_parser(part, help=f"run only the {part}")
        process.add_argument(FLAG, action="store_true", help=argparse.SUPPRESS)
    add_key_arguments(parts.add_parser("keys", help="make, list and revoke API keys"))
    parsed = parser.parse_args(arguments)
    configure_log(parsed.part or "supervisor", asked_log_format())
    try:
        if parsed.part == "keys":
            return run_keys(load_settings(), parsed)
        if parsed.part is not None and parsed.supervised:
            end_with_the_supervisor()
        return _run(parsed.part, load_settings())
    except (SettingsError, ModelError, ProviderError, StoreRefuses, SchemaTooNew) as error:
        _log.error("refuse to start", extra={"reason": error})
        return REFUSED
    except StoreAway as error:
        _log.error("can't start now", extra={"reason": error})
        return 1
    except Exception:
        # The process is over: without this its traceback would be many lines of the log.
        _log.exception("process failed")
        return 1


def _run(part: str | None, settings: Settings) -> int:
    if part is None:
        return anyio.run(supervise)
    # Each process loads only what it runs: the supervisor is small, and the API has no model.
    from pipeline.media.sandbox import Sandbox  # noqa: PLC0415 - see above

    with closing(Sandbox(stall_s=settings.decode_timeout_s)) as sandbox:
        require_protections(settings, sandbox.lacks())
        with tracing(settings, part) as tracers:
            if part == "api":
                from service.server import listen  # noqa: PLC0415 - see above

                listen(settings, sandbox, tracers)
            else:
                _work(settings, sandbox, tracers)
    return 0


def _work(settings: Settings, sandbox: "Sandbox", tracers: "TracerProvider | None") -> None:
    from jobs.metrics import WorkerMetrics  # noqa: PLC0415 - see `_run`
    from jobs.worker import WorkerSettings, run_worker  # noqa: PLC0415 - see `_run`
    from service.errors import kind_named  # noqa: PLC0415 - see `_run`

    metrics = WorkerMetrics(lambda name: kind_named(name).slug)
    _show(settings, metrics.registry)
    run_worker(
        WorkerSettings(
            data_dir=settings.data_dir,
            model=settings.model,
            device=settings.device,
            database_url=settings.database_url,
            store_url=settings.store_url,
            cache_bytes=settings.cache_bytes,
            threads=settings.threads,
            decode_timeout_s=settings.decode_timeout_s,
            job_timeout_s=settings.job_timeout_s,
            webhooks=settings.webhooks,
        ),
        sandbox=sandbox,
        metrics=metrics,
        tracer=None if tracers is None else tracers.get_tracer("rotograph"),
    )


def require_protections(settings: Settings, lacks: Sequence[str]) -> None:
    """Raise SettingsError where decoders lack protections and no setting allows that."""
    if lacks and not settings.allow_unsandboxed:
        raise SettingsError(
            f"The system lacks {' '.join(lacks)} Set {PREFIX}ALLOW_UNSANDBOXED=true where all who "
            "may upload are trusted."
        )


def _show(settings: Settings, metrics: "CollectorRegistry") -> None:
    """Show a worker's metrics from a thread; raises SettingsError if the address is taken."""
    if settings.worker_metrics_address is None:
        return
    from prometheus_client import start_http_server  # noqa: PLC0415 - see `_run`

    host, port = settings.worker_metrics_address
    try:
        start_http_server(port, host, metrics)
    except (OSError, OverflowError) as error:
        raise SettingsError(
            f"{PREFIX}WORKER_METRICS must be a free address, got {settings.worker_metrics}: "
            f"{error}."
        ) from error


def add_key_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create", help="make a key and print it, this once")
    create.add_argument("name", help="of its owner")
    create.add_argument(
        "--max-jobs", type=_positive, metavar="N", help="unfinished jobs at a time; default: any"
    )
    create.add_argument(
        "--requests-per-minute", type=_positive, metavar="N", help="default: any number"
    )
    actions.add_parser("list", help="list the keys, those that are revoked too")
    revoke = actions.add_parser("revoke", help="make a key worthless; its jobs stay")
    revoke.add_argument("name")


def run_keys(settings: Settings, arguments: argparse.Namespace) -> int:
    from jobs.database import embedded_url, open_database  # noqa: PLC0415 - see above
    from jobs.errors import BadKeyName, KeyExists, KeyNotFound  # noqa: PLC0415 - see above
    from jobs.keys import KeyRing  # noqa: PLC0415 - see above

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
                state = "revoked" if key.revoked_at else "good"
                jobs = "any" if key.max_jobs is None else key.max_jobs
                rate = "any" if key.requests_per_minute is None else key.requests_per_minute
                made = f"{key.created_at:%Y-%m-%d}"
                print(
                    f"{key.name:<24} {state:<8} made {made}  jobs {jobs}  requests a minute {rate}"
                )
    except (BadKeyName, KeyExists, KeyNotFound) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        engine.dispose()
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {number}")
    return number
