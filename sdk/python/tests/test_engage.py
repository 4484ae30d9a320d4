"""Audiences, deliveries, files, mail and keys, against a script."""

from collections.abc import Sequence

import pytest

from liaison_sdk import (
    Action,
    Audience,
    Call,
    Container,
    ContainerPage,
    ContainerWish,
    Delivery,
    EntityKind,
    Fault,
    FaultCode,
    Field,
    Identity,
    Ignored,
    Inbound,
    Member,
    MemberChange,
    MemberDone,
    MemberRejected,
    MemberReport,
    MemberRequest,
    MemberRetry,
    MemberUnknown,
    Parsed,
    Refetch,
    Rejected,
    Reply,
    Retry,
    Row,
    Rows,
    Stream,
    Unknown,
    WriteItem,
    WriteRequest,
    crypto,
    files,
    http,
    mail,
    member_after,
    outcome_after,
)
from liaison_sdk.connector import interfaces
from liaison_sdk.hash import Kind, Profile, Unfit
from liaison_sdk.testing import Exchange, Script, parse

CALL = Call()


class Ads(Audience):
    def discover(self, call: Call) -> list[Stream]:
        profile = Profile.META.annotation(Kind.EMAIL)
        email = Field.text("email", pii="email", hash_profile=profile)
        return [Stream.members("members", 2, [email])]

    def containers(self, call: Call, cursor: bytes | None) -> ContainerPage:
        if cursor is None:
            return ContainerPage([Container("12", "Customers"), Container("9", "Leads")], b"2")
        return ContainerPage([Container("7", "Customers")])

    def ensure_container(self, call: Call, wish: ContainerWish) -> Container:
        found = wish.find(lambda cursor: self.containers(call, cursor))
        return found or Container("13", wish.title)

    def delete_container(self, call: Call, key: str) -> None:
        raise Fault.not_supported("deleting audiences")

    def write_members(self, call: Call, request: MemberRequest) -> MemberReport:
        request.expect_at_most(2)
        emails = [it.identity("email") or "" for it in request.members]
        hashed = [Profile.META.prepare(Kind.EMAIL, email) for email in emails]
        url = f"https://ads.example/audiences/{request.container}"
        http.post(url).json({"add": hashed}).send().expect_success()
        return MemberReport([MemberDone()] * len(hashed))


def member(email: str) -> Member:
    return Member(MemberChange.ADD, [Identity("email", email)])


def test_members_are_hashed_and_written() -> None:
    ads = Ads()
    assert interfaces(ads) == ["audience"]
    stream = ads.discover(CALL)[0]
    assert stream.kind is EntityKind.MEMBERSHIP and stream.batches.group_by == ["container"]
    sent = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
    with Script(Exchange("POST", "https://ads.example/audiences/7").json({"add": [sent]})):
        request = MemberRequest("7", [member("John_Smith@gmail.com")])
        assert ads.write_members(CALL, request).verdict == [MemberDone()]
    with pytest.raises(Unfit) as caught:
        ads.write_members(CALL, MemberRequest("7", [member("nobody")]))
    assert caught.value.code is FaultCode.REJECTED and "nobody" not in str(caught.value)
    with pytest.raises(Fault, match="items-max=2 items=3"):
        ads.write_members(CALL, MemberRequest("7", [member("a@x.fr")] * 3))
    with pytest.raises(Fault, match="items-max=1 items=2"):
        WriteRequest("contacts", [WriteItem(Action.DELETE)] * 2).expect_at_most(1)


def test_a_container_is_found_by_its_title() -> None:
    ads = Ads()
    for title, key in [("Customers", "7"), ("Leads", "9"), ("New", "13")]:
        assert ads.ensure_container(CALL, ContainerWish(title)).key == key
    with pytest.raises(Fault, match="config"):
        ads.ensure_container(CALL, ContainerWish(" "))
    with pytest.raises(Fault, match="schema-drift"):
        ContainerWish("x").find(lambda _: ContainerPage([], b"again"))


def test_a_fault_amid_a_batch_says_what_becomes_of_the_rest() -> None:
    refused, limited = Fault(FaultCode.REJECTED), Fault(FaultCode.RATE_LIMITED, after_seconds=9)
    assert outcome_after(Fault(FaultCode.TIMEOUT)) == Unknown()
    assert outcome_after(refused) == Rejected(refused)
    assert outcome_after(limited) == Retry(9, limited)
    assert member_after(Fault(FaultCode.BUG)) == MemberUnknown()
    assert member_after(refused) == MemberRejected(refused)
    assert member_after(limited) == MemberRetry(9)


class Crm(Inbound):
    def discover(self, call: Call) -> list[Stream]:
        return [Stream(name="contacts", fields=[], readable=True)]

    def parse(self, call: Call, delivery: Delivery) -> Sequence[Parsed]:
        if delivery.path() == "/events":
            return [Rows("contacts", [Row.upsert(it["id"], it)]) for it in delivery.json()]
        if delivery.header("X-Topic") == "ping":
            return [Ignored()]
        stream = "deals" if delivery.path() == "/deals" else "contacts"
        return [Refetch(stream, [str(hook["contact"]) for hook in delivery.json()])]

    def handshake(self, call: Call, delivery: Delivery) -> Reply | None:
        return Reply.text(delivery.body.decode())


def test_a_delivery_is_understood() -> None:
    crm = Crm()
    assert interfaces(crm) == ["inbound"]
    hook = Delivery.post("/?v=1", [{"contact": 7}])
    assert parse(crm, CALL, hook) == [Refetch("contacts", ["7"])]
    row = {"id": "7", "name": None}
    assert parse(crm, CALL, Delivery.post("/events", [row])) == [
        Rows("contacts", [Row.upsert("7", row)])
    ]
    assert parse(crm, CALL, hook.with_header("x-topic", "ping")) == [Ignored()]
    assert crm.handshake(CALL, Delivery("POST", "/", body=b"c")) == Reply(200, "text/plain", b"c")
    with pytest.raises(Fault, match="rejected at body expected=JSON"):
        parse(crm, CALL, Delivery("POST", "/", body=b"<secret>"))
    with pytest.raises(AssertionError, match="no stream 'deals'"):
        parse(crm, CALL, Delivery.post("/deals", [{"contact": 7}]))
    with pytest.raises(AssertionError, match="empty or too long"):
        parse(crm, CALL, Delivery.post("/", [{"contact": "x" * 513}]))
    with pytest.raises(Fault, match="not-supported"):
        crm.register(CALL, "https://hub.example/in", ["contacts"])


def test_files_are_replaced_under_their_version() -> None:
    with Script(folders={"in": {"a.csv": b"abc"}, "out": {}}) as script:
        stat = files.stat("in", "a.csv")
        assert (stat.size, files.read("in", "a.csv", 1, 10).data) == (3, b"bc")
        files.write("in", "a.csv", b"new", stat.version)
        for folder, name, code in [
            ("in", "a.csv", FaultCode.CONFLICT),
            ("out", "../b", FaultCode.HOST_DENIED),
            ("other", "b", FaultCode.HOST_DENIED),
        ]:
            with pytest.raises(Fault) as caught:
                files.write(folder, name, b"", stat.version)
            assert (caught.value.code, caught.value.place) == (code, f"{folder}/{name}")
        files.write("out", "b.csv", b"")
        assert [it.name for it in files.list("out")] == ["b.csv"]
        with pytest.raises(Fault, match="not-found"):
            files.read("out", "c.csv", 0, 1)
    assert script.folders["in"] == {"a.csv": b"new"}


def test_mail_is_handed_over_or_refused() -> None:
    server = mail.Server("smtp.x.test:587", mail.Security.TLS, "login")
    message = mail.Message("a@x.test", ["b@x.test"], [("From", "a@x.test")], b"Hello\r\n")
    seen: list[mail.Message] = []

    def mailbox(_: mail.Server, message: mail.Message) -> list[mail.Delivery]:
        seen.append(message)
        return [mail.Accepted("250 ok") for _ in message.recipients]

    with Script(mail=mailbox):
        assert mail.send(server, message) == [mail.Accepted("250 ok")]
        mail.check(server)
    assert [it.recipients for it in seen] == [["b@x.test"], []]
    with pytest.raises(Fault, match="host-denied at smtp.x.test:587"), Script():
        mail.send(server, message)


def test_a_key_signs_and_is_never_seen() -> None:
    with Script(keys={"key": b"Jefe"}):
        made = crypto.hmac("key", crypto.Mac.HMAC_SHA256, b"what do ya want for nothing?")
        with pytest.raises(Fault, match="auth at other"):
            crypto.hmac("other", crypto.Mac.HMAC_SHA256, b"")
    # RFC 4231, test case 2.
    assert made.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
