"""SendGrid's own client: calls by path and method, one JSON object per line, come back
with status and body. A `message` is made and sent by its helper; whether a delivery was
`signed` is what its helper for webhooks says."""

import functools
import json
import sys

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.eventwebhook import EventWebhook
from sendgrid.helpers.mail import Mail


def call(question):
    account = SendGridAPIClient(api_key=question["key"], host=question["url"])
    try:
        if "message" in question:
            told = question["message"]
            mail = Mail(from_email=told["from"], to_emails=told["to"])
            mail.template_id = told["template"]
            mail.dynamic_template_data = told["data"]
            found = account.send(mail)
        else:
            place = functools.reduce(lambda at, part: at._(part), question["path"], account.client)
            found = getattr(place, question["method"])(
                request_body=question.get("body"), query_params=question.get("query")
            )
    except HTTPError as error:
        return {"status": error.status_code, "body": error.body.decode()}
    return {"status": found.status_code, "body": found.body.decode()}


def answer(question):
    if "signed" in question:
        told = question["signed"]
        hook = EventWebhook(told["key"])
        return {"holds": hook.verify_signature(told["body"], told["signature"], told["time"])}
    return call(question) if question else {}


with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        print(json.dumps(answer(json.loads(line))))
