//! Runs a scenario's steps against one client, in tasks of one thread.
//!
//! Whoever is awake holds a token of the clock. A step hands its token to its call and takes it back, so that the
//! clock never jumps between two steps.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::{FutureExt as _, StreamExt as _};
use llm_forge_runtime::clock::Clock as _;
use llm_forge_runtime::core::limiter::{FamilyState, LimitSource};
use llm_forge_runtime::core::profile::Profile;
use llm_forge_runtime::{Client, EventStream};
use serde_json::{json, Map, Value};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::arguments::params;
use crate::clock::VirtualClock;
use crate::core_functions::{replay, WALL};
use crate::facts::error_fact;
use crate::leaked::optional;
use crate::options::{call_options, client_options};
use crate::reading::{self, to_file};
use crate::record::{note_event, note_sleep, notes, shown_of, Record, CURRENT};
use crate::recorder::recorders;
use crate::tables::{table, Table};

/// Real seconds in which the end of what was dropped reaches the server.
const FAREWELL: std::time::Duration = std::time::Duration::from_millis(30);

/// Environment variables hold only while a client is built; one at a time in this process.
static ENVIRONMENT: Mutex<()> = Mutex::new(());

/// The scenario's answer.
pub fn run(message: &Value) -> Value {
    let folder = Folder::new(message);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answer = match runtime {
        Ok(runtime) => runtime.block_on(answer(message, &folder.path)),
        Err(error) => json!({"error": {"kind": "Untyped:io", "message": error.to_string()}}),
    };
    let mut whole = Map::from_iter([("call".to_owned(), message["call"].clone())]);
    whole.extend(answer.as_object().cloned().unwrap_or_default());
    Value::Object(whole)
}

/// A folder with the scenario's files, and a home folder where it names one, for as long as it runs.
struct Folder {
    path: PathBuf,
    home: Option<Option<OsString>>,
}

impl Folder {
    fn new(message: &Value) -> Self {
        let path = std::env::temp_dir().join(format!("forge-{}-{}", std::process::id(), message["call"]));
        write_files(&message["files"], &path);
        let at_home = path.join("home");
        let has_home = write_files(&message["home"], &at_home);
        let home = has_home.then(|| std::env::var_os("HOME"));
        if has_home {
            std::env::set_var("HOME", at_home); // such a scenario runs alone
        }
        Self { path, home }
    }
}

/// Whether there were files to write.
fn write_files(files: &Value, folder: &Path) -> bool {
    let Some(files) = files.as_object().filter(|files| !files.is_empty()) else { return false };
    if let Err(error) = std::fs::create_dir_all(folder) {
        eprintln!("a folder of the scenario cannot be made: {error}");
    }
    for (name, text) in files {
        if let Err(error) = std::fs::write(folder.join(name), text.as_str().unwrap_or_default()) {
            eprintln!("a file of the scenario cannot be written: {error}");
        }
    }
    true
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.path.exists() && std::fs::remove_dir_all(&self.path).is_err() {
            eprintln!("a folder was left behind");
        }
        match self.home.take() {
            Some(Some(home)) => std::env::set_var("HOME", home),
            Some(None) => std::env::remove_var("HOME"),
            None => {}
        }
    }
}

async fn answer(message: &Value, folder: &Path) -> Value {
    let told = &message["clock"];
    let wall = told["wall"].as_f64().unwrap_or(WALL);
    let jump = told["jump"].as_bool().unwrap_or(true);
    let clock = VirtualClock::new(told["scale"].as_f64(), jump, wall, Box::new(note_sleep));
    let Some(table) = message["provider"].as_str().and_then(table) else {
        return json!({"error": {"kind": "Untyped:provider"}});
    };
    let client = match build(message, folder, table, &clock) {
        Ok(client) => client,
        Err(answer) => return answer,
    };
    let shown = Arc::new(Mutex::new(Vec::new()));
    let replay_class = message["descriptor"]["replay"].as_str().map(str::to_owned);
    let run = Run { client, clock, table, replay_class, shown };
    let outcomes = run.steps(message).await;
    let mut answer = json!({
        "outcomes": outcomes,
        "circuits": run.client.circuit_states().into_iter().map(|(n, s)| (n, s.as_str().into())).collect::<Map<_, _>>(),
        "limits": run.client.rate_limit_status().into_iter().map(|(n, f)| (n, limit_facts(&f))).collect::<Map<_, _>>(),
    });
    run.client.close().await;
    let mut shown = run.shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
    shown.push(format!("{:?}", run.client));
    answer["shown"] = shown.join("\n").into();
    answer
}

fn limit_facts(found: &[FamilyState]) -> Value {
    let fact = |one: &FamilyState| {
        json!({
            "family": one.family,
            "unit": one.unit.as_str(),
            "limit": one.limit,
            "remaining": one.remaining,
            "resets_in": one.resets_in,
            "source": if one.source == LimitSource::Local { "local" } else { "server" },
        })
    };
    found.iter().map(fact).collect()
}

fn build(message: &Value, folder: &Path, table: &Table, clock: &VirtualClock) -> Result<Client, Value> {
    let failed =
        |error: &llm_forge_runtime::Error| json!({"error": error_fact(error), "shown": shown_of(error)});
    let mut options = client_options(message, folder).map_err(|error| failed(&error))?;
    let (chance, hook_clock) = (message["random"].as_f64().unwrap_or(1.0), clock.clone());
    options.clock = Some(Arc::new(clock.clone()));
    options.random = Some(Arc::new(move || chance));
    options.on_event = vec![Arc::new(move |event| note_event(event, hook_clock.now()))];
    options.middleware = recorders(&message["middleware"]);
    let described = &message["descriptor"];
    let usual = &table.profile;
    let named = |name: &str, usual: Option<&'static str>| described.get(name).map_or(usual, optional);
    let profile = Profile {
        idempotency_header: named("idempotency_header", usual.idempotency_header),
        attempt_header: named("attempt_header", usual.attempt_header),
        previous_attempts_header: named("previous_attempts_header", usual.previous_attempts_header),
        ..usual.clone()
    };
    let _turn = ENVIRONMENT.lock();
    let env = message["env"].as_object().into_iter().flatten();
    env.clone().for_each(|(name, value)| std::env::set_var(name, value.as_str().unwrap_or_default()));
    let client = Client::new(profile, options);
    env.for_each(|(name, _)| std::env::remove_var(name));
    client.map_err(|error| failed(&error))
}

/// One scenario with one client.
#[derive(Clone)]
struct Run {
    client: Client,
    clock: VirtualClock,
    table: &'static Table,
    replay_class: Option<String>,
    shown: Arc<Mutex<Vec<String>>>,
}

type Started = JoinHandle<Value>;

impl Run {
    async fn steps(&self, message: &Value) -> Vec<Value> {
        let mut calls: Vec<Started> = Vec::new();
        let mut done: Vec<(usize, Value)> = Vec::new();
        self.clock.begin();
        for step in message["steps"].as_array().into_iter().flatten() {
            match step["do"].as_str() {
                Some("wait") => self.clock.sleep(step["seconds"].as_f64().unwrap_or(0.0)).await,
                Some("wall") => self.clock.jump_wall(step["seconds"].as_f64().unwrap_or(0.0)),
                Some("switch") => self.switch(step),
                Some("close") => self.client.close().await,
                _ => self.call_step(step, &mut calls, &mut done).await,
            }
        }
        self.clock.end();
        for (at, call) in calls.into_iter().enumerate() {
            if !done.iter().any(|(known, _)| *known == at) {
                done.push((at, ended(call.await)));
            }
        }
        done.sort_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn switch(&self, step: &Value) {
        let operation = step["operation"].as_str().and_then(|name| self.table.operations.get(name));
        let group = operation.map_or("default", |operation| operation.group);
        match step["to"].as_str() {
            Some("force-open") => self.client.force_open_circuit(group),
            Some("disable") => self.client.disable_circuit(group),
            _ => self.client.reset_circuit(group),
        }
    }

    async fn call_step(&self, step: &Value, calls: &mut Vec<Started>, done: &mut Vec<(usize, Value)>) {
        let times = step["times"].as_u64().unwrap_or(1);
        if step["background"] == true {
            for _ in 0..times {
                self.clock.begin();
                let clock = self.clock.clone();
                calls.push(self.start(step, move || clock.end()));
            }
            return;
        }
        if step["together"] == true {
            (1..times).for_each(|_| self.clock.begin());
            let left = Arc::new(Mutex::new(times));
            let from = calls.len();
            for _ in 0..times {
                let (clock, left) = (self.clock.clone(), left.clone());
                calls.push(self.start(step, move || one_less(&clock, &left)));
            }
            for (at, call) in calls.iter_mut().enumerate().skip(from) {
                done.push((at, ended(call.await)));
            }
            return;
        }
        for _ in 0..times {
            calls.push(self.start(step, || ()));
            let at = calls.len() - 1;
            done.push((at, ended((&mut calls[at]).await)));
        }
    }

    fn start(&self, step: &Value, over: impl FnOnce() + Send + 'static) -> Started {
        let (run, step) = (self.clone(), step.clone());
        tokio::spawn(async move {
            let record = Record::default();
            let outcome = CURRENT.scope(record.clone(), run.call(&step, &record)).await;
            let shown = std::mem::take(&mut notes(&record).shown);
            run.shown.lock().unwrap_or_else(PoisonError::into_inner).extend(shown);
            over();
            outcome
        })
    }

    async fn call(&self, step: &Value, record: &Record) -> Value {
        let started = self.clock.now();
        let (fire, fired) = oneshot::channel::<()>();
        let during = &step["during"];
        let watch = (during["do"] == "cancel").then(|| {
            let at = during["at"].as_f64().unwrap_or(0.0);
            self.clock.watch(at, true, move || {
                let _gone = fire.send(());
            })
        });
        let cancelled = async {
            if fired.await.is_err() {
                futures::future::pending::<()>().await;
            }
        };
        // The work is dropped where it is cancelled: that is how Rust cancels.
        let told = {
            let work = self.work(step, record).fuse();
            futures::pin_mut!(work);
            tokio::select! {
                biased;
                () = cancelled => Err(json!({"kind": "Cancelled"})),
                told = &mut work => told,
            }
        };
        let ended = self.clock.now();
        drop(watch);
        let notes = notes(record);
        match told {
            Ok(result) => notes.outcome(started, ended, result, None),
            Err(error) => notes.outcome(started, ended, None, Some(error)),
        }
    }

    /// One call to its end: its result, or its error as a fact.
    async fn work(&self, step: &Value, record: &Record) -> Result<Option<Value>, Value> {
        let told = |error: &llm_forge_runtime::Error| {
            notes(record).shown.push(shown_of(error));
            error_fact(error)
        };
        if step["operation"] == "download_url" {
            let options = call_options(&step["options"]).map_err(|error| told(&error))?;
            let url = step["args"]["url"].as_str().unwrap_or_default();
            let read = reading::read_url(&self.client, url, options, &step["read"], record).await;
            return read.map(Some).map_err(|error| told(&error));
        }
        let Some(mut operation) =
            step["operation"].as_str().and_then(|name| self.table.operations.get(name)).cloned()
        else {
            return Err(json!({"kind": "Untyped:operation", "message": step["operation"]}));
        };
        if let Some(class) = &self.replay_class {
            operation.replay = replay(Some(class));
        }
        let options = call_options(&step["options"]).map_err(|error| told(&error))?;
        let params = params(&operation, self.table, &step["args"]).await.map_err(|error| told(&error))?;
        if let Some(how) = step.get("read") {
            let read = reading::read(&self.client, &operation, &params, options, how, record).await;
            return read.map(Some).map_err(|error| told(&error));
        }
        if step.get("stream").is_none() {
            let result = self.client.call_json(&operation, &params, options).await;
            return result.map(Some).map_err(|error| told(&error));
        }
        let stream = self.client.stream(&operation, &params, options).await.map_err(|error| told(&error))?;
        self.consume(stream, &step["stream"], record).await
    }

    async fn consume(
        &self,
        mut stream: EventStream,
        how: &Value,
        record: &Record,
    ) -> Result<Option<Value>, Value> {
        notes(record).synthesised = stream.synthesised();
        if how["to_file"] == true {
            return to_file(&mut stream, how, record).await.map(Some).map_err(|error| {
                notes(record).shown.push(shown_of(&error));
                error_fact(&error)
            });
        }
        while let Some(event) = stream.next().await {
            let event = event.map_err(|error| {
                notes(record).shown.push(shown_of(&error));
                error_fact(&error)
            });
            event?;
            let seen = {
                let mut notes = notes(record);
                notes.events += 1;
                Some(notes.events)
            };
            if seen == how["raise_after"].as_u64() {
                return Err(json!({"kind": "Raised"}));
            }
            if seen == how["close_after"].as_u64() {
                stream.close();
                return Ok(None);
            }
            if seen == how["abandon_after"].as_u64() {
                drop(stream);
                tokio::time::sleep(FAREWELL).await;
                return Ok(None);
            }
            if let Some(seconds) = how["sleep_each"].as_f64().filter(|seconds| *seconds > 0.0) {
                self.clock.sleep(seconds).await;
            }
        }
        notes(record).completion = stream.completion().map(|completion| completion.as_str());
        if how["again"] == true {
            if let Some(Err(error)) = stream.next().await {
                notes(record).second = Some(error_fact(&error));
            }
        }
        Ok(stream.message().cloned())
    }
}

fn ended(joined: Result<Value, tokio::task::JoinError>) -> Value {
    joined.unwrap_or_else(|error| json!({"started": 0, "ended": 0, "error": {"kind": "Untyped:panic", "message": error.to_string()}}))
}

/// A call of a group is over; the last one's token goes back to the step.
fn one_less(clock: &VirtualClock, left: &Mutex<u64>) {
    let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
    *left -= 1;
    if *left > 0 {
        clock.end();
    }
}
