//! The HTTP side: connections in, requests through limit, faults and model, answers out.
//!
//! It knows no platform; what a path means is its model's business. An answer leaves only when everything that it
//! tells of is on disk.

use super::faults::{Drawn, FaultKind, draw};
use super::lines::{Line, Lines, Working};
use super::locked::locked;
use super::model::Reply;
use super::page;
use super::site::{Hosted, Site};
use super::wire::{Answer, HTML, JSON, Request, express_not_found};
use crate::loopback::Loopback;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep, timeout};

/// Connections at once; for one more, the one that has been idle longest is closed. Bounds memory together with
/// [`BODY_MAX`].
const CONNECTIONS_MAX: usize = 1024;
/// How long a connection that is to close may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(200);
/// Bytes of a request's body.
const BODY_MAX: usize = 1 << 20;
/// How long requests in flight may take to finish when the sandbox stops.
const GRACE: Duration = Duration::from_secs(5);
/// How long to wait when the machine has no descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Time for the first part of a cut answer to leave before the connection closes.
const CUT_PAUSE: Duration = Duration::from_millis(10);

/// Accepts connections until it is closed, then lets those in flight finish.
pub(super) async fn accept(listener: TcpListener, site: Arc<Site>, mut closing: watch::Receiver<()>) {
    let lines = Arc::new(Lines::default());
    let mut connections = JoinSet::new();
    let mut waiting: Option<TcpStream> = None;
    loop {
        if connections.len() < CONNECTIONS_MAX
            && let Some(stream) = waiting.take()
        {
            connections.spawn(converse(stream, lines.open(), Arc::clone(&site), closing.clone()));
        } else if waiting.is_some() {
            lines.close_oldest();
        }
        tokio::select! {
            _ = closing.changed() => break,
            accepted = listener.accept(), if waiting.is_none() => match accepted {
                Ok((stream, _)) => {
                    let _best_effort = stream.set_nodelay(true);
                    waiting = Some(stream);
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
            () = sleep(ACCEPT_PAUSE), if waiting.is_some() => {}
        }
    }
    drop(listener);
    let _finished = timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
}

async fn converse(stream: TcpStream, line: Arc<Line>, site: Arc<Site>, mut closing: watch::Receiver<()>) {
    let serving = Arc::clone(&line);
    let service = service_fn(move |request| respond(Arc::clone(&site), serving.work(), request));
    let mut connection = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A connection that ends with an error was dropped by a fault, or by the client.
        _ = connection.as_mut() => return,
        _ = closing.changed() => connection.as_mut().graceful_shutdown(),
        () = line.is_closing() => {
            connection.as_mut().graceful_shutdown();
            let has_ended = timeout(GOODBYE, connection.as_mut()).await.is_ok();
            if has_ended || !line.is_busy() {
                return;
            }
        }
    }
    let _ended = connection.await;
}

/// The connection closes here, without a (whole) answer.
#[derive(Debug)]
pub(super) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sandbox dropped the connection")
    }
}

impl std::error::Error for Dropped {}

async fn respond(
    site: Arc<Site>,
    _working: Working,
    request: hyper::Request<Incoming>,
) -> Result<Response<Payload>, Dropped> {
    let (parts, body) = request.into_parts();
    let loopback = Loopback { port: site.port, what: "the sandbox" };
    if let Some(refused) = loopback.refusal(&parts.headers, parts.uri.authority()) {
        return Ok(render(Answer::text(refused.status, "text/plain; charset=utf-8", format!("{}\n", refused.why))));
    }
    let Ok(body) = Limited::new(body, BODY_MAX).collect().await else { return Ok(render(too_large())) };
    let request = Request {
        path: parts.uri.path().to_owned(),
        raw_query: parts.uri.query().unwrap_or_default().to_owned(),
        method: parts.method,
        headers: parts.headers,
        body: body.to_bytes(),
    };
    if request.path == "/" && request.method == Method::GET {
        return Ok(render(page::page(&site, &request)));
    }
    match site.hosted.iter().find(|hosted| (hosted.model.owns)(&request.path)) {
        Some(hosted) => site.serve(hosted, &request).await,
        None => {
            let answer = express_not_found(&request);
            site.record(&request, answer.status, false);
            Ok(render(answer))
        }
    }
}

impl Site {
    /// One request to a platform: limit, faults, model, disk.
    async fn serve(&self, hosted: &Hosted, request: &Request) -> Result<Response<Payload>, Dropped> {
        if let Err(wait) = hosted.take_token() {
            self.record(request, 429, false);
            return Ok(render(too_many(wait)));
        }
        let drawn = draw(&self.faults, self.seed, self.ordinal.fetch_add(1, Ordering::Relaxed));
        let moment = self.moment(drawn);
        match drawn.ending {
            Some(FaultKind::DropBefore) => {
                self.record(request, 0, false);
                return Err(Dropped);
            }
            Some(FaultKind::Error500) => {
                let answer = locked(&hosted.account).failure(request, &moment);
                self.record(request, answer.status, false);
                return Ok(render(answer));
            }
            _ => {}
        }
        let (reply, appended) = hosted.act(request, &moment);
        self.record(request, status_after(drawn, &reply), reply.change.is_some());
        let answer = match hosted.journal.synced(appended).await {
            Ok(()) => reply.answer,
            Err(_) => return Ok(render(locked(&hosted.account).failure(request, &moment))),
        };
        if drawn.slow {
            sleep(self.slow).await;
        }
        finish(drawn, answer)
    }
}

/// The status that will be answered, 0 for a closed connection.
fn status_after(drawn: Drawn, reply: &Reply) -> u16 {
    match drawn.ending {
        Some(FaultKind::DropAfter) => 0,
        Some(FaultKind::Error502After) => 502,
        _ => reply.answer.status,
    }
}

/// What happens to the answer of an executed request.
fn finish(drawn: Drawn, answer: Answer) -> Result<Response<Payload>, Dropped> {
    match drawn.ending {
        Some(FaultKind::DropAfter) => Err(Dropped),
        Some(FaultKind::Error502After) => Ok(render(bad_gateway())),
        Some(FaultKind::Truncate) => Ok(cut(answer)),
        _ => Ok(render(answer)),
    }
}

fn too_many(wait: Duration) -> Answer {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let body = r#"{"message":"Too Many Requests"}"#;
    Answer { retry_after: Some(seconds.max(1)), ..Answer::text(429, JSON, body) }
}

fn too_large() -> Answer {
    Answer::text(413, HTML, "<html><head><title>413 Request Entity Too Large</title></head></html>\n")
}

fn bad_gateway() -> Answer {
    let title = "502 Bad Gateway";
    let body = format!(
        "<html>\n<head><title>{title}</title></head>\n<body>\n<center><h1>{title}</h1></center>\n\
         <hr><center>nginx</center>\n</body>\n</html>\n"
    );
    Answer::text(502, "text/html", body)
}

fn render(mut answer: Answer) -> Response<Payload> {
    let payload = Payload::Whole(Some(Bytes::from(mem::take(&mut answer.body))));
    headed(&answer, payload)
}

/// The whole length is announced, half of the body leaves.
fn cut(mut answer: Answer) -> Response<Payload> {
    let body = Bytes::from(mem::take(&mut answer.body));
    let half = body.slice(..body.len() / 2);
    let payload = Payload::Cut { first: Some(half), pause: Box::pin(sleep(CUT_PAUSE)) };
    let mut response = headed(&answer, payload);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    response
}

fn headed(answer: &Answer, payload: Payload) -> Response<Payload> {
    let mut response = Response::new(payload);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(answer.policy));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = answer.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The body of an answer.
pub(super) enum Payload {
    /// As it should be.
    Whole(Option<Bytes>),
    /// A first part, a moment for it to leave, and the end of the connection.
    Cut { first: Option<Bytes>, pause: Pin<Box<Sleep>> },
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        match self.get_mut() {
            Payload::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Payload::Cut { first, pause } => match first.take().filter(|part| !part.is_empty()) {
                Some(part) => Poll::Ready(Some(Ok(Frame::data(part)))),
                None => pause.as_mut().poll(context).map(|()| Some(Err(Dropped))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Payload::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Payload::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64),
            Payload::Cut { .. } => SizeHint::default(),
        }
    }
}
