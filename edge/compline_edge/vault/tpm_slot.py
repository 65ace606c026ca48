"""A slot in a TPM 2.0, for handsets that have one: what it holds is no file, and no copy of files brings it back.

    path  = {"kind": "tpm2-nv", "index": "0x018.....", "auth": 64 hex digits}    where it is, and the right to use it
    index = length (1) + content (32 to 96) + zeros                              97 bytes, written by one command

Why it is rollback resistant: the content lies in the TPM's own non-volatile memory. A copy of the disk holds where it
is and the right to ask for it, never the content; and what was overwritten or undefined there is nowhere else. The
index may be read and written with its authorisation value alone, not by owner or platform; wrong values lock nothing.

What it does not give. Whoever works on this very device, with the file, can ask the TPM as the agent does; there is no
PIN. Whoever read an old content out of the live device then may write it back there. The owner (root) may undefine the
index or clear the TPM, which destroys the content and gives it to nobody. A separate chip talks over a bus that can be
listened to. A firmware or emulated TPM is as good as the place where it keeps its own state.

A content is replaced by one TPM2_NV_Write, whole or not at all. Measured with tpm2-tools 5.4 on swtpm 0.7: `get` 12 ms,
`put` 14 ms, the first `put` 45 ms, of which starting the tools is most; a chip adds the time of its own memory. The
lease's tick writes once in ten minutes, so that even a whole second would not matter to it; docs/adr/0005 reckons the
wear.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from compline_edge.ports import SLOT_LEAST, SLOT_MOST
from compline_edge.vault.durable import sync_folder, write_file
from compline_edge.vault.errors import VaultLocked

TIMEOUT: Final = 20.0
"""Seconds that a TPM may take for one command."""
KIND: Final = "tpm2-nv"
ATTRIBUTES: Final = "authread|authwrite|no_da"
_INDEX_BYTES: Final = 1 + SLOT_MOST
_OWNERS: Final = range(0x0180_0000, 0x01C0_0000)
"""Handles that owners may define (TCG registry of reserved handles, 2.2)."""
_HANDLES_TRIED: Final = 8
_FILE_MOST: Final = 1_024
_AUTH: Final = 32
_CODE = re.compile(rb"\(0x0*([0-9A-Fa-f]+)\)")
_LAYERS: Final = 0x1_0000
"""From here on codes are not the TPM's own but those of the layers above it, which did not reach it."""
_UNDEFINED, _UNWRITTEN, _TAKEN, _FULL = 0x18B, 0x14A, 0x14C, 0x14B


class _Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The small file beside the vault."""

    kind: str
    index: str
    auth: str

    def __repr__(self) -> str:
        return "_Place(********)"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a tool said."""

    output: bytes = field(repr=False)
    codes: frozenset[int]  # of the TPM's errors; empty where all went well


class TpmSlot:
    """Keeps one content in an NV index of its own; TPM2TOOLS_TCTI in the environment says how to reach the TPM."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def rollback_resistant(self) -> bool:
        """True: the TPM's memory is not on the disk."""
        return True

    @property
    def holds(self) -> bool:
        """Whether anything is there; raises VaultLocked where the TPM does not say."""
        place = self._place()
        return place is not None and _read(place) is not None

    def put(self, content: bytes) -> None:
        """Replace the content by one write.

        Raises:
            VaultLocked: no TPM answers, it has no room, or the index is somebody else's.
            StorageFull: no room for the file that says where the content is.
        """
        if not SLOT_LEAST <= len(content) <= SLOT_MOST:
            raise ValueError(f"a slot keeps {SLOT_LEAST} to {SLOT_MOST} bytes")
        place = self._place()
        answer = _write(place, content) if place else None
        if answer is None or _UNDEFINED in answer.codes:
            answer = _write(self._defined(place or self._allocate()), content)
        if answer.codes:
            raise _refused(answer.codes)

    def get(self) -> bytes:
        """Return the content; raises VaultLocked where there is none."""
        place = self._place()
        content = _read(place) if place else None
        if content is None:
            raise VaultLocked("The TPM holds no key for this vault (any more); pair this handset anew.")
        return content

    def destroy(self) -> None:
        """Undefine the index, for good; then forget where it was."""
        place = self._place()
        if place is None:
            return
        answer = _run("nvundefine", place, "-C", "o")
        if answer.codes and _UNDEFINED not in answer.codes:
            raise _refused(answer.codes)
        self._path.unlink(missing_ok=True)
        sync_folder(self._path.parent)

    def __repr__(self) -> str:
        return "TpmSlot(********)"

    def _place(self) -> _Place | None:
        try:
            with self._path.open("rb") as file:
                place = msgspec.json.decode(file.read(_FILE_MOST), type=_Place)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError:
            raise _other_kind(self._path) from None
        if place.kind != KIND or len(place.auth) != 2 * _AUTH or int(place.index, 16) not in _OWNERS:
            raise _other_kind(self._path)
        return place

    def _allocate(self) -> _Place:
        """Choose an index and write down which, before the TPM knows of it: a crash then leaves nothing unnamed."""
        place = _Place(KIND, f"0x{secrets.choice(_OWNERS):08x}", secrets.token_bytes(_AUTH).hex())
        write_file(self._path, msgspec.json.encode(place))
        return place

    def _defined(self, place: _Place) -> _Place:
        """Define the index, or another one where somebody else has it already."""
        for _ in range(_HANDLES_TRIED):
            size = str(_INDEX_BYTES)
            answer = _run("nvdefine", place, "-C", "o", "-s", size, "-a", ATTRIBUTES, "-p", "AUTH")
            if not answer.codes:
                return place
            if _TAKEN not in answer.codes:
                raise _refused(answer.codes)
            place = self._allocate()
        raise _refused(frozenset({_TAKEN}))


def _write(place: _Place, content: bytes) -> _Answer:
    record = (bytes([len(content)]) + content).ljust(_INDEX_BYTES, b"\x00")
    return _run("nvwrite", place, "-C", place.index, "-P", "AUTH", "-i", "-", given=record)


def _read(place: _Place) -> bytes | None:
    answer = _run("nvread", place, "-C", place.index, "-P", "AUTH", "-s", str(_INDEX_BYTES))
    if answer.codes & {_UNDEFINED, _UNWRITTEN}:
        return None
    if answer.codes:
        raise _refused(answer.codes)
    length = answer.output[0] if answer.output else 0
    if len(answer.output) != _INDEX_BYTES or not SLOT_LEAST <= length <= SLOT_MOST:
        raise VaultLocked("The TPM holds something else in the vault's place; pair this handset anew.")
    return answer.output[1 : 1 + length]


def _run(command: str, place: _Place, *options: str, given: bytes = b"") -> _Answer:
    """Run one of tpm2-tools; the authorisation goes by a file in memory, for a command line is everybody's to read."""
    auth = os.memfd_create("auth")
    try:
        os.write(auth, f"hex:{place.auth}".encode())
        arguments = [f"file:/proc/self/fd/{auth}" if option == "AUTH" else option for option in options]
        done = subprocess.run(
            [f"tpm2_{command}", place.index, *arguments],
            input=given,
            capture_output=True,
            pass_fds=(auth,),
            timeout=TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        raise VaultLocked(
            "The key slot is set to tpm, and tpm2-tools are not installed: sudo apt-get install tpm2-tools."
        ) from None
    except subprocess.TimeoutExpired:
        raise VaultLocked(
            f"The TPM has not answered for {TIMEOUT:.0f} s; start this handset again."
        ) from None
    finally:
        os.close(auth)
    if done.returncode == 0:
        return _Answer(done.stdout, frozenset())
    codes = frozenset(code for found in _CODE.findall(done.stderr) if (code := int(found, 16)) < _LAYERS)
    if not codes:
        raise VaultLocked(
            "No TPM answers: see that this handset has one, that its user may use it (group tss), and what"
            " TPM2TOOLS_TCTI says."
        )
    return _Answer(b"", codes)


def _refused(codes: frozenset[int]) -> VaultLocked:
    if _FULL in codes:
        return VaultLocked("The TPM has no room for another key; undefine an index that nobody needs.")
    said = ", ".join(f"0x{code:x}" for code in sorted(codes))
    return VaultLocked(f"The TPM refused the vault's key ({said}); `tpm2_rc_decode` says what that means.")


def _other_kind(path: Path) -> VaultLocked:
    return VaultLocked(
        f'The key file {path.name} names no place in a TPM; set slot = "file" if it was made so.'
    )
