//! Brings a long file to the disk while more of it is written, so that little is left to wait for at its end. It does not put
//! the file in place.

use std::fs::File;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// So many bytes are brought to the disk together.
const SYNCED_LEN: usize = 32 << 20;

/// What of a file is brought to the disk by a thread of its own; a short file has none.
#[derive(Default)]
pub(super) struct Syncing {
    unsynced: usize,
    worker: Option<Worker>,
}

struct Worker {
    wake: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl Syncing {
    /// So many bytes more were written to the file.
    pub fn wrote(&mut self, file: &File, len: usize) -> io::Result<()> {
        self.unsynced += len;
        if self.unsynced < SYNCED_LEN {
            return Ok(());
        }
        self.unsynced = 0;
        let worker = match &self.worker {
            Some(worker) => worker,
            None => self.worker.insert(Worker::start(file.try_clone()?)),
        };
        // It may be busy, and begins again with the next ones; or it has failed, which is told at the end.
        let _is_busy = worker.wake.try_send(()).is_err();
        Ok(())
    }

    /// Waits until nothing more is brought to the disk.
    ///
    /// # Errors
    /// What could not be, which is told only once: syncing the file again would not say it.
    pub fn end(self) -> io::Result<()> {
        let Some(Worker { wake, thread }) = self.worker else { return Ok(()) };
        drop(wake);
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that syncs the file has died")))
    }
}

impl Worker {
    fn start(file: File) -> Worker {
        let (wake, woken) = sync_channel(1);
        Worker { wake, thread: std::thread::spawn(move || sync_each(&file, &woken)) }
    }
}

fn sync_each(file: &File, woken: &Receiver<()>) -> io::Result<()> {
    woken.iter().try_for_each(|()| file.sync_data())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_brought_to_the_disk_is_told_at_the_end() {
        let file = tempfile::tempfile().unwrap();
        let (mut short, mut long) = (Syncing::default(), Syncing::default());
        short.wrote(&file, SYNCED_LEN - 1).unwrap();
        assert!(short.worker.is_none() && short.end().is_ok());
        (0..4).for_each(|_| long.wrote(&file, SYNCED_LEN).unwrap());
        assert!(long.worker.is_some() && long.end().is_ok());
        // A pipe has no disk.
        let (_reader, writer) = io::pipe().unwrap();
        let mut pipe = Syncing::default();
        #[cfg(unix)]
        pipe.wrote(&File::from(std::os::fd::OwnedFd::from(writer)), SYNCED_LEN).unwrap();
        #[cfg(unix)]
        assert!(pipe.end().is_err());
    }
}
