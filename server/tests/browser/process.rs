//! Programs that do not outlive the test, however that ends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use apogee_testkit::workspace;

/// A program that the kernel ends with the thread that starts it: nobody else does when this process is killed.
pub(crate) fn tied(program: &str) -> Command {
    const SETPRIV: &str = "/usr/bin/setpriv";
    if !Path::new(SETPRIV).exists() {
        return Command::new(program);
    }
    let mut command = Command::new(SETPRIV);
    command.args(["--pdeathsig", "KILL", "--", program]);
    command
}

/// A server of its own, which ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    /// Run the program; it says where it answers.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(&workspace(), arguments)
    }

    pub(crate) fn start_in(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = tied(env!("CARGO_BIN_EXE_apogee"))
            .args(arguments)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address =
            lines.find(|line| line.starts_with("http://")).expect("the server says where it answers");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.trim_end_matches('/').to_owned() }
    }

    pub(crate) fn demo() -> Self {
        Self::start(&["demo", "--listen", "127.0.0.1:0"])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
