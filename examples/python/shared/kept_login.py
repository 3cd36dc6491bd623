"""What is kept between two runs, so that the owner is asked once."""

import hashlib
import json
import os
from pathlib import Path

FOLDER = Path(
    os.environ.get("SALLYPORT_EXAMPLES_HOME", Path.home() / ".local/state/sallyport-examples")
)


def _file(issuer: str, resource: str) -> Path:
    """One file for each profile of each issuer."""
    name = hashlib.sha256(f"{issuer} {resource}".encode()).hexdigest()
    return FOLDER / f"{name[:24]}.json"


def read_login(issuer: str, resource: str) -> dict | None:
    try:
        return json.loads(_file(issuer, resource).read_text())
    except (OSError, ValueError):
        # Absent or torn: then the owner is asked again.
        return None


def keep_login(login: dict, *, issuer: str, resource: str) -> None:
    """The refresh token is as good as a password: nobody else here may read the file."""
    file = _file(issuer, resource)
    FOLDER.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = file.with_suffix(f".{os.getpid()}")
    with open(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
        out.write(json.dumps(login) + "\n")
    temporary.replace(file)
