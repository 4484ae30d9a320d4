//! Every value leads to the run and page that brought it.

use hub_engine::people::explain::explain;
use hub_model::{Identity, TraitName};

use super::town::{Town, rules};

#[tokio::test]
async fn a_value_leads_to_the_run_and_page_that_brought_it_first() {
    let town = Town::new(rules());
    for number in 0..7 {
        let mail = format!("p{number}");
        town.show(0, &format!("k{number}"), [&mail, "", "", "first"]);
    }
    let engine = town.open().await;
    let first = engine.run_once(&"crm".into()).await.unwrap();
    // Somebody else says something of the same person; then the first edits.
    town.show(1, "x", ["p5", "c5", "", "other"]);
    let shop = engine.run_once(&"shop".into()).await.unwrap();
    town.show(0, "k5", ["p5", "", "w1", "first"]);
    let second = engine.run_once(&"crm".into()).await.unwrap();

    let workspace = engine.workspace();
    let found = workspace.profiles_of(&Identity::new("email", "p5")).await.unwrap();
    let explained = explain(workspace, &found[0], None).await.unwrap();
    let names: Vec<&str> = explained.iter().map(|e| e.explanation.name.as_str()).collect();
    assert_eq!(names, ["code", "cookie", "mail", "name"]);
    let arrival = |name: &str, at: usize| {
        let explained = explained.iter().find(|e| e.explanation.name.as_str() == name).unwrap();
        let came = &explained.arrivals[at];
        let connector = came.connector.as_ref().unwrap();
        assert_eq!((connector.id.as_str(), connector.version.as_str()), ("window", "1.2.3"));
        assert_eq!(connector.digest.as_deref(), Some("ab".repeat(32).as_str()));
        (came.run.clone().unwrap(), came.pages.unwrap())
    };
    // The record was changed last by the second run; its name came with the
    // first, on the second page of three rows.
    assert_eq!(arrival("name", 0), (shop.id.clone(), (1, 1)));
    assert_eq!(arrival("name", 1), (first.id.clone(), (2, 2)));
    assert_eq!(arrival("cookie", 0), (second.id, (2, 2)));
    assert_eq!(arrival("code", 0), (shop.id, (1, 1)));

    let only = TraitName::new("name");
    let one = explain(workspace, &found[0], Some(&only)).await.unwrap();
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].explanation.evidence.len(), 2);
}
