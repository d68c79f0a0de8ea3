//! Which server is believed to be the cluster.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// SHA-256 of a certificate, as the web interface and `pvenode cert info` show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Reads 32 bytes in hexadecimal digits, with or without colons.
    ///
    /// # Errors
    /// [`TlsError::Fingerprint`] if it is anything else.
    pub fn parse(text: &str) -> Result<Self, TlsError> {
        let wrong = || TlsError::Fingerprint {
            text: text.to_owned(),
        };
        let digits: Vec<u32> = text
            .trim()
            .chars()
            .filter(|letter| *letter != ':')
            .map(|letter| letter.to_digit(16).ok_or_else(wrong))
            .collect::<Result<_, _>>()?;
        let bytes: Vec<u8> = digits
            .chunks(2)
            .filter_map(|pair| match pair {
                [high, low] => u8::try_from(high << 4 | low).ok(),
                _ => None,
            })
            .collect();
        let bytes = bytes.try_into().map_err(|_| wrong())?;
        if digits.len() == 64 {
            Ok(Self(bytes))
        } else {
            Err(wrong())
        }
    }

    /// That of a certificate.
    fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl core::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl core::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

/// Which certificates are accepted.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Trust {
    /// Those of an authority that the system trusts.
    #[default]
    System,
    /// Those of these authorities alone, in PEM: the cluster's `/etc/pve/pve-root-ca.pem`.
    Authorities(Vec<u8>),
    /// These certificates alone, whoever issued them: one for each node.
    Fingerprints(Vec<Fingerprint>),
    /// Any. Whoever is on the way to the cluster can take the token.
    Insecure,
}

/// Why TLS cannot be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Not a fingerprint.
    #[error(
        "{text:?} is no SHA-256 fingerprint: write 32 bytes in hexadecimal digits, as `pvenode cert info` shows them"
    )]
    Fingerprint {
        /// What was given.
        text: String,
    },
    /// The file of authorities holds none.
    #[error("there is no certificate in the CA file: give /etc/pve/pve-root-ca.pem of the cluster in PEM")]
    NoAuthority,
    /// A certificate in the file cannot be read.
    #[error("a certificate in the CA file cannot be read")]
    Authority(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The TLS library refuses.
    #[error("TLS cannot be set up")]
    Setup(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Settings of all TLS connections to a cluster, HTTP and console alike.
pub(crate) fn client_config(trust: &Trust) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.into()))?;
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::System => Arc::new(
            rustls_platform_verifier::Verifier::new(provider)
                .map_err(|error| TlsError::Setup(error.into()))?,
        ),
        Trust::Authorities(pem) => {
            let roots = Arc::new(authorities(pem)?);
            WebPkiServerVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(|error| TlsError::Setup(error.into()))?
        }
        Trust::Fingerprints(fingerprints) => Arc::new(Pinned {
            fingerprints: Some(fingerprints.clone()),
            algorithms: provider.signature_verification_algorithms,
        }),
        Trust::Insecure => Arc::new(Pinned {
            fingerprints: None,
            algorithms: provider.signature_verification_algorithms,
        }),
    };
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| TlsError::Authority(error.into()))?;
        roots
            .add(certificate)
            .map_err(|error| TlsError::Authority(error.into()))?;
    }
    if roots.is_empty() {
        return Err(TlsError::NoAuthority);
    }
    Ok(roots)
}

/// Accepts certificates by their fingerprint; without fingerprints any. The server must hold the key in both cases.
#[derive(Debug)]
struct Pinned {
    fingerprints: Option<Vec<Fingerprint>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(fingerprints) = &self.fingerprints else {
            return Ok(ServerCertVerified::assertion());
        };
        let found = Fingerprint::of(end_entity);
        if fingerprints.contains(&found) {
            return Ok(ServerCertVerified::assertion());
        }
        let message =
            format!("the certificate has the fingerprint {found}, which is not among the pinned ones");
        let other = rustls::OtherError(Arc::new(std::io::Error::other(message)));
        Err(CertificateError::Other(other).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether an error of a connection is about the server's certificate.
pub(crate) fn is_certificate_error(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref::<rustls::Error>() {
            return true;
        }
        // An I/O error shows the source of what it wraps, not what it wraps.
        let inner = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_with_and_without_colons() {
        let bytes = [0xab; 32];
        let plain: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let colons = Fingerprint(bytes).to_string();
        assert_eq!(colons.len(), 95);
        assert_eq!(Fingerprint::parse(&plain).ok(), Some(Fingerprint(bytes)));
        assert_eq!(Fingerprint::parse(&colons).ok(), Some(Fingerprint(bytes)));
        for wrong in [
            "",
            "AB",
            "sha256",
            &plain[1..],
            &format!("{plain}0"),
            &format!("{plain}00"),
        ] {
            assert!(Fingerprint::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let trust = Trust::Authorities(b"nothing here".to_vec());
        assert!(matches!(client_config(&trust), Err(TlsError::NoAuthority)));
        assert!(client_config(&Trust::Insecure).is_ok());
    }
}
