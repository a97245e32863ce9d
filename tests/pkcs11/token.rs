//! A SoftHSM2 token of a test's own, and the tools that look into it.

use std::path::{Path, PathBuf};
use std::process::Command;

pub const PIN: &str = "4711";
pub const NAME: &str = "LAKE";
const MISSING: &str = "softhsm2 and opensc: run ./scripts/test, which installs them";

/// The folder goes with it.
pub struct Token {
    folder: tempfile::TempDir,
    module: PathBuf,
}

impl Token {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tokens = folder.path().join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        std::fs::write(folder.path().join("softhsm2.conf"), text).unwrap();
        let module = [
            "/usr/lib/softhsm/libsofthsm2.so",
            "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        ];
        let module = module.into_iter().map(PathBuf::from).find(|p| p.exists());
        let token = Self {
            folder,
            module: module.expect(MISSING),
        };
        let mut init = token.command("softhsm2-util");
        init.args(["--init-token", "--free", "--label", NAME]);
        init.args(["--so-pin", "12345678", "--pin", PIN]);
        run(&mut init);
        token
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn module(&self) -> &str {
        self.module.to_str().unwrap()
    }

    /// A program that sees this token.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("SOFTHSM2_CONF", self.path().join("softhsm2.conf"));
        command.env("PIN", PIN).current_dir(self.path());
        command
    }

    pub fn tool(&self, arguments: &[&str]) -> String {
        let mut command = self.command("pkcs11-tool");
        command.args(["--module", self.module(), "--token-label", NAME]);
        command.args(["--login", "--pin", PIN]).args(arguments);
        run(&mut command)
    }

    /// Python with the other implementation, which sees this token.
    pub fn python(&self) -> Command {
        let folder = std::env::var_os("CONCLAVE_ORACLES").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".oracles"),
            PathBuf::from,
        );
        self.command(folder.join("bin/python3").to_str().unwrap())
    }

    /// Lines of what the other implementation says.
    pub fn oracle(&self, arguments: &[&str]) -> Vec<Vec<String>> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pkcs11/oracle.py");
        let mut command = self.python();
        command
            .args([script, self.module(), NAME, PIN])
            .args(arguments);
        let lines = run(&mut command);
        lines
            .lines()
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect()
    }
}

/// What it printed; stops the test where it fails.
pub fn run(command: &mut Command) -> String {
    let output = command.output().expect(MISSING);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{text}{error}");
    text
}
