//! A list of revoked certificates, described.

use x509_cert::crl::CertificateList;
use x509_cert::der::{Decode, Encode};

use super::describe::signature;
use crate::describe::{Confidence, Described};

/// Describes a certificate revocation list in DER (RFC 5280 5.1).
pub(super) fn describe(bytes: &[u8]) -> Option<Described> {
    let list: CertificateList = Decode::from_der(bytes).ok()?;
    let told = &list.tbs_cert_list;
    let mut said = Described::new(
        "certificate revocation list (CRL), X.509",
        Confidence::Certain,
    );
    said.field(
        "issuer",
        told.issuer.to_string(),
        "who says so; not checked",
    );
    said.field("made", told.this_update.to_string(), "");
    match &told.next_update {
        Some(next) => said.field("next", next.to_string(), "from then on it is out of date"),
        None => said.field("next", "not said", ""),
    };
    let revoked = told.revoked_certificates.as_ref().map_or(0, Vec::len);
    said.field(
        "revoked",
        revoked.to_string(),
        "certificates, by serial number",
    );
    signature(&mut said, list.signature_algorithm.to_der().ok().as_deref());
    Some(said)
}
