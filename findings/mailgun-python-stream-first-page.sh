#!/usr/bin/env bash
# Expected: `client.events.stream()`, which follows the pages by itself, yields every event of the range once.
# Seen: it yields the first page twice and nothing else. It takes over only the parameters of `paging.next`, while the
# Events API names the page in the path; so it requests the first page again, gets the same `next`, and ends. The async
# client does likewise. Lists that name the page in a parameter, such as bounces, are walked whole.
# Matters: a poller or a reconciliation sees one page of events (at most 300), counts it twice and misses the rest
# without an error; a test with few events passes. Request `paging.next` as it stands until a page is empty.
# Version: mailgun 1.10.0 (PyPI).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check mailgun==1.10.0
cat >find.py <<'PY'
import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

from mailgun.client import AsyncClient, Client

DOMAIN = "mg.example.com"
PAGES = {"first": ["a", "b"], "second": ["c", "d"], "third": ["e"], "last": []}
NEXT = {"first": "second", "second": "third", "third": "last", "last": "last"}


class Api(BaseHTTPRequestHandler):
    """Names the page in the path for events, and in a parameter for bounces."""

    def do_GET(self):
        path, query = urlsplit(self.path)[2:4]
        _, _, _, kind, *rest = path.split("/")
        if kind == "events":
            page = rest[0] if rest else "first"
            following = f"{url}/v3/{DOMAIN}/events/{NEXT[page]}"
        else:
            page = parse_qs(query).get("page", ["first"])[0]
            following = f"{url}/v3/{DOMAIN}/bounces?page={NEXT[page]}&limit=2"
        body = json.dumps({"items": [{"id": each} for each in PAGES[page]], "paging": {"next": following}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Api)
url = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
account = {"auth": ("api", "key"), "api_url": url}
query = {"domain": DOMAIN, "filters": {"limit": 2}}
client = Client(**account)


async def stream_async():
    async with AsyncClient(**account) as async_client:
        return [each["id"] async for each in async_client.events.stream(**query)]


seen = {
    "bounces.stream()": [each["id"] for each in client.bounces.stream(**query)],
    "events.stream()": [each["id"] for each in client.events.stream(**query)],
    "events.stream() of the async client": asyncio.run(stream_async()),
}
server.shutdown()
print("mailgun 1.10.0, pages of the API:", *PAGES.values())
for call, ids in seen.items():
    print(f"{call}: {ids}")
whole, first_twice = ["a", "b", "c", "d", "e"], ["a", "b", "a", "b"]
if list(seen.values()) != [whole, first_twice, first_twice]:
    print("The client walks pages otherwise than before.")
    sys.exit(1)
PY
python/bin/python find.py
