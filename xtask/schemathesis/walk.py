"""A walk through the API with real values, where values made up from the document are refused.

Every answer is one of success, and fits the document: what schemathesis checks of the answers it gets, here of these.
"""

import base64
import hmac
import json
import struct
import time
import urllib.error
import urllib.request
from itertools import count

import jsonschema_rs

PASSWORD = "the slow grey heron wades at 6"
LOG = b"2021-03-01 00:00:00 10.0.0.1 GET /owa/ - 443 - 203.0.113.9 Mozilla - 200 0 0 12\n"


class Walker:
    """Somebody who asks, and looks at each answer."""

    def __init__(self, origin, document, answered, headers):
        self.origin, self.document, self.answered, self.headers = origin, document, answered, headers
        self.numbers = count(1)

    def __call__(self, method, template, body=None, headers=(), query="", but=None, **names):
        """The answer's body; `template` is the path as the document names it, `but` a refusal that is no mistake."""
        headers = {
            **self.headers,
            **dict(headers),
            "X-Forwarded-For": f"192.0.2.{next(self.numbers) % 250}",
            "Content-Type": "application/octet-stream" if isinstance(body, bytes) else "application/json",
        }
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        url = f"{self.origin}/api/v1{template.format(**names)}{query}"
        request = urllib.request.Request(url, method=method, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, self.tags = answer.status, answer.headers
                kind = (answer.headers["Content-Type"] or "").split(";")[0]
                said = answer.readline() if kind == "text/event-stream" else answer.read()
        except urllib.error.HTTPError as refused:
            status, said = refused.code, refused.read()
            if status != but:
                raise SystemExit(f"{method} {url}: {status} {said.decode()}") from None
            kind = (refused.headers["Content-Type"] or "").split(";")[0]
        self.check(f"{method} {template}", self.operation(method, template), status, kind, said)
        self.answered.write(f"{status} {method} /api/v1{template}\n")
        return json.loads(said) if kind == "application/json" and said else said

    def operation(self, method, template):
        return self.document["paths"][f"/api/v1{template}"][method.lower()]

    def check(self, what, operation, status, kind, said):
        responses = operation["responses"]
        # Refusals are all of one form, which the document names once.
        name = str(status) if status < 400 else "default"
        if name not in responses:
            raise SystemExit(f"{what}: the document names no answer {name}")
        content = responses[name].get("content", {})
        if content and kind not in content:
            raise SystemExit(f"{what}: the document names {list(content)}, the answer is {kind}")
        schema = content.get(kind, {}).get("schema")
        if schema and kind in ("application/json", "application/problem+json"):
            whole = {**schema, "components": self.document["components"]}
            jsonschema_rs.validator_for(whole).validate(json.loads(said))

    def changed(self, method, template, body=None, read=None, **names):
        """The same with the revision of what is there."""
        self("GET", read or template, **names)
        return self(method, template, body, {"If-Match": self.tags["ETag"]}, **names)

    def until(self, template, done, **names):
        for _ in range(300):
            there = self("GET", template, **names)
            if done(there):
                return there
            time.sleep(0.2)
        raise SystemExit(f"{template}: it does not come to an end: {there}")


def code_of(secret):
    """The six digits of a second factor now (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def in_days(days):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400 * days))


def walk(origin, document, answered, session):
    """Every operation that made-up values do not get through, as an administrator with a session."""
    ask = Walker(origin, document, answered, session)
    tenant = inventory(ask)
    campaign = crisis(ask, tenant)
    hunt(ask, tenant, campaign)
    judge(ask, tenant, campaign)
    people(ask, origin, document, answered, tenant)
    # What was made for the walk is put away.
    for act in ("archive", "restore", "archive"):
        ask.changed("POST", f"/servers/{{id}}/{act}", read="/servers/{id}", id=tenant["server"])
    for act in ("archive", "restore"):
        ask.changed("POST", f"/tenants/{{id}}/{act}", read="/tenants/{id}", id=tenant["id"])


def inventory(ask):
    fields = {"name": "Walked", "contract": "soc", "locale": "en"}
    tenant = ask("POST", "/tenants", fields)["id"]
    ask.changed("PUT", "/tenants/{id}", {**fields, "note": "seen"}, id=tenant)
    server = {"name": "EX77", "product": "exchange"}
    made = ask("POST", "/servers", {"tenant_id": tenant, "fields": server})["id"]
    ask.changed("PUT", "/servers/{id}", {**server, "note": "seen"}, id=made)
    fact = {"kind": "build", "version": "15.1.2176.2", "source": "exsetup"}
    ask("POST", "/servers/{id}/observations", {"fact": fact, "place": "RDP"}, id=made)
    ask("GET", "/servers/{id}/observations", id=made)
    ask("GET", "/servers/{id}/exposure", query="?pack=hafnium-2021", id=made)
    table = b"server;build\nEX77;15.1.2176.9\n"
    ask("POST", "/inventories", table, query=f"?file_name=fleet.csv&tenant={tenant}")
    hold = ask("POST", "/tenants/{id}/holds", {"reason": "asked for by the police"}, id=tenant)
    ask("POST", "/holds/{id}/lift", {"reason": "no longer"}, id=hold["id"])
    return {"id": tenant, "server": made}


def crisis(ask, tenant):
    new = {"title": "Walked", "pack": "hafnium-2021", "pack_version": "0.9.0", "tenants": [tenant["id"]]}
    campaign = ask("POST", "/campaigns", new)["id"]
    ask("DELETE", "/campaigns/{id}/tenants/{tenant}", id=campaign, tenant=tenant["id"])
    ask("POST", "/campaigns/{id}/tenants", {"tenants": [tenant["id"]]}, id=campaign)
    ask("GET", "/campaigns/{id}/tenants", id=campaign)
    version = ask("GET", "/packs/{name}", name="hafnium-2021")["version"]
    revised = {"pack_version": version}
    ask.changed("POST", "/campaigns/{id}/revise", revised, read="/campaigns/{id}", id=campaign)
    ask("POST", "/campaigns/{id}/assess", id=campaign)
    said = {"stage": "verdict", "detail": "suspected", "reason": "a strange file"}
    ask("POST", "/servers/{id}/cells/{campaign}", said, id=tenant["server"], campaign=campaign)
    ask("GET", "/servers/{id}/cells/{campaign}/{stage}", id=tenant["server"], campaign=campaign, stage="verdict")
    ask("GET", "/servers/{id}/cells", id=tenant["server"])
    for part in ("board", "curves", "summary"):
        ask("GET", f"/campaigns/{{id}}/{part}", id=campaign)
    ask("POST", "/journal", {"text": "walked", "tenant_id": tenant["id"], "campaign_id": campaign})
    return campaign


def hunt(ask, tenant, campaign):
    new = {"tenant_id": tenant["id"], "name": "u_ex210301.log", "server_id": tenant["server"]}
    given_up = ask("POST", "/uploads", new)["id"]
    ask("DELETE", "/uploads/{id}", id=given_up)
    upload = ask("POST", "/uploads", new)["id"]
    ask("PATCH", "/uploads/{id}", LOG * 100, {"Upload-Offset": "0"}, id=upload)
    ask("GET", "/uploads/{id}", id=upload)
    evidence = ask("POST", "/uploads/{id}/finish", id=upload)["id"]
    ask.changed("PUT", "/evidence/{id}", {"note": "seen", "server_id": tenant["server"]}, id=evidence)
    for act in ("verify", "custody"):
        ask("POST" if act == "verify" else "GET", f"/evidence/{{id}}/{act}", id=evidence)
    ask("POST", "/evidence/{id}/hold", {"reason": "asked for by the police"}, id=evidence)
    if ask("POST", "/evidence/{id}/export", {"reason": "for the client"}, id=evidence) != LOG * 100:
        raise SystemExit("evidence came back as something else")
    job = stopped_hunt(ask, {"campaign_id": campaign, "evidence": [evidence]})
    ask("POST", "/hunts/{id}/retry", id=job)
    ask.until("/jobs/{id}", lambda job: job["state"] == "done", id=job)
    ask("GET", "/hunts/{id}", id=job)
    ask("GET", "/jobs/{id}/events", id=job)
    ask("GET", "/servers/{id}/hunts", id=tenant["server"])
    ask("POST", "/campaigns/{id}/rehunt", id=campaign)


def stopped_hunt(ask, new):
    """A hunt that was stopped: some are too fast for that, and then another is begun."""
    for _ in range(100):
        job = ask("POST", "/hunts", new)["id"]
        ask("POST", "/hunts/{id}/cancel", but=409, id=job)
        ended = ask.until("/jobs/{id}", lambda job: job["state"] not in ("queued", "running"), id=job)
        if ended["state"] == "cancelled":
            return job
        if ended["state"] != "done":
            raise SystemExit(f"a hunt ended otherwise: {ended}")
        print("a hunt ended before it could be stopped")
    raise SystemExit("no hunt could be stopped")


def judge(ask, tenant, campaign):
    # Of the demo's own: what a real hunt found.
    found = ask("GET", "/findings", query="?state=new&limit=2")["items"]
    finding = found[0]["id"]
    ask("GET", "/findings/{id}", id=finding)
    ask("GET", "/findings/{id}/lines", id=finding)
    until = {"decision": "dismiss", "reason": "our own scanner", "scope": "server", "expires_at": in_days(30)}
    these = [{"id": finding, "revision": found[0]["revision"]}]
    decided = ask("POST", "/findings/decide", {"items": these, "decision": until})
    entry = decided["results"][0]["finding"]["dismissal_id"]
    ask("POST", "/catalogue/{id}/revoke", id=entry)
    alert = {"tenant_id": tenant["id"], "server_id": tenant["server"], "source": "edr", "external_id": "77"}
    alert = ask("POST", "/alerts", {**alert, "title": "A process was stopped", "severity": "high"})["id"]
    ask.changed("POST", "/alerts/{id}/decide", {"state": "acknowledged"}, read="/alerts/{id}", id=alert)

    fields = {"title": "Walked", "severity": "high", "shared": False}
    case = ask("POST", "/cases", {"tenant_id": tenant["id"], "campaign_id": campaign, "fields": fields})["id"]
    ask.changed("PUT", "/cases/{id}", {**fields, "title": "Walked on"}, id=case)
    me = ask("GET", "/session")
    for act, body in [("assign", {"to": me["actor"]["id"]}), ("state", {"state": "in_progress"})]:
        ask.changed("POST", f"/cases/{{id}}/{act}", body, read="/cases/{id}", id=case)
    ask.changed("PUT", "/cases/{id}/servers", {"servers": [tenant["server"]]}, read="/cases/{id}", id=case)
    note = {"kind": "note", "text": "seen", "shared": False}
    item = ask("POST", "/cases/{id}/items", note, id=case)
    revision = {"If-Match": f'"{item["revision"]}"'}
    item = ask("PUT", "/cases/{id}/items/{item}", {**note, "text": "seen twice"}, revision, id=case, item=item["id"])
    revision = {"If-Match": f'"{item["revision"]}"'}
    ask("DELETE", "/cases/{id}/items/{item}", None, revision, id=case, item=item["id"])
    ask("GET", "/cases/{id}/items", id=case)
    for method in ("PUT", "DELETE"):
        ask(method, "/cases/{id}/links/{kind}/{ref_id}", id=case, kind="alert", ref_id=alert)
    ask("GET", "/cases/{id}/links", id=case)
    for act in ("close", "reopen"):
        ask.changed("POST", f"/campaigns/{{id}}/{act}", read="/campaigns/{id}", id=campaign)


def people(ask, origin, document, answered, tenant):
    fields = {"login": "walker", "name": "Walker", "role": "soc_analyst", "locale": "en", "tenants": "all"}
    user = ask("POST", "/users", fields)["id"]
    ask.changed("PUT", "/users/{id}", {**fields, "tenants": {"only": [tenant["id"]]}}, id=user)
    link = ask("POST", "/users/{id}/invite", id=user)
    nobody = Walker(origin, document, answered, {})
    nobody("POST", "/password", {"token": link["token"], "password": PASSWORD})

    def sign_in(browser):
        body = {"user": "walker", "password": PASSWORD}
        who = nobody("POST", "/session", body, {"User-Agent": browser})
        headers = {"Cookie": nobody.tags["Set-Cookie"].split(";")[0], "X-CSRF-Token": who["csrf"]}
        return Walker(origin, document, answered, headers)

    sign_in("left open")
    one = sign_in("in use")
    one("PUT", "/session/preferences", {"locale": "fr", "preferences": {"theme": "dark"}})
    left_open = next(it for it in one("GET", "/sessions") if it["user_agent"] == "left open")
    one("DELETE", "/sessions/{id}", id=left_open["id"])
    one("PUT", "/session/password", {"old": PASSWORD, "new": PASSWORD + "0"})
    secret = one("POST", "/session/totp")["secret"]
    code = code_of(secret)
    one("POST", "/session/totp/confirm", {"code": code})
    # A code opens once.
    while code_of(secret) == code:
        time.sleep(1)
    one("POST", "/session/totp/drop", {"code": code_of(secret)})
    view = {"name": "mine", "query": "severity=high", "shared": False}
    made = one("POST", "/views", {"page": "findings", "fields": view})
    one("GET", "/views", query="?page=findings")
    revision = {"If-Match": f'"{made["revision"]}"'}
    one("PUT", "/views/{id}", {**view, "name": "ours"}, revision, id=made["id"])
    one("DELETE", "/views/{id}", id=made["id"])
    one("DELETE", "/session")
    key = {"name": "walked", "tenants": "all", "verbs": ["read"], "expires_at": in_days(1)}
    key = ask("POST", "/api-keys", key)["key"]["id"]
    ask("DELETE", "/api-keys/{id}", id=key)
    for act in ("identities/drop", "totp/drop"):
        ask("POST", f"/users/{{id}}/{act}", id=user)
    for act in ("disable", "enable"):
        ask.changed("POST", f"/users/{{id}}/{act}", read="/users/{id}", id=user)
