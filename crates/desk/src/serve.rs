//! Connections: headers within ten seconds, and not more than twenty from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

/// How long a peer may take for its headers.
const HEADERS: Duration = Duration::from_secs(10);
/// Connections of one address at once, of those that are not known to be ours.
const A_SOURCE: usize = 20;

/// Serves the routes until `stop`; requests that run are answered, for five seconds at most.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let open: Arc<Mutex<HashMap<IpAddr, usize>>> = Arc::default();
    let graceful = hyper_util::server::graceful::GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors: closing connections gives some back.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Some(place) = Place::take(&open, peer.ip()).map(Arc::new) else { continue };
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let held = Arc::clone(&place);
        let service = hyper::service::service_fn(move |mut request: Request<hyper::body::Incoming>| {
            if crate::public::relayed(held.address(), request.headers()).is_some() {
                // A proxy's connections are those of many.
                held.release();
            }
            request.extensions_mut().insert(Arc::clone(&held));
            router.clone().call(request.map(axum::body::Body::new))
        });
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned());
        tokio::spawn(async move {
            // A peer that breaks off is no news.
            let _ = connection.await;
            drop(place);
        });
    }
    let _ = tokio::time::timeout(Duration::from_secs(5), graceful.shutdown()).await;
}

/// One connection's place in the count of its address.
pub struct Place {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
    released: AtomicBool,
}

impl Place {
    fn take(open: &Arc<Mutex<HashMap<IpAddr, usize>>>, address: IpAddr) -> Option<Self> {
        let mut counts = open.lock().expect("no holder of this lock panics");
        let count = counts.entry(address).or_default();
        if *count >= A_SOURCE {
            return None;
        }
        *count += 1;
        Some(Self { open: Arc::clone(open), address, released: AtomicBool::new(false) })
    }

    /// Where whoever connected comes from.
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// Whoever connected is known: the connection counts no longer.
    pub fn release(&self) {
        if self.released.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut counts = self.open.lock().expect("no holder of this lock panics");
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.release();
    }
}
