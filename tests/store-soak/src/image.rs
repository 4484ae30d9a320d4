//! What a disk may hold after a power cut: events and a cut in, files out.
//!
//! Pessimistic on purpose. Only `fsync` and `fdatasync` make bytes durable, only
//! an `fsync` of the folder makes a name durable, and both only what was done
//! before they began. Whatever is not durable survives by chance: each block of
//! a write by itself, so that writes are lost, reordered and torn.

use std::collections::BTreeMap;

use hub_store::conformance::Random;
use io_events::Event;

/// What of a write survives or not as one.
const BLOCK_BYTES: u64 = 4096;
/// What a disk writes as one: a block may be cut between these.
const SECTOR_BYTES: u64 = 512;
/// Of a hundred blocks that survive among unsynced ones, so many are cut.
const TORN_PERCENT: u64 = 5;

/// Files and folders by their path below the root.
pub type Files = BTreeMap<String, Node>;

/// A file or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A folder.
    Folder,
    /// A file and its bytes.
    File(Vec<u8>),
}

/// How much survives of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survival {
    /// Everything: the machine did not fail.
    All,
    /// So many of a hundred pieces.
    Percent(u64),
}

impl Survival {
    fn keeps(self, random: &mut Random) -> bool {
        match self {
            Self::All => true,
            Self::Percent(share) => random.percent(share),
        }
    }

    /// Bytes of a surviving block that survive.
    fn whole(self, bytes: u64, random: &mut Random) -> u64 {
        match self {
            Self::Percent(_) if random.percent(TORN_PERCENT) => {
                random.below(bytes / SECTOR_BYTES + 1) * SECTOR_BYTES
            }
            _ => bytes,
        }
    }
}

/// Events that do not fit together: the recorder has missed something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {place} is about {what}, which nothing before it made")]
pub struct Unknown {
    place: usize,
    what: String,
}

/// The files after a cut behind `events`, which began on `base`.
///
/// # Errors
/// The events do not fit together.
pub fn image(
    base: &Files,
    events: &[Event],
    survival: Survival,
    random: &mut Random,
) -> Result<Files, Unknown> {
    let mut disk = Disk::of(base);
    for (place, event) in events.iter().enumerate() {
        disk.apply(place, event).ok_or_else(|| Unknown { place, what: format!("{event:?}") })?;
    }
    Ok(disk.cut(survival, random))
}

type Id = usize;
const ROOT: Id = 0;

/// Something done to a file or folder, and the event that did it.
struct Done<T> {
    event: usize,
    what: T,
}

enum Change {
    Write { offset: u64, data: Vec<u8>, zeros: u64 },
    Truncate(u64),
}

enum Naming {
    Put(String, Id),
    Drop(String),
}

/// What is durable, and what was done since.
enum Object {
    File { durable: Vec<u8>, since: Vec<Done<Change>> },
    Folder { durable: BTreeMap<String, Id>, since: Vec<Done<Naming>> },
}

struct Disk {
    objects: Vec<Object>,
    /// What the program sees: names now, as paths.
    names: BTreeMap<String, Id>,
    inodes: BTreeMap<u64, Id>,
}

fn parts(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

impl Disk {
    fn of(base: &Files) -> Self {
        let root = Object::Folder { durable: BTreeMap::new(), since: Vec::new() };
        let names = BTreeMap::from([(String::new(), ROOT)]);
        let mut disk = Self { objects: vec![root], names, inodes: BTreeMap::new() };
        // In the order of paths a folder comes before what is in it.
        for (path, node) in base {
            let object = match node {
                Node::Folder => Object::Folder { durable: BTreeMap::new(), since: Vec::new() },
                Node::File(bytes) => Object::File { durable: bytes.clone(), since: Vec::new() },
            };
            let id = disk.add(path, object);
            let (parent, name) = parts(path);
            let parent = disk.names.get(parent).copied().unwrap_or(ROOT);
            if let Some(Object::Folder { durable, .. }) = disk.objects.get_mut(parent) {
                durable.insert(name.to_owned(), id);
            }
        }
        disk
    }

    fn add(&mut self, path: &str, object: Object) -> Id {
        let id = self.objects.len();
        self.objects.push(object);
        self.names.insert(path.to_owned(), id);
        id
    }

    fn named(&mut self, event: usize, path: &str, id: Option<Id>) -> Option<()> {
        let (parent, name) = parts(path);
        let parent = self.names.get(parent).copied()?;
        let Object::Folder { since, .. } = self.objects.get_mut(parent)? else { return None };
        let what = match id {
            Some(id) => Naming::Put(name.to_owned(), id),
            None => Naming::Drop(name.to_owned()),
        };
        since.push(Done { event, what });
        Some(())
    }

    fn changed(&mut self, event: usize, file: u64, what: Change) -> Option<()> {
        let id = self.inodes.get(&file)?;
        let Object::File { since, .. } = self.objects.get_mut(*id)? else { return None };
        since.push(Done { event, what });
        Some(())
    }

    fn apply(&mut self, place: usize, event: &Event) -> Option<()> {
        match event {
            Event::Open { path, file, created: true } => {
                let object = Object::File { durable: Vec::new(), since: Vec::new() };
                let id = self.add(path, object);
                self.inodes.insert(*file, id);
                self.named(place, path, Some(id))
            }
            Event::Open { path, file, created: false } => {
                let id = *self.names.get(path)?;
                self.inodes.insert(*file, id);
                Some(())
            }
            Event::Folder { path, file } => {
                let object = Object::Folder { durable: BTreeMap::new(), since: Vec::new() };
                let id = self.add(path, object);
                self.inodes.insert(*file, id);
                self.named(place, path, Some(id))
            }
            Event::Write { file, offset, data, zeros } => {
                let what = Change::Write { offset: *offset, data: data.clone(), zeros: *zeros };
                self.changed(place, *file, what)
            }
            Event::Truncate { file, bytes } => self.changed(place, *file, Change::Truncate(*bytes)),
            Event::Sync { file, began } => {
                let id = *self.inodes.get(file)?;
                self.objects.get_mut(id)?.sync(*began);
                Some(())
            }
            Event::RangeSync { .. } | Event::Said { .. } => Some(()),
            Event::Rename { from, to } => {
                let id = *self.names.get(from)?;
                self.named(place, from, None)?;
                self.named(place, to, Some(id))?;
                self.moved(from, to);
                Some(())
            }
            Event::Remove { path } => {
                self.names.remove(path)?;
                self.named(place, path, None)
            }
        }
    }

    /// A name and everything below it is another one now.
    fn moved(&mut self, from: &str, to: &str) {
        let below = format!("{from}/");
        let old: Vec<String> = self
            .names
            .keys()
            .filter(|path| *path == from || path.starts_with(&below))
            .cloned()
            .collect();
        for path in old {
            if let (Some(id), Some(rest)) = (self.names.remove(&path), path.get(from.len()..)) {
                self.names.insert(format!("{to}{rest}"), id);
            }
        }
    }

    fn cut(&self, survival: Survival, random: &mut Random) -> Files {
        let mut cut = Cut { disk: self, survival, random, names_kept: BTreeMap::new() };
        let mut files = Files::new();
        cut.folder(ROOT, "", &mut files);
        files
    }
}

impl Object {
    /// What was done before the event `began` is durable.
    fn sync(&mut self, began: u64) {
        let before = |event: usize| (event as u64) < began;
        match self {
            Self::File { durable, since } => {
                let count = since.partition_point(|done| before(done.event));
                for done in since.drain(..count) {
                    done.what.apply(durable, Some);
                }
            }
            Self::Folder { durable, since } => {
                let count = since.partition_point(|done| before(done.event));
                for done in since.drain(..count) {
                    done.what.apply(durable);
                }
            }
        }
    }
}

impl Change {
    /// Applies it. `keeps` says of each block, by its length, how many of its
    /// first bytes there are; a truncation is a block of 0 bytes.
    fn apply(&self, bytes: &mut Vec<u8>, mut keeps: impl FnMut(u64) -> Option<u64>) {
        let index = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        match self {
            Self::Truncate(length) => {
                if keeps(0).is_some() {
                    bytes.resize(index(*length), 0);
                }
            }
            Self::Write { offset, data, zeros } => {
                let end = offset + data.len() as u64 + zeros;
                let mut begin = *offset;
                while begin < end {
                    let stop = ((begin / BLOCK_BYTES + 1) * BLOCK_BYTES).min(end);
                    if let Some(kept) = keeps(stop - begin) {
                        let stop = begin + kept.min(stop - begin);
                        if bytes.len() < index(stop) {
                            bytes.resize(index(stop), 0);
                        }
                        let from = index(begin - offset).min(data.len());
                        let to = index(stop - offset).min(data.len());
                        let (whole, zeros_from) = (&data[from..to], index(begin) + to - from);
                        bytes[index(begin)..zeros_from].copy_from_slice(whole);
                        bytes[zeros_from..index(stop).max(zeros_from)].fill(0);
                    }
                    begin = stop;
                }
            }
        }
    }
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<String, Id>) {
        match self {
            Self::Put(name, id) => names.insert(name.clone(), *id),
            Self::Drop(name) => names.remove(name),
        };
    }
}

struct Cut<'a> {
    disk: &'a Disk,
    survival: Survival,
    random: &'a mut Random,
    /// Whether the naming of an event survives: both halves of a rename or none.
    names_kept: BTreeMap<usize, bool>,
}

impl Cut<'_> {
    fn folder(&mut self, id: Id, path: &str, files: &mut Files) {
        let Some(Object::Folder { durable, since }) = self.disk.objects.get(id) else { return };
        let mut names = durable.clone();
        for done in since {
            let (survival, random) = (self.survival, &mut *self.random);
            let kept = self.names_kept.entry(done.event).or_insert_with(|| survival.keeps(random));
            if *kept {
                done.what.apply(&mut names);
            }
        }
        for (name, id) in names {
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            match self.disk.objects.get(id) {
                Some(Object::Folder { .. }) => {
                    files.insert(path.clone(), Node::Folder);
                    self.folder(id, &path, files);
                }
                Some(Object::File { durable, since }) => {
                    let mut bytes = durable.clone();
                    for done in since {
                        done.what.apply(&mut bytes, |length| {
                            let kept = self.survival.keeps(self.random);
                            kept.then(|| self.survival.whole(length, self.random))
                        });
                    }
                    files.insert(path, Node::File(bytes));
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Files, Node, Random, Survival, image};

    const NONE: Survival = Survival::Percent(0);

    fn open(path: &str, file: u64) -> Event {
        Event::Open { path: path.to_owned(), file, created: true }
    }

    fn root() -> Event {
        Event::Open { path: String::new(), file: 1, created: false }
    }

    fn after(base: &Files, events: &[Event], survival: Survival) -> Files {
        image(base, events, survival, &mut Random::new(1)).unwrap()
    }

    fn files(list: &[(&str, &[u8])]) -> Files {
        list.iter().map(|(path, bytes)| ((*path).to_owned(), Node::File(bytes.to_vec()))).collect()
    }

    #[test]
    fn only_what_was_synced_before_survives_the_worst_cut() {
        let sync = |file, began| Event::Sync { file, began };
        // (events, what is left when nothing unsynced survives)
        let cases: Vec<(Vec<Event>, Files)> = vec![
            // A name needs the folder's sync, bytes need the file's.
            (vec![root(), open("a", 2), Event::write(2, 0, b"x"), sync(2, 3)], files(&[])),
            (
                vec![root(), open("a", 2), Event::write(2, 0, b"x"), sync(1, 3)],
                files(&[("a", b"")]),
            ),
            (
                vec![root(), open("a", 2), Event::write(2, 0, b"x"), sync(2, 3), sync(1, 4)],
                files(&[("a", b"x")]),
            ),
            // A range sync promises nothing.
            (
                vec![
                    root(),
                    open("a", 2),
                    sync(1, 2),
                    Event::write(2, 0, b"x"),
                    Event::RangeSync { file: 2 },
                ],
                files(&[("a", b"")]),
            ),
            // A write that came while the sync ran is not covered.
            (
                vec![
                    root(),
                    open("a", 2),
                    sync(1, 2),
                    Event::write(2, 0, b"x"),
                    Event::write(2, 1, b"y"),
                    sync(2, 4),
                ],
                files(&[("a", b"x")]),
            ),
            // An unsynced rename and an unsynced removal have not happened.
            (
                vec![
                    root(),
                    open("a", 2),
                    open("b", 3),
                    sync(1, 3),
                    Event::Rename { from: "a".to_owned(), to: "c".to_owned() },
                    Event::Remove { path: "b".to_owned() },
                ],
                files(&[("a", b""), ("b", b"")]),
            ),
        ];
        for (place, (events, wanted)) in cases.iter().enumerate() {
            assert_eq!(after(&Files::new(), events, NONE), *wanted, "case {place}");
        }
    }

    #[test]
    fn without_loss_every_event_shows() {
        let base = files(&[("old", b"abc")]);
        let mut events = vec![
            Event::Folder { path: "d".to_owned(), file: 9 },
            open("d/a", 2),
            Event::write(2, 4095, b"xyz\0\0"),
            Event::write(2, 1, b"\0\0"),
            Event::Open { path: "old".to_owned(), file: 3, created: false },
            Event::Truncate { file: 3, bytes: 1 },
            Event::Rename { from: "d".to_owned(), to: "e".to_owned() },
        ];
        let mut content = vec![0; 4100];
        content[4095..4098].copy_from_slice(b"xyz");
        let mut wanted = files(&[("old", b"a"), ("e/a", &content)]);
        wanted.insert("e".to_owned(), Node::Folder);
        assert_eq!(after(&base, &events, Survival::All), wanted);
        // Nothing was synced: the base is what is left.
        assert_eq!(after(&base, &events, NONE), base);
        // The inode of a removed file is that of a later one.
        events.push(Event::Remove { path: "e/a".to_owned() });
        events.extend([open("n", 2), Event::write(2, 0, b"n")]);
        wanted.remove("e/a");
        wanted.extend(files(&[("n", b"n")]));
        assert_eq!(after(&base, &events, Survival::All), wanted);
    }

    #[test]
    fn blocks_of_one_write_survive_by_themselves() {
        let events = [
            root(),
            open("a", 2),
            Event::Sync { file: 1, began: 2 },
            Event::write(2, 0, &[7; 64 * 4096]),
        ];
        let mut shares = Vec::new();
        for seed in 0..50 {
            let mut random = Random::new(seed);
            let left = image(&Files::new(), &events, Survival::Percent(50), &mut random).unwrap();
            let Some(Node::File(bytes)) = left.get("a") else { panic!("seed {seed}: no file") };
            shares.push(bytes.iter().filter(|byte| **byte == 7).count());
        }
        let whole = 64 * 4096;
        assert!(shares.iter().all(|share| (1..whole).contains(share)), "{shares:?}");
        let sum: usize = shares.iter().sum();
        assert!((whole * 20..whole * 30).contains(&sum), "about half of 50 images: {sum}");
        // Some block was cut between two sectors.
        assert!(shares.iter().any(|share| share % 4096 != 0), "{shares:?}");
    }

    #[test]
    fn a_rename_is_whole_or_not_at_all() {
        let mut base = files(&[("d/a", b"x")]);
        base.extend([("d".to_owned(), Node::Folder), ("e".to_owned(), Node::Folder)]);
        let events = [Event::Rename { from: "d/a".to_owned(), to: "e/b".to_owned() }];
        let mut seen = [false; 2];
        for seed in 0..20 {
            let mut random = Random::new(seed);
            let left = image(&base, &events, Survival::Percent(50), &mut random).unwrap();
            let (old, new) = (left.contains_key("d/a"), left.contains_key("e/b"));
            assert!(old != new, "seed {seed}");
            seen[usize::from(new)] = true;
        }
        assert_eq!(seen, [true; 2]);
    }

    #[test]
    fn a_missing_event_is_noticed() {
        let events = [Event::write(2, 0, b"x")];
        assert!(image(&Files::new(), &events, NONE, &mut Random::new(1)).is_err());
    }
}
