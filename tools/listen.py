#!/usr/bin/env python3
"""The caller's ear: a speech recogniser says what it hears in WAV files.

    tools/listen.py --language zh heard.wav [more.wav ...]            what was heard
    tools/listen.py --language zh --expect "the words" heard.wav      and how far it is from the words

Needs the packages of tools/listen-requirements.txt and `tools/fetch-speech --judge`. Compared is
what a listener tells apart: for Chinese the toneless pinyin after simplifying and reading numbers,
for English the words. The error is the edit distance over the length of what was expected.
"""
import argparse
import hashlib
import json
import os
import re
import sys
import wave
import zlib

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


def spoken_number(digits, longest=4):
    """3 → 三, 128.5 → 一百二十八点五; those of more figures than `longest` digit by digit."""
    whole, _, decimals = digits.partition(".")
    tail = "点" + "".join(CN[int(d)] for d in decimals) if decimals else ""
    if len(whole) > min(longest, 8) or (len(whole) > 1 and whole[0] == "0"):
        return "".join(CN[int(d)] for d in whole) + tail
    if len(whole) > 4:
        rest = int(whole[-4:])
        low = spoken_number(str(rest)) if rest else ""
        low = "一" + low if low.startswith("十") else low
        return spoken_number(whole[:-4]) + "万" + ("零" if 0 < rest < 1000 else "") + low + tail
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


def chinese(text, longest=4):
    from opencc import OpenCC
    from pypinyin import lazy_pinyin
    text = OpenCC("t2s").convert(text)
    text = re.sub(r"(\d),(?=\d{3})", r"\1", text)
    # An amount is said by its units: 98.5元 is 九十八元五角 as well as 九十八点五元.
    text = re.sub(r"\d+(?:\.\d+)?", lambda m: spoken_number(m.group(), longest), text)
    text = text.replace("幺", "一").replace("两", "二").replace("〇", "零")
    return lazy_pinyin(re.sub(r"[^一-鿿a-zA-Z]", "", text))


# Toneless syllables of Chinese numerals; 幺 and 两 are 一 and 二 by then.
ZH_NUMERALS = {"ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu", "shi", "bai", "qian", "wan"}


def by_units(text):
    """98.5元 → 98元5角, 98.05元 → 98元零5分: as the amounts of values are said."""
    def units(m):
        whole, tenths, cents = m.group(1), m.group(2), m.group(3) or "0"
        dimes = f"{tenths}角" if tenths != "0" else "零" if cents != "0" else ""
        return f"{whole}元{dimes}" + (f"{cents}分" if cents != "0" else "")
    return re.sub(r"(\d+)\.(\d)(\d)?[元块塊園園圆]", units, re.sub(r"(\d),(?=\d{3})", r"\1", text))


def chinese_readings(text):
    """The ways in which the figures that a recogniser writes may have been said."""
    def flat(syllables):
        return ["yi" if s == "yao" else "er" if s == "liang" else s for s in syllables]
    # The hyphens and points of a code stand between digits: 407-192.865.
    code = re.sub(r"(?<=\d)[-.,、 ](?=\d)", "", text)
    # 八万两千七百九十六 is written 8.2796 at times, and 四十六 behind 零 046.
    text = re.sub(r"(?<![\d.,])(\d{1,2})\.(\d{4})(?!\d)", r"\1\2", text)
    text = re.sub(r"([千萬万])0+(\d{1,3})(?!\d)", r"\1零\2", text)
    ways = [chinese(text, 8), chinese(text, 4), chinese(by_units(text), 8), chinese(code, 0)]
    return [flat(way) for way in ways]


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


EN_NUMERALS = {*EN_ONES, *EN_TENS, "hundred", "thousand"}
# What a digit sounds like, for codes, where nothing else stands.
HOMOPHONES = {"oh": "zero", "o": "zero", "to": "two", "too": "two", "for": "four", "won": "one", "ate": "eight"}
EN_ORDINALS = dict(zip("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
                       "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth".split(),
                       [*EN_ONES[1:], "twenty", "thirty"]))


def cardinal(n):
    """1250 → one thousand two hundred fifty."""
    if n >= 1000:
        return (cardinal(n // 1000) + " thousand " + (cardinal(n % 1000) if n % 1000 else "")).strip()
    if n >= 100:
        return (EN_ONES[n // 100] + " hundred " + (cardinal(n % 100) if n % 100 else "")).strip()
    return EN_ONES[n] if n < 20 else EN_TENS[n // 10 - 2] + (" " + EN_ONES[n % 10] if n % 10 else "")


def english_readings(text):
    """The ways in which the figures that a recogniser writes may have been said."""
    text = re.sub(r"(\d),(?=\d{3}(?!\d))", r"\1", text.lower())

    def dollars(m):
        whole, cents = int(m.group(1)), int((m.group(2) or "").ljust(2, "0") or 0)
        said = f"{cardinal(whole)} dollar{'s' * (whole != 1)}" if whole or not cents else ""
        joined = f"{said} and " if said and cents else said
        return f" {joined}{cardinal(cents)} cent{'s' * (cents != 1)} " if cents else f" {joined} "

    def ways():
        money = re.sub(r"\$\s?(\d{1,6})(?:\.(\d{1,2}))?", dollars, text)
        point = re.sub(r"(\d+)\.(\d+)", lambda m: m.group(1) + " point " + " ".join(m.group(2)), money)
        yield re.sub(r"(\d+)(?:st|nd|rd|th)?", lambda m: f" {cardinal(int(m.group(1)))} " if len(m.group(1)) < 7
                     else english_number(m), point)
        yield re.sub(r"\d", lambda m: f" {EN_ONES[int(m.group())]} ", text)
    readings = []
    for way in ways():
        words = re.sub(r"[^a-z' ]", " ", re.sub(r"\b([ap])\.m\b\.?", r"\1m", way.replace("-", " "))).split()
        # "one hundred and five" is "one hundred five"; the twentieth is told from twenty by nobody.
        words = [w for n, w in enumerate(words) if not (w == "and" and n and words[n - 1] == "hundred")]
        readings.append([EN_ORDINALS.get(w, w) for w in words])
    return readings


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


def align(want, got):
    """The alignment of fewest errors: pairs of what was meant and heard, `None` where there is nothing."""
    rows = [list(range(len(got) + 1))]
    for i, x in enumerate(want, 1):
        row = [i]
        for j, y in enumerate(got, 1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (x != y)))
        rows.append(row)
    pairs, i, j = [], len(want), len(got)
    while i or j:
        if i and j and rows[i][j] == rows[i - 1][j - 1] + (want[i - 1] != got[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((want[i], got[j]))
        elif i and rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
            pairs.append((want[i], None))
        else:
            j -= 1
            pairs.append((None, got[j]))
    return pairs[::-1]


class Ear:
    """The recogniser: no words before to lean on, and a sentence is heard once.

    Values are heard otherwise than sentences. The recogniser would write figures (8315.25 for
    八万三千三百一十五点二五, 1999 for 幺九九): its writing drops and doubles what it heard, so it may use words
    only. It goes by times, which carry it over rests; where it stops more than a second before the speech
    ends, as if the call were over, or runs in circles, it hears the same once more and may write figures. If
    that is no better: in circles, it is tried again at rising temperatures and then without times, as Whisper's own decoder does
    (https://github.com/openai/whisper, `transcribe.py`: `decode_with_fallback`, the same bound of 2.4); too
    early, without times, and if it stops again, what is left by itself. Nothing of this knows what was meant,
    and it is done to every clip alike.

    What was heard is kept in .cache/heard under the hash of the sound and of this ear: the same sound is heard
    once.
    """

    def __init__(self, model=None, threads=2):
        from faster_whisper import WhisperModel
        here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        model = model or os.path.join(here, ".cache", "speech", "whisper-base")
        self.model = WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=threads)
        text = self.model.hf_tokenizer
        figures = re.compile(r"[0-9$¥€£%]")
        ends = text.token_to_id("<|endoftext|>")
        self.figures = [n for n in range(ends) if figures.search(text.decode([n]))]
        self.tokenizers = {}
        self.last = None
        self.kept = os.path.join(here, ".cache", "heard")
        os.makedirs(self.kept, exist_ok=True)
        with open(os.path.abspath(__file__), "rb") as own:
            self.own = hashlib.sha256(own.read() + model.encode()).digest()

    def tokenizer(self, language):
        from faster_whisper.tokenizer import Tokenizer
        if language not in self.tokenizers:
            self.tokenizers[language] = Tokenizer(self.model.hf_tokenizer, True, task="transcribe", language=language)
        return self.tokenizers[language]

    def encoded(self, audio):
        # Half of the work, and the same for whatever is asked of one sound.
        if self.last is None or not np.array_equal(self.last[0], audio):
            features = self.model.feature_extractor(audio)[:, :3000]
            padded = np.pad(features, ((0, 0), (0, 3000 - features.shape[1])))
            self.last = (audio, self.model.encode(padded))
        return self.last[1]

    def generate(self, encoded, language, times, beams, suppressed=(), temperature=0.0):
        """What is heard, and the second that it reaches to by its own times. Of a temperature above 0 the best
        of so many tries as there are beams, the same at each run."""
        import ctranslate2
        tokenizer = self.tokenizer(language)
        prompt = self.model.get_prompt(tokenizer, [], without_timestamps=not times)
        way = {"beam_size": beams}
        if temperature:
            ctranslate2.set_random_seed(1)
            way = {"beam_size": 1, "num_hypotheses": beams, "sampling_topk": 0, "sampling_temperature": temperature}
        found = self.model.model.generate(encoded, [prompt], suppress_blank=True, max_length=200,
                                          suppress_tokens=[-1, *suppressed], max_initial_timestamp_index=50, **way)[0]
        ids = found.sequences_ids[0]
        marks = [n for n in ids if n >= tokenizer.timestamp_begin]
        until = (marks[-1] - tokenizer.timestamp_begin) * 0.02 if marks else 0.0
        return tokenizer.decode([n for n in ids if n < tokenizer.eot]).strip(), until

    def hear(self, path, language, channel=0, value=False):
        """What was heard in a sentence, or in a sentence that holds a `value`."""
        audio = samples(path, channel)
        return self.once(f"{language} {value}", audio, lambda: self.recognised(audio, language, value))

    def odds(self, path, language, heard):
        """How sure the recogniser is of each Chinese character of what it `heard`, behind those before it: a list of
        the characters and their odds, 0 to 1. Its choice of words for the same sound (七, 期) costs odds, too."""
        audio = samples(path, 0)
        return json.loads(self.once(f"{language} odds {heard}", audio,
                                    lambda: json.dumps(self.forced(audio, language, heard))))

    def forced(self, audio, language, heard):
        tokenizer = self.tokenizer(language)
        ids = self.model.hf_tokenizer.encode(heard, add_special_tokens=False).ids
        if not ids:
            return []
        start = self.model.get_prompt(tokenizer, [], without_timestamps=True)
        frames = min(3000, len(audio) // 160)
        found = self.model.model.align(self.encoded(audio), start, [ids], [frames])[0]
        out, held, odds = [], [], 1.0
        # A character is one to three tokens: whole once its bytes are.
        for number, sure in zip(ids, found.text_token_probs):
            held.append(number)
            odds *= sure
            text = tokenizer.decode(held)
            if "\ufffd" not in text:
                out += [[c, odds] for c in text if "一" <= c <= "鿿"]
                held, odds = [], 1.0
        return out

    def once(self, way, audio, listen):
        """What `listen` makes of a sound in this way: kept, so that the same sound is heard once."""
        sound = hashlib.sha256(self.own + way.encode() + audio.tobytes()).hexdigest()
        kept = os.path.join(self.kept, sound)
        if os.path.exists(kept):
            with open(kept, encoding="utf-8") as f:
                return f.read()
        heard = listen()
        with open(f"{kept}.{os.getpid()}", "w", encoding="utf-8") as f:
            f.write(heard)
        os.replace(f.name, kept)
        return heard

    def recognised(self, audio, language, value):
        encoded = self.encoded(audio)
        if not value:
            return self.generate(encoded, language, times=False, beams=2)[0]
        end = speech_ends(audio)
        heard, until = self.generate(encoded, language, True, 5, self.figures)
        if repeats(heard) or until < end - 1:
            # Told to write words only it runs in circles at times (US US US for $69,709): figures, then.
            other, reached = self.generate(encoded, language, True, 5)
            if not repeats(other) and reached >= end - 1:
                return other
        if repeats(heard):
            for degree in (0.2, 0.4, 0.6, 0.8, 1.0):
                heard, until = self.generate(encoded, language, True, 5, self.figures, degree)
                if not repeats(heard):
                    break
            else:
                # No temperature breaks the circle: as a sentence is heard, without times.
                heard, until = self.generate(encoded, language, False, 2)[0], end
        if until < end - 1:
            other, _ = self.generate(encoded, language, False, 5, self.figures)
            if len(other) > len(heard) + 2:
                return other
            if until > 0:
                rest, _ = self.generate(self.encoded(audio[int(until * 16000):]), language, True, 5, self.figures)
                return f"{heard} {rest}"
        return heard


def repeats(text):
    """Whether a text runs in circles: deflated, it takes less than a part in 2.4, as in Whisper's own decoder; or,
    since a short one hardly deflates, it holds the same eight times in a row (T-I-Z-Z-Z-Z-Z-Z-Z-Z for 七幺三)."""
    data = text.encode()
    return len(data) > 2.4 * len(zlib.compress(data)) or re.search(r"(.{1,4}?)\1{7}", text) is not None


def speech_ends(audio):
    """The second in which the last 20 ms louder than -45 dBFS lie; of samples at 16 kHz."""
    frames = audio[:len(audio) // 320 * 320].reshape(-1, 320)
    loud = np.flatnonzero(np.sqrt((frames ** 2).mean(axis=1)) > 10 ** (-45 / 20)) if len(frames) else []
    return (loud[-1] + 1) * 0.02 if len(loud) else 0.0


def main():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--language", choices=("zh", "en"), required=True)
    parser.add_argument("--model", default=os.path.join(here, ".cache", "speech", "whisper-base"))
    parser.add_argument("--channel", type=int, default=0)
    parser.add_argument("--expect", action="append", default=[])
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    ear = Ear(options.model)
    split = chinese if options.language == "zh" else english
    for at, path in enumerate(options.files):
        row = {"file": os.path.basename(path), "heard": ear.hear(path, options.language, options.channel)}
        if at < len(options.expect):
            expected = split(options.expect[at])
            row["error"] = round(distance(expected, split(row["heard"])) / max(1, len(expected)), 4)
        print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
