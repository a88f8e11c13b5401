"""Views of the project that the suite runs in. `RAN` counts which of them really ran."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views import View

from otp_gate.decorators import otp_exempt, otp_required

RAN: Counter[str] = Counter()


def home(request: HttpRequest) -> HttpResponse:
    RAN["home"] += 1
    return HttpResponse(f"home of {request.user.get_username() or 'nobody'}")


def secret(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    RAN["secret"] += 1
    return HttpResponse(f"secret of {request.user.get_username() or 'nobody'}")


async def asecret(request: HttpRequest) -> HttpResponse:
    RAN["asecret"] += 1
    user = await request.auser()
    return HttpResponse(f"secret of {user.get_username() or 'nobody'}")


class Secret(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return secret(request)

    post = put = delete = patch = get


class AsyncSecret(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return await asecret(request)


def plain(request: HttpRequest) -> HttpResponse:
    """Looks at neither the user nor the session."""
    RAN["plain"] += 1
    return HttpResponse("plain")


@otp_exempt
def open_page(request: HttpRequest) -> HttpResponse:
    RAN["open"] += 1
    return HttpResponse(f"open to {request.user.get_username() or 'nobody'}")


@otp_exempt
async def aopen_page(request: HttpRequest) -> HttpResponse:
    RAN["aopen"] += 1
    user = await request.auser()
    return HttpResponse(f"open to {user.get_username() or 'nobody'}")


@otp_exempt
class OpenClass(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"open to {request.user.get_username() or 'nobody'}")


@otp_exempt(reveal_user=True)
def reveal(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"open to {request.user.get_username() or 'nobody'}")


@otp_exempt
def status(request: HttpRequest) -> JsonResponse:
    state = request.otp_gate
    pending = state.pending_user
    return JsonResponse(
        {
            "status": state.status,
            "pending_user": pending and pending.get_username(),
            "verified_at": state.verified_at and state.verified_at.isoformat(),
            "factor": state.factor,
            "user": request.user.get_username(),
        }
    )


@otp_exempt
async def astatus(request: HttpRequest) -> JsonResponse:
    state = request.otp_gate
    pending = await state.apending_user()
    user = await request.auser()
    return JsonResponse(
        {
            "status": state.status,
            "pending_user": pending and pending.get_username(),
            "verified_at": state.verified_at and state.verified_at.isoformat(),
            "factor": state.factor,
            "user": user.get_username(),
        }
    )


@otp_required(max_age=300)
def step_up(request: HttpRequest) -> HttpResponse:
    RAN["step-up"] += 1
    return HttpResponse("stepped up")


@otp_required(max_age=300)
async def astep_up(request: HttpRequest) -> HttpResponse:
    RAN["astep-up"] += 1
    return HttpResponse("stepped up")


@otp_required(max_age=300)
class StepUpClass(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("stepped up")


@otp_required(max_age=4)
def pay(request: HttpRequest) -> HttpResponse:
    RAN[f"pay {request.method}"] += 1
    return HttpResponse(f"{request.method} {request.POST.get('amount', 'nothing')}")


@otp_required
def any_age(request: HttpRequest) -> HttpResponse:
    return HttpResponse("verified once")


@otp_exempt
def magic_link(request: HttpRequest, username: str) -> HttpResponse:
    """A login by another road than LoginView."""
    user = get_user_model().objects.get(username=username)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponseRedirect("/")
