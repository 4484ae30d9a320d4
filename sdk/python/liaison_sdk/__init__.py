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
- **No clock, no randomness, no files, no sockets** but `clock`, `random` and `http`. An
  exception that is no `Fault` ends the call as a `bug`.

`python -m liaison_sdk build` makes the component; `liaison_sdk.testing` is a host that
follows a script, so that tests need neither component nor network.
"""

from . import exact, http, paginate, time
from .call import Call
from .connector import Connector, Destination, Lookup, Source
from .fault import Fault, FaultCode
from .find import ByFields, ByKey, Found, LookupKey, LookupRequest, found
from .hints import Hints, Notice, RateHint
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
)

__all__ = [
    "Accepted",
    "Action",
    "Aggregate",
    "BatchRules",
    "ByFields",
    "ByKey",
    "Call",
    "Conflict",
    "Connector",
    "Consent",
    "Created",
    "Deleted",
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
    "JobState",
    "Lookup",
    "LookupKey",
    "LookupRequest",
    "Notice",
    "Outcome",
    "Page",
    "RateHint",
    "ReadRequest",
    "Rejected",
    "Report",
    "Retry",
    "Row",
    "Running",
    "Source",
    "Stored",
    "Stream",
    "Unchanged",
    "Unknown",
    "Updated",
    "WriteItem",
    "WriteRequest",
    "clock",
    "exact",
    "found",
    "http",
    "log",
    "paginate",
    "random",
    "time",
]
