"""What was sent with a request as bytes that can be kept, and back. Pure: asks nobody.

A form with files has been read from the socket by the time a view refuses it, so its fields and
files are kept and not its bytes; any other body is kept as it came.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import (
    InMemoryUploadedFile,
    TemporaryUploadedFile,
)
from django.http import HttpRequest, QueryDict, RawPostDataException
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict

from otp_gate.django_internals import put_body, put_form, reread_request

METHODS = ("POST", "PUT", "PATCH", "DELETE")
"""What may carry a body that somebody has typed in."""

HEADERS = ("CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_REFERER", "HTTP_ORIGIN")
"""Headers that belong to the request and not to the browser that sends it: they come back too."""

UNREADABLE = (SuspiciousOperation, MultiPartParserError, RawPostDataException, OSError)
"""A body that is broken, cut off, larger than the site takes, or was read by somebody else."""


KINDS = (InMemoryUploadedFile, TemporaryUploadedFile)
"""What Django makes of an uploaded file; only these can be made again."""


def declared_length(request: HttpRequest) -> int | None:
    """Return how many bytes the body has, as the client says; None if it does not."""
    text = str(request.META.get("CONTENT_LENGTH") or "")
    return int(text) if text.isascii() and text.isdecimal() else None


def pack(request: HttpRequest) -> bytes | None:
    """Return method, query, headers and body; None if the body cannot be read (again)."""
    try:
        if request.method == "POST" and request.content_type == "multipart/form-data":
            uploads = [file for _, listed in request.FILES.lists() for file in listed]
            if any(type(file) not in KINDS for file in uploads):
                # An upload handler of the project's own made it, and nobody else can again.
                return None
            fields: Any = list(request.POST.lists())
            files = list(_files_of(request))
            if not fields and not files:
                # Nobody sends such a form: a broken one, that somebody has met, counts as empty.
                return None
            content = b"".join(file.pop("content") for file in files)
        else:
            fields = files = None
            content = request.body
    except UNREADABLE:
        return None
    head = {
        "method": request.method,
        "query": request.META.get("QUERY_STRING", ""),
        "headers": {name: request.META[name] for name in HEADERS if name in request.META},
        "encoding": request.encoding,
        "fields": fields,
        "files": files,
    }
    # Half a surrogate pair is what Django makes of some broken forms, and must come back as it was.
    text = json.dumps(head, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return b"%d:%b%b" % (len(text), text, content)


def _files_of(request: HttpRequest) -> Iterator[dict[str, Any]]:
    for name, listed in request.FILES.lists():
        for file in listed:
            file.seek(0)
            yield {
                "field": name,
                "name": file.name,
                "type": file.content_type,
                "charset": file.charset,
                "extra": {
                    key: value.decode("latin-1") if isinstance(value, bytes) else value
                    for key, value in (file.content_type_extra or {}).items()
                },
                "size": file.size,
                "content": file.read(),
            }


def restore(request: HttpRequest, packed: bytes) -> None:
    """Make the request what it was when it was packed."""
    length, _, rest = packed.partition(b":")
    head = json.loads(rest[: int(length)].decode("utf-8", "surrogatepass"))
    content = rest[int(length) :]
    request.method = request.META["REQUEST_METHOD"] = head["method"]
    for name in HEADERS:
        request.META.pop(name, None)
    request.META.update(head["headers"], QUERY_STRING=head["query"])
    reread_request(request, head["encoding"])
    if hasattr(request, "scope"):
        query = head["query"].encode("latin-1")
        request.scope = {**request.scope, "method": head["method"], "query_string": query}
    if head["fields"] is None:
        put_body(request, content)
        return
    fields = QueryDict(mutable=True, encoding=request.encoding)
    for name, values in head["fields"]:
        fields.setlist(name, values)
    files: MultiValueDict[str, Any] = MultiValueDict()
    for file in head["files"]:
        files.appendlist(file["field"], _file(file, content[: file["size"]]))
        content = content[file["size"] :]
    # As after any form with files: the bytes are gone, who asks for `body` is told so.
    put_form(request, fields, files)


def _file(told: dict[str, Any], content: bytes) -> Any:
    """Return an uploaded file of the kind that Django makes for this size."""
    name, kind, size, charset = told["name"], told["type"], told["size"], told["charset"]
    if size <= settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
        return InMemoryUploadedFile(
            BytesIO(content), told["field"], name, kind, size, charset, told["extra"]
        )
    file = TemporaryUploadedFile(name, kind, size, charset, told["extra"])
    file.write(content)
    file.seek(0)
    return file
