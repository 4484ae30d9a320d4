//! The suite that every connector must pass: one function per MUST.
//!
//! A connector is judged through the port and nothing else, so the same suite
//! runs on a component in the sandbox against a real system, on a test double
//! and on a native implementation. Whoever holds a [`Connector`] holds a
//! [`Subject`] and may ask one rule ([`source`], [`lookup`], [`destination`],
//! [`inbound`], [`connection`]) or all of them ([`check_source`],
//! [`check_destination`], [`check_inbound`]).
//!
//! A rule answers with the [`Breach`] that it found. It never panics and never
//! repairs; the rules of [`destination`] write, so they belong on a test account.

pub mod breach;
pub mod subject;

pub mod connection;
pub mod lookup;
pub mod source;

pub mod destination;

pub mod inbound;

pub use breach::Breach;
pub use plugin_api::{Connector, Delivery};
pub use subject::Subject;

/// A rule's answer.
pub type Verdict = Result<(), Breach>;

/// All rules about reading and finding.
pub async fn check_source(subject: &Subject<'_>) -> Vec<Breach> {
    let verdicts = [
        connection::check_succeeds(subject).await,
        connection::streams_are_sound(subject).await,
        source::a_snapshot_ends(subject).await,
        source::cursors_advance(subject).await,
        source::rows_are_readable(subject).await,
        source::keys_are_unique(subject).await,
        source::a_snapshot_repeats(subject).await,
        source::a_page_can_be_read_again(subject).await,
        source::rows_fit_the_schema(subject).await,
        lookup::read_rows_are_found(subject).await,
        lookup::answers_keep_their_order(subject).await,
        lookup::an_unknown_key_is_none(subject).await,
    ];
    verdicts.into_iter().filter_map(Result::err).collect()
}

/// All rules about writing. They create, change and delete a row.
pub async fn check_destination(subject: &Subject<'_>, sample: &destination::Sample) -> Vec<Breach> {
    let verdicts = [
        destination::a_created_row_is_found(subject, sample).await,
        destination::a_patch_changes_only_its_fields(subject, sample).await,
        destination::null_clears(subject, sample).await,
        destination::a_stale_version_conflicts(subject, sample).await,
        destination::an_unknown_row_is_not_invented(subject, sample).await,
        destination::a_deleted_row_is_gone(subject, sample).await,
    ];
    verdicts.into_iter().filter_map(Result::err).collect()
}

/// All rules about what is pushed. `sample` is a delivery as the vendor sends it,
/// after the door: verified, decompressed, without its credential.
pub async fn check_inbound(subject: &Subject<'_>, sample: &Delivery) -> Vec<Breach> {
    let verdicts = [
        connection::check_succeeds(subject).await,
        inbound::a_delivery_is_understood(subject, sample).await,
        inbound::a_delivery_means_the_same_again(subject, sample).await,
        inbound::streams_are_discovered(subject, sample).await,
        inbound::nonsense_is_refused(subject, sample).await,
        inbound::what_is_not_verified_is_refused(subject, sample),
    ];
    verdicts.into_iter().filter_map(Result::err).collect()
}
