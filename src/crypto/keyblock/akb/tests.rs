use super::*;
use crate::primitive::vectors::{field, of};
use crate::secret::Secret;
use proptest::prelude::*;

fn secret(bytes: &[u8]) -> Secret {
    Secret::from_fn(bytes.len(), |to| to.copy_from_slice(bytes))
}

#[test]
fn published_blocks_both_ways() {
    for vector in of("atalla.json", "akb_unwrap") {
        let text = vector["inputs"]["key_block"].as_str().unwrap();
        let kek = secret(&field(&vector["inputs"], "kek"));
        let found = Akb::parse(text.as_bytes()).unwrap().unwrap(&kek).unwrap();
        assert!(
            found.key.ct_eq(&field(&vector["expected"], "key")),
            "{vector}"
        );
        assert!(found.strong_enough);
        let again = akb_wrap(&kek, found.header, &found.key).unwrap();
        assert_eq!(again.text(), text);
    }
}

#[test]
fn no_character_can_be_changed() {
    let vector = &of("atalla.json", "akb_unwrap")[1];
    let text = vector["inputs"]["key_block"].as_str().unwrap();
    let kek = secret(&field(&vector["inputs"], "kek"));
    for at in 0..text.len() {
        for other in ['0', 'A', ',', 'f'] {
            let mut changed = text.to_owned();
            changed.replace_range(at..=at, &other.to_string());
            let read = Akb::parse(changed.as_bytes()).and_then(|b| b.unwrap(&kek));
            assert_eq!(read.is_ok(), changed == text, "{at} {other}");
        }
    }
}

#[test]
fn what_is_no_block_is_named() {
    let body = "D3266EC69C61820019F4A9640A8F603DA14F78E154C7522D";
    let mac = "55720A06F8964B8F";
    let parse = |text: &str| Akb::parse(text.as_bytes()).unwrap_err();
    assert_eq!(parse(""), AkbError::Parts(1));
    assert_eq!(parse(&format!("1PUNE000,{body}")), AkbError::Parts(2));
    assert_eq!(
        parse(&format!("1PUNE000,{body},{mac},")),
        AkbError::Parts(4)
    );
    assert_eq!(parse(&format!("1PUNE00,{body},{mac}")), AkbError::Header);
    assert_eq!(parse(&format!("1PUNE 00,{body},{mac}")), AkbError::Header);
    assert_eq!(
        parse(&format!("3PUNE000,{body},{mac}")),
        AkbError::Format('3')
    );
    assert_eq!(
        parse(&format!("1PUNE000,{},{mac}", &body[2..])),
        AkbError::Key
    );
    assert_eq!(
        parse(&format!("1PUNE000,{}zz,{mac}", &body[2..])),
        AkbError::Key
    );
    assert_eq!(
        parse(&format!("1PUNE000,{body},{}", &mac[1..])),
        AkbError::Mac
    );
    assert_eq!(parse(&format!("1PUNE000,{body},{mac}\n")), AkbError::Mac);
}

#[test]
fn the_header_by_the_tables() {
    let header = |text: &str| AkbHeader::parse(text.as_bytes()).unwrap();
    for known in [
        "1KDNE000", "1KDNE0I0", "1PUNE000", "1MDNE000", "1DDNE000", "1CDNE000", "1VVNE000",
        "1mENE000", "1mENE00M", "1mENE00E", "1ADNE000", "1kDNE000", "1V3NE000",
    ] {
        assert_eq!(header(known).fault(), Ok(()), "{known}");
    }
    let fault = header("1PUNE100").fault().unwrap_err();
    assert_eq!((fault.at, fault.value), (5, '1'));
    assert!(fault.to_string().contains("B5"));
    assert!(header("1PUNE020").is_component());
    assert_eq!(header("1PUNS000").exportability(), 'S');
}

#[test]
fn lengths_and_strength() {
    let header = AkbHeader::parse(b"1PUNE000").unwrap();
    let (one, two, three) = (secret(&[1; 8]), secret(&[2; 16]), secret(&[3; 24]));
    let wrap = |kek: &Secret, key: &Secret| akb_wrap(kek, header, key).err();
    assert_eq!(wrap(&one, &two), Some(AkbError::Wrapping(8)));
    assert_eq!(wrap(&two, &three), Some(AkbError::Weaker));
    assert_eq!(wrap(&two, &secret(&[0; 12])), Some(AkbError::Length(12)));
    assert_eq!(wrap(&two, &one), None);
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(
        kek in prop::collection::vec(any::<u8>(), 24),
        mut key in prop::collection::vec(any::<u8>(), 24),
        long in any::<bool>(), parts in 1usize..4,
    ) {
        let kek = secret(if long { &kek } else { &kek[..16] });
        crate::primitive::des_keys::set_odd_parity(&mut key);
        let key = secret(&key[..parts * 8]);
        let header = AkbHeader::parse(b"1PUNE000").unwrap();
        let block = akb_wrap(&kek, header, &key);
        prop_assert_eq!(block.is_ok(), kek.len() >= key.len());
        let Ok(block) = block else { return Ok(()) };
        let read = Akb::parse(block.text().as_bytes()).unwrap();
        prop_assert_eq!(&read, &block);
        prop_assert!(read.unwrap(&kek).unwrap().key.ct_eq(key.expose()));
    }
}
