//! A third party that sends requests of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Sends one request, given as `GET /path`, with a body of JSON. The status and the body of its response; none where the
/// response is not whole.
pub fn ask(address: SocketAddr, line: &str, header: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{header}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut bytes = Vec::new();
    let _closed_or_reset = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let len = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
    let status = head.split(' ').nth(1)?.parse().ok()?;
    (len.unwrap_or(body.len()) == body.len()).then(|| (status, body.to_owned()))
}
