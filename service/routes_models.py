"""What the model is that the service runs: its card."""

from fastapi import APIRouter

from service import examples
from service.errors import NotReady
from service.problems import problem_answers
from service.schemas import ModelCard
from service.state import Unscoped

router = APIRouter(tags=["service"])


@router.get(
    "/models/default",
    summary="What the model is that runs here",
    responses={
        200: {"content": {"application/json": {"example": examples.MODEL_CARD}}},
        **problem_answers(NotReady),
    },
)
def default_model(shared: Unscoped) -> ModelCard:
    """Tell what the model's file says of itself, as the live workers report it.

    Jobs name the model that they were planned with in their result.
    """
    cards = [worker.card for worker in shared.queue.workers() if worker.card]
    if not cards:
        raise NotReady("No worker is alive that says which model it runs.")
    return ModelCard.model_validate(dict(cards[0]))
