"""A TCP proxy between the service and a server, for accidents of the network.

It understands as much of the PostgreSQL protocol as it needs to know where a message ends and which COMMIT is unanswered.
Connect through it with `sslmode=disable gssencmode=disable`, as `Proxy.conninfo` says.
"""
import collections
import socket
import struct
import threading
import time

from .server import Database, Server

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104


class Proxy:
    """Forwards connections to a server.

    `rewrite_client(kind, body)` and `rewrite_server(kind, body)` see each message (kind is one byte, b"" for the first packet)
    and return the body to forward, or None to drop the message.  Set them at any time."""

    def __init__(self, server: Server):
        self.server = server
        self.delay = 0.0  # seconds added to every forwarded chunk, each way
        self.refusing = False
        self.rewrite_client = None
        self.rewrite_server = None
        self.held_bytes = 0  # from the service, not forwarded because of pause()
        self.commits_lost = 0  # COMMITs that the server answered and the service never heard of
        self._lose_commit_replies = 0
        self._open = threading.Event()
        self._open.set()
        self._lock = threading.Lock()
        self._connections: list[_Connection] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def conninfo(self, database: Database, **more) -> str:
        """How to reach a database of the server through the proxy."""
        return database.conninfo(**({"tcp": True, "port": self.port, "sslmode": "disable", "gssencmode": "disable"} | more))

    # Accidents

    def cut(self) -> None:
        """Resets every connection."""
        for connection in self._current():
            connection.reset()

    def pause(self) -> None:
        """Forwards nothing any more while the connections stay: a half-open network.  What the service has sent before it
        dies is delivered at resume()."""
        self.held_bytes = 0
        self._open.clear()

    def resume(self) -> None:
        self._open.set()

    def lose_commit_replies(self, count: int = 1) -> None:
        """The replies of the next `count` COMMITs are swallowed: the server commits, then the connection is reset."""
        with self._lock:
            self._lose_commit_replies = count

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # ends the accept that waits
        self._listener.close()
        self._open.set()
        self.cut()

    # What is under way

    def unanswered_commits(self) -> int:
        """COMMITs that the service has sent and not had an answer to."""
        return sum(connection.unanswered_commits() for connection in self._current())

    def open_connections(self) -> int:
        return len(self._current())

    def _current(self) -> list["_Connection"]:
        with self._lock:
            self._connections = [connection for connection in self._connections if not connection.closed]
            return list(self._connections)

    def _take_lost_commit(self) -> bool:
        with self._lock:
            if self._lose_commit_replies == 0:
                return False
            self._lose_commit_replies -= 1
            return True

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.server.port), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            connection = _Connection(self, client, server)
            with self._lock:
                self._connections.append(connection)
            connection.start()


class _Connection:
    """Two sockets and a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket):
        self.proxy, self.client, self.server = proxy, client, server
        self.closed = False
        self._lock = threading.Lock()
        self._statements: dict[bytes, bytes] = {}  # prepared statement → text
        self._portals: dict[bytes, bytes] = {}     # portal → text
        self._waiting = collections.deque()        # "commit" and "sync", in the order in which they were sent
        self._one_byte_replies = 0
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        threading.Thread(target=self._pump, args=(self.client, self.server, self._from_client), daemon=True).start()
        threading.Thread(target=self._pump, args=(self.server, self.client, self._from_server), daemon=True).start()

    def reset(self) -> None:
        """Closes both sides so that the peers see a reset."""
        self.closed = True
        for one in (self.client, self.server):
            try:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def unanswered_commits(self) -> int:
        with self._lock:
            return 0 if self.closed else self._waiting.count("commit")

    def _pump(self, source: socket.socket, to: socket.socket, convert) -> None:
        buffer = bytearray()
        started = source is self.server
        try:
            while chunk := source.recv(65536):
                if source is self.client and not self.proxy._open.is_set():
                    self.proxy.held_bytes += len(chunk)
                self.proxy._open.wait()
                if self.proxy.delay:
                    time.sleep(self.proxy.delay)
                buffer += chunk
                forward = bytearray()
                while True:
                    if source is self.server and self._one_byte_replies and buffer:
                        self._one_byte_replies -= 1
                        forward += buffer[:1]
                        del buffer[:1]
                        continue
                    head = 5 if started else 4
                    if len(buffer) < head:
                        break
                    length = struct.unpack_from("!I", buffer, head - 4)[0] + head - 4
                    if len(buffer) < length:
                        break
                    kind, body = bytes(buffer[:head - 4]), bytes(buffer[head:length])
                    del buffer[:length]
                    if not started:
                        code = struct.unpack_from("!I", body)[0]
                        if code in (SSL_REQUEST, GSS_REQUEST):
                            self._one_byte_replies += 1
                        else:
                            started = True
                    body = convert(kind, body)
                    if body is not None:
                        forward += kind + struct.pack("!I", len(body) + 4) + body
                if forward:
                    to.sendall(forward)
        except OSError:
            pass
        finally:
            self.closed = True
            for one in (self.client, self.server):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _from_client(self, kind: bytes, body: bytes) -> bytes | None:
        if self.proxy.rewrite_client:
            body = self.proxy.rewrite_client(kind, body)
            if body is None:
                return None
        with self._lock:
            if kind == b"P":
                name, text = body.split(b"\0", 2)[:2]
                self._statements[name] = text
            elif kind == b"B":
                portal, name = body.split(b"\0", 2)[:2]
                self._portals[portal] = self._statements.get(name, b"")
            elif kind == b"E":
                self._note(self._portals.get(body.split(b"\0", 1)[0], b""))
            elif kind == b"Q":
                self._note(body)
                self._waiting.append("sync")
            elif kind == b"S":
                self._waiting.append("sync")
        return body

    def _note(self, text: bytes) -> None:
        if text.strip(b" ;\0\n").upper() in (b"COMMIT", b"END", b"COMMIT TRANSACTION"):
            self._waiting.append("commit")

    def _from_server(self, kind: bytes, body: bytes) -> bytes | None:
        if kind == b"C" and body.startswith((b"COMMIT", b"ROLLBACK")):
            if body.startswith(b"COMMIT") and self.proxy._take_lost_commit():
                self.proxy.commits_lost += 1
                self.reset()
                raise ConnectionResetError
            with self._lock:
                if "commit" in self._waiting:
                    self._waiting.remove("commit")
        elif kind == b"Z":
            with self._lock:
                while self._waiting and self._waiting.popleft() != "sync":
                    pass
        if self.proxy.rewrite_server:
            return self.proxy.rewrite_server(kind, body)
        return body
