//! Hostile components beside an honest one, in one hub: they are stopped and
//! named, and everybody else finishes.

use std::{
    fs,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use xtask::{demo::hub::Hub, paths};

const LIMIT_SECONDS: u64 = 240;
/// Misbehaviours that must end as a failed run, each a sync of its own.
const KINDS: [&str; 3] = ["loop", "memory", "http"];

#[test]
fn a_hostile_component_is_stopped_and_the_other_syncs_finish() {
    let folder = tempfile::tempdir().unwrap();
    write_world(folder.path());
    let hub = Hub::start(&paths::binary(), folder.path()).unwrap();
    let limit = Instant::now() + Duration::from_secs(LIMIT_SECONDS);
    loop {
        let runs = hub.runs().unwrap();
        let of = |sync: &str| runs.iter().filter(|run| run["sync"] == sync).collect::<Vec<_>>();
        let stopped = KINDS.iter().all(|kind| of(kind).iter().any(|run| run["status"] == "failed"));
        let honest = of("people");
        let finished = honest.len() >= 5 && honest.iter().all(|run| run["status"] == "succeeded");
        if stopped && finished {
            let read: u64 = honest.iter().filter_map(|run| run["counts"]["new"].as_u64()).sum();
            assert_eq!(read, 2, "{honest:?}");
            break;
        }
        assert!(Instant::now() < limit, "{runs:#?}\n{}", hub.log_end());
        sleep(Duration::from_millis(300));
    }
    // A component that asks for what nobody offers is refused, the import named.
    let refused = hub.command(&["connector", "list"]).unwrap_err().to_string();
    assert!(refused.contains("evil:host/shell"), "the import is not named: {refused}");
}

fn write_world(root: &Path) {
    for name in ["data/in", "syncs"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    // Nothing comes in there; the component asks for it all the same.
    fs::write(root.join("hook"), "k3y-that-nobody-sends").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(root.join("hook"), mode).unwrap();
    fs::write(root.join("data/in/people.csv"), "id,name\n1,Ana\n2,Bo\n").unwrap();
    let mut config = format!(
        "version = 1\n[http]\nlisten = \"127.0.0.1:{}\"\n[connectors]\ndir = {:?}\n\
         [namespaces.customer]\nnormaliser = \"code\"\n\
         [connections.shop]\nconnector = \"files\"\nfolders.in = {{ path = \"data/in\" }}\n\
         [connections.shop.settings]\nfolder = \"in\"\n\
         streams.people = {{ file = \"people.csv\", key = \"id\" }}\n",
        super::free_port(),
        paths::components()
    );
    let sync = |connection: &str, stream: &str, field: &str| {
        format!(
            "connection = \"{connection}\"\nstream = \"{stream}\"\nschedule = \"every 1s\"\n\
             [[fields]]\nfield = \"{field}\"\ntrait = \"name\"\n"
        )
    };
    fs::write(root.join("syncs/people.toml"), sync("shop", "people", "name")).unwrap();
    for kind in KINDS {
        config += &format!(
            "[connections.{kind}]\nconnector = \"guest-hostile\"\nhosts = [\"granted.example\"]\n\
             credentials.hook = {{ key = \"file:hook\" }}\n\
             settings = {{ kind = \"{kind}\", url = \"https://forbidden.example/\" }}\n"
        );
        fs::write(root.join(format!("syncs/{kind}.toml")), sync(kind, "s0", "a")).unwrap();
    }
    fs::write(root.join("liaison.toml"), config).unwrap();
}
