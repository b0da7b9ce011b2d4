"""The figures of this process, as Prometheus reads them."""

import secrets
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from service import examples
from service.errors import MetricsClosed
from service.problems import problem_answers
from service.settings import PREFIX
from service.state import Unscoped

bearer = HTTPBearer(
    scheme_name="metrics",
    auto_error=False,
    description=f"The operator's token, `{PREFIX}METRICS_TOKEN`.",
)

router = APIRouter(tags=["service"])


async def _operator(
    services: Unscoped,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
) -> None:
    """Let the operator in: the sum of all clients' work is not for each of them to see.

    Raises:
        MetricsClosed: there is a token or there are API keys, and the request has no such token.
    """
    token = services.settings.metrics_token
    if token is None:
        if await anyio.to_thread.run_sync(services.keys.in_force):
            raise MetricsClosed(
                f"Got a request for figures where there are API keys and no {PREFIX}METRICS_TOKEN, "
                "wanted that it is set."
            )
        return
    presented = "" if credentials is None else credentials.credentials
    if not secrets.compare_digest(presented.encode(), token.get_secret_value().encode()):
        got = "no token" if credentials is None else "another token"
        raise MetricsClosed(f"Got {got}, wanted {PREFIX}METRICS_TOKEN as `Authorization: Bearer`.")


@router.get(
    "/metrics",
    summary="What this process counts and times, for Prometheus",
    response_class=Response,
    dependencies=[Depends(_operator)],
    responses={
        200: {
            "content": {"text/plain": {"schema": {"type": "string"}, "example": examples.METRICS}}
        },
        **problem_answers(MetricsClosed),
    },
)
def metrics(shared: Unscoped) -> Response:
    """Requests of this API process, and how the queue and the workers stand.

    Workers have figures of their own, at an address of their own.
    """
    return Response(generate_latest(shared.figures), media_type=CONTENT_TYPE_PLAIN_0_0_4)
