//! `/healthz` and `/metrics` of a worker. `/healthz` says whether its loop turns and its lease is fresh; it does not ask the
//! database, because a restart of the database must not end every worker. Nothing can be changed here.

use super::shared::Shared;
use crate::outcome::Failure;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at once: a few scrapers and probes.
const CONNECTIONS_MAX: usize = 32;
/// How long a connection may stay open, and take to send its request.
const TIME_MAX: Duration = Duration::from_secs(10);
/// How long to wait when the machine has no descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";

/// Listens.
///
/// # Errors
/// Exit 1 when the address cannot be had.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::failed(format!("the worker cannot listen at `{address}`"))
            .cause(error)
            .hint("choose another address with `--listen`; port 0 takes a free one")
    })
}

/// Answers for as long as the worker runs.
pub async fn answer(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let response = respond(&request, &shared);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(TIME_MAX).keep_alive(false);
            // A connection that breaks concerns only its other end.
            let _ = tokio::time::timeout(TIME_MAX, http.serve_connection(TokioIo::new(stream), service)).await;
            drop(place);
        });
    }
}

fn respond(request: &Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, kind, body) = match (is_read, request.uri().path()) {
        (false, _) => (StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".to_owned()),
        (_, "/metrics") => (StatusCode::OK, TEXT, shared.metrics_text()),
        (_, "/healthz") => {
            let health = shared.health();
            let status = if health.is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            (status, JSON, health.text)
        }
        _ => (StatusCode::NOT_FOUND, TEXT, "/healthz and /metrics are here\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
