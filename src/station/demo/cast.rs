//! The people of the demonstration: eighteen, as few as a careful bank that
//! prints PINs would have.

/// Name, manager, groups.
pub const PEOPLE: [(&str, &str, &str); 18] = [
    ("A. Lindqvist", "H. Moreau", "Administrators, Approvers"),
    ("B. Okafor", "H. Moreau", "Administrators, Approvers"),
    ("C. Tanaka", "H. Moreau", "Administrators, Approvers"),
    ("D. Novak", "I. Petrov", "Key managers"),
    ("E. Fischer", "I. Petrov", "Key managers"),
    ("F. Rossi", "I. Petrov", "Key managers"),
    ("G. Haddad", "J. Sato", "Custodians A"),
    ("H. Virtanen", "K. Weiss", "Custodians B"),
    ("J. Mbeki", "L. Costa", "Custodians C"),
    ("K. Larsen", "M. Byrne", "Auditors"),
    ("L. Duarte", "M. Byrne", "Auditors"),
    ("M. Keller", "N. Silva", "Recovery"),
    ("N. Ibrahim", "N. Silva", "Recovery"),
    ("P. Jansen", "N. Silva", "Recovery"),
    ("Q. Moreno", "O. Brandt", "PIN operators"),
    ("R. Adeyemi", "O. Brandt", "PIN operators"),
    ("S. Kowalski", "T. Marsh", "PIN supervisors"),
    ("T. Yilmaz", "T. Marsh", "PIN supervisors"),
];

/// The groups' quorums, in the order of the form.
pub const QUORUMS: [&str; 10] = [
    "2 of 3", "2 of 3", "2 of 3", "1 of 1", "1 of 1", "1 of 1", "2 of 2", "2 of 3", "1 of 2",
    "1 of 2",
];

/// The station's name.
pub const STATION: &str = "KEYROOM-DEMO";

/// A zone master key to be made, and what goes out under it: label, template,
/// recipient, working keys (label, template).
pub struct Zone {
    /// The zone master key's label.
    pub label: &'static str,
    /// Its template.
    pub template: &'static str,
    /// For whom.
    pub recipient: &'static str,
    /// Working keys: label and template.
    pub working: [(&'static str, &'static str); 2],
}

/// The main job.
pub const ZONES: [Zone; 2] = [
    Zone {
        label: "BANK-LAKE.ZMK.001",
        template: "zmk-tdes3",
        recipient: "BANK-LAKE",
        working: [
            ("BANK-LAKE.ZPK.001", "zpk-tdes2"),
            ("BANK-LAKE.DEK.001", "data-tdes3"),
        ],
    },
    Zone {
        label: "BANK-HILL.ZMK.001",
        template: "zmk-aes256",
        recipient: "BANK-HILL",
        working: [
            ("BANK-HILL.ZPK.001", "zpk-aes128"),
            ("BANK-HILL.DEK.001", "data-aes256"),
        ],
    },
];

/// How many components each zone master key gets.
pub const COMPONENTS: &str = "3";

/// Who loses a card, and gets another.
pub const LOSES_CARD: &str = "F. Rossi";

/// A partner, and what it sends.
pub struct Sender {
    /// Its name.
    pub name: &'static str,
    /// The zone master key: label and template, AES-256.
    pub zmk: (&'static str, &'static str),
    /// On how many sheets it comes.
    pub components: u8,
    /// The key in the key block: label and template, AES-128.
    pub working: (&'static str, &'static str),
    /// What the key block's header says of it.
    pub attributes: &'static str,
}

/// The partner of the demonstration.
pub const PARTNER: Sender = Sender {
    name: "BANK-COAST",
    zmk: ("BANK-COAST.ZMK.001", "zmk-aes256"),
    components: 2,
    working: ("BANK-COAST.ZPK.001", "zpk-aes128"),
    attributes: "P0AB00E",
};
