//! `liaison connector test`: the conformance suite on a component in the sandbox.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hub_config::ConnectionConfig;
use hub_model::{Object, Value as Held};
use plugin_api::{Connector, Delivery, Identity, Manifest};
use plugin_conformance::destination::Sample;
use plugin_conformance::judge::{TROUBLE_RULES, WRONG_SETTINGS};
use plugin_conformance::{
    Judged, Standing, Subject, connection, judge, judge_audience, judge_inbound, judge_trouble,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{badge, stage::Stage};
use crate::exit::Exit;
use crate::load::{Loaded, near};
use crate::out::{Out, table, talk};
use crate::trouble::Trouble;
use crate::wire::{Wiring, call};

/// What a stream may be tried with: a row, a member of an audience, a delivery.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SampleFile {
    /// A row to create.
    row: serde_json::Map<String, Value>,
    /// One field of it, with another value.
    changed: serde_json::Map<String, Value>,
    /// A field of it to clear.
    cleared: String,
    /// Whom to put into an audience: values by field.
    member: BTreeMap<String, String>,
    /// What the vendor pushes, after the door.
    delivery: Option<DeliveryFile>,
}

/// A delivery, without its credential.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeliveryFile {
    target: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Value,
}

/// The samples of a stream.
#[derive(Default)]
struct Samples {
    row: Option<Sample>,
    member: Option<Vec<Identity>>,
    delivery: Option<Delivery>,
}

/// The rules of one stream.
struct Stream {
    name: String,
    rules: Vec<Judged>,
}

/// Judges a connection's connector and prints the score.
///
/// # Errors
/// What the command refuses: an unknown connection or stream, samples that are none, a
/// component that cannot be bound.
pub async fn run(
    loaded: &Loaded,
    id: &str,
    stream: Option<&str>,
    samples: Option<&Path>,
    badge: Option<&Path>,
    out: Out,
) -> Result<Exit, Trouble> {
    let config = loaded.connection(id)?;
    let mut samples = samples.map(read_samples).transpose()?.unwrap_or_default();
    let wiring = Wiring::passing(loaded)?;
    let bound = wiring.bind(config).await?;
    let connector = &*bound.connector;
    let names = streams(connector, stream).await?;
    if let Some(name) = samples.keys().find(|name| !names.contains(name)) {
        let mend = near(name, names.iter().map(String::as_str), "leave it out");
        let what = format!("there is no stream `{name}` to write a sample into");
        return Err(Trouble::new(Exit::Usage, "connector/samples", "", what, mend));
    }
    let mut judged = Vec::new();
    for name in names {
        talk(format!("{name}: judging"));
        let sample = samples.remove(&name).unwrap_or_default();
        let subject = subject(connector, &name);
        let mut rules = judge(&subject, sample.row.as_ref()).await;
        if connector.audience().is_some() {
            rules.extend(judge_audience(&subject, sample.member.as_deref()).await);
        }
        if connector.inbound().is_some() {
            rules.extend(judge_inbound(&subject, sample.delivery.as_ref()).await);
        }
        rules.push(wrong_settings(&wiring, config, &name).await?);
        rules.extend(in_trouble(&wiring, config, &subject).await?);
        judged.push(Stream { name, rules });
    }
    show(connector, id, &judged, badge, out)
}

fn subject<'a>(connector: &'a dyn Connector, stream: &str) -> Subject<'a> {
    Subject { call: call("conformance"), ..Subject::new(connector, stream) }
}

/// The streams to judge: all, or the one that was named.
async fn streams(connector: &dyn Connector, wanted: Option<&str>) -> Result<Vec<String>, Trouble> {
    let found = connector.discover(&call("conformance")).await.map_err(|fault| Trouble {
        exit: Exit::Finding,
        items: vec![crate::trouble::Item::of_fault(&fault, crate::commands::lang())],
    })?;
    let names: Vec<String> = found.iter().map(|stream| stream.name.to_string()).collect();
    match wanted {
        None => Ok(names),
        Some(name) if names.iter().any(|known| known == name) => Ok(vec![name.to_owned()]),
        Some(name) => {
            let mend = near(name, names.iter().map(String::as_str), "the connector has no stream");
            let what = format!("there is no stream `{name}`");
            Err(Trouble::new(Exit::Usage, "connector/unknown-stream", "", what, mend))
        }
    }
}

/// Settings that no connector knows: they lack what is required and hold what is unknown.
async fn wrong_settings(
    wiring: &Wiring<'_>,
    config: &ConnectionConfig,
    stream: &str,
) -> Result<Judged, Trouble> {
    let settings = json!({ "conformance-unknown-setting": true });
    let bound = wiring.bind_on_stage(config, settings, None).await?;
    let subject = subject(&*bound.connector, stream);
    let verdict = connection::wrong_settings_are_a_config_fault(&subject).await;
    let standing = verdict.map_or_else(Standing::Broken, |()| Standing::Kept);
    Ok(Judged { rule: WRONG_SETTINGS, standing })
}

/// The connector bound to a system in each trouble, where its address is a setting.
async fn in_trouble(
    wiring: &Wiring<'_>,
    config: &ConnectionConfig,
    healthy: &Subject<'_>,
) -> Result<Vec<Judged>, Trouble> {
    let (manifest, stream) = (healthy.connector.manifest(), healthy.stream.as_str());
    // A token that is given as it is needs no log-in.
    let given = config.credentials.values().any(|parts| parts.contains_key("token"));
    let address = match address_setting(manifest, &config.settings, given) {
        Ok(address) => address,
        Err(why) => {
            let rules: Vec<&str> = TROUBLE_RULES.iter().map(|(rule, _)| *rule).collect();
            return Ok(plugin_conformance::judge::not_judged(&rules, why));
        }
    };
    let known = healthy.some_key().await;
    let mut judged = Vec::new();
    for (_, trouble) in TROUBLE_RULES {
        let stage = Stage::begin(*trouble).await.map_err(|error| {
            let what = format!("no port of this machine can be had: {error}");
            let mend = "check that loopback works and ports are free";
            Trouble::new(Exit::Usage, "connector/stage", "127.0.0.1", what, mend)
        })?;
        let mut settings = config.settings.clone();
        settings[address] = format!("http://127.0.0.1:{}", stage.port).into();
        let bound = wiring.bind_on_stage(config, settings, Some(stage.port)).await?;
        let troubled = Subject { known: known.clone(), ..subject(&*bound.connector, stream) };
        judged.push(judge_trouble(&troubled, *trouble).await);
    }
    Ok(judged)
}

/// The setting that holds the system's address, or why there is none to change.
fn address_setting<'m>(
    manifest: &'m Manifest,
    settings: &Value,
    token_given: bool,
) -> Result<&'m str, &'static str> {
    let logs_in = |kind: &str| kind == "session" || (kind == "oauth2" && !token_given);
    if manifest.credentials.iter().any(|slot| logs_in(&slot.kind)) {
        return Err("the host logs in first, and would meet the trouble itself");
    }
    let [host] = &manifest.hosts[..] else {
        return Err("it reaches no host, or several: none of its settings is the address");
    };
    let name = host.0.strip_prefix("{settings.").and_then(|name| name.strip_suffix('}'));
    let name = name.ok_or("its host is fixed, so it cannot be led to a system in trouble")?;
    let url = settings.get(name).and_then(Value::as_str).is_some_and(|url| url.contains("://"));
    if url { Ok(name) } else { Err("the setting of its host is no address") }
}

fn read_samples(path: &Path) -> Result<BTreeMap<String, Samples>, Trouble> {
    let refuse = |what: String, mend: &str| {
        Trouble::new(Exit::Usage, "connector/samples", path.display(), what, mend)
    };
    let form = "by stream: \"row\", \"changed\" with one field of it, and \"cleared\"; \
                or \"member\"; or \"delivery\"";
    let text = fs::read(path)
        .map_err(|error| refuse(format!("it cannot be read: {error}"), "check the path"))?;
    let files: BTreeMap<String, SampleFile> =
        serde_json::from_slice(&text).map_err(|error| refuse(error.to_string(), form))?;
    let mut samples = BTreeMap::new();
    for (stream, file) in files {
        let identity = |(namespace, value): (&String, &String)| Identity {
            namespace: namespace.clone(),
            value: value.clone(),
        };
        let member: Vec<Identity> = file.member.iter().map(identity).collect();
        let delivery = file.delivery.as_ref().map(DeliveryFile::delivery);
        let row = if file.row.is_empty() && (delivery.is_some() || !member.is_empty()) {
            None
        } else {
            Some(row_of(file).map_err(|what| refuse(format!("{stream}: {what}"), form))?)
        };
        let member = Some(member).filter(|member| !member.is_empty());
        samples.insert(stream, Samples { row, member, delivery });
    }
    Ok(samples)
}

impl DeliveryFile {
    fn delivery(&self) -> Delivery {
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
        Delivery {
            method: "POST".to_owned(),
            target: self.target.clone(),
            headers: headers.collect(),
            body: self.body.to_string().into_bytes(),
            received: call("conformance").now,
        }
    }
}

/// A row to write, or what is wrong with it.
fn row_of(file: SampleFile) -> Result<Sample, String> {
    let [(changed, value)] = &file.changed.into_iter().collect::<Vec<_>>()[..] else {
        return Err("\"changed\" needs one field".to_owned());
    };
    if !file.row.contains_key(changed) || !file.row.contains_key(&file.cleared) {
        return Err("what is changed or cleared is not in the row".to_owned());
    }
    let held = |value: &Value| Held::from_json(value.clone()).map_err(|error| error.to_string());
    let row: Result<Object, String> =
        file.row.iter().map(|(name, value)| Ok((name.as_str().into(), held(value)?))).collect();
    Ok(Sample::new(row?, (changed, held(value)?), &file.cleared))
}

const fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Kept => "kept",
        Standing::Broken(_) => "broken",
        Standing::NotJudged(_) => "not judged",
    }
}

fn show(
    connector: &dyn Connector,
    id: &str,
    streams: &[Stream],
    badge: Option<&Path>,
    out: Out,
) -> Result<Exit, Trouble> {
    let all = || streams.iter().flat_map(|stream| &stream.rules);
    let count = |wanted: &str| all().filter(|it| word(&it.standing) == wanted).count();
    let (kept, broken, not_judged) = (count("kept"), count("broken"), count("not judged"));
    let judged = kept + broken;
    let view = |it: &Judged| json!({ "rule": it.rule, "verdict": word(&it.standing), "sentence": it.sentence() });
    let views: Vec<Value> = streams
        .iter()
        .map(|it| json!({ "stream": it.name, "rules": it.rules.iter().map(view).collect::<Vec<_>>() }))
        .collect();
    let manifest = connector.manifest();
    let report = json!({
        "connection": id, "connector": manifest.id, "version": manifest.version,
        "contract": manifest.contract, "digest": connector.digest(), "streams": views,
        "score": { "kept": kept, "broken": broken, "not_judged": not_judged },
    });
    out.data(&report, || {
        let row = |stream: &Stream, it: &Judged| {
            vec![
                stream.name.clone(),
                it.rule.to_owned(),
                word(&it.standing).to_owned(),
                it.sentence(),
            ]
        };
        let rows: Vec<_> = streams
            .iter()
            .flat_map(|stream| stream.rules.iter().map(move |it| row(stream, it)))
            .collect();
        let head = ["STREAM", "RULE", "VERDICT", "SENTENCE"];
        let score = format!("{kept} of {judged} rules kept, {not_judged} not judged\n");
        format!("{}{score}", table(&head, &rows))
    })?;
    if let Some(path) = badge {
        fs::write(path, badge::svg(kept, judged)).map_err(|error| {
            let what = format!("the badge cannot be written: {error}");
            let mend = "check owner, permissions and free space of the folder";
            Trouble::new(Exit::Usage, "connector/write", path.display(), what, mend)
        })?;
    }
    Ok(if broken == 0 { Exit::Ok } else { Exit::Finding })
}

#[cfg(test)]
mod tests {
    use plugin_api::Manifest;
    use serde_json::{Value, json};

    use super::{address_setting, read_samples};

    fn manifest(hosts: &Value, kind: &str) -> Manifest {
        let manifest = json!({
            "id": "x", "version": "1", "contract": "0.1.0", "capabilities": [], "settings": {},
            "hosts": hosts, "credentials": [{ "name": "token", "kind": kind }],
        });
        serde_json::from_value(manifest).unwrap()
    }

    #[test]
    fn a_system_in_trouble_takes_the_place_of_an_address_that_is_a_setting() {
        let settings = json!({ "url": "https://x.fr", "name": "x" });
        for (hosts, kind, expected) in [
            (json!(["{settings.url}"]), "bearer", Ok("url")),
            (json!(["{settings.url}"]), "session", Err("logs in")),
            (json!(["{settings.url}"]), "oauth2", Err("logs in")),
            (json!(["{settings.url}"]), "oauth2 with a token", Ok("url")),
            (json!(["api.x.fr"]), "bearer", Err("fixed")),
            (json!(["{settings.name}"]), "bearer", Err("no address")),
            (json!([]), "bearer", Err("no host")),
            (json!(["{settings.url}", "x.fr"]), "bearer", Err("several")),
        ] {
            let (kind, given) = match kind.strip_suffix(" with a token") {
                Some(kind) => (kind, true),
                None => (kind, false),
            };
            let manifest = manifest(&hosts, kind);
            match (address_setting(&manifest, &settings, given), expected) {
                (Ok(found), Ok(name)) => assert_eq!(found, name),
                (Err(why), Err(part)) => assert!(why.contains(part), "{hosts}: {why}"),
                (found, _) => panic!("{hosts} {kind}: {found:?}"),
            }
        }
    }

    #[test]
    fn samples_say_what_is_wrong_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samples.json");
        let row = json!({ "name": "Dora", "email": "d@x.fr" });
        for (text, part) in [
            (
                json!({ "people": { "row": row, "changed": { "name": "D" }, "cleared": "name" } }),
                "",
            ),
            (json!({ "people": { "row": row, "changed": {}, "cleared": "name" } }), "one field"),
            (json!({ "people": { "row": row, "changed": { "x": 1 }, "cleared": "name" } }), "row"),
            (
                json!({ "people": { "row": row, "changed": { "name": "D" }, "cleared": "x" } }),
                "row",
            ),
            (json!({ "people": { "member": { "email": "d@x.fr" } } }), ""),
            (json!({ "people": { "delivery": { "target": "/", "body": {} } } }), ""),
            (json!({ "people": {} }), "one field"),
            (json!({ "people": { "rows": row } }), "unknown field"),
            (json!([]), "invalid type"),
        ] {
            std::fs::write(&path, text.to_string()).unwrap();
            match read_samples(&path) {
                Ok(samples) => assert!(part.is_empty() && samples.contains_key("people")),
                Err(trouble) => {
                    let said = trouble.to_string();
                    assert!(!part.is_empty() && said.contains(part), "{said}");
                }
            }
        }
        assert!(read_samples(&folder.path().join("nowhere")).is_err());
    }
}
