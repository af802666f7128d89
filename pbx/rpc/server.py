# SPDX-License-Identifier: Apache-2.0
"""The HTTP server of the operators' interface: /rpc by POST and WebSocket, /recordings, /reports,
/metrics, /healthz."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from switchroom.pbx.config import RpcConfig
from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.events import OperatorCalled
from switchroom.pbx.rpc.auth import Gate
from switchroom.pbx.rpc.connection import Connection
from switchroom.pbx.rpc.dispatch import MAX_AUDITED, Dispatcher, failure
from switchroom.pbx.rpc.errors import FORBIDDEN, INVALID_REQUEST, UNAUTHORIZED, RpcError, refused
from switchroom.pbx.rpc.exchange import Exchange
from switchroom.pbx.rpc.exports import export
from switchroom.pbx.rpc.metrics import CONTENT_TYPE, Metrics, RpcFigures
from switchroom.pbx.rpc.registry import RIGHTS, Context
from switchroom.pbx.storage.base import RecordingQuery

HEARTBEAT_S: Final = 30.0
"""A WebSocket peer that leaves a ping unanswered for half of this is gone."""
CLOSE_S: Final = 2.0
"""How long `close` waits for requests that are being served."""


class RpcServer:
    """Serves one exchange."""

    def __init__(self, exchange: Exchange, config: RpcConfig, log: Callable[..., Any]) -> None:
        self._exchange = exchange
        self._config = config
        self._log = log
        self._gate = Gate(config.tokens)
        self._dispatcher = Dispatcher(log)
        self._connections: set[Connection] = set()
        self._runner: web.AppRunner | None = None
        dispatcher = self._dispatcher
        self._metrics = Metrics(
            exchange.status,
            RpcFigures(lambda: len(self._connections), lambda: dispatcher.served, lambda: dispatcher.failed),
        )

    def app(self) -> web.Application:
        """The application, as aiohttp runs it."""
        app = web.Application(client_max_size=self._config.max_request_bytes)
        app.router.add_post("/rpc", self._on_post)
        app.router.add_get("/rpc", self._on_websocket)
        app.router.add_get("/recordings/{recording}", self._on_recording)
        app.router.add_get("/reports/{table}", self._on_report)
        app.router.add_get("/metrics", self._on_metrics)
        app.router.add_get("/healthz", self._on_health)
        app.router.add_get("/voicemail/{message}.wav", self._on_voicemail)
        app.on_shutdown.append(self._on_shutdown)
        return app

    async def start(self) -> None:
        """Listen. Raises OSError."""
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=CLOSE_S)
        await self._runner.setup()
        at = self._config.listen
        await web.TCPSite(self._runner, at.host, at.port).start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._runner is not None
        port: int = self._runner.addresses[0][1]
        return port

    async def close(self) -> None:
        """Tell the WebSockets, end requests, and listen no more. Idempotent."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # ---- requests

    async def _on_post(self, request: web.Request) -> web.StreamResponse:
        operator = self._gate.identify(request)
        if operator is None:
            return _unauthorized()
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            limit = self._config.max_request_bytes
            error = RpcError(INVALID_REQUEST, "Invalid Request", {"reason": f"longer than {limit} bytes"})
            return _json(failure(None, error), status=413)
        answer = await self._dispatcher.answer(body, Context(self._exchange, operator))
        return web.Response(status=204) if answer is None else _json(answer)

    async def _on_websocket(self, request: web.Request) -> web.StreamResponse:
        operator = self._gate.identify(request)
        if operator is None:
            return _unauthorized()
        if len(self._connections) >= self._config.max_connections:
            return _json(failure(None, refused(503, "too many connections")), status=503)
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, max_msg_size=self._config.max_request_bytes, compress=False, timeout=CLOSE_S
        )
        if not socket.can_prepare(request).ok:
            return web.Response(
                status=426, text="POST a request, or open a WebSocket\n", headers={"Upgrade": "websocket"}
            )
        connection = Connection(
            socket,
            request.transport,
            self._dispatcher,
            self._exchange,
            operator,
            self._config.max_subscriptions,
            self._log,
        )
        self._connections.add(connection)
        try:
            await socket.prepare(request)
            await connection.run()
        finally:
            self._connections.discard(connection)
        return socket

    async def _on_recording(self, request: web.Request) -> web.StreamResponse:
        """Recordings are for those who may supervise, and who has fetched which stands in the journal."""
        operator = self._gate.identify(request)
        if operator is None:
            return _unauthorized()
        recording = request.match_info["recording"]
        path = ""
        if "supervise" in RIGHTS[operator.role]:
            found = await self._exchange.audio.recordings(RecordingQuery(recording=recording, state="ended", limit=1))
            path = found[0].path if found else ""
            outcome = "done" if found else "no such recording, or it is not over"
        else:
            outcome = f"the role {operator.role} may not listen to recordings"
        self._exchange.audit(
            OperatorCalled(
                operator=operator.name, method="GET /recordings", params=recording[:MAX_AUDITED], outcome=outcome
            )
        )
        if path:
            return web.FileResponse(path)
        if "supervise" in RIGHTS[operator.role]:
            return _json(failure(None, refused(404, outcome)), status=404)
        return _json(failure(None, RpcError(FORBIDDEN, "Forbidden", {"reason": outcome})), status=403)

    async def _on_report(self, request: web.Request) -> web.StreamResponse:
        operator = self._gate.identify(request)
        if operator is None:
            return _unauthorized()
        try:
            return await export(request, Context(self._exchange, operator))
        except RpcError as error:
            return _json(failure(None, error), status=403 if error.code == FORBIDDEN else 400)

    async def _on_metrics(self, request: web.Request) -> web.StreamResponse:
        if not self._gate.may_read_metrics(request):
            return _unauthorized()
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def _on_voicemail(self, request: web.Request) -> web.StreamResponse:
        operator = self._gate.identify(request)
        if operator is None:
            return _unauthorized()
        if "read" not in RIGHTS[operator.role]:
            return _json(failure(None, RpcError(FORBIDDEN, "Forbidden", {"reason": "needs to read"})), status=403)
        boxes = self._exchange.office.boxes
        try:
            path = boxes.path(boxes.message(request.match_info["message"]))
        except SwitchroomError as error:
            return _json(failure(None, refused(404, str(error))), status=404)
        return web.FileResponse(path)

    async def _on_health(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="ok")

    async def _on_shutdown(self, app: web.Application) -> None:
        await asyncio.gather(*(connection.close(CLOSE_S) for connection in self._connections), return_exceptions=True)


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


def _unauthorized() -> web.Response:
    error = RpcError(UNAUTHORIZED, "Unauthorized", {"reason": "a valid bearer token is needed"})
    response = _json(failure(None, error), status=401)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response
