"""The interface `inbound`."""

from __future__ import annotations

from typing import Any

from .. import inbound
from ..connector import Inbound
from .values import answer, batch_of, call_of


def exported(connector: Inbound) -> type:
    from wit_world.exports import inbound as api

    def delivery(it: Any) -> inbound.Delivery:
        headers = [(name, value) for name, value in it.headers]
        return inbound.Delivery(it.method, it.target, headers, it.body, it.received)

    def meaning(it: inbound.Parsed) -> Any:
        match it:
            case inbound.Rows():
                return api.Parsed_Rows((it.stream, batch_of(it.rows)))
            case inbound.Refetch():
                return api.Parsed_Refetch((it.stream, list(it.keys)))
            case inbound.Read():
                return api.Parsed_Read(it.stream)
            case inbound.Ignored():
                return api.Parsed_Ignored()

    def handshake(call: Any, it: Any) -> Any:
        reply = connector.handshake(call_of(call), delivery(it))
        if reply is None:
            return None
        return api.Reply(reply.status, [("content-type", reply.content_type)], reply.body)

    def parse(call: Any, it: Any) -> Any:
        return [meaning(it) for it in connector.parse(call_of(call), delivery(it))]

    def subscription(it: inbound.Subscription) -> Any:
        return api.Subscription(it.id, it.renew_within_seconds)

    class Inbound:
        def handshake(self, call: Any, delivery: Any) -> Any:
            return answer(lambda: handshake(call, delivery))

        def parse(self, call: Any, delivery: Any) -> Any:
            return answer(lambda: parse(call, delivery))

        def register(self, call: Any, address: str, streams: Any) -> Any:
            return answer(lambda: subscription(connector.register(call_of(call), address, streams)))

        def renew(self, call: Any, id: str) -> Any:
            return answer(lambda: subscription(connector.renew(call_of(call), id)))

        def unregister(self, call: Any, id: str) -> None:
            answer(lambda: connector.unregister(call_of(call), id))

    return Inbound
