# Takes mail in with aiosmtpd, reads it with Python's own parser, and ends as soon
# as standard input ends. What a recipient's name says becomes of the message:
# unknown@ and full@ are refused, gone@ is taken in and bounces into the Maildir.
import email.policy
import json
import mailbox
import os
import sys
from email.message import EmailMessage, Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

folder, port, user, password = sys.argv[1:]
caught = os.path.join(folder, "caught")
os.makedirs(caught, exist_ok=True)
maildir = mailbox.Maildir(os.path.join(folder, "maildir"), create=True)


def bounce(recipient, content):
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"], report["Subject"] = "MAILER-DAEMON@mx.example", "Undelivered mail"
    report.attach(MIMEText("The mailbox is not here any more.\n"))
    status = Message()
    status["Reporting-MTA"] = "dns; mx.example"
    fields = Message()
    fields["Final-Recipient"] = "rfc822; " + recipient
    fields["Action"], fields["Status"] = "failed", "5.1.6"
    fields["Diagnostic-Code"] = "smtp; 550 5.1.6 mailbox has moved"
    part = Message()
    part["Content-Type"] = "message/delivery-status"
    part.set_payload([status, fields])
    report.attach(part)
    sent = Message()
    sent["Content-Type"] = "message/rfc822"
    sent.set_payload([email.message_from_bytes(content)])
    report.attach(sent)
    maildir.add(report)


def understood(content):
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    texts = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
    return {
        "headers": {name: str(value) for name, value in message.items()},
        "defects": [str(defect) for part in message.walk() for defect in part.defects],
        **{kind: part and part.get_content() for kind, part in texts.items()},
    }


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "unknown":
            return f"550 5.1.1 <{address}> no such mailbox"
        if name == "full":
            return "452 4.2.2 the mailbox is full"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        told = {"sender": envelope.mail_from, "recipients": envelope.rcpt_tos}
        told.update(understood(envelope.content))
        path = os.path.join(caught, f"{len(os.listdir(caught)):06}.json")
        with open(path, "w") as file:
            json.dump(told, file)
        for recipient in envelope.rcpt_tos:
            if recipient.startswith("gone@"):
                bounce(recipient, envelope.content)
        return "250 2.0.0 taken in"


def knows(server, session, envelope, mechanism, login):
    good = login.login == user.encode() and login.password == password.encode()
    # Nothing was answered yet.
    return AuthResult(success=good, handled=False)


Controller(
    Handler(),
    hostname="127.0.0.1",
    port=int(port),
    authenticator=knows,
    auth_required=True,
    auth_require_tls=False,
    data_size_limit=20_000,
).start()
print("ready", flush=True)
sys.stdin.buffer.read()
os._exit(0)
