//! Pages by the time of change, at or after.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::page::{Page, ReadRequest};
use crate::row::Row;

/// How a vendor answers "changed at or after".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinceRules {
    /// Rows asked for per page, at least 2.
    pub limit: usize,
    /// How finely the vendor tells times apart: [`SECOND_MICROS`](crate::time::SECOND_MICROS)
    /// for whole seconds, 1 for microseconds.
    pub precision_micros: i64,
    /// How long a change may take to appear, a clock may be off, and a reading of
    /// what is changing right now may take: when all is read, the next time begins
    /// so much earlier.
    pub overlap_micros: i64,
}

/// Pages of rows changed at or after a time, oldest change first.
///
/// Many rows may have one time: an import gives thousands the same second. Asking
/// for what is *later* than the last row of a page would pass over its twins on
/// the next page, and asking for what is *not earlier* may show the same page for
/// ever. So this asks for what is not earlier, begins anew at the time of the last
/// row, and only when a whole page has one time goes on within it by offset: half
/// a page at a time, so that up to half a page of its rows may change (and leave
/// for the end) between two calls without one being passed over. Within one time
/// the vendor must keep an order, such as by key. A vendor that can filter by time
/// and key together needs none of this: [`Keyset`](super::Keyset).
///
/// Ask for rows changed at or after [`from`](Self::from) (all, where there is
/// none), in ascending order of change, skipping [`offset`](Self::offset):
///
/// ```
/// use liaison_sdk::paginate::{Since, SinceRules};
/// use liaison_sdk::time::{self, SECOND_MICROS};
/// use liaison_sdk::{Fault, Page, ReadRequest, Row, http};
///
/// const RULES: SinceRules = SinceRules {
///     limit: 100,
///     precision_micros: SECOND_MICROS,
///     overlap_micros: 60 * SECOND_MICROS,
/// };
///
/// #[derive(serde::Deserialize)]
/// struct Contact {
///     id: String,
///     updated_at: String,
/// }
///
/// fn read(request: &ReadRequest) -> Result<Page, Fault> {
///     let position = Since::of(request)?;
///     let mut ask = http::get("https://api.x.example/contacts?sort=updated_at,id")
///         .query("limit", RULES.limit)
///         .query("offset", position.offset);
///     if let Some(from) = position.from {
///         ask = ask.query("updated_since", time::format(from));
///     }
///     let contacts: Vec<Contact> = ask.send()?.expect_success()?.json()?;
///     let rows = contacts.into_iter().map(|contact| {
///         let time = time::parse(&contact.updated_at);
///         let time = time.ok_or_else(|| Fault::drift("updated_at", "a time"))?;
///         Ok((time, Row::upsert(contact.id, serde_json::json!({}))))
///     });
///     position.page(rows.collect::<Result<_, Fault>>()?, &RULES)
/// }
/// # let answer = serde_json::json!([{ "id": "1", "updated_at": "2026-01-01T00:00:05Z" }]);
/// # let url = "https://api.x.example/contacts?sort=updated_at,id&limit=100&offset=0";
/// # use liaison_sdk::testing::{Exchange, Script};
/// # let script = Script::new().exchange(Exchange::new("GET", url).reply_json(200, answer));
/// # let page = script.run(|| read(&ReadRequest::start("contacts"))).unwrap();
/// # let next = Since::of(&ReadRequest::start("contacts").after(&page)).unwrap();
/// # assert_eq!(next.from, time::parse("2025-12-31T23:59:05Z"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Since {
    /// Ask for what changed at or after this instant, in the vendor's precision.
    pub from: Option<i64>,
    /// Skip so many rows of it.
    #[serde(default)]
    pub offset: u64,
    /// The latest change shown since reading went on; none = this is its first page.
    #[serde(default)]
    pub(super) latest: Option<i64>,
    /// Where reading went on: the next time does not begin before it.
    #[serde(default)]
    pub(super) begun: Option<i64>,
}

impl Since {
    /// The position that a request asks for.
    ///
    /// # Errors
    /// `cursor-expired` for a cursor in another form.
    pub fn of(request: &ReadRequest) -> Result<Self, Fault> {
        Ok(request.cursor()?.unwrap_or_default())
    }

    /// The page of these rows, each with the instant of its change, in the order in
    /// which they came.
    ///
    /// # Errors
    /// `schema-drift` when the rows are not in ascending order, or are from before
    /// the instant that was asked for; `bug` for a limit below 2.
    pub fn page(self, rows: Vec<(i64, Row)>, rules: &SinceRules) -> Result<Page, Fault> {
        if rules.limit < 2 {
            return Err(Fault::bug("a limit of at least 2"));
        }
        let precision = rules.precision_micros.max(1);
        let floor = |instant: i64| instant.div_euclid(precision).saturating_mul(precision);
        let times: Vec<i64> = rows.iter().map(|(time, _)| floor(*time)).collect();
        let early = times.first().is_some_and(|first| self.from.is_some_and(|from| *first < from));
        if early || !times.is_sorted() {
            return Err(Fault::drift("time of change", "ascending, from the time asked for"));
        }
        let last = times.last().copied();
        let latest = self.latest.max(last);
        let begun = if self.latest.is_none() { self.from } else { self.begun };
        let page = Page::of(rows.into_iter().map(|(_, row)| row).collect());
        if times.len() < rules.limit {
            let rest = latest.map(|it| floor(it.saturating_sub(rules.overlap_micros)));
            return match begun.max(rest) {
                None => Ok(page),
                from => page.next_from(&Self { from, ..Self::default() }),
            };
        }
        let next = if last > self.from {
            Self { from: last, offset: 0, latest, begun }
        } else {
            let half = u64::try_from(rules.limit / 2).map_err(Fault::bug)?;
            Self { offset: self.offset.saturating_add(half), latest, begun, ..self }
        };
        page.more_from(&next)
    }
}
