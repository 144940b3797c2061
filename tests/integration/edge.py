"""A dummy product behind a real nginx that runs docs/nginx.conf, with other addresses and paths
and less patience."""

import getpass
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.processes import ROOT, free_port, running, wait_for

DOCUMENTED = ROOT / "docs" / "nginx.conf"
PRODUCT = Path(__file__).with_name("product.py")

# What a distribution's own nginx.conf puts around the documented file.
AROUND = """
daemon off;
user {user};
pid {home}/nginx.pid;
error_log stderr;
events {{ worker_connections 128; }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    include {home}/pulse.conf;
}}
"""


@dataclass
class Edge:
    """nginx in front of the product and of Pulse."""

    address: str
    certificate: Path
    product_log: Path
    access_log: Path

    def ask(self, path: str = "/", *, method: str = "GET", host: str = "app.example.com", **sent: Any):
        headers = {"Host": host, **sent.pop("headers", {})}
        return requests.request(
            method, self.address + path, headers=headers, verify=self.certificate, timeout=10, **sent
        )

    def came_through(self) -> list[str]:
        """The requests that the product has got."""
        return self.product_log.read_text().splitlines()


@contextmanager
def edge(home: Path, pulse: str) -> Iterator[Edge]:
    """nginx asks the Pulse at this base URL. Everything else of it lies in `home`."""
    home.mkdir()
    certificate, key = _certificate(home)
    nginx, product = free_port(), free_port()
    _write_configuration(home, pulse, nginx=nginx, product=product, certificate=certificate, key=key)
    argv = [sys.executable, str(PRODUCT), str(product)]
    log = home / "nginx.log"
    with (
        running(argv, env=os.environ, log=home / "product.log"),
        running(["nginx", "-p", str(home), "-c", str(home / "nginx.conf")], env=os.environ, log=log),
    ):
        ours = Edge(f"https://127.0.0.1:{nginx}", certificate, home / "product.log", home / "access.log")
        wait_for(lambda: requests.get(f"http://127.0.0.1:{product}", timeout=2).ok, what="the product")
        wait_for(lambda: ours.ask().status_code < 600, what="nginx", log=log)
        ours.product_log.write_text("")
        yield ours


def _write_configuration(
    home: Path, pulse: str, *, nginx: int, product: int, certificate: Path, key: Path
) -> None:
    replaced = {
        "listen 443 ssl": f"listen 127.0.0.1:{nginx} ssl",
        "/etc/ssl/pulse/fullchain.pem": str(certificate),
        "/etc/ssl/pulse/privkey.pem": str(key),
        "server 127.0.0.1:8000": f"server {pulse.removeprefix('http://')}",
        "server 127.0.0.1:9000": f"server 127.0.0.1:{product}",
        "/var/log/nginx/pulse.access.log": str(home / "access.log"),
        "proxy_read_timeout 5s": "proxy_read_timeout 1s",
    }
    written = DOCUMENTED.read_text()
    for documented, actual in replaced.items():
        assert documented in written
        written = re.sub(re.escape(documented), actual, written)
    (home / "pulse.conf").write_text(written)
    (home / "nginx.conf").write_text(AROUND.format(home=home, user=getpass.getuser()))


def _certificate(home: Path) -> tuple[Path, Path]:
    certificate, key = home / "fullchain.pem", home / "privkey.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", key, "-out", certificate, "-days", "1", "-subj", "/CN=app.example.com",
            "-addext", "subjectAltName=DNS:app.example.com,DNS:pulse.example.com,IP:127.0.0.1",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return certificate, key
