//! The pre-commit hook: `git commit` asks planwright first.
//!
//! The hook is three lines of shell that call the program that installed it. A hook that somebody
//! else wrote is kept as `pre-commit.local` and runs first; nothing is ever overwritten. A hooks
//! folder outside the repository serves other repositories too and is left alone.

use std::path::{Path, PathBuf};

use crate::error::{Exit, Failure};
use crate::fs;

/// What makes a hook ours.
const MARK: &str = "# planwright review hook";
const NAME: &str = "pre-commit";
const KEPT: &str = "pre-commit.local";

/// Why the hook could not be installed or removed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Both names are taken by hooks of somebody else.
    #[error("`{}` is a hook of somebody else, and `{KEPT}` beside it is taken too", path.display())]
    Taken {
        /// The hook.
        path: PathBuf,
    },
    /// The hooks folder is not this repository's own.
    #[error("the hooks folder `{}` is not inside this repository", folder.display())]
    Elsewhere {
        /// Where `core.hooksPath` points.
        folder: PathBuf,
    },
    /// The hook there is not ours.
    #[error("`{}` was not written by planwright", path.display())]
    Foreign {
        /// The hook.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] fs::Error),
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Taken { .. } | Self::Elsewhere { .. } | Self::Foreign { .. } => Exit::Refused,
            Self::File(error) => error.exit(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Taken { path } => {
                let kept = path.with_file_name(KEPT);
                vec![format!("join the two into `{}`, then install again", kept.display())]
            }
            Self::Elsewhere { .. } => vec!["git config --local core.hooksPath .git/hooks".to_owned()],
            Self::Foreign { path } => vec![format!("remove it yourself: rm {}", quoted(path))],
            Self::File(error) => error.hints(),
        }
    }
}

/// What installing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The hook.
    pub path: PathBuf,
    /// Where the hook that was there before went; it runs first.
    pub kept: Option<PathBuf>,
}

/// Writes the hook into `folder`, calling `executable`. `homes` are the folders that belong to the
/// repository: its work tree and its git folder.
pub fn install(folder: &Path, homes: &[&Path], executable: &Path) -> Result<Installed, Error> {
    if !homes.iter().any(|home| folder.starts_with(home)) {
        return Err(Error::Elsewhere { folder: folder.to_owned() });
    }
    let (path, local) = (folder.join(NAME), folder.join(KEPT));
    if let Some(text) = existing(&path)?
        && !text.contains(MARK)
    {
        if existing(&local)?.is_some() {
            return Err(Error::Taken { path });
        }
        std::fs::rename(&path, &local).map_err(|source| fs::Error::new("move", &path, source))?;
    }
    fs::write(&path, script(executable).as_bytes())?;
    make_executable(&path)?;
    let kept = local.exists().then_some(local);
    Ok(Installed { path, kept })
}

/// Removes the hook and puts back the one that was there before. `false` when there was none of ours.
pub fn uninstall(folder: &Path) -> Result<bool, Error> {
    let (path, local) = (folder.join(NAME), folder.join(KEPT));
    match existing(&path)? {
        None => return Ok(false),
        Some(text) if !text.contains(MARK) => return Err(Error::Foreign { path }),
        Some(_) => fs::remove_file(&path)?,
    }
    if local.exists() {
        std::fs::rename(&local, &path).map_err(|source| fs::Error::new("move", &local, source))?;
    }
    Ok(true)
}

/// Whether the hook in `folder` is ours.
pub fn is_installed(folder: &Path) -> Result<bool, Error> {
    Ok(existing(&folder.join(NAME))?.is_some_and(|text| text.contains(MARK)))
}

/// A hook may be any program, so its bytes need not be text.
fn existing(path: &Path) -> Result<Option<String>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn script(executable: &Path) -> String {
    format!(
        "#!/bin/sh\n{MARK}: reviews the staged tree before each commit.\n\
         # To remove it: planwright review hook uninstall. To commit without it once: git commit --no-verify.\n\
         local_hook=\"$(dirname \"$0\")/{KEPT}\"\n\
         if [ -x \"$local_hook\" ]; then \"$local_hook\" \"$@\" || exit $?; fi\n\
         exec {} review --hook\n",
        quoted(executable)
    )
}

/// Quoted for a POSIX shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<(), fs::Error> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
        .map_err(|source| fs::Error::new("make executable", path, source))
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> Result<(), fs::Error> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_folder(check: impl FnOnce(&Path)) {
        let home = tempfile::tempdir().unwrap();
        check(home.path());
    }

    #[test]
    fn installs_once_and_again_and_goes_without_a_trace() {
        in_folder(|folder| {
            for _ in 0..2 {
                let installed = install(folder, &[folder], Path::new("/bin/it's")).unwrap();
                assert_eq!(installed.kept, None);
            }
            let text = fs::read_text(&folder.join(NAME)).unwrap();
            assert!(text.ends_with("exec '/bin/it'\\''s' review --hook\n"), "{text}");
            assert!(uninstall(folder).unwrap());
            assert!(!uninstall(folder).unwrap());
            assert_eq!(fs::list(folder).unwrap().len(), 0);
        });
    }

    #[test]
    fn a_hook_of_somebody_else_is_kept_chained_and_put_back() {
        in_folder(|folder| {
            fs::write(&folder.join(NAME), b"#!/bin/sh\nmine\n").unwrap();
            let installed = install(folder, &[folder], Path::new("/bin/pw")).unwrap();
            assert_eq!(installed.kept, Some(folder.join(KEPT)));
            assert!(is_installed(folder).unwrap());
            uninstall(folder).unwrap();
            assert_eq!(fs::read_text(&folder.join(NAME)).unwrap(), "#!/bin/sh\nmine\n");
            assert!(matches!(uninstall(folder), Err(Error::Foreign { .. })));
        });
    }

    #[test]
    fn nothing_is_overwritten_and_no_folder_of_others_is_touched() {
        in_folder(|folder| {
            fs::write(&folder.join(NAME), b"one").unwrap();
            fs::write(&folder.join(KEPT), b"two").unwrap();
            assert!(matches!(install(folder, &[folder], Path::new("/pw")), Err(Error::Taken { .. })));
            let outside = install(folder, &[Path::new("/elsewhere")], Path::new("/pw"));
            assert!(matches!(outside, Err(Error::Elsewhere { .. })));
            assert_eq!(fs::read_text(&folder.join(NAME)).unwrap(), "one");
        });
    }
}
