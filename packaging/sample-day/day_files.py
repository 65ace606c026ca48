"""Names recordings as the phone makers do and writes them as the containers phones use."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from day_line import Recording
from day_script import Call

_FOLDERS: Final = {
    "xiaomi": "MIUI/sound_recorder/call_rec",
    "huawei": "Sounds/CallRecord",
    "oppo": "Music/Recordings/Call Recordings",
    "vivo": "Record/Call",
    "samsung": "Recordings/Call",
}
_ENCODERS: Final = {"amr": "libopencore_amrnb", "mp3": "libmp3lame"}
_BIT_RATES: Final = {"amr": 12_200, "aac": 24_000, "mp3": 24_000, "libopus": 16_000}  # bit/s a channel
_FORMATS: Final = {"m4a": "ipod", "opus": "opus"}


def recording_path(call: Call) -> Path:
    """Folder and file name of a call below the phone's internal storage, by its maker's convention."""
    when = call.started
    known = call.name or call.number
    match call.maker:
        case "xiaomi":
            stem = f"通话录音@{known}({call.number})_{when:%Y%m%d%H%M%S}"
        case "huawei":
            person = f"{call.name}@" if call.name else ""
            stem = f"{person}{call.number}_{when:%Y%m%d%H%M%S}"
        case "oppo":
            stem = f"{known}-{when:%y%m%d%H%M}"
        case "vivo":
            stem = f"{known} {when:%Y-%m-%d %H-%M-%S}"
        case "samsung":
            stem = f"Call recording {known}_{when:%y%m%d_%H%M%S}"
        case _:
            raise ValueError(f"call {call.id}: no naming convention is known for the maker '{call.maker}'")
    return Path(_FOLDERS[call.maker]) / f"{stem}.{call.container}"


def write_recording(path: Path, call: Call, recording: Recording) -> None:
    """Encode `recording` to `path`; bit-exact flags keep random serials and versions out of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    layout = "stereo" if call.channels == 2 else "mono"
    whole = np.round(recording.samples * 32767).astype(np.int16)
    packed = np.ascontiguousarray(whole.T.reshape(1, -1))
    options = {"fflags": "+bitexact"}
    with av.open(
        str(path), "w", format=_FORMATS.get(call.container, call.container), options=options
    ) as container:
        stream: Any = container.add_stream(_ENCODERS.get(call.codec, call.codec), rate=recording.rate)
        stream.codec_context.layout = layout
        stream.codec_context.flags |= 1 << 23  # AV_CODEC_FLAG_BITEXACT
        if call.codec in _BIT_RATES:
            stream.codec_context.bit_rate = _BIT_RATES[call.codec] * (
                1 if call.codec == "amr" else call.channels
            )
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
        frame.sample_rate = recording.rate
        frame.pts = 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
