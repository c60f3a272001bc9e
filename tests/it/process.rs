//! The binary as people run it.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{harness::PATIENCE, leak_check};

/// The binary with nothing in its environment but these, in a folder of its own.
pub(crate) fn command(folder: &Path, args: &[&str], settings: &[(String, String)]) -> Command {
    // A write beyond a limit on files must fail, not end the process.
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
    command.arg(env!("CARGO_BIN_EXE_livekit-airtable"));
    command.args(args).current_dir(folder).env_clear();
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null());
    command
}

/// The result of a finished process.
#[derive(Debug)]
pub(crate) struct Done {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Done {
        Done {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs a command to completion, while this test's own servers keep running.
pub(crate) async fn run(folder: &Path, args: &[&str], settings: &[(String, String)]) -> Done {
    let mut command = command(folder, args, settings);
    let done = tokio::task::spawn_blocking(move || output(&mut command));
    let done: Done = done.await.unwrap().into();
    leak_check::look_through(&done.stderr);
    done
}

/// Runs a command to its end, which must come in time: a command that hangs fails its test, not the whole run.
pub(crate) fn output(command: &mut Command) -> Output {
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    ended(piped.spawn().unwrap())
}

/// Waits for the end of a process whose outputs are pipes, and ends it when it does not come in time.
pub(crate) fn ended(child: Child) -> Output {
    let limit = Limit::on(child.id());
    let output = child.wait_with_output().unwrap();
    assert!(limit.was_kept(), "it did not end by itself: {output:?}");
    output
}

/// Ends a process that a test waits for longer than it should.
pub(crate) struct Limit {
    /// Dropped when the process has ended.
    running: mpsc::Sender<()>,
    was_kept: JoinHandle<bool>,
}

impl Limit {
    pub(crate) fn on(pid: u32) -> Limit {
        let (running, end) = mpsc::channel();
        let was_kept = std::thread::spawn(move || {
            let is_late = end.recv_timeout(2 * PATIENCE) == Err(RecvTimeoutError::Timeout);
            if is_late {
                let pid = pid.to_string();
                Command::new("kill").args(["-KILL", &pid]).status().ok();
            }
            !is_late
        });
        Limit { running, was_kept }
    }

    /// For when the process has ended: whether it did so by itself.
    pub(crate) fn was_kept(self) -> bool {
        drop(self.running);
        self.was_kept.join().unwrap()
    }
}

/// The memory of a process in bytes, by the line's name in its status; `None`: it has ended.
pub(crate) fn memory_bytes(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib = line.split_whitespace().next()?.parse::<u64>().ok()?;
    Some(kib << 10)
}

/// A `serve` of its own, with both its outputs in files.
pub(crate) struct Serve {
    child: Child,
    outputs: [PathBuf; 2],
    pub address: String,
}

impl Serve {
    pub(crate) async fn start(folder: &Path, settings: &[(String, String)]) -> Serve {
        Serve::started(folder, |args| command(folder, args, settings)).await
    }

    /// With a small disk of its own, mounted at `disk` for this process alone. Others reach it through `/proc/PID/root`.
    pub(crate) async fn start_with_disk(
        folder: &Path,
        settings: &[(String, String)],
        (disk, bytes): (&Path, u64),
    ) -> Serve {
        let mounted = |args: &[&str]| {
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", "--mount", "/bin/sh", "-c"]);
            command.arg(r#"mount -t tmpfs -o size="$0" tmpfs "$1" && shift && exec "$@""#);
            command.arg(bytes.to_string()).arg(disk);
            command
                .arg(env!("CARGO_BIN_EXE_livekit-airtable"))
                .args(args);
            command.current_dir(folder).env_clear();
            command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
            command.envs(settings.iter().map(|(name, value)| (name, value)));
            command.stdin(Stdio::null());
            command
        };
        Serve::started(folder, mounted).await
    }

    async fn started(folder: &Path, command: impl Fn(&[&str]) -> Command) -> Serve {
        let outputs = ["stdout", "stderr"].map(|name| folder.join(name));
        let [out, err] = outputs
            .clone()
            .map(|path| std::fs::File::create(path).unwrap());
        let file = folder.join("address");
        // That of a process before it leads nowhere.
        std::fs::remove_file(&file).ok();
        let args = ["serve", "--addr-file", file.to_str().unwrap()];
        let mut command = command(&args);
        let mut child = command.stdout(out).stderr(err).spawn().unwrap();
        let asked = Instant::now();
        loop {
            let address = std::fs::read_to_string(&file).unwrap_or_default();
            if let Some(address) = address.strip_suffix('\n') {
                let address = address.to_owned();
                return Serve {
                    child,
                    outputs,
                    address,
                };
            }
            let text = std::fs::read_to_string(&outputs[1]).unwrap();
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "serve has ended: {text}");
            assert!(asked.elapsed() < PATIENCE, "{text}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it has printed up to now.
    pub(crate) fn said(&self) -> String {
        let read = |path| std::fs::read_to_string(path).unwrap();
        self.outputs.each_ref().map(read).concat()
    }

    /// Its resident memory in bytes (VmRSS).
    pub(crate) fn resident_bytes(&self) -> u64 {
        self.memory_bytes("VmRSS:")
    }

    /// The most that it ever had of that, in bytes (VmHWM).
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.memory_bytes("VmHWM:")
    }

    /// The same without its own code, of which an unoptimized program has three times as much as a released one.
    pub(crate) fn peak_without_code(&self) -> u64 {
        self.peak_bytes() - self.memory_bytes("RssFile:")
    }

    fn memory_bytes(&self, name: &str) -> u64 {
        memory_bytes(self.child.id(), name).expect("it runs")
    }

    /// Its time on the processor, in hundredths of a second.
    pub(crate) fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after_name = stat.rsplit(") ").next().unwrap();
        let of_user_and_system = after_name.split(' ').skip(11).take(2);
        of_user_and_system.map(|n| n.parse::<u64>().unwrap()).sum()
    }

    /// From now on it may open only so many files and sockets more than it has.
    pub(crate) fn limit_open_files(&self, more: usize) {
        let pid = self.child.id();
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let limit = format!("--nofile={0}:{0}", open.count() + more);
        let mut set = Command::new("prlimit");
        let set = set.args([format!("--pid={pid}"), limit]).status();
        assert!(set.unwrap().success());
    }

    /// Sends SIGTERM and waits for the end; the exit code.
    pub(crate) async fn stop(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").arg(pid).status().unwrap();
        assert!(sent.success());
        let asked = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(asked.elapsed() < PATIENCE, "it does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // It has ended already when the test got so far.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
