//! Published vectors, and what is refused.

#![allow(clippy::unwrap_used, reason = "tests")]

use ring::signature;

use super::{Mac, Sealing, Signing, mac, open, seal, sign};

/// The example keys of RFC 7515, appendices A.2 and A.3.
const RSA: &str = include_str!("rfc7515-a2.pem");
const EC: &str = include_str!("rfc7515-a3.pem");
/// What both sign there (A.3 with another header).
const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn keyed_hashes_are_those_of_rfc_2202_and_rfc_4231() {
    let data = b"what do ya want for nothing?";
    for (algorithm, expected) in [
        (Mac::HmacSha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (Mac::HmacSha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            Mac::HmacSha512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ] {
        assert_eq!(to_hex(&mac(b"Jefe", algorithm, data)), expected, "{algorithm:?}");
    }
}

#[test]
fn a_signature_by_rsa_is_that_of_rfc_7515() {
    use base64::Engine as _;
    let input = format!("eyJhbGciOiJSUzI1NiJ9.{CLAIMS}");
    let signed = sign(RSA, Signing::Rs256, input.as_bytes()).unwrap();
    let signed = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signed);
    let expected = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4B\
                    h-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZ\
                    LgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_d\
                    O--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6\
                    LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    assert_eq!(signed, expected);
}

#[test]
fn a_signature_by_ecdsa_holds_under_the_public_key_of_rfc_7515() {
    let public = hex("047fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445\
         c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad");
    let input = format!("eyJhbGciOiJFUzI1NiJ9.{CLAIMS}");
    let signed = sign(EC, Signing::Es256, input.as_bytes()).unwrap();
    assert_eq!(signed.len(), 64);
    let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, public);
    assert!(key.verify(input.as_bytes(), &signed).is_ok());
    assert!(key.verify(b"something else", &signed).is_err());
}

#[test]
fn a_key_of_another_kind_signs_nothing() {
    for (key, algorithm) in [
        (RSA, Signing::Es256),
        (EC, Signing::Rs256),
        ("", Signing::Rs256),
        ("not Base64!", Signing::Rs256),
        ("AAAA", Signing::Es256),
    ] {
        assert_eq!(sign(key, algorithm, b"x"), None, "{algorithm:?}");
    }
}

#[test]
fn published_ciphertexts_open() {
    // The Galois/Counter Mode of Operation (McGrew, Viega), test case 16.
    let key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    let sealed = "cafebabefacedbaddecaf888\
                  522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                  8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662\
                  76fc6ece0f4e1768cddf8853bb2d551b";
    let plain = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                 1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
    let associated = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let opened = open(&key, Sealing::Aes256Gcm, (&hex(sealed), &associated)).unwrap();
    assert_eq!(to_hex(&opened), plain);
    // draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    let key: Vec<u8> = (0x80..=0x9f).collect();
    let sealed = "404142434445464748494a4b4c4d4e4f5051525354555657\
                  bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb\
                  731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
                  2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9\
                  21f9664c97637da9768812f615c68b13b52e\
                  c0875924c1c7987947deafd8780acf49";
    let associated = hex("50515253c0c1c2c3c4c5c6c7");
    let opened = open(&key, Sealing::XChaCha20Poly1305, (&hex(sealed), &associated)).unwrap();
    assert!(opened.starts_with(b"Ladies and Gentlemen of the class of '99"), "{opened:?}");
    assert_eq!(opened.len(), 114);
}

#[test]
fn what_is_sealed_opens_with_its_key_and_place_and_with_no_other() {
    let (key, other) = ([7; 32], [8; 32]);
    for algorithm in [Sealing::Aes256Gcm, Sealing::XChaCha20Poly1305] {
        let sealed = seal(&key, algorithm, (b"plain", b"place")).unwrap();
        assert_ne!(sealed, seal(&key, algorithm, (b"plain", b"place")).unwrap());
        assert_eq!(open(&key, algorithm, (&sealed, b"place")).as_deref(), Some(&b"plain"[..]));
        assert_eq!(open(&other, algorithm, (&sealed, b"place")), None);
        assert_eq!(open(&key, algorithm, (&sealed, b"elsewhere")), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open(&key, algorithm, (&changed, b"place")), None, "{algorithm:?} {at}");
            assert_eq!(open(&key, algorithm, (&sealed[..at], b"place")), None, "{at}");
        }
    }
}
