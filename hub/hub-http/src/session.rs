//! Sessions of browsers, and the one-time links that open them.
//!
//! Both are random references, kept in memory as hashes: a restart ends every
//! session, and nothing that is kept could be used by who reads it.

use hub_model::Timestamp;

use crate::limits::{
    LINK_SECONDS_MAX, LINKS_MAX, LOGIN_FAILURES_MAX, LOGIN_WINDOW_SECONDS, SESSION_IDLE_SECONDS,
    SESSION_SECONDS_MAX, SESSIONS_MAX,
};
use crate::token::{AccessToken, NoRandomness, Secret};

/// Why a login was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefused {
    /// The secret is not known, used or too old.
    #[error("the token is not known")]
    Unknown,
    /// Too many failures; the secret was not even looked at.
    #[error("too many failed logins")]
    TooMany,
    /// No session could be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

struct Session {
    lock: AccessToken,
    opened: Timestamp,
    used: Timestamp,
}

struct Link {
    lock: AccessToken,
    made: Timestamp,
}

/// The sessions and links of a hub.
#[derive(Default)]
pub struct Sessions {
    sessions: Vec<Session>,
    links: Vec<Link>,
    failures: u32,
    window: Timestamp,
}

impl Sessions {
    /// A secret that opens one session, once.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn link(&mut self, now: Timestamp) -> Result<Secret, NoRandomness> {
        let secret = Secret::random("hubl_")?;
        self.links.retain(|link| now < link.made.plus_seconds(LINK_SECONDS_MAX));
        if self.links.len() >= LINKS_MAX {
            self.links.remove(0);
        }
        self.links.push(Link { lock: AccessToken::of(secret.reveal()), made: now });
        Ok(secret)
    }

    /// Opens a session with a link's secret or the access token.
    ///
    /// # Errors
    /// [`LoginRefused`]; an unknown, a used and an expired secret look the same.
    pub fn open(
        &mut self,
        secret: &str,
        access: &AccessToken,
        now: Timestamp,
    ) -> Result<Secret, LoginRefused> {
        if now >= self.window.plus_seconds(LOGIN_WINDOW_SECONDS) {
            (self.window, self.failures) = (now, 0);
        }
        if self.failures >= LOGIN_FAILURES_MAX {
            return Err(LoginRefused::TooMany);
        }
        if !access.opens(secret) && !self.take_link(secret, now) {
            self.failures += 1;
            return Err(LoginRefused::Unknown);
        }
        let session = Secret::random("hubs_")?;
        self.sweep(now);
        if self.sessions.len() >= SESSIONS_MAX {
            self.drop_idlest();
        }
        let lock = AccessToken::of(session.reveal());
        self.sessions.push(Session { lock, opened: now, used: now });
        Ok(session)
    }

    /// Whether a session is open; using it keeps it from going idle.
    pub fn check(&mut self, secret: &str, now: Timestamp) -> bool {
        self.sweep(now);
        let mut found = false;
        for session in &mut self.sessions {
            if session.lock.opens(secret) {
                session.used = now;
                found = true;
            }
        }
        found
    }

    /// Ends a session.
    pub fn close(&mut self, secret: &str) {
        self.sessions.retain(|session| !session.lock.opens(secret));
    }

    fn take_link(&mut self, secret: &str, now: Timestamp) -> bool {
        self.links.retain(|link| now < link.made.plus_seconds(LINK_SECONDS_MAX));
        let before = self.links.len();
        self.links.retain(|link| !link.lock.opens(secret));
        self.links.len() < before
    }

    fn sweep(&mut self, now: Timestamp) {
        self.sessions.retain(|session| {
            now < session.used.plus_seconds(SESSION_IDLE_SECONDS)
                && now < session.opened.plus_seconds(SESSION_SECONDS_MAX)
        });
    }

    fn drop_idlest(&mut self) {
        let idlest = self.sessions.iter().enumerate().min_by_key(|(_, s)| s.used).map(|(i, _)| i);
        if let Some(index) = idlest {
            self.sessions.remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn open() -> (Sessions, AccessToken) {
        (Sessions::default(), AccessToken::of("hub_key"))
    }

    #[test]
    fn a_link_opens_one_session_once_and_in_time() {
        let (mut sessions, access) = open();
        let link = sessions.link(T0).unwrap();
        let session = sessions.open(link.reveal(), &access, T0).unwrap();
        assert!(sessions.check(session.reveal(), T0));
        assert_eq!(sessions.open(link.reveal(), &access, T0), Err(LoginRefused::Unknown));
        let late = sessions.link(T0).unwrap();
        let after = T0.plus_seconds(LINK_SECONDS_MAX);
        assert_eq!(sessions.open(late.reveal(), &access, after), Err(LoginRefused::Unknown));
    }

    #[test]
    fn sessions_end_idle_and_absolutely_and_on_request() {
        let (mut sessions, access) = open();
        let idle = sessions.open("hub_key", &access, T0).unwrap();
        assert!(!sessions.check(idle.reveal(), T0.plus_seconds(SESSION_IDLE_SECONDS)));
        let busy = sessions.open("hub_key", &access, T0).unwrap();
        let mut now = T0;
        while now < T0.plus_seconds(SESSION_SECONDS_MAX) {
            assert!(sessions.check(busy.reveal(), now));
            now = now.plus_seconds(SESSION_IDLE_SECONDS - 1);
        }
        assert!(!sessions.check(busy.reveal(), now));
        let closed = sessions.open("hub_key", &access, now).unwrap();
        sessions.close(closed.reveal());
        assert!(!sessions.check(closed.reveal(), now));
    }

    #[test]
    fn guessing_is_cut_off_for_a_window() {
        let (mut sessions, access) = open();
        for _ in 0..LOGIN_FAILURES_MAX {
            assert_eq!(sessions.open("guess", &access, T0), Err(LoginRefused::Unknown));
        }
        assert_eq!(sessions.open("hub_key", &access, T0), Err(LoginRefused::TooMany));
        let later = T0.plus_seconds(LOGIN_WINDOW_SECONDS);
        assert!(sessions.open("hub_key", &access, later).is_ok());
    }

    #[test]
    fn the_number_of_sessions_is_bounded() {
        let (mut sessions, access) = open();
        for n in 0..=SESSIONS_MAX {
            let now = T0.plus_seconds(i64::try_from(n).unwrap());
            sessions.open("hub_key", &access, now).unwrap();
        }
        assert_eq!(sessions.sessions.len(), SESSIONS_MAX);
    }
}
