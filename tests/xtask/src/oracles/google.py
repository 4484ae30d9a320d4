"""Google's own formatter: values by field, one JSON object per line, come back as
they are to be sent; null where it refuses."""

import json
import sys

from google.ads.datamanager_util import Encoding, Formatter

FORMATTER = Formatter()
HASHED = ("email_address", "phone_number", "given_name", "family_name", "address_line")


def answer(field, value):
    process = getattr(FORMATTER, "process_" + field)
    try:
        return process(value, Encoding.HEX) if field in HASHED else process(value)
    except ValueError:
        return None


with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        print(json.dumps({f: answer(f, v) for f, v in json.loads(line).items()}))
