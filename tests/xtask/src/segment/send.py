"""Sends calls with Segment's client; prints what it complained about, as JSON."""

import json
import sys

import segment.analytics

host, key, form, calls = sys.argv[1:]
complaints = []
client = segment.analytics.Client(
    key,
    host=host,
    gzip=form == "gzip",
    max_retries=2,
    on_error=lambda error, items: complaints.append(f"{len(items)}: {error}"),
)
for call in json.loads(calls):
    getattr(client, call.pop("method"))(**call)
client.flush()
client.join()
print(json.dumps(complaints))
