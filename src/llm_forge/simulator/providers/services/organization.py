"""Anthropic's Admin API: an organization with two users, one key and one workspace to begin with.

Invitations wait for three weeks and are never accepted. Reports have a day for each day asked for; what
they say is made up, and the same for the same day.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from ...problems import Failure
from ...script import Reply
from ...text import dice
from ..provider import BASE58, EPOCH, Handler, Json, Produced, Turn
from .id_pages import id_page, rfc3339
from .shelf import Shelf

_INVITE_SECONDS = 21 * 86_400.0
_SPANS = {"1d": (86_400, 7), "1h": (3_600, 24), "1m": (60, 60)}  # seconds, usual number on a page
_RESIDENCY = {
    "workspace_geo": "us",
    "default_inference_geo": "global",
    "allowed_inference_geos": "unrestricted",
}
FIRST_USER, FIRST_WORKSPACE, FIRST_KEY = "user_01Simulated", "wrkspc_01Simulated", "apikey_01Simulated"
_USERS = ((FIRST_USER, "Ada", "admin"), ("user_02Simulated", "Ben", "developer"))


class Organization:
    """Users, invitations, workspaces with members, keys and reports."""

    def __init__(self) -> None:
        self._users: Shelf[Json] = Shelf("User")
        self._invites: Shelf[Json] = Shelf("Invite")
        self._workspaces: Shelf[Json] = Shelf("Workspace")
        self._keys: Shelf[Json] = Shelf("API Key")
        self._members: Shelf[Json] = Shelf("Workspace Member")
        for identifier, name, role in _USERS:
            self._users.put(identifier, _user(identifier, name, role))
        self._workspaces.put(FIRST_WORKSPACE, _workspace(FIRST_WORKSPACE, "Simulated", EPOCH))
        self._keys.put(FIRST_KEY, _key())

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        handlers: dict[str, Callable[[Turn], Json]] = {
            "get": _organization,
            **self._user_handlers(),
            **self._workspace_handlers(),
            "api_keys.list": lambda turn: _listed(self._keys, turn, ("status", "workspace_id")),
            "api_keys.get": lambda turn: self._keys.get(turn.ids[0]),
            "api_keys.update": lambda turn: _changed(self._keys, turn),
            "usage_report.messages": lambda turn: _report(turn, _used),
            "cost_report.get": lambda turn: _report(turn, _spent),
        }
        return {f"organization.{name}": _answering(one) for name, one in handlers.items()}

    def _user_handlers(self) -> dict[str, Callable[[Turn], Json]]:
        return {
            "users.list": lambda turn: _listed(self._users, turn, ("email",)),
            "users.get": lambda turn: self._users.get(turn.ids[0]),
            "users.update": lambda turn: _changed(self._users, turn),
            "users.remove": lambda turn: _taken(self._users, turn, "user_deleted"),
            "invites.list": lambda turn: _listed(self._invites, turn, ("email",)),
            "invites.create": self._invited,
            "invites.get": lambda turn: self._invites.get(turn.ids[0]),
            "invites.delete": lambda turn: _taken(self._invites, turn, "invite_deleted"),
        }

    def _workspace_handlers(self) -> dict[str, Callable[[Turn], Json]]:
        return {
            "workspaces.list": self._listed_workspaces,
            "workspaces.create": self._created,
            "workspaces.get": lambda turn: self._workspaces.get(turn.ids[0]),
            "workspaces.update": lambda turn: _changed(self._workspaces, turn),
            "workspaces.archive": self._archived,
            "workspaces.members.list": self._listed_members,
            "workspaces.members.add": self._added,
            "workspaces.members.get": lambda turn: self._members.get("/".join(turn.ids)),
            "workspaces.members.update": self._changed_member,
            "workspaces.members.remove": self._removed,
        }

    def _invited(self, turn: Turn) -> Json:
        identifier = "invite_01" + turn.letters("invite", BASE58, 22)
        shown = {
            "id": identifier,
            "type": "invite",
            "email": turn.body["email"],
            "role": turn.body["role"],
            "status": "pending",
            "invited_at": rfc3339(turn.now),
            "expires_at": rfc3339(turn.now + _INVITE_SECONDS),
            "accepted_at": None,
            "rbac_group_ids": turn.body.get("rbac_group_ids") or [],
        }
        return self._invites.put(identifier, shown)

    def _listed_workspaces(self, turn: Turn) -> Json:
        every = turn.query.get("include_archived") == "true"
        return id_page(turn, [one for one in self._workspaces.all() if every or not one["archived_at"]])

    def _created(self, turn: Turn) -> Json:
        identifier = "wrkspc_01" + turn.letters("workspace", BASE58, 22)
        told = {name: value for name, value in turn.body.items() if value is not None}
        return self._workspaces.put(identifier, {**_workspace(identifier, "", turn.now), **told})

    def _archived(self, turn: Turn) -> Json:
        shown = self._workspaces.get(turn.ids[0])
        shown["archived_at"] = shown["archived_at"] or rfc3339(turn.now)
        return shown

    def _listed_members(self, turn: Turn) -> Json:
        self._workspaces.get(turn.ids[0])
        found = [one for one in self._members.all() if one["workspace_id"] == turn.ids[0]]
        return id_page(turn, found, key="user_id")

    def _added(self, turn: Turn) -> Json:
        self._workspaces.get(turn.ids[0])
        user = turn.body["user_id"]
        self._users.get(user)
        place = f"{turn.ids[0]}/{user}"
        if any(f"{one['workspace_id']}/{one['user_id']}" == place for one in self._members.all()):
            raise Failure("state", f"User {user} is already a member of the workspace.")
        member = {"type": "workspace_member", "user_id": user, "workspace_id": turn.ids[0]}
        return self._members.put(place, {**member, "workspace_role": turn.body["workspace_role"]})

    def _changed_member(self, turn: Turn) -> Json:
        member = self._members.get("/".join(turn.ids))
        member["workspace_role"] = turn.body["workspace_role"]
        return member

    def _removed(self, turn: Turn) -> Json:
        member = self._members.take("/".join(turn.ids))
        gone = {"type": "workspace_member_deleted", "user_id": member["user_id"]}
        return {**gone, "workspace_id": member["workspace_id"]}


def _answering(make: Callable[[Turn], Json]) -> Handler:
    return lambda turn: Produced(Reply(json=make(turn)))


def _listed(kept: Shelf[Json], turn: Turn, filters: tuple[str, ...]) -> Json:
    wanted = {name: turn.query[name] for name in filters if name in turn.query}
    rows = [one for one in kept.all() if all(one.get(name) == value for name, value in wanted.items())]
    return id_page(turn, rows)


def _changed(kept: Shelf[Json], turn: Turn) -> Json:
    shown = kept.get(turn.ids[0])
    shown.update({name: value for name, value in turn.body.items() if value is not None})
    return shown


def _taken(kept: Shelf[Json], turn: Turn, kind: str) -> Json:
    kept.take(turn.ids[0])
    return {"id": turn.ids[0], "type": kind}


def _organization(turn: Turn) -> Json:
    identifier = f"{turn.seed & 0xFFFFFFFF:08x}-0000-4000-8000-000000000000"
    return {"id": identifier, "type": "organization", "name": "Simulated"}


def _user(identifier: str, name: str, role: str) -> Json:
    head = {"id": identifier, "type": "user", "email": f"{name.lower()}@example.com", "name": name}
    return {**head, "role": role, "added_at": rfc3339(EPOCH)}


def _workspace(identifier: str, name: str, now: float) -> Json:
    return {
        "id": identifier,
        "type": "workspace",
        "name": name,
        "created_at": rfc3339(now),
        "archived_at": None,
        "compartment_id": "cmpt_01Simulated",
        "data_residency": dict(_RESIDENCY),
        "display_color": "#6C5BB9",
        "external_key_id": None,
        "tags": {},
        "user_profile_id": None,
    }


def _key() -> Json:
    return {
        "id": FIRST_KEY,
        "type": "api_key",
        "name": "First",
        "status": "active",
        "created_at": rfc3339(EPOCH),
        "created_by": {"id": FIRST_USER, "type": "user"},
        "expires_at": None,
        "partial_key_hint": "sk-ant-api03-sim...AAAA",
        "principal": None,
        "scope": {"type": "workspace", "workspace_id": FIRST_WORKSPACE},
        "workspace_id": FIRST_WORKSPACE,
    }


def _report(turn: Turn, item: Callable[[Turn, str, frozenset[str]], Json]) -> Json:
    """The page of spans that the query asks for; the cursor is where the next page begins."""
    query = turn.query
    seconds, usual = _SPANS[query.get("bucket_width", "1d")]
    start = _seconds(query.get("page") or query.get("starting_at"), turn.now)
    start -= start % seconds
    stop = _seconds(query.get("ending_at"), turn.now)
    size = int(query.get("limit") or usual)
    starts = list(range(start, stop, seconds))
    groups = frozenset(value for name, value in parse_qsl(turn.request.query) if name == "group_by[]")
    data = [
        {
            "starting_at": rfc3339(at),
            "ending_at": rfc3339(at + seconds),
            "results": [item(turn, str(at), groups)],
        }
        for at in starts[:size]
    ]
    following = rfc3339(starts[size]) if len(starts) > size else None
    return {"data": data, "has_more": following is not None, "next_page": following}


def _seconds(told: str | None, usual: float) -> int:
    if not told:
        return int(usual)
    try:
        return int(datetime.datetime.fromisoformat(told).timestamp())
    except ValueError:
        raise Failure("state", f"{told!r} is not a time as in RFC 3339") from None


def _used(turn: Turn, span: str, groups: frozenset[str]) -> Json:
    chance = dice(turn.seed, "usage", span)
    known: Json = {"api_key_id": FIRST_KEY, "model": "claude-sonnet-4-5", "workspace_id": FIRST_WORKSPACE}
    known |= {"service_tier": "standard", "context_window": "0-200k", "account_id": None}
    known |= {"inference_geo": "global", "service_account_id": None}
    return {
        "uncached_input_tokens": chance.randrange(100_000),
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 500},
        "cache_read_input_tokens": chance.randrange(10_000),
        "output_tokens": chance.randrange(20_000),
        "server_tool_use": {"web_search_requests": 0},
        **{name: value if name in groups else None for name, value in known.items()},
    }


def _spent(turn: Turn, span: str, groups: frozenset[str]) -> Json:
    known = {"cost_type": "tokens", "context_window": "0-200k", "inference_geo": "global"}
    known |= {"description": "Claude Sonnet 4.5 Usage - Input Tokens", "model": "claude-sonnet-4-5"}
    known |= {"service_tier": "standard", "token_type": "uncached_input_tokens"}
    amount = dice(turn.seed, "cost", span).randrange(100_000) / 100
    shown = {name: value if "description" in groups else None for name, value in known.items()}
    workspace = FIRST_WORKSPACE if "workspace_id" in groups else None
    return {"amount": f"{amount:.2f}", "currency": "USD", **shown, "workspace_id": workspace}
