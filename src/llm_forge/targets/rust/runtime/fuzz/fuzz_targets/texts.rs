//! Any text where a server may send one: JSON, durations, file names, rate-limit headers, errors.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llm_forge_runtime::core::durations::parse_duration;
use llm_forge_runtime::core::file_names::{disposition_name, safe_file_name, LONGEST_BYTES};
use llm_forge_runtime::core::headers::Headers;
use llm_forge_runtime::core::json::decode;
use llm_forge_runtime::core::server_wait::server_wait;

fuzz_target!(|data: &[u8]| {
    if let Ok(value) = decode(data) {
        assert!(decode(value.to_string().as_bytes()).is_ok());
    }
    let text = String::from_utf8_lossy(data);
    assert!(parse_duration(&text).is_none_or(|seconds| seconds >= 0.0));
    let name = safe_file_name(&disposition_name(&text).unwrap_or_else(|| text.to_string()));
    assert!(!name.is_empty() && name.len() <= LONGEST_BYTES && !name.contains(['/', '\\', '\0']));
    let headers = Headers::new([("retry-after", text.as_ref()), ("retry-after-ms", text.as_ref())]);
    assert!(server_wait(&headers, 429, &[], 1_700_000_000.0).is_none_or(|wait| wait >= 0.0));
});
