"""Certificates for Dask, made as docs/marking.md says."""

import subprocess
from pathlib import Path


def settings_of_certificates(folder: Path) -> dict[str, str]:
    """Make an authority and one certificate; return Dask's settings for all roles, as environment."""
    folder.mkdir(mode=0o700)
    for command in (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=marking-ca -keyout ca.key -out ca.pem",
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=marking -keyout key.pem -out request.pem",
        "x509 -req -days 30 -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    prefix = "DASK_DISTRIBUTED__COMM__"
    settings = {f"{prefix}REQUIRE_ENCRYPTION": "True", f"{prefix}TLS__CA_FILE": str(folder / "ca.pem")}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        settings[f"{prefix}TLS__{role}__CERT"] = str(folder / "cert.pem")
        settings[f"{prefix}TLS__{role}__KEY"] = str(folder / "key.pem")
    return settings
