//! Any bytes as a stream of any family: read whole and cut in two, with the same end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llm_forge_runtime::core::profile::{Family, StreamRule};
use llm_forge_runtime::core::reader::StreamReader;

const FAMILIES: [Family; 5] =
    [Family::ChatCompletion, Family::BlockEvent, Family::Response, Family::Conversation, Family::Events];

fn end_of(rule: &StreamRule, pieces: &[&[u8]]) -> (u64, Option<String>, String) {
    let mut reader = StreamReader::new(rule, Box::new(|_| None), Box::new(str::to_owned));
    for piece in pieces {
        reader.feed(piece);
        while !reader.ready.is_empty() {
            reader.ready.clear();
            reader.refill();
        }
    }
    reader.finish(false);
    let failure = reader.failure.as_ref().map(|failure| failure.kind().as_str().to_owned());
    (reader.events_seen, failure, reader.accumulator.partial().to_string())
}

fuzz_target!(|data: &[u8]| {
    let [family, cut, body @ ..] = data else { return };
    let mut rule = StreamRule::of(FAMILIES[usize::from(*family) % FAMILIES.len()]);
    rule.ndjson = family & 0x80 != 0;
    let (head, tail) = body.split_at(usize::from(*cut).min(body.len()));
    assert_eq!(end_of(&rule, &[body]), end_of(&rule, &[head, tail]));
});
