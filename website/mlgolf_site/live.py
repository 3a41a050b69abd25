"""What happens in a run while it is played, as server-sent events: for pages and for programs."""

import asyncio
import json
import threading
import weakref
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse

from mlgolf_site.answers import too_many
from mlgolf_site.config import Limits
from mlgolf_site.entries.models import Event, Run
from mlgolf_site.jobs.models import Job, State

POLL_SECONDS = 0.4  # between looks for new events of a run
LONGEST_STREAM = 3600  # seconds; who listens then connects again
ASK_AGAIN = 15  # seconds, where no more streams are open at a time


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Listener:
    """Somebody who holds a stream open: it is kept by the stream alone, and ends with it."""

    who: str


class Listeners:
    """All of this process. A stream that is dropped before it began leaves nothing here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: weakref.WeakSet[Listener] = weakref.WeakSet()

    def __len__(self) -> int:
        return len(self._now)

    def why_not(self, listener: Listener, limits: Limits) -> str:
        """In a sentence why somebody may not listen now; else they do, and it is empty."""
        with self._lock:
            own = sum(other.who == listener.who for other in self._now)
            if own >= limits.live_streams:
                return (
                    f"You have {own} live logs open, which is the limit, for strangers of one "
                    "address together. Close one: the page of an entry shows the same whenever it "
                    "is loaded."
                )
            if len(self._now) >= limits.live_streams_in_all:
                return (
                    f"{len(self._now)} live logs are open, which is as many as this site sends at "
                    "a time. The page of an entry shows the same whenever it is loaded."
                )
            self._now.add(listener)
        return ""

    def leave(self, listener: Listener) -> None:
        with self._lock:
            self._now.discard(listener)


LISTENERS = Listeners()


def as_told(event: Event) -> dict[str, Any]:
    return {**event.data, "number": event.number, "kind": event.kind}


def events_answer(
    request: HttpRequest, run: Run, kinds: Sequence[str]
) -> HttpResponseBase:
    """From the number after Last-Event-ID, or after `after` of the query, until the run ends.

    Args: kinds: of events, that whoever asks may see.
    Returns: an error in words where too many streams are open.
    """
    listener = Listener(_who(request))
    if why := LISTENERS.why_not(listener, settings.SITE.config.limits):
        return too_many(request, why, ASK_AGAIN)
    seen = request.headers.get("Last-Event-ID") or request.GET.get("after") or "0"
    # More digits than the number of any event has would be no number of the database's either.
    after = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else 0
    answer = StreamingHttpResponse(_stream(listener, run.pk, after, kinds), "text/event-stream")
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def _who(request: HttpRequest) -> str:
    if request.user.is_authenticated:
        return f"person {request.user.pk}"
    return f"address {request.META.get('REMOTE_ADDR', '')}"


async def _stream(
    listener: Listener, run: int, after: int, kinds: Sequence[str]
) -> AsyncIterator[bytes]:
    try:
        async for part in _told(run, after, kinds):
            yield part
    finally:
        LISTENERS.leave(listener)


async def _told(run: int, after: int, kinds: Sequence[str]) -> AsyncIterator[bytes]:
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
