//! A printer that speaks IPP on the loopback: `ippeveprinter` of CUPS, which
//! keeps what it is sent. It wants a message bus, and gets one of its own.

#![allow(dead_code, reason = "each test file takes what it needs")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>custom</type><listen>unix:path=BUS</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/><allow user="*"/></policy>
</busconfig>"#;

pub struct ReportPrinter {
    bus: Child,
    printer: Child,
    folder: TempDir,
    port: u16,
}

fn spawn(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}; run ./scripts/test, which installs it"))
}

/// Waits until something is there, ten seconds at most.
fn wait(what: &str, there: impl Fn() -> bool) {
    for _ in 0..200 {
        if there() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not come");
}

impl ReportPrinter {
    /// Starts one that takes PDF, at this port or at a free one.
    pub fn start(name: &str, port: Option<u16>) -> Self {
        let folder = TempDir::new().unwrap();
        let at = folder.path();
        let bus_at = at.join("bus");
        let config = at.join("bus.conf");
        fs::write(&config, BUS.replace("BUS", bus_at.to_str().unwrap())).unwrap();
        fs::create_dir(at.join("spool")).unwrap();
        let bus = spawn(
            Command::new("dbus-daemon")
                .arg("--nofork")
                .arg(format!("--config-file={}", config.display())),
        );
        wait("the message bus", || bus_at.exists());
        let port = port.unwrap_or_else(|| {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        });
        let printer = spawn(
            Command::new("/usr/sbin/ippeveprinter")
                .env(
                    "DBUS_SYSTEM_BUS_ADDRESS",
                    format!("unix:path={}", bus_at.display()),
                )
                .args([
                    "-n",
                    "localhost",
                    "-r",
                    "off",
                    "-f",
                    "application/pdf",
                    "-k",
                    "-c",
                    "/bin/true",
                ])
                .args(["-p", &port.to_string()])
                .arg("-d")
                .arg(at.join("spool"))
                .arg(name),
        );
        wait("the report printer", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self {
            bus,
            printer,
            folder,
            port,
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn address(&self) -> String {
        format!("ipp://127.0.0.1:{}/ipp/print", self.port)
    }

    /// The PDFs that it was sent, in order, once so many are there.
    pub fn jobs(&self, count: usize) -> Vec<Vec<u8>> {
        let spool = self.folder.path().join("spool");
        let list = || {
            let all = fs::read_dir(&spool).unwrap();
            let mut all: Vec<PathBuf> = all.map(|one| one.unwrap().path()).collect();
            all.retain(|path| path.extension().is_some_and(|e| e == "pdf"));
            // `12-title.pdf`: in the order of the number.
            all.sort_by_key(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let number: String = name.chars().take_while(char::is_ascii_digit).collect();
                number.parse::<u32>().unwrap_or(0)
            });
            all
        };
        wait("the jobs", || list().len() >= count);
        list().iter().map(|path| fs::read(path).unwrap()).collect()
    }
}

impl Drop for ReportPrinter {
    fn drop(&mut self) {
        for child in [&mut self.printer, &mut self.bus] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
