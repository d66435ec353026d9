//! TLS to a PostgreSQL server: name and certificate are always checked, by the certificates that the system trusts or by
//! those of a file. Only connections that do not leave this machine may go without.

use crate::outcome::Failure;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::BuilderVerifierExt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How a connection is secured.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    is_used: bool,
    /// The file with the certificates that are trusted; none: those of the system.
    root: Option<PathBuf>,
}

impl Tls {
    /// By the options of an address (`sslmode`, `sslrootcert`); `is_near`: the server is on this machine.
    pub(super) fn of(mode: Option<&str>, root: Option<PathBuf>, is_near: bool, by: &str) -> Result<Tls, Failure> {
        let is_used = match mode {
            None | Some("prefer" | "allow") => !is_near || root.is_some(),
            Some("require" | "verify-ca" | "verify-full") => true,
            Some("disable") if is_near => false,
            Some("disable") => {
                return Err(Failure::usage(format!(
                    "`{by}`: the database is on another machine, and may not be used without TLS"
                ))
                .hint("leave `sslmode` out, or set it to `verify-full`; `sslrootcert` names a private certificate"));
            }
            Some(_) => {
                return Err(Failure::usage(format!("`{by}`: this `sslmode` does not exist"))
                    .hint("`verify-full` is the default; `disable` is for servers on this machine"));
            }
        };
        Ok(Tls { is_used, root })
    }

    /// What the driver has to do.
    pub(super) fn mode(&self) -> SslMode {
        if self.is_used { SslMode::Require } else { SslMode::Disable }
    }

    /// What makes connections secure.
    ///
    /// # Errors
    /// Exit 2 when the file of certificates cannot be read; exit 1 when the certificates of the system cannot.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, Failure> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let fault = |error: rustls::Error| Failure::failed("TLS cannot be set up").cause(error);
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(fault)?;
        let config = match &self.root {
            Some(_) => builder.with_root_certificates(self.roots()?),
            // What is not used is not asked of the system.
            None if !self.is_used => builder.with_root_certificates(rustls::RootCertStore::empty()),
            None => builder.with_platform_verifier().map_err(fault)?,
        };
        Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
    }

    fn roots(&self) -> Result<rustls::RootCertStore, Failure> {
        let mut roots = rustls::RootCertStore::empty();
        let Some(path) = &self.root else { return Ok(roots) };
        let message = format!("the certificates in `{}` cannot be read", path.display());
        let fault = |error: &dyn std::fmt::Display| Failure::usage(message.clone()).cause(error);
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fault(&error))? {
            roots.add(certificate.map_err(|error| fault(&error))?).map_err(|error| fault(&error))?;
        }
        if roots.is_empty() {
            return Err(fault(&"there is none"));
        }
        Ok(roots)
    }
}
