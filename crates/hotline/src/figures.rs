//! The figures for Prometheus: what each means, how it is counted, and those that are looked up.
//! The table in `crates/README.md` says the same; a test compares the two.

use std::time::Duration;

use hotline_record::Record;
use hotline_speech::Speech;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

const COUNTERS: [(&str, &str); 15] = [
    ("hotline_retention_rows_total", "Rows and recordings that were deleted by their age, by kind"),
    ("hotline_calls_started_total", "Calls that were taken, by trunk"),
    (
        "hotline_calls_made_total",
        "Calls to customers that were begun, by trunk; none: to show that nobody was called yet",
    ),
    ("hotline_calls_refused_total", "INVITEs that became no call, by why"),
    (
        "hotline_announcements_total",
        "Announcements of networks that a recogniser heard, by what they mean; unknown: nothing to us",
    ),
    (
        "hotline_put_through_total",
        "Calls put through to numbers and agents, by trunk and by what came of it; none: by no trunk",
    ),
    ("hotline_calls_total", "Calls that ended, by to whom the end is due and by its code"),
    (
        "hotline_rtp_packets_total",
        "RTP packets of calls that ended, by what became of them; lost-there: as the other side reports it",
    ),
    ("hotline_verifications_total", "Verifications, by verdict; failed: the record did not answer"),
    ("hotline_media_ticks_total", "Ticks of 5 ms of a media thread"),
    ("hotline_media_ticks_skipped_total", "Ticks left out because a media thread was more than 200 ms late"),
    (
        "hotline_speech_audio_seconds_total",
        "Seconds of speech asked for, by where it came from; rendered ones are the cache's misses",
    ),
    (
        "hotline_speech_provider_characters_total",
        "Characters sent to the provider of speech that became speech",
    ),
    ("hotline_speech_provider_failures_total", "Requests that the provider of speech failed at"),
    ("hotline_speech_clauses_total", "Clauses asked for, by where their speech came from; failed: nowhere"),
];
const GAUGES: [(&str, &str); 16] = [
    ("hotline_calls_active", "Calls that go on"),
    ("hotline_sip_legs", "SIP legs, those included that wait for the answer to their BYE"),
    ("hotline_sip_transactions", "SIP transactions of all kinds"),
    ("hotline_media_legs", "RTP legs open on a media thread"),
    (
        "hotline_media_busy_permille",
        "Share of the last second that a media thread worked; above 850 new calls get 503",
    ),
    ("hotline_media_late_p99_seconds", "99 of 100 ticks of the last second began at most this late"),
    ("hotline_media_late_max_seconds", "The latest tick of the last second began this late"),
    ("hotline_record_available", "1: the database takes what is written; 0: it is away"),
    ("hotline_record_spooled_steps", "Steps of calls that wait to be stored"),
    ("hotline_jobs", "Jobs that wait for their time or were given up, by kind and state"),
    ("hotline_messages", "Text messages, by state; unknown: somebody must look"),
    ("hotline_speech_queued", "Clauses that wait for the voice or are being spoken"),
    ("hotline_queue_callers", "Callers who wait for an agent, by queue"),
    ("hotline_agents", "Agents who are signed in, by where they are"),
    ("hotline_started_seconds", "When the process began to serve, in seconds since 1970"),
    ("hotline_build_info", "1, with the version that runs"),
];
const HISTOGRAMS: [(&str, &str, &[f64]); 3] = [
    (
        "hotline_call_seconds",
        "How long calls lasted, from the INVITE to the end",
        &[5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1800.0],
    ),
    (
        "hotline_answer_seconds",
        "From the INVITE to the 200",
        &[0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0],
    ),
    (
        "hotline_record_answer_seconds",
        "How long a call waited for the record, commit included, by what it asked",
        &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0],
    ),
];

/// Starts collecting.
///
/// # Errors
/// If somebody collects already.
pub fn install(started: jiff::Timestamp) -> Result<PrometheusHandle, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for (name, _, buckets) in HISTOGRAMS {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.into()), buckets)?;
    }
    let handle = builder.install_recorder()?;
    for (name, words) in COUNTERS {
        describe_counter!(name, words);
    }
    for (name, words) in GAUGES {
        describe_gauge!(name, words);
    }
    for (name, words, _) in HISTOGRAMS {
        describe_histogram!(name, Unit::Seconds, words);
    }
    // What happens seldom is there from the start: what is not there cannot be watched.
    for kind in ["recordings", "attachments", "steps", "messages", "journal", "access-log", "reviews"] {
        counter!("hotline_retention_rows_total", "kind" => kind).increment(0);
    }
    for how in ["answered", "busy", "no-answer", "failed"] {
        counter!("hotline_put_through_total", "trunk" => "none", "how" => how).increment(0);
    }
    counter!("hotline_calls_made_total", "trunk" => "none").increment(0);
    for what in ["unknown", "failed", "not-asked"] {
        counter!("hotline_announcements_total", "what" => what).increment(0);
    }
    gauge!("hotline_started_seconds").set(started.as_second() as f64);
    gauge!("hotline_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

/// Takes the figures of this moment that cost nothing to know.
pub fn report(speech: &Speech, record: &Record) {
    let counts = speech.counts();
    gauge!("hotline_speech_queued").set(counts.queued as f64);
    for (from, count) in [
        ("voice", counts.rendered),
        ("provider", counts.provided),
        ("memory", counts.memory_hits),
        ("cache", counts.cache_hits),
        ("failed", counts.failed),
    ] {
        counter!("hotline_speech_clauses_total", "from" => from).absolute(count);
    }
    counter!("hotline_speech_provider_characters_total").absolute(counts.provider_characters);
    counter!("hotline_speech_provider_failures_total").absolute(counts.provider_failed);
    for (from, audio) in [
        ("memory", counts.memory_audio),
        ("cache", counts.cache_audio),
        ("rendered", counts.rendered_audio),
        ("provider", counts.provided_audio),
    ] {
        counter!("hotline_speech_audio_seconds_total", "from" => from).absolute(audio.as_secs());
    }
    gauge!("hotline_record_spooled_steps").set(record.spooled_steps() as f64);
    gauge!("hotline_record_available").set(if record.is_available() { 1.0 } else { 0.0 });
}

/// So often the record is asked what waits there.
const EVERY: Duration = Duration::from_secs(15);

/// Keeps the figures fresh that the record has to be asked for; while it is away they stay as
/// they were, and `hotline_record_available` says so.
pub async fn watch(record: Record, stop: CancellationToken) {
    let mut beat = tokio::time::interval(EVERY);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            () = stop.cancelled() => return,
        }
        if let Ok(jobs) = record.count_jobs().await {
            for (kind, state, count) in jobs {
                gauge!("hotline_jobs", "kind" => kind, "state" => state).set(count as f64);
            }
        }
        if let Ok(messages) = record.count_messages().await {
            for (state, count) in messages {
                gauge!("hotline_messages", "state" => state.word()).set(count as f64);
            }
        }
    }
}
