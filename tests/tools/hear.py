#!/usr/bin/env python3
"""Whether words stand somewhere in recordings of whole calls.

    hear.py zh|en call.wav "the words" [another.wav "its words" ...]

A call holds greetings, questions and menus beside the words that matter, so what is told is the
smallest edit distance between the words and any stretch of what was heard, over their length.
Listening and comparing are those of tools/listen.py. Each utterance is listened to alone: in long
silences the recogniser makes words up, and behind a change of language it stops.
"""
import json
import os
import sys
import wave

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import listen  # noqa: E402


def utterances(audio, rate=16000):
    """What stands between pauses of half a second, each with a little silence around it."""
    frame = rate // 50
    loud = [np.abs(audio[at:at + frame]).mean() > 0.002 for at in range(0, len(audio), frame)]
    begin, quiet = None, 0
    for at, is_loud in enumerate(loud + [False] * 25):
        quiet = 0 if is_loud else quiet + 1
        if is_loud and begin is None:
            begin = at
        if begin is not None and (quiet == 25 or at - begin > 1200):
            if at - quiet - begin > 10:
                yield audio[max(0, begin - 10) * frame:(at - quiet + 10) * frame]
            begin = None


def missed(expected, heard):
    """The edit distance to the nearest stretch: beginning and end of `heard` cost nothing."""
    row = [0] * (len(heard) + 1)
    for i, x in enumerate(expected, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(heard, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return min(row) / max(1, len(expected))


def main():
    language, pairs = sys.argv[1], list(zip(sys.argv[2::2], sys.argv[3::2]))
    split = listen.chinese if language == "zh" else listen.english
    from faster_whisper import WhisperModel
    here = os.path.dirname(os.path.abspath(listen.__file__))
    model = WhisperModel(os.path.join(os.path.dirname(here), ".cache", "speech", "whisper-base"),
                         device="cpu", compute_type="int8", cpu_threads=2)
    for path, words in pairs:
        heard = ""
        with wave.open(path) as call:
            channels = call.getnchannels()
        for channel in range(channels):
            for utterance in utterances(listen.samples(path, channel)):
                segments, _ = model.transcribe(utterance, language=language, beam_size=2, temperature=0.0,
                                               condition_on_previous_text=False, without_timestamps=True)
                heard += "".join(s.text for s in segments).strip()
        print(json.dumps({"file": os.path.basename(path), "heard": heard,
                          "missed": round(missed(split(words), split(heard)), 4)}, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
