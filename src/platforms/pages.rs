//! The pages of a list in their order, several of them read ahead where the platform numbers them.
//!
//! A page is guessed from the one before it. A guess that proves wrong costs its request and nothing else, because pages are
//! handed over by their cursors only. The next request leaves when a page is read, not when it is handed over, so that requests go
//! on while pages are kept. It knows neither what is kept of a page nor when a list is complete.

use super::exchange::{Cursor, Fault};
use crate::outcome::Failure;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Pages that are read and not yet handed over, at most, beside those in flight.
const READY_MAX: usize = 32;

/// Bytes of the pages that are in flight or ready, about: pages of 100 contacts are far below it, of 10,000 there are two.
const AHEAD_BYTES_MAX: usize = 16 << 20;

/// Pages in flight or ready, however large they are: one is kept while the next is read.
const AHEAD_MIN: usize = 2;

/// The part of the size of the largest page that is forgotten with each that is handed over.
const FORGOTTEN: usize = 4;

/// How the cursors of a list follow one another: they are numbers of pages, or of contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbering {
    /// The number of the first page, which is read without a cursor.
    pub first: u64,
    /// From one page to the next.
    pub step: u64,
}

impl Numbering {
    fn number(self, cursor: Option<&Cursor>) -> Option<u64> {
        cursor.map_or(Some(self.first), |cursor| cursor.parse().ok())
    }

    /// The cursor of the page after this one.
    fn after(self, cursor: Option<&Cursor>) -> Option<Cursor> {
        Some(self.number(cursor)?.checked_add(self.step)?.to_string())
    }

    /// As this page shows it: a server may send fewer contacts than it was asked for.
    fn seen(self, cursor: Option<&Cursor>, next: &Cursor) -> Option<Numbering> {
        let step = self.number(Some(next))?.checked_sub(self.number(cursor)?)?;
        (step > 0).then_some(Numbering { step, ..self })
    }
}

/// A page that was read, and where the next one begins; `None` after the last one.
pub type PageRead<P> = Result<(P, Option<Cursor>), Fault>;
type Request<P> = Pin<Box<dyn Future<Output = PageRead<P>> + Send>>;

/// The pages of one list.
pub struct Pages<P> {
    read: Box<dyn Fn(Option<Cursor>) -> Request<P> + Send + Sync>,
    /// The bytes that a page takes.
    size: fn(&P) -> usize,
    /// The bytes of the largest page of late.
    page_bytes: Arc<AtomicUsize>,
    /// `None`: only the page itself tells where the next one begins.
    numbering: Option<Numbering>,
    /// Pages that are in flight at most.
    at_once: usize,
    flight: Flight<P>,
    /// How many pages were read one after the other, and where the next one begins.
    count: u64,
    next: Option<Cursor>,
    /// Whether the latest page was followed by the one that was expected.
    is_sure: bool,
}

/// Pages that were asked for one after the other, and are not handed over.
struct Flight<P> {
    pages: VecDeque<InFlight<P>>,
    /// How many they were, with those that were handed over.
    asked: u64,
    /// One for each page that may be in flight.
    slots: Arc<Semaphore>,
    /// Which of them was the last of the list. What is behind it does not leave any more, and is never handed over; what is before
    /// it may come later.
    last: Arc<AtomicU64>,
}

impl<P> Flight<P> {
    fn new(at_once: usize) -> Flight<P> {
        let last = Arc::new(AtomicU64::new(u64::MAX));
        Flight { pages: VecDeque::new(), asked: 0, slots: Arc::new(Semaphore::new(at_once)), last }
    }
}

/// A page that was requested; not any more when this is dropped.
struct InFlight<P> {
    after: Option<Cursor>,
    task: JoinHandle<PageRead<P>>,
}

impl<P> Drop for InFlight<P> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<P: Send + 'static> Pages<P> {
    /// The pages that `read` gives, at most `at_once` of them in flight; `size`: the bytes that a page takes.
    pub fn new<F>(
        numbering: Option<Numbering>,
        at_once: usize,
        size: fn(&P) -> usize,
        read: impl Fn(Option<Cursor>) -> F + Send + Sync + 'static,
    ) -> Pages<P>
    where
        F: Future<Output = PageRead<P>> + Send + 'static,
    {
        let read = Box::new(move |after| -> Request<P> { Box::pin(read(after)) });
        let at_once = at_once.clamp(1, Semaphore::MAX_PERMITS);
        let (page_bytes, flight) = (Arc::default(), Flight::new(at_once));
        Pages { read, size, page_bytes, numbering, at_once, flight, count: 0, next: None, is_sure: true }
    }

    /// Whether this page is there already.
    pub fn is_here(&self, after: Option<&Cursor>) -> bool {
        self.flight.pages.front().is_some_and(|front| front.after.as_ref() == after && front.task.is_finished())
    }

    /// The page that begins at this cursor. `left`: how many pages there are from it on, as far as that is known; without it
    /// no more are requested ahead than were read, so that a short list costs few requests beyond its end.
    ///
    /// # Errors
    /// What came in place of the page. Pages behind it are not looked at.
    pub async fn read(&mut self, after: Option<&Cursor>, left: Option<u64>) -> PageRead<P> {
        if self.flight.pages.front().is_none_or(|front| front.after.as_ref() != after) {
            self.flight = Flight::new(self.at_once);
            if self.next.as_ref() != after {
                self.count = 0;
            }
            self.request(after.cloned());
        }
        self.request_ahead(left);
        let read = match self.flight.pages.front_mut() {
            Some(front) => (&mut front.task).await,
            None => return Err(Fault::Fatal(Failure::failed("no page was requested"))),
        };
        self.flight.pages.pop_front();
        let read = read.unwrap_or_else(|error| {
            Err(Fault::Fatal(Failure::failed("a page could not be read: a bug in Ferry").cause(error)))
        });
        match &read {
            Ok((page, Some(next))) => {
                self.learn(after, next);
                self.forget_larger_than((self.size)(page));
            }
            Ok((_, None)) | Err(_) => {
                self.flight = Flight::new(self.at_once);
                (self.count, self.next) = (0, None);
            }
        }
        read
    }

    /// Requests a page. It takes its place in the queue here, because tasks begin in any order, and pages that come in theirs
    /// can be kept at once.
    fn request(&mut self, after: Option<Cursor>) {
        let (read, number) = ((self.read)(after.clone()), self.flight.asked);
        self.flight.asked += 1;
        let (slots, last) = (Arc::clone(&self.flight.slots), Arc::clone(&self.flight.last));
        let (size, page_bytes) = (self.size, Arc::clone(&self.page_bytes));
        let mut read: Request<P> = Box::pin(async move {
            let _slot = slots.acquire().await;
            if last.load(Ordering::Acquire) < number {
                return Err(behind_the_end());
            }
            let read = read.await?;
            page_bytes.fetch_max(size(&read.0), Ordering::Relaxed);
            if read.1.is_none() {
                last.fetch_min(number, Ordering::AcqRel);
            }
            Ok(read)
        });
        let begun = read.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let task = tokio::spawn(async move {
            match begun {
                Poll::Ready(read) => read,
                Poll::Pending => read.await,
            }
        });
        self.flight.pages.push_back(InFlight { after, task });
    }

    fn request_ahead(&mut self, left: Option<u64>) {
        let Some(numbering) = self.numbering.filter(|_| self.is_sure) else { return };
        let window = usize::try_from(left.unwrap_or(self.count + 1)).unwrap_or(usize::MAX).min(self.window());
        while self.flight.pages.len() < window {
            let last = self.flight.pages.back().and_then(|last| last.after.as_ref());
            let Some(next) = numbering.after(last) else { return };
            self.request(Some(next));
        }
    }

    /// Pages that are in flight or ready, at most. None is ready that was not asked for by the numbers of one before, and who
    /// reads one at a time guesses nothing.
    fn window(&self) -> usize {
        let ready = if self.count == 0 { 0 } else { (2 * (self.at_once - 1)).min(READY_MAX) };
        let room = AHEAD_BYTES_MAX.checked_div(self.page_bytes.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        (self.at_once + ready).min(room.max(AHEAD_MIN))
    }

    /// A page that was larger than those handed over since is forgotten by and by.
    fn forget_larger_than(&self, bytes: usize) {
        let largest = self.page_bytes.load(Ordering::Relaxed);
        self.page_bytes.fetch_sub((largest / FORGOTTEN).min(largest.saturating_sub(bytes)), Ordering::Relaxed);
    }

    fn learn(&mut self, after: Option<&Cursor>, next: &Cursor) {
        self.count += 1;
        self.next = Some(next.clone());
        let Some(numbering) = self.numbering else { return };
        self.is_sure = numbering.after(after).as_ref() == Some(next);
        if !self.is_sure {
            self.numbering = Some(numbering.seen(after, next).unwrap_or(numbering));
        }
    }
}

/// In place of a page that is never handed over.
fn behind_the_end() -> Fault {
    Fault::Fatal(Failure::failed("a page behind the last one was asked for: a bug in Ferry"))
}
