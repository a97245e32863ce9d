//! DataPower: key material as files, a script for the command line in the form of
//! older firmware and of firmware 10, and the same as requests of its management
//! interface (SOMA), files included.

use base64ct::{Base64, Encoding as _};
use conclave_crypto::keystore::Kind;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::target_system::Settings;

use super::{HandOver, HandedKey, StoreTarget, rule, steps, text, value};
use crate::target::{Conformance, Payload, TargetError};

/// IBM DataPower gateways.
pub struct DataPower;

/// Names of objects, in older documentation.
const NAME_MOST: usize = 32;
/// The name of the alias under which the appliance keeps the passphrase.
const PASSWORD_ALIAS: &str = "conclave-store";

/// The names of the objects of a key.
struct Names {
    key: String,
    certificate: String,
    credential: String,
}

fn names(alias: &str) -> Names {
    Names {
        key: format!("{alias}-key"),
        certificate: format!("{alias}-crt"),
        credential: format!("{alias}-id"),
    }
}

fn store<'a>(key: &'a HandedKey<'_>) -> &'a str {
    key.stores.first().map_or("", |(_, file)| file)
}

fn authority(file: &str) -> String {
    file.trim_end_matches(".crt").to_owned()
}

/// How the firmware writes objects on its command line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One line an object, as older firmware documents it.
    Line,
    /// A mode an object, as firmware 10 documents it.
    Mode,
}

impl DataPower {
    fn script(over: &HandOver<'_>, form: Form) -> Result<Vec<String>, TargetError> {
        let domain = value(over.settings, "domain")?;
        let mut lines = vec![
            "configure terminal".to_owned(),
            format!("switch domain {domain}"),
            "crypto".into(),
            // It asks for an alias and its password.
            "password-map".into(),
        ];
        let object = |lines: &mut Vec<String>, command: &str, inside: &[String]| {
            lines.push(command.to_owned());
            lines.extend(inside.iter().map(|line| format!(" {line}")));
            lines.push(" exit".into());
        };
        let certificate = |lines: &mut Vec<String>, name: &str, file: &str| match form {
            Form::Line => lines.push(format!("certificate {name} cert:///{file}")),
            Form::Mode => object(
                lines,
                &format!("certificate {name}"),
                &[format!("file-name cert:///{file}")],
            ),
        };
        for key in &over.keys {
            let of = names(&key.alias);
            let own = key.certificates.first().map_or("", String::as_str);
            let file = store(key);
            match form {
                Form::Line => lines.push(format!(
                    "key {} cert:///{file} password-alias {PASSWORD_ALIAS}",
                    of.key
                )),
                Form::Mode => object(
                    &mut lines,
                    &format!("key {}", of.key),
                    &[
                        format!("file-name cert:///{file}"),
                        format!("password-alias {PASSWORD_ALIAS}"),
                    ],
                ),
            }
            certificate(&mut lines, &of.certificate, own);
            let above: Vec<&String> = key.certificates.iter().skip(1).collect();
            for file in &above {
                certificate(&mut lines, &authority(file), file);
            }
            let above = above.iter().map(|file| format!("ca {}", authority(file)));
            match form {
                Form::Line => {
                    let mut line =
                        format!("idcred {} {} {}", of.credential, of.key, of.certificate);
                    above.for_each(|ca| line.extend([" ", &ca]));
                    lines.push(line);
                }
                Form::Mode => {
                    let mut inside = vec![
                        format!("key {}", of.key),
                        format!("certificate {}", of.certificate),
                    ];
                    inside.extend(above);
                    object(&mut lines, &format!("idcred {}", of.credential), &inside);
                }
            }
        }
        lines.extend(["exit", "write memory", "exit"].map(str::to_owned));
        Ok(lines)
    }

    /// Every certificate and store, into `cert:`.
    fn files(over: &HandOver<'_>) -> Vec<String> {
        over.files
            .iter()
            .map(|(name, bytes)| {
                let text = Base64::encode_string(bytes);
                format!("<dp:set-file name=\"cert:///{name}\">{text}</dp:set-file>")
            })
            .collect()
    }

    fn request(domain: &str, body: &[String]) -> Vec<String> {
        let mut lines = vec![
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned(),
            "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">".into(),
            " <soapenv:Body>".into(),
            format!(
                "  <dp:request domain=\"{domain}\" \
                 xmlns:dp=\"http://www.datapower.com/schemas/management\">"
            ),
        ];
        lines.extend(body.iter().map(|line| format!("   {line}")));
        lines.extend(
            ["  </dp:request>", " </soapenv:Body>", "</soapenv:Envelope>"].map(str::to_owned),
        );
        lines
    }

    fn objects(over: &HandOver<'_>) -> Vec<String> {
        let mut body = vec!["<dp:set-config>".to_owned()];
        for key in &over.keys {
            let of = names(&key.alias);
            body.push(format!(
                " <CryptoKey name=\"{}\"><mAdminState>enabled</mAdminState>\
                 <Filename>cert:///{}</Filename>\
                 <Alias class=\"PasswordAlias\">{PASSWORD_ALIAS}</Alias></CryptoKey>",
                of.key,
                store(key)
            ));
            for (at, file) in key.certificates.iter().enumerate() {
                let name = match at {
                    0 => of.certificate.clone(),
                    _ => authority(file),
                };
                body.push(format!(
                    " <CryptoCertificate name=\"{name}\"><mAdminState>enabled</mAdminState>\
                     <Filename>cert:///{file}</Filename></CryptoCertificate>"
                ));
            }
            let above: String = key
                .certificates
                .iter()
                .skip(1)
                .map(|file| format!("<CA class=\"CryptoCertificate\">{}</CA>", authority(file)))
                .collect();
            body.push(format!(
                " <CryptoIdentCred name=\"{}\"><mAdminState>enabled</mAdminState>\
                 <Key class=\"CryptoKey\">{}</Key>\
                 <Certificate class=\"CryptoCertificate\">{}</Certificate>{above}\
                 </CryptoIdentCred>",
                of.credential, of.key, of.certificate
            ));
        }
        body.push("</dp:set-config>".into());
        body
    }
}

impl StoreTarget for DataPower {
    fn name(&self) -> &'static str {
        "datapower"
    }

    fn title(&self) -> &'static str {
        "IBM DataPower"
    }

    fn conformance(&self) -> Conformance {
        Conformance::Documented
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Pkcs12, Kind::Pkcs12Legacy, Kind::Jks]
    }

    fn store_each(&self, _: &Settings) -> bool {
        true
    }

    fn check(&self, keys: &[&KeyRecord], settings: &Settings) -> Result<(), TargetError> {
        value(settings, "domain")?;
        for key in keys {
            if key.label.len() + "-key".len() > NAME_MOST {
                return Err(rule(
                    format!(
                        "{}: with what is put behind it a name of DataPower would be longer than \
                         {NAME_MOST} characters",
                        key.label
                    ),
                    "make a pair with a shorter label",
                ));
            }
        }
        Ok(())
    }

    fn companions(&self, over: &HandOver<'_>) -> Result<Vec<Payload>, TargetError> {
        let domain = value(over.settings, "domain")?;
        let save = ["<dp:do-action><SaveConfig/></dp:do-action>".to_owned()];
        Ok(vec![
            text(
                "datapower-older.cli",
                "command-line script, older firmware",
                &Self::script(over, Form::Line)?,
                None,
            ),
            text(
                "datapower-10.cli",
                "command-line script, firmware 10",
                &Self::script(over, Form::Mode)?,
                None,
            ),
            text(
                "soma-files.xml",
                "SOMA request",
                &Self::request(domain, &Self::files(over)),
                None,
            ),
            text(
                "soma-objects.xml",
                "SOMA request",
                &Self::request(domain, &Self::objects(over)),
                None,
            ),
            text(
                "soma-save.xml",
                "SOMA request",
                &Self::request(domain, &save),
                None,
            ),
        ])
    }

    fn steps(&self, over: &HandOver<'_>) -> Vec<String> {
        let domain = over.settings.value("domain").unwrap_or("the domain");
        let values = [("domain", domain), ("alias", PASSWORD_ALIAS)];
        let texts = ["steps", "errors", "after"].into_iter();
        texts
            .flat_map(|text| steps(self, over, text, &values))
            .collect()
    }
}
