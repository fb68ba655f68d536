"""What of a registry one agent's guard needs: itself, its grants, all tools and all policies.

Policies go whole, texts unchanged, so that guard and collector name one version of them; all tools,
because policies are checked against the catalogue. Other agents, people and credentials stay here.
"""

import json
from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from auditspan.registry.bundle import Bundle
from auditspan.registry.models import Registry


def slice_for(registry: Registry, agent_id: str) -> Bundle:
    """The part of one agent; of one that is not registered it says nothing."""
    agent = registry.agents.get(agent_id)
    grants = [grant for grant in registry.grants if grant.agent == agent_id] if agent else []
    files = {
        **_file("agents/agent.yaml", [agent] if agent else [], "credentials"),
        **_file("grants/grants.yaml", grants),
        **_file("tools/tools.yaml", registry.tools.values(), "description", "description_hash"),
        **registry.policies,
    }
    return Bundle(dict(sorted(files.items())))


def _file(name: str, models: Iterable[BaseModel], *without: str) -> Mapping[str, str]:
    """A list as JSON, which is YAML."""
    listed = [_plain(model, set(without)) for model in models]
    text = json.dumps(listed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {name: text} if listed else {}


def _plain(model: BaseModel, without: set[str]) -> object:
    return model.model_dump(mode="json", exclude=without, exclude_defaults=True)
