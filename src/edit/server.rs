//! The HTTP side of the editor: four files that hold no data, and four requests of the page that need the token. It binds
//! to loopback only, and decides nothing about mappings.

use super::editor::{Editor, PreviewAsked};
use super::token::Tokens;
use crate::loopback::Loopback;
use crate::outcome::Failure;
use crate::run::stop::Stop;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use axum::serve::Listener;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// Bytes of a request's body: a mapping may have as many, and a mapping of that length is none.
const BODY_LEN_MAX: usize = 1 << 20;
/// Connections at once; a browser opens six.
const CONNECTIONS_MAX: usize = 64;
/// How long a request may take to arrive.
const ARRIVAL_MAX: Duration = Duration::from_secs(30);
/// How long to wait when the machine has no descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long requests in flight may take to finish at the end.
const GRACE: Duration = Duration::from_secs(2);

/// The page loads its own parts, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const PLAIN: &str = "text/plain; charset=utf-8";

/// The files of the page.
const ASSETS: [(&str, &str, &str); 4] = [
    ("/", HTML, include_str!("page.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("page.js")),
    ("/icon.svg", "image/svg+xml", include_str!("icon.svg")),
];

/// Where the page is served.
#[derive(Clone, Debug)]
pub struct Served {
    /// The address for the user.
    pub address: String,
    /// The address for the browser that the command opens; it works once.
    pub address_once: String,
}

struct Site {
    editor: Arc<Editor>,
    tokens: Tokens,
    loopback: Loopback,
    done: Notify,
}

/// Serves the page until it is closed or a signal arrives. `tell` is called when it can be opened.
///
/// # Errors
/// Where no port of loopback can be had.
pub async fn serve(editor: Arc<Editor>, stop: &Stop, tell: impl FnOnce(&Served)) -> Result<(), Failure> {
    let fault = |error: io::Error| Failure::failed("the page cannot be served on 127.0.0.1").cause(error);
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.map_err(fault)?;
    let port = listener.local_addr().map_err(fault)?.port();
    let loopback = Loopback { port, what: "the editor" };
    let site = Arc::new(Site { editor, tokens: Tokens::drawn()?, loopback, done: Notify::new() });
    let address = |token: &str| format!("http://127.0.0.1:{port}/#{token}");
    tell(&Served { address: address(site.tokens.lasting()), address_once: address(&site.tokens.once()) });
    let listener = Bounded { listener, permits: Arc::new(Semaphore::new(CONNECTIONS_MAX)) };
    let ended = async {
        let mut stopping = stop.watch();
        tokio::select! {
            () = site.done.notified() => {}
            _ = stopping.wait_for(|is_stopping| *is_stopping) => {}
        }
    };
    let (closing, closed) = tokio::sync::oneshot::channel::<()>();
    let serving = axum::serve(listener, router(&site)).with_graceful_shutdown(async {
        let _ended = closed.await;
    });
    let serving = tokio::spawn(async move { serving.await });
    ended.await;
    drop(closing);
    // A connection that does not end is cut with the runtime.
    let _finished = timeout(GRACE, serving).await;
    Ok(())
}

fn router(site: &Arc<Site>) -> Router {
    let assets = ASSETS.iter().fold(Router::new(), |router, (path, kind, text)| {
        router.route(path, get(|| async { answer(StatusCode::OK, kind, *text) }))
    });
    assets
        .route("/api/open", post(open))
        .route("/api/preview", post(preview))
        .route("/api/save", post(save))
        .route("/api/close", post(close))
        .layer(from_fn_with_state(Arc::clone(site), admit))
        .with_state(Arc::clone(site))
}

/// Lets a request pass that comes from this machine or from the page itself, and sets the headers of every answer.
async fn admit(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let target = request.uri().authority();
    let mut response = match site.loopback.refusal(request.headers(), target) {
        Some(refused) => plain(StatusCode::from_u16(refused.status).unwrap_or(StatusCode::FORBIDDEN), &refused.why),
        None => next.run(request).await,
    };
    let headers: [(HeaderName, &'static str); 4] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn answer(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn plain(status: StatusCode, why: &str) -> Response {
    answer(status, PLAIN, format!("{why}\n"))
}

fn object(value: &Value) -> Response {
    answer(StatusCode::OK, JSON, value.to_string())
}

/// The token of a request.
fn token(headers: &HeaderMap) -> &str {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default()
}

/// The body of a request of the page; else the answer that refuses it.
async fn body<T: DeserializeOwned>(request: Request) -> Result<T, Response> {
    let is_json = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == JSON.as_bytes());
    if !is_json {
        return Err(plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a request of the page is JSON"));
    }
    let read = timeout(ARRIVAL_MAX, to_bytes(request.into_body(), BODY_LEN_MAX)).await;
    let Ok(read) = read else { return Err(plain(StatusCode::REQUEST_TIMEOUT, "the request did not arrive")) };
    let Ok(bytes) = read else { return Err(plain(StatusCode::PAYLOAD_TOO_LARGE, "the request is longer than 1 MiB")) };
    serde_json::from_slice(&bytes)
        .map_err(|error| plain(StatusCode::BAD_REQUEST, &format!("the request cannot be read: {error}")))
}

fn unknown_token() -> Response {
    plain(StatusCode::UNAUTHORIZED, "the token is not that of this page; open the address that the command has printed")
}

/// Does work that takes its time where it holds nothing else up.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Response> {
    let failed = |_| plain(StatusCode::INTERNAL_SERVER_ERROR, "the editor failed; this is a bug in Ferry");
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

async fn open(State(site): State<Arc<Site>>, request: Request) -> Response {
    let Some(lasting) = site.tokens.exchange(token(request.headers())) else { return unknown_token() };
    let mut opened = site.editor.opened();
    if let Some(object) = opened.as_object_mut() {
        object.insert("token".to_owned(), Value::from(lasting));
    }
    object(&opened)
}

async fn preview(State(site): State<Arc<Site>>, request: Request) -> Response {
    if !site.tokens.has(token(request.headers())) {
        return unknown_token();
    }
    let asked: PreviewAsked = match body(request).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    match apart(move || site.editor.preview(asked)).await {
        Ok(Some(preview)) => object(&preview),
        Ok(None) => answer(StatusCode::NO_CONTENT, JSON, Body::empty()),
        Err(failed) => failed,
    }
}

async fn save(State(site): State<Arc<Site>>, request: Request) -> Response {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Saved {
        yaml: String,
    }
    if !site.tokens.has(token(request.headers())) {
        return unknown_token();
    }
    let Saved { yaml } = match body(request).await {
        Ok(saved) => saved,
        Err(refused) => return refused,
    };
    apart(move || site.editor.save(&yaml)).await.map_or_else(|failed| failed, |saved| object(&saved))
}

async fn close(State(site): State<Arc<Site>>, request: Request) -> Response {
    if !site.tokens.has(token(request.headers())) {
        return unknown_token();
    }
    site.done.notify_one();
    object(&json!({ "closed": true }))
}

/// A listener with a bound on its connections.
struct Bounded {
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

impl Listener for Bounded {
    type Io = Counted;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Counted, SocketAddr) {
        loop {
            // The semaphore is never closed.
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { continue };
            match self.listener.accept().await {
                Ok((stream, from)) => {
                    let _best_effort = stream.set_nodelay(true);
                    return (Counted { stream, _permit: permit }, from);
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that counts until it ends.
struct Counted {
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
