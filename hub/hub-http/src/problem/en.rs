//! Every refusal in English: what happened, and how to mend it.

use super::Code;

pub(super) const fn english(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::Unauthenticated => (
            "A credential is needed",
            "Send `Authorization: Bearer` with the token of the file `api-token` in the data directory, or open a link made by `liaison token link`.",
        ),
        Code::Forbidden => (
            "The credential may not do this",
            "Use a credential that holds the permission named in `detail`.",
        ),
        Code::CrossSite => (
            "The request comes from a page of another site",
            "Use the hub's own page, or a program that sends no `Origin`. Requests with a session cookie need `Origin` and the header `X-Liaison: 1`.",
        ),
        Code::WrongHost => (
            "The request is for another host",
            "Call the hub by its loopback address and port, for example http://127.0.0.1:8420.",
        ),
        Code::NoSuchPath => (
            "There is nothing at this address",
            "See the routes under /api/v1; they are listed in the documentation.",
        ),
        Code::WrongMethod => {
            ("The address takes other methods", "Use a method of the `Allow` header.")
        }
        Code::WrongContentType => {
            ("The body has the wrong type", "Send JSON with `Content-Type: application/json`.")
        }
        Code::BodyTooLarge => {
            ("The body is too large", "Send less at once; the limit is in `detail`.")
        }
        Code::BodyIncomplete => (
            "The body did not arrive whole",
            "Send it again over a sound connection. Nothing was taken.",
        ),
        Code::BadBody => (
            "The body is not what was expected",
            "Correct the JSON at the place named; unknown and doubled fields are refused.",
        ),
        Code::BadParameter => (
            "A parameter is not what was expected",
            "Correct the address; unknown and doubled parameters are refused.",
        ),
        Code::UnknownSync => ("There is no such sync", "`GET /api/v1/syncs` lists them."),
        Code::UnknownConnection => {
            ("There is no such connection", "`GET /api/v1/connections` lists them.")
        }
        Code::UnknownRun => {
            ("There is no such run", "`GET /api/v1/runs` lists those that are kept.")
        }
        Code::NoSuchEntry => (
            "The ledger of writes has no such entry",
            "`GET /api/v1/ledger` lists those that are kept: as long as `[history] keep_writes` says.",
        ),
        Code::NotHeld => (
            "The run does not wait for an answer",
            "`GET /api/v1/holds` lists those that wait; a later run of the sync takes the place of an earlier one.",
        ),
        Code::UnknownProfile => (
            "There is no such profile",
            "Ask by identity: `GET /api/v1/profiles?identity=namespace:value`.",
        ),
        Code::NotKept => (
            "What this profile was then is not kept any more",
            "Ask for a later time. How long versions are kept is `[history] keep` in liaison.toml.",
        ),
        Code::UnknownRecord => {
            ("There is no such record", "Use a record's number as `GET /api/v1/explain` gives it.")
        }
        Code::DecidedAlready => (
            "It is so already",
            "Nothing has to be done; `GET /api/v1/identity/reviews?all=true` shows what was settled.",
        ),
        Code::NotOpen => (
            "Nothing waits there",
            "`GET /api/v1/conflicts` lists the traits that wait for a person.",
        ),
        Code::KindsDiffer => (
            "A person and an account are never one",
            "Correct `kind` in the sync that brought the wrong one.",
        ),
        Code::NoSides => (
            "The records do not make two people",
            "Name some, and not all, of the profile's records by their numbers, as `GET /api/v1/explain` gives them.",
        ),
        Code::RulesChanged => (
            "The profiles do not follow the configuration yet",
            "Start the hub again: it brings them up to its configuration first.",
        ),
        Code::TooManyTogether => (
            "Too many records hang together",
            "Lower `records_per_value_max` of the namespace, or list the shared value under `never`, then decide again.",
        ),
        Code::UnknownNamespace => {
            ("There is no such namespace", "Use one of the namespaces of liaison.toml.")
        }
        Code::BadIdentity => (
            "The value names nobody in this namespace",
            "Write `namespace:value`, with a value in the form that the namespace accepts.",
        ),
        Code::NotQuarantined => (
            "No row of that key waits in quarantine",
            "`GET /api/v1/quarantine` lists the rows that wait; an accepted row leaves by itself.",
        ),
        Code::UnknownObject => (
            "There is no object of that key",
            "Ask by a sync that reads objects, and by the key that their system gives them.",
        ),
        Code::UnknownSegment => ("There is no such segment", "`GET /api/v1/segments` lists them."),
        Code::Nobody => (
            "Nobody has this identity",
            "Look the person up by another identity; somebody who was erased is not found.",
        ),
        Code::SeveralPeople => (
            "Several people have this identity",
            "Name the person by an identity that nobody else has, such as a customer number.",
        ),
        Code::WriteUnderWay => (
            "A write about this person has no known outcome yet",
            "Run the sync that writes, which finds out, then ask again.",
        ),
        Code::UnknownErasure => (
            "There is no such erasure",
            "The answer to `POST /api/v1/privacy/erasures` has the number.",
        ),
        Code::AlreadyRunning => (
            "The sync is running already",
            "Wait for the run to end, or watch it through /api/v1/events.",
        ),
        Code::UpkeepRunning => (
            "The store is being compacted or backed up already",
            "Wait until that is done; `GET /api/v1/store/work` says how far it is.",
        ),
        Code::NotVerified => (
            "The delivery is not verified",
            "Sign it with the key of the connection's credential, or send its token. The hub's log says what was missing.",
        ),
        Code::NotDecompressed => (
            "The body cannot be decompressed",
            "Send it plain, or as gzip with `Content-Encoding: gzip`.",
        ),
        Code::TooManyDeliveries => (
            "Too many deliveries at once",
            "Send it again after the time in `Retry-After`. Nothing was taken.",
        ),
        Code::DoorClosed => (
            "The connection takes no deliveries at present",
            "Send it again later. The operator sees why in `liaison check` and in the hub's log.",
        ),
        Code::NoSignIn => (
            "Nobody signs in to this connection",
            "Its credential is complete in liaison.toml, or it does not work yet: run `liaison check`.",
        ),
        Code::UnknownSignIn => (
            "This sign-in is not known, was used already, or is older than ten minutes",
            "Begin again: `liaison connection sign-in` and the connection's name.",
        ),
        Code::SignInFailed => (
            "The sign-in went wrong",
            "Look at the vendor's words, and at the client's settings there (address of the way back, scopes), then begin again: `liaison connection sign-in` and the connection's name.",
        ),
        Code::TooManyLogins => (
            "Too many failed logins",
            "Wait a quarter of an hour, then use a fresh link from `liaison token link`.",
        ),
        Code::TooManyWatchers => {
            ("Too many watchers", "Close other pages of the hub, or ask again later.")
        }
        Code::Stopping => ("The hub is stopping", "Ask again once it has started."),
    }
}
