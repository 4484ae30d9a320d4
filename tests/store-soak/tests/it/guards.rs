//! Every guard of the store guards something.

use hub_store_sled::Guard;
use store_soak::guards::prove;

use crate::recorder;

fn proves(guard: Guard) {
    let row = prove(&recorder(), guard).unwrap();
    println!("{row}");
    assert!(row.with.kept, "with the guard: {row}");
    assert!(!row.without.kept, "without the guard: {row}");
}

macro_rules! guards {
    ($($name:ident: $guard:ident,)*) => {
        $(
            #[test]
            fn $name() {
                proves(Guard::$guard);
            }
        )*

        #[test]
        fn every_guard_has_its_proof() {
            assert_eq!(Guard::ALL, [$(Guard::$guard),*]);
        }
    };
}

guards! {
    our_own_sync_keeps_what_a_power_cut_would_take: Sync,
    syncing_what_is_created_keeps_the_store_openable: Created,
    removing_unfinished_snapshots_keeps_the_store_openable: Snapshots,
    small_commits_stay_within_a_segment_of_the_log: CommitSize,
    the_witness_notices_a_rollback: Witness,
    the_checksum_keeps_wrong_rows_from_being_served: Checksum,
    the_lock_keeps_a_second_process_out: Lock,
}
