//! Mail through the host. The connector states an envelope, headers and a body; the
//! host writes the head, logs in, and hands the message over to a granted server.
//!
//! ```no_run
//! # use liaison_sdk::{mail, Fault};
//! # fn f() -> Result<(), Fault> {
//! let server = mail::Server {
//!     address: "smtp.example.org:587".to_owned(),
//!     security: mail::Security::Starttls,
//!     credential: Some("login".to_owned()),
//! };
//! let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
//! let message = mail::Message {
//!     sender: "bounces@example.org".to_owned(),
//!     recipients: vec!["ana@example.org".to_owned()],
//!     headers: vec![
//!         header("From", "Shop <shop@example.org>"),
//!         header("Date", "Mon, 02 Mar 2026 10:00:00 +0000"),
//!         header("Message-ID", "<1@example.org>"),
//!     ],
//!     body: b"Hello\r\n".to_vec(),
//! };
//! let deliveries = mail::send(&server, &message)?;
//! # Ok(()) }
//! ```
//!
//! Once a message was handed over nobody but the server knows whether it has it:
//! that is [`Delivery::Unknown`], and never a fault.

use crate::bindings::host::liaison::connector::mail as wit;
use crate::fault::{Fault, FaultCode};
use crate::host;

pub use wit::{Delivery, Error as Trouble, Message, Security, Server};

/// Sends one message: one answer per recipient, in order.
///
/// # Errors
/// Nothing was sent to anybody: `host-denied`, `unreachable`, `auth`, `transient`
/// (the server takes nothing now), `permission` (it takes nothing from this sender),
/// `limit`, or `bug` for a message that is malformed.
pub fn send(server: &Server, message: &Message) -> Result<Vec<Delivery>, Fault> {
    host::mail_send(server, message).map_err(|trouble| fault(trouble, server))
}

/// Connects and logs in, and sends nothing.
///
/// # Errors
/// As [`send`].
pub fn check(server: &Server) -> Result<(), Fault> {
    host::mail_check(server).map_err(|trouble| fault(trouble, server))
}

fn fault(trouble: Trouble, server: &Server) -> Fault {
    let told = |code, reply: String| {
        let number: String = reply.chars().take_while(char::is_ascii_digit).collect();
        Fault::new(code).vendor(number, reply)
    };
    let fault = match trouble {
        Trouble::Denied(why) => Fault::new(FaultCode::HostDenied).with("why", why),
        Trouble::Invalid(why) => Fault::bug(why),
        Trouble::TooLarge(bytes) => Fault::new(FaultCode::Limit).with("bytes-max", bytes),
        Trouble::BudgetExhausted => Fault::new(FaultCode::Limit).with("why", "requests per call"),
        Trouble::Connect(why) => Fault::new(FaultCode::Unreachable).with("why", why),
        Trouble::Credential(why) => Fault::new(FaultCode::Auth).with("why", why),
        Trouble::Deferred(reply) => told(FaultCode::Transient, reply),
        Trouble::Refused(reply) => told(FaultCode::Permission, reply),
        Trouble::NotSupported => Fault::not_supported("mail"),
    };
    fault.at(&server.address)
}

#[cfg(test)]
mod tests {
    use super::{Delivery, Message, Security, Server, Trouble, check, send};
    use crate::fault::FaultCode;
    use crate::testing::Script;

    fn server() -> Server {
        let address = "smtp.x.test:587".to_owned();
        Server { address, security: Security::Tls, credential: None }
    }

    fn message() -> Message {
        Message {
            sender: "a@x.test".to_owned(),
            recipients: vec!["b@x.test".to_owned()],
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    #[test]
    fn each_trouble_is_a_fault_that_says_what_to_do() {
        let why = || "why".to_owned();
        let cases = [
            (Trouble::Denied(why()), FaultCode::HostDenied),
            (Trouble::Invalid(why()), FaultCode::Bug),
            (Trouble::TooLarge(9), FaultCode::Limit),
            (Trouble::BudgetExhausted, FaultCode::Limit),
            (Trouble::Connect(why()), FaultCode::Unreachable),
            (Trouble::Credential(why()), FaultCode::Auth),
            (Trouble::Deferred("450 later".to_owned()), FaultCode::Transient),
            (Trouble::Refused("554 no".to_owned()), FaultCode::Permission),
            (Trouble::NotSupported, FaultCode::NotSupported),
        ];
        for (trouble, code) in cases {
            let script = Script::new().mail(move |_, _| Err(trouble.clone()));
            let (sent, checked) = script.run(|| (send(&server(), &message()), check(&server())));
            let (sent, checked) = (sent.unwrap_err(), checked.unwrap_err());
            assert_eq!((sent.code, &sent), (code, &checked));
            assert_eq!(sent.place, "smtp.x.test:587");
        }
        let script = Script::new().mail(|_, _| Err(Trouble::Refused("554 no".to_owned())));
        let fault = script.run(|| check(&server())).unwrap_err();
        assert_eq!(fault.arg("vendor-code"), Some("554"));
    }

    #[test]
    fn a_script_takes_mail_in() {
        let taken = || vec![Delivery::Accepted("250 ok".to_owned())];
        let script = Script::new().mail(move |_, _| Ok(taken()));
        assert_eq!(script.run(|| send(&server(), &message())).unwrap(), taken());
        let fault = Script::new().run(|| send(&server(), &message())).unwrap_err();
        assert_eq!(fault.code, FaultCode::HostDenied);
    }
}
