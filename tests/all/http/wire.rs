//! Over real sockets, on a clock that only moves when all wait: what a platform can do to a request, and how long that may take.

use super::scripted::{get, options, post, secret, told};
use ferry::http::{Http, Request, Sent};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// What a server does after it has read a request.
#[derive(Clone, Copy, Debug)]
enum Does {
    Nothing,
    Says(&'static str),
    SaysAndStalls(&'static str),
    Drips(&'static str),
    Closes,
}

const HEAD_OF_TEN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";

/// A server on loopback that does this with every request; its address, and what it was sent.
async fn server(does: Does) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(String::new()));
    let noted = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, does, Arc::clone(&noted)));
        }
    });
    (address, heard)
}

async fn serve(mut stream: TcpStream, does: Does, heard: Arc<Mutex<String>>) {
    let mut buffer = [0; 8192];
    let len = stream.read(&mut buffer).await.unwrap_or(0);
    heard.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..len]));
    match does {
        Does::Closes => {}
        Does::Says(text) => drop(stream.write_all(text.as_bytes()).await),
        Does::Nothing => tokio::time::sleep(Duration::from_secs(5)).await,
        Does::SaysAndStalls(text) => {
            drop(stream.write_all(text.as_bytes()).await);
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        Does::Drips(text) => {
            for byte in text.bytes() {
                drop(stream.write_all(&[byte]).await);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

fn connected(address: &str, timeout_ms: u64) -> Http {
    let mut options = options("none");
    options.base_url = ferry::http::check_base_url(address, false).unwrap();
    options.timeout = Duration::from_millis(timeout_ms);
    options.credentials.headers = vec![("api-key", secret("s3cret-token-0123456789"))];
    options.credentials.query = vec![("who", secret("a&b"))];
    Http::connect(options).unwrap()
}

fn text(sent: Sent) -> String {
    match sent {
        Sent::Answered(response) => format!("{} {}", response.status, response.text(200)),
        Sent::NotSent(failure) => format!("not sent: {failure}"),
        Sent::InDoubt(failure) => format!("in doubt: {failure}"),
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_on_the_way_ends_in_one_of_three_answers_and_in_time() {
    let long =
        "HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\n123456789012345678901234567890123456789012345678901234567890";
    let cases = [
        (Does::Says("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"), "200 {}"),
        (Does::Says("HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\noh"), "500 oh"),
        (Does::Nothing, "in doubt: `ADDRESS` did not answer within 150 ms"),
        (Does::SaysAndStalls(HEAD_OF_TEN), "in doubt: `ADDRESS` fell silent for 150 ms in the middle of an answer"),
        (Does::Drips(long), "in doubt: `ADDRESS` did not answer within 150 ms"),
        (Does::Closes, "in doubt: `ADDRESS` broke off without an answer: connection closed before message completed"),
        (
            Does::Says("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"a\""),
            "in doubt: `ADDRESS` broke off in the middle of an answer: end of file before message length reached",
        ),
        (
            Does::Says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"),
            "in doubt: `ADDRESS` broke off in the middle of an answer: unexpected EOF during chunk size line",
        ),
        (
            Does::Says("<html>hello</html>"),
            "in doubt: `ADDRESS` broke off without an answer: invalid HTTP version parsed",
        ),
    ];
    for (does, expected) in cases {
        let (address, _) = server(does).await;
        let start = Instant::now();
        let timeout_ms = if matches!(does, Does::Says(_) | Does::Closes) { 5000 } else { 150 };
        let sent = connected(&address, timeout_ms).send(post()).await;
        assert_eq!(text(sent).replace(&address, "ADDRESS"), expected, "{does:?}");
        assert!(start.elapsed() < Duration::from_millis(4000), "{does:?}: {:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_only_trickles_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 1024];
        drop(stream.read(&mut buffer).await);
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await);
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let start = Instant::now();
    let sent = text(connected(&address, 500).send(post()).await);
    assert_eq!(sent, format!("in doubt: `{address}` did not finish an answer within 2 s"));
    assert!(start.elapsed() < Duration::from_millis(6000));
}

#[tokio::test]
async fn a_port_without_a_listener_was_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    tokio::time::pause();
    let Sent::NotSent(failure) = connected(&address, 30_000).send(post()).await else { panic!("was sent") };
    assert_eq!(failure.exit.code(), 6);
    assert_eq!(failure.message, format!("`{address}` cannot be reached"));
    assert_eq!(failure.causes, ["tcp connect error: Connection refused (os error 111)"]);
}

#[tokio::test]
async fn a_server_without_tls_is_refused_before_anything_is_sent() {
    let (address, heard) = server(Does::Says("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")).await;
    let sent = connected(&address.replace("http://", "https://"), 1000).send(post()).await;
    assert_eq!(told(&sent), "not sent, exit 5", "{}", text(sent));
    assert!(!heard.lock().unwrap().contains("s3cret"));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_no_secret_goes_anywhere_else() {
    let (elsewhere, heard_elsewhere) = server(Does::Says("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await;
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {elsewhere}/x\r\ncontent-length: 2\r\n\r\n{{}}");
    let (address, heard) = server(Does::Says(redirect.leak())).await;
    let sent = connected(&address, 1000).send(get()).await;
    let Sent::Answered(response) = &sent else { panic!("no answer") };
    assert_eq!((response.status, response.header("location")), (302, Some(format!("{elsewhere}/x").as_str())));
    assert!(heard.lock().unwrap().contains("s3cret-token-0123456789"));
    assert_eq!(*heard_elsewhere.lock().unwrap(), "");
}

#[tokio::test]
async fn a_request_goes_out_whole_and_encoded() {
    let (address, heard) = server(Does::Says("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")).await;
    let request = Request::get("/find").query("phone", "+593 99").query("a", "ñ&=");
    connected(&format!("{address}/v1/"), 1000).send(request).await;
    let host = address.trim_start_matches("http://").to_owned();
    let mut lines: Vec<String> = heard.lock().unwrap().trim().split("\r\n").map(str::to_owned).collect();
    lines[1..].sort();
    assert_eq!(
        lines,
        [
            "GET /v1/find?phone=%2B593%2099&a=%C3%B1%26%3D&who=a%26b HTTP/1.1",
            "accept: */*",
            "api-key: s3cret-token-0123456789",
            &format!("host: {host}"),
            "user-agent: ferry/test",
        ]
    );
    heard.lock().unwrap().clear();
    connected(&address, 1000).send(post()).await;
    let heard = heard.lock().unwrap();
    assert!(heard.starts_with("POST /contacts?who=a%26b HTTP/1.1\r\n"), "{heard}");
    assert!(
        heard.contains("content-type: application/json\r\n") && heard.ends_with("\r\n\r\n{\"name\":\"Ada\"}"),
        "{heard}"
    );
}

#[tokio::test]
async fn connections_are_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            *counted.lock().unwrap() += 1;
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                while stream.read(&mut buffer).await.is_ok_and(|len| len > 0) {
                    drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await);
                }
            });
        }
    });
    let client = connected(&address, 1000);
    for _ in 0..20 {
        assert_eq!(told(&client.send(get()).await), "200");
    }
    assert_eq!(*connections.lock().unwrap(), 1);
}

#[test]
fn a_secret_that_fits_no_header_is_reported_without_being_shown() {
    let mut options = options_outside();
    options.credentials.headers = vec![("api-key", secret("s3cret\n"))];
    let failure = Http::connect(options).err().expect("a failure");
    assert_eq!(failure.exit.code(), 2);
    assert_eq!(failure.message, "the secret for the header `api-key` holds what a header cannot");
}

fn options_outside() -> ferry::http::HttpOptions {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { options("none") })
}

#[tokio::test]
async fn a_login_goes_to_its_own_server_without_the_credentials_of_the_connection() {
    let (iam, asked) = server(Does::Says("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\ntoken-0001")).await;
    let (address, heard) = server(Does::Says("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")).await;
    let mut options = options("none");
    options.base_url = ferry::http::check_base_url(&address, false).unwrap();
    options.credentials.headers = vec![("api-key", secret("s3cret-token-0123456789"))];
    options.credentials.query = vec![("who", secret("a&b"))];
    options.login = Some(Arc::new(super::login::Desk(format!("{iam}/v1"))));
    let client = Http::connect(options.clone()).unwrap();
    assert_eq!(text(client.send(get()).await), "200 {}");
    let (asked, heard) = (asked.lock().unwrap().clone(), heard.lock().unwrap().to_lowercase());
    assert!(asked.starts_with("POST /v1/login HTTP/1.1\r\n") && !asked.contains("s3cret"), "{asked}");
    assert!(
        heard.starts_with("get /contacts?who=a%26b ") && heard.contains("authorization: bearer token-0001"),
        "{heard}"
    );
    options.login = Some(Arc::new(super::login::Desk("http://iam.example.com".to_owned())));
    assert_eq!(Http::connect(options).err().unwrap().exit.code(), 2, "a password goes over TLS only");
}
