//! A headless Chromium that a test drives over its debugging protocol, by a pipe: messages of JSON, each ended by a zero
//! byte. The shell gives it the pipes of the process as the descriptors that it reads and writes.

use crate::support::PATIENCE;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;
use tempfile::TempDir;

pub struct Chromium {
    child: Child,
    answers: Receiver<Value>,
    session: Option<String>,
    next: u64,
    /// What it told without being asked.
    pub events: Vec<Value>,
    _profile: TempDir,
}

impl Chromium {
    /// Starts it with one blank page; none where it does not work here.
    pub fn start(program: &Path) -> Option<Chromium> {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"]).arg(program);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-extensions", "--disable-component-update"]);
        command.arg("--remote-debugging-pipe").arg(format!("--user-data-dir={}", profile.path().display()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let out = BufReader::new(child.stdout.take()?);
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for message in out.split(0).map_while(Result::ok) {
                let _gone = sender.send(serde_json::from_slice(&message).unwrap_or_default());
            }
        });
        let mut chromium = Chromium { child, answers, session: None, next: 0, events: Vec::new(), _profile: profile };
        let target = chromium.try_call("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = chromium.try_call("Target.attachToTarget", &attach)?;
        chromium.session = Some(attached["sessionId"].as_str()?.to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            chromium.try_call(&format!("{domain}.enable"), &json!({}))?;
        }
        Some(chromium)
    }

    fn try_call(&mut self, method: &str, params: &Value) -> Option<Value> {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let stdin = self.child.stdin.as_mut()?;
        stdin.write_all(format!("{message}\0").as_bytes()).ok()?;
        loop {
            let answer = self.answers.recv_timeout(PATIENCE).ok()?;
            if answer["id"] == self.next {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return Some(answer["result"].clone());
            }
            self.events.push(answer);
        }
    }

    /// A command of the protocol.
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        self.try_call(method, params).unwrap_or_else(|| panic!("{method}: the browser does not answer"))
    }

    pub fn open(&mut self, url: &str) {
        self.call("Page.navigate", &json!({ "url": url }));
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", &params);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression in the page is true.
    pub fn wait(&mut self, expression: &str) {
        let begun = Instant::now();
        while self.value(&format!("Boolean({expression})")) != json!(true) {
            let shown = if begun.elapsed() > PATIENCE { self.value("document.body.innerText") } else { Value::Null };
            assert!(begun.elapsed() < PATIENCE, "waited in vain: {expression}\n{shown}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Presses a key, with Ctrl where that is said.
    pub fn press(&mut self, key: &str, code: u32, ctrl: bool) {
        let text = match key {
            "Enter" => "\r",
            _ if key.chars().count() == 1 && !ctrl => key,
            _ => "",
        };
        let kind = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        let modifiers = if ctrl { 2 } else { 0 };
        let mut down = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers });
        if !text.is_empty() {
            down["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", &down);
        let up = json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers });
        self.call("Input.dispatchKeyEvent", &up);
    }

    /// Writes a text where the focus is.
    pub fn write(&mut self, text: &str) {
        self.call("Input.insertText", &json!({ "text": text }));
    }

    /// Presses Tab until the control with this key has the focus.
    pub fn tab_to(&mut self, key: &str) {
        for _ in 0..200 {
            if self.value("document.activeElement.dataset.key || document.activeElement.id") == json!(key) {
                return;
            }
            self.press("Tab", 9, false);
        }
        panic!("`{key}` cannot be reached by Tab");
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}
