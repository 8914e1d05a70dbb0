"""Lets schemathesis ask a real server everything its OpenAPI document allows, and much that it does not.

    python run.py PATH/TO/vigie FOLDER

The server serves the desk of the demo, so that there is something to find. Exit status 1 when anything is wrong.
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
from pathlib import Path

PASSWORD = "the quick brown heron wades at 5"
# What ends the access of whoever asks. It is asked by itself, of identifiers that nobody has.
ENDS_ACCESS = ["revoke_key", "disable_user", "change_user"]
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


def api_key(log):
    """Makes the first administrator by the link that the server printed, and a key with all rights."""
    for _ in range(300):
        link = re.search(r"setup\?token=(\S+)", log.read_text())
        if link:
            break
        time.sleep(0.1)
    else:
        sys.exit(f"the server printed no link:\n{log.read_text()}")
    new = {"token": link.group(1), "login": "alex", "name": "Alex", "password": PASSWORD, "locale": "en"}
    call("POST", "/setup", new)
    headers, who = call("POST", "/session", {"user": "alex", "password": PASSWORD})
    session = {"Cookie": headers["set-cookie"].split(";")[0], "X-CSRF-Token": who["csrf"]}
    tomorrow = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))
    key = {"name": "schemathesis", "tenants": "all", "verbs": who["verbs"], "expires_at": tomorrow}
    return call("POST", "/api-keys", key, session)[1]["secret"]


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
subprocess.run([vigie, "--lang", "en", "demo", "--out", place / "demo"], check=True, stdout=subprocess.DEVNULL)
answered = place / "answered.txt"
origin = f"http://127.0.0.1:{free_port()}"
log = place / "server.log"
command = [vigie, "--lang", "en", "serve", "--data", place / "demo/desk"]
command += ["--listen", origin.removeprefix("http://"), "--trusted-proxy", "127.0.0.1"]
with log.open("w") as err:
    server = subprocess.Popen(command, stderr=err)
try:
    key = api_key(log)
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
failures = [line for line in log.read_text().splitlines() if " ERROR " in line or "panicked" in line]
for line in failures[:20]:
    print("the server's log:", line)
sys.exit(1 if wrong or failures else 0)
