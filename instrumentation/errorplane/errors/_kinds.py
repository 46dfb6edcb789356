"""From the names and status codes of libraries to our kinds of error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from errorplane.errors._boundary import ask
from errorplane.errors._live import qualified_type
from errorplane.errors._vocabulary import Category, Kind

_HTTP: Final[Mapping[int, Kind]] = {
    401: Kind.AUTHENTICATION,
    403: Kind.AUTHORIZATION,
    404: Kind.NOT_FOUND,
    407: Kind.AUTHENTICATION,
    408: Kind.TIMEOUT,
    409: Kind.CONFLICT,
    410: Kind.NOT_FOUND,
    412: Kind.CONFLICT,
    423: Kind.CONFLICT,
    429: Kind.RATE_LIMIT,
    499: Kind.CANCELLED,
    502: Kind.DEPENDENCY,
    503: Kind.DEPENDENCY,
    504: Kind.TIMEOUT,
    507: Kind.RESOURCE,
}
_GRPC: Final[Mapping[int, Kind]] = {
    1: Kind.CANCELLED,
    3: Kind.VALIDATION,
    4: Kind.TIMEOUT,
    5: Kind.NOT_FOUND,
    6: Kind.CONFLICT,
    7: Kind.AUTHORIZATION,
    8: Kind.RATE_LIMIT,
    9: Kind.CONFLICT,
    10: Kind.CONFLICT,
    11: Kind.VALIDATION,
    12: Kind.BUG,
    14: Kind.DEPENDENCY,
    16: Kind.AUTHENTICATION,
}
_TRANSIENT_HTTP: Final = frozenset((408, 425, 429, 502, 503, 504))
_TRANSIENT_GRPC: Final = frozenset((4, 8, 10, 14))

# The last part of a qualified name -> kind. Names that say nothing (Exception, RuntimeError, ValueError, OSError,
# HTTPError) are left out on purpose: what they mean depends on what is inside.
_NAMES: Final[Mapping[Kind, str]] = {
    Kind.TIMEOUT: """
        timeout TimeoutError TimeoutExpired deadlineExceededError DeadlineExceeded DEADLINE_EXCEEDED
        QueryCanceled QueryCanceledError LockNotAvailable SoftTimeLimitExceeded TimeLimitExceeded Empty
        ETIMEDOUT ESOCKETTIMEDOUT ERR_SOCKET_CONNECTION_TIMEOUT UND_ERR_CONNECT_TIMEOUT UND_ERR_HEADERS_TIMEOUT""",
    Kind.VALIDATION: """
        ValidationError BadRequest BadRequestKeyError UnprocessableEntity UnprocessableContent JSONDecodeError
        RequestValidationError ResponseValidationError UnicodeDecodeError SchemaError MarshmallowError
        ConstraintViolationException MethodArgumentNotValidException IllegalArgumentException
        NumberFormatException JsonParseException JsonMappingException DateTimeParseException InvalidArgument
        INVALID_ARGUMENT OUT_OF_RANGE ZodError ArgumentException FormatException DataError MultiValueDictKeyError""",
    Kind.DEPENDENCY: """
        ConnectionError ConnectionResetError ConnectionRefusedError ConnectionAbortedError BrokenPipeError
        ConnectError ReadError WriteError RemoteProtocolError NetworkError ProxyError SSLError SSLCertVerificationError
        NewConnectionError MaxRetryError ProtocolError NameResolutionError IncompleteRead RemoteDisconnected
        ClientConnectorError ClientConnectionError ClientOSError ServerDisconnectedError ChunkedEncodingError
        OperationalError InterfaceError gaierror herror URLError NoBrokersAvailable KafkaConnectionError
        EndpointConnectionError BadGateway ServiceUnavailable UNAVAILABLE UnknownHostException ConnectException
        NoRouteToHostException SocketException OpError DNSError SocketError ECONNREFUSED ECONNRESET ENOTFOUND EPIPE
        EHOSTUNREACH ENETUNREACH EAI_AGAIN UND_ERR_SOCKET HttpRequestException HttpHostConnectException
        SQLTransientConnectionException AutoReconnect ServerSelectionTimeoutError AMQPConnectionError""",
    Kind.AUTHENTICATION: """
        Unauthorized UNAUTHENTICATED AuthenticationError AuthenticationFailed NotAuthenticated InvalidTokenError
        ExpiredSignatureError InvalidSignatureError BadCredentialsException NoCredentialsError LoginRequired
        AuthenticationException""",
    Kind.AUTHORIZATION: """
        PermissionError PermissionDenied PERMISSION_DENIED Forbidden AccessDeniedException AccessDenied
        InsufficientPrivilege UnauthorizedAccessException SecurityException EACCES EPERM""",
    Kind.NOT_FOUND: """
        FileNotFoundError NotFound NOT_FOUND ObjectDoesNotExist DoesNotExist NoResultFound Http404
        FileNotFoundException NoSuchFileException EntityNotFoundException NoSuchKey NoSuchBucket ENOENT RecordNotFound
        ErrNoRows ErrRecordNotFound""",
    Kind.CONFLICT: """
        Conflict ALREADY_EXISTS AlreadyExists ABORTED Aborted FAILED_PRECONDITION IntegrityError UniqueViolation
        FileExistsError StaleDataError SerializationFailure DeadlockDetected DuplicateKeyError DuplicateKeyException
        DataIntegrityViolationException OptimisticLockException PreconditionFailed EEXIST DbUpdateConcurrencyException""",
    Kind.RATE_LIMIT: """
        TooManyRequests RateLimitExceeded RateLimitError ThrottlingException Throttled RESOURCE_EXHAUSTED
        ResourceExhausted RateLimited""",
    Kind.RESOURCE: """
        MemoryError OutOfMemoryError OutOfMemoryException BufferError Full QueuePool PoolTimeout DiskFull
        TooManyConnections ENOSPC EMFILE ENFILE ENOMEM StackOverflowError RejectedExecutionException
        InsufficientStorage""",
    Kind.CANCELLED: """
        CancelledError KeyboardInterrupt GeneratorExit CANCELLED Canceled canceledError AbortError
        OperationCanceledException TaskCanceledException CancellationException InterruptedException
        ClientDisconnect""",
    Kind.CONFIGURATION: """
        ImproperlyConfigured ModuleNotFoundError ImportError NoSectionError NoOptionError ConfigError
        ConfigurationError MissingConfigException ClassNotFoundException NoClassDefFoundError
        NoSuchBeanDefinitionException UNIMPLEMENTED SettingsError""",
    Kind.BUG: """
        KeyError IndexError LookupError TypeError AttributeError NameError UnboundLocalError AssertionError
        ZeroDivisionError NotImplementedError RecursionError SyntaxError IndentationError TabError StopIteration
        StopAsyncIteration ArithmeticError UnicodeEncodeError ProgrammingError TemplateSyntaxError UndefinedError
        NullPointerException IndexOutOfBoundsException ArrayIndexOutOfBoundsException ClassCastException
        IllegalStateException ArithmeticException UnsupportedOperationException NoSuchMethodError
        NoSuchElementException ConcurrentModificationException NullReferenceException InvalidOperationException
        IndexOutOfRangeException ArgumentNullException InvalidCastException KeyNotFoundException
        NotImplementedException ReferenceError RangeError NoMethodError boundsError TypeAssertionError
        plainError""",
}  # fmt: skip
_BY_NAME: Final = {name: kind for kind, names in _NAMES.items() for name in names.split()}

# What the name of an unknown type ends in, after Error, Exception or the like.
_ENDINGS: Final = r"""
    (?: (?P<timeout>         time_?out | timed_?out | deadline_?exceeded )
      | (?P<rate_limit>      rate_?limit(?:ed|_?exceeded)? | too_?many_?requests | throttl(?:ed|ing) | quota_?exceeded )
      | (?P<not_found>       not_?found | does_?not_?exist | no_?such_?\w+ )
      | (?P<validation>      validation | invalid_?input | invalid_?argument | bad_?request | parse )
      | (?P<authentication>  unauthenticated | authentication | unauthorized | invalid_?credentials )
      | (?P<authorization>   permission_?denied | access_?denied | forbidden | authorization )
      | (?P<conflict>        conflict | already_?exists | duplicate(?:_?key)? | deadlock )
      | (?P<resource>        out_?of_?memory | no_?space | pool_?exhausted )
      | (?P<cancelled>       cancell?ed )
      | (?P<configuration>   configuration | config | settings )
      | (?P<dependency>      unavailable | connection(?:_?(?:refused|reset|failed|closed))? | connect | bad_?gateway )
    )
    (?: _?(?:error|exception|exc|fault|failure|failed) )?\Z
    """
_SPLIT: Final = re.compile(r"[.$:/\\+]")
_TYPE_LENGTH: Final = 300
_CAUSES: Final = 5
_MEMBERS: Final = 15
_UNAVAILABLE_HERE: Final = frozenset(("SSLCertVerificationError", "ProgrammingError"))


@cache
def _endings() -> re.Pattern[str]:
    """Compiled when first needed: no application is to wait for it at its start."""
    return re.compile(_ENDINGS, re.VERBOSE | re.IGNORECASE)


def kind_of_http_status(status: int) -> Kind:
    """The kind of an HTTP answer: UNKNOWN below 400 and for 500, which says nothing."""
    if status in _HTTP:
        return _HTTP[status]
    if 400 <= status < 500:
        return Kind.VALIDATION
    return Kind.DEPENDENCY if 500 < status < 600 else Kind.UNKNOWN


def kind_of_grpc_status(status: int) -> Kind:
    """The kind of a gRPC status code: UNKNOWN for OK, UNKNOWN, INTERNAL and DATA_LOSS."""
    return _GRPC.get(status, Kind.UNKNOWN)


def kind_of_type(type_name: str) -> Kind:
    """The kind of a type by its name, qualified or not, of any language; also of `error.type` values like `503`."""
    return _kind_of_type(type_name[-_TYPE_LENGTH:])


@lru_cache(maxsize=2048)
def _kind_of_type(type_name: str) -> Kind:
    name = _SPLIT.split(type_name.strip().rstrip(":"))[-1]
    if name.isascii() and name.isdecimal():
        return kind_of_http_status(int(name[:4]))
    if kind := _BY_NAME.get(name):
        return kind
    ending = _endings().search(name)
    return Kind(ending.lastgroup) if ending and ending.lastgroup else Kind.UNKNOWN


def kind_of(error: BaseException) -> Kind:
    """The kind of an exception: its status code, its type, the types it derives from, then its explicit cause.

    A group has the kind of its members where they agree.
    """
    current: BaseException | None = error
    for _ in range(_CAUSES):
        if current is None:
            break
        kind = _own_kind(current)
        if kind is not Kind.UNKNOWN:
            return kind
        current = current.__cause__
    return Kind.UNKNOWN


def category_hint(error: BaseException, kind: Kind | None = None) -> Category | None:
    """TRANSIENT where a retry has a fair chance (time-outs, lost connections, 429, 503, ...), else None.

    `kind` saves the work of finding it again.
    """
    facts = _facts_of(error)
    http, grpc = _http_status(error, facts), _grpc_status(error, facts)
    if http is not None or grpc is not None:
        return Category.TRANSIENT if http in _TRANSIENT_HTTP or grpc in _TRANSIENT_GRPC else None
    if type(error).__name__ in _UNAVAILABLE_HERE:
        return None
    transient = (Kind.TIMEOUT, Kind.RATE_LIMIT, Kind.DEPENDENCY)
    return Category.TRANSIENT if (kind or kind_of(error)) in transient else None


def _own_kind(error: BaseException) -> Kind:
    facts = _facts_of(error)
    http, grpc = _http_status(error, facts), _grpc_status(error, facts)
    if http is not None:
        return kind_of_http_status(http)
    if grpc is not None:
        return kind_of_grpc_status(grpc)
    if isinstance(error, BaseExceptionGroup):
        kinds = {kind_of_type(qualified_type(member)) for member in error.exceptions[:_MEMBERS]}
        return kinds.pop() if len(kinds) == 1 else Kind.UNKNOWN
    return facts.kind


# Types that carry a status code, by name, since this package may import none of their libraries.
_HTTP_TYPES: Final = frozenset(("HTTPError", "HTTPStatusError", "HTTPException", "ClientResponseError", "APIException"))
_GRPC_TYPES: Final = frozenset(("RpcError", "AioRpcError"))


class _Facts(NamedTuple):
    """What the type of an exception says, found once for each type."""

    kind: Kind
    has_http_status: bool
    has_grpc_status: bool


def _facts_of(error: BaseException) -> _Facts:
    cls: Any = type(error)  # Any: mypy does not take a class for a thing that has a hash
    return _facts_of_type(cls)


@lru_cache(maxsize=1024)
def _facts_of_type(cls: type[BaseException]) -> _Facts:
    names = {base.__name__ for base in cls.__mro__}
    own = (kind_of_type(qualified_type(base)) for base in cls.__mro__ if base not in (Exception, BaseException, object))
    kind = next((found for found in own if found is not Kind.UNKNOWN), Kind.UNKNOWN)
    return _Facts(kind, bool(names & _HTTP_TYPES), bool(names & _GRPC_TYPES))


def _http_status(error: BaseException, facts: _Facts) -> int | None:
    if not facts.has_http_status:
        return None
    response = _attribute(error, "response")
    for holder, name in ((error, "status_code"), (error, "status"), (response, "status_code"), (error, "code")):
        status = _attribute(holder, name)
        if isinstance(status, int) and 100 <= status < 600:
            return int(status)
    return None


def _grpc_status(error: BaseException, facts: _Facts) -> int | None:
    if not facts.has_grpc_status:
        return None
    code: Any = _attribute(error, "code")
    value = _attribute(ask(code, None) if callable(code) else code, "value")
    number = value[0] if isinstance(value, tuple) and value else value
    return number if isinstance(number, int) else None


def _attribute(holder: object, name: str) -> object:
    return ask(lambda: getattr(holder, name, None), None)
