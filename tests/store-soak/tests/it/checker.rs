//! The checker itself.

use store_soak::{Plan, Verdict};

use crate::{SEED, program};

#[test]
fn the_checker_names_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("store");
    let plan = Plan::small(SEED);
    assert!(program().write(&dir, &plan, 5).unwrap().status.unwrap().success());
    let check = |plan: &Plan, acked| program().check(&dir, plan, acked).unwrap();
    for acked in [4, 5] {
        assert!(check(&plan, acked).is_sound(), "acked {acked}");
    }
    assert_eq!(check(&plan, 6), Verdict::Lost { seq: 5, acked: 6 });
    assert_eq!(check(&plan, 3), Verdict::Ahead { seq: 5, acked: 3 });
    let other = check(&Plan::small(1), 5);
    assert!(matches!(other, Verdict::Torn { seq: 5, .. }), "other contents: {other}");
    let nowhere = folder.path().join("nothing");
    let empty = program().check(&nowhere, &plan, 2).unwrap();
    assert_eq!(empty, Verdict::Empty { acked: 2 });
}
