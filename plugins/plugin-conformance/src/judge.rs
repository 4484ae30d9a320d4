//! The rules by name, and what became of each.
//!
//! A rule's name is its function, and reads as the sentence that it tests:
//! `source::a_snapshot_ends`. The connector specification (`sdk/README.md`) names
//! the rule of every MUST; a test holds the two against each other.

use hub_model::FaultCode;
use plugin_api::{Capability, Delivery, Identity, LookupKey, LookupRequest};

use crate::destination::Sample;
use crate::subject::Subject;
use crate::{Breach, Verdict, audience, connection, destination, inbound, lookup, source, trouble};

/// What became of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It was kept.
    Kept,
    /// It was broken.
    Broken(Breach),
    /// It could not be judged here, and why.
    NotJudged(&'static str),
}

/// A rule and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The rule's name: `source::a_snapshot_ends`.
    pub rule: &'static str,
    /// What became of it.
    pub standing: Standing,
}

impl Judged {
    fn of(rule: &'static str, verdict: Verdict) -> Self {
        let standing = verdict.map_or_else(Standing::Broken, |()| Standing::Kept);
        Self { rule, standing }
    }

    /// What the rule demands, or how it was broken, or why it was not judged.
    pub fn sentence(&self) -> String {
        match &self.standing {
            Standing::Kept => {
                let name = self.rule.rsplit("::").next().unwrap_or(self.rule);
                name.replace('_', " ")
            }
            Standing::Broken(breach) => breach.to_string(),
            Standing::NotJudged(why) => (*why).to_owned(),
        }
    }
}

macro_rules! group {
    ($(#[$doc:meta])* $names:ident, $judge:ident($($argument:ident: $kind:ty),+) = $call:tt
     [$($module:ident::$rule:ident),+ $(,)?]) => {
        $(#[$doc])*
        pub const $names: &[&str] =
            &[$(concat!(stringify!($module), "::", stringify!($rule))),+];

        async fn $judge($($argument: $kind),+) -> Vec<Judged> {
            vec![$(Judged::of(
                concat!(stringify!($module), "::", stringify!($rule)),
                $module::$rule $call.await,
            )),+]
        }
    };
}

group!(
    /// Rules about every connector.
    CONNECTION_RULES, connection_rules(subject: &Subject<'_>) = (subject)
    [
        connection::check_succeeds,
        connection::streams_are_sound,
        connection::what_sends_says_what_for,
    ]
);

group!(
    /// Rules about reading.
    SOURCE_RULES, source_rules(subject: &Subject<'_>) = (subject)
    [
        source::a_snapshot_ends,
        source::cursors_advance,
        source::a_cursor_of_another_form_expires,
        source::rows_are_readable,
        source::keys_are_unique,
        source::a_snapshot_repeats,
        source::a_page_can_be_read_again,
        source::rows_fit_the_schema,
    ]
);

group!(
    /// Rules about finding.
    LOOKUP_RULES, lookup_rules(subject: &Subject<'_>) = (subject)
    [
        lookup::read_rows_are_found,
        lookup::answers_keep_their_order,
        lookup::an_unknown_key_is_none,
    ]
);

group!(
    /// Rules about writing.
    DESTINATION_RULES, destination_rules(subject: &Subject<'_>, sample: &Sample) = (subject, sample)
    [
        destination::a_created_row_is_found,
        destination::every_item_has_its_outcome,
        destination::a_patch_changes_only_its_fields,
        destination::null_clears,
        destination::writing_again_changes_nothing,
        destination::a_stale_version_conflicts,
        destination::an_unknown_row_is_not_invented,
        destination::rows_written_together_are_all_shown,
        destination::a_deleted_row_is_gone,
    ]
);

group!(
    /// Rules about the containers of audiences.
    CONTAINER_RULES, container_rules(subject: &Subject<'_>) = (subject)
    [audience::a_container_is_never_doubled, audience::an_ensured_container_is_listed]
);

group!(
    /// Rules about who is in an audience.
    MEMBER_RULES, member_rules(subject: &Subject<'_>, member: &[Identity]) = (subject, member)
    [
        audience::what_members_are_matched_by_is_discovered,
        audience::every_member_has_its_outcome,
        audience::leaving_again_is_no_fault,
        audience::what_is_not_there_is_not_found,
    ]
);

group!(
    /// Rules about what is pushed.
    INBOUND_RULES, inbound_rules(subject: &Subject<'_>, delivery: &Delivery) = (subject, delivery)
    [
        inbound::a_delivery_is_understood,
        inbound::a_delivery_means_the_same_again,
        inbound::streams_are_discovered,
        inbound::nonsense_is_refused,
        inbound::what_is_not_verified_is_refused,
    ]
);

/// Rules about a system in trouble, each with the state that the system must be in.
pub const TROUBLE_RULES: &[(&str, trouble::Trouble)] = &[
    ("trouble::a_page_of_html_is_a_fault", trouble::Trouble::Html),
    ("trouble::a_truncated_answer_is_a_fault", trouble::Trouble::Truncated),
    ("trouble::a_rate_limit_tells_when_to_come_again", trouble::Trouble::RateLimited),
    ("trouble::an_expired_login_is_an_auth_fault", trouble::Trouble::Unauthorised),
    ("trouble::a_failing_system_is_transient", trouble::Trouble::Failing),
];

/// Every rule's name, those of [`connection::wrong_settings_are_a_config_fault`] and
/// [`TROUBLE_RULES`] included, which need a subject bound to something that is wrong.
pub fn rule_names() -> Vec<&'static str> {
    let groups = [
        CONNECTION_RULES,
        SOURCE_RULES,
        LOOKUP_RULES,
        DESTINATION_RULES,
        CONTAINER_RULES,
        MEMBER_RULES,
        INBOUND_RULES,
    ];
    let named = groups.into_iter().flatten().copied();
    let trouble = TROUBLE_RULES.iter().map(|(rule, _)| *rule);
    named.chain([WRONG_SETTINGS]).chain(trouble).collect()
}

/// The rule about settings that are wrong.
pub const WRONG_SETTINGS: &str = "connection::wrong_settings_are_a_config_fault";

/// All rules that a subject bound to a healthy test account can be judged by. What
/// writes is judged where there is a sample to write.
pub async fn judge(subject: &Subject<'_>, sample: Option<&Sample>) -> Vec<Judged> {
    let mut judged = connection_rules(subject).await;
    let streams = subject.connector.discover(&subject.call).await.unwrap_or_default();
    let stream = streams.iter().find(|info| info.name == subject.stream);
    // What is pushed is readable too, and nobody reads it.
    let reads = subject.connector.manifest().capabilities.contains(&Capability::Source);
    let (readable, writable) =
        stream.map_or((false, false), |info| (info.readable && reads, info.writable));
    let finds = finds(subject).await;
    if readable {
        judged.extend(source_rules(subject).await);
    } else {
        judged.extend(not_judged(SOURCE_RULES, "the stream is not read"));
    }
    match (readable, finds) {
        (true, true) => judged.extend(lookup_rules(subject).await),
        (true, false) => judged.extend(not_judged(LOOKUP_RULES, "the connector finds no rows")),
        (false, _) => judged.extend(not_judged(LOOKUP_RULES, "the stream is not read")),
    }
    match (writable, sample) {
        (true, Some(sample)) => judged.extend(destination_rules(subject, sample).await),
        (true, None) => {
            judged.extend(not_judged(DESTINATION_RULES, "no sample says what may be written"));
        }
        (false, _) => judged.extend(not_judged(DESTINATION_RULES, "the stream is not written")),
    }
    judged
}

/// The rules about audiences; whom to put into them must be said.
pub async fn judge_audience(subject: &Subject<'_>, member: Option<&[Identity]>) -> Vec<Judged> {
    let mut judged = container_rules(subject).await;
    match member {
        Some(member) => judged.extend(member_rules(subject, member).await),
        None => judged.extend(not_judged(MEMBER_RULES, "no sample says who may join")),
    }
    judged
}

/// The rules about what is pushed, which need a delivery as the vendor sends it, after
/// the door: verified, decompressed, without its credential.
pub async fn judge_inbound(subject: &Subject<'_>, delivery: Option<&Delivery>) -> Vec<Judged> {
    match delivery {
        Some(delivery) => inbound_rules(subject, delivery).await,
        None => not_judged(INBOUND_RULES, "no sample says what is delivered"),
    }
}

/// Whether a connector is bound to finding rows: one that writes must, since the
/// hub looks before it creates.
async fn finds(subject: &Subject<'_>) -> bool {
    if subject.connector.manifest().capabilities.contains(&Capability::Destination) {
        return true;
    }
    let keys = vec![LookupKey::Key(lookup::UNKNOWN_KEY.into())];
    let request = LookupRequest { stream: subject.stream.clone(), keys, fields: Vec::new() };
    match subject.connector.lookup(&subject.call, &request).await {
        Err(fault) => fault.code != FaultCode::NotSupported,
        Ok(_) => true,
    }
}

/// The rule about a system in this trouble; the subject is bound to one.
pub async fn judge_trouble(subject: &Subject<'_>, trouble: trouble::Trouble) -> Judged {
    let (rule, _) = TROUBLE_RULES
        .iter()
        .find(|(_, other)| *other == trouble)
        .copied()
        .unwrap_or(("trouble", trouble));
    Judged::of(rule, trouble::it_is_told(subject, trouble).await)
}

/// The rules that were broken.
pub fn broken(judged: &[Judged]) -> Vec<&Breach> {
    let mut breaches = Vec::new();
    for it in judged {
        if let Standing::Broken(breach) = &it.standing {
            breaches.push(breach);
        }
    }
    breaches
}

/// Rules that could not be judged here, and why.
pub fn not_judged(rules: &[&'static str], why: &'static str) -> Vec<Judged> {
    rules.iter().map(|rule| Judged { rule, standing: Standing::NotJudged(why) }).collect()
}
