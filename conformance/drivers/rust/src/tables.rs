//! What the driver's clients know of each provider: the tables that are made of the Python clients' own.

use std::collections::HashMap;
use std::sync::OnceLock;

use llm_forge_runtime::core::profile::{
    AnswerKind, AuthKind, AuthScheme, BodyKind, BodyRule, ErrorRules, Operation, PageRule, PageStyle,
    Placement, Probe, Profile, StreamRule, StreamValue,
};
use serde_json::Value;

use crate::core_functions::{replay, stream_rule};
use crate::leaked::{limit_headers, list, names, optional, text};

/// One provider.
pub struct Table {
    /// Its facts.
    pub profile: Profile,
    /// Its operations by name.
    pub operations: HashMap<String, Operation>,
    /// The query parameters of its operations, by operation.
    pub query: HashMap<String, Vec<String>>,
}

/// The table of a provider.
pub fn table(provider: &str) -> Option<&'static Table> {
    static TABLES: OnceLock<HashMap<String, Table>> = OnceLock::new();
    TABLES.get_or_init(read).get(provider)
}

fn read() -> HashMap<String, Table> {
    let all: HashMap<String, Value> =
        serde_json::from_str(include_str!("../../go/tables.json")).unwrap_or_default();
    all.iter().map(|(name, value)| (name.clone(), read_table(value))).collect()
}

fn read_table(value: &Value) -> Table {
    let operations = value["operations"].as_object().into_iter().flatten();
    let query = value["query"].as_object().into_iter().flatten();
    let words = |value: &Value| {
        value.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    };
    Table {
        profile: profile(&value["profile"]),
        operations: operations.map(|(name, facts)| (name.clone(), operation(facts))).collect(),
        query: query.map(|(name, found)| (name.clone(), words(found))).collect(),
    }
}

fn pairs(value: &Value) -> &'static [(&'static str, &'static str)] {
    let entries = value.as_object().into_iter().flatten();
    list(entries.filter_map(|(name, one)| Some((text(name), text(one.as_str()?)))).collect())
}

fn statuses(value: &Value) -> &'static [u16] {
    list(value.as_array().into_iter().flatten().filter_map(|one| u16::try_from(one.as_u64()?).ok()).collect())
}

fn profile(facts: &Value) -> Profile {
    let errors = &facts["errors"];
    let types = errors["status_of_type"].as_object().into_iter().flatten();
    let types = types.filter_map(|(name, status)| Some((text(name), u16::try_from(status.as_u64()?).ok()?)));
    let usual = Profile::DEFAULT;
    Profile {
        name: text(facts["name"].as_str().unwrap_or_default()),
        base_url: text(facts["base_url"].as_str().unwrap_or_default()),
        env_api_key: names(&facts["env_api_key"]),
        env_base_url: names(&facts["env_base_url"]),
        auth: auth(&facts["auth"]),
        headers: pairs(&facts["headers"]),
        request_id_headers: match names(&facts["request_id_headers"]) {
            [] => usual.request_id_headers,
            given => given,
        },
        errors: ErrorRules {
            status_of_type: list(types.collect()),
            terminal_codes: match names(&errors["terminal_codes"]) {
                [] => usual.errors.terminal_codes,
                given => given,
            },
            retryable_statuses: statuses(&errors["retryable_statuses"]),
            not_processed: match statuses(&errors["not_processed"]) {
                [] => usual.errors.not_processed,
                given => given,
            },
        },
        rate_limits: list(facts["rate_limits"].as_array().into_iter().flatten().map(limit_headers).collect()),
        base_url_suffixes: names(&facts["base_url_suffixes"]),
        secret_headers: names(&facts["secret_headers"]),
        idempotency_header: optional(&facts["idempotency_header"]),
        attempt_header: optional(&facts["attempt_header"]),
        previous_attempts_header: optional(&facts["previous_attempts_header"]),
        health: facts.get("health").map(|probe| Probe {
            name: text(probe["name"].as_str().unwrap_or_default()),
            path: text(probe["path"].as_str().unwrap_or_default()),
            group: probe["group"].as_str().map_or("default", text),
        }),
    }
}

fn auth(facts: &Value) -> AuthScheme {
    let usual = AuthScheme::BEARER;
    AuthScheme {
        kind: match facts["kind"].as_str() {
            Some("api-key") => AuthKind::ApiKey,
            Some("basic") => AuthKind::Basic,
            Some("oauth2") => AuthKind::OAuth2,
            Some("none") => AuthKind::None,
            _ => AuthKind::Bearer,
        },
        placement: placement(facts["placement"].as_str()),
        name: facts["name"].as_str().map_or(usual.name, text),
        ..usual
    }
}

/// Where a key goes.
pub fn placement(word: Option<&str>) -> Placement {
    match word {
        Some("query") => Placement::Query,
        Some("cookie") => Placement::Cookie,
        _ => Placement::Header,
    }
}

fn operation(facts: &Value) -> Operation {
    let word = |name: &str, otherwise: &'static str| facts[name].as_str().map_or(otherwise, text);
    Operation {
        name: word("name", ""),
        method: word("method", "GET"),
        path: word("path", "/"),
        stream: facts.get("stream").map(|rule| StreamRule {
            parameter: optional(&rule["parameter"]),
            value: match &rule["value"] {
                Value::String(value) => StreamValue::Text(text(value)),
                value => StreamValue::Bool(value.as_bool().unwrap_or(true)),
            },
            ..stream_rule(rule)
        }),
        replay: replay(facts["replay"].as_str()),
        group: word("group", "default"),
        has_body: facts["has_body"].as_bool().unwrap_or(false),
        answer: match facts["answer"].as_str() {
            Some("json") => AnswerKind::Json,
            Some("lines") => AnswerKind::Lines,
            Some("binary") => AnswerKind::Binary,
            Some("empty") => AnswerKind::Empty,
            _ => AnswerKind::Object,
        },
        accept: word("accept", "application/json"),
        body: BodyRule {
            kind: match facts["body"]["kind"].as_str() {
                Some("multipart") => BodyKind::Multipart,
                Some("form") => BodyKind::Form,
                Some("binary") => BodyKind::Binary,
                Some("json") => BodyKind::Json,
                _ => BodyKind::Object,
            },
            media_type: facts["body"]["media_type"].as_str().map_or("application/json", text),
            files: names(&facts["body"]["files"]),
            deep: names(&facts["body"]["deep"]),
            media_types: pairs(&facts["body"]["media_types"]),
        },
        pages: facts.get("pages").filter(|rule| rule.is_object()).map(page_rule),
        required: names(&facts["required"]),
        ..Operation::DEFAULT
    }
}

fn page_rule(rule: &Value) -> PageRule {
    let word = |name: &str| rule[name].as_str().map_or("", text);
    PageRule {
        style: match word("style") {
            "after-id" => PageStyle::AfterId,
            "before-id" => PageStyle::BeforeId,
            "page" => PageStyle::Page,
            "link" => PageStyle::Link,
            _ => PageStyle::Cursor,
        },
        items: word("items"),
        param: word("param"),
        id: word("id"),
        before: word("before"),
        next: word("next"),
        more: word("more"),
        start: rule["start"].as_i64().unwrap_or(1),
        size_param: word("size_param"),
        total: word("total"),
        in_body: rule["in_body"].as_bool().unwrap_or(false),
        otherwise: None,
    }
}
