"""The interface `audience`."""

from __future__ import annotations

from typing import Any

from .. import audience, exact
from ..connector import Audience
from ..write import Consent
from .values import answer, call_of, fault_of, hints_of


def exported(connector: Audience) -> type:
    from wit_world.exports import audience as api

    def container(it: audience.Container) -> Any:
        return api.Container(it.key, it.title, it.kind, it.size, it.ready_after_seconds)

    def containers(call: Any, cursor: bytes | None) -> Any:
        page = connector.containers(call_of(call), cursor)
        return api.ContainerPage([container(it) for it in page.items], page.next)

    def ensure(call: Any, wish: Any) -> Any:
        settings = exact.parse(wish.settings or "{}")
        wished = audience.ContainerWish(wish.title, wish.key, wish.kind, settings)
        return container(connector.ensure_container(call_of(call), wished))

    def member(it: Any) -> audience.Member:
        adds = it.change == api.Membership.ADD
        return audience.Member(
            audience.MemberChange.ADD if adds else audience.MemberChange.REMOVE,
            [audience.Identity(own.namespace, own.value) for own in it.identities],
            it.key,
            [Consent(own.purpose, own.granted, own.since, own.source) for own in it.consents],
            it.ttl_seconds,
            it.idempotency_key,
        )

    def outcome(it: audience.MemberOutcome) -> Any:
        match it:
            case audience.MemberDone():
                return api.MemberOutcome_Done()
            case audience.MemberAccepted():
                return api.MemberOutcome_Accepted(it.job)
            case audience.MemberUnmatched():
                return api.MemberOutcome_Unmatched()
            case audience.MemberRetry():
                return api.MemberOutcome_Retry(it.after_seconds)
            case audience.MemberRejected():
                return api.MemberOutcome_Rejected(fault_of(it.fault))
            case audience.MemberUnknown():
                return api.MemberOutcome_Unknown()

    def write(call: Any, container: str, members: Any, session: Any) -> Any:
        if session is not None:
            session = audience.ReplaceSession(
                session.id, session.sequence, session.last, session.total
            )
        asked = audience.MemberRequest(container, [member(it) for it in members], session)
        report = connector.write_members(call_of(call), asked)
        told = report.verdict
        if isinstance(told, audience.MemberCounts):
            counts = api.MemberCounts(told.received, told.invalid, told.matched)
            return api.MemberReport(api.MemberVerdict_Aggregate(counts), hints_of(report.hints))
        outcomes = [outcome(it) for it in told]
        return api.MemberReport(api.MemberVerdict_Items(outcomes), hints_of(report.hints))

    class Audience:
        def containers(self, call: Any, cursor: Any) -> Any:
            return answer(lambda: containers(call, cursor))

        def ensure_container(self, call: Any, wish: Any) -> Any:
            return answer(lambda: ensure(call, wish))

        def delete_container(self, call: Any, key: str) -> None:
            answer(lambda: connector.delete_container(call_of(call), key))

        def write_members(self, call: Any, container: str, members: Any, session: Any) -> Any:
            return answer(lambda: write(call, container, members, session))

    return Audience
