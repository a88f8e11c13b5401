"""A site whose pages fetch: a preview in a frame, an upload, a service worker."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csrf import csrf_exempt

from otp_gate.decorators import otp_exempt
from tests import urls, views

SHELL = """<!doctype html><meta charset="utf-8"><title>Shell</title>
<iframe src="/preview/"></iframe><script src="/shell.js"></script>"""

SCRIPT = """
async function told(response) {
  const type = response.headers.get("Content-Type") || "";
  return [response.status, response.redirected, type.includes("json") ? await response.json() : ""];
}
async function upload(how) {
  const form = new FormData();
  form.append("file", new Blob(["x".repeat(3000000)]), "photo.jpg");
  if (how === "fetch") return told(await fetch("/upload/", { method: "POST", body: form }));
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/upload/");
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    request.onload = () => resolve([request.status, false, JSON.parse(request.responseText)]);
    request.send(form);
  });
}
async function register() {
  try {
    await navigator.serviceWorker.register("/sw.js");
    await navigator.serviceWorker.ready;
    return "registered";
  } catch (error) {
    return error.name;
  }
}
"""

WORKER = """
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => event.respondWith(fetch(event.request)));
self.addEventListener("message", async (event) => {
  const response = await fetch("/secret/");
  const type = response.headers.get("Content-Type");
  event.source.postMessage([response.status, type, await response.text()]);
});
"""


def javascript(text: str) -> HttpResponse:
    return HttpResponse(text, content_type="text/javascript")


@otp_exempt
def shell(request: HttpRequest) -> HttpResponse:
    """A page that is open to everybody, as the frame of an app is."""
    return HttpResponse(SHELL)


@otp_exempt
def shell_script(request: HttpRequest) -> HttpResponse:
    return javascript(SCRIPT)


def worker(request: HttpRequest) -> HttpResponse:
    return javascript(WORKER)


@xframe_options_sameorigin
def preview(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"<p>preview for {request.user.get_username()}")


@csrf_exempt
def upload(request: HttpRequest) -> HttpResponse:
    views.RAN["upload"] += 1
    file = request.FILES["file"]
    return JsonResponse({"name": file.name, "size": file.size})


urlpatterns = [
    path("shell/", shell),
    path("shell.js", shell_script),
    path("sw.js", worker),
    path("preview/", preview),
    path("upload/", upload),
    path("", include(urls)),
]
