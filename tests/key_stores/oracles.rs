//! Those who judge, each started in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use conclave_crypto::secret::{RandomError, RandomSource, Secret};
use tempfile::TempDir;

/// The passphrase of every store here.
pub const WORD: &str = "ABCD-EFGH-2345-abcd";

pub fn secret(bytes: &[u8]) -> Secret {
    Secret::from_fn(bytes.len(), |to| to.copy_from_slice(bytes))
}

struct System;

impl RandomSource for System {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        use std::io::Read as _;
        let mut source = std::fs::File::open("/dev/urandom").unwrap();
        source.read_exact(buf).unwrap();
        Ok(())
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}

pub fn system() -> impl RandomSource {
    System
}

const PYJKS: &str = r#"
import sys, jks
kind, file, word = sys.argv[1:4]
if kind == "secrets":
    store = jks.KeyStore.load(file, word)
    for alias, entry in sorted(store.secret_keys.items(), key=lambda e: e[1].algorithm):
        print(entry.algorithm.lower(), entry.key.hex())
elif kind == "private":
    store = jks.KeyStore.load(file, word)
    sys.stdout.write(store.private_keys[sys.argv[4]].pkey_pkcs8.hex())
else:
    key, certificate = open("k.der", "rb").read(), open("c.der", "rb").read()
    entry = jks.PrivateKeyEntry.new("elsewhere", [certificate], key)
    jks.KeyStore.new("jks", [entry]).save(file, word)
"#;

pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path().join(name), bytes).unwrap();
    }

    pub fn get(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn run(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> String {
        let program = program.as_ref();
        let run = Command::new(program)
            .args(arguments)
            .current_dir(self.path())
            // Java starts a little faster.
            .env(
                "JAVA_TOOL_OPTIONS",
                "-XX:TieredStopAtLevel=1 -Duser.language=en",
            )
            .output()
            .unwrap_or_else(|e| panic!("{program:?}: {e}; run ./scripts/test, which installs it"));
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(
            run.status.success(),
            "{program:?} {arguments:?}: {said}{}",
            String::from_utf8_lossy(&run.stderr)
        );
        said
    }

    pub fn openssl(&self, arguments: &[&str]) -> String {
        self.run("openssl", arguments)
    }

    pub fn keytool(&self, arguments: &[&str]) -> String {
        self.run("keytool", arguments)
    }

    /// Copies all entries into a new store.
    pub fn import_store(&self, from: &str, to: &str, kind: &str) {
        // PKCS#12 of Java holds HMAC keys of no named length: all go there.
        self.keytool(&[
            "-importkeystore",
            "-noprompt",
            "-srckeystore",
            from,
            "-srcstorepass",
            WORD,
            "-destkeystore",
            to,
            "-deststoretype",
            kind,
            "-deststorepass",
            WORD,
        ]);
    }

    pub fn keytool_pair(&self, file: &str, kind: &str, more: &[&str]) {
        let mut arguments = more.to_vec();
        arguments.extend([
            "-genkeypair",
            "-alias",
            "pair",
            "-keyalg",
            "RSA",
            "-keysize",
            "2048",
            "-dname",
            "CN=pair",
            "-storetype",
            kind,
            "-keystore",
            file,
            "-storepass",
            WORD,
            "-keypass",
            WORD,
        ]);
        self.keytool(&arguments);
    }

    pub fn keytool_secret(&self, file: &str, alias: &str, algorithm: &str, bits: &str) {
        self.keytool(&[
            "-genseckey",
            "-alias",
            alias,
            "-keyalg",
            algorithm,
            "-keysize",
            bits,
            "-storetype",
            file,
            "-keystore",
            file,
            "-storepass",
            WORD,
            "-keypass",
            WORD,
        ]);
    }

    /// The public half of the store's one private key, as openssl opens it.
    pub fn private_of(&self, file: &str, more: &[&str]) -> String {
        let pass = format!("pass:{WORD}");
        let mut arguments = vec![
            "pkcs12",
            "-in",
            file,
            "-nocerts",
            "-nodes",
            "-passin",
            &pass,
            "-out",
            "opened.pem",
        ];
        arguments.extend(more);
        self.openssl(&arguments);
        self.openssl(&["pkey", "-in", "opened.pem", "-pubout"])
    }

    /// What openssl says of a store.
    pub fn info(&self, file: &str, more: &[&str]) -> String {
        let pass = format!("pass:{WORD}");
        let mut arguments = vec!["pkcs12", "-in", file, "-info", "-noout", "-passin", &pass];
        arguments.extend(more);
        let run = Command::new("openssl")
            .args(&arguments)
            .current_dir(self.path())
            .output()
            .unwrap();
        assert!(run.status.success());
        String::from_utf8_lossy(&run.stderr).into_owned()
    }

    fn python(&self, arguments: &[&str]) -> String {
        self.script(PYJKS, arguments)
    }

    /// A script of Python with the installed oracles.
    pub fn script(&self, script: &str, arguments: &[&str]) -> String {
        let folder = std::env::var_os("CONCLAVE_ORACLES").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".oracles"),
            PathBuf::from,
        );
        let mut all = vec!["-c", script];
        all.extend(arguments);
        self.run(folder.join("bin/python3"), &all)
    }

    /// Algorithm and bytes of each secret key, sorted by algorithm.
    pub fn secrets(&self, file: &str) -> String {
        self.secrets_with(file, WORD)
    }

    /// The same of a store with this passphrase.
    pub fn secrets_with(&self, file: &str, word: &str) -> String {
        self.python(&["secrets", file, word]).trim().to_owned()
    }

    /// A private key, PKCS#8, as pyjks opens it.
    pub fn pyjks_private(&self, file: &str, alias: &str) -> Vec<u8> {
        let hex = self.python(&["private", file, WORD, alias]);
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    /// A JKS of pyjks's making, with `k.der` and `c.der` in it; it writes no
    /// JCEKS.
    pub fn pyjks_write(&self, file: &str) {
        self.python(&["write", file, WORD]);
    }
}
