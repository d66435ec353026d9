//! Pages read ahead: how long they take, and how many requests.

#![allow(clippy::result_large_err, reason = "a fault is as large in a connector")]

use ferry::outcome::{Exit, Failure};
use ferry::platforms::{Cursor, Fault, Numbering, PageRead, Pages};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

const LATENCY: Duration = Duration::from_millis(300);
const PAGES: Numbering = Numbering { first: 1, step: 1 };

/// What is requested of a list, and how much of it at the same time.
#[derive(Default)]
struct Server {
    requests: Mutex<Vec<String>>,
    at_once: Mutex<(usize, usize)>,
}

impl Server {
    /// The pages of a list; `next` gives the cursor after one.
    fn pages(
        self: &Arc<Server>,
        numbered: (Option<Numbering>, usize),
        next: impl Fn(u64) -> PageRead<u64> + Send + Sync + 'static,
    ) -> Pages<u64> {
        self.sized_pages(numbered, |_| 0, next)
    }

    /// The same of pages with a size.
    fn sized_pages(
        self: &Arc<Server>,
        (numbering, at_once): (Option<Numbering>, usize),
        size: fn(&u64) -> usize,
        next: impl Fn(u64) -> PageRead<u64> + Send + Sync + 'static,
    ) -> Pages<u64> {
        let (server, next) = (Arc::clone(self), Arc::new(next));
        Pages::new(numbering, at_once, size, move |after: Option<Cursor>| {
            let (server, next) = (Arc::clone(&server), Arc::clone(&next));
            async move {
                server.requests.lock().unwrap().push(after.clone().unwrap_or_else(|| "-".to_owned()));
                {
                    let mut at_once = server.at_once.lock().unwrap();
                    at_once.0 += 1;
                    at_once.1 = at_once.1.max(at_once.0);
                }
                tokio::time::sleep(LATENCY).await;
                server.at_once.lock().unwrap().0 -= 1;
                next(after.map_or(numbering.map_or(1, |numbering| numbering.first), |after| after.parse().unwrap()))
            }
        })
    }
}

/// A list of so many pages, and an empty one behind them.
fn list_of(count: u64) -> impl Fn(u64) -> PageRead<u64> {
    move |number| Ok((number, (number <= count).then(|| (number + 1).to_string())))
}

/// Reads to the end; the pages in the order in which they were handed over.
async fn read_all(pages: &mut Pages<u64>, left: impl Fn(u64) -> Option<u64>) -> Result<Vec<u64>, Fault> {
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = pages.read(after.as_ref(), left(read.len() as u64)).await?;
        read.push(page);
        match next {
            None => return Ok(read),
            next => after = next,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn pages_take_the_latency_divided_by_the_concurrency() {
    let server = Arc::<Server>::default();
    let begun = Instant::now();
    // As a list that says how many contacts it holds: unknown before the first page.
    let left = |read: u64| (read > 0).then(|| 161 - read);
    let read = read_all(&mut server.pages((Some(PAGES), 16), list_of(160)), left).await.unwrap();
    assert_eq!(read, (1..=161).collect::<Vec<u64>>(), "in the order of the list");
    assert_eq!(begun.elapsed(), LATENCY * 11, "the first, then 16 at a time");
    assert_eq!((server.requests.lock().unwrap().len(), server.at_once.lock().unwrap().1), (161, 16));
}

#[tokio::test(start_paused = true)]
async fn a_list_of_unknown_length_costs_few_requests_beyond_its_end() {
    for (count, at_once, most) in
        [(0, 16, 1), (1, 16, 3), (2, 16, 5), (3, 16, 7), (10, 4, 14), (100, 16, 116), (100, 1, 101)]
    {
        let server = Arc::<Server>::default();
        let read = read_all(&mut server.pages((Some(PAGES), at_once), list_of(count)), |_| None).await.unwrap();
        assert_eq!(read.len() as u64, count + 1);
        let sent = server.requests.lock().unwrap().len();
        // A guess that has not left when the end comes is not sent.
        assert!(sent <= most && sent > read.len() - 1, "{sent} requests for {count} pages, {at_once} at a time");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_of_known_length_costs_no_request_beyond_its_end() {
    for at_once in [1, 2, 16] {
        let server = Arc::<Server>::default();
        let left = |read: u64| Some(11 - read);
        read_all(&mut server.pages((Some(PAGES), at_once), list_of(10)), left).await.unwrap();
        assert_eq!(server.requests.lock().unwrap().len(), 11, "{at_once} at a time");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_go_on_while_a_page_is_kept() {
    let server = Arc::<Server>::default();
    let (begun, mut after) = (Instant::now(), None);
    let mut pages = server.pages((Some(PAGES), 4), list_of(40));
    for read in 0..41 {
        (_, after) = pages.read(after.as_ref(), Some(41 - read)).await.unwrap();
        if read == 20 {
            tokio::time::sleep(LATENCY + LATENCY / 2).await;
        }
    }
    assert_eq!(begun.elapsed(), LATENCY * 11, "as if nothing had been kept");
    assert_eq!((server.requests.lock().unwrap().len(), server.at_once.lock().unwrap().1), (41, 4));
}

/// A reader that is slow has ahead of it what fits into memory, whatever the size of a page.
#[tokio::test(start_paused = true)]
async fn large_pages_are_read_ahead_by_their_size() {
    const MIB: usize = 1 << 20;
    let cases: [(&str, fn(&u64) -> usize, u64); 5] = [
        ("of 100 contacts", |_| MIB / 10, 16 + 30),
        ("of 1 MiB", |_| MIB, 16),
        ("of 6 MiB", |_| 6 * MIB, 2),
        ("of 100 MiB", |_| 100 * MIB, 2),
        ("one of 100 MiB, 60 before", |page| if *page == 1 { 100 * MIB } else { MIB / 10 }, 16 + 30),
    ];
    for (name, size, expected) in cases {
        let server = Arc::<Server>::default();
        let mut pages = server.sized_pages((Some(PAGES), 16), size, list_of(1000));
        let mut after = None;
        for _ in 0..61 {
            (_, after) = pages.read(after.as_ref(), Some(1000)).await.unwrap();
        }
        tokio::time::sleep(LATENCY * 20).await;
        // What was requested when the last page was awaited, that page among it.
        let ahead = server.requests.lock().unwrap().len() as u64 - 60;
        assert_eq!(ahead, expected, "pages {name}");
        assert!(server.at_once.lock().unwrap().1 <= 16, "pages {name}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_requested_behind_an_end_that_was_read_and_not_handed_over() {
    let server = Arc::<Server>::default();
    let mut pages = server.pages((Some(PAGES), 4), list_of(20));
    let mut after = None;
    for _ in 0..16 {
        (_, after) = pages.read(after.as_ref(), None).await.unwrap();
    }
    tokio::time::sleep(LATENCY * 10).await;
    let sent = server.requests.lock().unwrap().len();
    assert!(sent <= 21 + 3, "{sent} requests for 21 pages");
    assert_eq!(pages.read(after.as_ref(), None).await.unwrap().0, 17);
}

/// Pages behind the end are read at once, and the last ones not: whichever task goes on first, no page of the list is missed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_end_that_is_read_before_the_last_pages_hides_none_of_them() {
    for round in 0..2000 {
        let count = 10 + round % 17;
        let mut pages = Pages::new(
            Some(PAGES),
            4,
            |_| 0,
            move |after: Option<Cursor>| async move {
                let number = after.map_or(1, |after| after.parse().unwrap());
                for _ in 0..if number > count { 0 } else { number % 3 } {
                    tokio::task::yield_now().await;
                }
                list_of(count)(number)
            },
        );
        let read = read_all(&mut pages, |_| None).await;
        assert_eq!(
            read.map(|read| read.len() as u64).map_err(|fault| format!("{fault:?}")),
            Ok(count + 1),
            "round {round}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_without_numbers_is_read_one_page_at_a_time() {
    let server = Arc::<Server>::default();
    read_all(&mut server.pages((None, 16), list_of(10)), |_| Some(100)).await.unwrap();
    assert_eq!((server.requests.lock().unwrap().len(), server.at_once.lock().unwrap().1), (11, 1));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_shortens_pages_is_read_ahead_by_its_own_step() {
    let server = Arc::<Server>::default();
    let asked = Numbering { first: 0, step: 1_000 };
    let next = |offset: u64| Ok((offset, (offset < 2_000).then(|| (offset + 50).to_string())));
    let read = read_all(&mut server.pages((Some(asked), 8), next), |_| Some(100)).await.unwrap();
    assert_eq!(read, (0..=2_000).step_by(50).collect::<Vec<u64>>());
    // Seven wrong guesses beside the first page, and seven beyond the end.
    let sent = server.requests.lock().unwrap().len();
    assert!(sent <= 41 + 14, "{sent} requests");
    assert_eq!(server.at_once.lock().unwrap().1, 8);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_goes_on_elsewhere_is_followed() {
    let server = Arc::<Server>::default();
    let next = |number: u64| Ok((number, (number != 9).then(|| if number == 3 { 7 } else { number + 1 }.to_string())));
    let read = read_all(&mut server.pages((Some(PAGES), 4), next), |_| None).await.unwrap();
    assert_eq!(read, [1, 2, 3, 7, 8, 9]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_at_its_page_and_not_before() {
    let server = Arc::<Server>::default();
    let next = |number: u64| match number {
        3 => Err(Fault::Fatal(Failure::new(Exit::Unavailable, "no answer within 30 s"))),
        number => Ok((number, Some((number + 1).to_string()))),
    };
    let mut pages = server.pages((Some(PAGES), 8), next);
    assert_eq!(pages.read(None, Some(9)).await.unwrap().0, 1);
    assert_eq!(pages.read(Some(&"2".to_owned()), Some(8)).await.unwrap().0, 2);
    let Err(Fault::Fatal(failure)) = pages.read(Some(&"3".to_owned()), Some(7)).await else { panic!("it failed") };
    assert_eq!(failure.message, "no answer within 30 s");
    let before = server.requests.lock().unwrap().len();
    tokio::time::sleep(LATENCY * 3).await;
    assert_eq!(server.requests.lock().unwrap().len(), before, "nothing more is requested");
}
