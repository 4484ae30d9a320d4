"""The connector as the exports of a component. Imported only while one is made: the
contract's bindings (`wit_world`) are generated then, from the WIT text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from componentize_py_types import Err
from wit_world.imports import clock as wit_clock
from wit_world.imports import http as wit_http
from wit_world.imports import log as wit_log
from wit_world.imports import random as wit_random
from wit_world.imports import types as wit

from . import exact, host, write
from .call import Call
from .connector import Connector, Destination, Lookup, Source
from .fault import Fault, FaultCode
from .find import ByFields, ByKey, LookupRequest
from .hints import Hints
from .row import ReadRequest, Row, lines
from .stream import Stream


class _Imports:
    """The host as the contract's imports."""

    def send(self, request: host.Sent) -> host.Answered:
        headers = [wit_http.Header(name, value) for name, value in request.headers]
        asked = wit_http.Request(
            request.method, request.url, headers, request.body, request.credential
        )
        try:
            answer = wit_http.send(asked)
        except Err as error:
            raise _no_response(error.value) from None
        received = tuple((it.name, it.value) for it in answer.headers)
        return host.Answered(answer.status, received, answer.body)

    def log(self, level: str, message: str) -> None:
        wit_log.write(wit_log.Level[level.upper()], message)

    def now(self) -> int:
        return wit_clock.now()

    def random(self, count: int) -> bytes:
        return wit_random.bytes(count)


def _no_response(error: Any) -> Fault:
    name = type(error).__name__.removeprefix("Error_")
    code = {
        "Denied": FaultCode.HOST_DENIED,
        "Timeout": FaultCode.TIMEOUT,
        "Connect": FaultCode.UNREACHABLE,
        "TooLarge": FaultCode.LIMIT,
        "BudgetExhausted": FaultCode.LIMIT,
        "Invalid": FaultCode.BUG,
        "Credential": FaultCode.AUTH,
        # It may have had an effect, just as after a timeout.
        "Broken": FaultCode.TIMEOUT,
    }.get(name, FaultCode.NOT_SUPPORTED)
    fault = Fault(code)
    if name == "TooLarge":
        return fault.given("bytes-max", error.value)
    if name == "BudgetExhausted":
        return fault.given("why", "requests per call")
    return fault.given("why", error.value) if hasattr(error, "value") else fault


def exports(connector: Connector) -> dict[str, type]:
    """The classes that a component exports, by the names that are looked for."""
    made: dict[str, type] = {"Connection": _connection(connector)}
    if isinstance(connector, Source):
        made["Source"] = _source(connector)
    if isinstance(connector, Lookup):
        made["Lookup"] = _lookup(connector)
    if isinstance(connector, Destination):
        made["Destination"] = _destination(connector)
    return made


T = TypeVar("T")


def _answer(work: Callable[[], T]) -> T:
    """Runs a call: a fault is the contract's, and any other exception a bug that names its
    place and kind, without its words, which may quote a customer's value."""
    host.become(_Imports())
    try:
        return work()
    except Fault as fault:
        raise Err(_fault(fault)) from None
    except Exception as error:
        fault = Fault.bug(type(error).__name__)
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            fault.at(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}")
            trace = trace.tb_next
        raise Err(_fault(fault)) from None


def _connection(connector: Connector) -> type:
    from wit_world.exports import connection as api

    class Connection:
        def check(self, call: Any) -> None:
            _answer(lambda: connector.check(_call(call)))

        def discover(self, call: Any) -> Any:
            return _answer(lambda: [_stream(api, it) for it in connector.discover(_call(call))])

    return Connection


def _source(connector: Source) -> type:
    from wit_world.exports import source as api

    def read(call: Any, request: Any) -> Any:
        asked = ReadRequest(request.stream, request.cursor, request.fields, request.rows_wanted)
        page = connector.read(_call(call), asked)
        batch = wit.Batch(wit.BatchFormat.NDJSON, len(page.rows), lines(page.rows))
        return api.Page(
            batch,
            page.next,
            page.more,
            page.snapshot_complete,
            page.watermark,
            page.poll_after_seconds,
            _hints(page.hints),
        )

    class Source:
        def read(self, call: Any, request: Any) -> Any:
            return _answer(lambda: read(call, request))

    return Source


def _lookup(connector: Lookup) -> type:
    from wit_world.exports import lookup as api

    def key(key: Any) -> ByKey | ByFields:
        by_key = isinstance(key, api.LookupKey_Key)
        return ByKey(key.value) if by_key else ByFields(exact.parse(key.value))

    def found(found: Any) -> Any:
        if found is None:
            return api.Found_None_()
        if isinstance(found, Row):
            return api.Found_One(found.to_line())
        return api.Found_Several(list(found))

    def lookup(call: Any, request: Any) -> Any:
        asked = LookupRequest(request.stream, [key(it) for it in request.keys], request.fields)
        return [found(it) for it in connector.lookup(_call(call), asked)]

    class Lookup:
        def lookup(self, call: Any, request: Any) -> Any:
            return _answer(lambda: lookup(call, request))

    return Lookup


def _destination(connector: Destination) -> type:
    from wit_world.exports import destination as api

    def stored(stored: write.Stored) -> Any:
        row = None if stored.row is None else exact.write(stored.row)
        return api.Stored(stored.key, row, stored.version)

    def outcome(it: write.Outcome) -> Any:
        match it:
            case write.Created():
                return api.Outcome_Created(stored(it.stored))
            case write.Updated():
                return api.Outcome_Updated(stored(it.stored))
            case write.Unchanged():
                return api.Outcome_Unchanged()
            case write.Deleted():
                return api.Outcome_Deleted()
            case write.Accepted():
                return api.Outcome_Accepted(it.job)
            case write.DuplicateOf():
                return api.Outcome_DuplicateOf(it.key)
            case write.Conflict():
                return api.Outcome_Conflict()
            case write.Retry():
                return api.Outcome_Retry(api.Retry(it.after_seconds, _fault(it.fault)))
            case write.Rejected():
                return api.Outcome_Rejected(_fault(it.fault))
            case write.Unknown():
                return api.Outcome_Unknown()

    def report(report: write.Report) -> Any:
        if isinstance(report.verdict, write.Aggregate):
            counts = api.Aggregate(report.verdict.received, report.verdict.invalid)
            return api.Report(api.Verdict_Aggregate(counts), _hints(report.hints))
        outcomes = [outcome(it) for it in report.verdict]
        return api.Report(api.Verdict_Items(outcomes), _hints(report.hints))

    def write_batch(call: Any, request: Any) -> Any:
        if request.items.format != wit.BatchFormat.NDJSON:
            raise Fault.not_supported("items as MessagePack")
        text = request.items.data.decode("utf-8")
        items = [write.WriteItem.of_line(line) for line in text.split("\n") if line]
        asked = write.WriteRequest(request.stream, items, request.dry_run)
        return report(connector.write(_call(call), asked))

    def poll_job(call: Any, job: str) -> Any:
        match connector.poll_job(_call(call), job):
            case write.Running(seconds):
                return api.JobState_Running(seconds)
            case write.Done(done):
                return api.JobState_Done(report(done))
            case write.Failed(fault):
                return api.JobState_Failed(_fault(fault))

    class Destination:
        def write(self, call: Any, request: Any) -> Any:
            return _answer(lambda: write_batch(call, request))

        def poll_job(self, call: Any, job: str) -> Any:
            return _answer(lambda: poll_job(call, job))

    return Destination


def _call(call: Any) -> Call:
    return Call(call.settings, call.environment == wit.Environment.SANDBOX, call.purpose)


def _fault(fault: Fault) -> Any:
    name = "".join(word.capitalize() for word in fault.code.value.split("-"))
    kind = getattr(wit, f"FaultCode_{name}")
    timed = fault.code in (FaultCode.RATE_LIMITED, FaultCode.QUOTA_EXHAUSTED)
    code = kind(fault.after_seconds) if timed else kind()
    return wit.Fault(code, fault.place, fault.args_named)


def _hints(hints: Hints) -> Any:
    rates = [
        wit.RateHint(it.scope, it.remaining, it.limit, it.reset_after_seconds, it.cost)
        for it in hints.rates
    ]
    return wit.Hints(rates, [wit.Notice(it.topic, list(it.args)) for it in hints.notices])


def _stream(api: Any, stream: Stream) -> Any:
    rules = stream.batches
    fields = [
        api.FieldInfo(
            it.name,
            it.title,
            it.read_only,
            it.create_only,
            it.required,
            it.matchable,
            it.unique,
            it.pii,
            it.hash_profile,
            it.has_choices,
        )
        for it in stream.fields
    ]
    return api.StreamInfo(
        stream.name,
        stream.title,
        api.EntityKind[stream.kind.name],
        stream.readable,
        stream.writable,
        list(stream.primary_key),
        stream.cursor_field,
        stream.complete_snapshots,
        stream.conditional_writes,
        api.Idempotency[stream.idempotency.name],
        stream.dry_run,
        api.BatchRules(
            rules.items_max,
            rules.items_min,
            rules.bytes_max,
            rules.item_bytes_max,
            list(rules.group_by),
            rules.unique_keys,
            rules.ordered,
            rules.atomic,
        ),
        list(stream.purposes),
        stream.origin_field,
        stream.schema(),
        fields,
    )
