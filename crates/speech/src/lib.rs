//! Prompt name, language and values to audio: recordings first, then text-to-speech, cached.
