//! Requests per second through the HTTP client, against a server on loopback that costs next to nothing.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferry::clock::Clock;
use ferry::http::{Credentials, Http, HttpOptions, Rate, Request, Sent, check_base_url};
use secrecy::SecretString;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const WORKERS: u64 = 64;
const EACH: u64 = 50;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"ok\":true}";

async fn answer(mut stream: TcpStream) {
    let mut buffer = [0; 2048];
    while stream.read(&mut buffer).await.is_ok_and(|len| len > 0) {
        if stream.write_all(ANSWER).await.is_err() {
            return;
        }
    }
}

/// A server on a thread of its own.
fn server() -> SocketAddr {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            sender.send(listener.local_addr().expect("an address")).expect("a receiver");
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("no delay");
                tokio::spawn(answer(stream));
            }
        });
    });
    receiver.recv().expect("an address")
}

fn client(address: SocketAddr) -> Arc<Http> {
    let token = SecretString::from("an-invented-token-of-32-letters!".to_owned());
    let options = HttpOptions {
        base_url: check_base_url(&format!("http://{address}/v1"), false).expect("an address"),
        credentials: Credentials { headers: vec![("api-key", token)], query: Vec::new() },
        login: None,
        user_agent: "ferry/bench".to_owned(),
        timeout: Duration::from_secs(30),
        rate: Rate::none(),
        rate_start_per_s: 1.0,
        concurrency: 64,
        wait: Duration::ZERO,
        clock: Clock::start(),
        seed: 17,
    };
    Arc::new(Http::connect(options).expect("a client"))
}

async fn round(http: &Arc<Http>) {
    let mut tasks = JoinSet::new();
    for _ in 0..WORKERS {
        let http = Arc::clone(http);
        tasks.spawn(async move {
            for _ in 0..EACH {
                let sent = http.send(Request::get("/contacts").query("phone", "+593991234567")).await;
                assert!(matches!(sent, Sent::Answered(_)), "{sent:?}");
            }
        });
    }
    tasks.join_all().await;
}

fn requests(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let http = client(server());
    let mut group = criterion.benchmark_group("http");
    group.throughput(Throughput::Elements(WORKERS * EACH)).sample_size(20);
    group.bench_function("requests, 64 in flight, no rate", |bencher| {
        bencher.iter(|| runtime.block_on(round(&http)));
    });
    group.finish();
}

criterion_group!(benches, requests);
criterion_main!(benches);
