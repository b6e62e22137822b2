package forge

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// nameBytes are those of the target's name in that of the unfinished file; file systems allow 255.
const nameBytes = 200

// atomicFile appears whole or not at all: write to it, then commit, and the bytes are on the disk
// before the name is. The unfinished file lies beside its target, hidden, readable by its owner only. After discard it
// is gone, or with keepPartial it is <name>.partial. A symbolic link is followed.
type atomicFile struct {
	place       string
	unfinished  *os.File
	keepPartial bool
	ended       bool
}

func createAtomic(target string, keepPartial bool) (*atomicFile, error) {
	place, err := filepath.EvalSymlinks(target)
	if errors.Is(err, fs.ErrNotExist) {
		place, err = target, nil
	}
	if err != nil {
		return nil, err
	}
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	name := filepath.Base(place)
	hidden := "." + name[:min(len(name), nameBytes)] + "." + hex.EncodeToString(random[:]) + ".part"
	file, err := os.OpenFile(filepath.Join(filepath.Dir(place), hidden), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	return &atomicFile{place: place, unfinished: file, keepPartial: keepPartial}, err
}

func (f *atomicFile) write(piece []byte) error {
	_, err := f.unfinished.Write(piece)
	return err
}

// commit gives the file its name, in place of an older one.
func (f *atomicFile) commit() error {
	if err := errors.Join(f.unfinished.Sync(), f.unfinished.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.unfinished.Name(), f.place); err != nil {
		return err
	}
	f.ended = true
	return syncFolder(filepath.Dir(f.place))
}

// discard gives up what was written; nothing after commit.
func (f *atomicFile) discard() {
	if f.ended {
		return
	}
	f.ended = true
	f.unfinished.Close() // what a full disk did not take is lost anyway
	if f.keepPartial {
		os.Rename(f.unfinished.Name(), f.place+".partial")
	} else {
		os.Remove(f.unfinished.Name())
	}
}

// syncFolder makes a new name durable, where folders can be opened.
func syncFolder(folder string) error {
	opened, err := os.Open(folder)
	if err != nil {
		return nil
	}
	defer opened.Close()
	opened.Sync() // some systems cannot; the file itself is safe
	return nil
}

// chooseTarget is the path itself, or in a folder the served name made safe; an error if that is taken.
func chooseTarget(path, served string) (string, error) {
	about, err := os.Stat(path)
	if err != nil || !about.IsDir() {
		return path, nil
	}
	target := filepath.Join(path, safeFileName(served))
	if _, err := os.Lstat(target); err == nil {
		return "", &fs.PathError{Op: "create", Path: target, Err: fs.ErrExist}
	}
	return target, nil
}
