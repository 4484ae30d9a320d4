//! People get their mail, once, in a server that somebody else wrote; and what
//! bounces comes back to them.

use std::{fs, path::Path};

use serde_json::{Value, json};
use xtask::{
    Unavailable,
    demo::hub,
    mail::{self, Catcher},
    paths,
};

const PEOPLE: &str = "email,name\nana@x.example,Zoé «Ana» <b>\ngone@x.example,Bob\n\
                      unknown@x.example,Cid\nfull@x.example,Dan\n";
const HTML: &str = "<style>p { color: red }</style><p>Dear {{name}}</p>";

/// A hub's folder with a file of people and the server.
struct Place {
    root: tempfile::TempDir,
    catcher: Catcher,
}

impl Place {
    fn new() -> Result<Self, Unavailable> {
        mail::ready()?;
        let root = tempfile::tempdir().unwrap();
        let catcher = Catcher::start(&root.path().join("mx")).unwrap();
        for name in ["in", "syncs", "secrets"] {
            fs::create_dir_all(root.path().join(name)).unwrap();
        }
        fs::write(root.path().join("in/people.csv"), PEOPLE).unwrap();
        let place = Self { root, catcher };
        place.write_secret(mail::PASSWORD);
        let port = place.catcher.port;
        let config = format!(
            "version = 1\n[connectors]\ndir = {:?}\n\
             [namespaces.email]\nnormaliser = \"email\"\n\
             [connections.list]\nconnector = \"files\"\nfolders.in = {{ path = \"in\" }}\n\
             [connections.list.settings]\nfolder = \"in\"\n\
             streams.people = {{ file = \"people.csv\", key = \"email\" }}\n\
             [connections.mail]\nconnector = \"email-smtp\"\nhosts = [\"127.0.0.1:{port}\"]\n\
             private = [\"127.0.0.1/32:{port}\"]\ninsecure_http = true\n\
             folders.back = {{ path = {:?} }}\n\
             credentials.login = {{ username = \"file:secrets/user\", password = \"file:secrets/mail\" }}\n\
             [connections.mail.settings]\nserver = \"127.0.0.1:{port}\"\nsecurity = \"none\"\n\
             from = \"news@shop.example\"\nfrom_name = \"Chez Zoé\"\nreports = \"back\"\n\
             return_path = \"bounces@shop.example\"\n\
             [connections.mail.settings.templates.welcome]\nsubject = \"Welcome, {{{{name}}}}\"\n\
             text = \"Dear {{{{name}}}},\\n.\\nwelcome = welcome\"\nhtml = {HTML:?}\n\
             unsubscribe = \"https://shop.example/leave?who={{{{to}}}}\"\n\
             [connections.mail.settings.templates.large]\nsubject = \"Large\"\ntext = {:?}\n",
            paths::components(),
            place.catcher.maildir(),
            "x".repeat(30_000),
        );
        place.write("liaison.toml", &config);
        place.write("secrets/user", mail::USER);
        restrict(&place.root.path().join("secrets/user"));
        place.write(
            "syncs/list.toml",
            "connection = \"list\"\nstream = \"people\"\nschedule = \"manual\"\n\
             [[fields]]\nfield = \"email\"\ntrait = \"email\"\nidentity = \"email\"\n\
             [[fields]]\nfield = \"name\"\ntrait = \"name\"\n",
        );
        for template in ["welcome", "large"] {
            place.write(
                &format!("syncs/{template}.toml"),
                &format!(
                    "connection = \"mail\"\nstream = \"{template}\"\nschedule = \"manual\"\n\
                     create = \"create-only\"\nmatching = [\"to\"]\n\
                     [[fields]]\nfield = \"to\"\ntrait = \"email\"\ndirection = \"<-\"\n{}",
                    match template {
                        "welcome" =>
                            "[[fields]]\nfield = \"name\"\ntrait = \"name\"\ndirection = \"<-\"\n",
                        _ => "",
                    }
                ),
            );
        }
        place.write(
            "syncs/back.toml",
            "connection = \"mail\"\nstream = \"reports\"\nkind = \"event\"\nschedule = \"manual\"\n\
             [event]\nname = \"event\"\ntime = { field = \"timestamp\", format = \"rfc3339\" }\n\
             [[fields]]\nfield = \"email\"\nidentity = \"email\"\n",
        );
        Ok(place)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.root.path().join(name), text).unwrap();
    }

    fn write_secret(&self, password: &str) {
        self.write("secrets/mail", password);
        restrict(&self.root.path().join("secrets/mail"));
    }

    fn liaison(&self, arguments: &[&str]) -> (bool, Value, String) {
        let output = hub::output(&paths::binary(), self.root.path(), arguments).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let told = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.success(), told, said)
    }

    fn run(&self, sync: &str) -> Value {
        let (_, run, said) = self.liaison(&["sync", "run", sync, "--json"]);
        assert!(run.is_object(), "{sync}: {said}");
        run
    }
}

fn restrict(path: &Path) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(path, mode).unwrap();
}

#[test]
fn people_get_their_mail_once_and_what_bounces_comes_back() {
    let place = match Place::new() {
        Ok(place) => place,
        Err(missing) => {
            return missing.skip("mail::people_get_their_mail_once_and_what_bounces_comes_back");
        }
    };
    assert_eq!(place.run("list")["status"], "succeeded");

    let (good, _, said) = place.liaison(&["connection", "check", "mail"]);
    assert!(good, "{said}");
    // Nor does a judgement send anything. What sends has to say what for.
    let config = fs::read_to_string(place.root.path().join("liaison.toml")).unwrap();
    let test = ["connector", "test", "mail", "--json"];
    let (judged, report, _) = place.liaison(&test);
    let rule = "connection::what_sends_says_what_for";
    assert!(!judged && report.to_string().contains(rule), "{report:#}");
    place.write("liaison.toml", &config.replace("\nsubject =", "\npurpose = \"news\"\nsubject ="));
    let (judged, _, said) = place.liaison(&test);
    assert!(judged, "{said}");
    place.write("liaison.toml", &config);
    assert_eq!(place.catcher.caught().unwrap().len(), 0, "a judgement sent mail");

    let run = place.run("welcome");
    let counts = &run["counts"];
    assert_eq!((&counts["created"], &counts["rejected"]), (&json!(2), &json!(1)), "{run:#}");
    let caught = place.catcher.caught().unwrap();
    let to: Vec<&Value> = caught.iter().map(|it| &it["recipients"][0]).collect();
    assert_eq!(to, ["ana@x.example", "gone@x.example"], "{caught:#?}");
    let letter = &caught[0];
    assert_eq!(letter["defects"], json!([]), "{letter:#}");
    assert_eq!(letter["sender"], "bounces@shop.example");
    let headers = &letter["headers"];
    assert_eq!(headers["Subject"], "Welcome, Zoé «Ana» <b>");
    assert_eq!(headers["From"], "Chez Zoé <news@shop.example>");
    let unsubscribe = "<https://shop.example/leave?who=ana%40x.example>";
    assert_eq!(headers["List-Unsubscribe"], unsubscribe);
    assert_eq!(headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    let lines = |name: &str| letter[name].as_str().unwrap().replace("\r\n", "\n");
    assert_eq!(lines("plain"), "Dear Zoé «Ana» <b>,\n.\nwelcome = welcome");
    let html = HTML.replace("{{name}}", "Zoé «Ana» &lt;b&gt;");
    assert_eq!(lines("html"), html);

    // Once, whatever else changes about them.
    place.write("in/people.csv", &PEOPLE.replace("Bob", "Robert"));
    assert_eq!(place.run("list")["status"], "succeeded");
    assert_eq!(place.run("welcome")["counts"]["created"], 0);
    assert_eq!(place.catcher.caught().unwrap().len(), 2);

    // What the server takes from nobody is refused for each, by its size.
    let run = place.run("large");
    assert_eq!((&run["counts"]["created"], &run["counts"]["rejected"]), (&json!(0), &json!(4)));
    assert_eq!(place.catcher.caught().unwrap().len(), 2);

    // The mailbox is read twice; the bounce is hers once.
    for _ in 0..2 {
        assert_eq!(place.run("back")["status"], "succeeded");
    }
    let (_, shown, said) = place.liaison(&["profile", "events", "email:gone@x.example", "--json"]);
    let events = shown["profiles"][0]["events"].as_array().cloned().unwrap_or_default();
    assert_eq!(events.len(), 1, "{shown:#} {said}");
    assert_eq!(events[0]["name"], "bounce");
    let about = &events[0]["properties"];
    let id = caught[1]["headers"]["Message-ID"].as_str().unwrap().trim_matches(['<', '>']);
    assert_eq!(
        (&about["status"], &about["kind"]),
        (&json!("5.1.6"), &json!("hard")),
        "{events:#?}"
    );
    assert_eq!(about["message_id"], id, "{events:#?}");

    // Who is not known to the server sends nothing.
    place.write_secret("wr0ng-p4ss");
    let (good, _, said) = place.liaison(&["connection", "check", "mail"]);
    assert!(!good && said.contains("535") && !said.contains("wr0ng-p4ss"), "{said}");
    place.write("in/people.csv", &format!("{PEOPLE}eve@x.example,Eve\n"));
    assert_eq!(place.run("list")["status"], "succeeded");
    assert_eq!(place.run("welcome")["fault"]["code"], "auth");
    assert_eq!(place.catcher.caught().unwrap().len(), 2);
}
