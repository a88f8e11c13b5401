"""Views with a form, which want no code of their own."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tests import urls, views


def note(request: HttpRequest) -> HttpResponse:
    """Tell who sent what."""
    views.RAN[f"note {request.method}"] += 1
    told = f"{request.user.get_username()}: {request.POST.get('title', 'nothing')}"
    return HttpResponse(f"{told}, {[file.read() for file in request.FILES.getlist('scan')]}")


async def anote(request: HttpRequest) -> HttpResponse:
    """See `note`."""
    await request.auser()
    return await sync_to_async(note)(request)


urlpatterns = [
    path("note/", note, name="note"),
    path("anote/", anote, name="anote"),
    path("exempt-note/", csrf_exempt(note), name="exempt-note"),
    *urls.urlpatterns,
]
