//! Events: from a row to something that happened, whom it is about, and how long
//! it stays.
//!
//! # Whose events they are
//!
//! An event names people by identities only. The events of a profile are those
//! that name an identity of a trusted namespace which the profile claims
//! ([`reach`]). That is looked up when somebody asks, so what a browser did before
//! anybody was known belongs to the person from the moment at which a record says
//! whose browser it is; a merge brings two histories together and an unmerge
//! parts them, and no event moves.
//!
//! # How an event makes somebody known
//!
//! Events take no part in resolution: a million page views tell nothing about who
//! is who that the first did not. But the one that names a browser *and* an e-mail
//! address, at a login, is a fact like any other. A stream that is told to do so
//! (`identifies`) makes a record of it, one for each set of trusted identities that
//! ever came together ([`tie`]), and that record goes the way of all records:
//! limits, shared values, separations, unmerge, rebuild and erasure hold for it
//! without a line of their own. One identity alone ties nothing, so that visitors
//! whom nobody knows make no profiles. What was tied stays so when the event goes:
//! its record has the time to live of its connection, counted from the last month
//! in which both were seen together.
//!
//! # When it happened
//!
//! The time of the source is believed within reason. Without one, the event
//! happened when it was received. One that lies ahead by at most a day comes from
//! a clock that is wrong, and is taken as "now"; one further ahead, or before
//! there was a web, is no time, and the row goes to quarantine.

use std::collections::BTreeSet;

use hub_model::{
    Claimed, Event, EventMapping, Fault, FaultCode, FieldMapping, Identity, Mapping, Object,
    Profile, RecordRef, RemoteKey, Rules, Timestamp, Value, id,
};
use sha2::{Digest, Sha256};

use crate::mapping::identity_in;

/// How far ahead of us the clock of a source may be.
const AHEAD_SECONDS_MAX: i64 = 24 * 3600;
/// 1990-01-01: nothing that is tracked happened before.
const EARLIEST: Timestamp = Timestamp::from_seconds(631_152_000);
/// Bytes of the hash that a tie is known by.
const TIE_BYTES: usize = 16;
/// The field of a tie with the month in which it was last seen.
const TIE_MONTH: &str = "month";

/// A row that tells of an event.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// Which row of which stream.
    pub at: &'a RecordRef,
    /// Its fields, cleaned.
    pub row: &'a Object,
    /// The time that its connector gives beside it, RFC 3339.
    pub time: Option<&'a str>,
    /// When it was received.
    pub now: Timestamp,
}

/// The event that a row tells of.
///
/// # Errors
/// [`FaultCode::RowInvalid`] when it names nobody, or its name or time is none.
/// The row belongs into quarantine.
pub fn of(told: &Told<'_>, mapping: &Mapping, rules: &Rules) -> Result<Event, Fault> {
    let usual = EventMapping::default();
    let how = mapping.event.as_ref().unwrap_or(&usual);
    let name = match &how.name {
        None => mapping.stream.stream.as_str().to_owned(),
        Some(field) => name(told.row.get(field.as_str()))
            .map_err(|value| unfit("name", "the name of an event", value).at(field.as_str()))?,
    };
    let time = time(told, how)?;
    let identities: BTreeSet<Identity> =
        named(told.row, mapping, rules).map(|(_, identity)| identity).collect();
    if identities.is_empty() {
        let fields: Vec<&str> = naming(mapping).map(|pair| pair.field.as_str()).collect();
        let fault = unfit("identity", "a value that names somebody", &Value::Null);
        return Err(fault.at(fields.join(", ")));
    }
    Ok(Event {
        at: told.at.clone(),
        name: name.into(),
        time,
        received: told.now,
        properties: told.row.clone(),
        identities: identities.into_iter().collect(),
    })
}

fn unfit(rule: &str, expected: &str, value: &Value) -> Fault {
    let fault = Fault::new(FaultCode::RowInvalid).with("rule", rule).with("expected", expected);
    fault.with("class", value.class())
}

fn name(value: Option<&Value>) -> Result<String, &Value> {
    let value = value.unwrap_or(&Value::Null);
    let text = match value {
        Value::Text(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err(value),
    };
    if id::valid(&text) { Ok(text) } else { Err(value) }
}

fn time(told: &Told<'_>, how: &EventMapping) -> Result<Timestamp, Fault> {
    let said = match &how.time {
        Some(field) if is_there(told.row.get(field.field.as_str())) => {
            let fault = || {
                let value = told.row.get(field.field.as_str()).unwrap_or(&Value::Null);
                unfit("time", &field.format.to_string(), value).at(field.field.as_str())
            };
            Some(field.read(told.row).ok_or_else(fault)?)
        }
        _ => told.time.and_then(Timestamp::parse_rfc3339),
    };
    let Some(said) = said else { return Ok(told.now) };
    if said < EARLIEST || said > told.now.plus_seconds(AHEAD_SECONDS_MAX) {
        let place = how.time.as_ref().map_or("time", |time| time.field.as_str());
        let expected = "a time since 1990, at most a day ahead";
        return Err(unfit("time", expected, &Value::text(said.to_string())).at(place));
    }
    Ok(said.min(told.now))
}

fn is_there(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Text(text)) => !text.trim().is_empty(),
        Some(_) => true,
    }
}

fn naming(mapping: &Mapping) -> impl Iterator<Item = &FieldMapping> {
    mapping.fields.iter().filter(|pair| pair.identity.is_some())
}

/// The fields of a row that name somebody, each with whom.
fn named<'a>(
    row: &'a Object,
    mapping: &'a Mapping,
    rules: &'a Rules,
) -> impl Iterator<Item = (&'a FieldMapping, Identity)> {
    naming(mapping).filter_map(|pair| {
        let namespace = rules.namespace(pair.identity.as_deref()?)?;
        Some((pair, identity_in(pair, namespace, row.get(pair.field.as_str())?)?))
    })
}

fn is_trusted(identity: &Identity, rules: &Rules) -> bool {
    rules.namespace(&identity.namespace).is_some_and(|namespace| namespace.trusted)
}

/// By which identities a profile has its events.
pub fn reach(identities: &[Claimed], rules: &Rules) -> Vec<Identity> {
    let claimed = identities.iter().map(|claimed| &claimed.identity);
    claimed.filter(|identity| is_trusted(identity, rules)).cloned().collect()
}

/// What ties identities that came together in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    /// The key of its record: the same for the same fields and identities.
    pub key: RemoteKey,
    /// The row that its record shows: the identities in normal form, and the
    /// month of the event, so that its time to live counts from the last one.
    pub row: Object,
}

/// The tie that an event makes, if its stream identifies and it names somebody in
/// more than one trusted way.
pub fn tie(event: &Event, mapping: &Mapping, rules: &Rules) -> Option<Tie> {
    mapping.event.as_ref().filter(|how| how.identifies)?;
    let trusted: Vec<(&FieldMapping, Identity)> = named(&event.properties, mapping, rules)
        .filter(|(_, identity)| is_trusted(identity, rules))
        .collect();
    let distinct: BTreeSet<&Identity> = trusted.iter().map(|(_, identity)| identity).collect();
    if distinct.len() < 2 {
        return None;
    }
    let mut hasher = Sha256::new();
    let month: String = event.time.to_string().chars().take("2026-01".len()).collect();
    let mut row = Object::from([(TIE_MONTH.into(), Value::text(month))]);
    for (pair, identity) in &trusted {
        for part in [pair.field.as_str(), &*identity.namespace, &*identity.value] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        row.insert(pair.field.as_str().into(), Value::text(&*identity.value));
    }
    let hash = hasher.finalize();
    let hex: String = hash.iter().take(TIE_BYTES).map(|byte| format!("{byte:02x}")).collect();
    Some(Tie { key: RemoteKey::new(format!("tie-{hex}")), row })
}

/// Whether a tie was seen later than its record says: a page that is read in
/// another order makes the same record.
pub fn is_later(tie: &Object, known: &Object) -> bool {
    let month = |row: &Object| row.get(TIE_MONTH).and_then(Value::as_text).map(str::to_owned);
    month(tie) > month(known)
}

/// Whether an event is anonymous: it names browsers and devices only, and none of
/// the profiles that claim one of them is known by name.
pub fn is_anonymous<'a>(
    event: &Event,
    claimants: impl IntoIterator<Item = &'a Profile>,
    rules: &Rules,
) -> bool {
    let nameless = |identity: &Identity| {
        rules.namespace(&identity.namespace).is_none_or(|namespace| namespace.anonymous)
    };
    let mut claimants = claimants.into_iter();
    event.identities.iter().all(nameless)
        && claimants.all(|profile| crate::retention::is_anonymous(&profile.identities, rules))
}

/// When the time of an event is over: by its stream, by its connection, and by the
/// shorter time of what is anonymous; `None` if it is kept.
pub fn over(event: &Event, is_anonymous: bool, rules: &Rules) -> Option<Timestamp> {
    let stream = &event.at.stream;
    let mapping = rules.mapping(&stream.connection, &stream.stream);
    let own = mapping.and_then(|mapping| mapping.event.as_ref()?.keep);
    let source = rules.source(&stream.connection);
    let plain = source.and_then(|source| source.keep);
    let nameless = source.and_then(|source| source.keep_anonymous).filter(|_| is_anonymous);
    [own, plain, nameless].into_iter().flatten().map(|keep| keep.after(event.time)).min()
}

/// Whether the time of any event may ever be over.
pub fn any_ends(rules: &Rules) -> bool {
    rules.mappings.iter().filter_map(|mapping| mapping.event.as_ref()).any(|e| e.keep.is_some())
        || rules
            .sources
            .iter()
            .any(|source| source.keep.is_some() || source.keep_anonymous.is_some())
}

#[cfg(test)]
mod tests {
    use hub_model::{
        ConnectionId, Event, EventMapping, FieldName, Identity, Mapping, Namespace, Normaliser,
        Party, Period, Rules, Source, TimeField, TimeFormat, Timestamp,
    };

    use super::{Told, any_ends, is_anonymous, is_later, of, over, tie};
    use crate::fixture::{at, mapping, row, rules};

    fn site() -> (Mapping, Rules) {
        let pairs = ["visitor -> visitor visitor", "mail -> email email", "town -> town town"];
        let time = TimeField { field: FieldName::new("ts"), format: TimeFormat::Rfc3339 };
        let event = EventMapping {
            name: Some(FieldName::new("type")),
            time: Some(time),
            identifies: true,
            keep: None,
            suppress: Vec::new(),
        };
        let mapping = Mapping { event: Some(event), ..mapping("site", &pairs) };
        let mut town = Namespace::new("town", Normaliser::Code);
        town.trusted = false;
        let namespaces = vec![
            Namespace::new("visitor", Normaliser::Cookie),
            Namespace::new("email", Normaliser::Email),
            town,
        ];
        let rules = rules(namespaces, vec![mapping.clone()]);
        (mapping, rules)
    }

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339("2026-06-15T12:00:00Z").unwrap()
    }

    fn told(fields: &[(&str, &str)], beside: Option<&str>) -> Result<Event, (String, String)> {
        let (mapping, rules) = site();
        let (at, row) = (at(&mapping, "e1"), row(fields));
        let told = Told { at: &at, row: &row, time: beside, now: now() };
        of(&told, &mapping, &rules).map_err(|fault| (fault.args["rule"].clone(), fault.place))
    }

    #[test]
    fn a_time_is_believed_within_reason() {
        let (ok, rule) = (Ok::<&str, ()>, Err(()));
        let table = [
            // (field, beside, what it comes to)
            ("2026-06-01T10:00:00+02:00", None, ok("2026-06-01T08:00:00Z")),
            ("2026-06-01T10:00:00Z", Some("2026-05-01T00:00:00Z"), ok("2026-06-01T10:00:00Z")),
            ("", Some("2026-05-01T00:00:00Z"), ok("2026-05-01T00:00:00Z")),
            ("", Some("yesterday"), ok("2026-06-15T12:00:00Z")),
            ("", None, ok("2026-06-15T12:00:00Z")),
            ("2026-06-16T12:00:00Z", None, ok("2026-06-15T12:00:00Z")),
            ("2026-06-16T12:00:01Z", None, rule),
            ("1990-01-01T00:00:00Z", None, ok("1990-01-01T00:00:00Z")),
            ("1970-01-01T00:00:00Z", None, rule),
            ("15/06/2026", None, rule),
        ];
        for (field, beside, wanted) in table {
            let fields = [("type", "click"), ("visitor", "browser-1"), ("ts", field)];
            match (told(&fields, beside), wanted) {
                (Ok(event), Ok(time)) => {
                    assert_eq!(event.time.to_string(), time, "{field} {beside:?}");
                    assert_eq!(event.received, now());
                }
                (Err(fault), Err(())) => assert_eq!(fault, ("time".into(), "ts".into())),
                (got, wanted) => panic!("{field} {beside:?}: {got:?}, {wanted:?}"),
            }
        }
    }

    #[test]
    fn an_event_has_a_name_and_names_somebody() {
        let event =
            told(&[("type", " click "), ("mail", " Ana@X.fr"), ("url", "/")], None).unwrap();
        assert_eq!(&*event.name, "click");
        assert_eq!(event.identities, [Identity::new("email", "ana@x.fr")]);
        assert_eq!(event.properties.len(), 3);
        let table: [(&[(&str, &str)], &str); 4] = [
            (&[("mail", "ana@x.fr")], "name"),
            (&[("type", " "), ("mail", "ana@x.fr")], "name"),
            (&[("type", "click")], "identity"),
            (&[("type", "click"), ("mail", "ana"), ("visitor", "x")], "identity"),
        ];
        for (fields, rule) in table {
            assert_eq!(told(fields, None).unwrap_err().0, rule, "{fields:?}");
        }
        // Without a field for it, the stream is the name.
        let (mut mapping, rules) = site();
        mapping.event = Some(EventMapping::default());
        let (at, row) = (at(&mapping, "e"), row(&[("mail", "ana@x.fr")]));
        let told = Told { at: &at, row: &row, time: None, now: now() };
        assert_eq!(&*of(&told, &mapping, &rules).unwrap().name, "people");
    }

    #[test]
    fn trusted_identities_that_come_together_are_tied_whatever_their_spelling() {
        let (mapping, rules) = site();
        let tied = |mail: &str, visitor: &str, ts: &str| {
            let fields = [
                ("type", "login"),
                ("mail", mail),
                ("visitor", visitor),
                ("town", "lyon"),
                ("ts", ts),
            ];
            tie(&told(&fields, None).unwrap(), &mapping, &rules)
        };
        let may = "2026-05-31T23:00:00Z";
        let one = tied("ana@x.fr", "browser-1", may).unwrap();
        assert_eq!(
            one.row,
            row(&[("mail", "ana@x.fr"), ("visitor", "browser-1"), ("month", "2026-05")])
        );
        let later = tied(" ANA@x.fr", "browser-1", "2026-06-01T00:00:00Z").unwrap();
        assert_eq!(one.key, later.key);
        assert!(is_later(&later.row, &one.row) && !is_later(&one.row, &one.row));
        assert!(!is_later(&one.row, &later.row) && is_later(&one.row, &row(&[])));
        assert_ne!(one.key, tied("ana@x.fr", "browser-2", may).unwrap().key);
        // A town is no way to know somebody, and one identity ties nothing.
        assert_eq!(tied("", "browser-1", may), None);
        assert_eq!(tied("ana@x.fr", "", may), None);
        let mut silent = mapping.clone();
        silent.event.as_mut().unwrap().identifies = false;
        let fields = [("type", "login"), ("mail", "ana@x.fr"), ("visitor", "browser-1")];
        assert_eq!(tie(&told(&fields, None).unwrap(), &silent, &rules), None);
    }

    #[test]
    fn of_all_times_to_live_the_shortest_holds() {
        let (_, mut rules) = site();
        let fields = [("type", "a"), ("visitor", "browser-1"), ("ts", "2026-01-01T00:00:00Z")];
        let event = told(&fields, None).unwrap();
        let named = told(&[("type", "a"), ("mail", "ana@x.fr")], None).unwrap();
        assert!(!any_ends(&rules));
        assert_eq!(over(&event, true, &rules), None);
        rules.sources = vec![Source {
            connection: ConnectionId::new("site"),
            party: Party::Third,
            keep: Some(Period::Months(12)),
            keep_anonymous: Some(Period::Days(90)),
        }];
        let ends = |anonymous| over(&event, anonymous, &rules).unwrap().to_string();
        assert_eq!((&*ends(true), &*ends(false)), ("2026-04-01T00:00:00Z", "2027-01-01T00:00:00Z"));
        let keep = Some(Period::Days(10));
        rules.mappings[0].event.as_mut().unwrap().keep = keep;
        assert_eq!(over(&event, true, &rules).unwrap().to_string(), "2026-01-11T00:00:00Z");
        assert!(any_ends(&rules));
        assert!(is_anonymous(&event, [], &rules) && !is_anonymous(&named, [], &rules));
    }
}
