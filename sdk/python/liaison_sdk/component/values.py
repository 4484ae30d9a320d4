"""Values that more than one interface speaks about, and what a call comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from componentize_py_types import Err
from wit_world.imports import types as wit

from .. import host
from ..call import Call
from ..fault import Fault, FaultCode
from ..hints import Hints
from ..row import Row, lines
from .imports import Imports

T = TypeVar("T")


def answer(work: Callable[[], T]) -> T:
    """Runs a call: a fault is the contract's, and any other exception a bug that names its
    place and kind, without its words, which may quote a customer's value."""
    host.become(Imports())
    try:
        return work()
    except Fault as fault:
        raise Err(fault_of(fault)) from None
    except Exception as error:
        fault = Fault.bug(type(error).__name__)
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            fault.at(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}")
            trace = trace.tb_next
        raise Err(fault_of(fault)) from None


def call_of(call: Any) -> Call:
    return Call(call.settings, call.environment == wit.Environment.SANDBOX, call.purpose)


def fault_of(fault: Fault) -> Any:
    name = "".join(word.capitalize() for word in fault.code.value.split("-"))
    kind = getattr(wit, f"FaultCode_{name}")
    timed = fault.code in (FaultCode.RATE_LIMITED, FaultCode.QUOTA_EXHAUSTED)
    code = kind(fault.after_seconds) if timed else kind()
    return wit.Fault(code, fault.place, fault.args_named)


def hints_of(hints: Hints) -> Any:
    rates = [
        wit.RateHint(it.scope, it.remaining, it.limit, it.reset_after_seconds, it.cost)
        for it in hints.rates
    ]
    return wit.Hints(rates, [wit.Notice(it.topic, list(it.args)) for it in hints.notices])


def batch_of(rows: Sequence[Row]) -> Any:
    return wit.Batch(wit.BatchFormat.NDJSON, len(rows), lines(rows))
