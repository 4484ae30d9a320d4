"""The connector as the exports of a component. Imported only while one is made: the
contract's bindings (`wit_world`) are generated then, from the WIT text."""

from __future__ import annotations

from typing import Any

from .. import exact
from ..connector import Audience, Connector, Destination, Inbound, Lookup, Source
from ..find import ByFields, ByKey, LookupRequest
from ..row import ReadRequest, Row
from ..stream import Stream
from . import audience, destination, inbound
from .values import answer, batch_of, call_of, hints_of


def exports(connector: Connector) -> dict[str, type]:
    """The classes that a component exports, by the names that are looked for."""
    made: dict[str, type] = {"Connection": _connection(connector)}
    if isinstance(connector, Source):
        made["Source"] = _source(connector)
    if isinstance(connector, Lookup):
        made["Lookup"] = _lookup(connector)
    if isinstance(connector, Destination):
        made["Destination"] = destination.exported(connector)
    if isinstance(connector, Audience):
        made["Audience"] = audience.exported(connector)
    if isinstance(connector, Inbound):
        made["Inbound"] = inbound.exported(connector)
    return made


def _connection(connector: Connector) -> type:
    from wit_world.exports import connection as api

    class Connection:
        def check(self, call: Any) -> None:
            answer(lambda: connector.check(call_of(call)))

        def discover(self, call: Any) -> Any:
            return answer(lambda: [_stream(api, it) for it in connector.discover(call_of(call))])

    return Connection


def _source(connector: Source) -> type:
    from wit_world.exports import source as api

    def read(call: Any, request: Any) -> Any:
        asked = ReadRequest(request.stream, request.cursor, request.fields, request.rows_wanted)
        page = connector.read(call_of(call), asked)
        return api.Page(
            batch_of(page.rows),
            page.next,
            page.more,
            page.snapshot_complete,
            page.watermark,
            page.poll_after_seconds,
            hints_of(page.hints),
        )

    class Source:
        def read(self, call: Any, request: Any) -> Any:
            return answer(lambda: read(call, request))

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
        return [found(it) for it in connector.lookup(call_of(call), asked)]

    class Lookup:
        def lookup(self, call: Any, request: Any) -> Any:
            return answer(lambda: lookup(call, request))

    return Lookup


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
