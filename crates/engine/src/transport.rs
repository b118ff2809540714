//! SIP over UDP and TCP: the one task that owns the endpoint, its sockets and its timers.
//!
//! Calls ask through [`Signalling`]; what happens to a leg goes to the mailbox that its call
//! registered, and calls that come in go to the exchange.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hotline_sip::message::{Frame, Limits, StreamFramer};
use hotline_sip::{
    Binding, ConnectionId, Counts, Datagram, Device, Endpoint, Event, Invite, LegKey, Outbound, Registrar,
    Source, Sources, Transport,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{mpsc, oneshot};

use crate::call::Note;

/// What a call wants of its leg.
#[derive(Debug)]
pub(crate) enum Wish {
    Ring,
    /// Lets the caller hear us before the call is answered (183 with a description).
    Progress(Bytes),
    Answer(Bytes),
    Reject {
        code: u16,
        retry_after: Option<Duration>,
    },
    HangUp,
    /// Gives up a call of ours that is not answered.
    Cancel,
    AcceptReinvite(Bytes),
    RejectReinvite(u16),
    /// Answers a REFER; what was accepted is reported as done at once.
    AnswerRefer(bool),
}

enum Request {
    /// Events of this leg go here from now on.
    Register(LegKey, mpsc::UnboundedSender<Note>),
    Wish(LegKey, Wish),
    /// Hangs up on everybody whose call is gone without a word.
    HangUpOrphans,
    /// Makes a call; its events go to the mailbox.
    Call(Box<Outbound>, mpsc::UnboundedSender<Note>, oneshot::Sender<Option<LegKey>>),
    /// Who may register from now on.
    Devices(Vec<Device>),
    /// Where a user's telephones are.
    Bindings(String, oneshot::Sender<Vec<Binding>>),
    Counts(oneshot::Sender<Counts>),
}

/// A handle to the task.
#[derive(Clone)]
pub(crate) struct Signalling {
    requests: mpsc::UnboundedSender<Request>,
}

impl Signalling {
    pub fn register(&self, leg: LegKey, mailbox: mpsc::UnboundedSender<Note>) {
        let _ = self.requests.send(Request::Register(leg, mailbox));
    }

    /// Asks for something; a leg that has ended meanwhile says so by its own event.
    pub fn wish(&self, leg: LegKey, wish: Wish) {
        let _ = self.requests.send(Request::Wish(leg, wish));
    }

    /// Ends all legs whose calls are gone without a word.
    pub fn hang_up_orphans(&self) {
        let _ = self.requests.send(Request::HangUpOrphans);
    }

    /// Makes a call; `None` if that cannot be tried.
    pub async fn call(&self, outbound: Outbound, mailbox: mpsc::UnboundedSender<Note>) -> Option<LegKey> {
        let (answer, leg) = oneshot::channel();
        self.requests.send(Request::Call(Box::new(outbound), mailbox, answer)).ok()?;
        leg.await.ok()?
    }

    /// Who may register from now on; telephones of others are forgotten.
    pub fn set_devices(&self, devices: Vec<Device>) {
        let _ = self.requests.send(Request::Devices(devices));
    }

    /// Where a user's telephones are now.
    pub async fn bindings(&self, user: &str) -> Vec<Binding> {
        let (answer, bindings) = oneshot::channel();
        if self.requests.send(Request::Bindings(user.to_owned(), answer)).is_err() {
            return Vec::new();
        }
        bindings.await.unwrap_or_default()
    }

    pub async fn counts(&self) -> Option<Counts> {
        let (answer, counts) = oneshot::channel();
        self.requests.send(Request::Counts(answer)).ok()?;
        counts.await.ok()
    }
}

/// A call that came in, for the exchange.
pub(crate) struct Incoming {
    pub leg: LegKey,
    pub invite: Box<Invite>,
    /// When its INVITE was read.
    pub at: Instant,
}

/// The sockets, bound, and the endpoint.
pub(crate) struct SipTransport {
    endpoint: Endpoint,
    udp: UdpSocket,
    tcp: TcpListener,
    local: SocketAddr,
    limits: Limits,
    sources: Sources,
}

/// The kernel's buffer for datagrams that wait: a burst of 2,000 INVITEs fits.
const RECEIVE_BUFFER: usize = 4 << 20;
/// The realm of agents' telephones: part of what their passwords are hashed with.
pub const REALM: &str = "hotline";
/// Datagrams read before anything else is looked at.
const BATCH: usize = 64;
/// A TCP peer that does not take what is sent to it for this long is cut off.
const WRITE_LIMIT: Duration = Duration::from_secs(5);
/// Lines that wait for a TCP peer; one that is further behind is cut off.
const WRITE_QUEUE: usize = 1024;
/// Connections of addresses that are not served, all together: they are read from, so that the log can say how to
/// allow them, and cannot take the file descriptors of those who are.
const STRANGERS: usize = 64;

impl SipTransport {
    /// Binds UDP and TCP to one address. `sha256`: what telephones are asked to prove themselves by, beside MD5.
    pub async fn bind(
        address: SocketAddr,
        config: hotline_sip::Config,
        sha256: bool,
    ) -> std::io::Result<Self> {
        let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::DGRAM, None)?;
        // The kernel may grant less; the default is too small for a burst.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let udp = UdpSocket::from_std(socket.into())?;
        let local = udp.local_addr()?;
        let tcp = TcpListener::bind(local).await?;
        let (limits, sources) = (config.limits, config.sources.clone());
        let now = Instant::now();
        let mut endpoint = Endpoint::new(config, now, rand::random());
        let registrar = Registrar::new(now, REALM, rand::random());
        endpoint.set_registrar(if sha256 { registrar.with_sha256() } else { registrar });
        Ok(Self { endpoint, udp, tcp, local, limits, sources })
    }

    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Starts the task.
    pub fn start(self, incoming: mpsc::UnboundedSender<Incoming>) -> Signalling {
        let (requests, queue) = mpsc::unbounded_channel();
        let task = Task {
            endpoint: self.endpoint,
            udp: self.udp,
            local: self.local,
            limits: self.limits,
            sources: self.sources,
            incoming,
            mailboxes: HashMap::new(),
            connections: HashMap::new(),
            next_connection: 0,
        };
        tokio::spawn(task.run(self.tcp, queue));
        Signalling { requests }
    }
}

/// What a TCP connection's reader tells.
enum FromStream {
    Accepted(TcpStream, SocketAddr),
    Opened(ConnectionId, TcpStream),
    Message(ConnectionId, Bytes),
    Lost(ConnectionId),
}

struct Connection {
    remote: SocketAddr,
    local: SocketAddr,
    lines: mpsc::Sender<Bytes>,
}

struct Task {
    endpoint: Endpoint,
    udp: UdpSocket,
    local: SocketAddr,
    limits: Limits,
    sources: Sources,
    incoming: mpsc::UnboundedSender<Incoming>,
    mailboxes: HashMap<LegKey, mpsc::UnboundedSender<Note>>,
    connections: HashMap<ConnectionId, Connection>,
    next_connection: u64,
}

impl Task {
    async fn run(mut self, tcp: TcpListener, mut requests: mpsc::UnboundedReceiver<Request>) {
        let (streams, mut from_streams) = mpsc::unbounded_channel();
        tokio::spawn(accept(tcp, streams.clone()));
        let mut buffer = vec![0; 65_536];
        loop {
            let wake = self.endpoint.poll_timeout();
            tokio::select! {
                received = self.udp.recv_from(&mut buffer) => self.read_datagrams(received, &mut buffer),
                request = requests.recv() => match request {
                    Some(request) => {
                        self.fulfil(request);
                        // What waits is done in one go, so that one drain serves many calls.
                        while let Ok(request) = requests.try_recv() {
                            self.fulfil(request);
                        }
                    }
                    None => return,
                },
                Some(event) = from_streams.recv() => self.stream_event(event, &streams),
                () = sleep_until(wake) => self.endpoint.handle_timeout(Instant::now()),
            }
            self.drain(&streams);
        }
    }

    fn read_datagrams(&mut self, first: std::io::Result<(usize, SocketAddr)>, buffer: &mut [u8]) {
        let mut received = first;
        for _ in 0..BATCH {
            match received {
                Ok((length, remote)) => {
                    let source =
                        Source { transport: Transport::Udp, local: self.local, remote, connection: None };
                    let bytes = Bytes::copy_from_slice(&buffer[..length]);
                    self.endpoint.handle_datagram(Instant::now(), source, bytes);
                }
                // An ICMP error of an earlier datagram, or nothing more to read.
                Err(_) => return,
            }
            received = self.udp.try_recv_from(buffer);
        }
    }

    fn fulfil(&mut self, request: Request) {
        let now = Instant::now();
        match request {
            Request::Register(leg, mailbox) => {
                self.mailboxes.insert(leg, mailbox);
            }
            Request::Wish(leg, wish) => {
                let done = match wish {
                    Wish::Ring => self.endpoint.ring(now, leg),
                    Wish::Progress(sdp) => self.endpoint.progress(now, leg, sdp),
                    Wish::Answer(sdp) => self.endpoint.answer(now, leg, sdp),
                    Wish::Reject { code, retry_after } => {
                        let done = self.endpoint.reject(now, leg, code, None, retry_after);
                        self.mailboxes.remove(&leg);
                        done
                    }
                    Wish::Cancel => self.endpoint.cancel(now, leg),
                    Wish::HangUp => self.endpoint.hang_up(now, leg),
                    Wish::AcceptReinvite(sdp) => self.endpoint.accept_reinvite(now, leg, sdp),
                    Wish::AnswerRefer(true) => self
                        .endpoint
                        .answer_refer(now, leg, 202)
                        .and_then(|()| self.endpoint.notify(now, leg, "SIP/2.0 200 OK", true)),
                    Wish::AnswerRefer(false) => self.endpoint.answer_refer(now, leg, 603),
                    Wish::RejectReinvite(code) => self.endpoint.reject_reinvite(now, leg, code),
                };
                // A leg that ended while the wish was on its way tells so by its own event.
                if let Err(error) = done {
                    tracing::debug!(%leg, %error, "a wish came too late");
                }
            }
            Request::HangUpOrphans => {
                let orphans: Vec<LegKey> = self
                    .mailboxes
                    .iter()
                    .filter(|(_, mailbox)| mailbox.is_closed())
                    .map(|(leg, _)| *leg)
                    .collect();
                for leg in orphans {
                    let _ = self.endpoint.hang_up(now, leg).or_else(|_| self.endpoint.cancel(now, leg));
                }
            }
            Request::Call(outbound, mailbox, answer) => {
                let leg = match self.endpoint.invite(now, *outbound) {
                    Ok(leg) => {
                        self.mailboxes.insert(leg, mailbox);
                        Some(leg)
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a call could not be made");
                        None
                    }
                };
                let _ = answer.send(leg);
            }
            Request::Devices(devices) => {
                if let Some(registrar) = self.endpoint.registrar_mut() {
                    registrar.set_devices(devices);
                }
            }
            Request::Bindings(user, answer) => {
                let found = self.endpoint.registrar_mut();
                let bindings = found.map(|registrar| registrar.bindings(now, &user).cloned().collect());
                let _ = answer.send(bindings.unwrap_or_default());
            }
            Request::Counts(answer) => {
                let _ = answer.send(self.endpoint.counts());
            }
        }
    }

    fn stream_event(&mut self, event: FromStream, streams: &mpsc::UnboundedSender<FromStream>) {
        match event {
            FromStream::Accepted(stream, remote) => {
                let is_stranger = |address| !self.sources.allow(address);
                let others = self.connections.values();
                if is_stranger(remote.ip())
                    && others.filter(|one| is_stranger(one.remote.ip())).count() >= STRANGERS
                {
                    return;
                }
                let id = self.new_connection_id();
                self.take_stream(id, stream, remote, streams);
            }
            FromStream::Opened(id, stream) => match stream.peer_addr() {
                Ok(remote) => self.take_stream(id, stream, remote, streams),
                Err(_) => self.endpoint.handle_connection_lost(Instant::now(), id),
            },
            FromStream::Message(id, bytes) => {
                if let Some(connection) = self.connections.get(&id) {
                    let source = Source {
                        transport: Transport::Tcp,
                        local: connection.local,
                        remote: connection.remote,
                        connection: Some(id),
                    };
                    self.endpoint.handle_datagram(Instant::now(), source, bytes);
                }
            }
            FromStream::Lost(id) => {
                self.connections.remove(&id);
                self.endpoint.handle_connection_lost(Instant::now(), id);
            }
        }
    }

    fn new_connection_id(&mut self) -> ConnectionId {
        self.next_connection += 1;
        ConnectionId(self.next_connection)
    }

    fn take_stream(
        &mut self,
        id: ConnectionId,
        stream: TcpStream,
        remote: SocketAddr,
        streams: &mpsc::UnboundedSender<FromStream>,
    ) {
        let _ = stream.set_nodelay(true);
        let (lines, queue) = mpsc::channel(WRITE_QUEUE);
        let local = stream.local_addr().unwrap_or(self.local);
        self.connections.insert(id, Connection { remote, local, lines: lines.clone() });
        tokio::spawn(serve_stream(id, stream, self.limits, lines, queue, streams.clone()));
    }

    /// Sends what is to be sent and tells what happened.
    fn drain(&mut self, streams: &mpsc::UnboundedSender<FromStream>) {
        loop {
            let mut idle = true;
            while let Some(datagram) = self.endpoint.poll_datagram() {
                idle = false;
                self.send(datagram, streams);
            }
            while let Some(event) = self.endpoint.poll_event() {
                idle = false;
                self.tell(event);
            }
            if idle {
                return;
            }
        }
    }

    fn send(&mut self, datagram: Datagram, streams: &mpsc::UnboundedSender<FromStream>) {
        match (datagram.transport, datagram.connection) {
            (Transport::Udp, _) => {
                // A full send buffer loses a datagram as the network would: SIP repeats it.
                let _ = self.udp.try_send_to(&datagram.bytes, datagram.to);
            }
            (Transport::Tcp, Some(id)) => {
                if let Some(connection) = self.connections.get(&id)
                    && connection.lines.try_send(datagram.bytes).is_err()
                {
                    self.connections.remove(&id);
                    let _ = streams.send(FromStream::Lost(id));
                }
            }
            (Transport::Tcp, None) => {
                let id = self.new_connection_id();
                self.endpoint.handle_connection(datagram.to, id);
                let streams = streams.clone();
                tokio::spawn(async move {
                    let opened = tokio::time::timeout(WRITE_LIMIT, open(datagram)).await;
                    let event = match opened {
                        Ok(Ok(stream)) => FromStream::Opened(id, stream),
                        _ => FromStream::Lost(id),
                    };
                    let _ = streams.send(event);
                });
            }
        }
    }

    fn tell(&mut self, event: Event) {
        let leg = match &event {
            Event::Invite { .. } => {
                let Event::Invite { leg, invite } = event else { return };
                let _ = self.incoming.send(Incoming { leg, invite, at: Instant::now() });
                return;
            }
            Event::UnknownSource { addr } => {
                tracing::warn!(
                    peer.address = %addr.ip(),
                    "a stranger is not answered; to allow it, add `[[trunks]]` with this address in `from`"
                );
                return;
            }
            Event::Banned { address, duration } => {
                tracing::warn!(
                    peer.address = %address,
                    seconds = duration.as_secs(),
                    "registrations of this address get no answer for a while: too many came, or too many with a wrong password"
                );
                return;
            }
            other => other.leg(),
        };
        let Some(leg) = leg else { return };
        let over = matches!(event, Event::Cancelled { .. } | Event::Ended { .. } | Event::Failed { .. });
        if let Some(mailbox) = self.mailboxes.get(&leg) {
            let _ = mailbox.send(Note::Sip(event));
        }
        if over {
            self.mailboxes.remove(&leg);
        }
    }
}

/// Opens a connection and sends the message it was opened for.
async fn open(datagram: Datagram) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(datagram.to).await?;
    stream.write_all(&datagram.bytes).await?;
    Ok(stream)
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

async fn accept(tcp: TcpListener, streams: mpsc::UnboundedSender<FromStream>) {
    loop {
        match tcp.accept().await {
            Ok((stream, remote)) => {
                if streams.send(FromStream::Accepted(stream, remote)).is_err() {
                    return;
                }
            }
            // Out of file descriptors: connections that end give some back.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn serve_stream(
    id: ConnectionId,
    stream: TcpStream,
    limits: Limits,
    lines: mpsc::Sender<Bytes>,
    mut queue: mpsc::Receiver<Bytes>,
    streams: mpsc::UnboundedSender<FromStream>,
) {
    let (mut reader, mut writer) = stream.into_split();
    let write = async {
        while let Some(line) = queue.recv().await {
            let written = tokio::time::timeout(WRITE_LIMIT, writer.write_all(&line)).await;
            if !matches!(written, Ok(Ok(()))) {
                return;
            }
        }
    };
    let read = async {
        let mut framer = StreamFramer::new(limits);
        let mut buffer = vec![0; 16_384];
        loop {
            let Ok(length) = reader.read(&mut buffer).await else { return };
            if length == 0 {
                return;
            }
            framer.handle_bytes(&buffer[..length]);
            loop {
                match framer.poll_frame() {
                    Ok(Some(Frame::Message(bytes))) => {
                        if streams.send(FromStream::Message(id, bytes)).is_err() {
                            return;
                        }
                    }
                    Ok(Some(Frame::Ping)) => {
                        let _ = lines.try_send(Bytes::from_static(b"\r\n"));
                    }
                    Ok(None) => break,
                    Err(_) => return,
                }
            }
        }
    };
    tokio::select! {
        () = write => {}
        () = read => {}
    }
    let _ = streams.send(FromStream::Lost(id));
}
