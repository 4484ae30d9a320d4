//! Requests and answers held against a vendor's OpenAPI 3.0 specifications.
//!
//! A specification says which members there are, not that there are no others;
//! a misspelt one would pass. So requests are judged strictly: a member or a
//! parameter that the specification does not name is a violation. Answers are
//! judged as written: vendors add members.

use std::{
    collections::HashMap,
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, bail};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::http::{Answer, Request};

/// Environment variable that names the folder of the specifications.
pub const SPECS_VARIABLE: &str = "LIAISON_VENDOR_SPECS";

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The folder of the specifications, if it is given.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    env::var_os(SPECS_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Specifications of one vendor.
#[derive(Debug)]
pub struct Specs {
    operations: Vec<Operation>,
    compiled: HashMap<String, Validator>,
}

#[derive(Debug, Clone)]
struct Operation {
    method: String,
    path: String,
    document: usize,
    says: Value,
    components: Arc<Value>,
}

impl Operation {
    /// What stands here, or what is referred to.
    fn referred(&self, here: &Value) -> Result<Value> {
        let Some(pointer) = here["$ref"].as_str() else { return Ok(here.clone()) };
        let pointer = pointer.trim_start_matches("#/components");
        self.components.pointer(pointer).cloned().context("what is referred to is not there")
    }
}

/// Several specifications of one vendor as one, for whoever takes a single one. Of an
/// operation that is in several the first counts; what is kept for reference gets names of
/// its own. `free`: paths of which nothing is specified, where reading is all right.
///
/// # Errors
/// One cannot be read.
pub fn joined(folder: &Path, names: &[&str], free: &[&str]) -> Result<Value> {
    let answers = json!({ "get": { "responses": { "default": { "description": "unknown" } } } });
    let free = free.iter().map(|path| ((*path).to_owned(), answers.clone()));
    let mut paths: Map<String, Value> = free.collect();
    let (mut components, mut version) = (Map::new(), Value::Null);
    for (number, name) in names.iter().enumerate() {
        let file = folder.join(name);
        let text = fs::read(&file).with_context(|| file.display().to_string())?;
        let mut spec: Value =
            serde_json::from_slice(&text).with_context(|| file.display().to_string())?;
        rename_references(&mut spec, number);
        version = spec["openapi"].take();
        for (path, item) in spec["paths"].as_object().cloned().unwrap_or_default() {
            paths.entry(path).or_insert(item);
        }
        for (section, kept) in spec["components"].as_object().cloned().unwrap_or_default() {
            let all = components.entry(section).or_insert_with(|| json!({}));
            for (name, value) in kept.as_object().cloned().unwrap_or_default() {
                all[format!("{number}.{name}")] = value;
            }
        }
    }
    components.values_mut().for_each(say_empty);
    if version.as_str().is_some_and(|version| version.starts_with("3.1")) {
        components.values_mut().chain(paths.values_mut()).for_each(say_nullable);
    }
    // Who may ask is for the account to say.
    components.remove("securitySchemes");
    paths.values_mut().flat_map(|item| item.as_object_mut().into_iter().flatten()).for_each(
        |(_, operation)| {
            operation.as_object_mut().map(|it| it.remove("security"));
        },
    );
    Ok(json!({
        "openapi": version, "info": { "title": "joined", "version": "1" },
        "paths": paths, "components": components,
    }))
}

/// The liberty of [`without_nulls`], said in the specification.
fn say_empty(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(of)) = members.get_mut("additionalProperties")
                && of.get("type") == Some(&json!("string"))
            {
                of.insert("nullable".to_owned(), json!(true));
            }
            members.values_mut().for_each(say_empty);
        }
        Value::Array(items) => items.iter_mut().for_each(say_empty),
        _ => {}
    }
}

fn rename_references(value: &mut Value, number: usize) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(to)) = members.get_mut("$ref") {
                let parts: Vec<&str> = to.splitn(4, '/').collect();
                if let ["#", "components", section, name] = parts.as_slice() {
                    *to = format!("#/components/{section}/{number}.{name}");
                }
            }
            members.values_mut().for_each(|member| rename_references(member, number));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename_references(item, number)),
        _ => {}
    }
}

impl Specs {
    /// Reads every specification of a folder whose file name begins with `prefix`.
    ///
    /// # Errors
    /// There is none, or one cannot be read.
    pub fn read(folder: &Path, prefix: &str) -> Result<Self> {
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .with_context(|| folder.display().to_string())?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        files.retain(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with(prefix) && name.ends_with(".json")
        });
        files.sort();
        if files.is_empty() {
            bail!("{} holds no {prefix}*.json", folder.display());
        }
        let mut operations = Vec::new();
        for (document, file) in files.iter().enumerate() {
            let text = fs::read(file).with_context(|| file.display().to_string())?;
            let spec: Value =
                serde_json::from_slice(&text).with_context(|| file.display().to_string())?;
            let components = Arc::new(spec.get("components").cloned().unwrap_or_default());
            for (path, item) in spec["paths"].as_object().into_iter().flatten() {
                for method in METHODS {
                    let Some(says) = item.get(method) else { continue };
                    operations.push(Operation {
                        method: method.to_uppercase(),
                        path: path.clone(),
                        document,
                        says: says.clone(),
                        components: Arc::clone(&components),
                    });
                }
            }
        }
        Ok(Self { operations, compiled: HashMap::new() })
    }

    /// What is wrong with a request, and with an answer to it.
    ///
    /// # Errors
    /// A schema of the specification cannot be compiled: nothing would be judged.
    pub fn violations(
        &mut self,
        request: &Request,
        answer: Option<&Answer>,
    ) -> Result<Vec<String>> {
        let title = format!("{} {}", request.method, request.path());
        let Some(operation) = self.operation(request) else {
            return Ok(vec![format!("{title}: there is no such operation")]);
        };
        let mut found = self.of_parameters(&operation, request)?;
        found.extend(self.of_body(&operation, request)?);
        if let Some(answer) = answer {
            found.extend(self.of_answer(&operation, answer)?);
        }
        Ok(found.into_iter().map(|what| format!("{title}: {what}")).collect())
    }

    /// The operation that fits best: the one with most of its path spelt out.
    fn operation(&self, request: &Request) -> Option<Operation> {
        let path: Vec<&str> = request.path().split('/').collect();
        let literal = |operation: &&Operation| {
            operation.path.split('/').filter(|part| !part.starts_with('{')).count()
        };
        let fits = |operation: &&Operation| {
            let parts: Vec<&str> = operation.path.split('/').collect();
            operation.method == request.method
                && parts.len() == path.len()
                && parts
                    .iter()
                    .zip(&path)
                    .all(|(part, given)| part.starts_with('{') || part == given)
        };
        self.operations.iter().filter(fits).max_by_key(literal).cloned()
    }

    fn of_parameters(&mut self, operation: &Operation, request: &Request) -> Result<Vec<String>> {
        let written = operation.says["parameters"].as_array().into_iter().flatten();
        let declared: Vec<Value> =
            written.map(|it| operation.referred(it)).collect::<Result<_>>()?;
        let in_query = |parameter: &&Value| parameter["in"] == "query";
        let declared: Vec<&Value> = declared.iter().filter(in_query).collect();
        let given = request.query();
        let mut found = Vec::new();
        for (name, text) in &given {
            let Some(parameter) = declared.iter().find(|it| it["name"] == name.as_str()) else {
                found.push(format!("it has no parameter {name}"));
                continue;
            };
            let schema = &parameter["schema"];
            let value = match schema["type"].as_str() {
                Some("integer" | "number" | "boolean") => {
                    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
                }
                Some("array") => json!(text.split(',').collect::<Vec<_>>()),
                _ => json!(text),
            };
            let errors = self.judge(operation, schema, &value, false)?;
            found.extend(errors.into_iter().map(|error| format!("parameter {name}: {error}")));
        }
        for parameter in declared.iter().filter(|parameter| parameter["required"] == true) {
            if !given.iter().any(|(name, _)| parameter["name"] == name.as_str()) {
                found.push(format!("the parameter {} is missing", parameter["name"]));
            }
        }
        Ok(found)
    }

    fn of_body(&mut self, operation: &Operation, request: &Request) -> Result<Vec<String>> {
        let body = operation.referred(&operation.says["requestBody"])?;
        let schema = &body["content"]["application/json"]["schema"];
        if schema.is_null() {
            let wrong = !request.body.is_empty();
            return Ok(wrong.then(|| "it takes no body".to_owned()).into_iter().collect());
        }
        let Ok(value) = serde_json::from_slice::<Value>(&request.body) else {
            return Ok(vec!["the body is not JSON".to_owned()]);
        };
        let errors = self.judge(operation, schema, &value, true)?;
        Ok(errors.into_iter().map(|error| format!("body {error}")).collect())
    }

    fn of_answer(&mut self, operation: &Operation, answer: &Answer) -> Result<Vec<String>> {
        let responses = &operation.says["responses"];
        let status = answer.status.to_string();
        let mut response = responses.get(&status);
        if response.is_none() && answer.status >= 400 {
            response = responses.get("default");
        }
        let Some(response) = response else {
            return Ok(vec![format!("the status {status} is not foreseen")]);
        };
        let mut response = operation.referred(response)?;
        // Such an answer has no body, whatever a specification says.
        if answer.status == 204 {
            response["content"] = Value::Null;
        }
        let schema = &response["content"]["application/json"]["schema"];
        if schema.is_null() {
            let wrong = !answer.body.is_empty();
            return Ok(wrong.then(|| format!("{status} has no body")).into_iter().collect());
        }
        let Ok(mut value) = serde_json::from_slice::<Value>(&answer.body) else {
            return Ok(vec![format!("the body of the {status} is not JSON")]);
        };
        without_nulls(&mut value);
        let errors = self.judge(operation, schema, &value, false)?;
        Ok(errors.into_iter().map(|error| format!("answer {error}")).collect())
    }

    fn judge(
        &mut self,
        operation: &Operation,
        schema: &Value,
        value: &Value,
        strictly: bool,
    ) -> Result<Vec<String>> {
        let key = format!("{} {strictly} {schema}", operation.document);
        if !self.compiled.contains_key(&key) {
            let mut document = schema.as_object().cloned().unwrap_or_default();
            document.values_mut().for_each(say_nullable);
            let mut components = Value::clone(&operation.components);
            say_nullable(&mut components);
            // Only schemas: the rest of the components is not JSON Schema.
            components
                .as_object_mut()
                .into_iter()
                .for_each(|it| it.retain(|name, _| name == "schemas"));
            if strictly {
                close(&mut components);
            }
            document.insert("components".to_owned(), components);
            let validator = jsonschema::options()
                .should_validate_formats(true)
                .build(&Value::Object(document))
                .map_err(|error| anyhow::anyhow!("{key}: {error}"))?;
            self.compiled.insert(key.clone(), validator);
        }
        let validator = self.compiled.get(&key).context("it was just compiled")?;
        let told = validator.iter_errors(value);
        Ok(told.map(|error| format!("{}: {error}", error.instance_path().as_str())).collect())
    }
}

/// An object takes the members that it names and no others.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let named = members.get("properties").and_then(Value::as_object);
            if named.is_some_and(|named| !named.is_empty())
                && members.get("type") == Some(&json!("object"))
            {
                members.entry("additionalProperties").or_insert(json!(false));
            }
            // Each account has custom fields of its own; those that are named are examples.
            let closed = members.iter_mut().filter(|(name, _)| *name != "custom_fields");
            closed.for_each(|(_, member)| close(member));
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// `nullable` is a word of OpenAPI 3.0 that some specifications of 3.1 still use.
fn say_nullable(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.remove("nullable") == Some(json!(true))
                && let Some(Value::String(kind)) = members.get("type").cloned()
            {
                members.insert("type".to_owned(), json!([kind, "null"]));
            }
            members.values_mut().for_each(say_nullable);
        }
        Value::Array(items) => items.iter_mut().for_each(say_nullable),
        _ => {}
    }
}

/// A liberty that is taken: an empty property of a record is `null` in
/// real answers, while the specification knows texts alone.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                let kept: Map<String, Value> = std::mem::take(properties)
                    .into_iter()
                    .filter(|(_, it)| !it.is_null())
                    .collect();
                *properties = kept;
            }
            members.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}
