//! The demo's story: files into the ERP, edits on both sides, a purchase, a letter and an
//! unsubscription, silence; and the end of the load after the hub was killed in the
//! middle.

use std::{thread::sleep, time::Duration};

use xtask::demo::{
    hub,
    scene::{self, Scene},
    story,
    world::SYNCS,
};

/// Rows that make duplicates meet and still load within seconds.
const FEBRL_ROWS: usize = 60;
const CUSTOMERS: usize = 12;
const LIMIT_SECONDS: u64 = 300;

#[test]
fn every_edit_reaches_the_other_side_and_then_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let name = "round_trip::every_edit_reaches_the_other_side_and_then_nothing_is_written";
    let Some(mut world) = crate::world(name, folder.path(), FEBRL_ROWS, CUSTOMERS) else { return };
    let scene = Scene::open(&world).unwrap();
    let syncs: Vec<&str> = SYNCS.into_iter().chain(scene::SYNCS).collect();
    let hub = world.start_hub().unwrap();
    let told = |result: Result<_, _>| result.unwrap_or_else(|e| panic!("{e:#}\n{}", hub.log_end()));
    told(story::wait_until_quiet(&hub, &syncs, 1, LIMIT_SECONDS).map(drop));
    story::check(&story::report(&world, &hub).unwrap()).unwrap();
    told(story::edit_both_sides(&mut world, &hub).map(drop));
    told(scene.play(&world, &hub).map(drop));
    told(story::wait_until_quiet(&hub, &syncs, 2, LIMIT_SECONDS).map(drop));
    story::check(&story::report(&world, &hub).unwrap()).unwrap();
    scene.check().unwrap();
}

#[test]
fn a_hub_that_is_killed_while_it_loads_comes_to_the_same_end() {
    let folder = tempfile::tempdir().unwrap();
    let name = "round_trip::a_hub_that_is_killed_while_it_loads_comes_to_the_same_end";
    let Some(world) = crate::world(name, folder.path(), FEBRL_ROWS, CUSTOMERS) else { return };
    for life_millis in [900, 2_500, 1_400, 4_000, 1_900] {
        let hub = hub::Hub::spawn(&world.stage.binary, &world.stage.work).unwrap();
        sleep(Duration::from_millis(life_millis));
        hub.kill().unwrap();
    }
    let hub = world.start_hub().unwrap();
    if let Err(error) = story::wait_until_quiet(&hub, &SYNCS, 2, LIMIT_SECONDS) {
        panic!("{error:#}\n{}", hub.log_end());
    }
    story::check(&story::report(&world, &hub).unwrap()).unwrap();
    assert!(world.parties().unwrap().values().all(|ids| ids.len() == 1), "a party is doubled");
    hub.kill().unwrap();
    hub::command(&world.stage.binary, &world.stage.work, &["store", "verify"]).unwrap();
}
