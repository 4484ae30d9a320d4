//! https: the certificate must be valid, for the host, and of a trusted authority.

use std::net::IpAddr;
use std::sync::Arc;

use plugin_gateway::http::{HttpFault, HttpLimits};
use plugin_gateway::{Gateway, GatewayOptions, Grants};
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;

use crate::server::{Answer, Fixed, Reply, get, policy, serve};

/// Who signs certificates.
pub struct Authority {
    pub certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

pub fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    Authority { certificate, issuer: Issuer::new(params, key) }
}

impl Authority {
    /// Serves https under names, on a listener.
    pub fn serve(&self, listener: TcpListener, names: &[&str], expired: bool, answer: Answer) {
        let acceptor = acceptor(self, names, expired);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, answer) = (acceptor.clone(), answer.clone());
                tokio::spawn(async move {
                    if let Ok(socket) = acceptor.accept(socket).await {
                        serve(socket, answer, Arc::default()).await;
                    }
                });
            }
        });
    }
}

/// What a server with a certificate for names accepts connections with.
pub fn acceptor(authority: &Authority, names: &[&str], expired: bool) -> tokio_rustls::TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    if expired {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    }
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    tokio_rustls::TlsAcceptor::from(Arc::new(config))
}

/// An https server on the loopback interface for a name; gives the port.
async fn start(authority: &Authority, name: &str, expired: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    authority.serve(listener, &[name], expired, Arc::new(|_| Reply::new(200, "safe")));
    port
}

async fn ask(port: u16, trusted: Option<String>) -> Result<Vec<u8>, HttpFault> {
    let address: IpAddr = "127.0.0.1".parse().unwrap();
    let options =
        GatewayOptions { lookup: Arc::new(Fixed(vec![address])), ..GatewayOptions::default() };
    let grants = Grants {
        hosts: vec![format!("erp.example.com:{port}").parse().unwrap()],
        private: vec![format!("127.0.0.1/32:{port}").parse().unwrap()],
        authorities_pem: trusted,
        ..Grants::default()
    };
    let policy = policy(grants, None, HttpLimits::default(), serde_json::Value::Null);
    let connection = Gateway::new(options).unwrap().connection(policy);
    let url = format!("https://erp.example.com:{port}/");
    connection.send(get(url)).await.map(|response| response.body)
}

#[tokio::test]
async fn a_certificate_is_accepted_from_the_granted_authority_only() {
    let (ours, other) = (authority(), authority());
    let pem = |authority: &Authority| Some(authority.certificate.pem());
    let good = start(&ours, "erp.example.com", false).await;
    assert_eq!(ask(good, pem(&ours)).await.unwrap(), b"safe");
    let cases = [
        ("unknown to the system", good, None),
        ("another authority", good, pem(&other)),
        ("no certificate at all", good, Some("nothing".to_owned())),
        ("wrong name", start(&ours, "shop.example.com", false).await, pem(&ours)),
        ("expired", start(&ours, "erp.example.com", true).await, pem(&ours)),
    ];
    for (what, port, trusted) in cases {
        let fault = ask(port, trusted).await.unwrap_err();
        let told = fault.to_string().contains("certificate");
        assert!(matches!(fault, HttpFault::Connect(_)) && told, "{what}: {fault}");
    }
}
