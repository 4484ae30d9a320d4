"""The interface `destination`."""

from __future__ import annotations

from typing import Any

from wit_world.imports import types as wit

from .. import exact, write
from ..connector import Destination
from ..fault import Fault
from .values import answer, call_of, fault_of, hints_of


def exported(connector: Destination) -> type:
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
                return api.Outcome_Retry(api.Retry(it.after_seconds, fault_of(it.fault)))
            case write.Rejected():
                return api.Outcome_Rejected(fault_of(it.fault))
            case write.Unknown():
                return api.Outcome_Unknown()

    def report(report: write.Report) -> Any:
        if isinstance(report.verdict, write.Aggregate):
            counts = api.Aggregate(report.verdict.received, report.verdict.invalid)
            return api.Report(api.Verdict_Aggregate(counts), hints_of(report.hints))
        outcomes = [outcome(it) for it in report.verdict]
        return api.Report(api.Verdict_Items(outcomes), hints_of(report.hints))

    def write_batch(call: Any, request: Any) -> Any:
        if request.items.format != wit.BatchFormat.NDJSON:
            raise Fault.not_supported("items as MessagePack")
        text = request.items.data.decode("utf-8")
        items = [write.WriteItem.of_line(line) for line in text.split("\n") if line]
        asked = write.WriteRequest(request.stream, items, request.dry_run)
        return report(connector.write(call_of(call), asked))

    def poll_job(call: Any, job: str) -> Any:
        match connector.poll_job(call_of(call), job):
            case write.Running(seconds):
                return api.JobState_Running(seconds)
            case write.Done(done):
                return api.JobState_Done(report(done))
            case write.Failed(fault):
                return api.JobState_Failed(fault_of(fault))

    class Destination:
        def write(self, call: Any, request: Any) -> Any:
            return answer(lambda: write_batch(call, request))

        def poll_job(self, call: Any, job: str) -> Any:
            return answer(lambda: poll_job(call, job))

    return Destination
