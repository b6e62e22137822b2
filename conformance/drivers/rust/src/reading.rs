//! Answers that are files, lines or pages, read as the scenario says.

use std::path::{Path, PathBuf};

use futures::{StreamExt as _, TryStreamExt as _};
use llm_forge_runtime::core::errors::Result;
use llm_forge_runtime::core::profile::Operation;
use llm_forge_runtime::{CallOptions, Client, Download, EventStream, Lines, Page, Params};
use serde_json::{json, Map, Value};

use crate::record::{notes, Record};

/// What the caller of an operation reads.
pub async fn read(
    client: &Client,
    operation: &Operation,
    params: &Params,
    options: CallOptions,
    how: &Value,
    record: &Record,
) -> Result<Value> {
    if how["to"] == "items" {
        return items(client.pages(operation, params, options).await?, how).await;
    }
    stored(client.download(operation, params, options).await?, how, record).await
}

/// What the caller of an absolute URL reads.
pub async fn read_url(
    client: &Client,
    url: &str,
    options: CallOptions,
    how: &Value,
    record: &Record,
) -> Result<Value> {
    if how["to"] == "lines" {
        return lines(client.lines_url(url, options).await?, record).await;
    }
    stored(client.download_url(url, options).await?, how, record).await
}

async fn items(first: Page, how: &Value) -> Result<Value> {
    let most = how["pages"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
    let pages: Vec<Page> = first.into_pages().take(most).try_collect().await?;
    Ok(pages.into_iter().flat_map(|page| page.items).collect())
}

async fn lines(mut lines: Lines, record: &Record) -> Result<Value> {
    let mut found = Vec::new();
    while let Some(line) = lines.next().await {
        found.push(line?);
        notes(record).events += 1;
    }
    Ok(found.into())
}

async fn stored(download: Download, how: &Value, record: &Record) -> Result<Value> {
    if how["to"] != "folder" {
        let content = download.bytes().await?;
        return Ok(String::from_utf8_lossy(&content).into_owned().into());
    }
    let folder = TargetFolder::new(record);
    let path = download.to_file(folder.target()).await?;
    Ok(json!(path.file_name().map(|name| name.to_string_lossy().into_owned())))
}

/// A stream that is written to a file.
pub async fn to_file(stream: &mut EventStream, how: &Value, record: &Record) -> Result<Value> {
    let folder = TargetFolder::new(record);
    let path = folder.target().join("story.txt");
    if let Some(before) = how["before"].as_str() {
        if let Err(error) = std::fs::write(&path, before) {
            eprintln!("a file cannot be written: {error}");
        }
    }
    stream.to_file(&path, false).await
}

/// A folder `target` to store files in; what is then in it and around it is noted when this is dropped.
pub struct TargetFolder {
    around: PathBuf,
    record: Record,
}

impl TargetFolder {
    pub fn new(record: &Record) -> Self {
        let around = std::env::temp_dir().join(format!("forge-target-{:016x}", fastrand::u64(..)));
        if let Err(error) = std::fs::create_dir_all(around.join("target")) {
            eprintln!("a folder for files cannot be made: {error}");
        }
        Self { around, record: record.clone() }
    }

    pub fn target(&self) -> PathBuf {
        self.around.join("target")
    }
}

impl Drop for TargetFolder {
    fn drop(&mut self) {
        let mut files = Map::new();
        note_files(&self.around, &self.around, &mut files);
        notes(&self.record).files = Some(Value::Object(files));
        if std::fs::remove_dir_all(&self.around).is_err() {
            eprintln!("a folder was left behind");
        }
    }
}

fn note_files(folder: &Path, around: &Path, files: &mut Map<String, Value>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            note_files(&path, around, files);
        } else {
            let name = path.strip_prefix(around).unwrap_or(&path).to_string_lossy().into_owned();
            let content = std::fs::read(&path).unwrap_or_default();
            files.insert(name, String::from_utf8_lossy(&content).into_owned().into());
        }
    }
}
