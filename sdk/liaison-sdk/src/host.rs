//! The one seam between a connector and its host: on WebAssembly the imports
//! of the contract, elsewhere the script of a test. Everything above is the
//! same code in both.

#[cfg(target_arch = "wasm32")]
mod imports {
    use crate::bindings::host::liaison::connector::{clock, files, http, log, mail, random};

    pub fn http_send(request: &http::Request) -> Result<http::Response, http::Error> {
        http::send(request)
    }

    pub fn files_list(folder: &str) -> Result<Vec<files::FileState>, files::Error> {
        files::list(folder)
    }

    pub fn files_stat(folder: &str, name: &str) -> Result<files::FileState, files::Error> {
        files::stat(folder, name)
    }

    pub fn files_read(
        folder: &str,
        name: &str,
        offset: u64,
        bytes_max: u32,
    ) -> Result<files::Part, files::Error> {
        files::read(folder, name, offset, bytes_max)
    }

    pub fn files_write(
        folder: &str,
        name: &str,
        data: &[u8],
        expected: Option<&str>,
    ) -> Result<files::FileState, files::Error> {
        files::write(folder, name, data, expected)
    }

    pub fn mail_send(
        server: &mail::Server,
        message: &mail::Message,
    ) -> Result<Vec<mail::Delivery>, mail::Error> {
        mail::send(server, message)
    }

    pub fn mail_check(server: &mail::Server) -> Result<(), mail::Error> {
        mail::check(server)
    }

    pub fn log(level: log::Level, message: &str) {
        log::write(level, message);
    }

    pub fn now() -> i64 {
        clock::now()
    }

    pub fn random(count: u32) -> Vec<u8> {
        random::bytes(count)
    }
}

#[cfg(target_arch = "wasm32")]
pub(crate) use imports::*;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::host::*;
