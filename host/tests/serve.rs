//! The real program: its flags, its exit codes, its one line on stdout, its end.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that fails fails its test, as in a test"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A component whose handler does no more than this core function, given the request and the way to answer it.
fn component(handle: &str) -> Vec<u8> {
    component_with("", handle)
}

/// The same, with more in its core module.
fn component_with(fields: &str, handle: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (import "wasi:http/types@0.2.0" (instance $types
                (export "incoming-request" (type (sub resource)))
                (export "response-outparam" (type (sub resource)))))
            (alias export $types "incoming-request" (type $request))
            (alias export $types "response-outparam" (type $answer))
            (core func $drop_request (canon resource.drop $request))
            (core func $drop_answer (canon resource.drop $answer))
            (core instance $drop
                (export "request" (func $drop_request))
                (export "answer" (func $drop_answer)))
            (core module $module
                (import "drop" "request" (func $drop_request (param i32)))
                (import "drop" "answer" (func $drop_answer (param i32)))
                {fields}
                (func (export "handle") (param $request i32) (param $answer i32) {handle}))
            (core instance $instance (instantiate $module (with "drop" (instance $drop))))
            (func $handle (param "request" (own $request)) (param "response-out" (own $answer))
                (canon lift (core func $instance "handle")))
            (instance $handler (export "handle" (func $handle)))
            (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))"#
    );
    wat::parse_str(text).unwrap()
}

/// The program without this process's environment, which may hold variables of its own.
fn landfall(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
    command.env_clear().args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    landfall(arguments).output().unwrap()
}

/// What it says on stderr, once it exited with code 2.
fn refusal(arguments: &[&str]) -> String {
    let output = run(arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty());
    stderr
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(directory: &Path, component: &[u8]) -> Self {
        Self::start_with(directory, component, &[])
    }

    fn start_with(directory: &Path, component: &[u8], flags: &[&str]) -> Self {
        let file = directory.join("test.wasm");
        std::fs::write(&file, component).unwrap();
        let data = directory.join("data");
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data",
            data.to_str().unwrap(),
            "--component",
            file.to_str().unwrap(),
        ];
        let mut child = landfall(&arguments)
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .strip_prefix("landfall: listening on http://")
            .unwrap()
            .trim_end()
            .to_owned();
        Self { child, address }
    }

    fn send(&self, request: &str) -> String {
        Self::send_to(&self.address, request)
    }

    fn send_to(address: &str, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    fn signal(&self, signal: &str) {
        let kill = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(kill.success());
    }

    /// The exit code and what was said on stderr.
    fn end(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let mut stderr = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        (self.child.wait().unwrap().code(), stderr)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn version_and_help_are_printed() {
    let version = run(&["--version"]);
    assert_eq!(
        String::from_utf8(version.stdout).unwrap(),
        format!("landfall {}\n", env!("CARGO_PKG_VERSION"))
    );
    let help = run(&["serve", "--help"]);
    assert_eq!(help.status.code(), Some(0));
    let help = String::from_utf8(help.stdout).unwrap();
    for word in [
        "--listen",
        "--data",
        "--variable",
        "--variables-file",
        "--component",
        "--metrics",
        "--metrics-token-file",
        "LANDFALL_VARIABLE_",
        "Exit codes",
    ] {
        assert!(help.contains(word), "{word} in {help}");
    }
}

#[test]
fn a_bad_flag_is_refused_with_code_2() {
    assert!(refusal(&["serve", "--prot", "1"]).contains("--prot"));
    assert!(refusal(&["serve", "--max-requests", "0"]).contains("--max-requests"));
    assert!(refusal(&["sevre"]).contains("sevre"));
    assert!(refusal(&["serve", "--variable", "github_app_id"]).contains("NAME=VALUE"));
    assert!(refusal(&["serve", "--variable", "GITHUB_APP_ID=1"]).contains("write `github_app_id`"));
    assert!(
        refusal(&["serve", "--variable", "github_api_url=nonsense"]).contains("github_api_url")
    );
    assert!(refusal(&["serve", "--variables-file", "/nowhere.toml"]).contains("/nowhere.toml"));
    let address = refusal(&["serve", "--component", "x.wasm", "--listen", "nonsense"]);
    assert!(address.contains("HOST:PORT"), "{address}");
}

#[test]
fn a_taken_port_is_refused_with_the_mend() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refusal(&["serve", "--component", "x.wasm", "--listen", &address]);
    assert_eq!(
        said,
        format!(
            "landfall: {address} is taken by another process; choose another address with --listen\n"
        )
    );
}

#[test]
fn a_component_that_is_missing_or_none_is_refused_with_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("text.wasm"), "no component").unwrap();
    for name in ["missing.wasm", "text.wasm"] {
        let said = refusal(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data",
            &path("data"),
            "--component",
            &path(name),
        ]);
        assert!(said.contains(&path(name)), "{said}");
    }
    let none = landfall(&["serve"])
        .current_dir(directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8(none.stderr).unwrap();
    assert!(
        said.contains("target/wasm32-wasip2/release/landfall-spin.wasm; name it with --component"),
        "{said}"
    );
}

#[test]
fn a_component_that_traps_is_a_500_and_one_line_and_the_next_request_is_served() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &component("unreachable"));
    for _ in 0..2 {
        let response = server.send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
        assert!(response.starts_with("HTTP/1.1 500 "), "{response}");
        assert!(response.ends_with("\r\n\r\ninternal error\n"), "{response}");
    }
    let (code, said) = server.end();
    assert_eq!(code, Some(0));
    let failures: Vec<_> = said
        .lines()
        .filter(|line| line.contains("the component failed"))
        .collect();
    assert_eq!(
        failures,
        ["landfall: the component failed: wasm trap: wasm `unreachable` instruction executed"; 2]
    );
}

/// A component that fails at the third request of an instance tells which requests had one to themselves.
#[test]
fn an_instance_is_used_again_while_it_is_as_good_as_a_new_one() {
    let fields = "(global $requests (mut i32) (i32.const 0)) (memory 1)";
    let leaking = "(global.set $requests (i32.add (global.get $requests) (i32.const 1)))
        (if (i32.eq (global.get $requests) (i32.const 3)) (then unreachable))";
    let drops = "(call $drop_request (local.get $request)) (call $drop_answer (local.get $answer))";
    let third = &format!("{drops} {leaking}");
    let growing = &format!("(drop (memory.grow (i32.const 16))) {third}");
    // `H` is a hangup; a trap is `x`, and an end without an answer `.`.
    for (flags, handle, requests, expected) in [
        (&[][..], third.as_str(), "rrrrrrr", "..x..x."),
        (&["--max-reuse", "3"], third, "rrrrrr", "..x..x"),
        (&["--max-reuse", "2"], third, "rrrrrr", "......"),
        (&["--max-reuse", "1"], third, "rrrr", "...."),
        (&[], third, "rrHrrr", "....x"),
        (&[], growing, "rrrr", "...."),
        (&[], leaking, "rrrr", "...."),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("landfall.toml");
        std::fs::write(&file, "allowed_owners = 'acme'").unwrap();
        let file = ["--variables-file", file.to_str().unwrap()];
        let flags: Vec<&str> = file.iter().chain(flags).copied().collect();
        let component = component_with(fields, handle);
        let server = Server::start_with(directory.path(), &component, &flags);
        for request in requests.chars() {
            if request == 'H' {
                server.signal("-HUP");
                std::thread::sleep(Duration::from_millis(500));
            } else {
                server.send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
            }
        }
        let (_, said) = server.end();
        let outcome = |line: &str| match line {
            line if line.contains("wasm trap") => Some('x'),
            line if line.contains("without a response") => Some('.'),
            _ => None,
        };
        let outcomes: String = said.lines().filter_map(outcome).collect();
        assert_eq!(outcomes, expected, "{flags:?} {requests}: {said}");
    }
}

#[test]
fn a_request_without_a_host_is_the_clients_fault() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &component("nop"));
    let response = server.send("GET / HTTP/1.0\r\n\r\n");
    assert!(response.starts_with("HTTP/1.0 400 "), "{response}");
}

#[test]
fn http_2_with_prior_knowledge_is_spoken_on_the_same_port() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &component("nop"));
    let mut stream = TcpStream::connect(&server.address).unwrap();
    // The connection preface and an empty SETTINGS frame; the server's first frame is SETTINGS (type 4) too.
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(frame[3], 4);
}

#[test]
fn an_end_right_after_the_announcement_is_orderly() {
    let directory = tempfile::tempdir().unwrap();
    let (code, said) = Server::start(directory.path(), &component("nop")).end();
    assert_eq!(code, Some(0));
    assert!(
        said.contains("landfall: stopping; requests still running: 0"),
        "{said}"
    );
}

#[test]
fn the_end_does_not_wait_for_idle_connections() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &component("nop"));
    let _silent = TcpStream::connect(&server.address).unwrap();
    let mut kept = TcpStream::connect(&server.address).unwrap();
    kept.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        .unwrap();
    let mut status = [0; 12];
    kept.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 500");
    let asked = Instant::now();
    let (code, _) = server.end();
    assert_eq!(code, Some(0));
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked.elapsed()
    );
}

#[test]
fn a_hangup_reads_the_variables_anew_and_bad_ones_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("landfall.toml");
    std::fs::write(&file, "allowed_owners = 'acme'").unwrap();
    let flags = ["--variables-file", file.to_str().unwrap()];
    let server = Server::start_with(directory.path(), &component("nop"), &flags);
    let asks = || server.send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
    asks();
    for text in ["allowed_owners = 'acme", "allowed_owner = 'acme'"] {
        std::fs::write(&file, text).unwrap();
        server.signal("-HUP");
        // A signal has no answer: signals of one kind that come before it was seen are one.
        std::thread::sleep(Duration::from_millis(500));
        assert!(asks().starts_with("HTTP/1.1 500 "));
    }
    let (code, said) = server.end();
    assert_eq!(code, Some(0), "{said}");
    let of_variables: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("variable") && !line.contains("component"))
        .collect();
    let [bad, unknown, read] = of_variables[..] else {
        panic!("{said}");
    };
    assert!(bad.ends_with("; the variables stay as they were"), "{bad}");
    assert!(
        unknown.contains("did you mean `allowed_owners`?"),
        "{unknown}"
    );
    assert!(read.contains("were read anew"), "{read}");
}

#[test]
fn a_data_directory_in_use_is_refused_with_the_mend() {
    let directory = tempfile::tempdir().unwrap();
    let _server = Server::start(directory.path(), &component("nop"));
    let data = directory.path().join("data");
    let file = directory.path().join("test.wasm");
    let (data, file) = (data.to_str().unwrap(), file.to_str().unwrap());
    let said = refusal(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
        data,
        "--component",
        file,
    ]);
    assert!(said.contains(data) && said.contains("--data"), "{said}");
}

#[test]
fn metrics_are_for_who_has_their_token() {
    const TOKEN: &str = "a-token-of-more-than-16";
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    // A port that was free a moment ago: what is printed on stderr is read at the end.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let address = format!("0.0.0.0:{}", free.unwrap().port());
    let flags = [
        "--metrics",
        &address,
        "--metrics-token-file",
        file.to_str().unwrap(),
    ];
    let server = Server::start_with(directory.path(), &component("unreachable"), &flags);
    assert!(
        server
            .send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
            .starts_with("HTTP/1.1 500 ")
    );
    let address = address.replace("0.0.0.0", "127.0.0.1");
    let get = |authorization: &str| {
        let head = "GET /metrics HTTP/1.1\r\nHost: a.test\r\n";
        Server::send_to(&address, &format!("{head}{authorization}\r\n"))
    };
    for authorization in [
        String::new(),
        "Authorization: Bearer\r\n".to_owned(),
        "Authorization: Bearer a-token-of-more-than-17\r\n".to_owned(),
        format!("Authorization: Bearer {TOKEN}x\r\n"),
        format!("Authorization: Basic {TOKEN}\r\n"),
        format!("Authorization: {TOKEN}\r\n"),
    ] {
        let refused = get(&authorization);
        assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
        assert!(!refused.contains("landfall_"), "{refused}");
    }
    let shown = get(&format!("Authorization: Bearer {TOKEN}\r\n"));
    assert!(shown.starts_with("HTTP/1.1 200 "), "{shown}");
    // Nobody may stay, whatever he asks for: connections are few.
    assert!(shown.contains("\r\nconnection: close\r\n"), "{shown}");
    assert!(
        shown.contains("\nlandfall_component_failures_total 1\n"),
        "{shown}"
    );
    // The file is read each time.
    std::fs::write(&file, "another-token-of-some-length").unwrap();
    assert!(get(&format!("Authorization: Bearer {TOKEN}\r\n")).starts_with("HTTP/1.1 401 "));
    std::fs::remove_file(&file).unwrap();
    assert!(get("Authorization: Bearer \r\n").starts_with("HTTP/1.1 401 "));
    let (code, said) = server.end();
    assert_eq!(code, Some(0));
    assert!(said.contains("metrics are at http://0.0.0.0:"), "{said}");
    assert!(
        !said.contains("can read metrics") && !said.contains(TOKEN),
        "{said}"
    );
}

#[test]
fn metrics_for_everyone_are_warned_of_and_a_token_that_is_none_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let flags = ["--metrics", "0.0.0.0:0"];
    let server = Server::start_with(directory.path(), &component("nop"), &flags);
    let (_, said) = server.end();
    assert!(said.contains("set --metrics-token-file"), "{said}");

    let file = directory.path().join("token");
    let file = file.to_str().unwrap();
    for token in ["", "short", "with blanks in between"] {
        std::fs::write(file, token).unwrap();
        let wasm = directory.path().join("test.wasm");
        let said = refusal(&[
            "serve",
            "--component",
            wasm.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
            "--metrics",
            "127.0.0.1:0",
            "--metrics-token-file",
            file,
        ]);
        assert!(
            said.contains(file) && said.contains("16 characters"),
            "{said}"
        );
        assert!(token.is_empty() || !said.contains(token), "{said}");
    }
    assert!(refusal(&["serve", "--metrics-token-file", file]).contains("--metrics"));
    let said = refusal(&[
        "serve",
        "--component",
        "x.wasm",
        "--listen",
        "127.0.0.1:0",
        "--metrics",
        "nonsense",
    ]);
    assert!(said.contains("--metrics takes HOST:PORT"), "{said}");
}
