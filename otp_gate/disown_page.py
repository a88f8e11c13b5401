"""What a person reads who follows the "this wasn't me" link of a mail."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from otp_gate import forms
from otp_gate.addresses import page_url, settings_url
from otp_gate.letters import read_token


def show_disown_stage(
    request: HttpRequest, stage: str, token: object, status: int = 200
) -> HttpResponse:
    """Return the page of the "this wasn't me" link."""
    context = {
        "stage": stage,
        "disown_url": page_url("disown"),
        "token": token,
        "login_url": settings_url("LOGIN_URL"),
        "out_of_date": status == 403,
    }
    if stage == "invalid" and status == 200:
        status = 400
    return render(request, "otp_gate/disown.html", context, status=status)


def ask_to_disown(request: HttpRequest, status: int) -> HttpResponse:
    """Ask anew, with a fresh CSRF token, for what the link of a mail is there."""
    token = forms.read(request).token
    named = read_token(token)
    return show_disown_stage(request, "ask" if named else "invalid", token if named else "", status)
