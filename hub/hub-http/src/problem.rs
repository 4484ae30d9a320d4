//! The one shape of "no": `application/problem+json` (RFC 9457) with a stable
//! code, the place, what was expected and how to mend it.
//!
//! Handlers answer with a [`Problem`] that holds codes and arguments; it
//! becomes words in [`render`], which is the only place that knows the
//! reader's language.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hub_engine::RunRefused;
use hub_model::Fault;
use serde_json::json;

use crate::lang::Lang;
use crate::sentences::sentence;

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// No credential, or one that is not known (any more).
    Unauthenticated,
    /// The credential may not do this.
    Forbidden,
    /// The request was made by a page of another site.
    CrossSite,
    /// The name in `Host` is not a name of this hub.
    WrongHost,
    /// There is nothing at this address.
    NoSuchPath,
    /// The address takes other methods.
    WrongMethod,
    /// The body has another content type than the address takes.
    WrongContentType,
    /// The body is larger than the address takes.
    BodyTooLarge,
    /// The body did not arrive in time or broke off.
    BodyIncomplete,
    /// The body is not what was expected.
    BadBody,
    /// A parameter is unknown, doubled or out of range.
    BadParameter,
    /// There is no such sync.
    UnknownSync,
    /// There is no such connection.
    UnknownConnection,
    /// There is no such run.
    UnknownRun,
    /// There is no such profile.
    UnknownProfile,
    /// There is no such record.
    UnknownRecord,
    /// It was decided, or is so, already.
    DecidedAlready,
    /// A person and an account are never one.
    KindsDiffer,
    /// The records named do not make two sides.
    NoSides,
    /// The profiles do not follow the configuration yet.
    RulesChanged,
    /// Too many records hang together to be decided about at once.
    TooManyTogether,
    /// There is no such namespace.
    UnknownNamespace,
    /// The value is not one that the namespace accepts.
    BadIdentity,
    /// No row of that key waits in quarantine.
    NotQuarantined,
    /// Nobody has the identity.
    Nobody,
    /// Several people have the identity.
    SeveralPeople,
    /// A write about the person has no known outcome yet.
    WriteUnderWay,
    /// There is no such erasure.
    UnknownErasure,
    /// The sync is running already.
    AlreadyRunning,
    /// The store is being compacted or backed up.
    UpkeepRunning,
    /// Too many failed logins.
    TooManyLogins,
    /// Too many watchers.
    TooManyWatchers,
    /// The hub stops.
    Stopping,
}

impl Code {
    /// Every code, for tests.
    pub const ALL: &'static [Self] = &[
        Self::Unauthenticated,
        Self::Forbidden,
        Self::CrossSite,
        Self::WrongHost,
        Self::NoSuchPath,
        Self::WrongMethod,
        Self::WrongContentType,
        Self::BodyTooLarge,
        Self::BodyIncomplete,
        Self::BadBody,
        Self::BadParameter,
        Self::UnknownSync,
        Self::UnknownConnection,
        Self::UnknownRun,
        Self::UnknownProfile,
        Self::UnknownRecord,
        Self::DecidedAlready,
        Self::KindsDiffer,
        Self::NoSides,
        Self::RulesChanged,
        Self::TooManyTogether,
        Self::UnknownNamespace,
        Self::BadIdentity,
        Self::NotQuarantined,
        Self::Nobody,
        Self::SeveralPeople,
        Self::WriteUnderWay,
        Self::UnknownErasure,
        Self::AlreadyRunning,
        Self::UpkeepRunning,
        Self::TooManyLogins,
        Self::TooManyWatchers,
        Self::Stopping,
    ];

    /// The code as text and the status that goes with it.
    pub const fn parts(self) -> (&'static str, StatusCode) {
        match self {
            Self::Unauthenticated => ("http/unauthenticated", StatusCode::UNAUTHORIZED),
            Self::Forbidden => ("http/forbidden", StatusCode::FORBIDDEN),
            Self::CrossSite => ("http/cross-site", StatusCode::FORBIDDEN),
            Self::WrongHost => ("http/wrong-host", StatusCode::MISDIRECTED_REQUEST),
            Self::NoSuchPath => ("http/no-such-path", StatusCode::NOT_FOUND),
            Self::WrongMethod => ("http/wrong-method", StatusCode::METHOD_NOT_ALLOWED),
            Self::WrongContentType => {
                ("http/wrong-content-type", StatusCode::UNSUPPORTED_MEDIA_TYPE)
            }
            Self::BodyTooLarge => ("http/body-too-large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::BodyIncomplete => ("http/body-incomplete", StatusCode::REQUEST_TIMEOUT),
            Self::BadBody => ("http/bad-body", StatusCode::BAD_REQUEST),
            Self::BadParameter => ("http/bad-parameter", StatusCode::BAD_REQUEST),
            Self::UnknownSync => ("http/unknown-sync", StatusCode::NOT_FOUND),
            Self::UnknownConnection => ("http/unknown-connection", StatusCode::NOT_FOUND),
            Self::UnknownRun => ("http/unknown-run", StatusCode::NOT_FOUND),
            Self::UnknownProfile => ("http/unknown-profile", StatusCode::NOT_FOUND),
            Self::UnknownRecord => ("http/unknown-record", StatusCode::NOT_FOUND),
            Self::DecidedAlready => ("people/decided-already", StatusCode::CONFLICT),
            Self::KindsDiffer => ("people/kinds-differ", StatusCode::UNPROCESSABLE_ENTITY),
            Self::NoSides => ("people/no-sides", StatusCode::UNPROCESSABLE_ENTITY),
            Self::RulesChanged => ("people/rules-changed", StatusCode::CONFLICT),
            Self::TooManyTogether => ("people/too-many", StatusCode::UNPROCESSABLE_ENTITY),
            Self::UnknownNamespace => ("http/unknown-namespace", StatusCode::NOT_FOUND),
            Self::BadIdentity => ("http/bad-identity", StatusCode::BAD_REQUEST),
            Self::NotQuarantined => ("http/not-quarantined", StatusCode::NOT_FOUND),
            Self::Nobody => ("http/nobody", StatusCode::NOT_FOUND),
            Self::SeveralPeople => ("http/several-people", StatusCode::CONFLICT),
            Self::WriteUnderWay => ("http/write-under-way", StatusCode::CONFLICT),
            Self::UnknownErasure => ("http/unknown-erasure", StatusCode::NOT_FOUND),
            Self::AlreadyRunning => ("http/already-running", StatusCode::CONFLICT),
            Self::UpkeepRunning => ("http/upkeep-running", StatusCode::CONFLICT),
            Self::TooManyLogins => ("http/too-many-logins", StatusCode::TOO_MANY_REQUESTS),
            Self::TooManyWatchers => ("http/too-many-watchers", StatusCode::SERVICE_UNAVAILABLE),
            Self::Stopping => ("http/stopping", StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    /// What happened and how to mend it.
    pub const fn words(self, lang: Lang) -> (&'static str, &'static str) {
        match lang {
            Lang::En => english(self),
            Lang::Fr => french(self),
        }
    }
}

const fn english(code: Code) -> (&'static str, &'static str) {
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
        Code::UnknownProfile => (
            "There is no such profile",
            "Ask by identity: `GET /api/v1/profiles?identity=namespace:value`.",
        ),
        Code::UnknownRecord => {
            ("There is no such record", "Use a record's number as `GET /api/v1/explain` gives it.")
        }
        Code::DecidedAlready => (
            "It is so already",
            "Nothing has to be done; `GET /api/v1/identity/reviews?all=true` shows what was settled.",
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

const fn french(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::Unauthenticated => (
            "Une identification est nécessaire",
            "Envoyez `Authorization: Bearer` avec le jeton du fichier `api-token` du dossier de données, ou ouvrez un lien créé par `liaison token link`.",
        ),
        Code::Forbidden => (
            "Ce jeton n’a pas ce droit",
            "Utilisez un jeton qui détient le droit nommé dans `detail`.",
        ),
        Code::CrossSite => (
            "La requête vient de la page d’un autre site",
            "Utilisez la page du hub, ou un programme qui n’envoie pas d’`Origin`. Avec un cookie de session, `Origin` et l’en-tête `X-Liaison: 1` sont exigés.",
        ),
        Code::WrongHost => (
            "La requête est destinée à un autre hôte",
            "Appelez le hub par son adresse locale et son port, par exemple http://127.0.0.1:8420.",
        ),
        Code::NoSuchPath => (
            "Il n’y a rien à cette adresse",
            "Voyez les routes sous /api/v1 ; la documentation les liste.",
        ),
        Code::WrongMethod => {
            ("L’adresse accepte d’autres méthodes", "Utilisez une méthode de l’en-tête `Allow`.")
        }
        Code::WrongContentType => (
            "Le corps n’a pas le bon type",
            "Envoyez du JSON avec `Content-Type: application/json`.",
        ),
        Code::BodyTooLarge => {
            ("Le corps est trop grand", "Envoyez-en moins à la fois ; la limite est dans `detail`.")
        }
        Code::BodyIncomplete => (
            "Le corps n’est pas arrivé en entier",
            "Renvoyez-le par une connexion saine. Rien n’a été pris.",
        ),
        Code::BadBody => (
            "Le corps n’est pas celui attendu",
            "Corrigez le JSON au lieu indiqué ; les champs inconnus ou doublés sont refusés.",
        ),
        Code::BadParameter => (
            "Un paramètre n’est pas celui attendu",
            "Corrigez l’adresse ; les paramètres inconnus ou doublés sont refusés.",
        ),
        Code::UnknownSync => {
            ("Cette synchronisation n’existe pas", "`GET /api/v1/syncs` les liste.")
        }
        Code::UnknownConnection => {
            ("Cette connexion n’existe pas", "`GET /api/v1/connections` les liste.")
        }
        Code::UnknownRun => {
            ("Cette exécution n’existe pas", "`GET /api/v1/runs` liste celles qui sont conservées.")
        }
        Code::UnknownProfile => (
            "Ce profil n’existe pas",
            "Cherchez par identité : `GET /api/v1/profiles?identity=espace:valeur`.",
        ),
        Code::UnknownRecord => (
            "Cette fiche n’existe pas",
            "Utilisez un numéro de fiche donné par `GET /api/v1/explain`.",
        ),
        Code::DecidedAlready => (
            "C’est déjà le cas",
            "Il n’y a rien à faire ; `GET /api/v1/identity/reviews?all=true` montre ce qui a été réglé.",
        ),
        Code::KindsDiffer => (
            "Une personne et un compte ne font jamais qu’un",
            "Corrigez `kind` dans la synchronisation qui a apporté le mauvais.",
        ),
        Code::NoSides => (
            "Ces fiches ne font pas deux personnes",
            "Nommez quelques fiches du profil, mais pas toutes, par leur numéro tel que le donne `GET /api/v1/explain`.",
        ),
        Code::RulesChanged => (
            "Les profils ne suivent pas encore la configuration",
            "Redémarrez le hub : il les met d’abord en accord avec sa configuration.",
        ),
        Code::TooManyTogether => (
            "Trop de fiches se tiennent",
            "Baissez `records_per_value_max` de l’espace, ou inscrivez la valeur partagée sous `never`, puis décidez de nouveau.",
        ),
        Code::UnknownNamespace => {
            ("Cet espace d’identités n’existe pas", "Utilisez l’un des espaces de liaison.toml.")
        }
        Code::BadIdentity => (
            "Cette valeur ne nomme personne dans cet espace",
            "Écrivez `espace:valeur`, avec une valeur de la forme que l’espace accepte.",
        ),
        Code::NotQuarantined => (
            "Aucune ligne de cette clé n’attend en quarantaine",
            "`GET /api/v1/quarantine` liste celles qui attendent ; une ligne acceptée en sort d’elle-même.",
        ),
        Code::Nobody => (
            "Personne n’a cette identité",
            "Cherchez la personne par une autre identité ; qui a été effacé ne se trouve plus.",
        ),
        Code::SeveralPeople => (
            "Plusieurs personnes ont cette identité",
            "Nommez la personne par une identité qu’elle seule possède, comme un numéro de client.",
        ),
        Code::WriteUnderWay => (
            "L’issue d’une écriture sur cette personne n’est pas encore connue",
            "Lancez la synchronisation qui écrit, elle l’établira, puis redemandez.",
        ),
        Code::UnknownErasure => (
            "Cet effacement n’existe pas",
            "La réponse à `POST /api/v1/privacy/erasures` porte le numéro.",
        ),
        Code::AlreadyRunning => (
            "La synchronisation est déjà en cours",
            "Attendez la fin de l’exécution, ou suivez-la par /api/v1/events.",
        ),
        Code::UpkeepRunning => (
            "Les données sont déjà en cours de compactage ou de sauvegarde",
            "Attendez la fin ; `GET /api/v1/store/work` dit où en est le travail.",
        ),
        Code::TooManyLogins => (
            "Trop d’identifications refusées",
            "Attendez un quart d’heure, puis utilisez un lien neuf de `liaison token link`.",
        ),
        Code::TooManyWatchers => {
            ("Trop d’observateurs", "Fermez d’autres pages du hub, ou réessayez plus tard.")
        }
        Code::Stopping => {
            ("Le hub est en train de s’arrêter", "Réessayez quand il aura redémarré.")
        }
    }
}

/// What is said of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Refused(Code),
    Fault(Fault),
}

/// A refusal, before it is put into words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    place: String,
    detail: String,
}

impl Problem {
    /// A refusal of the HTTP face.
    pub fn new(code: Code) -> Self {
        Self { kind: Kind::Refused(code), place: String::new(), detail: String::new() }
    }

    /// The same at a place: a parameter, a line of the body.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    /// The same with technical detail, the same in every language.
    #[must_use]
    pub fn with(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match &self.kind {
            Kind::Refused(code) => code.parts().1,
            Kind::Fault(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn json(&self, lang: Lang) -> serde_json::Value {
        match &self.kind {
            Kind::Refused(code) => {
                let (title, mend) = code.words(lang);
                json!({
                    "code": code.parts().0, "status": code.parts().1.as_u16(), "title": title,
                    "detail": self.detail, "place": self.place, "mend": mend,
                })
            }
            Kind::Fault(fault) => {
                let s = sentence(fault, lang);
                json!({
                    "code": s.code, "status": self.status().as_u16(), "title": s.title,
                    "detail": s.detail, "place": s.place, "mend": s.mend,
                })
            }
        }
    }
}

impl From<hub_store::Error> for Problem {
    fn from(error: hub_store::Error) -> Self {
        tracing::error!(%error, "the store did not answer a request");
        let kind = Kind::Fault(error.into());
        Self { kind, place: String::new(), detail: String::new() }
    }
}

impl From<RunRefused> for Problem {
    fn from(refused: RunRefused) -> Self {
        match refused {
            RunRefused::Unknown(sync) => Self::new(Code::UnknownSync).at(format!("syncs/{sync}")),
            RunRefused::Running { sync, run } => {
                Self::new(Code::AlreadyRunning).at(format!("syncs/{sync}")).with(run.to_string())
            }
            RunRefused::Stopping => Self::new(Code::Stopping),
        }
    }
}

impl IntoResponse for Problem {
    /// An answer without words yet: [`render`] puts them in.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Puts the words of a refusal into its answer.
pub(crate) fn render(mut response: Response, lang: Lang) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    *response.body_mut() = Body::from(problem.json(lang).to_string());
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.tag()));
    if problem.status() == StatusCode::UNAUTHORIZED {
        headers
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"liaison\""));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_own_code_and_words_in_every_language() {
        let mut seen = std::collections::BTreeSet::new();
        for &code in Code::ALL {
            let (text, status) = code.parts();
            assert!(seen.insert(text), "{text} twice");
            assert!(status.is_client_error() || status.is_server_error(), "{text}");
            let [(en, en_mend), (fr, fr_mend)] = Lang::ALL.map(|lang| code.words(lang));
            assert!(en.len() > 10 && fr.len() > 10 && en != fr, "{text}");
            assert!(
                en_mend.ends_with('.') && fr_mend.ends_with('.') && en_mend != fr_mend,
                "{text}"
            );
        }
    }
}
