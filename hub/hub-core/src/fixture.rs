//! What the tests of several modules share: small configurations and a seeded
//! source of choices.

use hub_model::{
    CreatePolicy, Direction, EntityKind, FieldMapping, FieldName, Mapping, Namespace, Normaliser,
    Object, RecordRef, RemoteKey, Rules, StreamRef, SyncId, TraitName, Value, WorkspaceId,
};

/// How many cases a property is tried on: so many, or what `LIAISON_CASES` says.
/// Each case is its own seed, and a failure prints it.
pub(crate) fn cases(usual: u64) -> u64 {
    let told = std::env::var("LIAISON_CASES").ok();
    told.map_or(usual, |told| told.parse().expect("LIAISON_CASES is a number of cases"))
}

/// SplitMix64: one seed decides a whole test case.
pub(crate) struct Rng(pub u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// `field trait direction [namespace]`, a line each.
pub(crate) fn mapping(connection: &str, pairs: &[&str]) -> Mapping {
    let pair = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        FieldMapping {
            field: FieldName::new(words[0]),
            direction: match words[1] {
                "->" => Direction::ToProfile,
                "<-" => Direction::ToSystem,
                "<->" => Direction::Both,
                other => panic!("{other}"),
            },
            to: TraitName::new(words[2]),
            identity: words.get(3).map(|name| (*name).into()),
            conversion: None,
        }
    };
    let fields: Vec<FieldMapping> = pairs.iter().map(pair).collect();
    let matching = fields.iter().filter(|pair| pair.identity.is_some());
    let stream = StreamRef::new("default", connection, "people");
    Mapping {
        kind: EntityKind::Person,
        matching: matching.map(|pair| pair.field.clone()).collect(),
        fields,
        create: CreatePolicy::Upsert,
        priority: 10,
        ..Mapping::new(SyncId::new(connection), stream)
    }
}

pub(crate) fn namespace(name: &str, normaliser: Normaliser) -> Namespace {
    Namespace { country: Some("FR".to_owned()), ..Namespace::new(name, normaliser) }
}

pub(crate) fn rules(namespaces: Vec<Namespace>, mappings: Vec<Mapping>) -> Rules {
    Rules::new(WorkspaceId::new("default"), namespaces, mappings)
}

pub(crate) fn at(mapping: &Mapping, key: &str) -> RecordRef {
    RecordRef { stream: mapping.stream.clone(), key: RemoteKey::new(key) }
}

/// A row of text fields; an empty text stands for null.
pub(crate) fn row(fields: &[(&str, &str)]) -> Object {
    let value = |text: &str| if text.is_empty() { Value::Null } else { Value::text(text) };
    fields.iter().map(|(name, text)| ((*name).into(), value(text))).collect()
}
