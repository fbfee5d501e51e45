//! A server of files: what the same bytes cost where nothing is decided.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use crate::Result;
use crate::load::Page;
use crate::programs::Program;
use crate::server::Server;

/// nginx with one worker, and these pages as files.
pub(crate) struct Nginx {
    pub(crate) server: Server,
    // After the server, which still reads it.
    _directory: TempDir,
}

impl Nginx {
    pub(crate) fn start(pages: &[&Page]) -> Result<Self> {
        let directory = TempDir::new()?;
        let root = directory.path();
        // As root, the worker is another user.
        fs::set_permissions(root, fs::Permissions::from_mode(0o755))?;
        for page in pages {
            let file = root.join("files").join(page.path.trim_start_matches('/'));
            fs::create_dir_all(file.parent().unwrap_or(root))?;
            fs::write(file, &page.body)?;
        }
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let configuration = root.join("nginx.conf");
        fs::write(&configuration, text(&address, &root.display().to_string()))?;
        let mut command = Program::Nginx.command();
        command
            .args(["-e", "stderr", "-c"])
            .arg(&configuration)
            .arg("-p")
            .arg(root);
        let is_up = || TcpStream::connect(&address).is_ok();
        let server = Server::at(address.clone(), &mut command, is_up)?;
        Ok(Self {
            server,
            _directory: directory,
        })
    }
}

/// Debian's settings, but for one worker, no log, and connections that stay open as long as the load's.
fn text(address: &str, root: &str) -> String {
    format!(
        "daemon off;
worker_processes 1;
pid {root}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  default_type application/json;
  client_body_temp_path {root}/body;
  proxy_temp_path {root}/proxy;
  fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi;
  scgi_temp_path {root}/scgi;
  server {{
    listen {address};
    root {root}/files;
  }}
}}
"
    )
}
