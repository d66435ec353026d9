//! The report in a real browser: nothing in the data is obeyed, nothing is asked for, and the numbers are there.
//!
//! If there is no browser, or it does not work, the test is left out (see `support::left_out`).

use super::{active_parts, evil, hostile, rejected, saved};
use crate::support::{PATIENCE, browser, left_out};
use ferry::report::page;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn skipped(why: &str) {
    left_out(&format!("the report was not opened in a browser: {why}"));
}

/// The document as the browser has it when all is loaded and all scripts have run; none when it does not work.
fn shown(browser: &Path, page: &Path) -> Option<String> {
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-extensions", "--disable-component-update"]);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.args(["--virtual-time-budget=3000", "--dump-dom"]).arg(format!("file://{}", page.display()));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let mut out = child.stdout.take()?;
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = out.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let begun = Instant::now();
    while child.try_wait().ok()?.is_none() {
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    reader.join().ok().filter(|text| text.contains("</html>"))
}

/// Notes whatever is asked of it.
fn listen() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
    let notes = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 256];
            let len = stream.read(&mut head).unwrap_or_default();
            let line = String::from_utf8_lossy(&head[..len]).lines().next().unwrap_or_default().to_owned();
            notes.lock().unwrap().push(line);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        }
    });
    (address, asked)
}

#[test]
fn a_browser_shows_the_numbers_obeys_nothing_in_the_data_and_asks_for_nothing() {
    let Some(browser) = browser() else {
        return skipped("there is no Chromium in the path");
    };
    let (address, asked) = listen();
    let evil = evil(&address.to_string());
    // The same texts in a page that does not spell them out: a browser in which nothing happens then proves nothing.
    let (_folder, control) = saved("control.html", &format!("<html><body>{}{}</body></html>", evil[0], evil[2]));
    let obeyed = shown(&browser, &control).filter(|text| text.contains("data-ran=\"1\""));
    if obeyed.is_none() || std::mem::take(&mut *asked.lock().unwrap()).is_empty() {
        return skipped(&format!("`{}` does not work here", browser.display()));
    }
    let (receipt, throughput) = hostile(&evil);
    let (_folder, path) = saved("report.html", &page(&receipt, &throughput, &rejected(&evil)));
    let document = shown(&browser, &path).unwrap_or_else(|| panic!("`{}` did not show it", browser.display()));
    assert_eq!(*asked.lock().unwrap(), Vec::<String>::new(), "the page asked for something");
    assert!(!document.contains("data-ran"), "a script of the data ran");
    assert_eq!(active_parts(&document), Vec::<String>::new());
    for number in ["10,000", "7,531", "1,246", "1,223", "61,100", "61,110", "62,203", "63,308", "75.3 %", "9/s", "10/s"]
    {
        assert!(document.contains(&format!("<td class=\"n\">{number}</td>")), "{number} is not in a table");
    }
    for words in ["9,876 requests sent", "1.2 MiB", "4,321 contacts", "1 min 23 s"] {
        assert!(document.contains(words), "`{words}` is not there");
    }
}
