//! Templated mail through an SMTP server, and what came back of it.
//!
//! A template is a stream: a row that is created in it is a message that was sent.
//! Choices that are easy to get wrong:
//!
//! - **Sending cannot be taken back and cannot be asked about.** A row is only ever
//!   created; fields are create-only, a delete is refused, and a search finds
//!   nothing because no server can be searched. So the class against writing twice
//!   is *none*, and what that means for a message whose answer was lost is in the
//!   guide. What can be done is done: the `Message-ID` is made of the hub's
//!   idempotency key alone, so that mailboxes recognise a repetition.
//! - **A value is never markup.** In HTML it is escaped, in an address it is
//!   percent-encoded, in a header it may hold no line break ([`template`]). A
//!   message with a hole in it is not sent: a placeholder without a value refuses
//!   that person alone, by the name of the field.
//! - **A refusal is somebody's.** What the server says about the recipient is the
//!   outcome of that item; what it says about us (login, sender, greeting) ends the
//!   batch ([`send`]).
//! - **Bounces come in a Maildir** that the mail server delivers into, so there is
//!   no protocol to speak and nothing to lose: files stay where they are. Reports
//!   are read leniently ([`report`]): many servers tell the true reason only in
//!   the text for people.

pub mod settings;
pub mod template;

pub mod encode;
pub mod letter;
pub mod send;

pub mod maildir;
pub mod mime;
pub mod report;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use liaison_sdk::{
    Call, Connector, Destination, EntityKind, Fault, FaultCode, Field, Found, Lookup,
    LookupRequest, Page, ReadRequest, Report, Source, Stream, WriteRequest, files, mail,
};

use crate::settings::{REPORTS, Settings, TO, Template};

/// The connector.
pub struct Mail;

impl Connector for Mail {
    fn discover(call: &Call) -> Result<Vec<Stream>, Fault> {
        let settings = Settings::of(call)?;
        let mut streams: Vec<Stream> =
            settings.templates.iter().map(|(name, template)| describe(name, template)).collect();
        streams.extend(settings.reports.as_ref().map(|_| report::stream()));
        Ok(streams)
    }

    fn check(call: &Call) -> Result<(), Fault> {
        let settings = Settings::of(call)?;
        if let Some(folder) = &settings.reports {
            files::list(folder)?;
        }
        mail::check(&settings.server())
    }
}

impl Source for Mail {
    fn read(call: &Call, request: &ReadRequest) -> Result<Page, Fault> {
        let settings = Settings::of(call)?;
        match &settings.reports {
            Some(folder) if request.stream == REPORTS => maildir::read(folder, request),
            // What was sent cannot be read. That says nothing about rows that are
            // not shown.
            _ => known(&settings, &request.stream).map(|_| Page::default()),
        }
    }
}

impl Lookup for Mail {
    fn lookup(call: &Call, request: &LookupRequest) -> Result<Vec<Found>, Fault> {
        let settings = Settings::of(call)?;
        if settings.reports.is_none() || request.stream != REPORTS {
            known(&settings, &request.stream)?;
        }
        Ok(request.keys.iter().map(|_| Found::None).collect())
    }
}

impl Destination for Mail {
    fn write(call: &Call, request: &WriteRequest) -> Result<Report, Fault> {
        let settings = Settings::of(call)?;
        send::write(&settings, known(&settings, &request.stream)?, request)
    }
}

/// The template that a stream is.
fn known<'s>(settings: &'s Settings, stream: &str) -> Result<&'s Template, Fault> {
    let missing = || Fault::new(FaultCode::NotFound).at(stream).with("expected", "a template");
    settings.templates.get(stream).ok_or_else(missing)
}

fn describe(name: &str, template: &Template) -> Stream {
    let names: BTreeSet<&str> = template.names().filter(|name| *name != TO).collect();
    let fields = names.into_iter().map(|name| Field::text(name).create_only());
    Stream::new(name)
        .title(template.subject.text())
        .kind(EntityKind::Person)
        .writable(send::BATCH_ITEMS_MAX)
        .primary_key(["message_id"])
        .dry_run()
        .sends("email")
        .purposes(template.purpose.as_deref())
        .field(Field::text("message_id").title("Message-ID").read_only())
        .field(Field::text(TO).title("To").pii("email").create_only().required().matchable())
        .with_fields(fields)
}

liaison_sdk::export_connector!(Mail: source, lookup, destination);
