//! A whole unary answer as the events of a stream, for servers that ignore the stream parameter.

use serde_json::{json, Map, Value};

use super::profile::Family;

/// Names and JSON of events; the sentinel has none.
pub type Events = Vec<(String, Option<Value>)>;

/// The events that accumulate to `result`; `None` if it is no such result.
///
/// Typed events that add up to nothing cannot be guessed: there the whole answer is the only event.
#[must_use]
pub fn synthesise(family: Family, result: &Map<String, Value>) -> Option<Events> {
    match family {
        Family::ChatCompletion => chat(result),
        Family::BlockEvent => blocks(result),
        Family::Response => response(result),
        Family::Conversation => conversation(result),
        Family::Events => Some(vec![plain(Value::Object(result.clone())), sentinel()]),
    }
}

fn plain(data: Value) -> (String, Option<Value>) {
    ("message".to_owned(), Some(data))
}

fn sentinel() -> (String, Option<Value>) {
    ("message".to_owned(), None)
}

fn typed(kind: &str, mut fields: Map<String, Value>) -> (String, Option<Value>) {
    fields.insert("type".into(), kind.into());
    (kind.to_owned(), Some(Value::Object(fields)))
}

fn with(fields: &Map<String, Value>, changes: Value) -> Map<String, Value> {
    let mut changed = fields.clone();
    if let Value::Object(changes) = changes {
        changed.extend(changes);
    }
    changed
}

fn chat(result: &Map<String, Value>) -> Option<Events> {
    let choices = result.get("choices")?.as_array()?;
    let choices: Vec<&Map<String, Value>> = choices.iter().map(Value::as_object).collect::<Option<_>>()?;
    let has_message = choices.iter().any(|choice| choice.contains_key("message"));
    let deltas: Vec<Value> = choices.into_iter().map(chat_choice).collect();
    let mut chunk = with(result, json!({"choices": deltas}));
    if has_message {
        chunk.insert("object".into(), "chat.completion.chunk".into());
    }
    Some(vec![plain(Value::Object(chunk)), sentinel()])
}

fn chat_choice(choice: &Map<String, Value>) -> Value {
    let mut choice = choice.clone();
    let mut delta = choice.shift_remove("message").unwrap_or(Value::Null);
    if let Some(calls) = delta.get_mut("tool_calls").and_then(Value::as_array_mut) {
        for (at, call) in calls.iter_mut().enumerate() {
            if let Value::Object(call) = call {
                call.entry("index").or_insert_with(|| at.into());
            }
        }
    }
    choice.insert("delta".into(), delta);
    Value::Object(choice)
}

fn blocks(result: &Map<String, Value>) -> Option<Events> {
    let content =
        result.get("content")?.as_array().filter(|_| result.get("type").is_some_and(|t| t == "message"))?;
    let opened = with(result, json!({"content": [], "stop_reason": null, "stop_sequence": null}));
    let mut events = vec![typed("message_start", with(&Map::new(), json!({"message": opened})))];
    for (index, block) in content.iter().enumerate() {
        let start = with(&Map::new(), json!({"index": index, "content_block": block}));
        events.push(typed("content_block_start", start));
        events.push(typed("content_block_stop", with(&Map::new(), json!({"index": index}))));
    }
    let known =
        ["stop_reason", "stop_sequence"].iter().filter_map(|name| Some((*name, result.get(*name)?.clone())));
    let delta: Map<String, Value> = known.map(|(name, value)| (name.to_owned(), value)).collect();
    let usage = result.get("usage").filter(|usage| usage.is_object()).cloned().unwrap_or_else(|| json!({}));
    events.push(typed("message_delta", with(&Map::new(), json!({"delta": delta, "usage": usage}))));
    events.push(typed("message_stop", Map::new()));
    Some(events)
}

fn response(result: &Map<String, Value>) -> Option<Events> {
    let output =
        result.get("output")?.as_array().filter(|_| result.get("object").is_some_and(|o| o == "response"))?;
    let opened = with(result, json!({"status": "in_progress", "output": []}));
    let mut events = vec![typed("response.created", with(&Map::new(), json!({"response": opened})))];
    for (index, item) in output.iter().enumerate() {
        for word in ["added", "done"] {
            let fields = with(&Map::new(), json!({"output_index": index, "item": item}));
            events.push(typed(&format!("response.output_item.{word}"), fields));
        }
    }
    let status = result.get("status").and_then(Value::as_str);
    let ending = status.filter(|word| matches!(*word, "incomplete" | "failed")).unwrap_or("completed");
    events.push(typed(&format!("response.{ending}"), with(&Map::new(), json!({"response": result}))));
    Some(events)
}

fn conversation(result: &Map<String, Value>) -> Option<Events> {
    let outputs = result.get("outputs")?.as_array()?;
    let outputs: Vec<&Map<String, Value>> = outputs.iter().map(Value::as_object).collect::<Option<_>>()?;
    let mut head = result.clone();
    head.shift_remove("outputs");
    let mut events = vec![typed("conversation.response.started", head)];
    for (index, entry) in outputs.into_iter().enumerate() {
        let kind = entry.get("type").and_then(Value::as_str).unwrap_or_default();
        let name = format!("{kind}.delta");
        events.extend(entry_deltas(index, entry).into_iter().map(|delta| typed(&name, delta)));
    }
    events.push(typed("conversation.response.done", Map::new()));
    Some(events)
}

fn entry_deltas(index: usize, entry: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let whole = with(entry, json!({"output_index": index}));
    let chunks = entry.get("content").and_then(Value::as_array).filter(|chunks| !chunks.is_empty());
    let Some(chunks) = chunks else {
        return vec![whole];
    };
    let place = |name: &str| Some((name.to_owned(), whole.get(name)?.clone()));
    let place: Map<String, Value> = ["id", "output_index"].into_iter().filter_map(place).collect();
    let part = |(at, chunk): (usize, &Value)| {
        with(if at == 0 { &whole } else { &place }, json!({"content_index": at, "content": chunk}))
    };
    chunks.iter().enumerate().map(part).collect()
}
