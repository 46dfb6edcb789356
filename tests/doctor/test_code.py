"""What the doctor finds in the source of an application, and the near misses that it must leave alone."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from errorplane.doctor import check_source

FOUND = {
    "pybreaker decorates a coroutine function": (
        "breaker-on-coroutine",
        """
        import pybreaker
        breaker = pybreaker.CircuitBreaker(fail_max=3)
        @breaker
        async def fetch(): ...
        """,
    ),
    "pybreaker, made in the decorator of a method": (
        "breaker-on-coroutine",
        """
        from pybreaker import CircuitBreaker as Breaker
        class Client:
            @Breaker(fail_max=3)
            async def fetch(self): ...
        """,
    ),
    "pybreaker calls a coroutine function": (
        "breaker-on-coroutine",
        """
        import pybreaker
        db = pybreaker.CircuitBreaker()
        async def load(): ...
        async def handler():
            return await db.call(load)
        """,
    ),
    "tenacity around botocore": (
        "retries-stacked",
        """
        import boto3, tenacity
        s3 = boto3.client("s3")
        @tenacity.retry(stop=tenacity.stop_after_attempt(3))
        def load(key):
            return s3.get_object(Bucket="b", Key=key)
        """,
    ),
    "tenacity around a resource made by a helper": (
        "retries-stacked",
        """
        import boto3
        from tenacity import retry
        def put(item):
            boto3.resource("dynamodb").Table("orders").put_item(Item=item)
        @retry
        def store(item):
            put(item)
        """,
    ),
    "urllib3 Retry inside of tenacity": (
        "retries-stacked",
        """
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3.util import Retry
        from tenacity import retry, stop_after_attempt
        session = requests.Session()
        session.mount("https://", HTTPAdapter(max_retries=Retry(total=3)))
        @retry(stop=stop_after_attempt(3))
        def fetch():
            return session.get("https://example.org")
        """,
    ),
    "urllib3 Retry of a session that a function makes": (
        "retries-stacked",
        """
        import backoff, requests
        from requests.adapters import HTTPAdapter
        def make_session():
            made = requests.Session()
            made.mount("https://", HTTPAdapter(max_retries=3))
            return made
        @backoff.on_exception(backoff.expo, OSError, max_tries=4)
        def fetch():
            return make_session().get("https://example.org")
        """,
    ),
    "urllib3 as it is": (
        "retries-stacked",
        """
        import stamina, urllib3
        pool = urllib3.PoolManager()
        @stamina.retry(on=OSError, attempts=3)
        def fetch():
            return pool.request("GET", "https://example.org")
        """,
    ),
    "httpx transport": (
        "retries-stacked",
        """
        import httpx
        from tenacity import retry
        client = httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=2))
        @retry
        async def fetch():
            return await client.get("https://example.org")
        """,
    ),
    "celery autoretry and tenacity on one function": (
        "retries-stacked",
        """
        from celery import Celery
        from tenacity import retry
        app = Celery()
        @app.task(autoretry_for=(OSError,))
        @retry
        def send(): ...
        """,
    ),
    "celery autoretry around tenacity": (
        "retries-stacked",
        """
        from celery import shared_task
        from tenacity import retry
        class Mailer:
            @retry
            def send(self): ...
            def send_all(self):
                self.send()
        mailer = Mailer()
        @retry
        def deliver(): ...
        @shared_task(autoretry_for=(OSError,), retry_backoff=True)
        def send():
            deliver()
        """,
    ),
    "a loop of tenacity around a retried method": (
        "retries-stacked",
        """
        from tenacity import Retrying, retry
        class Client:
            @retry
            def one(self): ...
            def all(self):
                for attempt in Retrying():
                    with attempt:
                        self.one()
        """,
    ),
    "liveness asks the database": (
        "liveness-calls-dependency",
        """
        import sqlalchemy
        from fastapi import FastAPI
        app = FastAPI()
        engine = sqlalchemy.create_engine("postgresql://db")
        @app.get("/healthz")
        def healthz():
            with engine.connect() as connection:
                connection.execute(sqlalchemy.text("select 1"))
        """,
    ),
    "liveness asks through a helper": (
        "liveness-calls-dependency",
        """
        import requests
        from flask import Flask
        app = Flask(__name__)
        def upstream_is_up():
            return requests.get("http://inventory/ping", timeout=1).ok
        @app.route("/health")
        def health():
            return {"up": upstream_is_up()}
        """,
    ),
    "liveness in a table of routes": (
        "liveness-calls-dependency",
        """
        import redis
        from starlette.routing import Route
        cache = redis.Redis()
        async def alive(request):
            cache.ping()
        routes = [Route("/internal/livez", alive)]
        """,
    ),
    "liveness with an injected session": (
        "liveness-calls-dependency",
        """
        from fastapi import APIRouter, Depends
        router = APIRouter()
        def get_session(): ...
        @router.get("/live")
        def live(session=Depends(get_session)):
            session.execute("select 1")
        """,
    ),
    "liveness of Django": (
        "liveness-calls-dependency",
        """
        from django.db import connection
        from django.urls import path
        def healthz(request):
            with connection.cursor() as cursor:
                cursor.execute("select 1")
        urlpatterns = [path("healthz/", healthz)]
        """,
    ),
    "acks_late alone": (
        "celery-acks-late",
        """
        from celery import shared_task
        @shared_task(acks_late=True)
        def charge(): ...
        """,
    ),
    "acks_late for all tasks": (
        "celery-acks-late",
        """
        from celery import Celery
        app = Celery("shop")
        app.conf.update(task_acks_late=True)
        """,
    ),
    "reject_on_worker_lost alone": (
        "celery-acks-late",
        """
        from celery import Celery
        app = Celery("shop")
        @app.task(reject_on_worker_lost=True)
        def charge(): ...
        """,
    ),
    "a module of settings": ("celery-acks-late", "CELERY_TASK_ACKS_LATE = True\n"),
    "an object's breaker calls its coroutine method": (
        "breaker-on-coroutine",
        """
        import pybreaker
        class Client:
            def __init__(self):
                self.guard = pybreaker.CircuitBreaker(fail_max=3)
            async def fetch(self, path): ...
            async def get(self, path):
                return await self.guard.call(self.fetch, path)
        """,
    ),
    "a class's breaker calls a coroutine in a partial": (
        "breaker-on-coroutine",
        """
        import functools
        import pybreaker
        class Client:
            guard = pybreaker.CircuitBreaker()
            async def get(self, path):
                return await self.guard.call(functools.partial(fetch, path))
        async def fetch(path): ...
        """,
    ),
    "a breaker made by a function, and called to decorate": (
        "breaker-on-coroutine",
        """
        import pybreaker
        def make(name):
            return pybreaker.CircuitBreaker(name=name)
        mails = make("mails")
        @mails()
        async def send(): ...
        """,
    ),
    "a coroutine function wrapped by hand": (
        "breaker-on-coroutine",
        """
        import pybreaker
        async def load(): ...
        guarded = pybreaker.CircuitBreaker()(load)
        """,
    ),
    "a loop of attempts in what is retried": (
        "retries-stacked",
        """
        import stamina
        from tenacity import Retrying, stop_after_attempt
        def read():
            for attempt in Retrying(stop=stop_after_attempt(3)):
                with attempt:
                    return open("x").read()
        @stamina.retry(on=OSError, attempts=3)
        def load():
            return read()
        """,
    ),
    "a retry wrapped around by hand": (
        "retries-stacked",
        """
        import backoff, tenacity
        @backoff.on_exception(backoff.expo, OSError)
        def read(): ...
        patient = tenacity.retry(stop=tenacity.stop_after_attempt(5))(read)
        """,
    ),
    "a retried method of another object": (
        "retries-stacked",
        """
        import tenacity
        class Client:
            @tenacity.retry
            def get(self): ...
        class Orders:
            def __init__(self):
                self.client = Client()
            @tenacity.retry
            def load(self):
                return self.client.get()
        """,
    ),
    "a bound task that retries itself": (
        "retries-stacked",
        """
        import tenacity
        from celery import shared_task
        @tenacity.retry
        def send(): ...
        @shared_task(bind=True, max_retries=3)
        def push(task):
            try:
                send()
            except OSError as error:
                raise task.retry(exc=error)
        """,
    ),
    "the view class of Flask": (
        "liveness-calls-dependency",
        """
        import requests
        from flask import Flask
        from flask.views import MethodView
        app = Flask(__name__)
        class Alive(MethodView):
            def get(self):
                return requests.get("http://billing").text
        app.add_url_rule("/livez", view_func=Alive.as_view("alive"))
        """,
    ),
    "the view class of aiohttp": (
        "liveness-calls-dependency",
        """
        from aiohttp import ClientSession, web
        class Alive(web.View):
            async def get(self):
                async with ClientSession() as session:
                    await session.get("http://billing")
        routes = [web.view("/live", Alive)]
        """,
    ),
    "a manager of Django, at an optional slash": (
        "liveness-calls-dependency",
        """
        from django.urls import re_path
        from shop.models import Order
        def alive(request):
            return Order.objects.exists()
        urlpatterns = [re_path(r"^alive/?$", alive)]
        """,
    ),
    "the prefix of a router and the session of an extension": (
        "liveness-calls-dependency",
        """
        from flask import Blueprint
        from flask_sqlalchemy import SQLAlchemy
        db = SQLAlchemy()
        health = Blueprint("health", __name__, url_prefix="/healthz")
        @health.get("/")
        def answer():
            db.session.execute("select 1")
        """,
    ),
    "what a thread and a breaker are given": (
        "liveness-calls-dependency",
        """
        import asyncio
        import psycopg, pybreaker
        from fastapi import FastAPI
        app = FastAPI()
        breaker = pybreaker.CircuitBreaker()
        def ask():
            psycopg.connect("host=db")
        def guarded():
            return breaker.call(ask)
        @app.get("/livez")
        async def live():
            await asyncio.to_thread(guarded)
        """,
    ),
    "an alias of a dependency, at a constant": (
        "liveness-calls-dependency",
        """
        from typing import Annotated
        from fastapi import Depends, FastAPI
        from sqlalchemy.ext.asyncio import AsyncSession
        LIVE = "/livez"
        app = FastAPI()
        def session(): ...
        Db = Annotated[AsyncSession, Depends(session)]
        @app.get(LIVE)
        async def live(db: Db):
            await db.execute("select 1")
        """,
    ),
    "a dependency of a route that asks an attribute of an object": (
        "liveness-calls-dependency",
        """
        import redis
        from fastapi import Depends, FastAPI
        class Clients:
            def __init__(self):
                self.cache = redis.Redis()
        clients = Clients()
        async def reachable():
            clients.cache.ping()
        app = FastAPI()
        @app.get("/healthz", dependencies=[Depends(reachable)])
        async def health(): ...
        """,
    ),
}
NOTHING = {
    "pybreaker decorates a function": """
        import pybreaker
        breaker = pybreaker.CircuitBreaker()
        @breaker
        def fetch(): ...
        async def other():
            return breaker.call(fetch)
        """,
    "another breaker decorates a coroutine function": """
        import aiobreaker, circuitbreaker
        breaker = aiobreaker.CircuitBreaker()
        @breaker
        async def fetch(): ...
        @circuitbreaker.circuit
        async def load(): ...
        """,
    "botocore told to try once": """
        import boto3
        from botocore.config import Config
        from tenacity import retry
        once = Config(retries={"total_max_attempts": 1})
        s3 = boto3.client("s3", config=once)
        @retry
        def load():
            return s3.get_object(Bucket="b", Key="k")
        """,
    "a retry of one attempt": """
        import boto3
        from tenacity import retry, stop_after_attempt
        s3 = boto3.client("s3")
        @retry(stop=stop_after_attempt(1))
        def load():
            return s3.get_object(Bucket="b", Key="k")
        """,
    "two functions that retry beside each other": """
        from tenacity import retry
        @retry
        def one(): ...
        @retry
        def other(): ...
        def both():
            one()
            other()
        """,
    "a session without adapter": """
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3.util import Retry
        from tenacity import retry
        session, patient = requests.Session(), requests.Session()
        patient.mount("https://", HTTPAdapter(max_retries=Retry(total=3)))
        session.mount("https://", HTTPAdapter(max_retries=0))
        @retry
        def fetch():
            return session.get("https://example.org")
        def fetch_patiently():
            return patient.get("https://example.org")
        """,
    "urllib3 told not to": """
        import urllib3
        from tenacity import retry
        pool = urllib3.PoolManager(retries=False)
        @retry
        def fetch():
            return pool.request("GET", "https://example.org")
        """,
    "a task that is sent, not called": """
        from celery import shared_task
        from tenacity import retry
        @shared_task(autoretry_for=(OSError,))
        def send(): ...
        @retry
        def order():
            send.delay()
        """,
    "a function called retry of one's own": """
        def retry(function): return function
        @retry
        def one(): ...
        @retry
        def other(): one()
        """,
    "after the loop": """
        from tenacity import Retrying, retry
        @retry
        def one(): ...
        def all():
            for attempt in Retrying():
                with attempt:
                    pass
            one()
        """,
    "readiness asks the database": """
        import sqlalchemy
        from fastapi import FastAPI
        app = FastAPI()
        engine = sqlalchemy.create_engine("postgresql://db")
        @app.get("/readyz")
        def ready():
            engine.connect()
        @app.get("/health/ready")
        def health_ready():
            engine.connect()
        """,
    "liveness answers from the process": """
        import httpx, requests
        from fastapi import FastAPI
        app = FastAPI()
        started = {}
        @app.get("/healthz")
        def healthz():
            try:
                return httpx.Response(200, json=started.get("at"))
            except requests.exceptions.RequestException:
                return None
        """,
    "a path that only ends alike": """
        import requests
        from flask import Flask
        app = Flask(__name__)
        @app.route("/patients/public-health")
        def articles():
            return requests.get("http://articles").json()
        """,
    "both of Celery's settings": """
        from celery import Celery, shared_task
        app = Celery("shop")
        app.conf.task_acks_late = True
        app.conf.task_reject_on_worker_lost = True
        @shared_task(acks_late=True, reject_on_worker_lost=True)
        def charge(): ...
        @shared_task(acks_late=True)
        def refund(): ...
        @shared_task(acks_late=False)
        def count(): ...
        """,
    "names like Celery's elsewhere": "options = dict(acks_late=True)\n",
    "names of other functions": """
        import redis, requests, tenacity
        from flask import Flask
        app = Flask(__name__)
        def job():
            client = redis.Redis()
            client.get("x")
            client = requests.Session()
            client.mount("https://", requests.adapters.HTTPAdapter(max_retries=3))
        @app.get("/healthz")
        def health():
            client = {}
            return client.get("x")
        @app.get("/livez")
        def live(redis):
            return redis.Redis().ping()
        @tenacity.retry
        def load():
            client = requests.Session()
            return client.get("https://x")
        """,
    "attributes of other classes": """
        import aiobreaker, pybreaker
        class Blocking:
            def __init__(self):
                self.guard = pybreaker.CircuitBreaker()
            def get(self):
                return self.guard.call(self.load)
            def load(self): ...
        class Async:
            def __init__(self):
                self.guard = aiobreaker.CircuitBreaker()
            async def get(self):
                return await self.guard.call(self.fetch)
            async def fetch(self): ...
        """,
    "a Retry of none, and pybreaker with Tornado": """
        import pybreaker, requests, tenacity, urllib3
        ONCE = urllib3.Retry(total=0)
        session = requests.Session()
        session.mount("https://", requests.adapters.HTTPAdapter(max_retries=ONCE))
        pool = urllib3.PoolManager()
        @tenacity.retry
        def load():
            return session.get("https://x"), pool.request("GET", "https://x", retries=urllib3.Retry(0))
        breaker = pybreaker.CircuitBreaker()
        @breaker(__pybreaker_call_async=True)
        async def fetch(): ...
        """,
}


def findings(folder: Path, source: str) -> list[str]:
    (folder / "app.py").write_text(textwrap.dedent(source))
    return [finding.rule.id for finding in check_source([folder])]


@pytest.mark.parametrize(("rule", "source"), FOUND.values(), ids=FOUND)
def test_mistakes_are_found(rule: str, source: str, tmp_path: Path) -> None:
    """Once, and nothing else with it."""
    assert findings(tmp_path, source) == [rule]


@pytest.mark.parametrize("source", NOTHING.values(), ids=NOTHING)
def test_near_misses_are_left_alone(source: str, tmp_path: Path) -> None:
    """What looks alike and is right is not reported."""
    assert findings(tmp_path, source) == []


def test_names_are_followed_from_file_to_file(tmp_path: Path) -> None:
    """Through absolute and relative imports, packages that pass a name on, and folders without `__init__.py`."""
    for name, source in {
        "shop/__init__.py": "",
        "shop/guards.py": "import pybreaker\nbreaker = pybreaker.CircuitBreaker()\n",
        "shop/api/__init__.py": "from ..guards import breaker\n",
        "shop/api/orders.py": "from shop.api import breaker\n@breaker\nasync def load(): ...\n",
        "jobs/clients.py": "import boto3\nqueue = boto3.client('sqs')\n",
        "jobs/worker.py": "from jobs.clients import queue\nimport tenacity\n@tenacity.retry\ndef send(): queue.send_message()\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    found = check_source([tmp_path])
    assert [(finding.rule.id, finding.where) for finding in found] == [
        ("breaker-on-coroutine", f"{tmp_path}/shop/api/orders.py:2"),
        ("retries-stacked", f"{tmp_path}/jobs/worker.py:4"),
    ]
    assert f"botocore's own retries ({tmp_path}/jobs/worker.py:4)" in found[1].what


def test_what_cannot_be_read_is_said_and_the_rest_is_checked(tmp_path: Path) -> None:
    """A file in the syntax of another Python, and names that lead in a circle; other people's code is passed over."""
    (tmp_path / "old.py").write_text("print 'x'\n")
    (tmp_path / "circle.py").write_text("a = b\nb = a\nb.c()\ndef f():\n    f()\n    x = x()\n    x()\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "app.py").write_text("CELERY_TASK_ACKS_LATE = True\n")
    (found,) = check_source([tmp_path])
    assert found.rule.id == "source-unreadable"
    assert found.where == f"{tmp_path}/old.py"
