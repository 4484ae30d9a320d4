//! Every paginator against a vendor that it does not know: all rows are shown,
//! reading ends, and what repeats itself is refused.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    Keyset, NextToken, NextUrl, Offset, PageNumber, Since, SinceRules, Window, WindowRules,
    next_link,
};
use crate::fault::Fault;
use crate::http::Response;
use crate::page::{Page, ReadRequest};
use crate::row::Row;

/// More calls than any test here needs.
const CALLS_MAX: usize = 20_000;

/// Reads on until there is no more, from where `request` stands; gives the pages
/// and the request of the next time.
fn read_on(
    mut request: ReadRequest,
    mut read: impl FnMut(&ReadRequest) -> Result<Page, Fault>,
) -> (Vec<Page>, ReadRequest) {
    let mut pages = Vec::new();
    loop {
        assert!(pages.len() < CALLS_MAX, "no end");
        let page = read(&request).unwrap();
        request = request.after(&page);
        let more = page.more;
        pages.push(page);
        if !more {
            return (pages, request);
        }
    }
}

fn start() -> ReadRequest {
    ReadRequest::start("people")
}

fn row(number: usize) -> Row {
    Row::delete(format!("{number:06}"))
}

fn keys(pages: &[Page]) -> Vec<String> {
    pages.iter().flat_map(|page| &page.rows).filter_map(|row| row.key.clone()).collect()
}

/// Rows of a list from an index on, as a vendor slices them.
fn slice(total: usize, from: u64, limit: usize) -> Vec<Row> {
    let from = usize::try_from(from).unwrap();
    (from..total).take(limit).map(row).collect()
}

proptest! {
    #[test]
    fn counting_shows_every_row_once(total in 0_usize..60, limit in 1_usize..9, first in 0_u64..2) {
        let expected = keys(&[Page::of(slice(total, 0, total))]);
        let (pages, next) = read_on(start(), |request| {
            let position = Offset::of(request)?;
            position.page(slice(total, position.offset, limit), limit)
        });
        prop_assert_eq!(keys(&pages), expected.clone());
        prop_assert!(pages.last().unwrap().snapshot_complete.is_some() && next.cursor.is_none());
        let (pages, _) = read_on(start(), |request| {
            let position = PageNumber::of(request, first)?;
            let from = (position.number - first) * u64::try_from(limit).unwrap();
            position.page(slice(total, from, limit), limit)
        });
        prop_assert_eq!(keys(&pages), expected);
    }

    #[test]
    fn tokens_and_addresses_show_every_row_once(total in 0_usize..60, limit in 1_usize..9) {
        let after = |from: usize| (from + limit < total).then(|| (from + limit).to_string());
        let expected = keys(&[Page::of(slice(total, 0, total))]);
        let (pages, _) = read_on(start(), |request| {
            let position = NextToken::of(request)?;
            let from = position.token.as_ref().map_or(0, |token| token.parse().unwrap());
            position.page(slice(total, from as u64, limit), after(from))
        });
        prop_assert_eq!(keys(&pages), expected.clone());
        let (pages, _) = read_on(start(), |request| {
            let position = NextUrl::of(request)?;
            let url = position.or("https://x.test/people?from=0");
            let from: usize = url.rsplit('=').next().unwrap().parse().unwrap();
            let next = after(from).map(|from| format!("?from={from}"));
            position.page(&url, slice(total, from as u64, limit), next)
        });
        prop_assert_eq!(keys(&pages), expected);
    }
}

/// A vendor whose rows have times of change, in whole seconds when asked.
struct Vendor {
    /// By key: the time of change in microseconds, and how often it changed.
    rows: BTreeMap<String, (i64, u32)>,
    now: i64,
}

const SECOND: i64 = 1_000_000;

impl Vendor {
    fn new(times: &[i64]) -> Self {
        let rows = times.iter().enumerate();
        let rows = rows.map(|(number, time)| (format!("{number:06}"), (*time, 0))).collect();
        Self { rows, now: 1_000 * SECOND }
    }

    /// The changes at or after an instant in order, as (time, key, changes).
    fn since(&self, from: Option<i64>, precision: i64) -> Vec<(i64, String, u32)> {
        let floor = |time: i64| time.div_euclid(precision) * precision;
        let due = |time: i64| from.is_none_or(|from| floor(time) >= from);
        let rows = self.rows.iter().filter(|(_, (time, _))| due(*time));
        let mut rows: Vec<_> =
            rows.map(|(key, (time, changes))| (*time, key.clone(), *changes)).collect();
        rows.sort_by_key(|(time, key, _)| (floor(*time), key.clone()));
        rows
    }

    fn touch(&mut self, number: usize) {
        self.now += 1;
        let key = format!("{:06}", number % self.rows.len().max(1));
        let now = self.now;
        if let Some((time, changes)) = self.rows.get_mut(&key) {
            (*time, *changes) = (now, *changes + 1);
        }
    }
}

/// Takes note of what a page showed.
fn note(seen: &mut BTreeMap<String, u32>, rows: &[(i64, String, u32)]) {
    seen.extend(rows.iter().map(|(_, key, changes)| (key.clone(), *changes)));
}

fn current(vendor: &Vendor) -> BTreeMap<String, u32> {
    vendor.rows.iter().map(|(key, (_, changes))| (key.clone(), *changes)).collect()
}

fn shown(key: &str, time: i64) -> (i64, Row) {
    (time, Row::delete(key))
}

proptest! {
    /// Few different times, so that pages are full of twins; rows change while they
    /// are read, at most half a page between two calls.
    #[test]
    fn since_passes_over_no_change(
        times in prop::collection::vec(0_i64..4, 1..80),
        limit in 2_usize..9,
        precise in any::<bool>(),
        touches in prop::collection::vec(prop::collection::vec(0_usize..80, 0..4), 0..40),
    ) {
        let times: Vec<i64> = times.iter().map(|time| time * SECOND / 2).collect();
        let mut vendor = Vendor::new(&times);
        let precision = if precise { 1 } else { SECOND };
        let rules = SinceRules { limit, precision_micros: precision, overlap_micros: SECOND };
        let mut seen = BTreeMap::new();
        let mut touches = touches.into_iter();
        let mut request = start();
        for _ in 0..3 {
            let (_, next) = read_on(request, |request| {
                let position = Since::of(request)?;
                let rows = vendor.since(position.from, precision);
                let skip = usize::try_from(position.offset).unwrap();
                let rows: Vec<_> = rows.into_iter().skip(skip).take(limit).collect();
                note(&mut seen, &rows);
                let shown = rows.iter().map(|(time, key, _)| shown(key, *time)).collect();
                for number in touches.next().into_iter().flatten().take(limit / 2) {
                    vendor.touch(number);
                }
                position.page(shown, &rules)
            });
            request = next;
        }
        read_on(request, |request| {
            let position = Since::of(request)?;
            let rows = vendor.since(position.from, precision);
            let skip = usize::try_from(position.offset).unwrap();
            let rows: Vec<_> = rows.into_iter().skip(skip).take(limit).collect();
            note(&mut seen, &rows);
            position.page(rows.iter().map(|(time, key, _)| shown(key, *time)).collect(), &rules)
        });
        prop_assert_eq!(seen, current(&vendor));
    }

    #[test]
    fn a_keyset_passes_over_no_change_and_repeats_none(
        times in prop::collection::vec(0_i64..4, 1..80),
        limit in 1_usize..9,
        touches in prop::collection::vec(prop::collection::vec(0_usize..80, 0..9), 0..20),
    ) {
        let mut vendor = Vendor::new(&times);
        let mut seen = BTreeMap::new();
        let mut touches = touches.into_iter();
        let mut repeated = 0;
        let (_, next) = read_on(start(), |request| {
            let position = Keyset::of(request)?;
            let after = position.after.clone().map(|(time, key)| (time.parse().unwrap(), key));
            let rows: Vec<_> = vendor.since(None, 1).into_iter()
                .filter(|(time, key, _)| after.as_ref().is_none_or(|it| (*time, key) > (it.0, &it.1)))
                .take(limit).collect();
            repeated += rows.iter().filter(|(_, key, n)| seen.get(key) == Some(n)).count();
            note(&mut seen, &rows);
            for number in touches.next().into_iter().flatten() {
                vendor.touch(number);
            }
            let rows = rows.iter().map(|(time, key, _)| (time.to_string(), Row::delete(key.clone())));
            position.page(rows.collect(), limit)
        });
        // What was touched during the last call is still to come.
        read_on(next, |request| {
            let position = Keyset::of(request)?;
            let after = position.after.clone().map(|(time, key)| (time.parse().unwrap(), key));
            let rows: Vec<_> = vendor.since(None, 1).into_iter()
                .filter(|(time, key, _)| after.as_ref().is_none_or(|it| (*time, key) > (it.0, &it.1)))
                .take(limit).collect();
            note(&mut seen, &rows);
            let rows = rows.iter().map(|(time, key, _)| (time.to_string(), Row::delete(key.clone())));
            position.page(rows.collect(), limit)
        });
        prop_assert_eq!(seen, current(&vendor));
        prop_assert_eq!(repeated, 0);
    }

    /// Events become visible late, by less than the overlap.
    #[test]
    fn windows_pass_over_no_event(
        events in prop::collection::vec((0_i64..200, 0_i64..10), 0..60),
        span in 1_i64..50,
        lag in 0_i64..5,
        limit in 1_usize..9,
        steps in prop::collection::vec(0_i64..60, 1..8),
    ) {
        let rules = WindowRules { first: 0, span_micros: span, overlap_micros: 15, lag_micros: lag };
        let mut seen = std::collections::BTreeSet::new();
        let mut request = start();
        let mut now = 0;
        let steps = steps.into_iter().chain([250, 20]);
        for step in steps {
            now += step;
            let (_, next) = read_on(request, |request| {
                let window = Window::of(request, &rules, now)?;
                let inside = |at: i64| (window.from..window.to).contains(&at);
                let rows = events.iter().enumerate().filter(|(_, (at, late))| {
                    inside(*at) && at + late <= now
                });
                let from = window.token.as_ref().map_or(0, |token| token.parse().unwrap());
                let page: Vec<usize> = rows.clone().map(|(n, _)| n).skip(from).take(limit).collect();
                let token = (from + limit < rows.count()).then(|| (from + limit).to_string());
                seen.extend(page.iter().copied());
                window.page(page.into_iter().map(row).collect(), token, &rules, now)
            });
            request = next;
        }
        prop_assert_eq!(seen.len(), events.len());
    }
}

#[test]
fn what_repeats_itself_is_refused() {
    let one = || vec![row(1)];
    let token = NextToken { token: Some("a".to_owned()) };
    assert!(token.clone().page(one(), Some("a".to_owned())).is_err());
    assert!(token.page(one(), Some(String::new())).unwrap().snapshot_complete.is_some());
    let asked = "https://x.test/people?page=2";
    assert!(NextUrl::default().page(asked, one(), Some("?page=2".to_owned())).is_err());
    let keyset = Keyset { after: Some(("t".to_owned(), "000001".to_owned())) };
    assert!(keyset.page(vec![("t".to_owned(), row(1))], 1).is_err());
    // A number that a vendor ignores ends at the first empty page.
    assert!(!PageNumber { number: 9 }.page_until(Vec::new(), false).unwrap().more);
}

#[test]
fn since_refuses_another_order_than_it_counts_on() {
    let rules = SinceRules { limit: 10, precision_micros: SECOND, overlap_micros: 0 };
    let page = |from: Option<i64>, times: &[i64]| {
        let rows = times.iter().map(|time| (*time, row(1))).collect();
        Since { from, ..Since::default() }.page(rows, &rules)
    };
    assert!(page(None, &[2 * SECOND, SECOND]).is_err());
    assert!(page(Some(2 * SECOND), &[SECOND]).is_err());
    // Within one second the vendor may not tell them apart.
    assert!(page(Some(SECOND), &[SECOND + 2, SECOND + 1]).is_ok());
    assert!(Since::default().page(Vec::new(), &SinceRules { limit: 1, ..rules }).is_err());
    assert_eq!(page(None, &[]).unwrap().next, None);
}

#[test]
fn the_overlap_reaches_back_over_the_pages_of_a_reading() {
    let rules = SinceRules { limit: 2, precision_micros: SECOND, overlap_micros: 5 * SECOND };
    let read = |request: &ReadRequest| {
        let position = Since::of(request)?;
        let due = (10..15).map(|it| it * SECOND).filter(|it| position.from <= Some(*it));
        let rows = due.skip(usize::try_from(position.offset).unwrap()).take(rules.limit);
        position.page(rows.map(|time| (time, row(1))).collect(), &rules)
    };
    let (_, next) = read_on(start(), read);
    assert_eq!(Since::of(&next).unwrap().from, Some(9 * SECOND));
    // And never before where reading went on: it would come nearer to the beginning each time.
    let later = ReadRequest { cursor: Some(br#"{"from":12000000}"#.to_vec()), ..start() };
    let (_, next) = read_on(later, read);
    assert_eq!(Since::of(&next).unwrap().from, Some(12 * SECOND));
}

#[test]
fn an_address_of_another_host_is_refused() {
    let asked = "https://api.x.test/people?limit=2#here";
    let cases = [
        ("/people?after=1", Some("https://api.x.test/people?after=1")),
        ("?after=1", Some("https://api.x.test/people?after=1")),
        ("https://API.x.test/p", Some("https://API.x.test/p")),
        ("https://evil.test/p", None),
        ("https://api.x.test.evil.test/p", None),
        ("https://api.x.test@evil.test/p", None),
        ("https://api.x.test\\@evil.test/p", None),
        ("https://api.x.test:444/p", None),
        ("http://api.x.test/p", None),
        ("//evil.test/p", None),
        ("/\\evil.test/p", None),
        ("people?after=1", None),
        ("javascript:1", None),
    ];
    for (next, expected) in cases {
        let page = NextUrl::default().page(asked, Vec::new(), Some(next.to_owned()));
        let url = page.ok().and_then(|page| NextUrl::of(&start().after(&page)).unwrap().url);
        assert_eq!(url.as_deref(), expected, "{next}");
    }
}

#[test]
fn the_next_link_is_found_among_others() {
    let cases = [
        (r#"<https://x.test/p?page=2>; rel="next""#, Some("https://x.test/p?page=2")),
        (
            r#"<https://x.test/1>; rel="prev", <https://x.test/3>; rel="next""#,
            Some("https://x.test/3"),
        ),
        (r#"</p?a=1,2>; title="a, rel=\"next\""; rel=next"#, Some("/p?a=1,2")),
        (r#"<https://x.test/1>; REL="last Next""#, Some("https://x.test/1")),
        (r#"<https://x.test/1>; rel="nextish""#, None),
        (r#"<https://x.test/1>; title="x, <y>; rel=next""#, None),
        ("<https://x.test/1", None),
        ("", None),
    ];
    for (value, expected) in cases {
        let headers = vec![
            ("Link".to_owned(), r#"<https://x.test/0>; rel="first""#.to_owned()),
            ("link".to_owned(), value.to_owned()),
        ];
        let response = Response { status: 200, headers, body: Vec::new() };
        assert_eq!(next_link(&response).as_deref(), expected, "{value}");
    }
}
