//! Pages by windows of time.

use serde::{Deserialize, Serialize};

use super::token::another;
use crate::fault::Fault;
use crate::page::{Page, ReadRequest};
use crate::row::Row;

/// How a stream is cut into windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowRules {
    /// Where the first window begins.
    pub first: i64,
    /// How long a window is at most.
    pub span_micros: i64,
    /// When all is read, the next time begins so much earlier: how long the vendor
    /// may take to show what happened.
    pub overlap_micros: i64,
    /// What is younger than this is left for the next time.
    pub lag_micros: i64,
}

/// Windows of time, each read to its end by the vendor's tokens (where it has any)
/// before the next one begins. They are half open, so that between two of them
/// nothing is shown twice or passed over; only at the present end the next reading
/// begins [`overlap_micros`](WindowRules::overlap_micros) earlier.
///
/// Ask for what happened from [`from`](Self::from) on and before [`to`](Self::to),
/// with [`token`](Self::token) where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Where it begins.
    pub from: i64,
    /// What it ends before.
    pub to: i64,
    /// The vendor's token of the page within it.
    #[serde(default)]
    pub token: Option<String>,
}

impl Window {
    /// The window that a request asks for, at the host's time `now`
    /// ([`clock::now`](crate::clock::now)). It is empty when there is nothing to
    /// ask for yet.
    ///
    /// # Errors
    /// `cursor-expired` for a cursor in another form.
    pub fn of(request: &ReadRequest, rules: &WindowRules, now: i64) -> Result<Self, Fault> {
        let known: Option<Self> = request.cursor()?;
        match known {
            Some(window) if window.token.is_some() => Ok(window),
            Some(window) => Ok(Self::starting(window.from, rules, now)),
            None => Ok(Self::starting(rules.first, rules, now)),
        }
    }

    fn starting(from: i64, rules: &WindowRules, now: i64) -> Self {
        let end = from.saturating_add(rules.span_micros.max(1));
        let to = end.min(now.saturating_sub(rules.lag_micros)).max(from);
        Self { from, to, token: None }
    }

    /// Whether there is nothing to ask for yet: answer with [`Self::page`] of no rows.
    pub fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// The page of these rows, with the token that came along.
    ///
    /// # Errors
    /// `schema-drift` when the vendor hands out the token that was just used.
    pub fn page(
        self,
        rows: Vec<Row>,
        next: Option<String>,
        rules: &WindowRules,
        now: i64,
    ) -> Result<Page, Fault> {
        let page = Page::of(rows);
        if let Some(token) = another(self.token.as_deref(), next)? {
            return page.more_from(&Self { token: Some(token), ..self });
        }
        let following = Self::starting(self.to, rules, now);
        if !following.is_empty() {
            return page.more_from(&following);
        }
        let rest = if self.is_empty() {
            self.from
        } else {
            self.to.saturating_sub(rules.overlap_micros).max(rules.first)
        };
        page.next_from(&Self { from: rest, to: rest, token: None })
    }
}
