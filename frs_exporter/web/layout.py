"""Where the endpoints are, for those who come directly and for those who come through a proxy (pure)."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from yarl import URL


@dataclass(frozen=True, slots=True)
class Layout:
    """`prefix` is empty or like `/frs`; `external_url` is how others reach it, where that is said."""

    telemetry_path: str = "/metrics"
    prefix: str = ""
    external_url: URL | None = None

    @property
    def home(self) -> str:
        """The path of the status page as others see it."""
        path = self.external_url.path if self.external_url else self.prefix
        return path.rstrip("/") + "/"

    @property
    def metrics(self) -> str:
        """The metrics as seen from the status page."""
        return self.telemetry_path.lstrip("/") or "."

    def reached_at(self, scheme: str, host: str) -> tuple[str, str, str]:
        """Scheme, host with port, and path of the probe, as whoever asks at this scheme and host can reach it."""
        if self.external_url is None:
            return scheme, host, f"{self.prefix}/probe"
        name = self.external_url.host or ""
        address = f"[{name}]" if ":" in name else name
        return self.external_url.scheme, f"{address}:{self.external_url.port}", f"{self.home}probe"


def project_path(name: str, query: str = "") -> str:
    """The page of a project as seen from the status page; a browser takes two names for ways up (RFC 3986, 5.2.4)."""
    if name in (".", ".."):
        return "project?" + "&".join(filter(None, (urlencode({"name": name}), query)))
    return f"project/{quote(name, safe='')}" + (f"?{query}" if query else "")


def way_up(prefix: str, raw_path: str) -> str:
    """The status page as seen from a path below it, which may have any number of slashes."""
    return "../" * (raw_path.removeprefix(prefix).lstrip("/").count("/")) or "./"
