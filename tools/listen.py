#!/usr/bin/env python3
"""The caller's ear: a speech recogniser says what it hears in WAV files.

    tools/listen.py --language zh heard.wav [more.wav ...]            what was heard
    tools/listen.py --language zh --expect "the words" heard.wav      and how far it is from the words

Needs the packages of tools/listen-requirements.txt and `tools/fetch-speech --judge`. Compared is
what a listener tells apart: for Chinese the toneless pinyin after simplifying and reading numbers,
for English the words. The error is the edit distance over the length of what was expected.
"""
import argparse
import json
import os
import re
import sys
import wave

import numpy as np

CN = "零一二三四五六七八九"


def samples(path, channel):
    with wave.open(path) as w:
        rate, channels, width = w.getframerate(), w.getnchannels(), w.getsampwidth()
        data = w.readframes(w.getnframes())
    if width != 2:
        sys.exit(f"listen: {path}: 16-bit samples are expected")
    audio = np.frombuffer(data, dtype=np.int16).reshape(-1, channels)[:, min(channel, channels - 1)]
    audio = audio.astype(np.float32) / 32768
    if rate == 16000 or not len(audio):
        return audio
    # Band-limited by windowed sinc: plain interpolation costs the recogniser its consonants.
    at = np.arange(int(len(audio) * 16000 / rate)) * (rate / 16000)
    base, taps = np.floor(at).astype(int), np.arange(-16, 17)
    scale = min(1.0, 16000 / rate)
    padded = np.pad(audio, (17, 18))
    out = np.zeros(len(at), dtype=np.float32)
    for tap in taps:
        distance = at - (base + tap)
        window = 0.5 + 0.5 * np.cos(np.pi * np.clip(distance / 17, -1, 1))
        out += padded[base + tap + 17] * (np.sinc(distance * scale) * scale * window).astype(np.float32)
    return out


def spoken_number(digits):
    """3 → 三, 128.5 → 一百二十八点五; long ones digit by digit."""
    whole, _, decimals = digits.partition(".")
    tail = "点" + "".join(CN[int(d)] for d in decimals) if decimals else ""
    if len(whole) > 4 or (len(whole) > 1 and whole[0] == "0"):
        return "".join(CN[int(d)] for d in whole) + tail
    text, value, zero = "", int(whole), False
    if value == 0:
        return "零" + tail
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, value = divmod(value, unit)
        if digit:
            text += ("零" if zero and text else "") + CN[digit] + name
            zero = False
        elif text:
            zero = True
    return (text[1:] if text.startswith("一十") else text) + tail


def chinese(text):
    from opencc import OpenCC
    from pypinyin import lazy_pinyin
    text = OpenCC("t2s").convert(text)
    text = re.sub(r"(\d),(?=\d{3})", r"\1", text)
    text = re.sub(r"\d+(?:\.\d+)?", lambda m: spoken_number(m.group()), text)
    text = text.replace("幺", "一").replace("两", "二").replace("〇", "零")
    return lazy_pinyin(re.sub(r"[^一-鿿a-zA-Z]", "", text))


EN_ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
           "seventeen eighteen nineteen").split()
EN_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def english_number(match):
    n = match.group()
    if len(n) > 2:
        return " " + " ".join(EN_ONES[int(d)] for d in n) + " "
    n = int(n)
    word = EN_ONES[n] if n < 20 else EN_TENS[n // 10 - 2] + (" " + EN_ONES[n % 10] if n % 10 else "")
    return f" {word} "


def english(text):
    text = re.sub(r"\d+", english_number, text.replace("-", " "))
    return re.sub(r"[^a-z' ]", " ", text.lower()).split()


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


def main():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--language", choices=("zh", "en"), required=True)
    parser.add_argument("--model", default=os.path.join(here, ".cache", "speech", "whisper-base"))
    parser.add_argument("--channel", type=int, default=0)
    parser.add_argument("--expect", action="append", default=[])
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    from faster_whisper import WhisperModel
    model = WhisperModel(options.model, device="cpu", compute_type="int8", cpu_threads=2)
    split = chinese if options.language == "zh" else english
    for at, path in enumerate(options.files):
        segments, _ = model.transcribe(samples(path, options.channel), language=options.language, beam_size=2,
                                       temperature=0.0, condition_on_previous_text=False, without_timestamps=True)
        row = {"file": os.path.basename(path), "heard": "".join(s.text for s in segments).strip()}
        if at < len(options.expect):
            expected = split(options.expect[at])
            row["error"] = round(distance(expected, split(row["heard"])) / max(1, len(expected)), 4)
        print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
