"""What happens in a run while it is played, as server-sent events: for pages and for programs."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import HttpRequest, StreamingHttpResponse

from mlgolf_site.entries.models import Event, Run
from mlgolf_site.jobs.models import Job, State

POLL_SECONDS = 0.4  # between looks for new events of a run
LONGEST_STREAM = 3600  # seconds; who listens then connects again


def as_told(event: Event) -> dict[str, Any]:
    return {**event.data, "number": event.number, "kind": event.kind}


def events_answer(
    request: HttpRequest, run: Run, kinds: Sequence[str]
) -> StreamingHttpResponse:
    """From the number after Last-Event-ID, or after `after` of the query, until the run ends.

    Args: kinds: of events, that whoever asks may see.
    """
    seen = request.headers.get("Last-Event-ID") or request.GET.get("after") or "0"
    # More digits than the number of any event has would be no number of the database's either.
    after = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else 0
    answer = StreamingHttpResponse(_stream(run.pk, after, kinds), "text/event-stream")
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


async def _stream(run: int, after: int, kinds: Sequence[str]) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n"
    waited = 0.0
    while waited < LONGEST_STREAM:
        # Asked before the events, so that none is missed that came before the end.
        job = await Job.objects.only("state").aget(run_id=run)
        found = [
            event async for event in Event.objects.filter(
                run_id=run, number__gt=after, kind__in=kinds
            ).order_by("number")[:500]
        ]
        for event in found:
            after = event.number
            data = json.dumps(as_told(event))
            yield f"id: {event.number}\nevent: {event.kind}\ndata: {data}\n\n".encode()
        if not found:
            if State(job.state).has_ended:
                yield b"event: end\ndata: {}\n\n"
                return
            yield b": waiting\n\n"
            await sync_to_async(close_old_connections)()  # it is lent to others meanwhile
            await asyncio.sleep(POLL_SECONDS)
            waited += POLL_SECONDS
