use hub_model::{
    CommitSeq, Consent, ConsentKey, ConsentProof, ConsentState, FieldName, Profile, Record,
    RecordNo, Stamp, Timestamp,
};
use hub_store::Moment;
use hub_store::conformance::fixtures as f;

use super::{BLOCK_ROWS_MAX, Block, Left, Location, Packed, Packing, without};
use crate::keys::table;
use crate::pack::version::{self, Head};
use crate::pack::{profile, record};

#[test]
fn rows_that_are_not_wanted_leave_nothing_but_their_place() {
    let mut records: Vec<Record> = (1..9).map(f::record).collect();
    let secret = hub_model::Value::text("canary");
    records[2].raw.insert("canary-name".into(), secret);
    let mut packing = Packing::after(table::RECORD, 0);
    for row in &records {
        packing.add(|names, out| record::put(row, names, out)).unwrap();
    }
    let payload = packing.finish().unwrap().blocks.remove(0).1;
    let holds = |payload: &[u8]| {
        let block = Block::read(payload).unwrap();
        let all = [block.names.concat().into_bytes(), block.plain].concat();
        all.windows(6).any(|bytes| bytes == b"canary")
    };
    assert!(holds(&payload));
    assert_eq!(without(table::RECORD, 1, &payload, |_| Left::Whole), Ok(None));
    let left = |slot| if slot == 2 { Left::Nothing } else { Left::Whole };
    let scrubbed = without(table::RECORD, 1, &payload, left).unwrap().unwrap();
    assert!(!holds(&scrubbed));
    let block = Block::read(&scrubbed).unwrap();
    for (slot, row) in records.iter().enumerate() {
        assert_eq!(block.is_empty(slot), slot == 2);
        if slot != 2 {
            assert_eq!(record::read(block.item(slot).unwrap()).as_ref(), Ok(row));
        }
    }
    // What is gone is not missed.
    assert_eq!(without(table::RECORD, 1, &scrubbed, left), Ok(None));
}

#[test]
fn rows_come_back_from_their_blocks() {
    let records: Vec<Record> = (1..100).map(f::record).collect();
    let mut packing = Packing::after(table::RECORD, 7);
    let places: Vec<_> = records
        .iter()
        .map(|row| packing.add(|names, out| record::put(row, names, out)).unwrap())
        .collect();
    assert_eq!((places[0].block(), places[BLOCK_ROWS_MAX].block()), (8, 9));
    let Packed { blocks, last } = packing.finish().unwrap();
    assert_eq!((blocks.len(), last), (4, 11));
    for (row, place) in records.iter().zip(&places) {
        let payload = &blocks[(place.block() - 8) as usize].1;
        let block = Block::read(payload).unwrap();
        assert_eq!(record::read(block.item(place.slot()).unwrap()).as_ref(), Ok(row));
        assert!(block.item(block.rows()).is_err());
    }
}

/// What history costs when rows are written: a moment a block, and the way back
/// a version that has one before it.
#[test]
fn an_update_costs_a_few_bytes_more_than_without_history() {
    let rows = BLOCK_ROWS_MAX as u64;
    let moment = Moment { seq: CommitSeq(2_000_000), at: Some(Timestamp(1_780_000_000 << 20)) };
    let bytes = |written: Option<Moment>, before: fn(u64) -> Location| {
        let mut packing = Packing::after(table::PROFILE, 1 << 20);
        packing.written = written;
        for number in 1..=rows {
            let head = Head { before: before(number), since: None };
            let row = f::profile(1_000_000 + number);
            packing.add(|names, out| version::put_profile(head, &row, names, out)).unwrap();
        }
        packing.finish().unwrap().blocks.remove(0).1.len() as u64
    };
    let plain = bytes(None, |_| Location::NONE);
    let first = bytes(Some(moment), |_| Location::NONE);
    let update =
        bytes(Some(moment), |number| Location(30_000_000 + 97 * u32::try_from(number).unwrap()));
    println!("{rows} profiles: {plain} bytes, dated {first}, with the way back {update}");
    assert!(first <= plain + 12, "{plain} {first}");
    assert!(update <= first + 5 * rows, "{first} {update}");
}

/// Rows with everything that few have: times of assertions, consents.
#[test]
fn what_is_rare_comes_back_too() {
    let time = |seconds| Some(Timestamp::from_seconds(seconds));
    let times = [(None, None), (time(5), None), (None, time(-7)), (time(i64::MIN), time(i64::MAX))];
    let mut records = Vec::new();
    for (number, (source_time, seen)) in (1..).zip(times) {
        let mut record = f::record(number);
        let asserted = record.fields.values_mut().next().unwrap().asserted.as_mut().unwrap();
        (asserted.source_time, asserted.seen) = (source_time, seen);
        records.push(record);
    }
    // Objects, and what relates to rows, identities and texts of the raw row.
    let mut order = f::order(4, 9);
    order.raw.insert("buyer".into(), hub_model::Value::text("p9@example.org"));
    f::relate(&mut order, "quote", hub_model::Related::Row(f::at("k1")));
    f::relate(&mut records[1], "employer", f::related(7));
    records[3] = order;
    let profiles: Vec<Profile> = (1..5).map(with_consents).collect();
    let mut packing = Packing::after(table::RECORD, 0);
    for row in &records {
        packing.add(|names, out| record::put(row, names, out)).unwrap();
    }
    for row in &profiles {
        packing.add(|names, out| profile::put(row, names, out)).unwrap();
    }
    let payload = packing.finish().unwrap().blocks.remove(0).1;
    let block = Block::read(&payload).unwrap();
    for (slot, row) in (0..).zip(&records) {
        assert_eq!(record::read(block.item(slot).unwrap()).as_ref(), Ok(row));
    }
    for (slot, row) in (4..).zip(&profiles) {
        assert_eq!(profile::read(block.item(slot).unwrap()).as_ref(), Ok(row));
    }
}

/// Profile `number` with as many consents, less one.
fn with_consents(number: u64) -> Profile {
    let states = [ConsentState::Unknown, ConsentState::Granted, ConsentState::Withdrawn];
    let mut profile = f::profile(number);
    for (n, state) in (1..number).zip(states) {
        let time = |add: u64| Some(Timestamp::from_seconds((n + add).cast_signed()));
        let text = |text: &str| (n > 1).then(|| text.repeat(n as usize));
        profile.consents.push(Consent {
            key: ConsentKey::new("newsletter", &format!("c{n}")),
            state,
            stamp: Stamp(1_000 + n),
            expires: time(7).filter(|_| n == 2),
            proof: ConsentProof {
                record: RecordNo(n),
                field: FieldName::new("optin"),
                given: time(0).filter(|_| n != 2),
                text_version: text("v"),
                raw: text("proof ").filter(|_| n == 3),
            },
        });
    }
    profile
}

#[test]
fn a_block_that_was_changed_is_noticed_or_harmless() {
    let rows: Vec<Profile> = (1..9).map(with_consents).collect();
    let mut packing = Packing::after(table::PROFILE, 0);
    for row in &rows {
        packing.add(|names, out| profile::put(row, names, out)).unwrap();
    }
    let payload = packing.finish().unwrap().blocks.remove(0).1;
    for bit in 0..payload.len() * 8 {
        let mut flipped = payload.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // The frame around it has the checksum; here nothing may panic.
        if let Ok(block) = Block::read(&flipped) {
            for slot in 0..block.rows() {
                let _ = block.item(slot).and_then(profile::read);
            }
        }
    }
    assert!((0..payload.len()).all(|len| Block::read(&payload[..len]).is_err()));
}
