"""What the same schema-valid values again and again would keep from being tested, and a record of every answer."""

import os
from itertools import count

import schemathesis

numbers = count(1)
answered = open(os.environ["VIGIE_ANSWERED"], "a", encoding="utf-8")


@schemathesis.hook
def before_call(context, case, kwargs):
    number = next(numbers)
    # An address of its own, through a proxy the server trusts: rates by address stay out of the way.
    case.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    # A key that was used for another request is refused before anything else is looked at.
    if case.headers.get("Idempotency-Key"):
        case.headers["Idempotency-Key"] = f"schemathesis-{number}"


@schemathesis.hook
def after_call(context, case, response):
    answered.write(f"{response.status_code} {case.operation.label}\n")
    answered.flush()
