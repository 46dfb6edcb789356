"""What every writer of files here needs: folders for the owner only, and names that survive a crash."""

from __future__ import annotations

from errorplane.disk._folders import make_folder, sync_folder

__all__ = ["make_folder", "sync_folder"]
