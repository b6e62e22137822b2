"""The client mistralai, as it is, against every service that the simulator shares with it.

It has no fine-tuning jobs any more; those are asked for by our own client (test_own_services_mistral.py).
"""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from llm_forge.simulator import Simulator

QUESTION = [{"role": "user", "content": "say hello"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
# Fields that recorded answers have and its types have not.
UNKNOWN_TO_IT = {
    "CompletionChunk": {"p"},
    "ModerationResponse": {
        "usage", "prompt_tokens", "completion_tokens", "total_tokens", "request_count"
    },
}  # fmt: skip
WAV = {"file_name": "talk.wav", "content": b"RIFF not really a recording"}


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(seed=9) as running:
        yield running


@pytest.fixture(scope="module")
def vendor() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("mistralai.client", reason="the vendor's client is an extra (vendors)")


@pytest.fixture(autouse=True)
def lossless(vendor: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What it reads of each answer and event is all that was sent; its types ignore what they do not know."""
    serializers = importlib.import_module("mistralai.client.utils.serializers")
    unmarshal, lost = serializers.unmarshal, list[Any]()

    def watched(value: Any, kind: Any, *rest: Any, **options: Any) -> Any:
        made = unmarshal(value, kind, *rest, **options)
        if options.get("coerce_iterables") is False:  # an answer, and not a request
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it warns of values that its enums do not list
                missing = lacking(value, serializers.marshal_json(made, kind))
            lost.extend(missing - UNKNOWN_TO_IT.get(_named(made), set()))
        return made

    monkeypatch.setattr(serializers, "unmarshal", watched)
    yield
    assert lost == []


def _named(made: Any) -> str:
    """The type of an answer, or of what an event holds."""
    return type(getattr(made, "data", made)).__name__


def lacking(sent: Any, read: str) -> set[str]:
    """The names of the fields that were sent, and are not in what was read."""
    return {name for name in names_in(sent) if f'"{name}":' not in read}


def names_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, held in value.items():
            if held is not None:
                yield name
            yield from names_in(held)
    elif isinstance(value, list):
        for held in value:
            yield from names_in(held)


@pytest.fixture(scope="module")
def refused(vendor: Any) -> Any:
    """What it raises for a refusal."""
    return vendor.errors.MistralError


@pytest.fixture(scope="module")
def client(sim: Simulator, vendor: Any) -> Iterator[Any]:
    with vendor.Mistral(api_key="key", server_url=sim.base_urls["mistral"]) as made:
        yield made


def lines(*models: str) -> bytes:
    rows = (
        {"custom_id": str(at), "body": {"model": model, "messages": QUESTION}}
        for at, model in enumerate(models)
    )
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def upload(client: Any, name: str, content: bytes, purpose: str) -> Any:
    return client.files.upload(file={"file_name": name, "content": content}, purpose=purpose)


def test_files_are_kept_listed_page_by_page_downloaded_and_deleted(client: Any, refused: Any) -> None:
    made = [upload(client, f"{at}.txt", b"text", "ocr") for at in range(3)]
    assert (made[0].filename, made[0].size_bytes, made[0].purpose) == ("0.txt", 4, "ocr")
    first, second = (client.files.list(purpose="ocr", page_size=2, page=page) for page in (0, 1))
    assert [file.id for file in [*first.data, *second.data]] == [file.id for file in reversed(made)]
    assert (first.total, second.total) == (3, 3)
    assert client.files.retrieve(file_id=made[0].id).deleted is False
    assert client.files.download(file_id=made[0].id).read() == b"text"
    assert client.files.get_signed_url(file_id=made[0].id, expiry=2).url.endswith("hours=2")
    assert client.files.delete(file_id=made[0].id).deleted
    with pytest.raises(refused) as caught:
        client.files.retrieve(file_id=made[0].id)
    assert caught.value.status_code == 404


def test_a_batch_of_a_file_goes_on_with_the_clock_and_ends_with_files(client: Any, sim: Simulator) -> None:
    file = upload(client, "in.jsonl", lines(*["mistral-small-latest"] * 9, "missing-model"), "batch")
    job = client.batch.jobs.create(
        endpoint="/v1/chat/completions", input_files=[file.id], metadata={"team": "a"}
    )
    seen = [job.status]
    for seconds in (6, 30, 30):
        sim.advance(seconds)
        seen.append(client.batch.jobs.get(job_id=job.id).status)
    assert seen == ["QUEUED", "RUNNING", "RUNNING", "SUCCESS"]
    done = client.batch.jobs.get(job_id=job.id)
    assert (done.total_requests, done.succeeded_requests, done.failed_requests) == (10, 9, 1)
    results = [
        json.loads(line) for line in client.files.download(file_id=done.output_file).read().splitlines()
    ]
    assert [one["custom_id"] for one in results] != sorted(one["custom_id"] for one in results)
    assert {one["response"]["body"]["choices"][0]["message"]["content"] for one in results} == {"hello"}
    (failed,) = client.files.download(file_id=done.error_file).read().splitlines()
    assert json.loads(failed)["response"]["status_code"] == 400
    listed = client.batch.jobs.list(status=["SUCCESS"], metadata={"team": "a"})
    assert [one.id for one in listed.data] == [job.id]
    assert client.batch.jobs.list(metadata={"team": "b"}).total == 0
    assert client.batch.jobs.delete(job_id=job.id).deleted


def test_a_batch_of_inline_requests_can_be_cancelled(client: Any, sim: Simulator, refused: Any) -> None:
    requests = [{"custom_id": str(at), "body": {"messages": QUESTION}} for at in range(10)]
    told: dict[str, Any] = {"endpoint": "/v1/chat/completions", "model": "mistral-small-latest"}
    job = client.batch.jobs.create(requests=requests, **told)
    sim.advance(35)
    with pytest.raises(refused, match="has not ended"):
        client.batch.jobs.delete(job_id=job.id)
    assert client.batch.jobs.cancel(job_id=job.id).status == "CANCELLATION_REQUESTED"
    sim.advance(6)
    done = client.batch.jobs.get(job_id=job.id, inline=True)
    assert (done.status, done.completed_requests, len(done.outputs)) == ("CANCELLED", 5, 5)
    with pytest.raises(refused, match="already ended"):
        client.batch.jobs.cancel(job_id=job.id)


@pytest.mark.filterwarnings("ignore:.*list_pages instead:DeprecationWarning")
def test_agents_have_versions_with_names(client: Any, refused: Any) -> None:
    agents = client.beta.agents
    made = agents.create(model="mistral-small-latest", name="Gardener", instructions="Be brief.")
    changed = agents.update(agent_id=made.id, name="Botanist", metadata={"team": "a"})
    assert (made.version, changed.version, changed.versions) == (0, 1, [0, 1])
    assert (changed.instructions, changed.metadata) == ("Be brief.", {"team": "a"})
    assert [one.version for one in agents.list_versions(agent_id=made.id)] == [1, 0]
    assert agents.get_version(agent_id=made.id, version="0").name == "Gardener"
    named = agents.create_version_alias(agent_id=made.id, alias="first", version=0)
    assert agents.get(agent_id=made.id, agent_version="first").name == "Gardener"
    assert [one.alias for one in agents.list_version_aliases(agent_id=made.id)] == [named.alias]
    agents.delete_version_alias(agent_id=made.id, alias="first")
    with pytest.raises(refused, match="not found"):
        agents.get(agent_id=made.id, agent_version="first")
    assert agents.update_version(agent_id=made.id, version=0).name == "Gardener"
    others = [agents.create(model="mistral-small-latest", name=f"Other {at}").id for at in range(4)]
    assert [one.id for one in agents.list(page_size=2, page=1)] == [others[1], others[0]]
    assert [one.id for one in agents.list(search="garden")] == [made.id]
    agents.delete(agent_id=made.id)
    with pytest.raises(refused, match="not found"):
        agents.get(agent_id=made.id)


def test_agents_are_listed_by_cursor(client: Any) -> None:
    for at in range(3):
        client.beta.agents.create(model="mistral-small-latest", name=f"Paged {at}", metadata={"list": "p"})
    page = client.beta.agents.list_pages(page_size=2, metadata={"list": "p"})
    names = [agent.name for agent in page.result.data]
    while (page := page.next()) is not None:
        names += [agent.name for agent in page.result.data]
    assert names == ["Paged 2", "Paged 1", "Paged 0"]


def test_an_agent_completes_a_chat_whole_and_streamed(client: Any, refused: Any) -> None:
    agent = client.beta.agents.create(
        model="mistral-small-latest", name="Forecaster", tools=[TOOL], instructions="You know the weather."
    )
    asked = [{"role": "user", "content": "What is the weather in Paris?"}]
    (call,) = client.agents.complete(agent_id=agent.id, messages=asked).choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    whole = client.agents.complete(agent_id=agent.id, messages=QUESTION)
    assert (whole.model, whole.choices[0].message.content) == ("mistral-small-latest", "hello")
    assert whole.usage.prompt_tokens > 5
    streamed = [event.data for event in client.agents.stream(agent_id=agent.id, messages=QUESTION)]
    assert "".join(chunk.choices[0].delta.content for chunk in streamed) == "hello"
    with pytest.raises(refused, match="not found"):
        client.agents.complete(agent_id="ag_none", messages=QUESTION)


def test_code_is_filled_in_whole_and_streamed(client: Any) -> None:
    told = {"model": "codestral-latest", "prompt": "def area(radius):", "suffix": "\n", "max_tokens": 8}
    whole = client.fim.complete(**told).choices[0]
    assert (whole.finish_reason, len(whole.message.content) > 0) == ("length", True)
    streamed = [event.data.choices[0].delta.content for event in client.fim.stream(**told)]
    assert "".join(streamed) == whole.message.content


def test_a_conversation_is_kept_continued_and_begun_again(client: Any, refused: Any) -> None:
    conversations = client.beta.conversations
    first = conversations.start(model="mistral-small-latest", inputs="say one", name="Counting")
    second = conversations.append(conversation_id=first.conversation_id, inputs="say two")
    assert [first.outputs[0].content, second.outputs[0].content] == ["one", "two"]
    assert second.usage.prompt_tokens > first.usage.prompt_tokens
    history = conversations.get_history(conversation_id=first.conversation_id).entries
    assert [entry.type for entry in history] == ["message.input", "message.output"] * 2
    again = conversations.restart(
        conversation_id=first.conversation_id, from_entry_id=history[1].id, inputs="say three"
    )
    messages = conversations.get_messages(conversation_id=again.conversation_id).messages
    assert [one.content for one in messages] == ["say one", "one", "say three", "three"]
    assert conversations.get(conversation_id=again.conversation_id).name == "Counting"
    assert [one.id for one in conversations.list(page_size=2)] == [
        again.conversation_id,
        first.conversation_id,
    ]
    conversations.delete(conversation_id=first.conversation_id)
    with pytest.raises(refused, match="not found"):
        conversations.get_history(conversation_id=first.conversation_id)


def test_a_conversation_that_is_not_to_be_stored_is_gone(client: Any, refused: Any) -> None:
    said = client.beta.conversations.start(model="mistral-small-latest", inputs="say one", store=False)
    with pytest.raises(refused, match="not found"):
        client.beta.conversations.get(conversation_id=said.conversation_id)


def test_a_conversation_calls_functions_and_takes_their_results(client: Any, refused: Any) -> None:
    conversations = client.beta.conversations
    asked = conversations.start(
        model="mistral-small-latest", inputs="What is the weather in Paris?", tools=[TOOL]
    )
    (call,) = asked.outputs
    assert (call.type, call.name, json.loads(call.arguments)) == (
        "function.call",
        "get_weather",
        {"city": "Paris"},
    )
    result = {"type": "function.result", "tool_call_id": call.tool_call_id, "result": "18 degrees"}
    told = conversations.append(conversation_id=asked.conversation_id, inputs=[result])
    assert "18 degrees" in told.outputs[0].content
    with pytest.raises(refused, match="no function call"):
        conversations.append(
            conversation_id=asked.conversation_id, inputs=[{**result, "tool_call_id": "abcdefghi"}]
        )


def test_a_conversation_runs_the_tools_of_mistral_and_streams_it(client: Any) -> None:
    told = {"model": "mistral-small-latest", "tools": [{"type": "web_search"}]}
    whole = client.beta.conversations.start(inputs="Search the web for tides", **told)
    assert [entry.type for entry in whole.outputs] == ["tool.execution", "message.output"]
    assert whole.usage.connectors == {"web_search": 1}
    events = list(client.beta.conversations.start_stream(inputs="Search the web for tides", **told))
    kinds = [event.data.type for event in events]
    assert kinds[:2] == ["conversation.response.started", "tool.execution.started"]
    assert {"tool.execution.delta", "tool.execution.done"} < set(kinds)
    assert kinds[-1] == "conversation.response.done"
    text = "".join(event.data.content for event in events if event.data.type == "message.output.delta")
    assert text == whole.outputs[1].content
    assert events[-1].data.usage == whole.usage


def test_an_agent_hands_a_conversation_over_and_streams_it(client: Any) -> None:
    cook = client.beta.agents.create(model="mistral-small-latest", name="Cook", instructions="You cook.")
    host = client.beta.agents.create(model="mistral-medium-latest", name="Host", handoffs=[cook.id])
    whole = client.beta.conversations.start(agent_id=host.id, inputs="Ask the cook for bread")
    assert [entry.type for entry in whole.outputs] == ["agent.handoff", "message.output"]
    assert (whole.outputs[0].next_agent_name, whole.outputs[1].agent_id) == ("Cook", cook.id)
    streamed = client.beta.conversations.append_stream(
        conversation_id=whole.conversation_id, inputs="And the cook again"
    )
    kinds = list(dict.fromkeys(event.data.type for event in streamed))
    assert kinds == [
        "conversation.response.started",
        "agent.handoff.started",
        "agent.handoff.done",
        "message.output.delta",
        "conversation.response.done",
    ]


def test_a_streamed_function_call_arrives_in_pieces(client: Any) -> None:
    begun = client.beta.conversations.start(model="mistral-small-latest", inputs="Hi", tools=[TOOL])
    history = client.beta.conversations.get_history(conversation_id=begun.conversation_id).entries
    events = client.beta.conversations.restart_stream(
        conversation_id=begun.conversation_id,
        from_entry_id=history[-1].id,
        inputs="What is the weather in Paris?",
    )
    pieces = [event.data.arguments for event in events if event.data.type == "function.call.delta"]
    assert len(pieces) > 1
    assert json.loads("".join(pieces)) == {"city": "Paris"}


def test_texts_become_vectors_of_the_type_asked_for(client: Any) -> None:
    found = client.embeddings.create(model="mistral-embed", inputs=["a", "b", "a"], output_dimension=16)
    vectors = [one.embedding for one in found.data]
    assert vectors[0] == vectors[2] != vectors[1]
    assert [len(vector) for vector in vectors] == [16, 16, 16]
    small = client.embeddings.create(
        model="mistral-embed", inputs="a", output_dimension=16, output_dtype="ubinary"
    ).data[0]
    assert len(small.embedding) == 2
    signs = [int(number > 0) for number in vectors[0][:8]]
    assert f"{int(small.embedding[0]):08b}" == "".join(map(str, signs))


def test_texts_and_chats_are_moderated_and_classified(client: Any) -> None:
    model = "mistral-moderation-latest"
    texts = client.classifiers.moderate(model=model, inputs=["I will kill you", "Good morning"]).results
    assert [one.categories["violence_and_threats"] for one in texts] == [True, False]
    chat = [{"role": "user", "content": "Good morning"}, {"role": "assistant", "content": "I hate you"}]
    (judged,) = client.classifiers.moderate_chat(model=model, inputs=chat).results
    assert judged.categories["hate_and_discrimination"]
    both = client.classifiers.moderate_chat(model=model, inputs=[chat, chat[:1]]).results
    assert [one.categories["hate_and_discrimination"] for one in both] == [True, False]
    (sorted_,) = client.classifiers.classify(model="my-classifier", inputs="What a positive day").results
    scores = sorted_["sentiment"].scores
    assert max(scores, key=scores.__getitem__) == "positive"
    assert sum(scores.values()) == pytest.approx(1, abs=1e-5)
    twin = client.classifiers.classify_chat(model="my-classifier", input={"messages": QUESTION})
    assert set(twin.results[0]["sentiment"].scores) == set(scores)


def test_a_kept_document_is_read_page_by_page(client: Any, refused: Any) -> None:
    file = upload(client, "scan.txt", b"# Title\n\nOne\fTwo\fThree", "ocr")
    whole = client.ocr.process(model="mistral-ocr-latest", document={"type": "file", "file_id": file.id})
    assert [page.markdown for page in whole.pages] == ["# Title\n\nOne", "Two", "Three"]
    assert [block.type for block in whole.pages[0].blocks] == ["title", "text"]
    assert (whole.usage_info.pages_processed, whole.usage_info.doc_size_bytes) == (3, file.size_bytes)
    some = client.ocr.process(
        model="mistral-ocr-latest", document={"type": "file", "file_id": file.id}, pages=[0, 2]
    )
    assert [page.index for page in some.pages] == [0, 2]
    url = {"type": "document_url", "document_url": "https://example.com/scan.pdf"}
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    described = client.ocr.process(
        model="mistral-ocr-latest",
        document=url,
        document_annotation_format={
            "type": "json_schema",
            "json_schema": {"name": "document", "schema": schema},
        },
    )
    assert json.loads(described.document_annotation).keys() == {"title"}
    with pytest.raises(refused, match="not found"):
        client.ocr.process(model="mistral-ocr-latest", document={"type": "file", "file_id": "none"})


def test_a_recording_is_written_down_whole_and_streamed(client: Any) -> None:
    whole = client.audio.transcriptions.complete(
        model="voxtral-mini-latest", file=WAV, timestamp_granularities=["segment"], diarize=True
    )
    assert " ".join(segment.text for segment in whole.segments) == whole.text
    assert whole.segments[0].speaker_id == "speaker_1"
    events = list(client.audio.transcriptions.stream(model="voxtral-mini-latest", file=WAV))
    kinds = [event.data.type for event in events]
    assert (kinds[0], kinds[-1]) == ("transcription.language", "transcription.done")
    assert "".join(event.data.text for event in events[1:-1]) == whole.text == events[-1].data.text
    kept = upload(client, "talk.wav", WAV["content"], "ocr")
    by_id = client.audio.transcriptions.complete(model="voxtral-mini-latest", file_id=kept.id)
    assert by_id.text == whole.text


def test_models_are_listed_renamed_put_away_and_deleted(client: Any, refused: Any) -> None:
    name = "ft:open-mistral-7b:fruit:20250801:abc123"
    assert client.models.update(model_id=name, name="Fruit").name == "Fruit"
    assert client.models.archive(model_id=name).archived is True
    listed = {model.id: model for model in client.models.list().data}
    assert (listed[name].archived, listed[name].name) == (True, "Fruit")
    assert client.models.unarchive(model_id=name).archived is False
    assert client.models.retrieve(model_id=name).root == "open-mistral-7b"
    assert client.models.delete(model_id=name).deleted
    with pytest.raises(refused, match="not found"):
        client.models.retrieve(model_id=name)


def test_it_reads_refusals_of_what_is_invalid(client: Any, vendor: Any) -> None:
    with pytest.raises(vendor.errors.HTTPValidationError) as caught:
        client.beta.conversations.start(inputs="Who answers?")
    (issue,) = caught.value.data.detail
    assert (issue.type, issue.loc) == ("missing", ["body", "model"])
