//! Files that appear whole or not at all.
//!
//! - The bytes are on the disk before the name is.
//! - The unfinished file lies beside its target, hidden, readable by its owner only.
//! - A symbolic link is followed.

use std::io::Result;
use std::path::{Path, PathBuf};

use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;

use super::core::file_names::safe_file_name;

/// Characters of the target's name in that of the unfinished file; file systems allow 255 bytes.
const NAME_CHARS: usize = 50;

/// Write to it, then commit. Dropping it removes what was written, or with `keep_partial` names it `<name>.partial`.
pub(super) struct AtomicFile {
    target: PathBuf,
    unfinished: PathBuf,
    file: File,
    keep_partial: bool,
    ended: bool,
}

impl AtomicFile {
    pub(super) async fn create(target: &Path, keep_partial: bool) -> Result<Self> {
        let target = fs::canonicalize(target).await.unwrap_or_else(|_| target.to_owned());
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let short: String = name.chars().take(NAME_CHARS).collect();
        let unfinished = target.with_file_name(format!(".{short}.{:08x}.part", fastrand::u32(..)));
        let mut options = fs::OpenOptions::new();
        options.create_new(true).write(true);
        #[cfg(unix)]
        options.mode(0o600);
        let file = options.open(&unfinished).await?;
        Ok(Self { target, unfinished, file, keep_partial, ended: false })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).await
    }

    /// Give the file its name, in place of an older one.
    pub(super) async fn commit(mut self) -> Result<()> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        fs::rename(&self.unfinished, &self.target).await?;
        self.ended = true;
        sync_folder(&self.target).await;
        Ok(())
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // Nobody can be told: whoever drops it has the error that made him do so.
        let _lost = if self.keep_partial {
            let name = self.target.file_name().unwrap_or_default().to_string_lossy();
            std::fs::rename(&self.unfinished, self.target.with_file_name(format!("{name}.partial")))
        } else {
            std::fs::remove_file(&self.unfinished)
        };
    }
}

/// Makes a new name durable where folders can be opened; elsewhere the file itself is safe.
async fn sync_folder(target: &Path) {
    if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        if let Ok(folder) = File::open(folder).await {
            let _unsupported = folder.sync_all().await;
        }
    }
}

/// The path itself, or in a folder the served name made safe; an error if that is taken.
pub(super) async fn choose_target(path: &Path, served: &str) -> Result<PathBuf> {
    if !fs::metadata(path).await.is_ok_and(|about| about.is_dir()) {
        return Ok(path.to_owned());
    }
    let target = path.join(safe_file_name(served));
    if fs::symlink_metadata(&target).await.is_ok() {
        let message = format!("{} exists already", target.display());
        return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, message));
    }
    Ok(target)
}
