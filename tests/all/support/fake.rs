//! A server of a test's own making.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Answers every request by a function of its text, one connection a request.
pub struct Fake {
    pub address: SocketAddr,
    seen: Arc<AtomicU64>,
}

impl Fake {
    pub fn new(mut answer: impl FnMut(&str) -> String + Send + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&seen);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                if let Ok(Some(request)) = read_request(&mut stream) {
                    let _client_is_gone = stream.write_all(answer(&request).as_bytes());
                }
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Fake { address, seen }
    }

    /// How many requests it has had.
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::SeqCst)
    }
}

/// A request as it came, its body included; none where the connection ended before.
pub fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let (head, length) = loop {
        let n = stream.read(&mut buffer)?;
        bytes.extend(&buffer[..n]);
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
            break (end + 4, length.unwrap_or(0_usize));
        }
        if n == 0 {
            return Ok(None);
        }
    };
    while bytes.len() < head + length {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(None);
        }
        bytes.extend(&buffer[..n]);
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// A response with a body of JSON.
pub fn response(status: &str, body: &str) -> String {
    response_of(status, "application/json", body)
}

/// A response with a body of another type.
pub fn response_of(status: &str, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
