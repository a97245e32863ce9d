use super::*;
use crate::secret::testing::Seeded;

fn encoded(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = RsaPublicKey {
        modulus: UintRef::new(modulus).unwrap(),
        public_exponent: UintRef::new(exponent).unwrap(),
    };
    let key = key.to_der().unwrap();
    let spki = x509_cert::spki::SubjectPublicKeyInfoOwned {
        algorithm: x509_cert::spki::AlgorithmIdentifierOwned {
            oid: RSA_ENCRYPTION,
            parameters: Some(x509_cert::der::Any::null()),
        },
        subject_public_key: x509_cert::der::asn1::BitString::from_bytes(&key).unwrap(),
    };
    spki.to_der().unwrap()
}

fn modulus_of(public: &Public) -> Vec<u8> {
    let spki = SubjectPublicKeyInfoRef::from_der(public.spki()).unwrap();
    let bits = spki.subject_public_key.as_bytes().unwrap();
    let key = RsaPublicKey::<UintRef<'_>>::from_der(bits).unwrap();
    key.modulus.as_bytes().to_vec()
}

#[test]
fn a_key_reads_back_and_what_is_weak_is_named() {
    let (private, public) = generate(2048, &mut Seeded::new(5)).unwrap();
    assert_eq!((public.bits(), public.exponent()), (2048, EXPONENT));
    assert_eq!(public_of(&private).unwrap(), public);
    assert_eq!(Public::read(public.spki()).unwrap(), public);
    let pem = public.pem().unwrap();
    assert_eq!(Public::read(pem.as_bytes()).unwrap(), public);
    let n = modulus_of(&public);
    let read = |n: &[u8], e: &[u8]| Public::read(&encoded(n, e));
    assert_eq!(read(&n, &[1, 0, 1]).unwrap(), public);
    for e in [&[1][..], &[3], &[1, 0, 0], &[1, 0, 2], &[1, 0, 0, 0, 1]] {
        assert_eq!(read(&n, e), Err(RsaError::Exponent), "{e:?}");
    }
    assert!(read(&n, &[1, 0, 3]).is_ok());
    assert_eq!(read(&n[..128], &[1, 0, 1]), Err(RsaError::Size(1024)));
    assert_eq!(read(&n[..255], &[1, 0, 1]), Err(RsaError::Size(2040)));
    let mut even = n.clone();
    even[255] ^= 1;
    assert_eq!(read(&even, &[1, 0, 1]), Err(RsaError::Divisible(2)));
    // The next multiple of 65521, the largest prime of 16 bits, that no other
    // small prime divides.
    let mut divisible = None;
    for low in (1..=u16::MAX).step_by(2) {
        let mut other = n.clone();
        other[252..254].copy_from_slice(&low.to_be_bytes());
        if rest(&other, 65_521) == 0 {
            divisible = Some(read(&other, &[1, 0, 1]));
            break;
        }
    }
    if let Some(read) = divisible {
        assert!(matches!(read, Err(RsaError::Divisible(_))), "{read:?}");
    }
}

/// The broken generator's primes are k·M + 65537^a mod M: so is their product,
/// modulo each prime of M.
#[test]
fn moduli_of_the_broken_generator_are_recognised() {
    assert!(is_power(1, 11) && is_power(65_537 % 11, 11));
    let generators = ROCA.iter().filter(|p| (1..**p).all(|n| is_power(n, **p)));
    assert!(
        generators.count() < ROCA.len(),
        "it would fit every modulus"
    );
    // A modulus that is 1 modulo each of them: 1 + k · their product.
    let mut n = vec![0u8; 256];
    n[0] = 0x80;
    let product: u128 = ROCA.iter().map(|p| u128::from(*p)).product::<u128>() * 2;
    for _ in 0..200 {
        // Brings n to 1 modulo the product, then goes on by it.
        let over = n.iter().fold(0u128, |rest, byte| {
            (rest * 256 + u128::from(*byte)) % product
        });
        let step = (product + 1 - over) % product;
        let step = if step == 0 { product } else { step };
        let mut carry = step;
        for byte in n.iter_mut().rev() {
            carry += u128::from(*byte);
            *byte = (carry & 0xFF) as u8;
            carry >>= 8;
        }
        let read = Public::read(&encoded(&n, &[1, 0, 1]));
        match read {
            Err(RsaError::Roca) => return,
            Err(RsaError::Divisible(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("no modulus without a small divisor was found");
}

#[test]
fn what_is_no_rsa_public_key_is_refused() {
    let (_, public) = generate(2048, &mut Seeded::new(6)).unwrap();
    let mut longer = public.spki().to_vec();
    longer.push(0);
    let cut = &public.spki()[..public.spki().len() - 1];
    let pem = public.pem().unwrap();
    for bytes in [
        &longer[..],
        cut,
        b"",
        b"-----BEGIN PUBLIC KEY-----\n",
        pem.replace("PUBLIC KEY", "RSA PUBLIC KEY").as_bytes(),
        &[0x30; FILE_MOST + 1],
    ] {
        assert_eq!(Public::read(bytes), Err(RsaError::NoKey));
    }
    assert_eq!(
        generate(1024, &mut Seeded::new(7)).err(),
        Some(RsaError::Size(1024))
    );
}
