"""A TCP proxy of a drill's own on loopback, before a service that is to be taken away and given back."""

import selectors
import socket
import threading
from contextlib import suppress
from typing import cast


class Proxy:
    """Passes connections on to `target` until it is cut: then the open ones end, and new ones are refused."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.open: set[socket.socket] = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self._serve()

    def cut(self) -> None:
        """As when the service's machine has gone from the network and its address answers no more."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for one in list(self.open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self._serve()

    def _serve(self) -> None:
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self.target, timeout=5) as service:
            service.settimeout(None)
            self.open |= {client, service}
            try:
                _pump(client, service)
            finally:
                self.open -= {client, service}


def _pump(client: socket.socket, service: socket.socket) -> None:
    """Until either end is through."""
    other = {client: service, service: client}
    with selectors.DefaultSelector() as ready:
        for one in other:
            ready.register(one, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                source = cast(socket.socket, key.fileobj)
                if not (chunk := source.recv(65536)):
                    return
                other[source].sendall(chunk)
