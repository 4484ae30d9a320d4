//! Bugs by name, so that a proof can plant exactly one and show that it sees it.
//! Each is a line of the design left out; the places where they are planted ask
//! [`is`]. Outside such proofs the switch does not exist: `is` is `false` then,
//! and nothing of it is left in the program.

/// A mistake that the two-way sync must not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A row is created without a search for one.
    CreateBlindly,
    /// A row is updated without a look at it, where versions are not checked.
    WriteUnread,
    /// What we sent is taken for what the system shows.
    FormAssumed,
    /// A row that was deleted is created again.
    NoTombstones,
    /// No answer is taken for success.
    UnknownIsDone,
    /// No answer is taken for failure.
    UnknownIsNotDone,
    /// A search that finds nothing is believed at once after a create without an
    /// answer.
    SearchBelieved,
    /// The attempt is not durable before the request leaves.
    AttemptNotKept,
    /// The cursor moves before its page is durable.
    CursorFirst,
    /// The delivery's position moves before the work is done.
    PositionFirst,
    /// A field is due when its golden stamp is higher than the one sent.
    DueIfHigher,
    /// What a created row shows is taken for its system's word.
    CreatedSpeaks,
    /// A repeated request has another idempotency key.
    FreshKeys,
    /// What was rejected is tried again for ever.
    RejectedAgain,
    /// One item that has to wait makes its whole batch wait.
    BatchResent,
    /// An atomic batch with one bad item is rejected whole.
    NotHalved,
    /// A row that has changed meanwhile counts as written.
    ConflictIsDone,
    /// A row goes with one of several systems that have its person.
    DeletedForAll,
    /// A delete goes everywhere, whatever the policy of a sync.
    DeletesEverywhere,
}

#[cfg(feature = "planted")]
mod switch {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    impl Bug {
        /// Every bug.
        pub const ALL: [Self; 19] = [
            Self::CreateBlindly,
            Self::WriteUnread,
            Self::FormAssumed,
            Self::NoTombstones,
            Self::UnknownIsDone,
            Self::UnknownIsNotDone,
            Self::SearchBelieved,
            Self::AttemptNotKept,
            Self::CursorFirst,
            Self::PositionFirst,
            Self::DueIfHigher,
            Self::CreatedSpeaks,
            Self::FreshKeys,
            Self::RejectedAgain,
            Self::BatchResent,
            Self::NotHalved,
            Self::ConflictIsDone,
            Self::DeletedForAll,
            Self::DeletesEverywhere,
        ];

        /// Its name on a command line.
        pub const fn name(self) -> &'static str {
            match self {
                Self::CreateBlindly => "create-blindly",
                Self::WriteUnread => "write-unread",
                Self::FormAssumed => "form-assumed",
                Self::NoTombstones => "no-tombstones",
                Self::UnknownIsDone => "unknown-is-done",
                Self::UnknownIsNotDone => "unknown-is-not-done",
                Self::SearchBelieved => "search-believed",
                Self::AttemptNotKept => "attempt-not-kept",
                Self::CursorFirst => "cursor-first",
                Self::PositionFirst => "position-first",
                Self::DueIfHigher => "due-if-higher",
                Self::CreatedSpeaks => "created-speaks",
                Self::FreshKeys => "fresh-keys",
                Self::RejectedAgain => "rejected-again",
                Self::BatchResent => "batch-resent",
                Self::NotHalved => "not-halved",
                Self::ConflictIsDone => "conflict-is-done",
                Self::DeletedForAll => "deleted-for-all",
                Self::DeletesEverywhere => "deletes-everywhere",
            }
        }
    }

    /// Plants a bug in what this thread does from now on; `None` mends it.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    /// Whether a bug is planted.
    pub fn is(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}

#[cfg(feature = "planted")]
pub use switch::{is, plant};

/// Whether a bug is planted.
#[cfg(not(feature = "planted"))]
#[inline]
pub const fn is(_: Bug) -> bool {
    false
}
