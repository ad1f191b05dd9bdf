//! git on a repository that somebody else's processes have been in.

use std::path::Path;

use planwright::artifact::{Branch, CommitId, RepoPath};
use planwright::error::{Exit, Failure as _};
use planwright::git::{Error, Repo, Status};

use crate::support::World;

fn repo(world: &World) -> Repo {
    at(world, world.root()).unwrap()
}

fn at(world: &World, dir: &Path) -> Result<Repo, Error> {
    let environment: Vec<_> =
        world.environment().iter().map(|(name, value)| (name.into(), value.into())).collect();
    world.wait(Repo::discover(dir, &environment))
}

/// Fails if any of the traps that a test laid has run, and says who sprang it.
fn assert_nothing_ran(world: &World) {
    for entry in std::fs::read_dir(world.home()).unwrap() {
        let path = entry.unwrap().path();
        let is_trace = path.file_name().unwrap().to_string_lossy().starts_with("trap-");
        assert!(!is_trace, "{} was sprung by {}", path.display(), world.read(&path));
    }
}

/// A program that leaves a trace when it runs.
fn trap(world: &World, at: impl AsRef<Path>, name: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = world.write(
        at,
        &format!(
            "#!/bin/sh\ntr '\\0' ' ' < /proc/$PPID/cmdline > {}/trap-{name}\ncat\n",
            world.home().display()
        ),
    );
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn places_and_names_are_found_from_a_folder_inside() {
    let world = World::with(&[("src/deep/a.txt", "a\n")]);
    world.git(&["remote", "add", "origin", "https://github.com/ada/hello.git"]);
    let repo = at(&world, &world.root().join("src/deep")).unwrap();
    assert_eq!(repo.root(), world.root());
    assert_eq!(repo.common_dir(), world.root().join(".git"));
    assert_eq!(repo.git_dir(), repo.common_dir());
    world.wait(async {
        assert_eq!(repo.current_branch().await.unwrap(), Some(Branch("main".into())));
        assert_eq!(repo.default_branch().await.unwrap(), Some(Branch("main".into())));
        let url = repo.remote_url("origin").await.unwrap();
        assert_eq!(url.as_deref(), Some("https://github.com/ada/hello.git"));
        assert_eq!(repo.remote_url("other").await.unwrap(), None);
        assert_eq!(repo.hooks_dir().await.unwrap(), world.root().join(".git/hooks"));
        assert!(!repo.is_dirty().await.unwrap());
    });
    world.write("new.txt", "");
    assert!(world.wait(repo.is_dirty()).unwrap());
}

#[test]
fn no_repository_no_commit_and_a_detached_head_are_told_apart() {
    let bare = World::bare();
    let error = at(&bare, bare.root()).unwrap_err();
    assert!(matches!(error, Error::NotARepository { .. }), "{error:?}");
    assert_eq!((error.exit(), error.hints()), (Exit::Usage, vec!["git init".to_owned()]));
    let empty = World::empty();
    let error = empty.wait(repo(&empty).require_head()).unwrap_err();
    assert!(matches!(error, Error::EmptyRepository { .. }), "{error:?}");
    let world = World::with(&[("a.txt", "a\n")]);
    world.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(world.wait(repo(&world).current_branch()).unwrap(), None);
}

#[test]
fn a_git_that_is_not_there_is_told() {
    let world = World::with(&[("a.txt", "a\n")]);
    let environment = [("PATH".into(), world.home().into_os_string())];
    let error = world.wait(Repo::discover(world.root(), &environment)).unwrap_err();
    assert!(matches!(error, Error::GitMissing), "{error:?}");
}

#[test]
fn a_change_is_frozen_read_and_committed_without_touching_anything_else() {
    let world = World::with(&[
        ("kept.txt", "kept\n"),
        ("old.txt", "1\n2\n3\n4\n"),
        ("gone.txt", "gone\n"),
        (".gitignore", "*.log\n"),
    ]);
    world.write("kept.txt", "kept\nmore\n");
    std::fs::rename(world.root().join("old.txt"), world.root().join("new name.txt")).unwrap();
    std::fs::remove_file(world.root().join("gone.txt")).unwrap();
    world.write("noise.log", "noise\n");
    let repo = repo(&world);
    world.wait(async {
        let head = repo.require_head().await.unwrap();
        let base = repo.tree_of(&head).await.unwrap();
        let tree = repo.stage_all().await.unwrap();
        let changes: Vec<_> = repo
            .changes(&base, &tree)
            .await
            .unwrap()
            .into_iter()
            .map(|change| (change.path.to_string(), change.status, change.added, change.removed))
            .collect();
        let old = Status::Renamed { from: "old.txt".parse().unwrap() };
        assert_eq!(
            changes,
            [
                ("gone.txt".to_owned(), Status::Deleted, Some(0), Some(1)),
                ("kept.txt".to_owned(), Status::Modified, Some(1), Some(0)),
                ("new name.txt".to_owned(), old, Some(0), Some(0)),
            ]
        );
        assert!(repo.diff(&base, &tree, 3).await.unwrap().contains("\n kept\n+more\n"));
        let kept = repo.read_blob(&tree, &"kept.txt".parse().unwrap()).await.unwrap();
        assert_eq!(kept.as_deref(), Some(&b"kept\nmore\n"[..]));
        assert_eq!(repo.read_blob(&tree, &"gone.txt".parse().unwrap()).await.unwrap(), None);
        assert_eq!(repo.list_tree(&tree).await.unwrap().len(), 3);
        let commit =
            repo.commit_tree(&tree, std::slice::from_ref(&head), "Say more\n\nCloses #34\n").await.unwrap();
        assert_eq!(repo.head().await.unwrap(), Some(head.clone()), "a commit moves no branch");
        let main = Branch("main".into());
        repo.move_branch(&main, &commit, Some(&head)).await.unwrap();
        let again = repo.move_branch(&main, &commit, Some(&head)).await.unwrap_err();
        assert!(matches!(again, Error::Moved { .. }), "{again:?}");
        assert!(!repo.is_dirty().await.unwrap());
        let log = repo.log("HEAD", 10).await.unwrap();
        assert_eq!((log.len(), &log[0].id, log[0].message.as_str()), (2, &commit, "Say more\n\nCloses #34"));
    });
}

#[test]
fn everything_is_new_against_the_empty_tree() {
    let world = World::empty();
    world.write("a.txt", "a\n");
    let repo = repo(&world);
    world.wait(async {
        let (empty, tree) = (repo.empty_tree().await.unwrap(), repo.stage_all().await.unwrap());
        let changes = repo.changes(&empty, &tree).await.unwrap();
        assert_eq!((changes.len(), &changes[0].status), (1, &Status::Added));
        let commit = repo.commit_tree(&tree, &[], "Begin").await.unwrap();
        repo.move_branch(&Branch("main".into()), &commit, None).await.unwrap();
        assert_eq!(repo.head().await.unwrap(), Some(commit));
    });
}

#[test]
fn nothing_that_a_work_tree_brings_along_runs() {
    let world = World::with(&[("a.txt", "a\n"), ("b.txt", "b\n")]);
    let program = trap(&world, "trap.sh", "program");
    for hook in ["post-checkout", "reference-transaction", "pre-commit", "post-index-change", "pre-push"] {
        trap(&world, format!(".git/hooks/{hook}"), hook);
    }
    for (key, value) in [
        ("filter.evil.clean", "./trap.sh"),
        ("filter.evil.smudge", "./trap.sh"),
        ("filter.evil.required", "true"),
        ("filter.with.dots.process", "./trap.sh"),
        ("diff.evil.command", "./trap.sh"),
        ("diff.evil.textconv", "./trap.sh"),
        ("diff.external", program.as_str()),
        ("core.fsmonitor", program.as_str()),
        ("core.pager", program.as_str()),
        ("gpg.program", program.as_str()),
        ("commit.gpgSign", "true"),
    ] {
        world.git(&["config", key, value]);
    }
    world.write(".gitattributes", "a.txt filter=evil diff=evil\nb.txt filter=with.dots\n");
    world.write("a.txt", "changed\n");
    world.write("b.txt", "changed\n");
    let repo = repo(&world);
    world.wait(async {
        let head = repo.require_head().await.unwrap();
        let base = repo.tree_of(&head).await.unwrap();
        assert!(repo.is_dirty().await.unwrap());
        let tree = repo.stage_all().await.unwrap();
        assert!(repo.diff(&base, &tree, 3).await.unwrap().contains("+changed"));
        let commit = repo.commit_tree(&tree, std::slice::from_ref(&head), "Change").await.unwrap();
        repo.move_branch(&Branch("main".into()), &commit, Some(&head)).await.unwrap();
        let bench = world.folder().join("bench");
        let worktree = repo.add_worktree(&bench, &Branch("work".into()), &commit).await.unwrap();
        assert!(!worktree.is_dirty().await.unwrap());
        repo.log("HEAD", 5).await.unwrap();
    });
    assert_nothing_ran(&world);
}

#[cfg(unix)]
#[test]
fn a_file_of_any_name_is_listed_compared_and_read() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let world = World::with(&[("a.txt", "a\n")]);
    let names = ["back\\slash", "new\nline", "quo\"te", "tab\there", "-dash", ":(top)x", " blank", "naïve"];
    for name in names {
        world.write(name, &format!("this is {name}"));
    }
    world.write(world.root().join(OsStr::from_bytes(b"latin-\xe9")), "no UTF-8\n");
    let repo = repo(&world);
    let (changed, listed, read) = world.wait(async {
        let base = repo.tree_of(&repo.require_head().await.unwrap()).await.unwrap();
        let tree = repo.stage_all().await.unwrap();
        let changed = repo.changes(&base, &tree).await.unwrap();
        let listed = repo.list_tree(&tree).await.unwrap();
        let mut read = Vec::new();
        let each = |path: &RepoPath, bytes: &[u8]| read.push((path.clone(), bytes.to_vec()));
        repo.read_blobs(&tree, &listed, u64::MAX, each).await.unwrap();
        for name in names {
            let path = name.parse().unwrap();
            let content = repo.read_blob(&tree, &path).await.unwrap().unwrap();
            assert_eq!(String::from_utf8(content).unwrap(), format!("this is {name}"));
            assert!(read.contains(&(path, format!("this is {name}").into_bytes())), "{name:?}: {read:?}");
        }
        (changed, listed, read)
    });
    assert_eq!(
        (changed.len(), listed.len(), read.len()),
        (names.len() + 1, names.len() + 2, names.len() + 2)
    );
    assert!(listed.iter().any(|path| path.as_str() == "latin-\u{fffd}"), "{listed:?}");
}

#[test]
fn many_files_are_read_in_order_and_what_is_too_large_or_gone_is_passed_over() {
    let world = World::with(&[("a", "1"), ("b", "twice"), ("c", ""), ("d", "twice")]);
    let repo = repo(&world);
    let paths = ["d", "gone", "c", "b", "a"].map(|path| path.parse::<RepoPath>().unwrap());
    let mut read = Vec::new();
    world.wait(async {
        let tree = repo.tree_of(&repo.require_head().await.unwrap()).await.unwrap();
        let each = |path: &RepoPath, bytes: &[u8]| read.push(format!("{path}={}", bytes.len()));
        repo.read_blobs(&tree, &paths, 4, each).await.unwrap();
    });
    assert_eq!(read, ["c=0", "a=1"]);
}

#[test]
fn what_checks_leave_behind_is_not_staged_unless_it_was_tracked() {
    let world =
        World::with(&[("a.py", "a\n"), ("kept/x.pyc", "tracked\n"), (".gitignore", "!.tox\n*.log\n")]);
    for path in
        ["kept/x.pyc", "b.py", "b.pyc", ".tox/log", ".pytest_cache/v/1", ".pytest_cache/v/2", "noise.log"]
    {
        world.write(path, "new\n");
    }
    let repo = repo(&world);
    let (tree, litter) =
        world.wait(async { (repo.stage_all().await.unwrap(), repo.litter().await.unwrap()) });
    let paths: Vec<_> = world.wait(repo.list_tree(&tree)).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(paths, [".gitignore", "a.py", "b.py", "kept/x.pyc"]);
    assert_eq!(world.git(&["show", &format!("{tree}:kept/x.pyc")]), "new");
    let litter: Vec<_> = litter.iter().map(|(part, files)| (part.as_str(), *files)).collect();
    assert_eq!(litter, [(".pytest_cache/", 2), (".tox/", 1), ("b.pyc", 1)]);
}

#[test]
fn a_nested_repository_runs_nothing_and_stays_out() {
    let world = World::with(&[("a.txt", "a\n")]);
    let program = trap(&world, world.home().join("bin/trap"), "nested");
    let nested = world.root().join("nested");
    for args in [
        &["init", "--quiet", "nested"][..],
        &["-C", "nested", "commit", "--quiet", "--allow-empty", "-m", "Begin"],
        &["-C", "nested", "config", "core.fsmonitor", &program],
        &["-C", "nested", "config", "filter.evil.clean", &program],
    ] {
        world.git(args);
    }
    world.write("nested/.gitattributes", "* filter=evil\n");
    world.write("nested/file", "x\n");
    world.write("b.txt", "b\n");
    let repo = repo(&world);
    for round in 0..2 {
        world.write("a.txt", &format!("{round}\n"));
        let tree = world.wait(repo.stage_all()).unwrap();
        let paths: Vec<_> =
            world.wait(repo.list_tree(&tree)).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(paths, ["a.txt", "b.txt"]);
    }
    assert!(world.wait(repo.is_dirty()).unwrap());
    assert!(nested.join(".git").is_dir());
    assert_nothing_ran(&world);
}

#[test]
fn an_attribute_hides_no_change_from_the_reader() {
    let world = World::with(&[("a.rs", "fn a() {}\n"), (".gitattributes", "*.rs binary\n")]);
    world.write("a.rs", "fn a() { steal() }\n");
    let repo = repo(&world);
    world.wait(async {
        let base = repo.tree_of(&repo.require_head().await.unwrap()).await.unwrap();
        let tree = repo.stage_all().await.unwrap();
        assert!(repo.diff(&base, &tree, 3).await.unwrap().contains("+fn a() { steal() }"));
        assert_eq!(repo.changes(&base, &tree).await.unwrap()[0].added, Some(1));
    });
}

#[test]
fn a_rewritten_git_file_changes_nothing() {
    let world = World::with(&[("a.txt", "a\n")]);
    let evil = world.folder().join("evil");
    world.git(&["init", "--quiet", evil.to_str().unwrap()]);
    let program = trap(&world, world.home().join("bin/trap"), "evil");
    world.git(&["-C", evil.to_str().unwrap(), "config", "core.fsmonitor", &program]);
    let repo = repo(&world);
    let path = world.folder().join("bench");
    world.wait(async {
        let head = repo.require_head().await.unwrap();
        let bench = repo.add_worktree(&path, &Branch("work".into()), &head).await.unwrap();
        world.write(path.join(".git"), &format!("gitdir: {}/.git\n", evil.display()));
        world.write(path.join("a.txt"), "changed\n");
        let tree = bench.stage_all().await.unwrap();
        let commit = bench.commit_tree(&tree, std::slice::from_ref(&head), "Change").await.unwrap();
        bench.move_branch(&Branch("work".into()), &commit, Some(&head)).await.unwrap();
        let again = repo.open_worktree(&path).unwrap();
        assert_eq!(again.git_dir(), bench.git_dir());
        assert_eq!(again.head().await.unwrap(), Some(commit));
        assert_eq!(again.current_branch().await.unwrap(), Some(Branch("work".into())));
        repo.remove_worktree(&path).unwrap();
        repo.delete_branch(&Branch("work".into())).await.unwrap();
    });
    assert!(!path.exists() && repo.worktrees().unwrap().is_empty());
    assert!(matches!(repo.open_worktree(&path), Err(Error::NoWorktree { .. })));
    assert_eq!(world.git(&["worktree", "list"]).lines().count(), 1);
    assert_nothing_ran(&world);
}

#[test]
fn a_branch_that_is_there_is_not_made_again() {
    let world = World::with(&[("a.txt", "a\n")]);
    let repo = repo(&world);
    let head = world.wait(repo.require_head()).unwrap();
    let path = world.folder().join("bench");
    let error = world.wait(repo.add_worktree(&path, &Branch("main".into()), &head)).unwrap_err();
    assert!(matches!(error, Error::BranchExists { .. }), "{error:?}");
    assert!(!path.exists());
}

#[test]
fn the_index_that_a_hook_is_given_is_the_one_that_counts() {
    let mut world = World::with(&[("a.txt", "a\n"), ("b.txt", "b\n")]);
    world.write("a.txt", "changed\n");
    world.write("b.txt", "changed\n");
    world.git(&["add", "a.txt"]);
    std::fs::copy(world.root().join(".git/index"), world.root().join(".git/next-index")).unwrap();
    world.git(&["reset", "--quiet"]);
    world.set("GIT_INDEX_FILE", ".git/next-index").set("GIT_DIR", ".git");
    let repo = repo(&world);
    let (head, tree) =
        world.wait(async { (repo.require_head().await.unwrap(), repo.write_tree().await.unwrap()) });
    let base = world.wait(repo.tree_of(&head)).unwrap();
    let changes = world.wait(repo.changes(&base, &tree)).unwrap();
    assert_eq!(changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["a.txt"]);
}

#[test]
fn a_branch_is_pushed_to_the_branch_of_the_same_name() {
    let world = World::with(&[("a.txt", "a\n")]);
    let remote = world.folder().join("remote.git");
    world.git(&["init", "--quiet", "--bare", remote.to_str().unwrap()]);
    world.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    let repo = repo(&world);
    world.wait(repo.push("origin", &Branch("main".into()))).unwrap();
    let there = world.git(&["-C", remote.to_str().unwrap(), "rev-parse", "refs/heads/main"]);
    assert_eq!(world.wait(repo.head()).unwrap(), Some(CommitId(there)));
}

#[test]
fn a_name_and_an_address_are_needed_to_commit() {
    let mut world = World::with(&[("a.txt", "a\n")]);
    world.git(&["config", "user.useConfigOnly", "true"]);
    for name in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"] {
        world.set(name, "");
    }
    let repo = repo(&world);
    let tree = world.wait(repo.stage_all()).unwrap();
    let error = world.wait(repo.commit_tree(&tree, &[], "Begin")).unwrap_err();
    assert!(matches!(error, Error::NoIdentity), "{error:?}");
}
