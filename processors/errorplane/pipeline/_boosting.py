"""The boosts in force: started and ended through the admin address, kept in the journal, put into plans."""

from __future__ import annotations

import hmac
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from errorplane.access import AccessPort, Actor
from errorplane.journal import Change, Journal, JournalError
from errorplane.keys import KeyProvider, derive
from errorplane.otlp import AdminAnswer, AdminCall
from errorplane.pipeline._answers import ORIGIN
from errorplane.pipeline._plan import Plan
from errorplane.sampling import (
    MAX_BOOSTS,
    BadBoost,
    Boost,
    Decide,
    Deployments,
    Raise,
    compile_boosts,
    compile_observer,
    pack_boosts,
    read_boost,
    unpack_boosts,
)

log = logging.getLogger("errorplane.pipeline")

ACTION = "sampling.boost"


def admin_token(keys: KeyProvider) -> str:
    """What a call that changes something must show: only who has the journal's key can know it.

    Raises ``KeyUnavailable``.
    """
    return derive(keys.key("journal").secret, "admin").secret.hex()


class Boosting:
    """Keeps the boosts; ``changed`` is called after each change. Safe to call from several threads.

    ``now`` is Unix time in seconds, ``random`` gives so many random bytes. Those of before a restart are read from the
    journal; where that is damaged, there are none.
    """

    def __init__(
        self,
        journal: Journal,
        access: AccessPort,
        token: str,
        changed: Callable[[], None],
        *,
        now: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._journal = journal
        self._access = access
        self._token = token
        self._changed = changed
        self._now = now
        self._random = random
        self._lock = threading.Lock()
        self._boosts = _stored(journal)

    @property
    def in_force(self) -> tuple[Boost, ...]:
        """Those whose time is not over, oldest first."""
        now = self._now()
        return tuple(boost for boost in self._boosts if now < boost.until)

    def documents(self) -> list[dict[str, Any]]:
        """Those in force, for JSON."""
        return [boost.document() for boost in self.in_force]

    def put_into(self, plan: Plan, deployments: Deployments) -> Plan:
        """The plan with what is in force: the same plan where nothing is, so that nothing is paid for it."""
        boosts = self.in_force
        policy = plan.policy
        budgeted = {rule.name for rule in policy.sampling.rules if rule.budget is not None}
        raised = compile_boosts(boosts, policy.tier_of, budgeted, self._now)
        if raised is None:
            return plan
        rules = (*policy.sampling.rules, *(boost.rule() for boost in boosts))
        observer = compile_observer(policy.sampling.model_copy(update={"rules": rules}), deployments)
        return replace(plan, decide=_boosted(plan.decide, raised), observer=observer)

    def answer(self, call: AdminCall) -> AdminAnswer:
        """GET /boost: those in force; POST /boost: start one; DELETE /boost/ID: end one."""
        match call.method, call.rest:
            case "GET", "":
                return AdminAnswer(200, {"boosts": self.documents()})
            case "POST", "":
                return self._authorised(call, self._start)
            case "DELETE", boost_id if boost_id:
                return self._authorised(call, self._end)
        return AdminAnswer(405, {"error": "GET and POST /boost, DELETE /boost/ID"})

    def _authorised(self, call: AdminCall, then: Callable[[AdminCall], AdminAnswer]) -> AdminAnswer:
        shown = call.headers.get("authorization", "").encode()
        if not hmac.compare_digest(shown, f"Bearer {self._token}".encode()):
            return AdminAnswer(401, {"error": "this needs the bearer token that is derived from the journal's key"})
        with self._lock:
            try:
                answer = then(call)
            except BadBoost as error:
                return AdminAnswer(400, {"error": str(error)})
            except JournalError as error:
                return AdminAnswer(503, {"error": f"not stored: {error}"})
        if answer.code < 300:
            self._changed()
        return answer

    def _start(self, call: AdminCall) -> AdminAnswer:
        try:
            asked = json.loads(call.body)
        except ValueError:
            raise BadBoost("the body is not JSON") from None
        if not isinstance(asked, dict):
            raise BadBoost("the body must be an object")
        boost = read_boost(asked, self._random(4).hex(), self._now())
        if len(self.in_force) >= MAX_BOOSTS:
            return AdminAnswer(409, {"error": f"{MAX_BOOSTS} boosts are in force: end one first"})
        denied = self._denied(call, boost, "start")
        if denied is not None:
            return denied
        self._store((*self.in_force, boost))
        return AdminAnswer(201, boost.document())

    def _end(self, call: AdminCall) -> AdminAnswer:
        boost = next((each for each in self.in_force if each.id == call.rest), None)
        if boost is None:
            return AdminAnswer(404, {"error": "no boost of this id is in force"})
        denied = self._denied(call, boost, "end")
        if denied is not None:
            return denied
        self._store(tuple(each for each in self.in_force if each is not boost))
        return AdminAnswer(200, boost.document())

    def _denied(self, call: AdminCall, boost: Boost, verb: str) -> AdminAnswer | None:
        actor = Actor(call.headers.get("errorplane-actor") or call.client, ORIGIN)
        decision = self._access.decide(actor, f"{ACTION}.{verb}", _resource(boost), boost.reason)
        return None if decision.allowed else AdminAnswer(403, {"error": f"not allowed: {decision.reason}"})

    def _store(self, boosts: tuple[Boost, ...]) -> None:
        self._journal.commit(Change(boosts=pack_boosts(boosts)))
        self._boosts = boosts


def _stored(journal: Journal) -> tuple[Boost, ...]:
    try:
        return unpack_boosts(journal.boosts())
    except JournalError as error:
        log.error("journal: the boosts that were in force are lost: %s", error)
        return ()


def _resource(boost: Boost) -> str:
    names = (("service", boost.services), ("fingerprint", boost.fingerprints), ("deployment", boost.deployments))
    parts = [f"{kind}:{name}" for kind, each in names for name in each]
    return f"boost {boost.id} {' '.join(parts)} keep:{boost.keep:g} until:{boost.until:.0f}"


def _boosted(decide: Decide, raised: Raise) -> Decide:
    return lambda subject, random: raised(decide(subject, random), subject, random)
