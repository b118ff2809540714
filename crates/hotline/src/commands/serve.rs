//! `hotline serve`: everything together.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline_campaign::Trunk;
use hotline_desk::{Criterion, Desk, Forget, QueueWords, Reason, Surveys, Token, Tokens};
use hotline_dialplan::Plans;
use hotline_engine::{Exchange, HttpDoor, Recogniser, TrunkSettings};
use hotline_jobs::campaigns::Caller;
use hotline_jobs::{FileOutbox, HttpGateway, HttpSettings, Jobs, MessageProvider, MessageTexts, Webhooks};
use hotline_media::MediaConfig;
use hotline_model::campaign::Name;
use hotline_model::{Calendar, Clock, Language, PhoneNumber, SystemClock};
use hotline_record::Record;
use hotline_speech::Speech;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Problem, open_record_to_serve, server_runtime, speech_config};
use crate::audio_cache::RecordCache;
use crate::config::{Config, OidcSection, ReasonWord, WebhookSection};
use crate::erasure::Folders;
use crate::publisher::{self, Publisher};
use crate::{erasure, figures, retention};

/// `hotline serve`
#[derive(clap::Args)]
pub struct Arguments {
    /// Write the log as JSON, one object a line.
    #[arg(long)]
    json_log: bool,
    /// After the first signal to stop, running calls have this long, in seconds.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    drain: u64,
}

pub fn run(config: Option<&Path>, arguments: Arguments) -> Result<ExitCode, Problem> {
    let config = Config::load(config)?;
    start_log(arguments.json_log);
    server_runtime(config.media.threads)?.block_on(serve(config, Duration::from_secs(arguments.drain)))
}

fn start_log(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,ort=warn,sqlx=warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        log.json().init()
    } else {
        log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init()
    }
}

/// A database that starts together with the server is waited for.
const DATABASE_WAIT: Duration = Duration::from_secs(60);

async fn serve(config: Config, drain: Duration) -> Result<ExitCode, Problem> {
    let started = Instant::now();
    // Before anything else: a signal without a handler ends the process.
    let mut signals = Signals::new()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let Some((plans, mut publisher)) = Publisher::open(&config)? else {
        return Err("the plans have errors (above): nothing is served until they are mended".into());
    };
    // The first number that is read loads the numbering plans of the world: not on a call.
    let _ = PhoneNumber::parse("13800138000");
    let metrics = figures::install(clock.now())?;
    let record = tokio::select! {
        opened = open_record_to_serve(&config, DATABASE_WAIT) => opened?,
        () = signals.stop() => return Ok(ExitCode::SUCCESS),
    };
    let held = record.release_jobs().await?;
    if held > 0 {
        tracing::info!(jobs = held, "jobs that were being done when the process ended last are done again");
    }
    let cut_off = record.end_orphans(clock.now()).await?;
    if cut_off > 0 {
        tracing::warn!(calls = cut_off, "calls were cut off when the process ended last");
    }
    publisher::store_versions(&record, &plans).await?;
    let speech = open_speech(&config, &record)?;
    let (stop, draining) = (CancellationToken::new(), CancellationToken::new());
    let (hours, calendar) = watch::channel(publisher::calendar(&config, &plans)?);
    tokio::spawn(retention::nightly(
        config.clone(),
        record.clone(),
        calendar.clone(),
        Arc::clone(&clock),
        stop.clone(),
    ));
    let jobs = start_jobs(&config, calendar, &record, &speech, &clock, &stop)?;
    let telling: Vec<_> = config.webhooks.iter().map(WebhookSection::webhook).collect::<Result<_, _>>()?;
    let telling = Webhooks::new(record.clone(), telling, Arc::clone(&clock));
    let telling = tokio::spawn(telling.run(stop.clone()));
    let (publish, published) = watch::channel(Arc::new(plans));
    publisher::render_prompts(&speech, &publish.borrow());
    publisher::render_templates(&speech, config.speech.templates.as_deref());
    let settings = exchange_settings(&config)?;
    let (bus, commands) = hotline_bus::bus();
    let queues = publisher::queue_words(published.clone());
    let house = house(&config, queues, &hours.borrow());
    let surveys = Surveys::new(published.clone(), config.messages.short_number.clone());
    let caller = Caller {
        record: record.clone(),
        bus: bus.clone(),
        calling: publisher::calling(published.clone(), &config),
        trunks: outward_trunks(&config),
        clock: Arc::clone(&clock),
    };
    let exchange =
        Exchange::start(settings, published, record.clone(), speech.clone(), Arc::clone(&clock), commands)
            .await?;
    let api = tokio::net::TcpListener::bind(config.api.bind)
        .await
        .map_err(|error| format!("the API cannot listen on {}: {error}", config.api.bind))?;
    tracing::info!(
        database = %config.database()?,
        sip.address = %exchange.local(),
        api.address = %api.local_addr()?,
        started_ms = started.elapsed().as_millis() as u64,
        "ready for calls"
    );
    let oidc = config.desk.oidc.as_ref().map(OidcSection::service).transpose()?;
    let pop_url = config.desk.pop()?.map(Arc::new);
    let desk = Desk {
        bus,
        house,
        oidc,
        pop_url,
        surveys: Some(surveys),
        ..desk(&config, &record, &speech, metrics.clone(), &draining, &stop)
    };
    let api = tokio::spawn(hotline_desk::serve(api, hotline_desk::router(desk), stop.clone()));
    let folders = Folders::of(&config);
    tokio::spawn(erasure::follow(record.clone(), speech.clone(), folders, stop.clone()));
    tokio::spawn(make_words(record.clone(), stop.clone()));
    let looking = tokio::spawn(figures::watch(record.clone(), stop.clone()));
    let calling = tokio::spawn(caller.run(draining.clone(), stop.clone()));
    let running = Running { config: &config, record: &record, speech: &speech, exchange: &exchange, metrics };
    running.watch(&mut signals, &mut publisher, &publish, &hours).await;
    draining.cancel();
    tracing::info!(
        calls = exchange.active(),
        wait_s = drain.as_secs(),
        "no new calls are taken; running ones may end"
    );
    tokio::select! {
        () = exchange.drain(drain) => {}
        // A second signal ends the patience.
        () = signals.stop() => exchange.drain(Duration::ZERO).await,
    }
    stop.cancel();
    let _ = tokio::join!(api, jobs, telling, looking, calling);
    if !record.flush(Duration::from_secs(10)).await {
        tracing::error!(
            steps = record.spooled_steps(),
            "the database is away: these steps of calls are in the spool, and are stored by the next start"
        );
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

fn open_speech(config: &Config, record: &Record) -> Result<Speech, Problem> {
    let settings = speech_config(config)?;
    let cache = RecordCache::new(record.clone(), config.speech.cache_mb.saturating_mul(1_000_000));
    if settings.voice.is_none() {
        tracing::warn!(
            folder = %config.speech.folder.display(),
            "there is no voice: only recordings are played and tickets cannot be read out; run tools/fetch-speech"
        );
    }
    if let Some(provider) = &settings.provider {
        tracing::warn!(
            model = provider.model,
            "speech comes from a provider: customers' words are sent to it"
        );
    }
    Ok(Speech::open(settings, Arc::new(cache))?)
}

fn exchange_settings(config: &Config) -> Result<hotline_engine::Settings, Problem> {
    let mut trunks = Vec::new();
    for trunk in &config.trunks {
        trunks.push(TrunkSettings {
            name: trunk.name.clone(),
            from: trunk.from.iter().map(|network| network.parse()).collect::<Result<_, _>>()?,
            latch: trunk.latch,
            calls_per_second: trunk.calls_per_second,
            burst: trunk.burst,
            in_band_digits: trunk.in_band_digits,
            ring: Duration::from_secs(trunk.ring_s),
        });
    }
    let recordings = config.recordings.on.then(|| config.recordings.folder.clone());
    if let Some(folder) = &recordings {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(hotline_engine::Settings {
        bind: config.sip.bind,
        advertised: config.sip.advertised,
        trunks,
        routes: config
            .trunks
            .iter()
            .filter_map(|trunk| Some(trunk.out.as_ref()?.settings(trunk)))
            .collect::<Result<_, _>>()?,
        calls: config.sip.calls,
        longest_call: Duration::from_secs(config.sip.longest_call_s),
        media: MediaConfig {
            threads: config.media.threads,
            bind_ip: config.media.bind.unwrap_or_else(|| config.sip.bind.ip()),
            port_range: config.media.ports[0]..=config.media.ports[1],
            rtp_timeout: Duration::from_secs(config.media.silence_limit_s),
            ..MediaConfig::default()
        },
        recordings,
        words: config.recordings.folder.clone(),
        http: HttpDoor::new(config.plans.web_services.clone()),
        recogniser: recogniser(config)?,
        telephones_sha256: config.telephones.sha256,
        telephones: config.telephones.from.iter().map(|network| network.parse()).collect::<Result<_, _>>()?,
    })
}

/// Who understands what networks announce, if somebody is to.
fn recogniser(config: &Config) -> Result<Option<Recogniser>, Problem> {
    let Some(section) = &config.recogniser else { return Ok(None) };
    let settings = section.settings().map_err(|problem| format!("recogniser: {problem}"))?;
    tracing::warn!(
        model = settings.model,
        "what networks say before a call of ours is answered is sent to a recogniser"
    );
    Ok(Some(Recogniser::new(settings).map_err(|problem| format!("recogniser: {problem}"))?))
}

/// The trunks that take calls from us, as the scheduler of calls to customers counts them.
pub fn outward_trunks(config: &Config) -> Vec<(Name, Trunk)> {
    let outward = config.trunks.iter().filter_map(|trunk| Some((trunk, trunk.out.as_ref()?)));
    outward
        .map(|(trunk, out)| {
            let unlimited = out.calls_per_second == 0;
            let per_second = if unlimited { u32::MAX } else { out.calls_per_second };
            let lines = u32::try_from(out.calls).unwrap_or(u32::MAX);
            (trunk.name.as_str().into(), Trunk { up: true, lines, per_second })
        })
        .collect()
}

fn start_jobs(
    config: &Config,
    calendar: watch::Receiver<Calendar>,
    record: &Record,
    speech: &Speech,
    clock: &Arc<dyn Clock>,
    stop: &CancellationToken,
) -> Result<tokio::task::JoinHandle<()>, Problem> {
    let messages = &config.messages;
    let shipped = MessageTexts::default();
    let texts = match (&messages.text_zh_cn, &messages.text_en_us) {
        (None, None) => shipped,
        (zh_cn, en_us) => MessageTexts::new(
            zh_cn.clone().unwrap_or_else(|| shipped.zh_cn().to_owned()),
            en_us.clone().unwrap_or_else(|| shipped.en_us().to_owned()),
        )?,
    };
    let provider: Arc<dyn MessageProvider> = match &messages.gateway {
        Some(gateway) => Arc::new(
            HttpGateway::new(
                HttpSettings {
                    url: gateway.url.clone(),
                    inquiry_url: gateway.inquiry_url.clone(),
                    body: gateway.body.clone(),
                    secret: gateway.secret.clone(),
                    within: Duration::from_secs(gateway.within_s),
                },
                Arc::clone(clock),
            )
            .map_err(|problem| format!("messages.gateway: {problem}"))?,
        ),
        None => FileOutbox::new(&messages.file, Arc::clone(clock)),
    };
    let settings = hotline_jobs::Settings { calendar, texts, short_number: messages.short_number.clone() };
    let jobs = Jobs::new(record.clone(), speech.clone(), provider, settings, Arc::clone(clock));
    Ok(tokio::spawn(jobs.run(stop.clone())))
}

fn desk(
    config: &Config,
    record: &Record,
    speech: &Speech,
    metrics: PrometheusHandle,
    draining: &CancellationToken,
    stopping: &CancellationToken,
) -> Desk {
    let tokens = config.api.tokens.iter().map(|token| {
        Token::new(&token.name, token.secret.expose(), token.sees_numbers).with_roles(token.roles.clone())
    });
    Desk {
        metrics: Some(metrics),
        draining: draining.clone(),
        stopping: stopping.clone(),
        numbers_seen_by: config.api.numbers_seen_by.clone().into(),
        secure_cookies: config.api.https,
        forget: Some(forget(speech.clone())),
        recordings: Some(config.recordings.folder.clone()),
        attachments: Some(config.attachments.folder.clone()),
        links: config.messages.links.as_deref().map(Into::into),
        ..Desk::new(record.clone(), Tokens(tokens.collect()), config.plans.language)
    }
}

/// What agents choose from; their day begins at midnight where messages keep their hours.
fn house(
    config: &Config,
    queues: watch::Receiver<Arc<[QueueWords]>>,
    calendar: &Calendar,
) -> hotline_desk::House {
    let reasons = |words: &[ReasonWord]| {
        let reason = |word: &ReasonWord| Reason {
            code: word.code.clone(),
            name: [(Language::ZhCn, word.zh_cn.clone()), (Language::EnUs, word.en_us.clone())].into(),
        };
        words.iter().map(reason).collect()
    };
    hotline_desk::House {
        queues,
        wrap_up_reasons: reasons(&config.desk.wrap_up_reasons),
        break_reasons: reasons(&config.desk.break_reasons),
        rubric: config
            .desk
            .rubric
            .iter()
            .map(|one| Criterion {
                code: one.code.clone(),
                name: [(Language::ZhCn, one.zh_cn.clone()), (Language::EnUs, one.en_us.clone())].into(),
                scale: one.scale,
                weight: one.weight,
            })
            .collect(),
        reviews_each: config.desk.reviews_each,
        zone: calendar.zone.clone(),
    }
}

/// What an erased customer was told is kept neither in memory nor in the cache.
fn forget(speech: Speech) -> Forget {
    Arc::new(move |text, language| {
        let speech = speech.clone();
        Box::pin(async move {
            let language = language.unwrap_or_else(|| Language::of_text(&text));
            if let Err(error) = speech.forget(&text, language).await {
                tracing::error!(%error, "what an erased customer was told is still in the cache: erase them again");
            }
        })
    })
}

/// Rows a commit, so that calls do not wait for it.
const WORDS_OF: u32 = 100;

/// Makes the words of what was stored before there was a search.
async fn make_words(record: Record, stop: CancellationToken) {
    let mut done = 0;
    loop {
        let pause = match record.lacks_words().await {
            Ok(false) => break,
            Ok(true) => match record.index_missing(WORDS_OF).await {
                Ok(rows) => {
                    done += rows;
                    Duration::from_millis(20)
                }
                Err(_) => Duration::from_secs(5),
            },
            Err(_) => Duration::from_secs(5),
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
    if done > 0 {
        tracing::info!(rows = done, "everything that was stored before is found by its words now");
    }
}

/// What an operator tells the process.
struct Signals {
    reload: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            reload: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the signal to stop.
    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What runs, as far as signals and figures need it.
struct Running<'a> {
    config: &'a Config,
    record: &'a Record,
    speech: &'a Speech,
    exchange: &'a Exchange,
    metrics: PrometheusHandle,
}

impl Running<'_> {
    /// Waits for the signal to stop. Takes over edited plans on SIGHUP, and `numbers.yaml` (with
    /// its announcement) as soon as it is saved; keeps the figures fresh.
    async fn watch(
        &self,
        signals: &mut Signals,
        publisher: &mut Publisher,
        publish: &watch::Sender<Arc<Plans>>,
        hours: &watch::Sender<Calendar>,
    ) {
        let mut beat = tokio::time::interval(Duration::from_secs(5));
        loop {
            let taken = tokio::select! {
                _ = signals.terminate.recv() => return,
                _ = signals.interrupt.recv() => return,
                _ = signals.reload.recv() => {
                    if let Err(problem) = self.speech.reload().await {
                        tracing::error!(%problem, "the recordings and the lexicon stay as they were");
                    }
                    publisher::render_templates(self.speech, self.config.speech.templates.as_deref());
                    publisher.take_all(self.config)
                }
                _ = beat.tick() => {
                    self.report().await;
                    publisher.take_numbers(self.config)
                }
            };
            match taken {
                Ok(None) => {}
                Ok(Some(plans)) => self.publish(plans, publish, hours).await,
                Err(problem) => tracing::error!(%problem, "the plans that run stay as they were"),
            }
        }
    }

    async fn publish(
        &self,
        plans: Plans,
        publish: &watch::Sender<Arc<Plans>>,
        hours: &watch::Sender<Calendar>,
    ) {
        match publisher::calendar(self.config, &plans) {
            Ok(calendar) => {
                hours.send_replace(calendar);
            }
            Err(problem) => {
                tracing::error!(%problem, "the plans that run stay as they were");
                return;
            }
        }
        if let Err(problem) = publisher::store_versions(self.record, &plans).await {
            tracing::warn!(%problem, "the versions of the plans could not be stored");
        }
        tracing::info!(plans.version = plans.version(), "new calls run the plans as they are now");
        let plans = Arc::new(plans);
        publisher::render_prompts(self.speech, &plans);
        publish.send_replace(plans);
    }

    async fn report(&self) {
        self.exchange.report().await;
        figures::report(self.speech, self.record);
        // Samples wait in memory until somebody asks for them or this is called.
        self.metrics.run_upkeep();
    }
}
