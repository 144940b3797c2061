"""A DNS server on loopback, over UDP and TCP, that answers questions for TXT from a table."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

LONGEST_DATAGRAM = 1232
# In the place of a name's texts: the server fails, or the name is another's alias.
FAILS = "fails"


class Records(dict[str, list[str] | str]):
    """The texts by name, `FAILS`, or `alias:` and the name that it is an alias of."""

    address = ""


@contextmanager
def serving() -> Iterator[Records]:
    """A table that may be changed while it is served at `address`."""
    records = Records()

    class OverUdp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            question, channel = self.request
            wire = answer(records, question)
            channel.sendto(wire if len(wire) <= LONGEST_DATAGRAM else cut(wire), self.client_address)

    class OverTcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = int.from_bytes(self.rfile.read(2))
            wire = answer(records, self.rfile.read(length))
            self.wfile.write(len(wire).to_bytes(2) + wire)

    # Of TCP's ports many are in use while others test; of UDP's hardly any.
    with (
        socketserver.TCPServer(("127.0.0.1", 0), OverTcp) as tcp,
        socketserver.UDPServer(tcp.server_address, OverUdp) as udp,
    ):
        threads = [threading.Thread(target=one.serve_forever, args=(0.005,)) for one in (udp, tcp)]
        for thread in threads:
            thread.start()
        records.address = f"127.0.0.1:{udp.server_address[1]}"
        try:
            yield records
        finally:
            udp.shutdown()
            tcp.shutdown()
            for thread in threads:
                thread.join()


def answer(records: Records, wire: bytes) -> bytes:
    question = dns.message.from_wire(wire)
    response = dns.message.make_response(question)
    name = question.question[0].name.to_text(omit_final_dot=True).lower()
    found = records.get(name)
    if found is None:
        response.set_rcode(dns.rcode.NXDOMAIN)
    elif found == FAILS:
        response.set_rcode(dns.rcode.SERVFAIL)
    elif isinstance(found, str):
        target = found.removeprefix("alias:")
        response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", f"{target}."))
        response.answer.append(texts(target, records[target]))
    else:
        response.answer.append(texts(name, found))
    return response.to_wire(max_size=65535)


def texts(name: str, of: list[str]) -> dns.rrset.RRset:
    parts = (" ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255)) for text in of)
    return dns.rrset.from_text(f"{name}.", 60, "IN", "TXT", *parts)


def cut(wire: bytes) -> bytes:
    message = dns.message.from_wire(wire)
    message.answer.clear()
    message.flags |= dns.flags.TC
    return message.to_wire()
