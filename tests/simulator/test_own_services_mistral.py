"""Our own client against the services of Mistral: training, pages, streams, uploads, both kinds of client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import llm_forge
from llm_forge import BadRequestError, InvalidResponseError, NotFoundError, UnprocessableError
from llm_forge.simulator import Simulator

PAIRS = b'{"messages": []}\n' * 40
PARAMETERS: Any = {"training_steps": 10, "learning_rate": 0.0001}


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(seed=8) as running:
        yield running


@pytest.fixture
def client(sim: Simulator) -> Iterator[llm_forge.Mistral]:
    with llm_forge.Mistral(api_key="any", base_url=sim.base_urls["mistral"], max_attempts=1) as made:
        yield made


def train(client: llm_forge.Mistral, content: bytes = PAIRS, **told: Any) -> Any:
    file = client.files.upload(file=content, purpose="fine-tune")
    return client.fine_tuning.jobs.create(
        model="open-mistral-7b",
        training_files=[{"file_id": file.id, "weight": 1}],
        hyperparameters=PARAMETERS,
        **told,
    )


def test_a_training_job_goes_on_with_the_clock_and_ends_with_a_model(
    client: llm_forge.Mistral, sim: Simulator
) -> None:
    job = train(client, suffix="fruit")
    seen = [job.status]
    for seconds in (6, 10, 60):
        sim.advance(seconds)
        seen.append(client.fine_tuning.jobs.get(job.id).status)
    assert seen == ["VALIDATING", "QUEUED", "RUNNING", "SUCCESS"]
    done = client.fine_tuning.jobs.get(job.id)
    assert [event.data["status"] for event in done.events] == [
        "VALIDATING",
        "VALIDATED",
        "QUEUED",
        "RUNNING",
        "SUCCESS",
    ]
    assert done.checkpoints[0].step_number == 10
    name = done.fine_tuned_model
    assert name is not None
    assert name.startswith("ft:open-mistral-7b:fruit:")
    assert (client.models.get(name).job, client.models.get(name).type) == (job.id, "fine-tuned")
    with pytest.raises(BadRequestError, match="already ended"):
        client.fine_tuning.jobs.cancel(job.id)


def test_a_training_job_waits_to_be_started_if_it_is_told_to(
    client: llm_forge.Mistral, sim: Simulator
) -> None:
    job = train(client, auto_start=False)
    with pytest.raises(BadRequestError, match="does not wait"):
        client.fine_tuning.jobs.start(job.id)
    sim.advance(100)
    assert client.fine_tuning.jobs.get(job.id).status == "VALIDATED"
    assert client.fine_tuning.jobs.start(job.id).status == "QUEUED"
    assert client.fine_tuning.jobs.cancel(job.id).status == "CANCELLED"
    sim.advance(100)
    assert client.fine_tuning.jobs.get(job.id).status == "CANCELLED"


def test_training_on_what_is_no_json_fails_its_check(client: llm_forge.Mistral, sim: Simulator) -> None:
    job = train(client, b"not json\n")
    sim.advance(6)
    assert client.fine_tuning.jobs.get(job.id).status == "FAILED_VALIDATION"


def test_a_dry_run_makes_no_job(client: llm_forge.Mistral) -> None:
    estimate = train(client, dry_run=True)
    assert (estimate.object, estimate.training_steps) == ("job.metadata", 10)
    assert list(client.fine_tuning.jobs.list()) == []


def test_a_trained_classifier_sorts_into_its_own_classes(client: llm_forge.Mistral, sim: Simulator) -> None:
    targets = [{"name": "fruit", "labels": ["apple", "pear"]}]
    job = train(client, job_type="classifier", classifier_targets=targets)
    sim.advance(100)
    name = client.fine_tuning.jobs.get(job.id).fine_tuned_model
    assert name is not None
    (found,) = client.classifiers.classify(model=name, input="A pear, please").results
    scores = found["fruit"].scores
    assert max(scores, key=scores.__getitem__) == "pear"


@pytest.mark.requirement("R-203")
def test_lists_are_read_page_by_page(client: llm_forge.Mistral) -> None:
    files = [client.files.upload(file=b"x", purpose="ocr").id for _ in range(5)]
    assert [one.id for one in client.files.list(page_size=2)] == files[::-1]
    assert [len(page.data) for page in client.files.list(page_size=2).pages()] == [2, 2, 1]
    jobs = [train(client).id for _ in range(5)]
    assert [one.id for one in client.fine_tuning.jobs.list(page_size=2)] == jobs[::-1]
    told: Any = {"endpoint": "/v1/chat/completions", "requests": [{"body": {"messages": []}}]}
    batches = [client.batch.jobs.create(**told, metadata={"n": str(at % 2)}).id for at in range(5)]
    assert [one.id for one in client.batch.jobs.list(page_size=2)] == batches[::-1]
    odd = client.batch.jobs.list(page_size=1, metadata={"n": "1"}, order_by="created")
    assert [one.id for one in odd] == batches[1::2]
    agents = [client.agents.create(model="m", name=f"Agent {at}").id for at in range(5)]
    assert [one.id for one in client.agents.list_pages(page_size=2)] == agents[::-1]


@pytest.mark.requirement("R-203")
def test_a_list_without_a_total_ends_with_a_page_that_is_not_full(client: llm_forge.Mistral) -> None:
    files = [client.files.upload(file=b"x", purpose="ocr").id for _ in range(4)]
    listed = client.files.list(page_size=2, include_total=False)
    assert [one.id for one in listed] == files[::-1]


@pytest.mark.requirement("R-143")
def test_streams_of_services_end_explicitly(client: llm_forge.Mistral, sim: Simulator) -> None:
    with client.conversations.start_stream(model="m", inputs="say hello") as stream:
        result = stream.result()
        assert stream.completion == "explicit"
    assert result.outputs[0].content == "hello"
    assert result.conversation_id == client.conversations.list()[0].id
    followed = client.conversations.append_stream(result.conversation_id, inputs="say bye")
    assert followed.result().outputs[0].content == "bye"
    heard = client.audio.transcriptions.stream(model="m", file=b"RIFF")
    assert heard.result()[-1].type == "transcription.done"
    assert heard.completion == "explicit"
    filled = client.fim.stream(model="m", prompt="say x = 1")
    assert filled.result().choices[0].message.content == "x = 1"


@pytest.mark.requirement("R-144")
def test_a_conversation_whose_end_is_missing_is_interrupted(
    client: llm_forge.Mistral, sim: Simulator
) -> None:
    sim.inject({"operation": "conversations.start", "omit_terminal": True})
    with pytest.raises(llm_forge.StreamInterruptedError) as caught:
        client.conversations.start_stream(model="m", inputs="say hello").result()
    assert caught.value.partial.outputs[0].content == "hello"


@pytest.mark.requirement("R-046")
def test_a_file_goes_from_disk_to_disk_and_is_gone_when_it_expires(
    client: llm_forge.Mistral, sim: Simulator, tmp_path: Path
) -> None:
    source = tmp_path / "scan.pdf"
    source.write_bytes(b"%PDF" * 1000)
    file = client.files.upload(file=source, purpose="ocr", expiry=1)
    assert (file.filename, file.bytes, file.expires_at) == ("scan.pdf", 4000, file.created_at + 3600)
    copy = client.files.download(file.id).to_file(tmp_path / "copy.pdf")
    assert copy.read_bytes() == source.read_bytes()
    sim.advance(3600)
    with pytest.raises(NotFoundError):
        client.files.get(file.id)
    assert list(client.files.list()) == []


@pytest.mark.requirement("R-212")
def test_refusals_have_their_class_and_message(client: llm_forge.Mistral) -> None:
    with pytest.raises(NotFoundError, match="Agent ag_1 not found"):
        client.agents.get("ag_1")
    with pytest.raises(UnprocessableError, match="Field required"):
        client.conversations.start(inputs="Hi")
    with pytest.raises(BadRequestError, match="Invalid model"):
        client.embeddings.create(model="missing-model", input="Hi")
    with pytest.raises(NotFoundError):
        client.batch.jobs.create(endpoint="/v1/chat/completions", input_files=["none"])


def test_the_async_client_does_the_same(sim: Simulator) -> None:
    async def listen() -> tuple[Any, list[str]]:
        async with llm_forge.AsyncMistral(api_key="any", base_url=sim.base_urls["mistral"]) as client:
            said = await client.conversations.start(model="m", inputs="say hello")
            async with client.conversations.append_stream(said.conversation_id, inputs="say bye") as stream:
                await stream.result()
            history = await client.conversations.get_history(said.conversation_id)
            files = [(await client.files.upload(file=b"x", purpose="ocr")).id for _ in range(3)]
            listed = [file.id async for file in client.files.list(page_size=1)]
            assert listed == files[::-1]
            return said, [entry.content for entry in history.entries]

    said, contents = asyncio.run(listen())
    assert said.outputs[0].content == "hello"
    assert contents == ["say hello", "hello", "say bye", "bye"]


@pytest.mark.requirement("R-200")
def test_answers_have_all_fields_that_the_description_requires(client: llm_forge.Mistral) -> None:
    """Asked strictly, for what stands in the answers of the simulator."""
    agent = client.agents.create(model="m", name="Strict", strict=True)
    said: Any = [{"role": "user", "content": "Hi"}]
    calls = [
        lambda: client.agents.get(agent.id, strict=True),
        lambda: client.agents.complete(agent_id=agent.id, messages=said, strict=True),
        lambda: client.conversations.start(model="m", inputs="Hi", strict=True),
        lambda: client.conversations.list(strict=True),
        lambda: client.ocr.process(
            model="m", document={"type": "document_url", "document_url": "x"}, strict=True
        ),
        lambda: client.audio.transcriptions.complete(model="m", file=b"x", strict=True),
        lambda: client.classifiers.moderate(model="m", input="x", strict=True),
        lambda: client.classifiers.classify(model="m", input="x", strict=True),
        lambda: client.embeddings.create(model="m", input="x", strict=True),
        lambda: client.models.list(strict=True),
        lambda: client.models.update("ft:m:x", name="x", strict=True),
        lambda: client.files.upload(file=b"x", purpose="ocr", strict=True),
        lambda: client.batch.jobs.create(
            endpoint="/v1/chat/completions", requests=[{"body": {}}], strict=True
        ),
    ]
    lacking = []
    for call in calls:
        try:
            call()
        except InvalidResponseError as error:
            lacking.append(error.message)
    assert lacking == []
