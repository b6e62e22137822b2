"""The clients openai and groq, as they are, against every service that the simulator shares with them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from llm_forge.simulator import Simulator
from tests.simulator.services_kit import request_file, results

WAV = ("talk.wav", b"RIFF not really a recording")
TOOL = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(seed=6) as running:
        yield running


@pytest.fixture(scope="module")
def client(sim: Simulator) -> Iterator[Any]:
    openai = pytest.importorskip("openai", reason="the vendor's client is an extra (vendors)")
    with openai.OpenAI(api_key="key", base_url=sim.base_urls["openai"], max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def groq(sim: Simulator) -> Iterator[Any]:
    package = pytest.importorskip("groq", reason="the vendor's client is an extra (vendors)")
    with package.Groq(api_key="key", base_url=sim.base_urls["groq"], max_retries=0) as made:
        yield made


def test_openai_reads_a_response_whole_and_streamed(client: Any) -> None:
    whole = client.responses.create(model="gpt-4o", input="Tell me about tides")
    with client.responses.stream(model="gpt-4o", input="Tell me about tides") as stream:
        kinds = [event.type for event in stream]
        streamed = stream.get_final_response()
    assert whole.output_text == streamed.output_text != ""
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert whole.usage == streamed.usage


def test_openai_calls_tools_and_gets_structured_output_from_responses(client: Any) -> None:
    asked = client.responses.create(model="gpt-4o", input="What is the weather in Paris?", tools=[TOOL])
    call = asked.output[0]
    assert (call.type, call.name, call.arguments) == ("function_call", "get_weather", '{"city": "Paris"}')
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees"}
    told = client.responses.create(model="gpt-4o", previous_response_id=asked.id, input=[result])
    assert "18 degrees" in told.output_text
    wanted = {"format": {"type": "json_schema", "name": "person", "schema": SCHEMA}}
    person = client.responses.create(model="gpt-4o", input="Extract 'Ada'", text=wanted)
    assert person.output_text == '{"name": "Ada"}'


def test_openai_keeps_lists_and_deletes_responses(client: Any) -> None:
    openai = pytest.importorskip("openai")
    first = client.responses.create(model="gpt-4o", input="One")
    second = client.responses.create(model="gpt-4o", input="Two", previous_response_id=first.id)
    assert client.responses.retrieve(second.id).output_text == second.output_text
    resumed = list(client.responses.retrieve(second.id, stream=True, starting_after=1))
    assert resumed[-1].response.output_text == second.output_text
    kinds = [item.role for item in client.responses.input_items.list(second.id, order="asc")]
    assert kinds == ["user", "assistant", "user"]
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="missing-model", input="x")


def test_openai_waits_for_a_response_in_the_background(client: Any, sim: Simulator) -> None:
    asked = client.responses.create(model="gpt-4o", input="Later", background=True)
    assert asked.status == "queued"
    sim.advance(2)
    assert client.responses.retrieve(asked.id).status == "in_progress"
    sim.advance(5)
    assert client.responses.retrieve(asked.id).status == "completed"
    other = client.responses.create(model="gpt-4o", input="Never", background=True)
    assert client.responses.cancel(other.id).status == "cancelled"


def test_openai_embeds_and_moderates(client: Any) -> None:
    found = client.embeddings.create(model="text-embedding-3-small", input=["a", "b", "a"], dimensions=8)
    vectors = [one.embedding for one in found.data]
    assert vectors[0] == vectors[2] != vectors[1]
    assert [len(vector) for vector in vectors] == [8, 8, 8]
    checked = client.moderations.create(input=["I will kill you", "Good morning"])
    assert [one.flagged for one in checked.results] == [True, False]
    assert checked.results[0].categories.violence


def test_openai_uploads_lists_downloads_and_deletes_files(client: Any) -> None:
    openai = pytest.importorskip("openai")
    made = [client.files.create(file=(f"{n}.txt", b"text"), purpose="user_data") for n in range(3)]
    listed = [file.id for file in client.files.list(purpose="user_data", limit=2)]
    assert listed == [file.id for file in reversed(made)]
    assert client.files.content(made[0].id).content == b"text"
    assert client.files.delete(made[0].id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made[0].id)


def test_openai_uploads_a_file_in_parts(client: Any) -> None:
    upload = client.uploads.create(bytes=6, filename="big.txt", mime_type="text/plain", purpose="user_data")
    parts = [client.uploads.parts.create(upload.id, data=data).id for data in (b"abc", b"def")]
    done = client.uploads.complete(upload.id, part_ids=parts)
    assert (done.status, done.file.bytes) == ("completed", 6)
    assert client.files.content(done.file.id).content == b"abcdef"


@pytest.mark.parametrize("name", ["client", "groq"])
def test_a_batch_goes_on_with_the_clock_and_ends_with_files(
    name: str, sim: Simulator, request: pytest.FixtureRequest
) -> None:
    vendor: Any = request.getfixturevalue(name)
    models = ["gpt-4o"] * 12 + ["missing-model"]
    content = request_file("/v1/chat/completions", *models)
    file = vendor.files.create(file=("in.jsonl", content), purpose="batch")
    batch = vendor.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    seen = [batch.status]
    for seconds in (6, 30, 30, 6):
        sim.advance(seconds)
        seen.append(vendor.batches.retrieve(batch.id).status)
    assert seen == ["validating", "in_progress", "in_progress", "finalizing", "completed"]
    done = vendor.batches.retrieve(batch.id)
    assert (done.request_counts.total, done.request_counts.completed) == (13, 12)
    read = vendor.files.content(done.output_file_id).read()
    answers = results(read)
    assert {key: body["choices"][0]["message"]["content"] for key, body in answers.items()} == {
        str(number): str(number) for number in range(12)
    }
    assert list(answers) != sorted(answers, key=int)  # in any order
    assert results(vendor.files.content(done.error_file_id).read())["12"]["error"]["code"]
    assert batch.id in [one.id for one in vendor.batches.list().data]


def test_a_batch_can_be_cancelled_and_can_fail(client: Any, sim: Simulator) -> None:
    content = request_file("/v1/chat/completions", *["gpt-4o"] * 10)
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    told: dict[str, Any] = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}
    batch = client.batches.create(input_file_id=file.id, **told)
    sim.advance(35)
    client.batches.retrieve(batch.id)
    assert client.batches.cancel(batch.id).status == "cancelling"
    sim.advance(10)
    done = client.batches.retrieve(batch.id)
    assert (done.status, done.request_counts.completed) == ("cancelled", 5)
    broken = client.files.create(file=("in.jsonl", b"not json\n"), purpose="batch")
    batch = client.batches.create(input_file_id=broken.id, **told)
    sim.advance(10)
    failed = client.batches.retrieve(batch.id)
    assert (failed.status, failed.errors.data[0].line) == ("failed", 1)


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # of the vendor's own code
@pytest.mark.parametrize("name", ["client", "groq"])
def test_recordings_are_written_down_and_texts_are_spoken(name: str, request: pytest.FixtureRequest) -> None:
    vendor: Any = request.getfixturevalue(name)
    text = vendor.audio.transcriptions.create(model="whisper-1", file=WAV).text
    told = vendor.audio.transcriptions.create(
        model="whisper-1",
        file=WAV,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert told.text == text != ""
    assert [word.word if name == "client" else word["word"] for word in told.words][:1] == [text.split()[0]]
    assert vendor.audio.translations.create(model="whisper-1", file=WAV).text == text
    spoken = vendor.audio.speech.create(
        model="tts-1", voice="alloy", input="Hello", response_format="wav"
    ).read()
    assert spoken[:4] == b"RIFF"


def test_openai_streams_a_transcript(client: Any) -> None:
    events = list(client.audio.transcriptions.create(model="gpt-4o-transcribe", file=WAV, stream=True))
    assert "".join(event.delta for event in events[:-1]) == events[-1].text


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # of the vendor's own code
def test_openai_draws_images_whole_and_streamed(client: Any) -> None:
    picture = io.BytesIO(b"png")
    picture.name = "a.png"
    drawn = client.images.generate(model="gpt-image-1", prompt="A tide", n=2)
    assert [bool(image.b64_json) for image in drawn.data] == [True, True]
    events = list(client.images.generate(model="gpt-image-1", prompt="A tide", stream=True, partial_images=1))
    assert [event.type for event in events] == [
        "image_generation.partial_image",
        "image_generation.completed",
    ]
    assert client.images.edit(image=[picture, ("b.png", b"png")], prompt="More blue").data
    assert client.images.create_variation(image=("b.png", b"png"), response_format="url").data[0].url


def test_openai_trains_a_model(client: Any, sim: Simulator) -> None:
    openai = pytest.importorskip("openai")
    file = client.files.create(file=("train.jsonl", b"{}\n" * 40), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file.id, suffix="tides")
    seen = [job.status]
    for seconds in (6, 10, 60):
        sim.advance(seconds)
        seen.append(client.fine_tuning.jobs.retrieve(job.id).status)
    assert seen == ["validating_files", "queued", "running", "succeeded"]
    done = client.fine_tuning.jobs.retrieve(job.id)
    assert done.fine_tuned_model.startswith("ft:gpt-4o-mini:simulated:tides")
    assert len(list(client.fine_tuning.jobs.list_events(job.id, limit=2))) == 4
    assert [one.step_number for one in client.fine_tuning.jobs.checkpoints.list(job.id)] == [90, 60, 30]
    assert client.models.delete(done.fine_tuned_model).deleted
    stopped = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file.id)
    assert client.fine_tuning.jobs.cancel(stopped.id).status == "cancelled"
    with pytest.raises(openai.NotFoundError, match="Could not find fine tune"):
        client.fine_tuning.jobs.retrieve("123")


def test_openai_searches_a_vector_store(client: Any, sim: Simulator) -> None:
    texts = {"moon.txt": b"The moon pulls the tides.", "bread.txt": b"Bread needs flour and water."}
    ids = {
        name: client.files.create(file=(name, text), purpose="assistants").id for name, text in texts.items()
    }
    store = client.vector_stores.create(name="facts", file_ids=[ids["moon.txt"]])
    batch = client.vector_stores.file_batches.create(
        store.id, file_ids=[ids["bread.txt"]], attributes={"kind": "food"}
    )
    assert (store.status, batch.status) == ("in_progress", "in_progress")
    sim.advance(3)
    assert client.vector_stores.retrieve(store.id).file_counts.completed == 2
    assert (
        client.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store.id).status == "completed"
    )
    listed = client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)
    assert [file.id for file in listed] == [ids["bread.txt"]]
    found = list(client.vector_stores.search(store.id, query="Who pulls tides?"))
    assert found[0].filename == "moon.txt"
    food = {"type": "eq", "key": "kind", "value": "food"}
    assert [one.filename for one in client.vector_stores.search(store.id, query="flour", filters=food)] == [
        "bread.txt"
    ]
    page = client.vector_stores.files.content(ids["moon.txt"], vector_store_id=store.id)
    assert [part.text for part in page] == ["The moon pulls the tides."]
    assert client.vector_stores.files.delete(ids["moon.txt"], vector_store_id=store.id).deleted
    assert client.vector_stores.update(store.id, name="less").name == "less"
    assert client.vector_stores.delete(store.id).deleted


def test_openai_gives_up_uploads_and_pauses_training(client: Any, sim: Simulator) -> None:
    upload = client.uploads.create(bytes=6, filename="big.txt", mime_type="text/plain", purpose="user_data")
    assert client.uploads.cancel(upload.id).status == "cancelled"
    file = client.files.create(file=("train.jsonl", b"{}\n" * 40), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file.id)
    sim.advance(20)
    assert client.fine_tuning.jobs.pause(job.id).status == "paused"
    assert client.fine_tuning.jobs.resume(job.id).status == "running"
    assert job.id in [one.id for one in client.fine_tuning.jobs.list(limit=1)]


def test_openai_keeps_the_files_of_a_vector_store(client: Any) -> None:
    store = client.vector_stores.create(name="kept")
    assert next(iter(client.vector_stores.list(limit=1))).id == store.id
    ids = [client.files.create(file=("a.txt", b"text"), purpose="assistants").id for _ in range(3)]
    added = client.vector_stores.files.create(store.id, file_id=ids[0], attributes={"kind": "a"})
    files = client.vector_stores.files
    assert files.retrieve(added.id, vector_store_id=store.id).attributes == {"kind": "a"}
    changed = files.update(added.id, vector_store_id=store.id, attributes={"kind": "b"})
    assert changed.attributes == {"kind": "b"}
    batch = client.vector_stores.file_batches.create(store.id, file_ids=ids[1:])
    stopped = client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)
    assert (stopped.status, stopped.file_counts.cancelled) == ("cancelled", 2)
    assert [file.id for file in files.list(store.id, limit=2)] == ids[::-1]


def test_groq_keeps_files_cancels_batches_and_embeds(groq: Any) -> None:
    package = pytest.importorskip("groq")
    content = request_file("/v1/chat/completions", "llama-3.3-70b-versatile")
    file = groq.files.create(file=("in.jsonl", content), purpose="batch")
    assert file.id in [one.id for one in groq.files.list().data]
    assert groq.files.info(file.id).bytes == len(content)
    batch = groq.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert groq.batches.cancel(batch.id).status == "cancelling"
    assert groq.files.delete(file.id).deleted
    with pytest.raises(package.NotFoundError):
        groq.files.info(file.id)
    vector = groq.embeddings.create(model="nomic-embed-text-v1_5", input="a").data[0].embedding
    assert sum(number * number for number in vector) == pytest.approx(1, abs=1e-4)
    assert groq.models.delete("llama-3.3-70b-versatile").deleted
