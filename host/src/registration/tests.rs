//! What GitHub is told, to the letter.

use super::*;

const ACME: Wanted = Wanted {
    base_url: "https://modules.example.com/",
    owner: "acme",
    is_personal: false,
    name: None,
    github_url: None,
    webhook: true,
};

fn registration(wanted: Wanted) -> Registration {
    Registration::new(wanted).unwrap()
}

#[test]
fn the_manifest_asks_for_two_permissions_and_five_events() {
    assert_eq!(
        registration(ACME).manifest(),
        r#"{
  "name": "landfall-acme",
  "url": "https://modules.example.com",
  "hook_attributes": {
    "url": "https://modules.example.com/webhooks/github",
    "active": true
  },
  "redirect_url": "https://modules.example.com",
  "description": "Landfall: a private registry of Terraform modules",
  "public": false,
  "default_events": [
    "create",
    "delete",
    "push",
    "release",
    "repository"
  ],
  "default_permissions": {
    "contents": "read",
    "metadata": "read"
  }
}"#
    );
    let quiet = Wanted {
        webhook: false,
        name: Some("Modules \"& more\""),
        ..ACME
    };
    let manifest = registration(quiet).manifest();
    assert!(
        manifest.contains(r#""name": "Modules \"& more\"""#),
        "{manifest}"
    );
    assert!(manifest.contains(r#""active": false"#), "{manifest}");
    assert!(manifest.contains(r#""default_events": []"#), "{manifest}");
    let local = Wanted {
        base_url: "http://127.0.0.1:3000",
        ..quiet
    };
    let manifest = registration(local).manifest();
    assert!(!manifest.contains("hook_attributes"), "{manifest}");
    assert!(
        manifest.contains(r#""redirect_url": "http://127.0.0.1:3000""#),
        "{manifest}"
    );
}

#[test]
fn the_link_fills_the_form_of_every_github() {
    let tail = "&description=Landfall%3A+a+private+registry+of+Terraform+modules\
                &url=https%3A%2F%2Fmodules.example.com&public=false&contents=read&metadata=read";
    let hook = "&webhook_active=true&webhook_url=https%3A%2F%2Fmodules.example.com%2Fwebhooks%2Fgithub\
                &events%5B%5D=create&events%5B%5D=delete&events%5B%5D=push&events%5B%5D=release&events%5B%5D=repository";
    let quiet = Wanted {
        webhook: false,
        ..ACME
    };
    for (wanted, form, name, hook, api) in [
        (
            ACME,
            "https://github.com/organizations/acme/settings/apps/new",
            "landfall-acme",
            hook,
            "https://api.github.com",
        ),
        (
            Wanted {
                owner: "octocat",
                is_personal: true,
                name: Some("R&D modules + more="),
                ..quiet
            },
            "https://github.com/settings/apps/new",
            "R%26D+modules+%2B+more%3D",
            "&webhook_active=false",
            "https://api.github.com",
        ),
        (
            Wanted {
                github_url: Some("https://github.corp.example:8443/"),
                ..quiet
            },
            "https://github.corp.example:8443/organizations/acme/settings/apps/new",
            "landfall-acme",
            "&webhook_active=false",
            "https://github.corp.example:8443/api/v3",
        ),
        (
            Wanted {
                github_url: Some("https://acme.ghe.com"),
                owner: "a-name-of-thirty-nine-characters-in-all",
                ..quiet
            },
            "https://acme.ghe.com/organizations/a-name-of-thirty-nine-characters-in-all/settings/apps/new",
            "landfall-a-name-of-thirty-nine-cha",
            "&webhook_active=false",
            "https://api.acme.ghe.com",
        ),
    ] {
        let registration = registration(wanted);
        assert_eq!(
            registration.link(),
            format!("{form}?name={name}{tail}{hook}")
        );
        assert_eq!(registration.api_url(), api);
    }
}

#[test]
fn the_page_sends_the_manifest_and_nothing_that_a_name_brings_in() {
    let name = Some("\"><script>alert('&')</script>");
    let registration = registration(Wanted { name, ..ACME });
    let page = registration.page();
    assert!(page.contains(
        r#"<form action="https://github.com/organizations/acme/settings/apps/new" method="post">"#
    ));
    assert!(!page.contains("<script"), "{page}");
    let value = page
        .split_once("value=\"")
        .unwrap()
        .1
        .split_once('"')
        .unwrap()
        .0;
    let sent = value
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    assert_eq!(sent, registration.manifest());
}

#[test]
fn what_github_would_not_take_is_refused() {
    for (wanted, said) in [
        (
            Wanted {
                base_url: "modules.example.com",
                ..ACME
            },
            "--url is where clients",
        ),
        (
            Wanted {
                base_url: "http://modules.example.com",
                ..ACME
            },
            "--url is where clients",
        ),
        (
            Wanted {
                base_url: "https://modules.example.com/?a=b",
                ..ACME
            },
            "--url is where clients",
        ),
        (
            Wanted {
                base_url: "https://me:secret@modules.example.com",
                ..ACME
            },
            "--url is where clients",
        ),
        (
            Wanted {
                base_url: "http://127.0.0.1:3000",
                ..ACME
            },
            "cannot reach a loopback address",
        ),
        (Wanted { owner: "", ..ACME }, "--owner is the name"),
        (
            Wanted {
                owner: "acme/vpc",
                ..ACME
            },
            "--owner is the name",
        ),
        (
            Wanted {
                owner: "acme?x=",
                ..ACME
            },
            "--owner is the name",
        ),
        (
            Wanted {
                name: Some(" "),
                ..ACME
            },
            "--name has 1 to 34",
        ),
        (
            Wanted {
                name: Some("a name of thirty-five characters..."),
                ..ACME
            },
            "--name has 1 to 34",
        ),
        (
            Wanted {
                github_url: Some("https://api.github.com"),
                ..ACME
            },
            "not its API",
        ),
        (
            Wanted {
                github_url: Some("https://github.corp.example/api/v3"),
                ..ACME
            },
            "not its API",
        ),
    ] {
        let error = Registration::new(wanted).unwrap_err().to_string();
        assert!(error.contains(said), "{wanted:?}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
