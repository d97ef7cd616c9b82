//! A PostgreSQL installation of a server's own: its library and its extension's scripts may be replaced.

use crate::Server;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

impl Server {
    /// As [`Server::with`], of a copy of the installation. Programs find their files relative to
    /// themselves, so a copy of the directory that has them all is one.
    pub fn with_installation<N: Display, V: Display>(settings: &[(N, V)]) -> Server {
        let mut server = Server::without_data();
        // By the original: of its programs some find libraries beside it.
        server.init();
        let (share, lib) = (
            config(&server.bin, "--sharedir"),
            config(&server.bin, "--pkglibdir"),
        );
        let common = server
            .bin
            .ancestors()
            .find(|place| share.starts_with(place) && lib.starts_with(place))
            .expect("one directory has them all");
        let copy = server.dir.join("installation");
        let status = Command::new("cp").arg("-a").args([common, &copy]).status();
        assert!(status.is_ok_and(|status| status.success()), "cp -a");
        server.bin = copy.join(server.bin.strip_prefix(common).expect("an ancestor"));
        server.configure(settings);
        server.start_postmaster();
        server
    }

    /// Where the extension's control file and scripts are.
    pub fn scripts(&self) -> PathBuf {
        config(&self.bin, "--sharedir").join("extension")
    }

    /// Replaces the library as a package manager does: a new file, renamed over the old one, so that who
    /// has the old one mapped keeps it.
    pub fn replace_library(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let library = config(&self.bin, "--pkglibdir").join("realtime_sync.so");
        let mut content = fs::read(&library).expect("the library");
        change(&mut content);
        let new = library.with_extension("so.new");
        fs::write(&new, content).expect("the new library");
        let mode = fs::metadata(&library).expect("the library").permissions();
        fs::set_permissions(&new, mode).expect("its mode");
        fs::rename(&new, &library).expect("the new library in place");
    }
}

fn config(bin: &Path, what: &str) -> PathBuf {
    let output = Command::new(bin.join("pg_config")).arg(what).output();
    let output = output.expect("pg_config runs");
    let path = String::from_utf8(output.stdout).expect("a path");
    PathBuf::from(path.trim())
}
