use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::thread;

fn health(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_apogee")).arg("health").args(arguments).output().unwrap()
}

/// Ask a server that gives one answer, and give back what was asked too.
fn answered(answer: &'static str) -> (Output, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 1024];
        let length = stream.read(&mut asked).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&asked[..length]).into_owned()
    });
    let output = health(&["--address", &address, "--timeout", "5"]);
    (output, server.join().unwrap())
}

#[test]
fn a_server_that_answers_200_is_well() {
    let (output, asked) = answered("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(asked.starts_with("GET /healthz HTTP/1.1\r\n"), "{asked}");
}

#[test]
fn any_other_answer_is_a_no_that_says_which() {
    for answer in ["HTTP/1.1 503 Service Unavailable\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"] {
        let (output, _) = answered(answer);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(answer.lines().next().unwrap()), "{said}");
    }
}

#[test]
fn a_server_that_is_not_there_is_a_no() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    assert_eq!(health(&["--address", &free]).status.code(), Some(1));
    assert_eq!(health(&["--path", "/a b"]).status.code(), Some(2));
}
