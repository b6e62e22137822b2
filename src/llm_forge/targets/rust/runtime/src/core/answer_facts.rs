//! What an answer says of itself, without any of its content: ids, reasons and tokens.

use serde_json::{Map, Value};

use super::paging::at;

/// Where providers put a count: the names of one fact, each a path into `usage`.
const TOKENS: [(&str, &[&str]); 5] = [
    ("input_tokens", &["input_tokens", "prompt_tokens"]),
    ("output_tokens", &["output_tokens", "completion_tokens"]),
    (
        "cache_read_tokens",
        &[
            "cache_read_input_tokens",
            "prompt_tokens_details.cached_tokens",
            "input_tokens_details.cached_tokens",
        ],
    ),
    ("cache_creation_tokens", &["cache_creation_input_tokens"]),
    (
        "reasoning_tokens",
        &["completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens"],
    ),
];
/// Anthropic counts the cached part beside the input, the others inside it.
const BESIDE_INPUT: [&str; 2] = ["cache_read_input_tokens", "cache_creation_input_tokens"];

/// The facts that are there: `response_id`, `response_model`, `finish_reasons` and the counts of tokens.
///
/// `input_tokens` counts all input, cached or not, whether the provider counts the cached part in or not.
#[must_use]
pub fn answer_facts(answer: &Value) -> Map<String, Value> {
    let mut facts = Map::new();
    for (name, field) in [("response_id", "id"), ("response_model", "model")] {
        if let Some(text) = answer.get(field).and_then(Value::as_str) {
            facts.insert(name.to_owned(), text.into());
        }
    }
    let reasons: Vec<&str> = reasons(answer).collect();
    if !reasons.is_empty() {
        facts.insert("finish_reasons".to_owned(), reasons.into());
    }
    if let Some(usage) = answer.get("usage").filter(|usage| usage.is_object()) {
        facts.extend(token_facts(usage));
    }
    facts
}

fn token_facts(usage: &Value) -> impl Iterator<Item = (String, Value)> + '_ {
    let beside: u64 = BESIDE_INPUT.iter().filter_map(|name| usage[*name].as_u64()).sum();
    TOKENS.iter().filter_map(move |(name, paths)| {
        let count = paths.iter().find_map(|path| at(usage, path)?.as_u64())?;
        let all = if *name == "input_tokens" { count.saturating_add(beside) } else { count };
        Some(((*name).to_owned(), all.into()))
    })
}

fn reasons(answer: &Value) -> impl Iterator<Item = &str> {
    let choices = answer.get("choices").and_then(Value::as_array).into_iter().flatten();
    let of_choices = choices.filter_map(|choice| choice.get("finish_reason")?.as_str());
    answer.get("stop_reason").and_then(Value::as_str).into_iter().chain(of_choices)
}
