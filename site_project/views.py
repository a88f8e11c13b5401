"""Pages of every kind. Only the last two say anything about one-time passwords."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from otp_gate.decorators import otp_exempt, otp_required


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show the main page."""
    return render(request, "home.html")


@login_required
def staff(request: HttpRequest) -> HttpResponse:
    """Show a page that a login alone is not enough for."""
    if not request.user.is_staff:
        return render(request, "403.html", status=403)
    return render(request, "staff.html")


def me(request: HttpRequest) -> JsonResponse:
    """Tell a script whom it is logged in as."""
    if not request.user.is_authenticated:
        return JsonResponse({"detail": "Not logged in."}, status=401)
    return JsonResponse({"user": request.user.get_username()})


@otp_exempt
def about(request: HttpRequest) -> HttpResponse:
    """Show a page that is open to everybody, also between password and code."""
    return render(request, "about.html")


@otp_required(max_age=60)
def step_up(request: HttpRequest) -> HttpResponse:
    """Show a form that wants a code typed within the last minute, and what was sent with it."""
    sent = {"note": request.POST.get("note"), "file": request.FILES.get("file")}
    return render(request, "step_up.html", sent)
