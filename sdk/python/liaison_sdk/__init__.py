"""Write a connector for Liaison in Python: a manifest and a few methods.

A connector is a WebAssembly component that reads from, writes to, or sends through one
vendor. The hub owns the loop, the schedule, the retries, the credentials and the decisions
about data; a connector translates. `sdk/README.md` grows one step by step, and holds the
connector specification. This package is the contract of `sdk/liaison-sdk/wit` in Python:
the same words as the Rust SDK, and the same rules.

- **The connector classifies.** An HTTP status is not an outcome: answer with one outcome
  per item, and raise a `Fault` whose code says what the hub should do next.
- **Values are exact.** JSON numbers are `int` and `decimal.Decimal`, never `float`.
- **No state.** What reading needs to go on belongs into the cursor.
- **A broken row is a row** (`Row.invalid`): it goes to quarantine, the page goes on.
- **A complete snapshot deletes.** Say `Page.complete` only when every row was shown since
  the cursor was empty.
- **What is pushed is a hint** (`Inbound`) wherever the vendor can also be asked: name the
  rows, and the hub looks them up.
- **No clock, no randomness, no files, no sockets** but `clock`, `random`, `http`, and the
  modules `files`, `mail` and `crypto`. A component asks its host for those of the three that
  the connector imports, so they are imported by name: `from liaison_sdk import files`. An
  exception that is no `Fault` ends the call as a `bug`.

`python -m liaison_sdk build` makes the component; `liaison_sdk.testing` is a host that
follows a script, so that tests need neither component nor network.
"""

from . import exact, hash, http, paginate, phone, time
from .audience import (
    Container,
    ContainerPage,
    ContainerWish,
    Identity,
    Member,
    MemberAccepted,
    MemberChange,
    MemberCounts,
    MemberDone,
    MemberOutcome,
    MemberRejected,
    MemberReport,
    MemberRequest,
    MemberRetry,
    MemberUnknown,
    MemberUnmatched,
    ReplaceSession,
    member_after,
)
from .call import Call
from .connector import Audience, Connector, Destination, Inbound, Lookup, Source
from .fault import Fault, FaultCode
from .find import ByFields, ByKey, Found, LookupKey, LookupRequest, found
from .hints import Hints, Notice, RateHint
from .inbound import Delivery, Ignored, Parsed, Read, Refetch, Reply, Rows, Subscription
from .row import Page, ReadRequest, Row
from .stream import BatchRules, EntityKind, Field, Idempotency, Stream
from .surroundings import clock, log, random
from .write import (
    Accepted,
    Action,
    Aggregate,
    Conflict,
    Consent,
    Created,
    Deleted,
    Done,
    DuplicateOf,
    Failed,
    JobState,
    Outcome,
    Rejected,
    Report,
    Retry,
    Running,
    Stored,
    Unchanged,
    Unknown,
    Updated,
    WriteItem,
    WriteRequest,
    outcome_after,
)

__all__ = [
    "Accepted",
    "Action",
    "Aggregate",
    "Audience",
    "BatchRules",
    "ByFields",
    "ByKey",
    "Call",
    "Conflict",
    "Connector",
    "Consent",
    "Container",
    "ContainerPage",
    "ContainerWish",
    "Created",
    "Deleted",
    "Delivery",
    "Destination",
    "Done",
    "DuplicateOf",
    "EntityKind",
    "Failed",
    "Fault",
    "FaultCode",
    "Field",
    "Found",
    "Hints",
    "Idempotency",
    "Identity",
    "Ignored",
    "Inbound",
    "JobState",
    "Lookup",
    "LookupKey",
    "LookupRequest",
    "Member",
    "MemberAccepted",
    "MemberChange",
    "MemberCounts",
    "MemberDone",
    "MemberOutcome",
    "MemberRejected",
    "MemberReport",
    "MemberRequest",
    "MemberRetry",
    "MemberUnknown",
    "MemberUnmatched",
    "Notice",
    "Outcome",
    "Page",
    "Parsed",
    "RateHint",
    "Read",
    "ReadRequest",
    "Refetch",
    "Rejected",
    "ReplaceSession",
    "Reply",
    "Report",
    "Retry",
    "Row",
    "Rows",
    "Running",
    "Source",
    "Stored",
    "Stream",
    "Subscription",
    "Unchanged",
    "Unknown",
    "Updated",
    "WriteItem",
    "WriteRequest",
    "clock",
    "exact",
    "found",
    "hash",
    "http",
    "log",
    "member_after",
    "outcome_after",
    "paginate",
    "phone",
    "random",
    "time",
]
