"""The description of servers that imitate OpenAI: requests are OpenAI's own, answers promise little."""

from __future__ import annotations

from llm_forge.spec import ir, load_description

from .documents import description_path, parse
from .prose import fields, says_more_than, sentences, texts

ROOT = parse(description_path("openai_compatible").read_text(encoding="utf-8"))


def test_the_reader_finds_nothing_to_repair_or_skip() -> None:
    api = load_description("openai_compatible")
    assert (api.notices, api.skipped, api.servers) == ((), (), ())
    assert api.auth == ir.Auth(optional=True)


def test_it_asks_for_what_openai_asks_for() -> None:
    ours, theirs = load_description("openai_compatible"), load_description("openai")
    known = {operation.name: operation for operation in theirs.operations()}
    for operation in ours.operations():
        assert operation.path == known[operation.name].path
        if operation.body is not None:
            body = known[operation.name].body
            assert body is not None
            assert ours.resolve(operation.body.type) == theirs.resolve(body.type)


def test_its_own_types_are_described_in_short_sentences() -> None:
    found = list(fields(ROOT))
    assert len(found) > 60
    for field in found:
        assert says_more_than(field.name, field.schema["description"]), field.path
    for text in texts(ROOT):
        assert text.endswith("."), text
        assert all(len(sentence) <= 300 for sentence in sentences(text))


def test_it_knows_what_some_servers_can_do() -> None:
    servers = load_description("openai_compatible").capabilities["servers"]
    keys = {
        "base_url", "embeddings", "json_schema", "key", "reasoning", "responses", "stream_usage", "tool_index"
    }  # fmt: skip
    assert set(servers) >= {"vllm", "ollama", "llama_cpp", "together", "openrouter", "deepseek", "xai"}
    assert all(set(known) == keys for known in servers.values())
