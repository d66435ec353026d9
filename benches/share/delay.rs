//! A proxy on loopback that passes each byte on after a fixed time, in both directions, as a network does: what follows is not
//! held up by what went before.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Pieces that are on their way at once.
const ON_THE_WAY: usize = 1_024;

/// What a sleep takes longer than it was asked to, on Linux.
const SLACK: Duration = Duration::from_micros(60);

type Piece = (Instant, Vec<u8>);

/// Starts a proxy to this address, for as long as the bench runs; its port.
pub fn start(to: SocketAddr, delay: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            // The other side sees a server that is not there.
            let Ok(far) = TcpStream::connect(to) else { continue };
            for (from, to) in [(&near, &far), (&far, &near)] {
                from.set_nodelay(true).unwrap();
                carry(from.try_clone().unwrap(), to.try_clone().unwrap(), delay);
            }
        }
    });
    port
}

/// Carries one direction, on two threads.
fn carry(from: TcpStream, to: TcpStream, delay: Duration) {
    let (sender, receiver) = sync_channel(ON_THE_WAY);
    std::thread::spawn(move || take(from, &sender));
    std::thread::spawn(move || give(to, &receiver, delay));
}

fn take(mut from: TcpStream, pieces: &SyncSender<Piece>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(len @ 1..) = from.read(&mut buffer) {
        if pieces.send((Instant::now(), buffer[..len].to_vec())).is_err() {
            return;
        }
    }
}

fn give(mut to: TcpStream, pieces: &Receiver<Piece>, delay: Duration) {
    while let Ok((taken, bytes)) = pieces.recv() {
        let at = taken + delay;
        std::thread::sleep(at.saturating_duration_since(Instant::now()).saturating_sub(SLACK));
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
    // The end passes on as well; the other side may be gone.
    let _ = to.shutdown(Shutdown::Write);
}
