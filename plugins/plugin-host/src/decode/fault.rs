//! A guest's fault as the hub's.

use hub_model::{Fault, FaultCode};
use plugin_gateway::Redactor;

use super::cut;
use crate::limits::{FAULT_ARGS_MAX, FAULT_TEXT_BYTES_MAX};
use crate::since_v0_1_0::imported::types as wit;

/// A guest's fault as the hub's: cut, counted and without secrets, because a
/// connector may repeat what a vendor said.
pub fn fault(fault: wit::Fault, redactor: &Redactor) -> Fault {
    let (code, after_seconds) = code(fault.code);
    let clean = |text: &str| cut(&redactor.redact(text), FAULT_TEXT_BYTES_MAX);
    let mut decoded = Fault::new(code).at(clean(&fault.place));
    for (name, value) in fault.args.into_iter().take(FAULT_ARGS_MAX) {
        // The hub's argument names are written with underscores.
        let name = clean(&name).replace('-', "_");
        decoded.args.insert(name, clean(&value));
    }
    match after_seconds {
        Some(seconds) => decoded.with("after_seconds", seconds),
        None => decoded,
    }
}

fn code(code: wit::FaultCode) -> (FaultCode, Option<u32>) {
    use wit::FaultCode as Wit;
    let code = match code {
        Wit::RateLimited(after) => return (FaultCode::RateLimited, after),
        Wit::QuotaExhausted(after) => return (FaultCode::QuotaExhausted, after),
        Wit::Config => FaultCode::Config,
        Wit::Auth => FaultCode::Auth,
        Wit::Permission => FaultCode::Permission,
        Wit::HostDenied => FaultCode::HostDenied,
        Wit::Unreachable => FaultCode::Unreachable,
        Wit::Timeout => FaultCode::Timeout,
        Wit::Transient => FaultCode::Transient,
        Wit::Conflict => FaultCode::Conflict,
        Wit::NotFound => FaultCode::NotFound,
        Wit::CursorExpired => FaultCode::CursorExpired,
        Wit::SchemaDrift => FaultCode::SchemaDrift,
        Wit::Blocked => FaultCode::Blocked,
        Wit::Bug => FaultCode::ConnectorBug,
        Wit::Limit => FaultCode::LimitExceeded,
        Wit::NotSupported => FaultCode::NotSupported,
        Wit::Rejected => FaultCode::Rejected,
        Wit::RowInvalid => FaultCode::RowInvalid,
    };
    (code, None)
}

/// A fault of a write: whatever ran into a limit may have had its effect before,
/// and the port says so with `connector-bug`: the outcome of every item is unknown.
pub fn of_write(fault: Fault) -> Fault {
    if fault.code == FaultCode::LimitExceeded {
        Fault { code: FaultCode::ConnectorBug, ..fault }
    } else {
        fault
    }
}

#[cfg(test)]
mod tests {
    use hub_model::FaultCode;
    use plugin_gateway::Redactor;

    use super::{fault, of_write, wit};
    use crate::limits::{FAULT_ARGS_MAX, FAULT_TEXT_BYTES_MAX};

    #[test]
    fn a_fault_is_cut_and_holds_no_secret() {
        let redactor = Redactor::new();
        redactor.learn("s3cret-token-value");
        let args = (0..100).map(|n| (format!("a-{n}"), "x".repeat(1_000_000)));
        let mut args: Vec<_> = args.collect();
        args.insert(0, ("vendor-message".to_owned(), "bad s3cret-token-value".to_owned()));
        let given = wit::Fault {
            code: wit::FaultCode::RateLimited(Some(7)),
            place: "p".repeat(1_000_000),
            args,
        };
        let decoded = fault(given, &redactor);
        assert_eq!(decoded.code, FaultCode::RateLimited);
        assert_eq!(decoded.args["after_seconds"], "7");
        assert!(!decoded.args["vendor_message"].contains("s3cret"));
        assert!(decoded.args.len() <= FAULT_ARGS_MAX + 1);
        assert!(decoded.args.values().all(|it| it.len() <= FAULT_TEXT_BYTES_MAX));
        assert!(decoded.place.len() <= FAULT_TEXT_BYTES_MAX);
    }

    #[test]
    fn a_limit_during_a_write_leaves_the_outcome_unknown() {
        let limit = hub_model::Fault::new(FaultCode::LimitExceeded);
        assert_eq!(of_write(limit).code, FaultCode::ConnectorBug);
        let config = hub_model::Fault::new(FaultCode::Config);
        assert_eq!(of_write(config).code, FaultCode::Config);
    }
}
