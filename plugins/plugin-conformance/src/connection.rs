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
