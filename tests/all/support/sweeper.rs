//! What ends the processes of tests when the process of the tests is killed, which has no time to do so: a shell that is told
//! which there are, and kills them when it is told no more.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Keeps the ids between blanks.
const SCRIPT: &str = r#"
ids=' '
while read -r sign id; do
    case $sign in
        +) ids="$ids$id " ;;
        -) case $ids in *" $id "*) ids="${ids%% $id *} ${ids#* $id }" ;; esac ;;
    esac
done
for id in $ids; do kill -9 "$id"; done
"#;

struct Sweeper {
    shell: Child,
    told: ChildStdin,
}

impl Sweeper {
    fn start() -> Sweeper {
        let mut command = Command::new("sh");
        // In a group of its own, because it is to outlive a signal to that of the tests.
        command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut shell = command.spawn().unwrap();
        let told = shell.stdin.take().unwrap();
        Sweeper { shell, told }
    }

    fn tell(&mut self, sign: char, ids: &[u32]) {
        let lines: String = ids.iter().map(|id| format!("{sign} {id}\n")).collect();
        // Where the shell is gone, the tests go on without it.
        let _ = self.told.write_all(lines.as_bytes());
    }
}

fn tell(sign: char, ids: &[u32]) {
    static ALL: OnceLock<Mutex<Sweeper>> = OnceLock::new();
    let sweeper = ALL.get_or_init(|| Mutex::new(Sweeper::start()));
    sweeper.lock().unwrap_or_else(PoisonError::into_inner).tell(sign, ids);
}

/// These processes are killed when that of the tests is gone.
pub fn sweep(ids: &[u32]) {
    tell('+', ids);
}

/// They have ended, or end by themselves: their ids may be those of other processes.
pub fn leave(ids: &[u32]) {
    tell('-', ids);
}

#[test]
fn what_is_left_when_the_tests_are_killed_is_killed_and_nothing_else() {
    let mut sweeper = Sweeper::start();
    let mut sleeping: Vec<Child> = (0..3).map(|_| Command::new("sleep").arg("300").spawn().unwrap()).collect();
    let ids: Vec<u32> = sleeping.iter().map(Child::id).collect();
    sweeper.tell('+', &ids);
    sweeper.tell('-', &ids[1..2]);
    drop(sweeper.told);
    assert!(sweeper.shell.wait().unwrap().success());
    for n in [0, 2] {
        super::wait_until("it is killed", || sleeping[n].try_wait().unwrap().is_some());
    }
    assert!(sleeping[1].try_wait().unwrap().is_none());
    sleeping[1].kill().unwrap();
    sleeping[1].wait().unwrap();
}
