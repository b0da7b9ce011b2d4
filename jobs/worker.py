"""A worker process: it loads the model, then does segments of jobs, one after another."""

import logging
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer
from opentelemetry.trace import Tracer

from jobs.addresses import AddressGuard
from jobs.cache import DEFAULT_BYTES
from jobs.callbacks import Callbacks, WebhookSender
from jobs.database import (
    APPLICATION,
    QUEUE,
    embedded_url,
    open_database,
)
from jobs.deadline import Deadline
from jobs.fastest import FastestDevice
from jobs.liveness import Heartbeat, Takeover, WorkerRegister
from jobs.metrics import WorkerMetrics
from jobs.orphans import Orphans
from jobs.outbound import Outbound
from jobs.records import JobRecords
from jobs.runtime import runtime_of
from jobs.stop_signals import StopSignals
from jobs.stores import open_store
from jobs.tracing import SegmentTrace
from jobs.values import WebhookSettings, Worker
from jobs.workflow import SegmentJob
from pipeline.errors import ProviderError
from pipeline.media.sandbox import Sandbox
from pipeline.network import self_test
from pipeline.network.graph import Device
from pipeline.network.infer import Session, load
from pipeline.segmenter import Segmenter

_POLL_S = 0.1
_GRACE_S = 5.0
_TIDY_EVERY_S = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """How a worker runs; None: what is in `data_dir`, a thread a core, no timeout, no webhooks."""

    data_dir: Path
    model: Path
    device: Device | Literal["auto"] = "auto"
    database_url: str | None = None
    store_url: str | None = None
    cache_bytes: int = DEFAULT_BYTES
    threads: int | None = None
    decode_timeout_s: float = 120.0
    job_timeout_s: float | None = None
    webhooks: WebhookSettings | None = None


def run_worker(
    settings: WorkerSettings,
    load_session: Callable[[WorkerSettings], Session] | None = None,
    sandbox: Sandbox | None = None,
    metrics: WorkerMetrics | None = None,
    tracer: Tracer | None = None,
) -> None:
    """Do segments until SIGTERM or SIGINT; call it in the main thread of a process of its own.

    A signal makes it leave the running segment between two frames, to be done again. Raises
    ModelError, ProviderError if the device isn't in use or computes wrongly, StoreAway or
    StoreRefuses.
    """
    with StopSignals() as stop:
        store = open_store(settings.data_dir, settings.store_url, settings.cache_bytes)
        session = (load_session or _load)(settings)
        url = settings.database_url or embedded_url(settings.data_dir)
        engine = open_database(url)
        sandbox = sandbox or Sandbox(stall_s=settings.decode_timeout_s)
        worker = _describe(session, runtime_of(session, settings.model), sandbox.lacks())
        metrics = metrics or WorkerMetrics()
        metrics.describe(worker)
        everyones = JobRecords(engine)
        trace = SegmentTrace(tracer, metrics.timed)
        work = SegmentJob(
            store,
            JobRecords(engine, runtime=worker.runtime),
            Segmenter(session, decode=sandbox.decode_scaled, timed=trace.timed),
            session.spec,
            metrics,
            trace=trace,
        )
        register = WorkerRegister(engine)
        with (
            _sending_webhooks(engine, settings.webhooks),
            Deadline(everyones, settings.job_timeout_s, metrics),
            Orphans(everyones, register, worker, store, metrics),
        ):
            _serve(url=url, register=register, worker=worker, work=work, sandbox=sandbox, stop=stop)
        engine.dispose()


def _sending_webhooks(
    engine: sa.Engine, settings: WebhookSettings | None
) -> AbstractContextManager[object]:
    if settings is None:
        return nullcontext()
    outbound = Outbound(AddressGuard(settings.allow))
    return WebhookSender(Callbacks(engine), outbound, settings.secret)


def _serve(
    *,
    url: str,
    register: WorkerRegister,
    worker: Worker,
    work: SegmentJob,
    sandbox: Sandbox,
    stop: StopSignals,
) -> None:
    about = {"worker": worker.id, "device": worker.device, "provider": worker.provider}
    _log.info("worker runs", extra=about)
    for lack in worker.sandbox_lacks:
        _log.warning("uploads are decoded without a protection", extra={"lack": lack})
    heartbeat = Heartbeat(register, worker)
    register.beat(worker)  # before it can own a job: others take over from whom they don't know
    work.register()
    _launch(url, worker)
    with heartbeat, Takeover(register, worker, heartbeat):
        while not stop.wait(_TIDY_EVERY_S):
            work.tidy()
        _log.info("worker stops", extra={"worker": worker.id})
    work.stop(_GRACE_S)
    sandbox.close()  # a decoder that hangs would hold the job, and so this process
    DBOS.destroy()
    register.retire(worker)  # last: from now on others take over what it left


def _launch(url: str, worker: Worker) -> None:
    """Start DBOS, which talks to the database and to nothing else."""
    log = logging.getLogger("dbos")
    if not log.handlers:
        # Else DBOS adds a handler of its own, and what it says doesn't reach the root logger.
        log.addHandler(logging.NullHandler())
    _register_queue(url)
    # Each runtime is an application of its own, since among those of one DBOS gives what has no
    # version, which is what isn't pinned yet, to the newest one only.
    DBOS(
        config=DBOSConfig(
            name=f"{APPLICATION}-{worker.runtime}",
            system_database_url=url,
            application_version=worker.runtime,
            executor_id=worker.id,
            serializer=DBOSPortableJSONSerializer(),
            log_level="WARNING",
            enable_otlp=False,
        )
    )
    DBOS.launch()


def _register_queue(url: str) -> None:
    """Make the queue, which belongs to no application and so to all."""
    client = DBOSClient(system_database_url=url, serializer=DBOSPortableJSONSerializer())
    client.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=_POLL_S)
    client.destroy()


def _load(settings: WorkerSettings) -> Session:
    if settings.device != "auto":
        return _load_on(settings.device, settings)
    fastest = FastestDevice(settings.data_dir, settings.model, settings.threads)
    device = fastest.choose()
    try:
        return _load_on(device, settings)
    except ProviderError as error:
        # It worked when it was noted: the driver may be another now.
        about = {"device": device, "reason": str(error)}
        _log.warning("the device chosen before doesn't work any more", extra=about)
        fastest.forget()
        return _load_on(fastest.choose(), settings)


def _load_on(device: Device, settings: WorkerSettings) -> Session:
    session = load(settings.model, device, settings.threads)
    if device != "cpu":
        self_test.check(session, settings.model, settings.threads)
    return session


def _describe(session: Session, runtime: str, sandbox_lacks: Sequence[str]) -> Worker:
    return Worker(
        # Never the same twice: a process that took the id of a dead one would be given its jobs.
        id=f"{socket.gethostname()}-{secrets.token_hex(6)}",
        device=session.device,
        provider=session.provider,
        model=session.spec.name,
        model_version=session.spec.version,
        runtime=runtime,
        sandbox_lacks=sandbox_lacks,
        card=asdict(session.spec),
    )
