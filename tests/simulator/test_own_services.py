"""Our own clients against the services of the simulator: uploads, pages, downloads, streams, both kinds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import llm_forge
from llm_forge.simulator import Simulator
from tests.simulator.services_kit import request_file, results


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(seed=8) as running:
        yield running


@pytest.fixture
def client(sim: Simulator) -> Iterator[llm_forge.OpenAI]:
    with llm_forge.OpenAI(api_key="any", base_url=sim.base_urls["openai"], max_attempts=1) as made:
        yield made


@pytest.mark.requirement("R-046")
def test_a_batch_goes_from_a_file_on_disk_to_a_file_on_disk(
    client: llm_forge.OpenAI, sim: Simulator, tmp_path: Path
) -> None:
    source = tmp_path / "requests.jsonl"
    source.write_bytes(request_file("/v1/responses", "gpt-4o").replace(b'"messages"', b'"input"'))
    file = client.files.create(
        file=source, purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert (file.filename, file.expires_at) == ("requests.jsonl", file.created_at + 3600)
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/responses", completion_window="24h", metadata={"team": "a"}
    )
    sim.advance(80)
    done = client.batches.get(batch.id)
    assert (done.status, done.metadata) == ("completed", {"team": "a"})
    assert done.output_file_id is not None
    target = client.files.content(done.output_file_id).to_file(tmp_path / "results.jsonl")
    (body,) = results(target.read_bytes()).values()
    assert body["output"][0]["content"][0]["text"] == "0"


@pytest.mark.requirement("R-203")
def test_lists_are_read_page_by_page(client: llm_forge.OpenAI) -> None:
    made = [client.files.create(file=b"x", purpose="vision").id for _ in range(5)]
    first = client.files.list(purpose="vision", limit=2)
    assert [file.id for file in first] == made[::-1]
    assert [len(page.data) for page in first.pages()] == [2, 2, 1]


@pytest.mark.requirement("R-143")
def test_streams_of_services_end_explicitly(client: llm_forge.OpenAI) -> None:
    with client.responses.stream(model="gpt-4o", input="say hello") as stream:
        assert "".join(stream.texts()) == "hello"
        assert stream.result().output[0].type == "message"
    speech = client.audio.speech.stream(model="gpt-4o-mini-tts", voice="alloy", input="say hello")
    assert [event.type for event in speech][-1] == "speech.audio.done"
    drawn = client.images.generate_stream(prompt="x", partial_images=1)
    assert [event.type for event in drawn] == ["image_generation.partial_image", "image_generation.completed"]
    kept: Any = [{"file_id": client.files.create(file=b"png", purpose="vision").id}]
    redrawn = client.images.edit_json_stream(images=kept, prompt="x", partial_images=1)
    assert [event.type for event in redrawn] == ["image_edit.partial_image", "image_edit.completed"]
    heard = client.audio.transcriptions.stream(file=b"RIFF", model="gpt-4o-transcribe")
    assert heard.result()[-1].type == "transcript.text.done"


@pytest.mark.requirement("R-143")
def test_a_stored_response_is_streamed_from_any_event(client: llm_forge.OpenAI) -> None:
    with client.responses.stream(model="gpt-4o", input="Tell me about tides") as stream:
        events = list(stream)
        whole = stream.result()
    joined = client.responses.resume(whole.id, starting_after=4)
    assert [event.to_dict() for event in joined] == [event.to_dict() for event in events[5:]]
    assert joined.result().to_dict() == whole.to_dict()
    assert joined.completion == "explicit"


@pytest.mark.requirement("R-046")
def test_lists_in_forms_arrive_as_lists(client: llm_forge.OpenAI) -> None:
    told = client.audio.transcriptions.create(
        file=b"RIFF",
        model="whisper-1",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert told.words is not None
    assert told.segments is not None
    assert client.images.edit(image=[b"png", b"png"], prompt="both").data
    subtitles = client.audio.transcriptions.create_text(
        file=b"RIFF", model="whisper-1", response_format="vtt"
    )
    assert subtitles.read().startswith(b"WEBVTT")


@pytest.mark.requirement("R-224")
def test_the_async_client_trains_and_searches(sim: Simulator) -> None:
    async def work() -> None:
        async with llm_forge.AsyncOpenAI(api_key="any", base_url=sim.base_urls["openai"]) as client:
            file = await client.files.create(file=b"The moon pulls the tides.", purpose="assistants")
            job = await client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file.id)
            store = await client.vector_stores.create(file_ids=[file.id])
            sim.advance(80)
            assert (await client.fine_tuning.jobs.get(job.id)).status == "succeeded"
            found = await client.vector_stores.search(store.id, query="tides")
            assert found.data[0].file_id == file.id
            with pytest.raises(llm_forge.NotFoundError, match="Could not find fine tune"):
                await client.fine_tuning.jobs.get("123")

    asyncio.run(work())


def test_groq_has_its_services(sim: Simulator) -> None:
    options: dict[str, Any] = {"api_key": "any", "base_url": sim.base_urls["groq"]}
    with llm_forge.Groq(**options) as client:
        file = client.files.create(file=request_file("/v1/chat/completions", "llama"), purpose="batch")
        batch = client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        sim.advance(80)
        done = client.batches.get(batch.id)
        assert done.output_file_id is not None
        assert results(client.files.content(done.output_file_id).read()).keys() == {"0"}
        assert client.audio.transcriptions.create(
            url="https://a.example/b.wav", model="whisper-large-v3"
        ).text
        assert client.embeddings.create(input=["a"], model="nomic-embed").data[0].index == 0


@pytest.mark.requirement("R-203")
@pytest.mark.parametrize("beta", [[], ["files-api-2025-04-14"]])
def test_files_are_listed_to_the_end_in_both_of_anthropics_ways(sim: Simulator, beta: list[str]) -> None:
    with llm_forge.Anthropic(api_key="any", base_url=sim.base_urls["anthropic"], max_attempts=1) as client:
        made = [client.files.upload(file=b"x").id for _ in range(5)]
        pages = client.files.list(limit=2, anthropic_beta=beta)
        assert [file.id for file in pages][:5] == made[::-1]
        assert all(len(page.data) == 2 for page in pages.pages(limit=2))
        for one in made:
            client.files.delete(one)


@pytest.mark.requirement("R-203")
def test_files_are_listed_backwards_where_the_beta_is_asked_to(sim: Simulator) -> None:
    with llm_forge.Anthropic(api_key="any", base_url=sim.base_urls["anthropic"], max_attempts=1) as client:
        made = [client.files.upload(file=b"x").id for _ in range(5)]
        listed = client.files.list(limit=2, before_id=made[0], anthropic_beta=["files-api-2025-04-14"])
        assert [[file.id for file in page.data] for page in listed.pages()] == [
            [made[2], made[1]],
            [made[4], made[3]],
        ]


def test_wrong_requests_of_a_batch_and_odd_values_are_refused_and_not_defects(
    client: llm_forge.OpenAI, sim: Simulator
) -> None:
    line = b'{"custom_id": "1", "method": "POST", "url": "/v1/embeddings", "body": {"model": "m"}}\n'
    file = client.files.create(file=line, purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/embeddings", completion_window="24h")
    sim.advance(80)
    done = client.batches.get(batch.id)
    assert (done.status, done.output_file_id) == ("completed", None)
    assert done.error_file_id is not None
    (body,) = results(client.files.content(done.error_file_id).read()).values()
    assert body["error"]["code"] == "missing_required_parameter"
    response = client.responses.create(model="gpt-4o", input="x")
    assert client.responses.resume(response.id, extra_query={"starting_after": "x"}).result()
    assert client.images.edit(image=b"png", prompt="x", extra_body={"n": "many"}).data
    store = client.vector_stores.create(file_ids=[file.id])
    sim.advance(5)
    client.files.delete(file.id)
    found = client.vector_stores.search(
        store.id, query="embeddings", filters={"type": "gt", "key": "none", "value": 1}
    )
    assert found.data == []
    assert client.vector_stores.search(store.id, query="custom_id").data[0].filename
    assert all(not (entry.fault or "").startswith("defect") for entry in sim.ledger.entries)
