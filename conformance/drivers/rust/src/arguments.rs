//! What a call is given, from its JSON: values, numbers that JSON has no word for, and files.

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

/// A file on the disk; the system's folder for temporary files is where it stays.
fn from_path(name: &str, content: &str) -> Result<Upload> {
    let path = std::env::temp_dir().join(format!("forge-upload-{:016x}", fastrand::u64(..)));
    if let Err(error) = std::fs::write(&path, content) {
        eprintln!("a file to send cannot be written: {error}");
    }
    let upload = Upload::path(path)?;
    Ok(if name.is_empty() { upload } else { upload.named(name) })
}
