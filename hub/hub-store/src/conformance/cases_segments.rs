//! Members of segments, and the log of who entered and left.

#![allow(missing_docs, reason = "a case is documented by its name")]

use hub_model::{CommitSeq, Move, Moved, ProfileId, Standing, Timestamp};

use super::{Subject, fixtures as f};
use crate::store::Store;
use crate::write_set::WriteSet;

fn standing(profile: u64, segments: &[(&str, i64)], review: Option<i64>) -> Standing {
    Standing {
        profile: ProfileId(profile),
        segments: segments.iter().map(|(name, at)| ((*name).into(), Timestamp(*at))).collect(),
        review: review.map(Timestamp),
    }
}

fn puts(standings: &[Standing]) -> WriteSet {
    WriteSet { standings: standings.to_vec(), ..WriteSet::default() }
}

fn moved(seq: u64, segment: &str, profile: u64, entered: bool) -> Moved {
    let made = Move { segment: segment.into(), profile: ProfileId(profile), entered };
    Moved { seq: CommitSeq(seq), made }
}

async fn members(store: &dyn Store, segment: &str) -> Vec<(u64, i64)> {
    let rows = store.members(segment, None, usize::MAX).await.expect("members");
    assert_eq!(store.member_count(segment).await, Ok(rows.len() as u64));
    rows.into_iter().map(|(id, since)| (id.0, since.0)).collect()
}

pub async fn members_come_and_go(subject: &mut dyn Subject) {
    let store = subject.store();
    store.commit(f::people(3)).await.expect("commit");
    let one = standing(1, &[("a", 5), ("b", 6)], Some(-9));
    let two = standing(2, &[("a", 7)], Some(4));
    // One that waits is kept, though it is in nothing.
    let waits = standing(3, &[], Some(3));
    store.commit(puts(&[one.clone(), two, waits.clone()])).await.expect("commit");
    assert_eq!(members(store, "a").await, [(1, 5), (2, 7)]);
    let second = store.members("a", Some(ProfileId(1)), 1).await;
    assert_eq!(second, Ok(vec![(ProfileId(2), Timestamp(7))]));
    let due = async |at, limit| {
        let found = store.standings_due(Timestamp(at), limit).await.expect("due");
        found.into_iter().map(|id| id.0).collect::<Vec<_>>()
    };
    assert_eq!((due(-10, 9).await, due(3, 9).await), (vec![], vec![1, 3]));
    assert_eq!((due(4, 9).await, due(4, 1).await), (vec![1, 3, 2], vec![1]));
    // Of two rows of one profile in a set the later one counts.
    let later = standing(2, &[("b", 8)], None);
    let set =
        puts(&[standing(2, &[("c", 8)], Some(9)), later.clone(), Standing::none(ProfileId(3))]);
    store.commit(set).await.expect("commit");
    subject.reopen().await;
    let store = subject.store();
    let asked: Vec<ProfileId> = [2, 9, 1, 3].map(ProfileId).to_vec();
    let none = |id| Standing::none(ProfileId(id));
    assert_eq!(store.standings(&asked).await, Ok(vec![later, none(9), one, none(3)]));
    assert_eq!(members(store, "b").await, [(1, 6), (2, 8)]);
    assert_eq!((members(store, "a").await, members(store, "c").await), (vec![(1, 5)], vec![]));
    assert_eq!(store.standings_due(Timestamp(99), 9).await, Ok(vec![ProfileId(1)]));
    assert_eq!(store.stats().await.expect("stats").memberships, 3);
}

pub async fn moves_are_told_in_order(subject: &mut dyn Subject) {
    let store = subject.store();
    store.commit(f::people(2)).await.expect("commit");
    store.commit(puts(&[standing(2, &[("a", 1)], None)])).await.expect("commit");
    // The same again, and another review: nobody moves.
    store.commit(puts(&[standing(2, &[("a", 1)], Some(3))])).await.expect("commit");
    let set = puts(&[standing(2, &[("b", 2)], None), standing(1, &[("b", 2)], None)]);
    store.commit(set).await.expect("commit");
    subject.reopen().await;
    let store = subject.store();
    let first = store.moves(CommitSeq(0), 1).await.expect("moves");
    assert_eq!(
        (first.moves, first.next, first.at_end),
        (vec![moved(2, "a", 2, true)], CommitSeq(2), false)
    );
    // A commit is told whole.
    let rest = store.moves(first.next, 1).await.expect("moves");
    let wanted = [moved(4, "a", 2, false), moved(4, "b", 2, true), moved(4, "b", 1, true)];
    assert_eq!((rest.moves.as_slice(), rest.next, rest.at_end), (&wanted[..], CommitSeq(4), true));
    let end = store.moves(rest.next, 9).await.expect("moves");
    assert_eq!((end.moves, end.next, end.at_end), (vec![], CommitSeq(4), true));
}

pub async fn who_leaves_the_store_leaves_every_segment(subject: &mut dyn Subject) {
    let store = subject.store();
    store.commit(f::people(3)).await.expect("commit");
    let all = [1, 2, 3].map(|id| standing(id, &[("a", 1), ("b", 1)], Some(5)));
    store.commit(puts(&all)).await.expect("commit");
    // Absorbed, and judged as one in the same commit.
    let mut set = f::merge(3, 2);
    set.standings = vec![standing(2, &[("b", 1)], None)];
    store.commit(set).await.expect("commit");
    assert_eq!(
        (members(store, "a").await, members(store, "b").await),
        (vec![(1, 1)], vec![(1, 1), (2, 1)])
    );
    let gone = WriteSet {
        erased: vec![(f::record(1).number, f::at("k1"))],
        erased_profiles: vec![ProfileId(1)],
        claims: vec![(f::email(1), hub_model::Claim::default())],
        ..WriteSet::default()
    };
    store.commit(gone).await.expect("commit");
    subject.compact().await;
    subject.reopen().await;
    let store = subject.store();
    assert_eq!((members(store, "a").await, members(store, "b").await), (vec![], vec![(2, 1)]));
    assert_eq!(store.standings_due(Timestamp(9), 9).await, Ok(vec![]));
    let told = store.moves(CommitSeq(2), 99).await.expect("moves").moves;
    let wanted = [
        moved(3, "a", 3, false),
        moved(3, "b", 3, false),
        moved(3, "a", 2, false),
        moved(4, "a", 1, false),
        moved(4, "b", 1, false),
    ];
    assert_eq!(told, wanted);
}
