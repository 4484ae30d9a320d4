"""HubSpot's own client: calls by the names of its methods, one JSON object per line, come
back as its models read the answers, or with the status of a refusal. What is to be
`signed` comes back with the signature of its webhooks."""

import functools
import json
import sys

from hubspot import HubSpot
from hubspot.utils.signature import Signature


def call(question):
    client = HubSpot(access_token=question["token"], host=question["url"])
    method = functools.reduce(getattr, question["call"].split("."), client)
    given = question["arguments"]
    try:
        found = method(**given) if isinstance(given, dict) else method(*given)
    except Exception as error:  # Every part of the client has a class of its own for it.
        if not hasattr(error, "status"):
            raise
        return {"status": error.status}
    told = found.to_dict() if found is not None else None
    return {"model": type(found).__name__, "read": told}


def answer(question):
    if "signed" in question:
        return {"signature": Signature.get_signature(signature_version="v3", **question["signed"])}
    return call(question) if question else {}


with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        print(json.dumps(answer(json.loads(line)), default=str))
