"""Sends, lists and suppresses at a twin of Mailgun with Mailgun's own client; ends with an error where a reply is wrong."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from mailgun.client import Client
from mailgun.security import SecurityGuard

url, key, domain = sys.argv[1:]
client = Client(auth=("api", key), api_url=url)


def check(what, is_right, seen):
    if not is_right:
        sys.exit(f"✖ {what}: {seen}")
    print(f"✔ {what}")


def reply(response, status=200):
    check(f"{response.request.method} {response.request.path_url.split('?')[0]}", response.status_code == status, response.text)
    return response.json()


posted = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        posted.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
own_url = f"http://127.0.0.1:{server.server_port}/webhooks"
hooks = client.domains_webhooks
before = reply(hooks.get(domain=domain))["webhooks"].get("delivered", {}).get("urls", [])


def urls_of(urls):
    return [("url", each) for each in urls]


try:
    if before:
        reply(hooks.delete(domain=domain, webhook_name="delivered"))
    reply(hooks.create(domain=domain, data={"id": "delivered", "url": [own_url]}))
    reply(hooks.put(domain=domain, webhook_name="delivered", data=urls_of([own_url, *before])))
    named = reply(hooks.get(domain=domain, webhook_name="delivered"))
    check("webhook has both URLs", named["webhook"]["urls"] == [own_url, *before], named)

    started = time.time()
    sent = []
    for name in ("ada", "bob", "eve"):
        mail = {"from": f"shop@{domain}", "to": f"{name}@example.org", "subject": "Your order", "text": "Hello"}
        sent.append(reply(client.messages.create(domain=domain, data={**mail, "o:tag": [f"py-{name}"], "v:order": "R-7"}))["id"])
    check("message ids differ and have angle brackets", len(set(sent)) == 3 and all(i.startswith("<") for i in sent), sent)

    deadline = time.time() + 20
    while time.time() < deadline and len(posted) < 3:
        time.sleep(0.1)
    check("webhook got three events", len(posted) == 3, posted)
    signing_key = client._session.get(f"{url}/v5/accounts/http_signing_key", auth=("api", key)).json()["http_signing_key"]
    signed = [SecurityGuard.verify_webhook(signing_key, **post["signature"]) for post in posted]
    check("client verifies the signatures", signed == [True] * 3, signed)
finally:
    if before:
        reply(hooks.put(domain=domain, webhook_name="delivered", data=urls_of(before)))
    else:
        reply(hooks.delete(domain=domain, webhook_name="delivered"))

listed = reply(client.events.get(domain=domain, filters={"message-id": sent[0][1:-1], "ascending": "yes", "begin": started - 60}))
check("events of one message", [i["event"] for i in listed["items"]] == ["accepted", "delivered"], listed["items"])
check("events have the user variables", listed["items"][1]["user-variables"] == {"order": "R-7"}, listed["items"][1])
tagged = reply(client.events.get(domain=domain, filters={"tags": "py-bob", "event": "delivered", "ascending": "yes", "begin": started - 60}))
check("events by tag", [i["recipient"] for i in tagged["items"]] == ["bob@example.org"], tagged["items"])

query = {
    "start": time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(started - 60)),
    "events": ["delivered"],
    "filter": {"AND": [{"attribute": "tag", "comparator": "=", "values": [{"label": "py-eve", "value": "py-eve"}]}]},
    "include_totals": True,
    "pagination": {"sort": "timestamp:asc", "limit": 50},
}
logs = reply(client.analytics_logs.create(data=json.dumps(query), headers={"Content-Type": "application/json"}))
check("logs by tag, with their total", logs["pagination"]["total"] >= 1 and logs["items"][-1]["recipient"] == "eve@example.org", logs)

for kind, fields in (("bounces", {"code": "550"}), ("unsubscribes", {"tag": "news"}), ("complaints", {})):
    entries, named_by = getattr(client, kind), f"{kind[:-1]}_address"
    address = "ada+news@example.org"
    reply(entries.create(domain=domain, data={"address": address, **fields}))
    found = reply(entries.get(domain=domain, **{named_by: address}))
    check(f"{kind}: the entry", found["address"] == address, found)
    walked = [item["address"] for item in entries.stream(domain=domain, filters={"limit": 1})]
    check(f"{kind}: page by page", walked.count(address) == 1, walked)
    reply(entries.delete(domain=domain, **{named_by: address}))
    reply(entries.get(domain=domain, **{named_by: address}), 404)
server.shutdown()
