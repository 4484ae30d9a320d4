//! The host's answers to what a guest imports. They run within the guest's call
//! and must not panic; whatever the guest hands over is taken for hostile.

use plugin_gateway::files::VERSION_ABSENT;
use plugin_gateway::{
    CryptoFault, FileFault, FileInfo, HttpFault, HttpRequest, Mac, MailDelivery, MailFault,
    MailMessage, MailSecurity, MailServer, Sealing, Signing,
};
use wasmtime::component::Resource;

use super::imported::{
    clock, crypto, files, http, http_streams, log, mail, random, sql, state as kept, types,
};
use super::state::GuestState;
use crate::limits::{FILE_PART_BYTES_MAX, RANDOM_BYTES_MAX};
use crate::way::{Errand, KeyWork, Level};

impl types::Host for GuestState {}

impl log::Host for GuestState {
    async fn write(&mut self, level: log::Level, message: String) {
        let Some(line) = self.log.accept(&message) else { return };
        let line = self.way.told(log_level(level), &line);
        let (connection, connector) = (&*self.connection, &*self.connector);
        match level {
            log::Level::Debug => tracing::debug!(connection, connector, "{line}"),
            log::Level::Info => tracing::info!(connection, connector, "{line}"),
            log::Level::Warn => tracing::warn!(connection, connector, "{line}"),
            log::Level::Error => tracing::error!(connection, connector, "{line}"),
        }
    }
}

const fn log_level(level: log::Level) -> Level {
    match level {
        log::Level::Debug => Level::Debug,
        log::Level::Info => Level::Info,
        log::Level::Warn => Level::Warn,
        log::Level::Error => Level::Error,
    }
}

impl clock::Host for GuestState {
    async fn now(&mut self) -> i64 {
        self.call.now.0
    }
}

impl random::Host for GuestState {
    async fn bytes(&mut self, count: u32) -> Vec<u8> {
        let count = usize::try_from(count.min(RANDOM_BYTES_MAX)).unwrap_or_default();
        self.random(count)
    }
}

impl http::Host for GuestState {
    async fn send(&mut self, request: http::Request) -> Result<http::Response, http::Error> {
        let request = HttpRequest {
            method: request.method,
            url: request.url,
            headers: request.headers.into_iter().map(|it| (it.name, it.value)).collect(),
            body: request.body,
            credential: request.credential,
        };
        let response = self.way.clone().http(request).await.map_err(http_error)?;
        let headers = response.headers.into_iter();
        Ok(http::Response {
            status: response.status,
            headers: headers.map(|(name, value)| http::Header { name, value }).collect(),
            body: response.body,
        })
    }
}

fn http_error(fault: HttpFault) -> http::Error {
    match fault {
        HttpFault::Denied(why) => http::Error::Denied(why),
        HttpFault::Timeout => http::Error::Timeout,
        HttpFault::Connect(why) => http::Error::Connect(why),
        HttpFault::Broken(why) => http::Error::Broken(why),
        HttpFault::TooLarge { limit_bytes, .. } => {
            http::Error::TooLarge(u64::try_from(limit_bytes).unwrap_or(u64::MAX))
        }
        HttpFault::BudgetExhausted => http::Error::BudgetExhausted,
        HttpFault::Invalid(why) => http::Error::Invalid(why),
        HttpFault::Credential(why) => http::Error::Credential(why),
    }
}

impl files::Host for GuestState {
    async fn list(&mut self, folder: String) -> Result<Vec<files::FileState>, files::Error> {
        let files = self.way.clone().files(folder).await.map_err(file_error)?;
        Ok(files.into_iter().map(file_stat).collect())
    }

    async fn stat(
        &mut self,
        folder: String,
        name: String,
    ) -> Result<files::FileState, files::Error> {
        let info = self.way.clone().file(Errand::Stat { folder, name }).await;
        info.map(file_stat).map_err(file_error)
    }

    async fn read(
        &mut self,
        folder: String,
        name: String,
        offset: u64,
        bytes_max: u32,
    ) -> Result<files::Part, files::Error> {
        let way = self.way.clone();
        let wanted = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        // Asking for more than one read gives is no fault: less may come back,
        // but then only at the end of the file, so the rest is read too.
        let mut part = files::Part { data: Vec::new(), version: String::new() };
        loop {
            let missing = wanted.saturating_sub(part.data.len());
            let step = missing.min(plugin_gateway::files::READ_BYTES_MAX);
            let at = offset.saturating_add(u64::try_from(part.data.len()).unwrap_or(u64::MAX));
            let (folder, name) = (folder.clone(), name.clone());
            let errand = Errand::Read { folder, name, offset: at, bytes_max: step };
            let range = way.part(errand).await.map_err(file_error)?;
            let changed = !part.version.is_empty() && part.version != range.info.version;
            if changed {
                return Err(files::Error::Conflict);
            }
            part.version = range.info.version;
            let got = range.bytes.len();
            part.data.extend_from_slice(&range.bytes);
            if got < step || part.data.len() >= wanted {
                return Ok(part);
            }
            if part.data.len() >= FILE_PART_BYTES_MAX {
                let limit = u64::try_from(FILE_PART_BYTES_MAX).unwrap_or(u64::MAX);
                return Err(files::Error::TooLarge(limit));
            }
        }
    }

    async fn write(
        &mut self,
        folder: String,
        name: String,
        data: Vec<u8>,
        expected: Option<String>,
    ) -> Result<files::FileState, files::Error> {
        let expected = expected.unwrap_or_else(|| VERSION_ABSENT.to_owned());
        let written = self.way.clone().file(Errand::Write { folder, name, data, expected }).await;
        written.map(file_stat).map_err(file_error)
    }
}

fn file_stat(info: FileInfo) -> files::FileState {
    files::FileState {
        name: info.name,
        size: info.size_bytes,
        version: info.version,
        modified: None,
    }
}

fn file_error(fault: FileFault) -> files::Error {
    match fault {
        FileFault::Denied(why) | FileFault::Invalid(why) => files::Error::Denied(why),
        FileFault::NotFound => files::Error::NotFound,
        FileFault::Changed { .. } => files::Error::Conflict,
        FileFault::TooLarge { limit_bytes } => {
            files::Error::TooLarge(u64::try_from(limit_bytes).unwrap_or(u64::MAX))
        }
        other => files::Error::Io(other.to_string()),
    }
}

impl mail::Host for GuestState {
    async fn send(
        &mut self,
        server: mail::Server,
        message: mail::Message,
    ) -> Result<Vec<mail::Delivery>, mail::Error> {
        let message = MailMessage {
            sender: message.sender,
            recipients: message.recipients,
            headers: message.headers,
            body: message.body,
        };
        let sent = self.way.clone().mail(mail_server(server), message).await;
        Ok(sent.map_err(mail_error)?.into_iter().map(mail_delivery).collect())
    }

    async fn check(&mut self, server: mail::Server) -> Result<(), mail::Error> {
        self.way.clone().check_mail(mail_server(server)).await.map_err(mail_error)
    }
}

fn mail_server(server: mail::Server) -> MailServer {
    let security = match server.security {
        mail::Security::Tls => MailSecurity::Tls,
        mail::Security::Starttls => MailSecurity::StartTls,
        mail::Security::None => MailSecurity::None,
    };
    MailServer { address: server.address, security, credential: server.credential }
}

fn mail_delivery(delivery: MailDelivery) -> mail::Delivery {
    match delivery {
        MailDelivery::Accepted(reply) => mail::Delivery::Accepted(reply),
        MailDelivery::Deferred(reply) => mail::Delivery::Deferred(reply),
        MailDelivery::Refused(reply) => mail::Delivery::Refused(reply),
        MailDelivery::Unknown(why) => mail::Delivery::Unknown(why),
    }
}

fn mail_error(fault: MailFault) -> mail::Error {
    match fault {
        MailFault::Denied(why) => mail::Error::Denied(why),
        MailFault::Invalid(why) => mail::Error::Invalid(why),
        MailFault::TooLarge { limit_bytes } => {
            mail::Error::TooLarge(u64::try_from(limit_bytes).unwrap_or(u64::MAX))
        }
        MailFault::BudgetExhausted => mail::Error::BudgetExhausted,
        MailFault::Connect(why) => mail::Error::Connect(why),
        MailFault::Credential(why) => mail::Error::Credential(why),
        MailFault::Deferred(reply) => mail::Error::Deferred(reply),
        MailFault::Refused(reply) => mail::Error::Refused(reply),
    }
}

impl crypto::Host for GuestState {
    async fn hmac(
        &mut self,
        slot: String,
        algorithm: crypto::Mac,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, crypto::Error> {
        let algorithm = match algorithm {
            crypto::Mac::HmacSha1 => Mac::HmacSha1,
            crypto::Mac::HmacSha256 => Mac::HmacSha256,
            crypto::Mac::HmacSha512 => Mac::HmacSha512,
        };
        let work = KeyWork::Mac(algorithm);
        let errand = Errand::Key { slot, work, data, associated: Vec::new() };
        self.way.clone().key(errand).await.map_err(crypto_error)
    }

    async fn sign(
        &mut self,
        slot: String,
        algorithm: crypto::Signature,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, crypto::Error> {
        let algorithm = match algorithm {
            crypto::Signature::Rs256 => Signing::Rs256,
            crypto::Signature::Es256 => Signing::Es256,
        };
        let work = KeyWork::Sign(algorithm);
        let errand = Errand::Key { slot, work, data, associated: Vec::new() };
        self.way.clone().key(errand).await.map_err(crypto_error)
    }

    async fn seal(
        &mut self,
        slot: String,
        algorithm: crypto::Aead,
        data: Vec<u8>,
        associated: Vec<u8>,
    ) -> Result<Vec<u8>, crypto::Error> {
        let work = KeyWork::Seal(sealing(algorithm));
        let errand = Errand::Key { slot, work, data, associated };
        self.way.clone().key(errand).await.map_err(crypto_error)
    }

    async fn open(
        &mut self,
        slot: String,
        algorithm: crypto::Aead,
        data: Vec<u8>,
        associated: Vec<u8>,
    ) -> Result<Vec<u8>, crypto::Error> {
        let work = KeyWork::Open(sealing(algorithm));
        let errand = Errand::Key { slot, work, data, associated };
        self.way.clone().key(errand).await.map_err(crypto_error)
    }
}

const fn sealing(algorithm: crypto::Aead) -> Sealing {
    match algorithm {
        crypto::Aead::Aes256Gcm => Sealing::Aes256Gcm,
        crypto::Aead::Xchacha20Poly1305 => Sealing::XChaCha20Poly1305,
    }
}

fn crypto_error(fault: CryptoFault) -> crypto::Error {
    match fault {
        CryptoFault::Slot(why) => crypto::Error::Slot(why),
        CryptoFault::NotAuthentic => crypto::Error::NotAuthentic,
    }
}

// What this version of the host does not do yet answers so, typed.

impl http_streams::Host for GuestState {
    async fn fetch(
        &mut self,
        _request: http::Request,
    ) -> Result<Resource<http_streams::Download>, http::Error> {
        Err(http::Error::NotSupported)
    }

    async fn send_parts(
        &mut self,
        _request: http::Request,
    ) -> Result<Resource<http_streams::Upload>, http::Error> {
        Err(http::Error::NotSupported)
    }
}

/// No download is ever handed out, so these are never reached by a guest.
impl http_streams::HostDownload for GuestState {
    async fn status(&mut self, _download: Resource<http_streams::Download>) -> u16 {
        0
    }

    async fn headers(&mut self, _download: Resource<http_streams::Download>) -> Vec<http::Header> {
        Vec::new()
    }

    async fn read(
        &mut self,
        _download: Resource<http_streams::Download>,
        _bytes_max: u32,
    ) -> Result<Vec<u8>, http::Error> {
        Err(http::Error::NotSupported)
    }

    async fn drop(&mut self, _download: Resource<http_streams::Download>) -> wasmtime::Result<()> {
        Ok(())
    }
}

/// No upload is ever handed out, so these are never reached by a guest.
impl http_streams::HostUpload for GuestState {
    async fn write(
        &mut self,
        _upload: Resource<http_streams::Upload>,
        _part: Vec<u8>,
    ) -> Result<(), http::Error> {
        Err(http::Error::NotSupported)
    }

    async fn finish(
        &mut self,
        _upload: Resource<http_streams::Upload>,
    ) -> Result<http::Response, http::Error> {
        Err(http::Error::NotSupported)
    }

    async fn drop(&mut self, _upload: Resource<http_streams::Upload>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl kept::Host for GuestState {
    async fn get(&mut self, _name: String) -> Result<Option<Vec<u8>>, kept::Error> {
        Err(kept::Error::NotSupported)
    }

    async fn put(&mut self, _name: String, _value: Option<Vec<u8>>) -> Result<(), kept::Error> {
        Err(kept::Error::NotSupported)
    }
}

impl sql::Host for GuestState {
    async fn query(
        &mut self,
        _database: String,
        _statement: String,
        _parameters: String,
        _rows_max: u32,
    ) -> Result<types::Batch, sql::Error> {
        Err(sql::Error::NotSupported)
    }

    async fn execute(
        &mut self,
        _database: String,
        _statements: Vec<(String, String)>,
    ) -> Result<Vec<u64>, sql::Error> {
        Err(sql::Error::NotSupported)
    }
}
