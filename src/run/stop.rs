//! A request to stop the run: the first signal finishes what is in flight and saves, the second stops at once.

use crate::outcome::Exit;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// How long an orderly stop may take.
pub const STOP_MAX: Duration = Duration::from_secs(30);

/// Shows every part when the run is to stop.
#[derive(Clone, Debug)]
pub struct Stop {
    flag: watch::Sender<bool>,
}

static SIGNAL: AtomicU8 = AtomicU8::new(0);

impl Default for Stop {
    fn default() -> Stop {
        Stop { flag: watch::channel(false).0 }
    }
}

impl Stop {
    /// Asks every part to stop.
    pub fn stop(&self) {
        self.flag.send_replace(true);
    }

    /// Whether it was requested.
    pub fn is_requested(&self) -> bool {
        *self.flag.borrow()
    }

    /// For waiting.
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.flag.subscribe()
    }

    /// Listens to SIGINT and SIGTERM for the rest of the program.
    #[cfg(unix)]
    pub fn listen(&self) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let stop = self.clone();
        tokio::spawn(async move {
            loop {
                let exit = tokio::select! {
                    _ = interrupt.recv() => Exit::Interrupted,
                    _ = terminate.recv() => Exit::Terminated,
                };
                if SIGNAL.swap(exit.code(), Ordering::SeqCst) != 0 {
                    std::process::exit(i32::from(exit.code()));
                }
                stop.stop();
                let late = i32::from(exit.code());
                tokio::spawn(async move {
                    tokio::time::sleep(STOP_MAX).await;
                    std::process::exit(late);
                });
            }
        });
        Ok(())
    }

    /// Listens to Ctrl-C for the rest of the program.
    #[cfg(not(unix))]
    pub fn listen(&self) -> std::io::Result<()> {
        let stop = self.clone();
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if SIGNAL.swap(Exit::Interrupted.code(), Ordering::SeqCst) != 0 {
                    std::process::exit(i32::from(Exit::Interrupted.code()));
                }
                stop.stop();
            }
        });
        Ok(())
    }

    /// The signal that was received, as the way the program ends.
    pub fn signal() -> Option<Exit> {
        [Exit::Interrupted, Exit::Terminated].into_iter().find(|exit| exit.code() == SIGNAL.load(Ordering::SeqCst))
    }
}
