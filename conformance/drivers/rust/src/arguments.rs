//! What a call is given, from its JSON: values, numbers that JSON has no word for, and files.

use std::path::PathBuf;

use llm_forge_runtime::core::errors::Result;
use llm_forge_runtime::core::profile::Operation;
use llm_forge_runtime::{to_json, Params, Upload};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::{Map, Value};

use crate::options::beyond_json;
use crate::tables::Table;

/// A caller's value, as a type of the caller's own would be serialised.
pub struct Said<'a>(pub &'a Value);

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if let Some(number) = beyond_json(self.0) {
            return serializer.serialize_f64(number);
        }
        match self.0 {
            Value::Array(entries) => {
                let mut sequence = serializer.serialize_seq(Some(entries.len()))?;
                entries.iter().try_for_each(|entry| sequence.serialize_element(&Said(entry)))?;
                sequence.end()
            }
            Value::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, entry)| map.serialize_entry(name, &Said(entry)))?;
                map.end()
            }
            plain => plain.serialize(serializer),
        }
    }
}

/// Every argument where the operation has it.
pub async fn params(operation: &Operation, table: &Table, args: &Value) -> Result<Params> {
    let mut params = Params::default();
    let mut body = Map::new();
    let query = table.query.get(operation.name);
    for (name, value) in args.as_object().into_iter().flatten() {
        if value.get("upload").is_some() {
            params.files.push((name.clone(), upload(value).await?));
            continue;
        }
        let value = to_json(&Said(value))?;
        if operation.path.contains(&format!("{{{name}}}")) {
            params.path.insert(name.clone(), value);
        } else if !operation.has_body || query.is_some_and(|names| names.contains(name)) {
            params.query.insert(name.clone(), value);
        } else {
            body.insert(name.clone(), value);
        }
    }
    params.body = Value::Object(body);
    Ok(params)
}

async fn upload(told: &Value) -> Result<Upload> {
    let content = told["upload"].as_str().unwrap_or_default().to_owned();
    let name = told["name"].as_str().unwrap_or_default();
    match told["as"].as_str() {
        Some("iterator") => Ok(Upload::reader(name, std::io::Cursor::new(content.into_bytes()))),
        Some("file") => {
            let mut file = std::io::Cursor::new(content.into_bytes());
            file.set_position(told["position"].as_u64().unwrap_or(0));
            Upload::seekable(name, file).await
        }
        Some("path") => from_path(name, &content),
        _ => Ok(Upload::bytes(name, content)),
    }
}

/// Where files that are sent by their path lie while the driver runs.
pub fn upload_folder() -> PathBuf {
    std::env::temp_dir().join(format!("forge-uploads-{}", std::process::id()))
}

fn from_path(name: &str, content: &str) -> Result<Upload> {
    let path = upload_folder().join(format!("{:016x}", fastrand::u64(..)));
    let written = std::fs::create_dir_all(upload_folder()).and_then(|()| std::fs::write(&path, content));
    if let Err(error) = written {
        eprintln!("a file to send cannot be written: {error}");
    }
    let upload = Upload::path(path)?;
    Ok(if name.is_empty() { upload } else { upload.named(name) })
}
