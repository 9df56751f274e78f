"""Where things are on this machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from services.records import ServiceError


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one user. ``create`` makes them; nothing here reads or writes a file."""

    settings: Path
    data: Path
    functions: Path
    log: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """One folder if ``UNDERSTUDY_HOME`` names it, else where the platform keeps such things."""
        environment = os.environ if environment is None else environment
        home = environment.get("UNDERSTUDY_HOME", "")
        if home:
            try:
                folder = Path(home).expanduser().absolute()
            except RuntimeError as error:  # "~somebody" who does not exist
                raise ServiceError(
                    f"UNDERSTUDY_HOME names a folder that cannot be found: {home}. "
                    "Set it to a folder that you can write."
                ) from error
            return cls(folder, folder / "data", folder / "functions", folder / "log")
        import platformdirs

        settings = platformdirs.user_config_path("understudy", appauthor=False)
        return cls(
            settings=settings,
            data=platformdirs.user_data_path("understudy", appauthor=False) / "data",
            functions=settings / "functions",
            log=platformdirs.user_log_path("understudy", appauthor=False),
        )

    @property
    def settings_file(self) -> Path:
        return self.settings / "settings.toml"

    @property
    def token_file(self) -> Path:
        """Beside the data that it opens, in a folder that nobody else can read."""
        return self.data / "serve-token"

    @property
    def log_file(self) -> Path:
        return self.log / "understudy.log"

    def create(self) -> None:
        """Makes what is missing, for this user alone.

        Conversations are private: the data and log folders are closed to others even if they
        were made otherwise. Raises ``ServiceError`` with the folder and the reason if it is one of
        these; settings and functions can be read-only, and whoever writes there says so.
        """
        for folder in (self.settings, self.functions):
            with contextlib.suppress(ServiceError):
                _make(folder)
        for folder in (self.data, self.log):
            _make(folder)
            _close_to_others(folder)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        if isinstance(error, FileExistsError):
            reason = "a file of that name is in the way"
        raise ServiceError(
            f"Understudy cannot make its folder {folder}: {reason}. "
            "Set UNDERSTUDY_HOME to a folder that you can write."
        ) from error


def _close_to_others(folder: Path) -> None:
    try:
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise ServiceError(
            f"Others can read Understudy's folder {folder}, and it cannot be closed to them: "
            f"{error.strerror}. Set UNDERSTUDY_HOME to a folder of your own."
        ) from error
