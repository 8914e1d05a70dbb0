"""What the same schema-valid values again and again would keep from being tested."""

from itertools import count
from uuid import uuid4

import schemathesis

numbers = count(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    number = next(numbers)
    # An address of its own, through a proxy the server trusts: rates by address stay out of the way.
    case.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    # A link that was followed to what is `null`: no identifier to ask about.
    for name, value in (case.path_parameters or {}).items():
        if value in (None, "None"):
            case.path_parameters[name] = str(uuid4())
    # A key that was used for another request is refused before anything else is looked at.
    if case.headers.get("Idempotency-Key"):
        case.headers["Idempotency-Key"] = f"schemathesis-{number}"
