"""The client anthropic, as it is, against every service that the simulator shares with it.

It has no reports of usage and cost by that name; those are asked for by our own client.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from llm_forge.simulator import Simulator

QUESTION = [{"role": "user", "content": "say hello"}]


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(seed=8) as running:
        yield running


@pytest.fixture(scope="module")
def vendor() -> Any:
    return pytest.importorskip("anthropic", reason="the vendor's client is an extra (vendors)")


@pytest.fixture(scope="module")
def client(sim: Simulator, vendor: Any) -> Iterator[Any]:
    with vendor.Anthropic(api_key="key", base_url=sim.base_urls["anthropic"], max_retries=0) as made:
        yield made


def requests(*models: str) -> list[dict[str, Any]]:
    return [
        {"custom_id": f"id-{at}", "params": {"model": model, "max_tokens": 100, "messages": QUESTION}}
        for at, model in enumerate(models)
    ]


def test_it_counts_tokens_and_pages_through_models(client: Any) -> None:
    counted = client.messages.count_tokens(model="claude-sonnet-4-5", messages=QUESTION)
    assert counted.input_tokens > 0
    names = [model.id for model in client.models.list(limit=2)]
    assert len(names) == len(set(names)) == 4
    assert client.models.retrieve(names[0]).id == names[0]


def test_a_batch_ends_with_the_clock_and_has_typed_results(client: Any, sim: Simulator, vendor: Any) -> None:
    batch = client.messages.batches.create(requests=requests(*["claude-sonnet-4-5"] * 8, "missing-model"))
    assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 9)
    with pytest.raises(vendor.AnthropicError):
        list(client.messages.batches.results(batch.id))
    sim.advance(61)
    done = client.messages.batches.retrieve(batch.id)
    assert (done.processing_status, done.request_counts.succeeded) == ("ended", 8)
    assert done.request_counts.errored == 1
    lines = list(client.messages.batches.results(batch.id))
    found = {line.custom_id: line.result for line in lines}
    assert [line.custom_id for line in lines] != sorted(found)  # in any order
    assert found["id-0"].message.content[0].text == "hello"
    assert found["id-8"].error.error.type == "not_found_error"
    assert client.messages.batches.delete(batch.id).type == "message_batch_deleted"
    with pytest.raises(vendor.NotFoundError):
        client.messages.batches.retrieve(batch.id)


def test_a_request_that_is_invalid_is_refused_in_the_results_and_not_at_the_beginning(
    client: Any, sim: Simulator, vendor: Any
) -> None:
    wrong, right = requests("claude-sonnet-4-5", "claude-sonnet-4-5")
    del wrong["params"]["max_tokens"]
    batch = client.messages.batches.create(requests=[wrong, right])
    sim.advance(61)
    found = {line.custom_id: line.result for line in client.messages.batches.results(batch.id)}
    assert (found["id-0"].type, found["id-1"].type) == ("errored", "succeeded")
    assert found["id-0"].error.error.type == "invalid_request_error"
    assert found["id-0"].error.error.message == "max_tokens: Field required"
    with pytest.raises(vendor.BadRequestError, match="custom_id: Field required"):
        client.messages.batches.create(requests=[{"params": right["params"]}])


def test_a_canceled_batch_keeps_what_was_done(client: Any, sim: Simulator, vendor: Any) -> None:
    batch = client.messages.batches.create(requests=requests(*["claude-sonnet-4-5"] * 10))
    sim.advance(30)
    with pytest.raises(vendor.BadRequestError):
        client.messages.batches.delete(batch.id)
    assert client.messages.batches.cancel(batch.id).processing_status == "canceling"
    sim.advance(6)
    counts = client.messages.batches.retrieve(batch.id).request_counts
    assert (counts.processing, counts.succeeded, counts.canceled) == (0, 5, 5)


def test_batches_are_listed_newest_first_and_paged_both_ways(client: Any) -> None:
    made = [client.messages.batches.create(requests=requests("claude-sonnet-4-5")).id for _ in range(5)]
    listed = [batch.id for batch in client.messages.batches.list(limit=2)]
    assert listed[:5] == made[::-1]
    before = client.messages.batches.list(limit=2, before_id=made[1])
    assert [batch.id for batch in before.data] == [made[3], made[2]]


def test_files_are_kept_listed_downloaded_and_deleted(client: Any, vendor: Any) -> None:
    own = client.files.upload(file=("a.txt", b"text", "text/plain"))
    assert (own.filename, own.mime_type, own.size_bytes) == ("a.txt", "text/plain", 4)
    with pytest.raises(vendor.BadRequestError, match="not downloadable"):
        client.files.download(own.id)
    written = next(file for file in client.files.list() if file.downloadable)
    assert client.files.download(written.id).read().startswith(b"fruit,price")
    assert [file.id for file in client.files.list(limit=1)] == [own.id, written.id]
    assert client.files.retrieve_metadata(own.id) == own
    assert client.files.delete(own.id).type == "file_deleted"
    with pytest.raises(vendor.NotFoundError):
        client.files.retrieve_metadata(own.id)


def test_an_organization_has_users_invitations_and_keys(client: Any, vendor: Any) -> None:
    organization = client.organization
    assert organization.retrieve().type == "organization"
    user = next(iter(organization.users.list()))
    assert organization.users.update(user.id, role="developer").role == "developer"
    invited = organization.invites.create(email="bob@example.com", role="user")
    assert [one.id for one in organization.invites.list()] == [invited.id]
    assert organization.invites.retrieve(invited.id).status == "pending"
    assert organization.invites.delete(invited.id).type == "invite_deleted"
    with pytest.raises(vendor.NotFoundError):
        organization.invites.retrieve(invited.id)
    key = next(iter(organization.api_keys.list(status="active")))
    assert organization.api_keys.update(key.id, status="inactive").status == "inactive"
    assert organization.api_keys.retrieve(key.id).scope.type == "workspace"


def test_an_organization_has_workspaces_with_members(client: Any, vendor: Any) -> None:
    workspaces = client.organization.workspaces
    made = workspaces.create(name="Research", tags={"team": "a"})
    assert workspaces.update(made.id, name="Studies").name == "Studies"
    user = next(iter(client.organization.users.list()))
    member = workspaces.members.add(made.id, user_id=user.id, workspace_role="workspace_user")
    assert [one.user_id for one in workspaces.members.list(made.id)] == [member.user_id]
    changed = workspaces.members.update(user.id, workspace_id=made.id, workspace_role="workspace_admin")
    assert changed.workspace_role == "workspace_admin"
    with pytest.raises(vendor.BadRequestError):
        workspaces.members.add(made.id, user_id=user.id, workspace_role="workspace_user")
    assert workspaces.members.remove(user.id, workspace_id=made.id).workspace_id == made.id
    assert workspaces.archive(made.id).archived_at is not None
    assert made.id not in [one.id for one in workspaces.list()]
    assert made.id in [one.id for one in workspaces.list(include_archived=True)]


def test_members_of_an_organization_come_and_go(client: Any, vendor: Any) -> None:
    organization = client.organization
    *_, user = organization.users.list()
    assert organization.users.retrieve(user.id) == user
    made = organization.workspaces.create(name="Archive")
    assert organization.workspaces.retrieve(made.id).name == "Archive"
    organization.workspaces.members.add(made.id, user_id=user.id, workspace_role="workspace_user")
    member = organization.workspaces.members.retrieve(user.id, workspace_id=made.id)
    assert member.workspace_role == "workspace_user"
    assert organization.users.remove(user.id).type == "user_deleted"
    with pytest.raises(vendor.NotFoundError):
        organization.users.retrieve(user.id)
