use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn secret(text: &str) -> Secret {
    let bytes = hex(text);
    Secret::from_fn(bytes.len(), |to| to.copy_from_slice(&bytes))
}

fn claims(value: &str) -> Claims {
    let claim = |method| Claim::new(value, method);
    Claims {
        tdes: claim(Method::TdesZero),
        aes: claim(Method::AesCmac),
        hmac: claim(Method::HmacSha2Vp1),
    }
}

fn verdict(file: &str, wrapping: &str, form: KeyForm, value: &str) -> Verdict {
    let came = Came::read(file.as_bytes()).unwrap();
    let claims = claims(value);
    came.beforehand(form, &claims)
        .unwrap_or_else(|| came.open(&secret(wrapping), form, &claims))
}

const KEK: &str = "0123456789ABCDEFFEDCBA9876543210";
const AES_KEK: &str = "0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20";
/// psec 1.3: key 00…0F under AES_KEK; 13×8 F8×8 under KEK, and under its halves
/// the other way round.
const D: &str = "D0144P0AB00E0000D7BA8DDCB9579D8292CC3EDFF2B2262D87C2DEAB6B5644350045B7D33FCD104E46A2B1B4E0E60E1C3FAE96625340508DF9D34AF6BA2B7DE5C12400C27FFEC4B3";
const B: &str = "B0096P0TE00E000088EEE29F81D88635175AF0BC3D81D9DD9483A8263909678EFD88F6CD2BC5F5698CBA505B3821087D";
const B_TURNED: &str = "B0096P0TE00E0000E8EEBD5C0A69B33CEDAB53FF2C9790D55A333257BA0D9C1D7F28D242A2334CFB2AED3075B0FEC13A";
/// The published block of a payShield: key F039121B…, check value by openssl.
const S: &str = "S00072P0TE00E0000F3ABE56BDCD4AA26BE0A30C7D895A9755B5FCB994EDD8E7EE627CA46";
const LMK: &str = "89E88CF7931444F334BD7547FC3F380C";
const AKB: &str = "1PUNE000,27F0026930C71646A3ADED3356C36BB0CCC2D6874DE6AB43,83237B4AEA731054";
const MFK: &str = "2ABC3DEF4567018998107645FED3CBA20123456789ABCDEF";
/// OPINENC and the same key.
const TOKEN: &str = "020000000000C0000000000000000000769299292819C2D19F8FDD1A4490AB45\
    002477000341000000247700032100000000000000000000000000008B789259";

#[test]
fn blocks_that_authenticate_tell_their_check_value() {
    for (file, wrapping, form, value) in [
        (D, AES_KEK, KeyForm::Aes256, "C6A13B"),
        (B, KEK, KeyForm::Tdes2, "B6CBD0"),
        (S, LMK, KeyForm::Tdes2, "CB9DEA"),
        (AKB, MFK, KeyForm::Tdes3, "08D7B4"),
    ] {
        // The check value of the AES block is by CMAC: the other is explained.
        let said = verdict(file, wrapping, form, "");
        assert!(said.good && said.tried, "{said:?}");
        assert!(
            said.answer[1].starts_with("Its key has check value"),
            "{said:?}"
        );
        let same = said.answer[1].contains(value);
        assert_eq!(same, form.is_tdes(), "{said:?}");
        let claimed = verdict(file, wrapping, form, value);
        assert_eq!(claimed.good, form.is_tdes(), "{claimed:?}");
        let wrong = verdict(file, wrapping, form, "123456");
        assert!(
            !wrong.good && wrong.answer[2].contains("None of the usual"),
            "{wrong:?}"
        );
    }
    let explained = verdict(D, AES_KEK, KeyForm::Aes256, "C6A13B");
    assert!(
        explained.answer[2].contains("by the method AES ENC-ZERO"),
        "{explained:?}"
    );
}

#[test]
fn what_does_not_open_has_one_answer_and_a_turned_key_is_named() {
    let wrong = verdict(B, LMK, KeyForm::Tdes2, "B6CBD0");
    assert!(!wrong.good && wrong.tried);
    assert_eq!(wrong.answer.len(), 1);
    assert!(
        wrong.answer[0].contains("What is wrong is not told"),
        "{wrong:?}"
    );
    let bent = B.replace("P0TE", "P0TD");
    let bent = verdict(&bent, KEK, KeyForm::Tdes2, "B6CBD0");
    assert_eq!(bent, wrong);
    let turned = verdict(B_TURNED, KEK, KeyForm::Tdes2, "B6CBD0");
    assert!(!turned.good, "{turned:?}");
    assert!(
        turned.answer[0].contains("halves of the wrapping key"),
        "{turned:?}"
    );
    let other = verdict(D, KEK, KeyForm::Tdes2, "");
    assert!(!other.tried && other.answer[0].contains("not under this wrapping key"));
}

#[test]
fn without_a_mac_the_partners_value_alone_is_heard_and_the_convention_named() {
    // Schemes, an Atalla variant and a control vector: one key, one check value.
    for (file, names) in [
        ("UFBDDFE2EF7CF23F1BE3CE647DB918852", "gives the key"),
        ("XFBDDFE2EF7CF23F1BE3CE647DB918852", "read by scheme U"),
        ("FBDDFE2EF7CF23F1BE3CE647DB918852", "read by scheme U"),
        ("C325C9312EBD753F2FC6EC3E21B482CB", "Atalla variant 1"),
        (
            "769299292819C2D19F8FDD1A4490AB45",
            "control vector of OPINENC",
        ),
        (TOKEN, "gives the key"),
    ] {
        let said = verdict(file, KEK, KeyForm::Tdes2, "B6CBD0");
        assert!(said.answer[0].contains(names), "{file}: {said:?}");
        assert_eq!(said.good, names == "gives the key");
        // Without a value, or with a wrong one, nothing is told of the key.
        let silent = verdict(file, KEK, KeyForm::Tdes2, "");
        assert!(
            !silent.tried && silent.answer[0].contains("Type the partner's"),
            "{silent:?}"
        );
        let wrong = verdict(file, KEK, KeyForm::Tdes2, "123456");
        assert!(
            wrong.answer[0].contains("What is wrong is not told"),
            "{wrong:?}"
        );
    }
    // The token as it is, in bytes.
    let bytes = hex(TOKEN);
    assert!(matches!(Came::read(&bytes), Some(Came::Token(_))));
}

#[test]
fn what_is_no_cryptogram_is_none() {
    for file in [
        "",
        "-----BEGIN CERTIFICATE-----",
        "hello",
        "B0096P0TE00E0000",
        "123",
    ] {
        assert!(Came::read(file.as_bytes()).is_none(), "{file}");
    }
    assert!(Came::read(&[0xFF; 17]).is_none());
    assert!(matches!(Came::read(&[0xFF; 24]), Some(Came::Naked(_))));
    // Bytes that are ASCII by chance are no text.
    assert!(matches!(Came::read(&[0x01; 16]), Some(Came::Naked(_))));
}

fn of_bytes(file: &str, wrapping: &str, form: KeyForm, value: &str) -> Verdict {
    let came = Came::read(&hex(file)).unwrap();
    let claims = claims(value);
    came.beforehand(form, &claims)
        .unwrap_or_else(|| came.open(&secret(wrapping), form, &claims))
}

/// 13×8 F8×8 under KEK: `openssl enc -des-ede-ecb`, and `-des-ede-cbc` from a zero IV.
const ECB: &str = "2ADB94D065A390918141BE13E13EE50F";
const CBC: &str = "2ADB94D065A390915204E71C26AB5CAE";
/// Of that key: ENC-ZERO, and `openssl mac` with CMAC.
const ZERO: &str = "B6CBD0";
const CMAC: &str = "CB1FF4E896";

#[test]
fn bare_bytes_under_a_tdes_key_are_a_tdes_cryptogram() {
    let good = of_bytes(ECB, KEK, KeyForm::Tdes2, ZERO);
    assert!(good.good && good.tried, "{good:?}");
    let none = of_bytes(ECB, KEK, KeyForm::Tdes2, "");
    assert!(!none.tried && none.answer[0].contains("Type the partner's"));
    for (file, value, words) in [
        (CBC, ZERO, &["CBC from a zero IV"][..]),
        ("FBDDFE2EF7CF23F1BE3CE647DB918852", ZERO, &["scheme U"]),
        (ECB, CMAC, &["by the method TDES CMAC"]),
        (
            CBC,
            CMAC,
            &["CBC from a zero IV", "by the method TDES CMAC"],
        ),
        (
            "C325C9312EBD753F2FC6EC3E21B482CB",
            CMAC,
            &["Atalla variant 1", "by the method TDES CMAC"],
        ),
    ] {
        for said in [
            of_bytes(file, KEK, KeyForm::Tdes2, value),
            verdict(file, KEK, KeyForm::Tdes2, value),
        ] {
            let all = said.answer.join(" ");
            assert!(!said.good && said.tried, "{said:?}");
            assert!(words.iter().all(|w| all.contains(w)), "{said:?}");
        }
    }
    let wrong = of_bytes(CBC, KEK, KeyForm::Tdes2, "123456");
    assert!(
        wrong.answer[0].contains("What is wrong is not told"),
        "{wrong:?}"
    );
    let other = of_bytes(&"A7".repeat(40), KEK, KeyForm::Tdes2, ZERO);
    assert!(!other.tried && other.answer[0].contains("not under this wrapping key"));
}

/// 00…0F under AES_KEK by `cryptography`: RFC 3394 and RFC 5649; 00…1F by openssl in
/// ECB and in CBC.
#[test]
fn under_an_aes_key_both_key_wraps_and_both_modes_are_tried() {
    let kw = "6DE65FA66960596BF9982E5BE8F17A6295201B4109CDDFCA";
    let kwp = "FFFF586E5F65D3A266E6875FD01C8A06E3C13734257A071B";
    let ecb = "ED6A007C4841F8423969D83D86D62A6D08E0F42A19819E93D8788C5EFE8C1B95";
    let cbc = "ED6A007C4841F8423969D83D86D62A6D65BBD6343E9087EF28066DB2EAB91401";
    let of = |file, value| of_bytes(file, AES_KEK, KeyForm::Aes256, value);
    for value in ["", "BE7ED6AE78"] {
        assert!(of(kwp, value).good);
        let said = of(kw, value);
        assert!(!said.good, "{said:?}");
        assert!(said.answer[0].contains("AES-KW (RFC 3394)"), "{said:?}");
        assert!(said.answer[1].contains("BE7ED6"), "{said:?}");
    }
    assert!(verdict(kwp, AES_KEK, KeyForm::Aes256, "").good);
    // CMAC and ENC-ZERO of 00…1F, by openssl.
    for (file, mode) in [(ecb, "AES in ECB"), (cbc, "AES in CBC from a zero IV")] {
        let said = of(file, "377822C093");
        assert!(said.answer[0].contains(mode), "{said:?}");
        let said = of(file, "F29000");
        assert!(said.answer[0].contains(mode), "{said:?}");
        assert!(said.answer[1].contains("AES ENC-ZERO"), "{said:?}");
        let silent = of(file, "");
        assert!(silent.answer[0].contains("What is wrong is not told"));
    }
    assert_eq!(of(ecb, "123456"), of(ecb, ""));
}

/// The same keys by `openssl enc -des-ede-cbc` and `-des-ede-ecb` under KEK, and by
/// `-aes-256-cbc` and `-aes-256-ecb` under AES_KEK: with its own padding (PKCS#7), and
/// with 80 00 or zeros appended.
#[test]
fn a_padding_that_was_encrypted_too_is_cut() {
    let of_three = "0BB324";
    for (file, value, words) in [
        (
            "2ADB94D065A390915204E71C26AB5CAE6BC98AF9B276590A",
            ZERO,
            "CBC from a zero IV, PKCS#7 padding cut",
        ),
        (
            "2ADB94D065A390918141BE13E13EE50F2E24EEB85AEF49AE",
            ZERO,
            "ECB, block by block, PKCS#7 padding cut",
        ),
        (
            "2ADB94D065A390915204E71C26AB5CAEC284B2814BB2A1CA",
            ZERO,
            "CBC from a zero IV, 80 00 padding cut",
        ),
        (
            "2ADB94D065A390915204E71C26AB5CAE67C2656FB68B8D54",
            ZERO,
            "CBC from a zero IV, zero padding cut",
        ),
        (
            "2ADB94D065A390915204E71C26AB5CAEA06F3340BABCF0805685EFAB9E2BA10E",
            of_three,
            "CBC from a zero IV, PKCS#7 padding cut",
        ),
        (
            "2ADB94D065A390918141BE13E13EE50F166079B987A6602BF1FBCF2A56D19BA7",
            of_three,
            "ECB, block by block, 80 00 padding cut",
        ),
    ] {
        for said in [
            of_bytes(file, KEK, KeyForm::Tdes2, value),
            verdict(file, KEK, KeyForm::Tdes2, value),
        ] {
            let named = said.answer[0].ends_with(&format!("read by {words}."));
            assert!(!said.good && named, "{file}: {said:?}");
        }
        let wrong = of_bytes(file, KEK, KeyForm::Tdes2, "123456");
        assert!(wrong.answer[0].contains("What is wrong is not told"));
    }
    // AES-CMAC of 00…0F and of 00…1F.
    for (rest, value, words) in [
        (
            "5A02F5AB6171FA9451646C6A11D79B0B",
            "BE7ED6AE78",
            "AES in CBC from a zero IV, PKCS#7 padding cut",
        ),
        (
            "D45D7C5AA26BCA9D6B1D5DDBF68F9EF6",
            "BE7ED6AE78",
            "AES in ECB, block by block, PKCS#7 padding cut",
        ),
        (
            "60AC17EDF96CC3640E5D73304A2A381C",
            "BE7ED6AE78",
            "AES in CBC from a zero IV, 80 00 padding cut",
        ),
        (
            "CEDE542A82B5735693E490E1894EB085",
            "BE7ED6AE78",
            "AES in CBC from a zero IV, zero padding cut",
        ),
        (
            "65BBD6343E9087EF28066DB2EAB91401717B78258FBE75BC40E856426D98951D",
            "377822C093",
            "AES in CBC from a zero IV, PKCS#7 padding cut",
        ),
        (
            "08E0F42A19819E93D8788C5EFE8C1B9561FE2573A6D4EA867E2841F6C2A3B403",
            "377822C093",
            "AES in ECB, block by block, 80 00 padding cut",
        ),
    ] {
        let file = format!("ED6A007C4841F8423969D83D86D62A6D{rest}");
        let said = of_bytes(&file, AES_KEK, KeyForm::Aes256, value);
        let named = said.answer[0].ends_with(&format!("read by {words}."));
        assert!(!said.good && named, "{file}: {said:?}");
    }
}

/// The letter of a payShield's key scheme is no part of a block: `R` in front of
/// TR-31, and `S` left out of a block of its own.
#[test]
fn a_block_is_read_with_and_without_the_letter_of_its_scheme() {
    let tagged = format!("R{D}");
    let same = verdict(&tagged, AES_KEK, KeyForm::Aes256, "");
    assert_eq!(same, verdict(D, AES_KEK, KeyForm::Aes256, ""));
    assert!(same.good, "{same:?}");
    let bare = verdict(&S[1..], LMK, KeyForm::Tdes2, "CB9DEA");
    assert_eq!(bare, verdict(S, LMK, KeyForm::Tdes2, "CB9DEA"));
    assert!(bare.good, "{bare:?}");
    for text in [D, &tagged, S, &S[1..]] {
        let what = &crate::inspect::inspect(text.as_bytes())[0].may_be[0];
        assert_eq!(what.confidence.word(), "certain", "{text}");
    }
}
