//! A connection to a server that can fail: it loses requests or responses, or answers in place of the server.

use super::read_request;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the connection does to a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// The request is passed on, and its response comes back.
    Pass,
    /// The request arrives; its response does not.
    LoseAnswer,
    /// The request never arrives.
    Lose,
    /// The request does not arrive, and this status is the response.
    Answer(u16),
    /// The request arrives; the body of its response is cut, with the length of what is left.
    Cut,
}

type Rule = Arc<Mutex<Box<dyn FnMut(&str) -> Act + Send>>>;

pub struct Line {
    address: SocketAddr,
    rule: Rule,
}

impl Line {
    /// A connection to `target` that passes everything on, one request a connection.
    pub fn to(target: SocketAddr) -> Line {
        let rule: Rule = Arc::new(Mutex::new(Box::new(|_| Act::Pass)));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&rule);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let rule = Arc::clone(&shared);
                std::thread::spawn(move || carry(stream, target, &rule));
            }
        });
        Line { address, rule }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Decides from now on what happens to a request, which is given as text.
    pub fn rule(&self, rule: impl FnMut(&str) -> Act + Send + 'static) {
        *self.rule.lock().unwrap() = Box::new(rule);
    }
}

fn carry(mut stream: TcpStream, target: SocketAddr, rule: &Rule) -> std::io::Result<()> {
    let Some(text) = read_request(&mut stream)? else { return Ok(()) };
    let act = (rule.lock().unwrap())(&text);
    if let Act::Answer(status) = act {
        return stream.write_all(super::response(&format!("{status} Not Now"), "{\"message\":\"not now\"}").as_bytes());
    }
    if act == Act::Lose {
        return Ok(());
    }
    // The sandbox answers to its own address only.
    let text = text.replace(&stream.local_addr()?.to_string(), &target.to_string());
    let (first, rest) = text.split_once("\r\n").unwrap();
    let mut there = TcpStream::connect(target)?;
    there.write_all(format!("{first}\r\nConnection: close\r\n{rest}").as_bytes())?;
    let mut answer = Vec::new();
    there.read_to_end(&mut answer)?;
    match act {
        Act::Pass => stream.write_all(&answer),
        Act::Cut => {
            let text = String::from_utf8_lossy(&answer);
            let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body).trim_end();
            let cut: String = body.chars().take(body.chars().count().saturating_sub(1)).collect();
            stream.write_all(super::response("200 OK", &cut).as_bytes())
        }
        _ => Ok(()),
    }
}
