"""The demo site with pages that ask by htmx, by Turbo and by fetch, each with its real script."""

from __future__ import annotations

import re
from pathlib import Path

from django.contrib.auth import get_user_model, login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.urls import include, path
from django.views.static import serve

from otp_gate.decorators import otp_exempt, otp_required

HERE = Path(__file__).parent
DOCS = HERE.parent.parent / "docs" / "integrations"
MODULES = HERE / "node_modules"
SCRIPTS = {
    "htmx.js": MODULES / "htmx.org" / "dist" / "htmx.min.js",
    "htmx4.js": MODULES / "htmx4" / "dist" / "htmx.min.js",
    "unpoly.js": MODULES / "unpoly" / "unpoly.min.js",
    "ajax.js": MODULES / "@imacrayon" / "alpine-ajax" / "dist" / "cdn.min.js",
    "alpine.js": MODULES / "@alpinejs" / "csp" / "dist" / "cdn.min.js",
    "turbo.js": MODULES / "@hotwired" / "turbo" / "dist" / "turbo.es2017-umd.js",
}


PAY = """
<form method="post" action="/turbo/pay/">
  <input type="hidden" name="csrfmiddlewaretoken" value="TOKEN">
  <input type="hidden" name="amount" value="seven"><button>Pay</button>
</form>
"""


def block(page: str, language: str) -> str:
    """Return what a page of the docs says, as it says it."""
    text = (DOCS / f"{page}.md").read_text("utf-8")
    [found] = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return str(found).replace("{{ csrf_token }}", "TOKEN")


HTMX, TURBO, FETCH_SCRIPT = block("htmx", "html"), block("turbo", "html"), block("graphql", "js")
UNPOLY, ALPINE = block("unpoly", "html"), block("alpine-ajax", "html")
FETCH_USE = """
document.getElementById("load").addEventListener("click", async () => {
  const response = await load("/fetch/part/");
  document.getElementById("place").textContent = (await response.json()).part;
});
"""
FETCH = """
<button id="load">Load</button>
<p id="place">Nothing yet</p>
"""
PAGES = {
    "htmx": (
        "htmx.js",
        '<meta name="htmx-config" content=\'{"includeIndicatorStyles": false}\'>',
        HTMX,
    ),
    "htmx4": (
        "htmx4.js",
        '<meta name="htmx-config" content=\'{"includeIndicatorCSS": false}\'>',
        HTMX.replace("/htmx/", "/htmx4/"),
    ),
    "unpoly": ("unpoly.js", "", UNPOLY),
    "alpine": ("alpine.js", '<script src="/js/ajax.js" defer></script>', ALPINE),
    "turbo": ("turbo.js", '<meta name="csrf-token" content="TOKEN">', TURBO + PAY),
    "fetch": ("fetch.js", "", FETCH),
}


def page(request: HttpRequest, head: str, body: str) -> HttpResponse:
    text = f"""<!DOCTYPE html>
<html lang="en"><head><title>A page</title>{head}</head>
<body><h1>The page of {request.user.get_username()}</h1>{body}</body></html>"""
    return HttpResponse(text.replace("TOKEN", get_token(request)))


@login_required
def start(request: HttpRequest, kind: str) -> HttpResponse:
    name, head, body = PAGES[kind]
    return page(request, f'{head}<script src="/js/{name}" defer></script>', body)


def part(request: HttpRequest, kind: str) -> HttpResponse:
    if kind == "fetch":
        return JsonResponse({"part": f"of {request.user.get_username()}"})
    text = f"{request.method} part of {request.user.get_username()}"
    if kind in ("unpoly", "alpine"):
        return HttpResponse(f'<p id="place">{text}</p>')
    return HttpResponse(text)


def other(request: HttpRequest) -> HttpResponse:
    return page(request, '<script src="/js/turbo.js" defer></script>', "<p>The other page</p>")


def save(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/turbo/other/?page=saved")


@otp_required(max_age=300)
def pay(request: HttpRequest) -> HttpResponse:
    return page(request, "", f"<p>{request.method} {request.POST['amount']} was paid</p>")


def frame(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return HttpResponseRedirect("/turbo/frame/")
    return HttpResponse('<turbo-frame id="frame"><p>What is in the frame</p></turbo-frame>')


@otp_exempt
def in_again(request: HttpRequest) -> HttpResponse:
    """The same person gives the password again."""
    user = get_user_model().objects.get(username="alice")
    login(request, user, "django.contrib.auth.backends.ModelBackend")
    return HttpResponse("in again")


@otp_exempt
def script(request: HttpRequest, name: str) -> HttpResponse:
    """A script is shown to everybody, as STATIC_URL would."""
    if name == "fetch.js":
        return HttpResponse(FETCH_SCRIPT + FETCH_USE, content_type="text/javascript")
    found = SCRIPTS[name]
    return serve(request, found.name, str(found.parent))


urlpatterns = [
    path("js/<str:name>", script),
    path("in-again/", in_again),
    path("turbo/other/", other),
    path("turbo/save/", save),
    path("turbo/pay/", pay),
    path("turbo/frame/", frame),
    path("<str:kind>/part/", part),
    path("<str:kind>/page/", start, name="page"),
    path("", include("site_project.urls")),
]
