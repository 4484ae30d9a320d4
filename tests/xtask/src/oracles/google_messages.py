"""Google's own messages: bodies and the names of what they should be, one JSON object
per line, come back with why they are not, or null."""

import json
import sys

from google.ads import datamanager_v1
from google.protobuf import json_format


def refused(message, body):
    kind = getattr(datamanager_v1, message).pb()
    try:
        json_format.Parse(json.dumps(body), kind(), ignore_unknown_fields=False)
    except json_format.ParseError as error:
        return str(error)
    return None


with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        question = json.loads(line)
        answer = refused(question["message"], question["body"]) if question else None
        print(json.dumps({"refused": answer}))
