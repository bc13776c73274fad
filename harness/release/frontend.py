"""A program: pypa/build makes a wheel of a tree, or its sdist and the wheel from that, as `python -m build` does.

Both in one environment, though, where they ask for the same packages: to make one and to fetch the backend takes
longer than most backends then work in it. It is run by its path, isolated, and imports nothing of the harness.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Literal

from build import BuildBackendException, BuildException, FailedProcessError, ProjectBuilder
from build.env import DefaultIsolatedEnv


def build_both(directory: Path, destination: Path) -> None:
    """Build the sdist, then the wheel from it; raises what `build` does."""
    with tempfile.TemporaryDirectory() as place, DefaultIsolatedEnv(installer="uv") as environment:
        builder, wanted = _builder(environment, directory, "sdist")
        tree = _unpack(Path(builder.build("sdist", destination)), Path(place))
        again = ProjectBuilder.from_isolated_env(environment, tree)
        if again.build_system_requires == builder.build_system_requires:
            more = again.get_requires_for_build("wheel")
            if wanted <= more:  # or the wheel could use what only the sdist asks for
                environment.install(more - wanted)
                again.build("wheel", destination)
                return
        build_wheel(tree, destination)


def build_wheel(directory: Path, destination: Path) -> None:
    """Build the wheel straight from a tree; raises what `build` does."""
    with DefaultIsolatedEnv(installer="uv") as environment:
        builder, _ = _builder(environment, directory, "wheel")
        builder.build("wheel", destination)


def _builder(
    environment: DefaultIsolatedEnv, tree: Path, kind: Literal["sdist", "wheel"]
) -> tuple[ProjectBuilder, set[str]]:
    """One whose environment has all it asks for, and what of that the backend asked for."""
    builder = ProjectBuilder.from_isolated_env(environment, tree)
    environment.install(builder.build_system_requires)
    wanted = builder.get_requires_for_build(kind)
    environment.install(wanted)
    return builder, wanted


def _unpack(sdist: Path, place: Path) -> Path:
    with tarfile.open(sdist, "r:gz") as archive:
        # Pythons before 3.11.4 and 3.10.12 know no filters.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(place)  # noqa: S202 -- it was built just now, by what could have done anything itself
    return place / sdist.name.removesuffix(".tar.gz")


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    try:
        {"both": build_both, "wheel": build_wheel}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
    except (BuildException, BuildBackendException, FailedProcessError, subprocess.CalledProcessError) as error:
        sys.exit(f"ERROR {error}")
