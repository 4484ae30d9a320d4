//! `liaison segment`: who is in which segment, who would be, and why.

use std::fmt::Write as _;
use std::sync::Arc;

use hub_engine::SystemEnv;
use hub_engine::workspace::Workspace;
use hub_http::{find, segments};
use hub_model::{ProfileId, Rules, Segment};
use serde_json::{Value, json};

use super::profile::{encoded, not_an_identity};
use crate::cli::SegmentCommand;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, table, talk, text};
use crate::reach::{self, Data};
use crate::trouble::Trouble;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: SegmentCommand, out: Out) -> Result<Exit, Trouble> {
    let rules = loaded.config.rules();
    match command {
        SegmentCommand::List => list(loaded, &rules, out).await,
        SegmentCommand::Members { name, after, limit } => {
            let segment = known(loaded, &rules, &name)?;
            members(loaded, segment, (after, limit), out).await
        }
        SegmentCommand::Preview { name } => {
            let segment = known(loaded, &rules, &name)?;
            preview(loaded, segment, out).await
        }
        SegmentCommand::Explain { name, identity } => {
            let segment = known(loaded, &rules, &name)?;
            explain(loaded, segment, &identity, out).await
        }
    }
}

fn known<'a>(loaded: &Loaded, rules: &'a Rules, name: &str) -> Result<&'a Segment, Trouble> {
    let names: Vec<&str> = rules.segments.iter().map(|segment| &*segment.name).collect();
    let mend = match names.as_slice() {
        [] => format!("add a table `[segments.{name}]` to liaison.toml"),
        names => format!("known segments: {}", names.join(", ")),
    };
    let place = loaded.root.join("liaison.toml");
    let what = format!("there is no segment `{name}`");
    let missing = || Trouble::new(Exit::Usage, "cli/unknown-segment", place.display(), what, mend);
    rules.segment(name).ok_or_else(missing)
}

fn workspace(loaded: &Loaded, store: Arc<dyn hub_store::Store>) -> Workspace {
    Workspace::new(store, Arc::new(loaded.config.rules()), Arc::new(SystemEnv::default()))
}

fn rows<'v>(view: &'v Value, name: &str) -> &'v [Value] {
    view.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
}

async fn list(loaded: &Loaded, rules: &Rules, out: Out) -> Result<Exit, Trouble> {
    let view = match reach::find(loaded).await? {
        Data::Store(store) => segments::listed(&*store, rules).await?,
        Data::Hub(client) => client.get("/api/v1/segments").await?,
    };
    out.data(&view, || {
        let columns = ["/segment", "/kind", "/purpose", "/members"];
        let row = |row: &Value| columns.iter().map(|column| text(row, column)).collect();
        let rows: Vec<Vec<String>> = rows(&view, "segments").iter().map(row).collect();
        table(&["SEGMENT", "KIND", "PURPOSE", "MEMBERS"], &rows)
    })?;
    Ok(Exit::Ok)
}

async fn members(
    loaded: &Loaded,
    segment: &Segment,
    (after, limit): (Option<u64>, usize),
    out: Out,
) -> Result<Exit, Trouble> {
    let view = match reach::find(loaded).await? {
        Data::Store(store) => segments::page(&*store, segment, after.map(ProfileId), limit).await?,
        Data::Hub(client) => {
            let from = after.map(|id| format!("&after={id}")).unwrap_or_default();
            let name = &segment.name;
            client.get(&format!("/api/v1/segments/{name}/members?limit={limit}{from}")).await?
        }
    };
    let members = rows(&view, "members");
    out.data(&view, || {
        let row = |row: &Value| {
            let identities = rows(row, "identities").iter().filter_map(Value::as_str);
            let identities: Vec<&str> = identities.collect();
            vec![text(row, "/profile"), text(row, "/since"), identities.join(" ")]
        };
        let rows: Vec<Vec<String>> = members.iter().map(row).collect();
        table(&["PROFILE", "SINCE", "IDENTITIES"], &rows)
    })?;
    if let Some(next) = view.get("next").and_then(Value::as_u64) {
        talk(format!("there may be more: --after {next}"));
    }
    Ok(if members.is_empty() { Exit::Finding } else { Exit::Ok })
}

async fn preview(loaded: &Loaded, segment: &Segment, out: Out) -> Result<Exit, Trouble> {
    let view = match reach::find(loaded).await? {
        Data::Store(store) => segments::previewed(&workspace(loaded, store), segment).await?,
        Data::Hub(client) => {
            client.post_json("/api/v1/segments/preview", &json!({ "segment": segment })).await?
        }
    };
    out.data(&view, || {
        let (members, profiles) = (text(&view, "/members"), text(&view, "/profiles"));
        let name = &segment.name;
        format!("{members} of {profiles} profiles would be in the segment {name}\n")
    })?;
    Ok(Exit::Ok)
}

async fn explain(
    loaded: &Loaded,
    segment: &Segment,
    identity: &str,
    out: Out,
) -> Result<Exit, Trouble> {
    let rules = loaded.config.rules();
    let identity = find::identity(identity, &rules).map_err(|error| not_an_identity(&error))?;
    let view = match reach::find(loaded).await? {
        Data::Store(store) => {
            segments::explained(&workspace(loaded, store), segment, &identity).await?
        }
        Data::Hub(client) => {
            let (name, query) = (&segment.name, encoded(&identity.to_string()));
            client.get(&format!("/api/v1/segments/{name}/explain?identity={query}")).await?
        }
    };
    let profiles = rows(&view, "profiles");
    out.data(&view, || profiles.iter().map(|profile| page(profile, &segment.name)).collect())?;
    if profiles.is_empty() {
        talk("nobody has this identity");
        return Ok(Exit::Finding);
    }
    Ok(Exit::Ok)
}

/// Why one profile is in a segment or not, for people to read.
fn page(profile: &Value, segment: &str) -> String {
    let is_true = |pointer: &str| profile.pointer(pointer).and_then(Value::as_bool) == Some(true);
    let is_in = if is_true("/member") { "is in" } else { "is not in" };
    let mut page = format!("profile {} {is_in} {segment}\n", text(profile, "/profile"));
    // Writing into a text cannot fail.
    if !is_true("/of_kind") {
        let _ = writeln!(page, "  no   it is of another kind");
    }
    let (purpose, consent) = (text(profile, "/purpose/name"), text(profile, "/purpose/consent"));
    let permitted = word(is_true("/purpose/permitted"));
    let _ = writeln!(page, "  {permitted} purpose = {purpose}: {consent}");
    if let Some(when) = profile.get("when") {
        reason(when, 1, &mut page);
    }
    if let Some(review) = profile.get("review").and_then(Value::as_str) {
        let _ = writeln!(page, "  judged again at {review}, or when anything changes");
    }
    page
}

fn reason(view: &Value, level: usize, page: &mut String) {
    let holds = word(view.get("holds").and_then(Value::as_bool) == Some(true));
    let found = view.get("found").map(|found| format!(": {found}")).unwrap_or_default();
    let indent = "  ".repeat(level);
    let _ = writeln!(page, "{indent}{holds} {}{found}", text(view, "/condition"));
    rows(view, "parts").iter().for_each(|part| reason(part, level + 1, page));
}

const fn word(holds: bool) -> &'static str {
    if holds { "yes " } else { "no  " }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_page_names_every_condition_with_what_was_found() {
        let leaf = |condition: &str, holds, found| json!({ "condition": condition, "holds": holds, "found": found });
        let profile = json!({
            "profile": 7, "member": false, "of_kind": true, "review": "2026-01-31T00:00:00Z",
            "purpose": { "name": "newsletter/email", "permitted": true, "consent": "granted" },
            "when": { "condition": "all", "holds": false, "parts": [
                leaf("trait = status, is = \"customer\"", false, json!("lead")),
                leaf("event = visit, within = 90 days, at_least = 1", true, json!(3)),
            ] },
        });
        let lines = [
            "profile 7 is not in loyal",
            "  yes  purpose = newsletter/email: granted",
            "  no   all",
            "    no   trait = status, is = \"customer\": \"lead\"",
            "    yes  event = visit, within = 90 days, at_least = 1: 3",
            "  judged again at 2026-01-31T00:00:00Z, or when anything changes",
            "",
        ];
        assert_eq!(super::page(&profile, "loyal"), lines.join("\n"));
    }
}
