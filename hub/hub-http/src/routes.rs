//! The table of routes. The router is built from it, the test walks it, and
//! nothing is served that is not in it.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, options, post};

use crate::problem::{Code, Problem};
use crate::state::AppState;
use crate::{
    conflicts, events, explained, guard, history, identity, inbox, ledger, login, mapping, page,
    plans, privacy, profiles, quarantine, rejected, related, runs, segments, sign_in, status,
    suppressions, syncs, timeline, upkeep,
};

/// What a credential must hold to use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Nothing: anybody on this machine.
    Public,
    /// What the recipe of a connection's connector verifies.
    Deliver,
    /// To see how the hub works; no personal data.
    Read,
    /// To make it do something.
    Operate,
    /// To see personal data.
    Pii,
    /// To decide who is who, and to see whom that is about.
    Decide,
    /// To look after the store: its files hold everything.
    Manage,
    /// To answer what a person asks for: all that is kept of him, and erasure.
    Privacy,
}

impl Permission {
    /// The word used in answers and documentation.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Deliver => "deliver",
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Pii => "pii",
            Self::Decide => "decide",
            Self::Manage => "manage",
            Self::Privacy => "privacy",
        }
    }
}

/// What a route takes as a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// None; what is sent is not read.
    Nothing,
    /// JSON; unknown and doubled fields are refused.
    Json,
    /// Anything, as it is.
    Raw,
}

/// One route.
pub struct Route {
    /// Its method.
    pub method: &'static str,
    /// Its path; `{name}` stands for one segment.
    pub path: &'static str,
    /// What it needs.
    pub permission: Permission,
    /// What it takes.
    pub takes: Takes,
    handler: fn() -> MethodRouter<AppState>,
}

const fn route(
    method: &'static str,
    path: &'static str,
    permission: Permission,
    takes: Takes,
    handler: fn() -> MethodRouter<AppState>,
) -> Route {
    Route { method, path, permission, takes, handler }
}

use Permission::{Decide, Deliver, Manage, Operate, Pii, Privacy, Public, Read};
use Takes::{Json, Nothing, Raw};

/// Every route of the hub.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    route("GET",    "/api/v1/health",             Public,  Nothing, || get(status::health)),
    route("GET",    "/api/v1/connections",        Read,    Nothing, || get(status::connections)),
    route("GET",    "/api/v1/connections/{id}/sign-in", Read, Nothing, || get(sign_in::show)),
    route("POST",   "/api/v1/connections/{id}/sign-in", Operate, Json, || post(sign_in::begin)),
    route("POST",   "/api/v1/sign-ins",           Operate, Json,    || post(sign_in::paste)),
    route("GET",    "/oauth/callback",            Public,  Nothing, || get(sign_in::callback)),
    route("GET",    "/api/v1/syncs",              Read,    Nothing, || get(syncs::list)),
    route("GET",    "/api/v1/syncs/{id}",         Read,    Nothing, || get(syncs::one)),
    route("POST",   "/api/v1/syncs/{id}/run",     Operate, Json,    || post(syncs::run_now)),
    route("GET",    "/api/v1/syncs/{id}/plan",    Pii,     Nothing, || get(plans::show)),
    route("POST",   "/api/v1/syncs/{id}/apply",   Operate, Json,    || post(plans::apply)),
    route("GET",    "/api/v1/holds",              Read,    Nothing, || get(plans::holds)),
    route("GET",    "/api/v1/runs",               Read,    Nothing, || get(runs::list)),
    route("GET",    "/api/v1/runs/{id}",          Read,    Nothing, || get(runs::one)),
    route("POST",   "/api/v1/runs/{id}/approve",  Operate, Json,    || post(plans::approve)),
    route("POST",   "/api/v1/runs/{id}/refuse",   Operate, Json,    || post(plans::refuse)),
    route("GET",    "/api/v1/runs/{id}/undo",     Pii,     Nothing, || get(ledger::undo_plan)),
    route("POST",   "/api/v1/runs/{id}/undo",     Operate, Json,    || post(ledger::undo)),
    route("GET",    "/api/v1/ledger",             Pii,     Nothing, || get(ledger::list)),
    route("GET",    "/api/v1/ledger/{run}/{number}", Pii,  Nothing, || get(ledger::one)),
    route("GET",    "/api/v1/events",             Read,    Nothing, || get(events::watch)),
    route("GET",    "/api/v1/profiles",           Pii,     Nothing, || get(profiles::list)),
    route("GET",    "/api/v1/profiles/{id}",      Pii,     Nothing, || get(profiles::one)),
    route("GET",    "/api/v1/profiles/{id}/history", Pii,  Nothing, || get(history::of_number)),
    route("GET",    "/api/v1/history",            Pii,     Nothing, || get(history::of_identity)),
    route("GET",    "/api/v1/profiles/{id}/events", Pii,   Nothing, || get(timeline::of_profile)),
    route("GET",    "/api/v1/related",            Pii,     Nothing, || get(related::list)),
    route("GET",    "/api/v1/objects",            Pii,     Nothing, || get(related::object)),
    route("GET",    "/api/v1/explain",            Pii,     Nothing, || get(explained::of_identity)),
    route("GET",    "/api/v1/records/{number}",   Pii,     Nothing, || get(explained::record)),
    route("GET",    "/api/v1/identity/reviews",   Pii,     Nothing, || get(identity::review)),
    route("POST",   "/api/v1/identity/merge",     Decide,  Json,    || post(identity::merge)),
    route("POST",   "/api/v1/identity/refuse",    Decide,  Json,    || post(identity::refuse)),
    route("POST",   "/api/v1/identity/unmerge",   Decide,  Json,    || post(identity::unmerge)),
    route("POST",   "/api/v1/identity/preview",   Decide,  Json,    || post(identity::preview)),
    route("POST",   "/api/v1/mapping/preview",    Pii,     Json,    || post(mapping::preview)),
    route("GET",    "/api/v1/conflicts",          Pii,     Nothing, || get(conflicts::list)),
    route("GET",    "/api/v1/conflicts/one",      Pii,     Nothing, || get(conflicts::one)),
    route("POST",   "/api/v1/conflicts/resolve",  Decide,  Json,    || post(conflicts::resolve)),
    route("POST",   "/api/v1/conflicts/undo",     Decide,  Json,    || post(conflicts::undo)),
    route("POST",   "/api/v1/conflicts/release",  Decide,  Json,    || post(conflicts::release)),
    route("GET",    "/api/v1/quarantine",         Pii,     Nothing, || get(quarantine::list)),
    route("GET",    "/api/v1/quarantine/row",     Pii,     Nothing, || get(quarantine::one)),
    route("POST",   "/api/v1/quarantine/replay",  Operate, Json,    || post(quarantine::replay)),
    route("GET",    "/api/v1/quarantine/writes",  Pii,     Nothing, || get(rejected::list)),
    route("POST",   "/api/v1/quarantine/writes/replay", Operate, Json, || post(rejected::replay)),
    route("GET",    "/api/v1/privacy/export",     Privacy, Nothing, || get(privacy::export)),
    route("POST",   "/api/v1/privacy/erasures",   Privacy, Json,    || post(privacy::erase)),
    route("GET",    "/api/v1/privacy/erasures/{id}", Privacy, Nothing, || get(privacy::one)),
    route("GET",    "/api/v1/suppressions",       Pii,     Nothing, || get(suppressions::list)),
    route("POST",   "/api/v1/suppressions",       Privacy, Json,    || post(suppressions::add)),
    route("POST",   "/api/v1/suppressions/lift",  Privacy, Json,    || post(suppressions::lift)),
    route("GET",    "/api/v1/segments",           Read,    Nothing, || get(segments::list)),
    route("POST",   "/api/v1/segments/preview",   Pii,     Json,    || post(segments::preview)),
    route("GET",    "/api/v1/segments/{name}/members", Pii, Nothing, || get(segments::members)),
    route("GET",    "/api/v1/segments/{name}/explain", Pii, Nothing, || get(segments::explain)),
    route("GET",    "/api/v1/stats",              Read,    Nothing, || get(status::stats)),
    route("GET",    "/api/v1/store",              Read,    Nothing, || get(upkeep::show)),
    route("GET",    "/api/v1/store/work",         Manage,  Nothing, || get(upkeep::work)),
    route("POST",   "/api/v1/store/compact",      Manage,  Json,    || post(upkeep::compact)),
    route("POST",   "/api/v1/store/backup",       Manage,  Json,    || post(upkeep::backup)),
    route("POST",   "/api/v1/inbox/{connection}", Operate, Raw,     || post(inbox::accept)),
    route("POST",   "/inbox/{connection}",        Deliver, Raw,     || post(inbox::deliver)),
    route("GET",    "/inbox/{connection}",        Deliver, Nothing, || get(inbox::deliver)),
    route("OPTIONS", "/inbox/{connection}",       Deliver, Nothing, || options(inbox::preflight)),
    route("POST",   "/inbox/{connection}/{*path}", Deliver, Raw,    || post(inbox::deliver)),
    route("GET",    "/inbox/{connection}/{*path}", Deliver, Nothing, || get(inbox::deliver)),
    route("OPTIONS", "/inbox/{connection}/{*path}", Deliver, Nothing, || options(inbox::preflight)),
    route("POST",   "/api/v1/session",            Public,  Json,    || post(login::open)),
    route("GET",    "/api/v1/session",            Read,    Nothing, || get(login::show)),
    route("DELETE", "/api/v1/session",            Read,    Nothing, || delete(login::close)),
    route("POST",   "/api/v1/login-links",        Operate, Json,    || post(login::link)),
    route("GET",    "/",                          Public,  Nothing, || get(page::index)),
    route("GET",    "/login",                     Public,  Nothing, || get(page::index)),
    route("GET",    "/assets/page.css",           Public,  Nothing, || get(page::css)),
    route("GET",    "/assets/page.js",            Public,  Nothing, || get(page::js)),
    route("GET",    "/assets/words.js",           Public,  Nothing, || get(page::words)),
    route("GET",    "/assets/mark.svg",           Public,  Nothing, || get(page::mark)),
];

/// The router over the table.
pub fn router(state: AppState) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let guard = from_fn_with_state((state.clone(), route.permission), guard::route);
        router = router.route(route.path, (route.handler)().route_layer(guard));
    }
    router
        .fallback(|| async { Problem::new(Code::NoSuchPath) })
        .method_not_allowed_fallback(|| async { Problem::new(Code::WrongMethod) })
        .layer(from_fn_with_state(state.clone(), guard::outer))
        .with_state(state)
}

#[cfg(test)]
mod tests;
