"""Meta's own normaliser: values by field, one JSON object per line, come back
normalised and hashed; null where it refuses."""

import json
import sys

from facebook_business.adobjects.serverside.normalize import Normalize


def answer(field, value):
    try:
        return Normalize.normalize_field(field, value)
    except (TypeError, ValueError):
        return None


with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        print(json.dumps({f: answer(f, v) for f, v in json.loads(line).items()}))
