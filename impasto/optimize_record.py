"""What a result says about itself, and what a later run compares before it goes on from it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from impasto.optimize_files import Painting
from impasto.optimize_session import Session
from nst_core.budget import Plan
from nst_core.files import sha256
from nst_core.gatys import Step
from nst_core.provenance import provenance
from nst_core.sources import Sources


def fingerprint(session: Session, sources: Sources, plan: Plan) -> dict[str, Any]:
    """All that decides what the picture becomes: settings, and hashes of what goes in."""
    options = session.options
    found = asdict(session.gatys) | {"optimizer": plan.optimizer, "history": plan.history}
    found |= {"photo": sources.photo.sha256}
    for i, painting in enumerate(session.paintings, 1):
        found |= {f"painting {i}": painting.sha256, f"share {i}": painting.share}
        found |= {f"mask {i}": painting.mask and sha256(painting.mask)}
    found |= {"protect": options.protect and sha256(Path(options.protect)), "feather": options.feather}
    found |= {"start picture": session.draft and sha256(session.draft)}
    found |= {"only": options.only and sha256(Path(options.only))}
    return found | {"loss network": session.network_sha256}


def digest(fingerprint: Mapping[str, Any]) -> str:
    """A fingerprint in 64 digits."""
    return hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()


def record(
    session: Session, photo: Path, sources: Sources, plan: Plan, step: Step, finished: bool, fingerprint_digest: str
) -> dict[str, Any]:
    """All that made the picture, to be written into it."""
    options = session.options
    return {
        "command": "optimize",
        "options": asdict(session.gatys) | {"feather": options.feather},
        "photo": _named(photo, sources.photo.sha256),
        "paintings": [_painting(painting) for painting in session.paintings],
        "protect": options.protect and _named(Path(options.protect)),
        "start_picture": session.draft and _named(session.draft),
        "only": options.only and _named(Path(options.only)),
        "loss_network": {"name": session.gatys.network, "sha256": session.network_sha256},
        "plan": str(plan),
        "device": session.device_name,
        "versions": provenance(),
        "finished": finished,
        "stage": {"scale": step.scale, "iteration": step.iteration, "iterations": step.iterations},
        "seconds": round(step.seconds, 2),
        "loss": step.loss,
        "losses": dict(step.parts),
        "fingerprint": fingerprint_digest,
    }


def _painting(painting: Painting) -> dict[str, Any]:
    mask = painting.mask and _named(painting.mask)
    return _named(painting.path, painting.sha256) | {"share": painting.share, "mask": mask}


def _named(path: Path, digest: str | None = None) -> dict[str, Any]:
    return {"file": path.name, "sha256": digest or sha256(path)}
