//! Rules about connecting and discovering.

use hub_model::FaultCode;

use crate::Verdict;
use crate::breach::Must;
use crate::subject::Subject;

/// A connection that works MUST pass its check.
///
/// # Errors
/// The breach.
pub async fn check_succeeds(subject: &Subject<'_>) -> Verdict {
    let must = Must("a connection that works passes its check");
    must.succeed("check", subject.connector.check(&subject.call).await)
}

/// Settings that are wrong MUST fail the check with `config`, so that a person
/// is sent to the settings. The subject is bound to wrong settings here.
///
/// # Errors
/// The breach.
pub async fn wrong_settings_are_a_config_fault(subject: &Subject<'_>) -> Verdict {
    let must = Must("wrong settings fail the check with the code config");
    match subject.connector.check(&subject.call).await {
        Err(fault) if fault.code == FaultCode::Config => Ok(()),
        Err(fault) => Err(must.broken(format!("the check failed otherwise: {fault}"))),
        Ok(()) => Err(must.broken("the check passed")),
    }
}

/// Streams MUST have a schema that describes an object and knows every field.
///
/// # Errors
/// The breach.
pub async fn streams_are_sound(subject: &Subject<'_>) -> Verdict {
    let must = Must("a stream's schema describes an object and knows its fields");
    let info = subject.info(must).await?;
    let properties = info.schema.get("properties").and_then(serde_json::Value::as_object);
    let properties = properties.ok_or_else(|| must.broken("the schema has no properties"))?;
    for field in &info.fields {
        must.hold(properties.contains_key(field.name.as_str()), || {
            format!("the schema does not know {}", field.name)
        })?;
    }
    must.hold(info.readable || info.writable, || "it can be neither read nor written".to_owned())
}

/// A stream whose rows are messages MUST be written, name its channel by a word, and
/// declare what they need a consent for: otherwise nobody is asked.
///
/// # Errors
/// The breach.
pub async fn what_sends_says_what_for(subject: &Subject<'_>) -> Verdict {
    let must = Must("a stream that sends names its channel and the purposes of its messages");
    let info = subject.info(must).await?;
    let Some(named) = info.schema.get("x-sends") else {
        return must.hold(info.sends.is_none(), || "its schema does not say x-sends".to_owned());
    };
    must.hold(named.as_str().is_some_and(|channel| !channel.is_empty()), || {
        format!("x-sends is {named}, which is no name of a channel")
    })?;
    must.hold(info.writable, || "it sends, and cannot be written".to_owned())?;
    must.hold(!info.purposes.is_empty(), || format!("it sends on {named} and declares no purpose"))
}
