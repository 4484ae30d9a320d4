//! English words of every fault.

use hub_model::FaultCode;

use super::Words;

const fn of(title: &'static str, means: &'static str, mend: &'static str) -> Words {
    Words { title, means, mend }
}

/// A refused credential that only somebody who signs in can mend.
pub(super) const SIGN_IN: Words = of(
    "Somebody must sign in",
    "The system gives the hub no token (any more)[: {reason}]. Nothing was read or written.",
    "Sign in with `liaison connection sign-in[ {sign_in}]`, then run the sync again.",
);

pub(super) const fn words(code: FaultCode) -> Words {
    match code {
        FaultCode::Config => of(
            "The connection's settings are wrong",
            "The connector cannot work with these settings[: {reason}]. Nothing was read or written.",
            "Correct the settings of the connection, then run `liaison check`.",
        ),
        FaultCode::Auth => of(
            "The login was refused",
            "The system did not accept the credential[: {reason}]. Nothing was read or written, and the hub does not try again in a loop, so that the account is not locked.",
            "Check user name and password (or token) behind the references in the connection's credentials, then run `liaison connection check`.",
        ),
        FaultCode::Permission => of(
            "The account may not do this",
            "The credential is good but lacks a right[: {reason}].",
            "Give the account the missing right in the system[ ({scope})], then run the sync again.",
        ),
        FaultCode::HostDenied => of(
            "The connector asked for a host that is not granted",
            "The request[ to {host}] was stopped before it left the hub[: {reason}].",
            "If the connection needs this host, add it to `hosts` (and to `private` for a private network) of the connection; otherwise distrust the connector.",
        ),
        FaultCode::Unreachable => of(
            "The system cannot be reached",
            "No connection could be made[: {reason}]. Nothing was written; the next run goes on where this one stopped.",
            "Check that the system runs, that its address in the settings is right, and that this machine may reach it.",
        ),
        FaultCode::Timeout => of(
            "The system did not answer in time",
            "The hub waited long enough and gave up[: {reason}]. If a write was under way, it will be looked up before anything else is written.",
            "Nothing to do if it happens rarely; otherwise look at the load of the system.",
        ),
        FaultCode::Transient => of(
            "The system failed for now",
            "The system answered with an error of its own[: {reason}]. What was committed stays; the hub tries again by itself.",
            "Nothing to do unless it lasts; then look at the state of the system.",
        ),
        FaultCode::RateLimited => of(
            "Too many requests for now",
            "The system asked to be left alone[ for {after_seconds} seconds][ until {until}]. The hub waits and goes on by itself.",
            "Nothing to do; a longer schedule makes it rarer.",
        ),
        FaultCode::QuotaExhausted => of(
            "The account's allowance is used up",
            "The system takes no more requests[ until {until}]. What waits is kept, and the hub goes on by itself[ after {after_seconds} seconds].",
            "Wait for the allowance to be renewed, or raise it at the vendor.",
        ),
        FaultCode::Conflict => of(
            "The row was changed by somebody else meanwhile",
            "The write was not made, so that nobody's edit is lost[: {reason}]. The row is read again first.",
            "Nothing to do: the next run decides with the newer row.",
        ),
        FaultCode::NotFound => of(
            "The row does not exist there",
            "The system no longer has it[: {reason}].",
            "Nothing to do if it was deleted on purpose; otherwise restore it in the system.",
        ),
        FaultCode::CursorExpired => of(
            "The place in the stream is no longer valid",
            "The system has forgotten where the hub stopped reading[: {reason}]. The hub reads the stream anew; nothing is doubled.",
            "Nothing to do.",
        ),
        FaultCode::SchemaDrift => of(
            "The system's answer has another shape than expected",
            "A field or type changed on the other side[: {reason}]. Other fields go on.",
            "Run `liaison connection discover` and correct the mapping, or update the connector.",
        ),
        FaultCode::Blocked => of(
            "The vendor has blocked the account",
            "The system refuses the account as a whole[: {reason}]. The hub stops asking.",
            "Settle it with the vendor, then run the sync again.",
        ),
        FaultCode::ConnectorBug => of(
            "The connector failed",
            "The connector broke its contract or stopped[: {reason}]. It was isolated; other syncs go on, and what was committed stays.",
            "Update the connector or report the fault to its author, with this code and place.",
        ),
        FaultCode::LimitExceeded => of(
            "The connector used more than it may",
            "The call was stopped at a limit[ ({limit})][: {reason}]. Other syncs go on.",
            "Report it to the connector's author; with very large data, ask for smaller pages in its settings. A limit that is named above can be set under `limits` in the configuration, for all connections or for this one.",
        ),
        FaultCode::NotSupported => of(
            "The connector cannot do this",
            "It has no such ability[: {reason}].",
            "Change the direction of the mapping, or choose a connector that can.",
        ),
        FaultCode::PageMalformed => of(
            "A page of answers broke the contract",
            "The page was not taken[: {reason}]; what came before it stays.",
            "Update the connector or report it to its author.",
        ),
        FaultCode::CursorStuck => of(
            "Reading does not advance",
            "The connector returned the same place again and again although records kept coming[: {reason}]. The run was ended.",
            "Update the connector or report it to its author.",
        ),
        FaultCode::RowKey => of(
            "A row has no usable key",
            "Without a key the row cannot be told from others[: {reason}]. It waits in quarantine; the others were taken.",
            "Give the row a key in its system, or name the right key field in the settings.",
        ),
        FaultCode::RowLimit => of(
            "A row is too large",
            "A row exceeds a limit[ ({limit})][: {reason}]. It waits in quarantine; the others were taken.",
            "Shorten the value in its system, or leave the field out of the mapping.",
        ),
        FaultCode::RowInvalid => of(
            "A row does not fit its rules",
            "A value breaks a rule[ ({rule})][; expected {expected}][: {reason}]. The row waits in quarantine; the others were taken.",
            "Correct the value in its system; the next run takes it.",
        ),
        FaultCode::SnapshotShrank => of(
            "Too many records would be deleted",
            "A complete reading lacked more records than is plausible[: {missing} of {known}]. Nothing was deleted.",
            "If they were really removed, raise `deletes_percent_max` of the sync for one run; otherwise look why the system shows fewer.",
        ),
        FaultCode::Rejected => of(
            "The system rejected an item",
            "The system did not accept the content[: {reason}]. It is not sent again until the value changes.",
            "Correct the value at its source, or leave the field out of the mapping.",
        ),
        FaultCode::NoForm => of(
            "A value has no form in this system",
            "The mapping’s transforms cannot make of the profile’s value what the field takes[ ({rule})][; expected {expected}]. Nothing of this row is written until that is mended; the others are.",
            "Add what is missing to the transforms of the field (an entry of its table, a wider form), or correct the value at its source.",
        ),
        FaultCode::Reference => of(
            "What a row refers to is not there yet",
            "The field holds the key of a row[ of `{stream}`][ that the object names by its role `{role}`][: {named} named][, {known} of them known][, {rows} rows there]. Nothing of this row is written until that is one row; every run looks again.",
            "Usually there is nothing to do: the row comes with the sync of that stream. Where nobody is named, name somebody in the object, or write `optional = true`; where several are meant, settle which.",
        ),
        FaultCode::Store => of(
            "The store failed",
            "A commit was not made[: {reason}]. Everything acknowledged before is safe; the place of reading did not move.",
            "Check free space and the disk, then start the hub again; `liaison store verify` checks the data.",
        ),
        FaultCode::Mapping => of(
            "The mapping names something that the stream does not have",
            "A field or stream of the mapping does not exist in the system[: {reason}][; near names: {near}].",
            "Run `liaison connection discover` to see the fields, and correct the file of the sync.",
        ),
        FaultCode::NoArchive => of(
            "The system has no archive for these rows",
            "The sync says `deletes = \"archive\"`[, and the stream {stream} offers none]. Nothing was read or written.",
            "Write `deletes = \"propagate\"`, \"unlink\" or \"ignore\" in the file of the sync.",
        ),
        FaultCode::NoConsent => of(
            "The sync asks for no consent, and its destination needs one",
            "What is written to the stream[ {stream}] needs each person's consent[ for `{purpose}`], and neither `requires` nor the segment of the sync is about that. Nothing was queued.",
            "Add the purpose, on a channel, to `requires` in the file of the sync; or say there under `purposes` what it is called here.",
        ),
        FaultCode::PlanMoved => of(
            "What is due is not what was planned",
            "Something has moved since the plan was made[: {moved} writes differ][; the first is about profile {profile}][, record {record}]. What differs was not written[; planned {planned}, now {now}].",
            "Run `liaison plan` again, look at it, and apply the new one. With the plan's file, `liaison apply` lists every field that moved.",
        ),
        FaultCode::Held => of(
            "A person must approve what would be written",
            "The run would write more than the guards of the sync let pass[: {creates} creates (at most {creates_max})][, {updates} updates][, {deletes} deletes (at most {deletes_max})][, touching at most {records_percent_max} % of the known rows]. Everything was read; nothing was written.",
            "Look at `liaison plan`, then `liaison hold approve` or `liaison hold refuse` with the id of the run; or change `[guards]` in the file of the sync.",
        ),
        FaultCode::Undone => of(
            "The write was undone",
            "A run was undone[: {reason}]. The row stays as it was before that run until what would be written is something else.",
            "Change the value at its source, or mend the mapping; then the sync writes again by itself.",
        ),
        FaultCode::Stopping => of(
            "The hub stops",
            "The run ended between two commits. The next one goes on at the same place.",
            "Nothing to do.",
        ),
    }
}
