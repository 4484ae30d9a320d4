//! TLS: 1.2 or newer, ring, the system's authorities or those of one connection.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// Why https is not possible; plain http still is.
pub(crate) type TlsFault = String;

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, TlsFault> {
    // Named explicitly: the process-wide default would depend on who set it first.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| error.to_string())
}

fn finished(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

/// Trusts what this machine trusts.
pub(crate) fn system() -> Result<ClientConfig, TlsFault> {
    let config = builder()?.with_platform_verifier().map_err(|error| {
        format!("{error}; install the system's certificates (Debian: `ca-certificates`)")
    })?;
    Ok(finished(config.with_no_client_auth()))
}

/// Trusts only the given authorities.
pub(crate) fn only(authorities_pem: &str) -> Result<ClientConfig, TlsFault> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authorities_pem.as_bytes()) {
        let certificate =
            certificate.map_err(|error| format!("the connection's certificates: {error}"))?;
        roots
            .add(certificate)
            .map_err(|error| format!("the connection's certificates: {error}"))?;
    }
    if roots.is_empty() {
        return Err("the connection's certificates hold no PEM certificate".to_owned());
    }
    Ok(finished(builder()?.with_root_certificates(roots).with_no_client_auth()))
}

/// Trusts nobody: for plain http where https is not possible.
pub(crate) fn nobody() -> Result<ClientConfig, TlsFault> {
    let config = builder()?.with_root_certificates(RootCertStore::empty());
    Ok(finished(config.with_no_client_auth()))
}
