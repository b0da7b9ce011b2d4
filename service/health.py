"""Whether the service lives and takes up work, what it is, and what its problems mean."""

import logging

from fastapi import APIRouter

from jobs.errors import StoreAway
from service import NAME, VERSION, examples, schemas
from service.dependencies import Unscoped
from service.errors import ALL_KINDS, NotFound, NotReady
from service.problems import problem_answers
from service.schemas import ModelCard, ModelList, ProblemType, Version

router = APIRouter(tags=["service"])
_log = logging.getLogger(__name__)


@router.get("/livez", summary="Whether the API process answers", responses=problem_answers())
def get_liveness() -> schemas.Liveness:
    """Workers and the database aside."""
    return schemas.Liveness()


@router.get(
    "/readyz",
    summary="Whether the service takes up work",
    responses={
        200: {"content": {"application/json": {"example": examples.READY}}},
        **problem_answers({NotReady}),
    },
)
def get_readiness(shared: Unscoped) -> schemas.Readiness:
    """With the live workers, and the device and provider that each uses."""
    if shared.stopping.begun:
        raise NotReady("This process is about to stop.")
    try:
        workers = shared.queue.workers()
        depth = shared.queue.queue_depth()
    except Exception as error:
        # Whatever the database's driver raises, the answer is the same: not ready.
        _log.exception("the database doesn't answer")
        raise NotReady("The database of jobs doesn't answer.") from error
    try:
        shared.uploads.check()
    except StoreAway as error:
        raise NotReady(str(error)) from error
    if not workers:
        raise NotReady(f"No worker is alive; {depth} jobs wait for one.")
    return schemas.Readiness(
        queue_depth=depth,
        workers=[schemas.Worker.of(worker) for worker in workers],
        sandbox_lacks=list(shared.scanner.lacks),
    )


@router.get("/version", summary="What runs here", responses=problem_answers())
def get_version() -> Version:
    """The product and its version."""
    return Version(name=NAME, version=VERSION)


@router.get(
    "/problems/{slug}",
    summary="What a problem's type means",
    responses=problem_answers({NotFound}),
)
def get_problem_type(slug: str, shared: Unscoped) -> ProblemType:
    """The page of the address in `type`."""
    for kind in ALL_KINDS:
        if kind.slug == slug:
            return ProblemType(
                type=shared.links.problem(kind),
                title=kind.title,
                status=kind.status,
                example=kind.example,
            )
    slugs = ", ".join(kind.slug for kind in ALL_KINDS)
    raise NotFound(f"The problem must be one of {slugs}, got {slug[:100]!r}.")


@router.get(
    "/models",
    summary="The models of the live workers",
    responses={
        200: {"content": {"application/json": {"example": examples.MODEL_LIST}}},
        **problem_answers(),
    },
)
def list_models(shared: Unscoped) -> ModelList:
    """Each once, however many workers run it."""
    found = {}
    for worker in shared.queue.workers():
        if worker.card:
            found[worker.model, worker.model_version] = ModelCard.model_validate(dict(worker.card))
    return ModelList(models=list(found.values()))


@router.get(
    "/models/default",
    summary="What the model is that runs here",
    responses={
        200: {"content": {"application/json": {"example": examples.MODEL_CARD}}},
        **problem_answers({NotReady}),
    },
)
def get_default_model(shared: Unscoped) -> ModelCard:
    """What its file says of itself."""
    cards = [worker.card for worker in shared.queue.workers() if worker.card]
    if not cards:
        raise NotReady("No worker is alive that says which model it runs.")
    return ModelCard.model_validate(dict(cards[0]))
