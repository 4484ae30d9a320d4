//! How a request stands that was taken in: counts, and errors by reason.

use liaison_sdk::{Fault, FaultCode, Hints, JobState, Report, Verdict};
use serde::Deserialize;
use serde_json::Value;

use crate::api::{Api, Effect};

/// Pause between two questions: Google works for hours.
const AGAIN_SECONDS: u32 = 1_800;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Statuses {
    request_status_per_destination: Vec<Status>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    request_status: String,
    error_info: ErrorInfo,
    audience_members_ingestion_status: Option<Value>,
    audience_members_removal_status: Option<Value>,
    events_ingestion_status: Option<EventsStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EventsStatus {
    record_count: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ErrorInfo {
    error_counts: Vec<ErrorCount>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ErrorCount {
    record_count: String,
    reason: String,
}

impl Status {
    /// Records of the request, as one of the kinds of status tells.
    fn received(&self) -> u32 {
        if let Some(events) = &self.events_ingestion_status {
            return events.record_count.parse().unwrap_or(0);
        }
        let told = self.audience_members_ingestion_status.as_ref();
        let told = told.or(self.audience_members_removal_status.as_ref());
        let kinds = told.and_then(Value::as_object).into_iter().flat_map(|kinds| kinds.values());
        kinds.filter_map(|kind| kind["recordCount"].as_str()?.parse().ok()).max().unwrap_or(0)
    }

    fn invalid(&self) -> u32 {
        let counts = self.error_info.error_counts.iter();
        counts.fold(0_u32, |sum, it| sum.saturating_add(it.record_count.parse().unwrap_or(0)))
    }

    /// The reasons and their counts, for people.
    fn reasons(&self) -> String {
        let counts = self.error_info.error_counts.iter();
        let words: Vec<String> =
            counts.map(|it| format!("{} ({})", it.reason, it.record_count)).collect();
        words.join(", ")
    }
}

/// Asks for the state of a request.
///
/// # Errors
/// `not-found` for one that Google does not know; otherwise the request's.
pub fn ask(api: &Api, job: &str) -> Result<JobState, Fault> {
    let ask = api.request("GET", "requestStatus:retrieve").query("requestId", job);
    let statuses: Statuses =
        api.call(Effect::Reads, ask).map_err(|fault| match fault.arg("vendor-code") {
            Some("INVALID_REQUEST_ID") => Fault { code: FaultCode::NotFound, ..fault },
            _ => fault,
        })?;
    let Some(status) = statuses.request_status_per_destination.first() else {
        return Ok(JobState::Running(AGAIN_SECONDS));
    };
    Ok(match status.request_status.as_str() {
        "SUCCESS" | "PARTIAL_SUCCESS" => {
            let received = status.received();
            let verdict = Verdict::Aggregate(received, status.invalid().min(received));
            JobState::Done(Report { verdict, hints: Hints::default() })
        }
        "FAILED" => {
            let reasons = status.reasons();
            JobState::Failed(Fault::new(FaultCode::Rejected).vendor("FAILED", reasons))
        }
        _ => JobState::Running(AGAIN_SECONDS),
    })
}
