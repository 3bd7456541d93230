//! The prompt on a terminal: lines of more than one, history, Ctrl-C, Ctrl-D.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

const PATIENCE: Duration = Duration::from_secs(30);

/// `adder` on a pseudo-terminal.
struct Session {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    /// What has appeared since the last `expect`.
    unread: String,
}

impl Session {
    fn start(home: &std::path::Path) -> Session {
        let (mut master, mut slave) = (0, 0);
        let null = std::ptr::null_mut();
        // SAFETY: both numbers are valid places to write to, and null asks for no name and the usual settings.
        assert_eq!(unsafe { libc::openpty(&mut master, &mut slave, null, null.cast(), null.cast()) }, 0);
        // SAFETY: openpty has just opened both descriptors and nothing else owns them.
        let (master, slave) = unsafe { (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
        let mut command = Command::new(crate::row::binary());
        command.env("TERM", "xterm").env("HOME", home).env("LC_ALL", "C.UTF-8").env_remove("PYTHONSTARTUP");
        let copy = || slave.try_clone().expect("descriptor copied");
        command.stdin(copy()).stdout(copy()).stderr(copy());
        // SAFETY: between fork and exec only two system calls are made, both allowed there.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY, 0);
                Ok(())
            });
        }
        let child = command.spawn().expect("binary starts");
        // The command keeps copies of the terminal, which would never seem closed.
        drop(command);
        drop(slave);
        let (sender, screen) = channel();
        let mut reader = master.try_clone().expect("descriptor copied");
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Reading fails when the last process has closed the terminal.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Session { child, keyboard: master, screen, unread: String::new() }
    }

    fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("keys typed");
    }

    /// Waits until the text appears; drops what stood before it.
    fn expect(&mut self, text: &str) {
        let started = Instant::now();
        loop {
            if let Some(at) = self.unread.find(text) {
                self.unread.drain(..at + text.len());
                return;
            }
            match self.screen.recv_timeout(PATIENCE.saturating_sub(started.elapsed())) {
                Ok(bytes) => self.unread += &String::from_utf8_lossy(&bytes),
                Err(_) => panic!("{text:?} does not appear; on the screen is {:?}", self.unread),
            }
        }
    }

    fn status(mut self) -> Option<i32> {
        self.child.wait().expect("waited for").code()
    }
}

#[test]
fn lines_blocks_history_and_interrupts_at_the_prompt() {
    let home = env::temp_dir().join(format!("adder-prompt-{}", std::process::id()));
    fs::create_dir_all(&home).expect("directory made");
    let mut session = Session::start(&home);
    session.expect(">>> ");
    session.keys("x = 20\r");
    session.expect(">>> ");
    session.keys("x * 2 + 1\r");
    session.expect("\n41");
    session.expect(">>> ");
    session.keys("for i in range(2):\r");
    session.expect("... ");
    session.keys("    print('round', i)\r");
    session.expect("... ");
    session.keys("\r");
    session.expect("\nround 0");
    session.expect("\nround 1");
    session.expect(">>> ");
    session.keys("1 / 0\r");
    session.expect("ZeroDivisionError");
    session.expect(">>> ");
    // History: two up is the line before the division; the terminal may repeat it as typed.
    session.keys("x + 300\r");
    session.expect("\n320");
    session.expect(">>> ");
    session.keys("x = 1\r");
    session.expect(">>> ");
    session.keys("\x1b[A\x1b[A\r");
    session.expect("\n301");
    session.expect(">>> ");
    session.keys("abandoned\x03");
    session.expect("KeyboardInterrupt");
    session.expect(">>> ");
    session.keys("while True: pass\r");
    session.expect("... ");
    session.keys("\r");
    thread::sleep(Duration::from_millis(300));
    session.keys("\x03");
    session.expect("KeyboardInterrupt");
    session.expect(">>> ");
    session.keys("\x04");
    assert_eq!(session.status(), Some(0));
    fs::remove_dir_all(home).expect("directory removed");
}
