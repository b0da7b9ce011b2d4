"""Tries the containers with Podman, and kills them: `python -m tests.deployment VIDEO`."""

import argparse
import tempfile
from pathlib import Path

from tests.deployment import debian, scenarios
from tests.deployment.podman import Podman

TRIALS = {
    "segment": scenarios.segment,
    "scale": scenarios.scale,
    "store": scenarios.store,
    "gpu": scenarios.gpu,
}


def main() -> None:
    """Try the profiles that are named; print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.deployment", description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument(
        "profiles",
        nargs="*",
        metavar="PROFILE",
        help=f"{', '.join(TRIALS)}; default: segment scale",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "rotograph-deployment",
        help="where the images are kept, for the next time",
    )
    parser.add_argument(
        "--install", action="store_true", help="install the Debian packages that are missing"
    )
    arguments = parser.parse_args()
    profiles = arguments.profiles or ["segment", "scale"]
    if unknown := set(profiles) - set(TRIALS):
        parser.error(f"PROFILE must be one of {', '.join(TRIALS)}, got {', '.join(unknown)}")
    debian.require_packages(install=arguments.install)
    podman = Podman(arguments.folder)
    debian.make_base_image(podman)
    for profile in profiles:
        print(f"== {profile}", flush=True)
        TRIALS[profile](podman, arguments.video)


if __name__ == "__main__":
    main()
