"""What the same schema-valid values again and again would keep from being tested, and a record of every answer."""

import os
from itertools import count

import schemathesis

numbers = count(1)
answered = open(os.environ["VIGIE_ANSWERED"], "a", encoding="utf-8")
# Identifiers of what is there, by the list they came from.
there = {}


@schemathesis.hook
def before_call(context, case, kwargs):
    number = next(numbers)
    # An address of its own, through a proxy the server trusts: rates by address stay out of the way.
    case.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    # A key that was used for another request is refused before anything else is looked at.
    if case.headers.get("Idempotency-Key"):
        case.headers["Idempotency-Key"] = f"schemathesis-{number}"
    # Every second time something is read that is there: of identifiers that are made up nothing is ever found.
    known = there.get(case.path.split("/{id}")[0])
    if case.method == "GET" and "/{id}" in case.path and known and number % 2 and is_positive(case):
        case.path_parameters["id"] = known[number % len(known)]


@schemathesis.hook
def after_call(context, case, response):
    answered.write(f"{response.status_code} {case.operation.label}\n")
    answered.flush()
    if case.method == "GET" and response.status_code == 200 and "{" not in case.path:
        try:
            items = response.json()["items"]
        except (ValueError, KeyError, TypeError):
            return
        found = [item["id"] for item in items if "id" in item]
        there.setdefault(case.path, [])[:] = found or there.get(case.path, [])


def is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive
