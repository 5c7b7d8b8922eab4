"""What the intake is compared with, on the same framework and server: one that does nothing, one that does the usual.

`python -m bench.other_webs {noop|usual} PORT`. The usual one validates with pydantic and sends a task per request.
"""

from __future__ import annotations

import os
import sys

import uvicorn
from celery import Celery
from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response


class Lead(BaseModel):
    """A post, as most projects declare it."""

    email: str
    first_name: str = ""
    last_name: str = ""
    zip: str = ""
    phone: str = ""
    condition: str = ""
    location: str = ""
    consent_email: str = ""
    message: str = ""


def noop() -> FastAPI:
    """Reads the body and answers."""
    app = FastAPI()

    @app.post("/v1/submissions")
    async def post(request: Request) -> Response:
        await request.body()
        return JSONResponse({"status": "accepted"}, 202)

    return app


def usual() -> FastAPI:
    """A task per request; nothing is durable before the broker says so, and then only as much as the broker is."""
    app = FastAPI()
    celery = Celery("usual", broker=os.environ["BENCH_BROKER"])
    celery.conf.update(task_ignore_result=True, broker_transport_options={"global_keyprefix": "usual:"})

    @app.post("/v1/submissions", status_code=202)
    async def post(lead: Lead) -> dict[str, str]:
        celery.send_task("store", args=[lead.model_dump()], queue="usual")
        return {"status": "accepted"}

    return app


if __name__ == "__main__":
    made = {"noop": noop, "usual": usual}[sys.argv[1]]()
    uvicorn.run(made, port=int(sys.argv[2]), log_config=None, access_log=False, server_header=False)
