"""What gunicorn serves."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carousel.settings")

CAN_NOT_START = 3  # with this exit code of a worker, gunicorn gives up instead of trying for ever
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def measured(application: Application) -> Application:
    """Let bodies come in chunks, without their length: Django reads only as much as it is told of.

    They are read up to the limit for bodies and one byte further, which is refused as too large.
    """

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
            most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 2_621_440
            body = environ["wsgi.input"].read(most + 1)
            environ["wsgi.input"] = BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return application(environ, start_response)

    return serve


try:
    application = measured(get_wsgi_application())
except ImproperlyConfigured as error:
    sys.stderr.write(f"carousel: {error}\n")
    sys.exit(CAN_NOT_START)
