"""Lets schemathesis ask a real server everything its OpenAPI document allows, and much that it does not.

    python run.py PATH/TO/vigie FOLDER

The server serves the desk of the demo, so that there is something to find. A walk goes where made-up values do not get.
Exit status 1 when anything is wrong: schemathesis finds something, an answer is 5xx, or an operation of the document was
never answered with success.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

# Nothing is written into the checkout.
sys.dont_write_bytecode = True
from walk import walk

PASSWORD = "the quick brown heron wades at 5"
# What ends the access of whoever asks. It is asked by itself, of identifiers that nobody has.
ENDS_ACCESS = ["revoke_key", "disable_user", "change_user"]
# What cannot be answered with success here, and why.
NEVER = {
    name: "it takes an identity provider; the tests of ui/ sign in at one"
    for name in ("oidc_start", "oidc_callback", "oidc_code", "link_identity")
}
# Requests a second that an account may send.
RATE = "95/s"

vigie, place = (Path(name).resolve() for name in sys.argv[1:3])
here = Path(__file__).parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(method, path, body, headers=()):
    request = urllib.request.Request(
        f"{origin}/api/v1{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **dict(headers)},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers, json.loads(answer.read())


def administrator(log):
    """Makes the first administrator by the link that the server printed: a key with all rights, and a session."""
    for _ in range(300):
        link = re.search(r"setup\?token=(\S+)", log.read_text())
        if link:
            break
        time.sleep(0.1)
    else:
        sys.exit(f"the server printed no link:\n{log.read_text()}")
    new = {"token": link.group(1), "login": "alex", "name": "Alex", "password": PASSWORD, "locale": "en"}
    call("POST", "/setup", new)
    with answered.open("a") as record:
        record.write("200 POST /api/v1/setup\n")
    headers, who = call("POST", "/session", {"user": "alex", "password": PASSWORD})
    session = {"Cookie": headers["set-cookie"].split(";")[0], "X-CSRF-Token": who["csrf"]}
    tomorrow = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))
    key = {"name": "schemathesis", "tenants": "all", "verbs": who["verbs"], "expires_at": tomorrow}
    return call("POST", "/api-keys", key, session)[1]["secret"], session


def serve(log, *arguments):
    """A server that said where it is; what it says goes into a log of its own."""
    with log.open("w") as err:
        server = subprocess.Popen([vigie, "--lang", "en", *arguments], stderr=err, stdout=subprocess.DEVNULL)
    for _ in range(3_000):
        if "Vigie is at" in log.read_text():
            return server
        if server.poll() is not None:
            break
        time.sleep(0.1)
    server.kill()
    sys.exit(f"the server did not start:\n{log.read_text()}")


def unanswered(document):
    """Operations that nobody ever got through, and answers that must never be."""
    answers = Counter(answered.read_text().splitlines())
    got_through = {answer[4:] for answer in answers if answer[0] == "2"}
    wrong = [f"answered {number} times with {answer}" for answer, number in answers.items() if answer[0] == "5"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if not isinstance(operation, dict) or "operationId" not in operation:
                continue
            name, label = operation["operationId"], f"{method.upper()} {path}"
            if label in got_through and name in NEVER:
                wrong.append(f"{label} was answered with success: take {name} off the list of those that never are")
            if label not in got_through and name not in NEVER:
                wrong.append(f"{label} ({name}) was never answered with success")
    return wrong


def schemathesis(key, *options):
    command = [Path(sys.executable).parent / "st", "--config-file", "schemathesis.toml", "run"]
    command += [f"{origin}/api/v1/openapi.json", "--rate-limit", RATE, "--generation-deterministic", "--no-color"]
    # One worker: several trip over a mistake of Python 3.11 with deep syntax trees.
    command += ["--workers", "1", "--warnings", "off", *options]
    variables = {**os.environ, "VIGIE_API_KEY": key, "VIGIE_ANSWERED": str(answered)}
    return subprocess.run(command, env=variables, cwd=place).returncode


shutil.rmtree(place, ignore_errors=True)
place.mkdir(parents=True)
# It leaves notes where it runs: not in the checkout.
for name in ("schemathesis.toml", "hooks.py"):
    shutil.copy(here / name, place / name)
answered = place / "answered.txt"
origin = f"http://127.0.0.1:{free_port()}"
logs = filling, log = place / "demo.log", place / "server.log"
listen = origin.removeprefix("http://")
# The demo's own server trusts no proxy: it fills the desk, and makes room for one that does.
server = serve(filling, "demo", "--out", place / "demo", "--serve", listen)
server.terminate()
server.wait(60)
server = serve(log, "serve", "--data", place / "demo/desk", "--listen", listen, "--trusted-proxy", "127.0.0.1")
try:
    key, session = administrator(log)
    document = call("GET", "/openapi.json", None)[1]
    with answered.open("a") as record:
        walk(origin, document, record, session)
    everything = [part for name in ENDS_ACCESS for part in ("--exclude-operation-id", name)]
    wrong = schemathesis(key, "--max-examples", "8", *everything)
    alone = [part for name in ENDS_ACCESS for part in ("--include-operation-id", name)]
    wrong |= schemathesis(key, "--max-examples", "50", "--phases", "coverage,fuzzing", *alone)
    # Refusals are allowed answers: of a key that no longer opens anything, all would be.
    still = call("GET", "/session", None, {"Authorization": f"Bearer {key}"})[1]
    if still["tenants"] != "all":
        sys.exit(f"the key lost its rights on the way: {still}")
    if server.poll() is not None:
        sys.exit(f"the server ended with {server.returncode}: {log}")
finally:
    server.terminate()
    server.wait(60)
failures = [
    f"{log.name}: {line}"
    for log in logs
    for line in log.read_text().splitlines()
    if " ERROR " in line or "panicked" in line
]
for line in failures[:20]:
    print(line)
missing = unanswered(document)
for line in missing:
    print("the document's operations:", line)
for name, why in NEVER.items():
    print(f"never answered with success: {name}: {why}")
sys.exit(1 if wrong or failures or missing else 0)
