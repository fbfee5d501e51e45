//! Who may read: whoever has a token, and else nobody.

use std::process::Command;

use crate::Case;
use crate::archive_urls::{archive_root, path_of_probe};
use crate::client::{By, Client, HOST, Root, Run};
use crate::embedded::{Embedded, versions_path};
use crate::http::{self, Answer, bearer};
use crate::modules::{convention, conventional, probe, probe_root, root_of};
use crate::programs::Artifacts;
pub(crate) use crate::readers::{EXPIRED_TOKEN, NARROW_TOKEN, TOKEN, TOKENS};
use crate::world::{Settings, World};

/// Those of one artifact.
pub(crate) fn all() -> Vec<Case<Embedded>> {
    let mut cases = vec![
        Case::new("a_token_for_one_module_installs_it", a_narrow_token).with(CLOSED),
        Case::new("a_token_of_landfall_token_new_installs", a_new_token).with(CLOSED),
        Case::new(
            "what_is_out_of_scope_looks_like_what_does_not_exist",
            out_of_scope,
        )
        .with(CLOSED),
        Case::new("a_netrc_does_not_disturb_an_archive_url", a_foreign_netrc).with(CLOSED),
        Case::new("a_netrc_gets_an_archive_without_a_ticket", netrc).with(CLOSED),
        Case::new("a_registry_for_nobody_serves_nobody", nobody)
            .with(&[("anonymous_read", "false")]),
    ];
    for (name, token, reason) in [
        ("without_a_token", None, "no token"),
        ("with_an_empty_token", Some(""), "no token"),
        ("with_a_wrong_token", Some("lft_wrong"), "unknown token"),
        (
            "with_an_expired_token",
            Some(EXPIRED_TOKEN),
            "expired token",
        ),
    ] {
        let name = format!("nothing_installs_{name}");
        let case = Case::new(name, move |world| refused(world, token, reason));
        cases.push(case.with(CLOSED));
    }
    cases
}

/// A registry that reads `tokens`, and lets nobody else in.
pub(crate) const CLOSED: Settings = &[("anonymous_read", "false"), ("tokens", TOKENS)];

/// `init` fails, because the registry does not know who asks.
#[track_caller]
pub(crate) fn is_refused(root: &Root) {
    root.init().fails_with("401 Unauthorized");
    assert_eq!(root.accepted("probe"), None);
}

/// `init` installs `acme/probe`.
#[track_caller]
pub(crate) fn installs_probe<R>(world: &World<R>, root: &Root) -> Run {
    let run = root.init().succeeds();
    root.installed("probe")
        .is_that_of(&world.committed("probe", "v1.0.0"));
    run
}

/// The module is asked for at each kind of address, and the token is given in each way.
fn a_narrow_token(world: &World<Embedded>) {
    probe(world);
    let mut asked = 0;
    for host in [HOST, &*world.address] {
        for by in [By::Variable, By::Block] {
            let main = probe_root().replace(HOST, host);
            // One for a host is none for its ports, and the other way round.
            let other = if host == HOST {
                "mods.example:8443"
            } else {
                "127.0.0.1"
            };
            let root = world.root(Client::Terraform, &main);
            let root = root.with_credentials(by, other, NARROW_TOKEN);
            is_refused(&root);
            let root = root.with_credentials(by, host, NARROW_TOKEN);
            installs_probe(world, &root).hides(NARROW_TOKEN);
            asked += 1;
        }
    }
    for route in ["versions", "download"] {
        let requests = world.registry.requests(route);
        let allowed = requests.iter().filter(|line| {
            line["decision"] == "allowed" && line["who"] == "probe" && line["reason"] == "token"
        });
        assert_eq!(allowed.count(), asked, "{requests:?}");
    }
    let archives = world.registry.requests("archive");
    assert!(!archives.is_empty());
    for line in &archives {
        assert_eq!(
            (&line["who"], &line["reason"]),
            (&"probe".into(), &"signed url".into())
        );
    }
    assert!(!world.registry.log().contains(NARROW_TOKEN));
}

/// The first line is the token, and the second its entry.
fn a_new_token(world: &World<Embedded>) {
    probe(world);
    let output = Command::new(&Artifacts::get().landfall)
        .args(["token", "new", "--name", "ci", "--owners", "acme"])
        .args(["--modules", "acme/probe/*", "--expires", "2099-01-01"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let [token, entry] = *text.lines().collect::<Vec<_>>() else {
        panic!("other than two lines: {text}");
    };
    assert!(!entry.contains(token), "the entry has the token");
    is_refused(
        &world
            .root(Client::Terraform, &probe_root())
            .with_token(token),
    );
    let world = world.again(&[("tokens", &format!("{TOKENS}\n{entry}"))]);
    let root = world.root(Client::Terraform, &probe_root());
    installs_probe(&world, &root.with_token(token)).hides(token);
    let log = world.registry.log();
    assert!(
        log.contains(r#""who":"ci""#) && !log.contains(token),
        "{log}"
    );
}

/// No request gets further than the registry.
fn refused(world: &World<Embedded>, token: Option<&str>, reason: &str) {
    probe(world);
    let root = world.root(Client::Terraform, &probe_root());
    let root = match token {
        Some(token) => root.with_token(token),
        None => root,
    };
    is_refused(&root);
    let versions = world.registry.requests("versions");
    assert_eq!(versions.len(), 1, "{versions:?}");
    assert_eq!(versions[0]["decision"], "denied");
    assert_eq!(versions[0]["reason"], reason);
    for route in ["download", "archive"] {
        assert_eq!(world.registry.requests(route), [""; 0], "{route}");
    }
    assert_eq!(world.github.log(), []);
    let root = world.root(Client::Terraform, &probe_root());
    installs_probe(world, &root.with_token(TOKEN));
}

/// What is not there is asked for with a token that would let its holder read it.
fn out_of_scope(world: &World<Embedded>) {
    probe(world);
    convention(world, "hidden");
    let root = |name: &str, token: &str| {
        let root = world.root(Client::Terraform, &root_of([name], "1.0.0"));
        root.with_token(token)
    };
    let hidden = root("hidden", NARROW_TOKEN)
        .init()
        .fails_with("Module not found");
    assert_eq!(world.github.log(), [], "it costs nothing");
    let absent = root("absent", TOKEN).init().fails_with("Module not found");
    assert_eq!(
        hidden.complaint().replace("hidden", "absent"),
        absent.complaint()
    );
    let answer = |name: &str, token: &str| {
        let (header, value) = bearer(token);
        http::get_with(&world.address, &versions_path(name), &[(header, &value)])
    };
    let [hidden, absent] =
        [("hidden", NARROW_TOKEN), ("absent", TOKEN)].map(|(name, token)| answer(name, token));
    assert_eq!((hidden.status, hidden.body), (absent.status, absent.body));

    installs_probe(world, &root("probe", NARROW_TOKEN));
    let both = world.root(Client::Terraform, &root_of(["probe", "hidden"], "1.0.0"));
    let both = both.with_token(NARROW_TOKEN);
    both.init().fails_with("Module not found");
    assert_eq!(both.accepted("hidden"), None);
    let hidden = root("hidden", TOKEN);
    hidden.init().succeeds();
    hidden
        .installed("hidden")
        .is_that_of(&world.committed(&conventional("hidden"), "v1.0.0"));
}

/// Whatever comes with an archive's URL, the URL counts.
fn a_foreign_netrc(world: &World<Embedded>) {
    probe(world);
    let address = &world.address;
    for netrc in [
        "default login x password wrong\n".to_owned(),
        format!("machine {address} login x password wrong\n"),
        format!("machine {address} login x password {EXPIRED_TOKEN}\ndefault login x password y\n"),
    ] {
        let root = world.root(Client::Terraform, &probe_root());
        installs_probe(world, &root.with_token(TOKEN).with_netrc(&netrc));
    }
    for line in world.registry.requests("archive") {
        assert_eq!(line["reason"], "signed url");
    }
}

/// The root module's source is the archive's address, and so terraform has no use for its own credentials.
fn netrc(world: &World<Embedded>) {
    probe(world);
    convention(world, "hidden");
    let (path, _) = path_of_probe(world, TOKEN);
    let address = &world.address;
    let main = archive_root(&format!("http://{address}{path}"));
    let machine = |token: &str| format!("machine {address} login x password {token}\n");
    let (unknown, hidden) = ("bad response code: 401", "bad response code: 404");
    for (netrc, why) in [
        (String::new(), Some(unknown)),
        (machine("wrong"), Some(unknown)),
        (machine(EXPIRED_TOKEN), Some(unknown)),
        (
            format!("machine 127.0.0.1 login x password {TOKEN}\n"),
            Some(unknown),
        ),
        (machine(TOKEN), None),
        (machine(NARROW_TOKEN), None),
        (format!("default login x password {TOKEN}\n"), None),
    ] {
        let root = world.root(Client::Terraform, &main).with_netrc(&netrc);
        let root = root.with_credentials(By::Block, address, TOKEN);
        match why {
            Some(why) => {
                root.init().fails_with(why);
            }
            None => {
                installs_probe(world, &root).hides(TOKEN);
            }
        }
    }
    let other = archive_root(&format!(
        "http://{address}{}",
        path.replace("probe", "hidden")
    ));
    let root = world.root(Client::Terraform, &other);
    root.with_netrc(&machine(NARROW_TOKEN))
        .init()
        .fails_with(hidden);
    assert!(!world.registry.log().contains(TOKEN));
}

/// Neither `tokens` nor `oidc_rules` nor `anonymous_read`: closed, and not open to everyone by mistake.
fn nobody(world: &World<Embedded>) {
    probe(world);
    let root = world
        .root(Client::Terraform, &probe_root())
        .with_token(TOKEN);
    root.init().fails_with("503 Service Unavailable");
    let get = |path: &str| http::get(&world.address, path);
    let commit = world.commit("probe", "v1.0.0");
    for path in [
        &*versions_path("probe"),
        "/v1/modules/acme/probe/null/1.0.0/download",
        &format!("/archive/acme/probe/null/1.0.0/{commit}.zip"),
    ] {
        assert_eq!(get(path).status, 503, "{path}");
    }
    let Answer { status, body, .. } = get("/readyz");
    assert_eq!(status, 503);
    for name in ["`tokens`", "`oidc_rules`", "`anonymous_read`"] {
        assert!(body.contains(name), "{body}");
    }
    assert_eq!(get("/.well-known/terraform.json").status, 200);
    assert_eq!(world.github.log(), []);
    let open = world.again(&[("anonymous_read", "true")]);
    installs_probe(&open, &open.root(Client::Terraform, &probe_root()));
}
