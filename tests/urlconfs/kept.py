"""Views that want a fresh code, of every kind, which tell what they were sent."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, RawPostDataException
from django.urls import path, re_path
from django.views import View
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST
from rest_framework.authentication import SessionAuthentication
from rest_framework.response import Response
from rest_framework.views import APIView

from otp_gate.decorators import otp_required
from tests import urls, views

fresh = otp_required(max_age=60)


def tell(request: HttpRequest, **kwargs: Any) -> JsonResponse:
    """Answer with everything that a view may look at."""
    views.RAN[f"kept {request.method}"] += 1
    fields = {name: values for name, values in request.POST.lists() if "csrf" not in name}
    files = [
        [name, file.name, file.content_type, file.size, type(file).__name__, digest(file.read())]
        for name, listed in request.FILES.lists()
        for file in listed
    ]
    try:
        body = digest(request.body)
    except RawPostDataException:
        body = "read"
    return JsonResponse(
        {
            "method": request.method,
            "path": request.get_full_path(),
            "query": dict(request.GET.lists()),
            "fields": fields,
            "files": files,
            "body": body,
            "type": request.content_type,
            "length": request.META.get("CONTENT_LENGTH"),
            "referer": request.headers.get("Referer"),
            "user": request.user.get_username(),
        }
    )


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@fresh
def function(request: HttpRequest) -> HttpResponse:
    return tell(request)


@fresh
async def afunction(request: HttpRequest) -> HttpResponse:
    return tell(request)


@fresh
class Class(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return tell(request)

    post = put = get


@fresh
class AsyncClass(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return tell(request)

    post = get


class Api(APIView):
    """Exempt from Django's check, as all such views are, and with a check of its own."""

    authentication_classes = (SessionAuthentication,)

    def post(self, request: Any) -> Response:
        views.RAN["api"] += 1
        return Response({})


exempt = csrf_exempt(fresh(tell))


@fresh
def gone(request: HttpRequest) -> HttpResponse:
    views.RAN["gone"] += 1
    raise Http404


def verdict(request: HttpRequest) -> Any:
    """Answers as the header of the page says; tells what it was asked about."""
    views.RAN[f"veto {request.method} {request.POST.get('amount')}"] += 1
    return VERDICTS[request.GET["verdict"]]()


async def averdict(request: HttpRequest) -> Any:
    return verdict(request)


VERDICTS: dict[str, Any] = {
    "yes": lambda: True,
    "nothing": lambda: None,
    "no": lambda: False,
    "zero": lambda: 0,
    "empty": lambda: "",
    "one": lambda: 1,
    "answer": lambda: HttpResponse("closed", status=503),
}


async def atell(request: HttpRequest) -> HttpResponse:
    return tell(request)


VETOES = {
    f"{kind}-{way}": otp_required(max_age=60, resume=ask)(view)
    for kind, view in (("sync", tell), ("async", atell))
    for way, ask in (("sync", verdict), ("async", averdict))
}

urlpatterns = [
    *[path(f"kept/veto/{name}/", view) for name, view in VETOES.items()],
    path("kept/function/", function),
    path("kept/afunction/", afunction),
    path("kept/class/", Class.as_view()),
    path("kept/aclass/", AsyncClass.as_view()),
    path("kept/post-only/", require_POST(fresh(tell))),
    path("kept/post-only-inside/", fresh(require_POST(tell))),
    path("kept/exempt/", exempt),
    path("kept/gone/", gone),
    # As a pattern that catches everything would: a path that looks like another host.
    re_path(r"^/evil\.example/$", fresh(tell)),
    path("kept/protected/", fresh(csrf_protect(tell))),
    path("kept/checked-inside/", csrf_exempt(fresh(csrf_protect(tell)))),
    path("kept/api/", fresh(Api.as_view())),
    path("kept/small/", otp_required(max_age=60, max_body=1000)(tell)),
    path("kept/nothing/", otp_required(max_age=60, max_body=0)(tell)),
    *urls.urlpatterns,
]
